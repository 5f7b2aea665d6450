"""Copies of the library and of the specification with some of their source text replaced.

A checker is only worth what it catches, so the tests give it deliberately broken copies.  A patch
names a text that occurs exactly once; one that does not fit any more fails loudly.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import lru_cache
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from itertools import count
from pathlib import Path
from types import CodeType, ModuleType
from typing import Final

import raftbare
import spec.node
from spec.cluster import Rule

_copies = count()


@dataclass(frozen=True, slots=True)
class Patch:
    """In the module named `file`, `old` gives way to `new`."""

    file: str
    old: str
    new: str


class PatchError(Exception):
    """The text to replace does not occur exactly once."""


def _patched(source: str, name: str, patches: Sequence[Patch]) -> str:
    for patch in patches:
        if patch.file != name:
            continue
        if source.count(patch.old) != 1:
            times = source.count(patch.old)
            raise PatchError(f"{name}: found {times} times, expected once:\n{patch.old}")
        source = source.replace(patch.old, patch.new)
    return source


def patched_library(*patches: Patch) -> AbstractContextManager[ModuleType]:
    """A patched copy of the package raftbare, importable under a name of its own meanwhile."""
    return _imported(_copy(patches))


def library_from(sources: dict[str, str], name: str) -> AbstractContextManager[ModuleType]:
    """A package with the text of these modules, importable under that name meanwhile.

    It may be "raftbare": who imports that meanwhile gets this one.
    """
    return _imported(_Finder(name, sources))


@contextmanager
def _imported(finder: _Finder) -> Iterator[ModuleType]:
    hidden = _taken_out(finder.name)
    sys.meta_path.insert(0, finder)
    try:
        yield importlib.import_module(finder.name)
    finally:
        sys.meta_path.remove(finder)
        _taken_out(finder.name)
        sys.modules.update(hidden)


def _taken_out(name: str) -> dict[str, ModuleType]:
    """The package and its modules, which Python now does not know any more."""
    found = [module for module in sys.modules if module.split(".")[0] == name]
    return {module: sys.modules.pop(module) for module in found}


def _copy(patches: Sequence[Patch]) -> _Finder:
    assert raftbare.__file__ is not None
    sources = {
        path.stem: _patched(path.read_text(encoding="utf-8"), path.stem, patches)
        for path in Path(raftbare.__file__).parent.glob("*.py")
    }
    unknown = {patch.file for patch in patches} - sources.keys()
    if unknown:
        raise PatchError(f"raftbare has no module {', '.join(sorted(unknown))}")
    return _Finder(f"raftbare_patched_{next(_copies)}", sources)


class _Finder(MetaPathFinder):
    """Finds the modules of a patched copy, whose imports of the original it redirects."""

    def __init__(self, name: str, sources: dict[str, str]) -> None:
        self.name = name
        self.sources = sources

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        package, _, module = fullname.partition(".")
        if package != self.name or (module or "__init__") not in self.sources:
            return None
        is_package = not module
        loader = _Loader(self.sources[module or "__init__"], self.name)
        return importlib.util.spec_from_loader(fullname, loader, is_package=is_package)


class _Loader(Loader):
    def __init__(self, source: str, name: str) -> None:
        self.source = source.replace("from raftbare", f"from {name}")

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        exec(_compiled(self.source, f"<{module.__name__}>"), module.__dict__)


@lru_cache(maxsize=64)
def _compiled(source: str, name: str) -> CodeType:
    """Most modules of a copy are those of the last one."""
    return compile(source, name, "exec")


def _pure() -> ModuleType:
    if not raftbare.compiled:
        return raftbare
    finder = _copy(())
    sys.meta_path.insert(0, finder)
    return importlib.import_module(finder.name)


PURE: Final = _pure()
"""The library as plain Python, whose slots can be set and whose numbers may be symbolic: raftbare
itself, or a copy from its sources where that is compiled.
"""


def patched_rule(*patches: Patch) -> Rule:
    """A patched copy of `spec.node.step`; the values it speaks of are the original ones."""
    assert spec.node.__file__ is not None
    source = _patched(Path(spec.node.__file__).read_text(encoding="utf-8"), "node", patches)
    module = ModuleType(f"spec_node_patched_{next(_copies)}")
    sys.modules[module.__name__] = module  # where dataclasses look for it
    exec(compile(source, f"<{module.__name__}>", "exec"), module.__dict__)
    step: Rule = module.step
    return step
