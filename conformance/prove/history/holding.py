"""Which lemmas and claims hold of a concrete state: asked of many states, each as if of one alone.

A question is a lemma or a claim for some nodes and all numbers.  Its answer follows from the cells
of the view that are read on the way to it, and of which the first is always the same, the second
depends on what was in the first, and so on.  So answers are kept in a tree of what was read: in
another state with the same in the same cells, the answer is the same.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from functools import cache
from itertools import product
from typing import Any, NamedTuple, TypeAlias

from conformance.prove.history.variables import HistoryVariables
from conformance.prove.history.view import Cell, Concrete, choosable, claims_of
from conformance.prove.statements.claims import CLAIMS, Claim, Message
from conformance.prove.statements.lemma import Lemma
from conformance.prove.statements.lemmas import LEMMAS
from spec.cluster import Cluster
from spec.values import Index, Term

NODES = "nmc"
TERMS = "TS"


class Broken(NamedTuple):
    """A lemma or a claim that does not hold: for these nodes, terms and indices.

    The arguments of a claim begin with the message.
    """

    name: str
    arguments: tuple[Any, ...]


class Fork:
    """What was read in a cell, and for each value of it an answer or the next fork."""

    __slots__ = ("branches", "cell")

    def __init__(self, cell: Cell) -> None:
        self.cell = cell
        self.branches: dict[Any, Any] = {}


class Answers:
    """The answers to questions, by what was read on the way to them."""

    def __init__(self) -> None:
        self.roots: dict[Hashable, Any] = {}
        self.asked = self.evaluated = 0

    def ask(self, question: Hashable, view: Concrete, answer: Callable[[], Any]) -> Any:
        """An answer must not be a `Fork`, nor None."""
        self.asked += 1
        cells = view.cells
        at = self.roots.get(question)
        while type(at) is Fork:
            at = at.branches.get(cells[at.cell])
        if at is not None:
            return at
        self.evaluated += 1
        view.reads.clear()
        found = answer()
        self._keep(question, view.reads, found)
        return found

    def _keep(self, question: Hashable, reads: dict[Cell, Any], found: Any) -> None:
        branches: dict[Any, Any] = self.roots
        key: Any = question
        for cell, value in reads.items():
            fork = branches.get(key)
            if fork is None:
                fork = branches[key] = Fork(cell)
            assert fork.cell == cell, f"{question}: what is read depends on something unread"
            branches, key = fork.branches, value
        branches[key] = found


class Checker:
    """Asks of states whether all lemmas hold, and all claims of messages owed and under way."""

    def __init__(self) -> None:
        self.answers = Answers()
        self.states: dict[Hashable, tuple[Broken, ...]] = {}

    def broken(self, cluster: Cluster, variables: HistoryVariables) -> list[Broken]:
        """What does not hold, over all nodes, terms and indices up to one more than there is."""
        view = Concrete(cluster, variables, self.choosable)
        ask = self.answers.ask
        found = list(self.lemmas(view))
        for message, owed in claims_of(cluster, variables):
            for name, claim in CLAIMS_OF[type(message), owed]:
                found += ask(
                    (name, message),
                    view,
                    lambda: failures(claim, view, {}, message),  # noqa: B023 (at once)
                )
        return found

    def lemmas(self, view: Concrete) -> tuple[Broken, ...]:
        """The lemmas that do not hold; of two states that are one to them, only one is asked."""
        if view.known not in self.states:
            ask, found = self.answers.ask, []
            for question, lemma, fixed in questions(view.size, view.terms):
                found += ask(question, view, lambda: failures(lemma, view, fixed))  # noqa: B023
            self.states[view.known] = tuple(found)
        return self.states[view.known]

    def choosable(self, view: Concrete, term: Term) -> frozenset[Index]:
        found: frozenset[Index] = self.answers.ask(
            ("choosable", term), view, lambda: choosable(view, term)
        )
        return found


def broken(cluster: Cluster, variables: HistoryVariables) -> list[Broken]:
    """The lemmas and claims that do not hold of one state."""
    return Checker().broken(cluster, variables)


Question: TypeAlias = tuple[Hashable, Lemma, dict[str, int]]
"""Its name, the lemma, and those of its arguments that it is for, by kind."""


@cache
def questions(size: int, terms: Term) -> tuple[Question, ...]:
    """Every lemma, cut into questions so small that a step changes few of the answers."""
    found: list[Question] = []
    for lemma in LEMMAS:
        nodes = [kind for kind in lemma.over if kind in NODES]
        kinds = nodes[-1:]
        ranges = [range(size) for _ in kinds]
        if "T" in lemma.over and "i" in lemma.over:
            kinds.append("T")
            ranges.append(range(terms + 2))
        for values in product(*ranges):
            fixed = dict(zip(kinds, values, strict=True))
            found.append(((lemma.name, values), lemma, fixed))
    return tuple(found)


CLAIMS_OF: dict[tuple[type, bool], list[tuple[str, Claim]]] = {
    (kind, owed): [
        (claim.name, claim) for claim in CLAIMS if (claim.kind, claim.owed) == (kind, owed)
    ]
    for kind in {claim.kind for claim in CLAIMS}
    for owed in (False, True)
}


def failures(
    statement: Lemma | Claim, view: Concrete, fixed: dict[str, int], *message: Message
) -> tuple[Broken, ...]:
    """The arguments, these among them, for which a lemma or a claim does not hold."""
    ranges: list[Iterable[int]] = []
    for kind in statement.over:
        if kind in fixed:
            ranges.append((fixed[kind],))
        elif kind in NODES:
            ranges.append(range(view.size))
        else:
            ranges.append(range((view.terms + 2) if kind in TERMS else view.indices + 1))
    return tuple(
        Broken(statement.name, (*message, *arguments))
        for arguments in product(*ranges)
        if not statement.holds(view, *message, *arguments)
    )
