"""The fast path in its three forms, which have to come to the same."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import TypeAlias

import pytest

from conformance.native import build, handing
from conformance.simulation import compiled

Modules: TypeAlias = dict[str, ModuleType] | None


def _sources() -> Modules:
    return None


def _written_out(what: build.Build, folder: Path) -> Modules:
    """What would be compiled, as plain Python."""
    build.write_sources(what, folder)
    before = {name for name in sys.modules if name.startswith(what.prefix)}
    taken = {name: sys.modules.pop(name) for name in before}
    sys.path.insert(0, str(folder))
    try:
        names = map(build.module, build.sources(what))
        return {name: importlib.import_module(what.prefix + name) for name in names}
    finally:
        sys.path.remove(str(folder))
        for name in [name for name in sys.modules if name.startswith(what.prefix)]:
            del sys.modules[name]
        sys.modules.update(taken)


@pytest.fixture(scope="session")
def written_out(tmp_path_factory: pytest.TempPathFactory) -> Modules:
    return _written_out(build.AUDITS, tmp_path_factory.mktemp("audits"))


@pytest.fixture(scope="session")
def written_out_runs(tmp_path_factory: pytest.TempPathFactory) -> Modules:
    return _written_out(build.RUNS, tmp_path_factory.mktemp("runs"))


def _put_in_place(what: build.Build, modules: Modules, monkeypatch: pytest.MonkeyPatch) -> None:
    """The specification looks for the rules of a drain by the name of their package."""
    for name, module in (modules or {}).items():
        monkeypatch.setitem(sys.modules, what.prefix + name, module)


@pytest.fixture(params=["written out", "compiled"])
def copies(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Modules:
    """The copies that play episodes of `conformance check`, one form after the other."""
    if request.param == "written out":
        modules: Modules = request.getfixturevalue("written_out_runs")
    elif (modules := build.compiled(build.RUNS)) is None:
        pytest.skip("they are not compiled: `make native` does that")
    _put_in_place(build.RUNS, modules, monkeypatch)
    monkeypatch.setattr(compiled, "compiled", lambda what: modules)
    return modules


@pytest.fixture(params=["sources", "written out", "compiled"])
def form(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """One form after the other is the one that audits use."""
    forms: dict[str, Callable[[], Modules]] = {
        "sources": _sources,
        "written out": lambda: request.getfixturevalue("written_out"),
        "compiled": lambda: build.compiled(build.AUDITS),
    }
    modules = forms[request.param]()
    if request.param == "compiled" and modules is None:
        pytest.skip("it is not compiled: `make native` does that")
    _put_in_place(build.AUDITS, modules, monkeypatch)
    monkeypatch.setattr(handing, "compiled", lambda what: modules)
    handing._conversion.cache_clear()
    yield request.param
    handing._conversion.cache_clear()
