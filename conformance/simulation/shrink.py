"""Make the schedule of a finding as short as it gets, by delta debugging (Zeller, 2002).

Whatever makes a schedule shorter or its values smaller is tried, the cheapest first, until nothing
is left that does.  What is left out takes what depends on it along: a choice that is not enabled
any more is skipped (`choices.take_all`).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import permutations
from typing import NamedTuple, TypeAlias

from conformance.observe.finding import Finding, name_of
from conformance.simulation.choices import Choice, Pick, step_of, take_all
from conformance.simulation.run import Run
from conformance.simulation.simpler import Names, otherwise, renamed, simpler, weight
from spec import cluster as c
from spec import values as v

Tried: TypeAlias = tuple[int, tuple[Choice, ...]]
"""How many nodes, and what they do."""
Fresh: TypeAlias = Callable[[int], Run]
"""Makes the run of a cluster of that many nodes as it is at the beginning."""
Clock: TypeAlias = Callable[[], float]
"""Seconds of work since some time."""


class Shrunk(NamedTuple):
    choices: list[Choice]
    finding: Finding
    size: int
    """How many nodes the cluster has."""


def shrink(
    choices: list[Choice],
    finding: Finding,
    size: int,
    fresh: Fresh,
    seconds: float,
    clock: Clock = time.process_time,
) -> Shrunk:
    """A short schedule in which the same thing is wrong, of `size` nodes at most.

    In the result no step is superfluous, and no two are, unless `seconds` were over before: of CPU
    time, so that it is the same on a busy machine.  It never is longer than `choices`.
    """
    search = _Search(Shrunk(choices, finding, size), fresh, clock() + seconds, clock)
    for coarse in (_drop_idle, _drop_nodes, _drop_kinds, _drop_halves, _drop_idle):
        coarse(search)
    # The dearest are tried last, and only once nothing else is left to do.
    fine = (_drop_nodes, _drop_kinds, _drop_singly, _simplify, _take_detours, _drop_pairs)
    shorter = True
    while shorter and not search.over:
        shorter = any(search.improves(attempts) for attempts in fine)
    return search.best


class _Search:
    """The best schedule up to now, and the attempts to better it."""

    def __init__(
        self,
        best: Shrunk,
        fresh: Fresh,
        deadline: float,
        clock: Clock,
        tried: set[Tried] | None = None,
    ) -> None:
        self.best = best
        self._fresh = fresh
        self._deadline = deadline
        self._clock = clock
        self._wanted = name_of(best.finding)
        self._cost = _cost(best.choices, best.size)
        self._tried = set() if tried is None else tried

    @property
    def over(self) -> bool:
        return self._clock() >= self._deadline

    @property
    def choices(self) -> list[Choice]:
        return self.best.choices

    @property
    def size(self) -> int:
        return self.best.size

    def attempt(self, choices: list[Choice], size: int | None = None) -> bool:
        """Whether these are better: if the same is wrong with them, and they cost less."""
        found = self._shown(choices, self.size if size is None else size)
        return found is not None and self._take(found)

    def aside(self, choices: list[Choice]) -> _Search | None:
        """A search from these on, if the same is wrong with them, however much they cost."""
        found = self._shown(choices, self.size)
        if found is None:
            return None
        return _Search(found, self._fresh, self._deadline, self._clock, self._tried)

    def adopt(self, other: _Search) -> bool:
        """Whether what another search has found is better."""
        return self._take(other.best)

    def _shown(self, choices: list[Choice], size: int) -> Shrunk | None:
        """What comes of a schedule, if the same is wrong with it, and it was not tried yet."""
        key = size, tuple(choices)
        if key in self._tried or self.over:
            return None
        self._tried.add(key)
        found, taken = take_all(self._fresh(size), choices)
        if found is None or name_of(found) != self._wanted:
            return None
        return Shrunk(taken, found, size)

    def _take(self, found: Shrunk) -> bool:
        cost = _cost(found.choices, found.size)
        if cost >= self._cost:
            return False
        self.best, self._cost = found, cost
        return True

    def improves(self, attempts: Callable[[_Search], None]) -> bool:
        before = self._cost
        attempts(self)
        return self._cost < before

    def run(self) -> Run:
        return self._fresh(self.size)


def _cost(choices: list[Choice], size: int) -> tuple[int, int, int]:
    return len(choices), size, weight(choices)


# Steps that go


def _drop_idle(search: _Search) -> None:
    """All steps at once at which no node changes, as the specification has it."""
    run, needed = search.run(), []
    for choice in search.choices:
        step, before = step_of(run.cluster, choice), run.cluster.members
        if step is None or search.over:
            return
        found = run.take(step)
        lasts = found is not None or isinstance(step, c.Duplicate)
        changed = any(a is not b for a, b in zip(before, run.cluster.members, strict=True))
        if lasts or changed:
            needed.append(choice)
    search.attempt(needed)


def _kind(choice: Choice) -> object:
    match choice:
        case Pick(then, _, _, kind):
            return then, kind
        case c.Input(_, event):
            return type(event)
        case c.Drain(_, crash_after):
            return crash_after is None
    return type(choice)


def _drop_kinds(search: _Search) -> None:
    """All steps of one kind: all heartbeats, all crashes, all replies that were lost."""
    for kind in dict.fromkeys(map(_kind, search.choices)):
        search.attempt([choice for choice in search.choices if _kind(choice) != kind])


def _drop_halves(search: _Search) -> None:
    """Halves, quarters and so on, each from the end."""
    part = len(search.choices) // 2
    while part > 1 and not search.over:
        _drop_parts(search, part)
        part //= 2


def _drop_singly(search: _Search) -> None:
    _drop_parts(search, 1)


def _drop_parts(search: _Search, part: int) -> None:
    end = len(search.choices)
    while end > 0 and not search.over:
        start = max(0, end - part)
        search.attempt(search.choices[:start] + search.choices[end:])
        end = min(start, len(search.choices))


def _drop_pairs(search: _Search) -> None:
    """Two steps, the nearest to one another first.

    Terms depend on one another: two elections may go together where neither may alone.
    """
    distance = 1
    while distance < len(search.choices) and not search.over:
        first = len(search.choices) - distance - 1
        while first >= 0 and not search.over:
            choices, second = search.choices, first + distance
            search.attempt(choices[:first] + choices[first + 1 : second] + choices[second + 1 :])
            first = min(first - 1, len(search.choices) - distance - 1)
        distance += 1


# Nodes and values


def _drop_nodes(search: _Search) -> None:
    """A node with all its steps, or one whose part another takes over."""
    for node in reversed(range(search.size)):
        if search.size > 1 and node < search.size:
            search.attempt(renamed(search.choices, _without(search.size, node)), search.size - 1)
    for gone, instead in permutations(reversed(range(search.size)), 2):
        if max(gone, instead) < search.size:
            names = _without(search.size, gone, instead)
            search.attempt(renamed(search.choices, names), search.size - 1)


def _without(size: int, gone: v.NodeId, instead: v.NodeId | None = None) -> Names:
    """The names that are left, without a gap."""
    names: dict[v.NodeId, v.NodeId | None] = {
        node: node - (node > gone) for node in range(size) if node != gone
    }
    return {**names, gone: None if instead is None else names[instead]}


def _simplify(search: _Search) -> None:
    """Smaller values, one at a time."""
    place = len(search.choices) - 1
    while place >= 0 and not search.over:
        choices = search.choices
        for one in simpler(choices[place]):
            if search.attempt([*choices[:place], one, *choices[place + 1 :]]):
                break
        else:
            place -= 1
        place = min(place, len(search.choices) - 1)


# Detours: to something as long, from where more can go


def _take_detours(search: _Search) -> None:
    """Another way that is no shorter by itself, and is once single steps are left out of it."""
    place = len(search.choices) - 1
    while place >= 0 and not search.over:
        for other in otherwise(search.choices, place, search.size):
            aside = search.aside(other)
            if aside is None:
                continue
            _drop_singly(aside)
            if search.adopt(aside):
                break
        place = min(place, len(search.choices)) - 1
