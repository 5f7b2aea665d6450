"""What a proof rests on, as hashes of source text: of each function, and of all the rest.

A proof is repeated only if the code that it ran has changed.  Each function of `spec` and
`raftbare` is a unit of its own: a proof rests on those that were called while it went on.  On the
rest of the two packages (classes, constants, imports) every proof rests, and on the modules that it
is written in.  Comments, docstrings and positions are no part of any hash.

A function that nobody calls makes no difference to a proof, and what is called is known from
running it.  So what the hash of the rest leaves out, are bodies of functions, and functions of
modules altogether: unless their definition does something by itself (a decorator), or takes the
place of something else of that name.
"""

from __future__ import annotations

import ast
import builtins
import hashlib
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Final, TypeAlias

from raftbare.certified import BESIDE

PROVED: Final = ("spec", "raftbare")
CHECKOUT: Final = Path(__file__).parents[3]
HARMLESS: Final = ("property", "classmethod", "staticmethod", "setter", "override", "final")
"""Decorators that run nothing as a function is defined, and remember nothing that it returns."""
BY_THEMSELVES: Final = ("__init__", "__new__", "__post_init__", "__init_subclass__", "__set_name__")

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Sources:
    """`rest`: a hash of what every proof rests on.  `functions`: of each function, named
    `module:qualified name`; `unasked` are those that the rest has in it.  `texts`: of each module
    that was read, its text.
    """

    rest: str
    functions: Mapping[str, str]
    unasked: frozenset[str]
    texts: Mapping[str, str]

    def digest(self, called: Iterable[str]) -> str | None:
        """What a proof rests on that called these; None if there is one no more."""
        hashes = [(name, self.functions.get(name)) for name in sorted(called)]
        if any(found is None for _, found in hashes):
            return None
        return _hash(self.rest, *[part for name, found in hashes for part in (name, str(found))])


def read(root: str, checkout: Path = CHECKOUT) -> Sources:
    """The sources of proofs that are written in the module `root`."""
    proved = {
        _named(path.relative_to(checkout)): path.read_text(encoding="utf-8")
        for package in PROVED
        for path in sorted((checkout / package).rglob("*.py"))
        if path.relative_to(checkout / package).parts[0] not in BESIDE
    }
    written = dict(_written(root, checkout))
    parts = [_module(name, text) for name, text in proved.items()]
    functions = {unit: made for part in parts for unit, made in part.functions.items()}
    rest = [(part.name, part.dumped) for part in parts]
    unasked = frozenset(_unasked(parts))
    rest += [(unit, functions[unit]) for unit in sorted(unasked)]
    rest += [(name, _bare_dump(text)) for name, text in sorted(written.items())]
    versions = [sys.version, version("z3-solver")]
    return Sources(
        _hash(*versions, *[piece for pair in rest for piece in pair]),
        {unit: _hash(made) for unit, made in functions.items()},
        unasked,
        proved | written,
    )


def _named(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def _hash(*parts: str) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(f"{len(part)} ".encode())
        digest.update(part.encode())
    return digest.hexdigest()


def _dumped(node: ast.AST) -> str:
    return ast.dump(node, annotate_fields=False)


@cache
def _bare_dump(text: str) -> str:
    return _dumped(_bare(text))


def _bare(text: str) -> ast.Module:
    """A module without its docstrings, and the strings that document what stands above them."""
    module = ast.parse(text)
    for node in ast.walk(module):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [one for one in body if not _is_text(one)] or [ast.Pass()]  # type: ignore[attr-defined]
    return module


def _is_text(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


# The modules that proofs are written in


def _written(root: str, checkout: Path) -> Iterator[tuple[str, str]]:
    """A module and all that it imports of the checkout, but the packages that are proved."""
    seen: set[str] = set()
    todo = [root]
    while todo:
        name = todo.pop()
        if name in seen or name.split(".")[0] in PROVED:
            continue
        seen.add(name)
        path = checkout.joinpath(*name.split("."))
        path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        if path.is_file():
            text = path.read_text(encoding="utf-8")
            yield name, text
            todo += _imported(text, name if path.name == "__init__.py" else _up(name))
        todo += [_up(name)] if "." in name else []


@cache
def _imported(text: str, package: str) -> tuple[str, ...]:
    found: list[str] = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package
            for _ in range(node.level - 1):
                base = _up(base)
            parts = [base] if node.level else []
            name = ".".join(parts + ([node.module] if node.module else []))
            found += [name, *[f"{name}.{alias.name}" for alias in node.names]]
    return tuple(found)


def _up(name: str) -> str:
    return name.rpartition(".")[0]


# The packages that are proved


class _Module:
    """`functions`: each with its whole text.  `rest`: the module without their bodies."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.functions: dict[str, str] = {}
        self.trees: dict[str, list[Function]] = {}
        self.rest = _bare(text)
        bound = _bound(self.rest)
        kept: list[ast.stmt] = []
        for statement in self.rest.body:
            if isinstance(statement, Function):
                self._note(statement.name, statement)
                if not self._only_itself(statement, bound):
                    kept.append(_without_body(statement))
            else:
                kept.append(self._split(statement, ""))
        self.rest.body = kept
        self.dumped = _dumped(self.rest)

    def _only_itself(self, function: Function, bound: Counter[str]) -> bool:
        """Whether it makes no difference to be there for who does not call it."""
        name = function.name
        return not function.decorator_list and bound[name] == 1 and not hasattr(builtins, name)

    def _split(self, statement: ast.stmt, prefix: str) -> ast.stmt:
        if isinstance(statement, Function) and prefix:
            self._note(f"{prefix}{statement.name}", statement)
            return _without_body(statement)
        if isinstance(statement, ast.ClassDef):
            inside = f"{prefix}{statement.name}."
            statement.body = [self._split(one, inside) for one in statement.body]
        return statement

    def _note(self, qualified: str, function: Function) -> None:
        """Several of one name, as a property's, are one."""
        unit = f"{self.name}:{qualified}"
        self.functions[unit] = self.functions.get(unit, "") + _dumped(function)
        self.trees.setdefault(unit, []).append(function)


_module = cache(_Module)


def _without_body(function: Function) -> Function:
    parts = {name: value for name, value in ast.iter_fields(function) if name != "body"}
    return type(function)(**parts, body=[ast.Pass()])


def _bound(module: ast.Module) -> Counter[str]:
    """How often a module gives each name a meaning."""
    names: Counter[str] = Counter()
    for node in ast.walk(module):
        if isinstance(node, ast.Global):
            names.update(node.names)
    todo: list[ast.AST] = list(module.body)
    while todo:
        node = todo.pop()
        if isinstance(node, (Function, ast.ClassDef)):
            names[node.name] += 1
            continue
        if isinstance(node, ast.alias):
            names[node.asname or node.name.split(".")[0]] += 1
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names[node.id] += 1
        todo += ast.iter_child_nodes(node)
    return names


def _unasked(modules: list[_Module]) -> set[str]:
    """The functions that may have run before anyone looked: as the modules were imported, or in an
    earlier proof, where what they returned is remembered.  And those that these call, by name.
    """
    trees = {unit: made for module in modules for unit, made in module.trees.items()}
    units: dict[str, set[str]] = {}
    for unit in trees:
        *above, name = unit.partition(":")[2].split(".")
        units.setdefault(name, set()).add(unit)
        if above and name in BY_THEMSELVES:
            units.setdefault(above[-1], set()).add(unit)
    todo = [name for module in modules for name in _calls(module.rest)]
    todo += ["__init_subclass__", "__set_name__"]
    todo += [
        tree.name
        for made in trees.values()
        for tree in made
        for decorator in tree.decorator_list
        if _last(decorator) not in HARMLESS
    ]
    found: set[str] = set()
    while todo:
        for unit in units.get(todo.pop(), set()) - found:
            found.add(unit)
            todo += [name for tree in trees[unit] for name in _calls(tree)]
    return found


def _calls(tree: ast.AST) -> Iterator[str]:
    """The names of what is called, attributes and all; and of what is put in a method's place."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield _last(node.func)
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Attribute):
            yield _last(node.value)
        for decorator in getattr(node, "decorator_list", ()):
            yield _last(decorator)


def _last(node: ast.expr) -> str:
    if isinstance(node, ast.Call):
        return _last(node.func)
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
