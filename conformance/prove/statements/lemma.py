"""What a lemma is: a sentence and a formula, about a view of a cluster with its history."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeAlias

from conformance.prove.statements.logic import Formula, both

Int: TypeAlias = Any
"""An `int`, or a term of z3 of that sort."""
EntryTerm: TypeAlias = Any
"""A log entry: a value that has a term, or a term of z3."""

NOBODY: Final = -1


class View(Protocol):
    """A cluster of `size` voters, and its history.

    In memory: `term`, `vote`, `commit`, `last`, `log`, `snap` (the snapshot's index), and what a
    role has: `leads`, `campaigns`, `granted`, `match`, `durable`.  On the disk: `dterm`, `dvote`,
    `dlast`, `dlog`.  Owed: `owes_term`, `owes_vote`, `synced` (up to where the disk's log is the
    one in memory), `owes_write`.
    """

    size: int
    founding: EntryTerm
    """The entry at index 1 of every log: the configuration, in term 0."""

    def term_of(self, entry: EntryTerm) -> Int: ...
    def term(self, n: int) -> Int: ...
    def vote(self, n: int) -> Int: ...
    def commit(self, n: int) -> Int: ...
    def snap(self, n: int) -> Int: ...
    def last(self, n: int) -> Int: ...
    def log(self, n: int, i: Int) -> EntryTerm: ...
    def leads(self, n: int) -> Formula: ...
    def campaigns(self, n: int) -> Formula: ...
    def granted(self, n: int, m: int) -> Formula: ...
    def match(self, n: int, m: int) -> Int: ...
    def durable(self, n: int) -> Int: ...
    def dterm(self, n: int) -> Int: ...
    def dvote(self, n: int) -> Int: ...
    def dlast(self, n: int) -> Int: ...
    def dlog(self, n: int, i: Int) -> EntryTerm: ...
    def owes_term(self, n: int) -> Formula: ...
    def owes_vote(self, n: int) -> Formula: ...
    def owes_write(self, n: int) -> Formula: ...
    def synced(self, n: int) -> Int: ...
    def lead(self, term: Int) -> Int: ...
    def tlast(self, term: Int) -> Int: ...
    def tlog(self, term: Int, i: Int) -> EntryTerm: ...
    def told(self, n: int, term: Int) -> Int: ...
    def ack(self, n: int, term: Int) -> Int: ...
    def first(self, j: Int) -> Int: ...
    def by(self, j: Int) -> Int: ...
    def choosable(self, term: Int, i: Int) -> Formula: ...


Patterns: TypeAlias = Sequence[Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Lemma:
    """`over`: the kinds of what it holds for all of, after the view: n(ode), T(erm), i(ndex).

    `patterns`: terms whose occurrence in a proof makes z3 look at that instance.
    """

    name: str
    words: str
    over: str
    holds: Callable[..., Formula]
    patterns: Callable[..., Patterns] = lambda *_: ()


Holds: TypeAlias = Callable[..., Formula]


class Adds(Protocol):
    """A decorator for the formula of a lemma, which has the lemma's name."""

    def __call__(
        self, words: str, over: str = "n", patterns: Callable[..., Patterns] = ...
    ) -> Callable[[Holds], Holds]: ...


def adds_to(lemmas: list[Lemma]) -> Adds:
    def lemma(
        words: str, over: str = "n", patterns: Callable[..., Patterns] = lambda *_: ()
    ) -> Callable[[Holds], Holds]:
        def add(holds: Holds) -> Holds:
            name = "".join(word.capitalize() for word in holds.__name__.split("_"))
            lemmas.append(Lemma(name, words, over, holds, patterns))
            return holds

        return add

    return lemma


def within(first: Int, i: Int, last: Int) -> Formula:
    return both(first <= i, i <= last)
