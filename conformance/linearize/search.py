"""The search for an order: Wing and Gong's, with Lowe's memory of what was tried.

Wing and Gong ("Testing and verifying concurrent objects", 1993) take the operations one by one: any
may be next that was called before the first return of those not yet taken, and whose result the
object would give now; where none is left the last choice is taken back.  Lowe ("Testing for
linearizability", 2017) remembers each configuration, the operations taken and the state of the
object, as the search from it always ends alike.

Three observations keep it small.  Each holds for any object, and none leaves out an order without
leaving another:

- An operation that may be next and only reads can be taken at once: in any order it could as well
  come first (unless a free one had to come before it).
- An operation of unknown outcome is taken only if the one after it can tell: from an order with as
  few of them as can be, none can be left out.
- Of two such operations with the same call the one called first is taken first; and a configuration
  that used more of them than another, and is the same otherwise, leads nowhere that the other does
  not.
"""

from __future__ import annotations

import sys
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from heapq import heappop, heappush
from itertools import chain
from typing import Final, Literal, NamedTuple, TypeAlias

from conformance.linearize.models import IMPOSSIBLE, Call, Impossible, Model, Operation, State

BUDGET: Final = 1_000_000
"""How many configurations are tried unless told otherwise: a few hundred bytes and some twenty
microseconds each."""

FOREVER: Final = sys.maxsize

Verdict: TypeAlias = Literal["linearizable", "not linearizable", "budget spent"]


@dataclass(frozen=True, slots=True)
class Found:
    """What a search came to."""

    verdict: Verdict
    order: tuple[Operation, ...]
    """The operations in an order that explains all results, if there is one."""
    configurations: int
    """How many were tried."""
    reached: int
    """How many of the operations that returned, in the order of their returns, some order that was
    tried had all of: about there a history that is not linearizable stops making sense."""


def search(
    operations: Sequence[Operation],
    model: Model,
    budget: int = BUDGET,
    free: Sequence[Operation] = (),
) -> Found:
    """Look for an order of operations on one object that explains every result.

    Operations without a return may be in it or not.  Those of `free` may be, any number of times
    between their call and their return, whatever their result was.

    Where outcomes are unknown, two searches are made.  In the first such operations may be taken
    any number of times, so that no account is kept of them: if that has no order, nothing has.

    Time and memory grow with the configurations that are tried, at most `budget`: as many as there
    are operations if no choice is ever taken back, and at worst exponentially many in the number of
    operations that are under way at once.  Each takes time for those and for the calls of unknown
    outcome before it.  There is no recursion.
    """
    lost = [one for one in operations if one.returned is None]
    spent = 0
    if lost:
        returned = [one for one in operations if one.returned is not None]
        found = _Search(_Problem(returned, [*free, *lost], model), budget).run()
        if found.verdict == "not linearizable":
            return found
        spent = found.configurations
    found = _Search(_Problem(operations, free, model), max(0, budget - spent)).run()
    return replace(found, configurations=found.configurations + spent)


class _Known(NamedTuple):
    """An operation that returned."""

    rank: int
    """Its place in the order of returns."""
    called: int
    call: int
    slot: int
    """A bit that no operation has that is under way at the same time."""
    only_reads: bool
    operation: Operation


@dataclass(slots=True)
class _Kind:
    """Operations that may be left out and have the same call, in the order of their calls."""

    call: int
    called: list[int] = field(default_factory=list)
    operations: list[Operation] = field(default_factory=list)
    bits: list[int] = field(default_factory=list)
    """One for each, in what is used; none if they are free."""
    open_till: list[int] = field(default_factory=list)
    """If they are free, the latest return of each and those before it."""


class _Problem:
    """The operations, as the search wants them."""

    def __init__(
        self, operations: Sequence[Operation], free: Sequence[Operation], model: Model
    ) -> None:
        self.model = model
        self._numbers: dict[Call, int] = {}
        self._calls: list[Call] = []
        self.known = self._ranked(operations)
        self.returns = [one.operation.returned or 0 for one in self.known]
        self.kinds = self._kinds(operations, free)
        self.linked = [k for k in self.kinds if not model.only_writes(self._calls[k.call])]
        """Those to which it matters what came before."""
        self.free_returns = sorted(one.returned for one in free if one.returned is not None)

    def _number(self, call: Call) -> int:
        number = self._numbers.setdefault(call, len(self._calls))
        if number == len(self._calls):
            self._calls.append(call)
        return number

    def _ranked(self, operations: Sequence[Operation]) -> list[_Known]:
        """Those that returned, in the order of their returns."""
        returned = [(one.returned, one) for one in operations if one.returned is not None]
        ranks = {id(one): rank for rank, (_, one) in enumerate(sorted(returned, key=_first))}
        slots: list[int] = []
        busy: list[tuple[int, int]] = []
        known = []
        for end, one in sorted(returned, key=lambda pair: pair[1].called):
            while busy and busy[0][0] < one.called:
                heappush(slots, heappop(busy)[1])
            slot = heappop(slots) if slots else len(busy)
            heappush(busy, (end, slot))
            only_reads = self.model.only_reads(one.call)
            call = self._number(one.call)
            known.append(_Known(ranks[id(one)], one.called, call, 1 << slot, only_reads, one))
        return sorted(known)

    def _kinds(self, operations: Sequence[Operation], free: Sequence[Operation]) -> list[_Kind]:
        """Sorted by their first call."""
        lost: dict[int, _Kind] = {}
        for one in sorted((o for o in operations if o.returned is None), key=_called):
            number = self._number(one.call)
            kind = lost.setdefault(number, _Kind(number))
            kind.called.append(one.called)
            kind.operations.append(one)
        bit = 1
        for kind in lost.values():
            for _ in kind.operations:
                kind.bits.append(bit)
                bit <<= 1
        at_will: dict[int, _Kind] = {}
        for one in sorted(free, key=_called):
            number = self._number(one.untold().call)
            kind = at_will.setdefault(number, _Kind(number))
            till = FOREVER if one.returned is None else one.returned
            kind.called.append(one.called)
            kind.operations.append(one)
            kind.open_till.append(max([till, *kind.open_till[-1:]]))
        return sorted((*lost.values(), *at_will.values()), key=lambda kind: kind.called[0])

    def closes(self, latest: int, called: int) -> bool:
        """Whether a free operation can no longer be taken once one with this call is."""
        return bisect_right(self.free_returns, latest) < bisect_left(self.free_returns, called)

    def step(self, state: State, call: int) -> State | Impossible:
        return self.model.step(state, self._calls[call])


def _first(pair: tuple[int, object]) -> int:
    return pair[0]


def _called(operation: Operation) -> int:
    return operation.called


class _Configuration(NamedTuple):
    """Which operations were taken, and the state that they led to."""

    base: int
    """All that rank below were taken."""
    beyond: int
    """The slots of those taken that rank higher: all are under way when `base` returns."""
    state: State
    before: State | None
    """The state before an operation of unknown outcome, if such a one was taken last."""
    used: int
    """The operations of unknown outcome that were taken."""
    latest: int
    """The last call among those taken that returned."""


_Move: TypeAlias = tuple[_Configuration, _Known | None, Operation]


@dataclass(slots=True)
class _Frame:
    """A configuration on the way, how it was come by, and where it leads."""

    moves: Iterator[_Move]
    known: _Known | None
    operation: Operation | None


class _Search:
    def __init__(self, problem: _Problem, budget: int) -> None:
        self.problem = problem
        self.budget = budget
        known = sorted(problem.known, key=lambda one: (one.called, one.rank))
        # A doubly linked list, by rank, of those not taken, in the order of their calls; the last
        # place is its head.
        self.head = len(known)
        self.next = [self.head] * (self.head + 1)
        self.previous = [self.head] * (self.head + 1)
        at = self.head
        for one in known:
            self.next[at], self.previous[one.rank] = one.rank, at
            at = one.rank
        self.next[at], self.previous[self.head] = self.head, at
        self.tried: dict[tuple[int, int, State, State | None], list[int]] = {}
        self.configurations = 0
        self.reached = 0

    def run(self) -> Found:
        start = _Configuration(0, 0, self.problem.model.initial, None, 0, -1)
        self._is_new(start)
        frames = [_Frame(self._moves(start), None, None)]
        if not self.problem.known:
            return self._found("linearizable", frames)
        while frames:
            move = next(frames[-1].moves, None)
            if move is None:
                known = frames.pop().known
                if known is not None:
                    self._put_back(known.rank)
                continue
            after, known, operation = move
            if not self._is_new(after):
                continue
            if self.configurations > self.budget:
                return self._found("budget spent", [])
            if known is not None:
                self._take(known.rank)
            self.reached = max(self.reached, after.base)
            frames.append(_Frame(self._moves(after), known, operation))
            if after.base == len(self.problem.known):
                return self._found("linearizable", frames)
        return self._found("not linearizable", [])

    def _found(self, verdict: Verdict, frames: list[_Frame]) -> Found:
        order = tuple(frame.operation for frame in frames if frame.operation is not None)
        return Found(verdict, order, self.configurations, self.reached)

    def _take(self, rank: int) -> None:
        before, after = self.previous[rank], self.next[rank]
        self.next[before], self.previous[after] = after, before

    def _put_back(self, rank: int) -> None:
        self.next[self.previous[rank]] = self.previous[self.next[rank]] = rank

    def _is_new(self, at: _Configuration) -> bool:
        """Whether no configuration was tried from which as much or more is possible."""
        seen = self.tried.setdefault(at[:4], [])
        used = at.used
        for other in seen:
            if other & used == other:
                return False
        seen[:] = [other for other in seen if other & used != used]
        seen.append(used)
        self.configurations += 1
        return True

    def _moves(self, at: _Configuration) -> Iterator[_Move]:
        """The configurations one operation further: what returns first is taken first."""
        problem, known, limit = self.problem, self.problem.known, self._limit(at.base)
        open_calls, choices = [], []
        rank = self.next[self.head]
        while rank != self.head and known[rank].called < limit:
            call = known[rank].call
            open_calls.append(call)
            after = problem.step(at.state, call)
            if after is not IMPOSSIBLE:
                tells = at.before is None or problem.step(at.before, call) != after
                if known[rank].only_reads and not problem.closes(at.latest, known[rank].called):
                    if tells:
                        yield self._taken(at, known[rank], after)
                    return
                if tells:
                    choices.append((rank, after))
            rank = self.next[rank]
        for rank, after in sorted(choices, key=_first):
            yield self._taken(at, known[rank], after)
        yield from self._unknown_moves(at, limit, open_calls)

    def _unknown_moves(
        self, at: _Configuration, limit: int, open_calls: list[int]
    ) -> Iterator[_Move]:
        """Those that one that could be next can tell."""
        problem = self.problem
        kinds = problem.kinds if at.before is None else problem.linked
        for kind in kinds:
            if kind.called[0] >= limit:
                return
            place = self._place(kind, at, limit)
            if place is None:
                continue
            after = problem.step(at.state, kind.call)
            if after is IMPOSSIBLE or after == at.state:
                continue
            if at.before is not None and problem.step(at.before, kind.call) == after:
                continue
            linked = (one.call for one in problem.linked if one.called[0] < limit)
            if not any(self._tells(at.state, after, call) for call in chain(open_calls, linked)):
                continue
            used = at.used | kind.bits[place] if kind.bits else at.used
            taken = at._replace(state=after, before=at.state, used=used)
            yield taken, None, kind.operations[place]

    def _tells(self, before: State, after: State, call: int) -> bool:
        """Whether a call is possible after a change of the state, and can tell."""
        step = self.problem.step
        return (then := step(after, call)) is not IMPOSSIBLE and then != step(before, call)

    def _place(self, kind: _Kind, at: _Configuration, limit: int) -> int | None:
        """Which operation of a kind can be taken, if any."""
        last = bisect_left(kind.called, limit) - 1
        if not kind.bits:
            return last if kind.open_till[last] > at.latest else None
        return next((place for place in range(last + 1) if not at.used & kind.bits[place]), None)

    def _limit(self, base: int) -> int:
        """When the first return is of those not taken."""
        returns = self.problem.returns
        return returns[base] if base < len(returns) else 0

    def _taken(self, at: _Configuration, one: _Known, after: State) -> _Move:
        base, beyond = at.base, at.beyond
        if one.rank != base:
            beyond |= one.slot
        else:
            known = self.problem.known
            base += 1
            while base < len(known) and beyond & known[base].slot:
                beyond ^= known[base].slot
                base += 1
        latest = max(at.latest, one.called)
        return _Configuration(base, beyond, after, None, at.used, latest), one, one.operation
