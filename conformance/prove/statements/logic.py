"""Connectives for formulas that are z3's or plain truth values, as their parts are.

So a lemma is written once, and is a formula of a proof as well as a question about one state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import combinations
from typing import Any, TypeAlias

import z3

Formula: TypeAlias = Any
"""A `bool` or a `z3.BoolRef`."""


def both(*parts: Formula) -> Formula:
    """All of them."""
    return _joined(parts, True, z3.And)


def either(*parts: Formula) -> Formula:
    """Any of them."""
    return _joined(parts, False, z3.Or)


def _joined(parts: tuple[Formula, ...], neutral: bool, join: Callable[[Any], Formula]) -> Formula:
    """`neutral` changes nothing, and its negation decides."""
    left = []
    for part in parts:
        if part is not neutral:
            if part is True or part is False:
                return not neutral
            left.append(part)
    return join(left) if len(left) > 1 else left[0] if left else neutral


def negation(part: Formula) -> Formula:
    return not part if isinstance(part, bool) else z3.Not(part)


def implies(premise: Formula, conclusion: Formula) -> Formula:
    if isinstance(premise, bool):
        return conclusion if premise else True
    if isinstance(conclusion, bool):
        return True if conclusion else z3.Not(premise)
    return z3.Implies(premise, conclusion)


def choose(condition: Formula, one: Any, other: Any) -> Any:
    if isinstance(condition, bool):
        return one if condition else other
    return z3.If(condition, one, other)


def majority(parts: Iterable[Formula]) -> Formula:
    """More than half of them."""
    listed = list(parts)
    if all(isinstance(part, bool) for part in listed):
        return sum(listed) > len(listed) // 2
    return either(*[both(*some) for some in combinations(listed, len(listed) // 2 + 1)])
