"""A cluster as z3 sees it: before a step, as functions; after it, as what the step made of them.

The acting server is node 0, the sender of a delivered message node 1: no rule and no lemma depends
on names.  Of the acting server the shape is known, and `Server` says all of it in terms of z3; of
the others nothing is, but what the lemmas say.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeAlias

import z3

from conformance.prove.statements.lemma import EntryTerm, Int, LogOf, Server
from conformance.prove.statements.lemmas import may_be_chosen
from conformance.prove.statements.logic import Formula, both, choose
from conformance.prove.statements.names import Name

ENTRY: Final = z3.DeclareSort("Entry")
TERM_OF: Final = z3.Function("term_of", ENTRY, z3.IntSort())
FOUNDING: Final = z3.Const("founding", ENTRY)
ACTOR: Final = Name(0)
SENDER: Final = Name(1)


def entry_function(name: str, *more: Any) -> Any:
    return z3.Function(name, *more, z3.IntSort(), ENTRY)


def integer_function(name: str) -> Any:
    return z3.Function(name, z3.IntSort(), z3.IntSort())


NUMBERS: Final = (
    *("term", "vote", "commit", "snap", "last", "durable", "seqno"),
    *("disk_term", "disk_vote", "disk_last", "synced"),
)
TRUTHS: Final = ("leads", "campaigns", "owes_term", "owes_vote", "owes_write")


def unknown_server(n: int, size: int, number: Any = z3.Int, log: Any = None) -> Server:
    """A server of which nothing is known; `number` and `log` make what has a name."""
    values: dict[str, Any] = {name: number(f"{name}_{n}") for name in NUMBERS}
    values |= {name: z3.Bool(f"{name}_{n}") for name in TRUTHS}
    values |= {name: (log or entry_function)(f"{name}_{n}") for name in ("log", "disk_log")}
    values["granted"] = {m: z3.Bool(f"granted_{m}_{n}") for m in range(size)}
    values["match"] = {m: number(f"match_{m}_{n}") for m in range(size)}
    values["answered"] = {m: number(f"answered_{m}_{n}") for m in range(size)}
    return Server(**values)


class Read(NamedTuple):
    """A read that was taken: see `lemmas`.  `left`: of each node."""

    term: Int
    seqno: Int
    stale: Formula
    left: tuple[Formula, ...]


class Servers:
    """What a view says of servers, from a `Server` for each."""

    size: int
    servers: tuple[Server, ...]
    founding = FOUNDING

    def term_of(self, entry: EntryTerm) -> Int:
        return TERM_OF(entry)

    def server(self, n: int) -> Server:
        return self.servers[n]

    @property
    def actor(self) -> Server:
        return self.servers[ACTOR]


class Before(Servers):
    """A cluster of which nothing is known, and its history."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.servers = tuple([unknown_server(n, size) for n in range(size)])
        self.lead = integer_function("lead")
        self.tlast = integer_function("tlast")
        self.tlog = entry_function("tlog", z3.IntSort())
        self.commit_term = integer_function("commit_term")
        self.committed_up_to = integer_function("committed_up_to")
        self.choosable = z3.Function("choosable", z3.IntSort(), z3.IntSort(), z3.BoolSort())
        self._told = [integer_function(f"told_{n}") for n in range(size)]
        self._ack = [integer_function(f"ack_{n}") for n in range(size)]
        self._read = Read(
            z3.Int("read_term"),
            z3.Int("read_seqno"),
            z3.Bool("read_stale"),
            tuple([z3.Bool(f"left_{n}") for n in range(size)]),
        )

    def told(self, n: int, term: Int) -> Int:
        return self._told[n](term)

    def ack(self, n: int, term: Int) -> Int:
        return self._ack[n](term)

    def read_term(self) -> Int:
        return self._read.term

    def read_seqno(self) -> Int:
        return self._read.seqno

    def read_stale(self) -> Formula:
        return self._read.stale

    def left(self, n: int) -> Formula:
        return self._read.left[n]


Part: TypeAlias = tuple[str, int | None]
"""What a view tells: of which server, or of the history."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What a step wrote into the history, in `term`, the acting server's.

    `leads`: it leads now, with this log.  `commit`: it counted entries up to here.  `told`: its
    vote.  `acked`: its disk, in the disk's term, acknowledges so much.  `read`: the read that it
    took, which takes the place of any other one.
    """

    term: Int
    leads: tuple[Int, LogOf] | None = None
    commit: Int | None = None
    told: int | None = None
    acked: tuple[Int, Int] | None = None
    read: Read | None = None

    def parts(self) -> set[Part]:
        changed: set[Part] = set()
        if self.leads is not None:
            changed |= {("lead", None), ("tlast", None), ("tlog", None)}
        if self.commit is not None:
            changed |= {("commit_term", None), ("committed_up_to", None)}
        if self.told is not None:
            changed.add(("told", ACTOR))
        if self.acked is not None:
            changed.add(("ack", ACTOR))
        if self.read is not None:
            changed |= {("read_term", None), ("read_seqno", None), ("read_stale", None)}
            changed |= {("left", n) for n in range(len(self.read.left))}
        return changed


class Reading:
    """A view that notes what is asked of it."""

    def __init__(self, of: Servers) -> None:
        self._of = of
        self.read: set[Part] = set()
        self.size = of.size
        self.founding = of.founding
        self.term_of = of.term_of

    def server(self, n: int) -> Any:
        return ReadingServer(self._of.server(n), n, self.read)

    def __getattr__(self, name: str) -> Any:
        asked = getattr(self._of, name)

        def noting(*args: Any) -> Any:
            self.read.add((name, None if name in HISTORY else args[0]))
            return asked(*args)

        return noting


@dataclass(frozen=True, slots=True)
class ReadingServer:
    """One of its servers."""

    _of: Server
    _n: int
    _read: set[Part]

    def __getattr__(self, name: str) -> Any:
        self._read.add((name, self._n))
        return getattr(self._of, name)


HISTORY: Final = frozenset(
    {"lead", "tlast", "tlog", "commit_term", "committed_up_to", "choosable"}
    | {"read_term", "read_seqno", "read_stale"}
)
"""What a view tells of no single server."""


class After(Servers):
    """The cluster after a step of the acting server."""

    def __init__(self, before: Before, actor: Server, changed: set[Part], changes: Changes) -> None:
        self.before = before
        self.size = before.size
        self.servers = (actor, *before.servers[1:])
        self.changes = changes
        self.changed = changed | changes.parts()
        """All that may be told otherwise of the cluster now; whatever else is as it was before."""
        if self.changed & {("tlog", None), ("ack", ACTOR), ("disk_term", ACTOR)}:
            self.changed |= {("choosable", None)}
        self._choosable: dict[tuple[int, int], tuple[Formula, Int, Int]] = {}
        """Said once: it is long, and most goals ask for the same numbers.  By the ids of these,
        which are theirs as long as they are kept.
        """

    def lead(self, term: Int) -> Int:
        old = self.before.lead(term)
        if self.changes.leads is None:
            return old
        return choose(term == self.changes.term, ACTOR, old)

    def tlast(self, term: Int) -> Int:
        old = self.before.tlast(term)
        if self.changes.leads is None:
            return old
        return choose(term == self.changes.term, self.changes.leads[0], old)

    def tlog(self, term: Int, i: Int) -> EntryTerm:
        old = self.before.tlog(term, i)
        if self.changes.leads is None:
            return old
        return choose(term == self.changes.term, self.changes.leads[1](i), old)

    def told(self, n: int, term: Int) -> Int:
        old = self.before.told(n, term)
        if n != ACTOR or self.changes.told is None:
            return old
        return choose(term == self.changes.term, self.changes.told, old)

    def ack(self, n: int, term: Int) -> Int:
        old = self.before.ack(n, term)
        if n != ACTOR or self.changes.acked is None:
            return old
        return choose(term == self.changes.acked[0], self.changes.acked[1], old)

    def _counts(self, j: Int) -> Formula:
        """Whether the step counted j, and no leader of this term or an earlier one did before."""
        first = self.before.commit_term(j)
        assert self.changes.commit is not None
        return both(
            j >= 1,
            j <= self.changes.commit,
            z3.Or(first == 0, first > self.changes.term),
        )

    def commit_term(self, j: Int) -> Int:
        if self.changes.commit is None:
            return self.before.commit_term(j)
        return choose(self._counts(j), self.changes.term, self.before.commit_term(j))

    def committed_up_to(self, j: Int) -> Int:
        if self.changes.commit is None:
            return self.before.committed_up_to(j)
        return choose(self._counts(j), self.changes.commit, self.before.committed_up_to(j))

    def read_term(self) -> Int:
        read = self.changes.read
        return self.before.read_term() if read is None else read.term

    def read_seqno(self) -> Int:
        read = self.changes.read
        return self.before.read_seqno() if read is None else read.seqno

    def read_stale(self) -> Formula:
        read = self.changes.read
        return self.before.read_stale() if read is None else read.stale

    def left(self, n: int) -> Formula:
        read = self.changes.read
        return self.before.left(n) if read is None else read.left[n]

    def choosable(self, term: Int, i: Int) -> Formula:
        if ("choosable", None) not in self.changed:
            return self.before.choosable(term, i)
        at = term.get_id(), i.get_id()
        if at not in self._choosable:
            self._choosable[at] = may_be_chosen(self, term, i), term, i
        return self._choosable[at][0]
