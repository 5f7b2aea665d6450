"""Lemmas and claims as z3 is told them: of all nodes one by one, of all numbers by patterns."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from itertools import product
from typing import Any

import z3

from conformance.prove.statements import claims
from conformance.prove.statements.claims import CLAIMS, Claim
from conformance.prove.statements.lemma import Lemma, View
from conformance.prove.statements.logic import Formula

NODES = "nmc"
SKOLEMS = {name: z3.Int(f"any_{name}") for name in "TSij"}
BOUND = {name: z3.Int(f"all_{name}") for name in "TSij"}


def instances(over: str, size: int) -> Iterator[tuple[int, ...]]:
    """The nodes that a lemma is asked of: all combinations."""
    return product(range(size), repeat=sum(kind in NODES for kind in over))


def arguments(over: str, chosen: tuple[int, ...], numbers: dict[str, Any]) -> list[Any]:
    left = iter(chosen)
    return [next(left) if kind in NODES else numbers[kind] for kind in over]


def hypothesis(
    statement: Lemma | Claim, view: View, chosen: tuple[int, ...] = (), *message: claims.Message
) -> Formula:
    """A lemma, or a message's claim, for all numbers."""
    args = arguments(statement.over, chosen, BOUND)
    formula = statement.holds(view, *message, *args)
    bound = [BOUND[kind] for kind in statement.over if kind not in NODES]
    if not bound or isinstance(formula, bool):
        return formula
    patterns = [
        pattern[0] if len(pattern) == 1 else z3.MultiPattern(*pattern)
        for pattern in statement.patterns(view, *message, *args)
    ]
    return z3.ForAll(bound, formula, patterns=patterns)


def at_goals(
    statement: Lemma | Claim, view: View, chosen: tuple[int, ...] = (), *message: claims.Message
) -> Formula:
    """The same at the numbers of the goals, which may be any."""
    return statement.holds(view, *message, *arguments(statement.over, chosen, SKOLEMS))


def choosable_means(before: Any, may_be_chosen: Callable[..., Formula]) -> Formula:
    term, i = BOUND["T"], BOUND["i"]
    could = before.choosable(term, i)
    return z3.ForAll([term, i], could == may_be_chosen(before, term, i), patterns=[could])


def claims_of(message: claims.Message, owed: bool) -> list[Claim]:
    return [one for one in CLAIMS if one.kind is type(message) and one.owed == owed]


@cache
def _seen(sort: Any) -> Any:
    return z3.Function(f"seen_{sort}", sort, z3.BoolSort())


def seen(term: Any) -> Formula:
    """Nothing but a mention, which makes z3 look at the instances that speak of the term."""
    return _seen(term.sort())(term)
