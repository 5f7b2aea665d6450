"""A shortest way from the start to what was found, as steps of `spec.cluster`.

The search keeps no predecessors: the way back is found by expanding the layers once more.  What it
found as numbers is then done again with values, one step at a time, on the specified cluster and
on the library in lockstep, and recorded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache, partial
from itertools import product
from types import ModuleType
from typing import NamedTuple

import numpy as np

from conformance.explore.liveness.eventually import LivenessFailure
from conformance.explore.search.store import Store
from conformance.explore.states.bounds import Bounds, Cost
from conformance.explore.states.space import Fault, Space
from conformance.explore.states.steps import (
    Outcome,
    deliveries,
    exceeded,
    of_event,
    of_inputs,
    probes,
)
from conformance.observe.finding import (
    Difference,
    Finding,
    Part,
    describe,
    first_difference,
    name_of,
)
from conformance.observe.recorded import Recorder
from conformance.simulation.lockstep import Lockstep
from conformance.simulation.run import Run
from conformance.subjects.readback import Reader
from spec import cluster as c
from spec import rules
from spec import values as v
from spec.properties import Violation


class Move(NamedTuple):
    """One step of the search, in steps of the cluster, and what they led to."""

    steps: tuple[c.Step, ...]
    changes: tuple[c.Change, ...]
    spent: Cost

    @property
    def after(self) -> c.Cluster:
        return self.changes[-1].after


@dataclass(frozen=True, slots=True)
class Counterexample:
    """What is wrong, and the moves that lead there; none of fewer moves does."""

    nodes: int
    finding: Finding
    moves: list[Move]
    recorder: Recorder = field(default_factory=Recorder)

    def as_json(self) -> dict[str, object]:
        return {
            "property": name_of(self.finding),
            "node": self.finding.node,
            "detail": describe(self.finding),
            "moves": len(self.moves),
            "steps": sum(len(move.steps) for move in self.moves),
        }


def explain(
    space: Space, store: Store, depth: int, faults: Iterable[Fault], library: ModuleType | None
) -> Counterexample:
    """A way to one of the faults of the steps from a depth.

    It ends with the event at which what is wrong shows: be that a part of the last move, or one of
    the probes of a server's state, which lead nowhere and so are no steps of the search.
    """
    findings = space.nodes.findings
    probed = set(space.nodes.wrong.rows.tolist())
    fault = min(
        faults, key=lambda one: (one.what in probed and _is_difference(findings[one.what]), one)
    )
    moves = walk(space, states_to(space, store, depth, fault.source))
    finding = findings[fault.what]
    assert finding is not None
    cluster, spent = _end(space, moves)
    for move in possible(space, cluster, spent):
        if space.number(move.after, move.spent) == fault.to:
            for probe in ((), *_failing_probes(space, move)):
                seen = retrace(space, [*moves, move, *probe], library)
                if seen.found is not None and name_of(seen.found) == name_of(finding):
                    return Counterexample(space.bounds.nodes, seen.found, seen.moves, seen.recorder)
    # Only a node that was built from its state shows it: one that keeps what it was handed, say.
    return Counterexample(space.bounds.nodes, finding, seen.moves, seen.recorder)


def _is_difference(finding: Finding | None) -> bool:
    return isinstance(finding, Difference)


def _failing_probes(space: Space, move: Move) -> Iterator[tuple[Move]]:
    """The probes of the servers after a move at which the library differs."""
    compare, rule = space.nodes.compare, space.nodes.rule
    for member in move.after.members:
        for event in probes(member.node, space.bounds) if member.up else ():
            if compare is not None and compare(c.take(member, event, rule)) is not None:
                steps = c.Input(member.node.id, event), c.Drain(member.node.id)
                first = c.apply(move.after, steps[0], rule)
                changes = first, c.apply(first.after, steps[1], rule)
                yield (Move(steps, changes, move.spent),)


def explain_liveness(
    space: Space, store: Store, depth: int, failure: LivenessFailure, library: ModuleType | None
) -> Counterexample:
    """A shortest way to where a claim of `eventually` fails, and what then follows."""
    at = next(d for d in range(depth + 1) if _is_in(store, d, failure.state))
    moves = walk(space, states_to(space, store, at, failure.state))
    cluster, spent = _end(space, moves)
    for step in failure.steps(space, cluster):
        before = moves[-1].after if moves else cluster
        changes = (c.apply(before, step, space.nodes.rule),)
        if isinstance(step, c.Drain) and len(moves) > at:
            last = moves.pop()
            moves.append(Move((*last.steps, step), (*last.changes, *changes), spent))
        else:
            moves.append(Move((step,), changes, spent))
    retraced = retrace(space, moves, library)
    finding = Violation(failure.claim, None, failure.detail)
    return Counterexample(space.bounds.nodes, finding, moves, retraced.recorder)


def _is_in(store: Store, depth: int, state: int) -> bool:
    return any(bool((part == np.uint64(state)).any()) for part in store.layer(depth))


class Retraced(NamedTuple):
    found: Finding | None
    moves: list[Move]
    recorder: Recorder


def retrace(space: Space, moves: list[Move], library: ModuleType | None) -> Retraced:
    """The moves once more, in lockstep with the library, up to the first finding."""
    recorder = Recorder()
    run = new_run(space.bounds, library, space.bounds.nodes, recorder, space.nodes.rule)
    for at, move in enumerate(moves):
        for done, step in enumerate(move.steps):
            finding = run.take(step) or run.compare_logs()
            if finding is not None:
                cut = Move(move.steps[: done + 1], move.changes[: done + 1], move.spent)
                return Retraced(finding, [*moves[:at], cut], recorder)
    return Retraced(None, moves, recorder)


def new_run(
    bounds: Bounds,
    library: ModuleType | None,
    size: int,
    recorder: Recorder | None = None,
    rule: c.Rule = rules.step,
) -> Run:
    """Of so many nodes as these bounds have them.

    All of a node's state is compared: what is hidden in it would be seen from outside only later.
    """
    if library is None:
        return Run(size, rule, recorder, bounds.limits)
    return _InFull(size, library, rule, recorder, bounds.limits)


class _InFull(Lockstep):
    """In which all of a node's state is compared after each of its turns."""

    def __init__(
        self,
        size: int,
        library: ModuleType,
        rule: c.Rule,
        recorder: Recorder | None,
        limits: v.Limits,
    ) -> None:
        self._nodes = Reader(library)
        super().__init__(size, self._nodes, rule, recorder, limits)

    def compare(self, turn: c.Turn) -> Difference | None:
        found = super().compare(turn)
        if found is not None or not turn.after.up:
            return found
        return first_difference(turn.node, turn.event, self._state_of_both(turn))

    def _state_of_both(self, turn: c.Turn) -> Iterator[Part]:
        yield "state", turn.after[:2], self._nodes.read(self._nodes.nodes[turn.node])


def states_to(space: Space, store: Store, depth: int, target: int) -> list[int]:
    """A state of every depth, each a step after the one before; the last is the target."""
    states = [target]
    for earlier in range(depth - 1, -1, -1):
        states.append(_predecessor(space, store, earlier, states[-1]))
    states.reverse()
    return states


def _predecessor(space: Space, store: Store, depth: int, target: int) -> int:
    wanted = np.uint64(target)
    for part in store.layer(depth):
        for start in range(0, len(part), 1 << 14):
            chunk = part[start : start + (1 << 14)]
            at, found, _ = space.follow(chunk)
            hit = np.flatnonzero(found == wanted)
            if hit.size:
                return int(chunk[at[hit[0]]])
    raise AssertionError(f"nothing at depth {depth} leads to state {target:x}")


def walk(space: Space, states: list[int]) -> list[Move]:
    """Moves with values, from the start through these states or renamings of them."""
    moves: list[Move] = []
    for state in states[1:]:
        cluster, spent = _end(space, moves)
        move = next(
            move
            for move in possible(space, cluster, spent)
            if space.number(move.after, move.spent) == state
        )
        moves.append(move)
    return moves


def _end(space: Space, moves: list[Move]) -> tuple[c.Cluster, Cost]:
    if not moves:
        return c.new_cluster(space.bounds.nodes, space.bounds.limits), Cost()
    return moves[-1].after, moves[-1].spent


def possible(space: Space, cluster: c.Cluster, spent: Cost) -> Iterator[Move]:
    """Everything that may happen next within the bounds."""
    bounds, rule = space.bounds, space.nodes.rule
    for server, member in enumerate(cluster.members):
        for outcome in _of_inputs(member, bounds, rule):
            yield from _moves(space, cluster, spent, server, outcome, ())
    delivered: set[c.Envelope] = set()
    for index, envelope in enumerate(cluster.network):
        if envelope in delivered:
            continue
        delivered.add(envelope)
        member = cluster.members[envelope.to]
        for keep, outcome in _of_delivery(member, envelope.content, bounds, rule):
            deliver = c.Deliver(index, keep)
            yield from _moves(space, cluster, spent, envelope.to, outcome, (deliver,))
            twice = outcome._replace(cost=outcome.cost.plus(Cost(duplications=1)))
            again = (c.Duplicate(index), deliver)
            yield from _moves(space, cluster, spent, envelope.to, twice, again)


# The same server is a part of many states.


@lru_cache(maxsize=1 << 15)
def _of_inputs(member: c.Member, bounds: Bounds, rule: c.Rule) -> tuple[Outcome, ...]:
    """What may begin with the server itself, within the bounds on terms and logs."""
    found = of_inputs(member, bounds, rule)
    return tuple([outcome for outcome in found if not exceeded(outcome, bounds)])


@lru_cache(maxsize=1 << 15)
def _of_delivery(
    member: c.Member, content: v.Message | c.Snapshot, bounds: Bounds, rule: c.Rule
) -> tuple[tuple[int | None, Outcome], ...]:
    """What may become of a content that arrives, within the bounds on terms and logs."""
    return tuple(
        [
            (keep, outcome)
            for keep, event, cost in deliveries(content, bounds)
            for outcome in of_event(member, event, cost, bounds, rule)
            if not exceeded(outcome, bounds)
        ]
    )


def _moves(
    space: Space,
    cluster: c.Cluster,
    spent: Cost,
    server: int,
    outcome: Outcome,
    delivery: tuple[c.Step, ...],
) -> Iterator[Move]:
    """The move, with each choice of what is lost of the messages it sends."""
    bounds = space.bounds
    spent = spent.plus(outcome.cost)
    if bounds.exceeded(spent):
        return
    taken = [(step, outcome.turns[0]) for step in delivery]
    for turn in outcome.turns:
        taken += [(step, turn) for step in _steps(server, turn, delivered=bool(delivery))]
    steps, changes = [step for step, _ in taken], _applied(cluster, taken)
    after = changes[-1].after.network
    count = sum(len(c.sent(turn)) for turn in outcome.turns)
    first = len(after) - count
    for lost in product((False, True), repeat=count):
        losses = sum(lost)
        total = spent if bounds.losses is None else spent.plus(Cost(losses=losses))
        if len(after) - losses > bounds.in_flight or bounds.exceeded(total):
            continue
        gone = [c.Lose(first + place) for place in range(count) if lost[place]][::-1]
        more = _applied(changes[-1].after, [(step, turn) for step in gone])
        yield Move((*steps, *gone), (*changes, *more), total)


def _steps(server: int, turn: c.Turn, delivered: bool) -> list[c.Step]:
    if isinstance(turn.event, v.Restart):
        return [c.Comeback(server)]
    if turn.event is not None:
        return [] if delivered else [c.Input(server, turn.event)]
    if turn.owed is None:
        return [c.Crash(server)]
    if turn.after.up:
        return [c.Drain(server)] if turn.owed else []
    return [c.Drain(server, len(turn.executed))]


def _applied(cluster: c.Cluster, taken: Iterable[tuple[c.Step, c.Turn]]) -> list[c.Change]:
    """What steps do, of each of which it is known what turn it is of its server, if it is any."""
    changes: list[c.Change] = []
    for step, turn in taken:
        known = partial(_known, turn)
        change = c.apply_with(cluster, step, known, known)
        changes.append(change)
        cluster = change.after
    return changes


def _known(turn: c.Turn, *_: object) -> c.Turn:
    return turn
