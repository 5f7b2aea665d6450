"""Mutants that a tool makes: each of cosmic-ray's operators, at every place of the library's text.

The tool is asked for places and changes only; `kill` runs the mutants, in less time than
a test process for each would take.

Two kinds of change are left out, and counted: of an annotation, which Python never evaluates here
(type aliases, `@final` and `@mypyc_attr` count as such: they say something to type checkers and to
the compiler alone), and within the message of an exception, whose wording nothing depends on.
"""

from __future__ import annotations

import ast
import pickle
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, NamedTuple, TypeAlias

Place: TypeAlias = tuple[int, int]
"""A line, from 1, and a column, from 0."""


class Key(NamedTuple):
    """Names a mutant, and goes on naming it when other lines move.

    `before` and `after` are the lines that differ, without their indentation.
    """

    module: str
    function: str
    operator: str
    before: str
    after: str

    def __str__(self) -> str:
        after = self.after or "(nothing)"
        return f"{self.module}: {self.function}: {self.before}  ->  {after}  [{self.operator}]"


@dataclass(frozen=True, slots=True)
class Mechanical:
    """`text`: the module's, changed.  `left_out`: by which rule; None: it is to be killed."""

    key: Key
    text: str
    left_out: str | None = None


ANNOTATION: Final = "in an annotation"
MESSAGE: Final = "in the message of an exception"
UNREAD: Final = ("final", "mypyc_attr")
"""Decorators that are nothing to Python."""


@cache
def operators() -> dict[str, Any]:
    """cosmic-ray's own that need no arguments, by name."""
    from cosmic_ray import plugins

    kinds = {name: plugins.get_operator(name) for name in plugins.operator_names()}
    return {
        name.partition("/")[2]: kind()
        for name, kind in kinds.items()
        if name.startswith("core/") and not kind.arguments()
    }


def mutants(
    module: str, text: str, wanted: Callable[[str], bool] = lambda function: True
) -> Iterator[Mechanical]:
    """All of one module, each once; of those functions that are wanted."""
    from cosmic_ray.ast import ast_nodes, get_ast

    tree = get_ast(text)
    packed = pickle.dumps(tree)  # an operator changes the tree, and parsing takes longer than this
    spans = _spans_left_out(text)
    seen = {text}
    for number, node in enumerate(ast_nodes(tree)):
        function = _function(node)
        if not wanted(function):
            continue
        for name, operator in operators().items():
            for index, (start, end) in enumerate(operator.mutation_positions(node)):
                mutated = _mutated(pickle.loads(packed), number, operator, index)
                if mutated in seen:
                    continue
                seen.add(mutated)
                left_out = next((why for why, span in spans if _within(start, end, span)), None)
                key = Key(module, function, name, *_difference(text, mutated))
                yield Mechanical(key, mutated, left_out)


def _mutated(tree: Any, number: int, operator: Any, index: int) -> str:
    """The text once the operator has changed the node of that number."""
    from cosmic_ray.ast import ast_nodes

    node = next(node for at, node in enumerate(ast_nodes(tree)) if at == number)
    parent = node.parent
    at = next((at for at, child in enumerate(parent.children) if child is node), 0)
    changed = operator.mutate(node, index)
    parent.children[at : at + 1] = [] if changed is None else [changed]
    text: str = tree.get_code()
    return text


def _function(node: Any) -> str:
    """Where it stands: the classes and functions around it, or that it decorates."""
    names: list[str] = []
    below = None
    while node is not None:
        if node.type in ("classdef", "funcdef"):
            names.append(node.name.value)
        elif node.type == "decorated" and node.children[-1] is not below:
            names.append(node.children[-1].name.value)
        below, node = node, node.parent
    return ".".join(reversed(names)) or "(module)"


def _difference(text: str, mutated: str) -> tuple[str, str]:
    """The lines between what both begin and what both end with."""
    before, after = text.splitlines(), mutated.splitlines()
    while before and after and before[0] == after[0]:
        del before[0], after[0]
    while before and after and before[-1] == after[-1]:
        del before[-1], after[-1]
    one, other = ("\n".join(map(str.strip, lines)).strip() for lines in (before, after))
    return one, other


def _spans_left_out(text: str) -> list[tuple[str, tuple[Place, Place]]]:
    """Why, and from where to where."""
    found: list[tuple[str, tuple[Place, Place]]] = []
    lazy = "from __future__ import annotations" in text
    for node in ast.walk(ast.parse(text)):
        for decorator in getattr(node, "decorator_list", ()):
            named = decorator.func if isinstance(decorator, ast.Call) else decorator
            if isinstance(named, ast.Name) and named.id in UNREAD:
                line = decorator.lineno
                found.append((ANNOTATION, ((line, 0), (line + 1, 0))))
        if isinstance(node, ast.AnnAssign) and node.value is not None and _is_alias(node):
            found.append((ANNOTATION, _span(node.value)))
        for field in ("annotation", "returns"):
            if lazy and isinstance(annotation := getattr(node, field, None), ast.expr):
                found.append((ANNOTATION, _span(annotation)))
        if isinstance(node, ast.Raise):
            parts = [one for one in ast.walk(node) if isinstance(one, ast.JoinedStr)]
            found += [(MESSAGE, _span(part)) for part in parts]
    return found


def _is_alias(node: ast.AnnAssign) -> bool:
    return isinstance(node.annotation, ast.Name) and node.annotation.id == "TypeAlias"


def _span(node: ast.expr) -> tuple[Place, Place]:
    assert node.end_lineno is not None
    assert node.end_col_offset is not None
    return (node.lineno, node.col_offset), (node.end_lineno, node.end_col_offset)


def _within(start: Place, end: Place, span: tuple[Place, Place]) -> bool:
    return span[0] <= start and end <= span[1]
