"""A cluster of any number of servers, as z3 sees it: what is said of servers are functions of them.

The acting server is 0, the sender of a delivered message 1.  Two more names stand for any other
servers, which may be the same one, or the sender: what is shown of these two, and of the acting
server, is shown of all.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final, NamedTuple

import z3

from conformance.prove.any_size import statements
from conformance.prove.any_size.statements import Among, Node, may_be_chosen
from conformance.prove.statements import views
from conformance.prove.statements.lemma import EntryTerm, Int, Server
from conformance.prove.statements.logic import Formula, both, choose, either
from conformance.prove.statements.views import (
    ACTOR,
    NUMBERS,
    TRUTHS,
    Part,
    entry_function,
    integer_function,
)

BOOL, INT = z3.BoolSort(), z3.IntSort()
REPRESENTED: Final = 3
"""So many servers the code is run on: the acting one, the sender, and one for all others."""
ME: Final = z3.IntVal(int(ACTOR))
"""The acting server."""
X, Y = z3.Int("any_server"), z3.Int("any_other")
ANY: Final = {"n": X, "m": Y, "c": Y}
"""Any server but the acting one, by the kind of a lemma's argument."""
ALL_NODES: Final = {kind: z3.Int(f"all_{kind}") for kind in "nmc"}


class Each:
    """What a server knows of each server."""

    def __init__(self, of: Any) -> None:
        self._of = of

    def __getitem__(self, m: Node) -> Any:
        return self._of(m)


class Before:
    """A cluster of which nothing is known, and its history."""

    size: int = REPRESENTED
    founding = views.FOUNDING

    def __init__(self, size: int = REPRESENTED) -> None:
        self._numbers = {name: z3.Function(name, INT, INT) for name in NUMBERS}
        self._truths = {name: z3.Function(name, INT, BOOL) for name in TRUTHS}
        self._logs = {name: entry_function(name, INT) for name in ("log", "disk_log")}
        self._granted = z3.Function("granted", INT, INT, BOOL)
        self._match = z3.Function("match", INT, INT, INT)
        self._answered = z3.Function("answered", INT, INT, INT)
        self._servers: dict[Any, Server] = {}
        self.lead = integer_function("lead")
        self.tlast = integer_function("tlast")
        self.tlog = entry_function("tlog", INT)
        self.commit_term = integer_function("commit_term")
        self.committed_up_to = integer_function("committed_up_to")
        self.choosable = z3.Function("choosable", INT, INT, BOOL)
        self.told = z3.Function("told", INT, INT, INT)
        self.ack = z3.Function("ack", INT, INT, INT)
        self.left = z3.Function("left", INT, BOOL)
        self.told_by_majority = z3.Function("told_by_majority", INT, INT, BOOL)
        self.acked_by_majority = z3.Function("acked_by_majority", INT, INT, BOOL)
        self.may_ack_by_majority = z3.Function("may_ack_by_majority", INT, INT, BOOL)
        self.answered_by_majority = z3.Function("answered_by_majority", INT, BOOL)

    def term_of(self, entry: EntryTerm) -> Int:
        return views.TERM_OF(entry)

    def server(self, n: Node) -> Server:
        key = n if isinstance(n, int) else n.get_id()
        key = type(n) is int or isinstance(n, int), key
        if key not in self._servers:
            self._servers[key] = self._unknown(n)
        return self._servers[key]

    def _unknown(self, n: Node) -> Server:
        at = z3.IntVal(int(n)) if isinstance(n, int) else n
        values: dict[str, Any] = {name: of(at) for name, of in self._numbers.items()}
        values |= {name: of(at) for name, of in self._truths.items()}
        for name, log in self._logs.items():
            values[name] = lambda i, log=log: log(at, i)
        of_each = {"granted": self._granted, "match": self._match, "answered": self._answered}
        for name, known in of_each.items():
            values[name] = Each(lambda m, known=known: known(at, m))
        return Server(**values)

    @property
    def actor(self) -> Server:
        return self.server(ACTOR)

    def read_term(self) -> Int:
        return z3.Int("read_term")

    def read_seqno(self) -> Int:
        return z3.Int("read_seqno")

    def read_stale(self) -> Formula:
        return z3.Bool("read_stale")

    def left_by_majority(self) -> Formula:
        return z3.Bool("left_by_majority")


class Read(NamedTuple):
    """A read that was taken; `left`: who had left its term, and whether these are a majority."""

    term: Int
    seqno: Int
    stale: Formula
    left: Among
    left_by_majority: Formula


@dataclass(frozen=True, slots=True)
class Changes(views.Changes):
    read: Any = None

    def parts(self) -> set[Part]:
        changed = replace(self, read=None)._parts()
        if self.read is not None:
            names = ("read_term", "read_seqno", "read_stale", "left_by_majority")
            changed |= {(name, None) for name in names} | {("left", ACTOR), ("left", OTHER)}
        return changed

    def _parts(self) -> set[Part]:
        return views.Changes.parts(self)


OTHER: Final = -2
"""In the place of any other server in the name of a part."""
HISTORY: Final = views.HISTORY | {"left_by_majority"}
FAMILIES: Final = {
    "told_by_majority": (statements.told, ("told",)),
    "acked_by_majority": (statements.acked, ("ack",)),
    "may_ack_by_majority": (statements.may_ack, ("ack", "disk_term")),
}
"""Each with its sets, and what of a server tells whether it is in one of them."""


def is_other(n: Node) -> bool:
    """Whether it is named as one that does not act."""
    if isinstance(n, int):
        return n != ACTOR
    return any(n.eq(one) for one in ANY.values())


class After:
    """The cluster after a step of the acting server."""

    size: int = REPRESENTED
    founding = views.FOUNDING
    term_of = Before.term_of
    families: ClassVar[dict[str, Any]] = FAMILIES

    def __init__(self, before: Before, actor: Server, changed: set[Part], changes: Any) -> None:
        self.before, self._actor = before, actor
        self.changes = changes
        self.changed = changed | changes.parts()
        for name, (_, parts) in self.families.items():
            if any((part, ACTOR) in self.changed for part in parts):
                self.changed |= {(name, None)}
        if self.changed & {("tlog", None), ("may_ack_by_majority", None)}:
            self.changed |= {("choosable", None)}

    lead, tlast, tlog = views.After.lead, views.After.tlast, views.After.tlog
    _counts: Any = views.After._counts
    commit_term, committed_up_to = views.After.commit_term, views.After.committed_up_to
    read_term, read_seqno = views.After.read_term, views.After.read_seqno
    read_stale = views.After.read_stale

    @property
    def actor(self) -> Server:
        return self._actor

    def server(self, n: Node) -> Any:
        if is_other(n):
            return self.before.server(n)
        if isinstance(n, int):
            return self._actor
        return Either(n == ACTOR, self._actor, self.before.server(n))

    def told(self, n: Node, term: Int) -> Int:
        old = self.before.told(n, term)
        if is_other(n) or self.changes.told is None:
            return old
        return choose(both(n == ACTOR, term == self.changes.term), self.changes.told, old)

    def ack(self, n: Node, term: Int) -> Int:
        old = self.before.ack(n, term)
        if is_other(n) or self.changes.acked is None:
            return old
        now, up_to = self.changes.acked
        return choose(both(n == ACTOR, term == now), up_to, old)

    def left(self, n: Node) -> Formula:
        read = self.changes.read
        return self.before.left(n) if read is None else read.left(n)

    def left_by_majority(self) -> Formula:
        read = self.changes.read
        return self.before.left_by_majority() if read is None else read.left_by_majority

    def _by_majority(self, name: str, *at: Any) -> Formula:
        """Whether a majority is in the set now, into which or from which only the acting server may
        have come: if it has, nothing else is known.
        """
        old = getattr(self.before, name)(*at)
        if (name, None) not in self.changed:
            return old
        family, _ = self.families[name]
        of = at[-2:]  # before them, of which voters, where that is said
        was, is_in = family(self.before, *of)(ACTOR), family(self, *of)(ACTOR)
        moved = z3.Function(f"moved_{name}", *[one.sort() for one in terms(at)], BOOL)(*terms(at))
        return choose(was == is_in, old, choose(is_in, either(old, moved), both(old, moved)))

    def told_by_majority(self, *at: Any) -> Formula:
        return self._by_majority("told_by_majority", *at)

    def acked_by_majority(self, *at: Any) -> Formula:
        return self._by_majority("acked_by_majority", *at)

    def may_ack_by_majority(self, *at: Any) -> Formula:
        return self._by_majority("may_ack_by_majority", *at)

    def choosable(self, term: Int, i: Int) -> Formula:
        if ("choosable", None) not in self.changed:
            return self.before.choosable(term, i)
        view: Any = self
        return may_be_chosen(view, term, i)


def terms(values: Any) -> list[Any]:
    return [z3.IntVal(int(one)) if isinstance(one, int) else one for one in values]


class Either:
    """The acting server if it is this one, or that other one."""

    def __init__(self, acts: Formula, actor: Server, other: Server) -> None:
        self._acts, self._actor, self._other = acts, actor, other

    def __getattr__(self, name: str) -> Any:
        one, other = getattr(self._actor, name), getattr(self._other, name)
        if name in ("log", "disk_log"):
            return lambda i: choose(self._acts, one(i), other(i))
        if isinstance(other, Each):
            return Each(lambda m: choose(self._acts, one[m], other[m]))
        return choose(self._acts, one, other)


class Reading:
    """A view that notes what is asked of it."""

    def __init__(self, of: Before) -> None:
        self._of = of
        self.read: set[Part] = set()
        self.founding, self.term_of = of.founding, of.term_of

    def server(self, n: Node) -> Any:
        return ReadingServer(self._of.server(n), who(n), self.read)

    def __getattr__(self, name: str) -> Any:
        asked = getattr(self._of, name)
        whole = name in HISTORY or name.endswith("_by_majority")

        def noting(*args: Any) -> Any:
            self.read.add((name, None if whole else who(args[0])))
            return asked(*args)

        return noting


def who(n: Node) -> int:
    return OTHER if is_other(n) else ACTOR


class ReadingServer:
    def __init__(self, of: Server, who: int, read: set[Part]) -> None:
        self._of, self._who, self._read = of, who, read

    def __getattr__(self, name: str) -> Any:
        self._read.add((name, self._who))
        return getattr(self._of, name)
