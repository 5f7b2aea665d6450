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


LogOf: TypeAlias = Callable[[Int], EntryTerm]
"""A log, by its indices."""


@dataclass(frozen=True, slots=True)
class Server:
    """One server: numbers as z3 or Python has them, roles and what is owed as truth values.

    `snap`: the index of the snapshot's last entry.  `granted`, `match`, `answered`: of each node,
    by its name.  `synced`: up to where the log on the disk is the one in memory.
    """

    term: Int
    vote: Int
    commit: Int
    snap: Int
    last: Int
    log: LogOf
    leads: Formula
    campaigns: Formula
    granted: Any
    match: Any
    durable: Int
    disk_term: Int
    disk_vote: Int
    disk_last: Int
    disk_log: LogOf
    owes_term: Formula
    owes_vote: Formula
    owes_write: Formula
    synced: Int
    seqno: Int
    answered: Any


class View(Protocol):
    """A cluster of `size` voters, and its history (see `lemmas`)."""

    size: int

    @property
    def founding(self) -> EntryTerm:
        """The entry at index 1 of every log: the configuration, in term 0."""

    def term_of(self, entry: EntryTerm) -> Int: ...
    def server(self, n: int) -> Server: ...
    def lead(self, term: Int) -> Int: ...
    def tlast(self, term: Int) -> Int: ...
    def tlog(self, term: Int, i: Int) -> EntryTerm: ...
    def told(self, n: int, term: Int) -> Int: ...
    def ack(self, n: int, term: Int) -> Int: ...
    def commit_term(self, j: Int) -> Int: ...
    def committed_up_to(self, j: Int) -> Int: ...
    def choosable(self, term: Int, i: Int) -> Formula: ...
    def read_term(self) -> Int: ...
    def read_seqno(self) -> Int: ...
    def read_stale(self) -> Formula: ...
    def left(self, n: int) -> Formula: ...


Patterns: TypeAlias = Sequence[Sequence[Any]]
Holds: TypeAlias = Callable[..., Formula]


def no_patterns(*_: object) -> Patterns:
    """No pattern: the lemma holds of nodes alone, for which all instances are told."""
    return ()


@dataclass(frozen=True, slots=True)
class Lemma:
    """`over`: the kinds of what it holds for all of, after the view: n(ode), T(erm), i(ndex).

    `patterns`: terms whose occurrence in a proof makes z3 look at that instance.
    """

    name: str
    words: str
    over: str
    holds: Holds
    patterns: Callable[..., Patterns] = no_patterns


class Adds(Protocol):
    """A decorator for the formula of a lemma, which has the lemma's name."""

    def __call__(
        self, words: str, over: str = "n", patterns: Callable[..., Patterns] = ...
    ) -> Callable[[Holds], Holds]: ...


def adds_to(lemmas: list[Lemma]) -> Adds:
    def lemma(
        words: str, over: str = "n", patterns: Callable[..., Patterns] = no_patterns
    ) -> Callable[[Holds], Holds]:
        def add(holds: Holds) -> Holds:
            lemmas.append(Lemma(name_of(holds), words, over, holds, patterns))
            return holds

        return add

    return lemma


def name_of(holds: Holds) -> str:
    return "".join(word.capitalize() for word in holds.__name__.split("_"))


def within(first: Int, i: Int, last: Int) -> Formula:
    return both(first <= i, i <= last)
