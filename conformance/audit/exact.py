"""`--level exact`: every node's recorded events through the specification, and all of it compared.

Each node is judged by its own records, in their order; the nodes need no common clock.  A node is
judged up to its first departure, after which the specification and the recording are in different
states.  Memory: what the nodes' logs need.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from conformance.audit.decisions import DECISIONS, LEARN_LATE, as_in_crate
from conformance.observe.finding import Problem
from conformance.observe.observed import observed
from conformance.observe.recorded import Recorded
from conformance.observe.show import show
from conformance.trace.records import Checkpoint, told
from conformance.trace.translate import Observed
from spec import rules
from spec.cluster import Disk, Member, Rule, drain, persist, take
from spec.pending import NOTHING, owe
from spec.sequence import Sequence
from spec.values import (
    Action,
    Event,
    Log,
    Node,
    NodeId,
    Outcome,
    Restart,
    Start,
)


@dataclass(slots=True)
class _Judged:
    """What is known of a node; `member` is None after a departure."""

    member: Member | None
    cut: Problem | None = None
    """The drain was not brought to its end, which is right if a crash came then."""


class ExactAudit:
    """Takes records one at a time; `problems` has the first departure of each node."""

    def __init__(self, rule: Rule = rules.step) -> None:
        self.rule = rule
        self.problems: list[Problem] = []
        self.checked = {"events": 0, "drains": 0, "restarts": 0}
        self._nodes: dict[NodeId, _Judged] = {}

    def add(self, record: Recorded) -> None:
        judged = self._nodes.get(record.node)
        if judged is None:
            judged = self._nodes[record.node] = _Judged(_new_member(record.node))
            known = False
        else:
            known = True
        if judged.member is None:
            return
        if judged.cut is not None and not isinstance(record.event, Restart):
            problem: Problem | None = judged.cut
        else:
            judged.cut = None
            problem = self._judge(judged, record, known)
        if problem is not None:
            self.problems.append(problem)
            judged.member = None

    def finish(self) -> list[Problem]:
        """A drain that the end of a recording cuts short is no departure."""
        return self.problems

    def _judge(self, judged: _Judged, record: Recorded, known: bool) -> Problem | None:
        member, event = judged.member, record.event
        assert member is not None
        self.checked["events"] += 1
        if isinstance(event, Checkpoint):
            return self._resume(judged, record, event, known)
        if isinstance(event, (Start, Restart)):
            lost = _lost(member.disk, event) if known else None
            if lost is not None:
                return Problem("RestartFromDisk", record.node, record.seq, lost)
            self.checked["restarts"] += 1
            if isinstance(event, Restart):
                event = replace(event, log=_persistent(event.log))
                member = Member(member.node, NOTHING, Disk(*_fields(event)))
        before = member
        outcome, member = _handled(self.rule, member, event)
        actions: tuple[Action, ...] | None = None
        cut = False
        state = observed(member.node)
        if record.actions is not None:
            self.checked["drains"] += 1
            actions, node = drain(member)
            cut = _may_be_cut(record.actions, actions)
            disk = member.disk
            if cut or actions == record.actions:
                for action in record.actions:
                    disk = persist(disk, action)
            member = Member(node, NOTHING, disk)
        judged.member = member
        drained = observed(member.node)
        problem = _compared(record, told(outcome), actions, drained)
        if problem is None:
            return None
        name = self._named(before, record, event)
        problem = replace(problem, detail=name + problem.detail)
        if not cut:
            return problem
        # A crash before the end of the drain excuses the missing actions, and nothing else.
        otherwise = [
            _compared(record, told(outcome), record.actions, seen) for seen in (state, drained)
        ]
        if None in otherwise:
            judged.cut = problem
            return None
        return problem if name or record.actions == actions else otherwise[0]

    def _resume(
        self, judged: _Judged, record: Recorded, checkpoint: Checkpoint, known: bool
    ) -> Problem | None:
        """Go on from a checkpoint; after other records it has to be what they led to."""
        node = checkpoint.node._replace(log=_persistent(checkpoint.node.log))
        disk = Disk(*_fields(replace(checkpoint.disk, log=_persistent(checkpoint.disk.log))))
        resumed = Member(node, owe(NOTHING, checkpoint.pending), disk)
        if known:
            for part in Member._fields:
                if getattr(judged.member, part) != getattr(resumed, part):
                    detail = f"{part}: not what the records led to"
                    return Problem("Checkpoint", record.node, record.seq, detail)
        judged.member = resumed
        return _compared(record, None, None, observed(node))

    def _named(self, before: Member, record: Recorded, event: Event) -> str:
        """Which decision it is, if the crate's rule gives just what was recorded."""
        for decision in (*DECISIONS, LEARN_LATE):
            try:
                outcome, member = _handled(as_in_crate(decision), before, event)
                actions = None
                if record.actions is not None:
                    actions, node = drain(member)
                    member = member._replace(node=node)
            except (IndexError, AssertionError, AttributeError):
                continue
            if _compared(record, told(outcome), actions, observed(member.node)) is None:
                return f"{decision.name} ({decision.what}): "
        return ""


def _new(node: NodeId) -> Node:
    return rules.start(node).node._replace(log=Log(entries=Sequence()))


def _new_member(node: NodeId) -> Member:
    return Member(_new(node), NOTHING, Disk(log=Log(entries=Sequence())))


def _persistent(log: Log) -> Log:
    return log._replace(entries=Sequence(log.entries))


def _fields(disk: Restart) -> tuple[int, NodeId | None, Log]:
    return disk.current_term, disk.voted_for, disk.log


def _handled(rule: Rule, member: Member, event: Event) -> tuple[Outcome, Member]:
    """The event's effect on the node, on what it owes, and on the disk where the user writes."""
    if isinstance(event, Start):
        return None, _new_member(member.node.id)
    turn = take(member, event, rule)
    return turn.outcome, turn.after


def _lost(disk: Disk, event: Start | Restart) -> str | None:
    """What a node comes up with, against what was persisted."""
    found = Restart(0, None, Log()) if isinstance(event, Start) else event
    for name in ("current_term", "voted_for"):
        persisted, restarted = getattr(disk, name), getattr(found, name)
        if persisted != restarted:
            return f"{name}: persisted {persisted}, restarted with {restarted}"
    if disk.log == found.log:
        return None
    return f"log: persisted up to {_extent(disk.log)}, restarted with {_extent(found.log)}"


def _extent(log: Log) -> str:
    return f"{log.last_position} after a snapshot at {log.snapshot_position}"


def _compared(
    record: Recorded,
    outcome: object,
    actions: tuple[Action, ...] | None,
    state: Observed,
) -> Problem | None:
    def problem(what: str, specified: object, recorded: object) -> Problem:
        detail = f"{what}: specified {show(specified)}; recorded {show(recorded)}"
        return Problem(f"Specified{what.split()[0].capitalize()}", record.node, record.seq, detail)

    if outcome != record.outcome:
        return problem("outcome", outcome, record.outcome)
    if actions is not None and actions != record.actions:
        assert record.actions is not None
        for specified, recorded in zip(actions, record.actions, strict=False):
            if specified != recorded:
                return problem("actions", specified, recorded)
        if len(actions) > len(record.actions):
            return problem("actions", actions[len(record.actions)], "no more")
        return problem("actions", "no more", record.actions[len(actions)])
    recorded_state = record.state
    if not recorded_state.leader_given:
        state = state._replace(leader=None, leader_given=False)
        recorded_state = recorded_state._replace(leader=None)
    if state != recorded_state:
        for field in Observed._fields:
            specified, recorded = getattr(state, field), getattr(recorded_state, field)
            if specified != recorded:
                return problem(f"state {field}", specified, recorded)
    return None


def _may_be_cut(recorded: tuple[Action, ...], owed: tuple[Action, ...]) -> bool:
    """A crash may also come after the last action, before the drain is over."""
    return owed[: len(recorded)] == recorded
