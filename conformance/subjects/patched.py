"""Copies of the library and of the specification with some of their source text replaced.

Checkers are tested on deliberately broken copies.  A patch names a text that occurs exactly once;
one that does not fit any more fails loudly.
"""

from __future__ import annotations

import importlib.util
import re
import sys
from ast import AST, AnnAssign, Assign, Compare, Constant, Name, expr, parse, walk
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
from spec import rules
from spec.cluster import Rule, rules_of

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
    return _imported(_copy(raftbare, patches))


def library_sources() -> dict[str, str]:
    """The text of each module of the library, by name."""
    return _sources(raftbare)


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
        yield _loaded(finder)
    finally:
        sys.meta_path.remove(finder)
        _taken_out(finder.name)
        sys.modules.update(hidden)


def _loaded(finder: _Finder) -> ModuleType:
    """The package, which the finder finds by now, and what the library leaves to its user."""
    package = importlib.import_module(finder.name)
    if "codec.__init__" in finder.sources:
        importlib.import_module(f"{finder.name}.codec")
    return package


def _taken_out(name: str) -> dict[str, ModuleType]:
    """The package and its modules, which Python now does not know any more."""
    found = [module for module in sys.modules if module.split(".")[0] == name]
    return {module: sys.modules.pop(module) for module in found}


def _copy(package: ModuleType, patches: Sequence[Patch]) -> _Finder:
    sources = {name: _patched(source, name, patches) for name, source in _sources(package).items()}
    unknown = {patch.file for patch in patches} - sources.keys()
    if unknown:
        raise PatchError(f"{package.__name__} has no module {', '.join(sorted(unknown))}")
    return _finder(package, sources)


def _finder(package: ModuleType, sources: dict[str, str]) -> _Finder:
    name = f"{package.__name__.replace('.', '_')}_patched_{next(_copies)}"
    return _Finder(name, sources, package.__name__)


@lru_cache(maxsize=8)
def resized(library: ModuleType, size: int) -> ModuleType:
    """A copy that does from `size` on what the library does from some larger size on.

    Of marks, for example, many are kept otherwise than a few, and no random run has so many.  The
    codec is left as it is: its numbers are those of bytes.
    """
    sources = {
        name: source if name.startswith("codec") else _resized(source, size)
        for name, source in _sources(library).items()
    }
    with _imported(_finder(library, sources)) as copy:
        return copy


SIZES: Final = range(8, 4097)
"""Numbers that the library compares something with, or has a name for: of this order, they are
sizes from which on it does something otherwise.
"""


NUMBERS: Final = re.compile(r"[<>=]\s*(?:[89]|[1-9]\d)|\b(?:[89]|[1-9]\d+)\s*[<>=]")
"""Most modules have none, and to parse them all would cost as much as a long episode."""


def _resized(source: str, size: int) -> str:
    """With `size` in the place of every size."""
    if not NUMBERS.search(source):
        return source
    lines = source.encode().splitlines(keepends=True)
    places = [
        (one.lineno - 1, one.col_offset, one.end_col_offset)
        for node in walk(parse(source))
        for one in _numbers(node)
        if isinstance(one, Constant) and type(one.value) is int and one.value in SIZES
    ]
    for row, first, end in sorted(places, reverse=True):
        lines[row] = lines[row][:first] + str(size).encode() + lines[row][end:]
    return b"".join(lines).decode()


def _numbers(node: AST) -> list[expr]:
    """What something is compared with, or what a constant is."""
    match node:
        case Compare(left, _, comparators):
            return [left, *comparators]
        case AnnAssign(Name(name), _, expr() as value) | Assign([Name(name)], expr() as value):
            return [value] if name.isupper() else []
    return []


def _sources(package: ModuleType) -> dict[str, str]:
    """The text of a package's modules: "log", "codec.binary", and "codec.__init__" of a package."""
    loader = package.__spec__.loader if package.__spec__ is not None else None
    if isinstance(loader, _Loader):
        return loader.package
    assert package.__file__ is not None
    root = Path(package.__file__).parent
    return {
        ".".join(path.relative_to(root).with_suffix("").parts): path.read_text(encoding="utf-8")
        for path in sorted(root.rglob("*.py"))
    }


class _Finder(MetaPathFinder):
    """Finds the modules of a patched copy, whose imports of the original it redirects."""

    def __init__(self, name: str, sources: dict[str, str], original: str = "raftbare") -> None:
        self.name = name
        self.sources = {
            module: source.replace(f"from {original}", f"from {name}")
            for module, source in sources.items()
        }

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        package, _, module = fullname.partition(".")
        if package != self.name:
            return None
        of_package = f"{module}.__init__" if module else "__init__"
        source = self.sources.get(module, self.sources.get(of_package))
        if source is None:
            return None
        is_package = module not in self.sources
        loader = _Loader(source, self.sources)
        return importlib.util.spec_from_loader(fullname, loader, is_package=is_package)


class _Loader(Loader):
    """`package`: the text of all modules of the package that this one is of."""

    def __init__(self, source: str, package: dict[str, str]) -> None:
        self.source = source
        self.package = package

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
    finder = _copy(raftbare, ())
    sys.meta_path.insert(0, finder)
    return _loaded(finder)


PURE: Final = _pure()
"""The library as plain Python, whose slots can be set and whose numbers may be symbolic: raftbare
itself, or a copy from its sources where that is compiled.
"""


def in_rules(old: str, new: str) -> Patch:
    """The patch of the one module of `spec.rules` in which `old` occurs."""
    modules = [name for name, source in _sources(rules).items() if old in source]
    if len(modules) != 1:
        raise PatchError(f"spec.rules: in {len(modules)} modules, expected one:\n{old}")
    return Patch(modules[0], old, new)


def patched_rule(*patches: Patch) -> Rule:
    """The step of a patched copy of `spec.rules`, on the original values.

    The copy stays imported, so that `modules_of` finds it.
    """
    finder = _copy(rules, patches)
    with _imported(finder) as copy:
        kept = {name: module for name, module in sys.modules.items() if _is_in(name, finder.name)}
    sys.modules.update(kept)
    step: Rule = copy.step
    return step


def modules_of(step: Rule) -> list[ModuleType]:
    """The package of the rules that it is one of, and its modules."""
    package = rules_of(step).__name__
    return [module for name, module in list(sys.modules.items()) if _is_in(name, package)]


def _is_in(module: str, package: str) -> bool:
    return f"{module}.".startswith(f"{package}.")
