"""The fast path in its three forms, which have to come to the same."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import TypeAlias

import pytest

from conformance.native import build, handing

Modules: TypeAlias = dict[str, ModuleType] | None


def _sources() -> Modules:
    return None


@pytest.fixture(scope="session")
def written_out(tmp_path_factory: pytest.TempPathFactory) -> Modules:
    """What would be compiled, as plain Python."""
    folder = tmp_path_factory.mktemp("written_out")
    build.write_sources(folder)
    before = {name for name in sys.modules if name.startswith(build.PREFIX)}
    taken = {name: sys.modules.pop(name) for name in before}
    sys.path.insert(0, str(folder))
    try:
        names = map(build.module, build.sources())
        return {name: importlib.import_module(build.PREFIX + name) for name in names}
    finally:
        sys.path.remove(str(folder))
        for name in [name for name in sys.modules if name.startswith(build.PREFIX)]:
            del sys.modules[name]
        sys.modules.update(taken)


@pytest.fixture(params=["sources", "written out", "compiled"])
def form(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """One form after the other is the one that audits use."""
    forms: dict[str, Callable[[], Modules]] = {
        "sources": _sources,
        "written out": lambda: request.getfixturevalue("written_out"),
        "compiled": build.compiled,
    }
    modules = forms[request.param]()
    if request.param == "compiled" and modules is None:
        pytest.skip("it is not compiled: `make native` does that")
    monkeypatch.setattr(handing, "compiled", lambda: modules)
    handing._conversion.cache_clear()
    yield request.param
    handing._conversion.cache_clear()
