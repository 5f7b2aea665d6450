"""Which lemmas and claims hold of a concrete state: asked of many states, each as if of one alone.

A question is a lemma or a claim for some nodes and all numbers.  Its answer follows from the cells
of the view that are read on the way to it, and of which the first is always the same, the second
depends on what was in the first, and so on.  So answers are kept in a tree of what was read: in
another state with the same in the same cells, the answer is the same.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from itertools import product
from typing import Any, NamedTuple, TypeAlias

from conformance.prove.history.variables import HistoryVariables
from conformance.prove.history.view import Cell, Choosable, Concrete, choosable, claims_of
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

    def __init__(
        self,
        lemmas: list[Lemma] = LEMMAS,
        claims: list[Claim] = CLAIMS,
        choosable: Choosable = choosable,
    ) -> None:
        self.answers = Answers()
        self.states: dict[Hashable, tuple[Broken, ...]] = {}
        self._lemmas = lemmas
        self._claims = by_message(claims)
        self._choosable = choosable
        self._questions: dict[tuple[int, Term], list[Question]] = {}

    def broken(self, cluster: Cluster, variables: HistoryVariables) -> list[Broken]:
        """What does not hold, over all nodes, terms and indices up to one more than there is."""
        return self.broken_of(Concrete(cluster, variables, self.choosable), cluster, variables)

    def broken_of(
        self, view: Concrete, cluster: Cluster, variables: HistoryVariables
    ) -> list[Broken]:
        """The same of a view that is there; it asks `choosable` of this checker."""
        ask = self.answers.ask
        found = list(self.lemmas(view))
        for message, owed in claims_of(cluster, variables):
            for claim in self._claims.get((type(message), owed), ()):
                found += ask(
                    (claim.name, message),
                    view,
                    lambda: failures(claim, view, {}, message),  # noqa: B023 (at once)
                )
        return found

    def lemmas(self, view: Concrete) -> tuple[Broken, ...]:
        """The lemmas that do not hold; of two states that are one to them, only one is asked."""
        if view.known not in self.states:
            ask, found = self.answers.ask, []
            for question, lemma, fixed in self.questions(view.size, view.terms):
                found += ask(question, view, lambda: failures(lemma, view, fixed))  # noqa: B023
            self.states[view.known] = tuple(found)
        return self.states[view.known]

    def choosable(self, view: Concrete, term: Term) -> frozenset[Index]:
        found: frozenset[Index] = self.answers.ask(
            ("choosable", term), view, lambda: self._choosable(view, term)
        )
        return found

    def questions(self, size: int, terms: Term) -> list[Question]:
        if (size, terms) not in self._questions:
            self._questions[size, terms] = questions(self._lemmas, size, terms)
        return self._questions[size, terms]


def broken(cluster: Cluster, variables: HistoryVariables) -> list[Broken]:
    """The lemmas and claims that do not hold of one state."""
    return Checker().broken(cluster, variables)


Question: TypeAlias = tuple[Hashable, Lemma, dict[str, int]]
"""Its name, the lemma, and those of its arguments that it is for, by kind."""


def questions(lemmas: list[Lemma], size: int, terms: Term) -> list[Question]:
    """Every lemma, cut into questions so small that a step changes few of the answers."""
    found: list[Question] = []
    for lemma in lemmas:
        nodes = [kind for kind in lemma.over if kind in NODES]
        kinds = nodes[-1:]
        ranges = [range(size) for _ in kinds]
        if "T" in lemma.over and "i" in lemma.over:
            kinds.append("T")
            ranges.append(range(terms + 2))
        for values in product(*ranges):
            fixed = dict(zip(kinds, values, strict=True))
            found.append(((lemma.name, values), lemma, fixed))
    return found


def by_message(claims: list[Claim]) -> dict[tuple[type, bool], list[Claim]]:
    """By the kind of message, and whether it is owed."""
    found: dict[tuple[type, bool], list[Claim]] = {}
    for claim in claims:
        found.setdefault((claim.kind, claim.owed), []).append(claim)
    return found


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
