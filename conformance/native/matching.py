"""`match` statements over classes, written out as chains of `isinstance`.

mypyc asks for the class of a `match` as Python does, and for attributes by their names; of
`isinstance` it makes a comparison, after which it knows where a field lies.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import TypeAlias

Fields: TypeAlias = Mapping[str, Sequence[str]]
"""The fields of each class that is known, in their order."""


class UnknownPatternError(Exception):
    """A pattern of another kind than those of classes, their fields, and constants."""


def written_out(match: ast.Match, fields: Fields, subject: str) -> list[ast.stmt] | None:
    """The same as a chain; None for patterns that are not known here.

    `subject`: a name that nothing else in the function has, for what is not to be computed twice.
    """
    is_simple = isinstance(match.subject, (ast.Name, ast.Attribute))
    value = match.subject if is_simple else ast.Name(subject, ast.Load())
    branches: list[tuple[ast.expr | None, list[ast.stmt]]] = []
    try:
        for case in match.cases:
            pattern = case.pattern
            for one in pattern.patterns if isinstance(pattern, ast.MatchOr) else [pattern]:
                tests, bound = _tests(one, value, fields)
                if case.guard is not None:
                    guard = ast.parse(ast.unparse(case.guard), mode="eval").body
                    tests.append(_Named(bound).visit(guard))
                # In another branch a name may stand for a part of another type.
                own = {name: f"{name}_{subject}_{len(branches)}" for name in bound}
                body: list[ast.stmt] = [
                    ast.Assign([ast.Name(own[name], ast.Store())], bound[name]) for name in bound
                ]
                case_body = [ast.fix_missing_locations(one) for one in case.body]
                to_rename = ast.parse("\n".join(map(ast.unparse, case_body)))
                renamed = _Named({name: ast.Name(own[name], ast.Load()) for name in bound})
                body += renamed.visit(to_rename).body
                branches.append((_all(tests), body))
    except UnknownPatternError:
        return None
    chain: list[ast.stmt] = []
    for test, body in reversed(branches):
        chain = body if test is None else [ast.If(test, body, chain)]
    return (
        chain
        if is_simple
        else [ast.Assign([ast.Name(subject, ast.Store())], match.subject), *chain]
    )


def _tests(
    pattern: ast.pattern, value: ast.expr, fields: Fields
) -> tuple[list[ast.expr], dict[str, ast.expr]]:
    """What has to hold of a value, and which names stand for which parts of it."""
    if isinstance(pattern, ast.MatchAs):
        inner: tuple[list[ast.expr], dict[str, ast.expr]] = [], {}
        if pattern.pattern is not None:
            inner = _tests(pattern.pattern, value, fields)
        if pattern.name is not None:
            inner[1][pattern.name] = value
        return inner
    if isinstance(pattern, ast.MatchSingleton):
        return [ast.Compare(value, [ast.Is()], [ast.Constant(pattern.value)])], {}
    if isinstance(pattern, ast.MatchValue):
        return [ast.Compare(value, [ast.Eq()], [pattern.value])], {}
    if not isinstance(pattern, ast.MatchClass):
        raise UnknownPatternError
    names = fields.get(ast.unparse(pattern.cls).rpartition(".")[2])
    if names is None:
        raise UnknownPatternError
    tests: list[ast.expr] = [ast.Call(ast.Name("isinstance", ast.Load()), [value, pattern.cls], [])]
    bound: dict[str, ast.expr] = {}
    parts = [*zip(names, pattern.patterns, strict=False)]
    parts += zip(pattern.kwd_attrs, pattern.kwd_patterns, strict=True)
    for name, part in parts:
        more, also = _tests(part, ast.Attribute(value, name, ast.Load()), fields)
        tests += more
        bound |= also
    return tests, bound


def _all(tests: list[ast.expr]) -> ast.expr | None:
    if len(tests) < 2:
        return tests[0] if tests else None
    return ast.BoolOp(ast.And(), tests)


class _Named(ast.NodeTransformer):
    """Code with what names stand for in their place."""

    def __init__(self, meanings: Mapping[str, ast.expr]) -> None:
        self._meanings = meanings

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self._meanings.get(node.id, node)
