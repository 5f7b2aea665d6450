"""`--level exact`: every node's recorded events through the specification, and all of it compared.

Each node is judged by its own records, in their order; the nodes need no common clock.  A node is
judged up to its first departure, after which the specification and the recording are in different
states.  Where records are missing it is judged from the next one that says all of its state, of
which nothing may be lost that was durable before.  Memory: what the nodes' logs need.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Final, NamedTuple

from conformance.audit.decisions import DECISIONS, LEARN_LATE, as_in_crate
from conformance.observe.finding import Difference, Problem, first_difference
from conformance.observe.observed import (
    Checkpoint,
    Observed,
    RecordedOutcome,
    observed,
    recorded_outcome,
)
from conformance.observe.recorded import Recorded
from conformance.observe.show import show_field, show_name
from spec import rules
from spec import values as v
from spec.always import entries_between
from spec.cluster import Disk, Member, Rule, drain, persist, take
from spec.pending import NOTHING, owe
from spec.sequence import Sequence

NO_DISK: Final = v.Restart(0, None, v.Log())


@dataclass(slots=True)
class NodeState:
    """What is known of a node; `member` is None after a departure."""

    member: Member | None
    seq: int = 0
    """Of its latest record."""
    unless_crashed: Problem | None = None
    """What is wrong with the latest record, unless a crash cut its drain short: then a restart
    comes next, or nothing."""
    packed: v.Index = 0
    """Where its snapshot was when its logs got lists of their own."""


class _Expected(NamedTuple):
    """What the specification makes of an event; `actions` is None where there was no drain.

    `undrained` is the node before the drain, `state` what it shows after it.
    """

    member: Member
    outcome: RecordedOutcome
    actions: tuple[v.Action, ...] | None
    undrained: v.Node
    state: Observed


class ExactAudit:
    """Takes records one at a time; `problems` has the first departure of each node."""

    def __init__(self, rule: Rule = rules.step) -> None:
        self.rule = rule
        self.problems: list[Problem] = []
        self.checked = {"events": 0, "drains": 0, "restarts": 0}
        self.nodes: dict[v.NodeId, NodeState] = {}

    def add(self, record: Recorded) -> None:
        known = record.node in self.nodes
        if not known:
            self.nodes[record.node] = NodeState(_new_member(record.node))
        node = self.nodes[record.node]
        follows, node.seq = record.seq == node.seq + 1, record.seq
        if node.member is None:
            return
        problem, node.unless_crashed = node.unless_crashed, None
        if problem is None or isinstance(record.event, v.Restart) or not follows:
            cut = problem is not None and follows
            problem = self._judge(node, node.member, record, known, cut, follows)
        if problem is not None:
            self.problems.append(problem)
            node.member = None

    def member(self, node: v.NodeId) -> Member | None:
        """Where its records led a node; None after a departure, or what may be one."""
        known = self.nodes.get(node)
        return None if known is None or known.unless_crashed is not None else known.member

    def go_on(self, node: v.NodeId, member: Member, seq: int) -> None:
        """Records of the node up to this one, as specified, led it here (`conformance.native`)."""
        known = self.nodes[node]
        known.member, known.seq = member, seq

    def finish(self) -> list[Problem]:
        """A drain that the end of a recording cuts short is no departure."""
        return self.problems

    def _judge(
        self,
        node: NodeState,
        member: Member,
        record: Recorded,
        known: bool,
        cut: bool,
        follows: bool,
    ) -> Problem | None:
        """`cut`: the drain before was cut short.  `follows`: no record is missing before this."""
        event = record.event
        self.checked["events"] += 1
        if isinstance(event, Checkpoint):
            if known and not follows:
                lost = _lost(member, event.disk, exactly=False)
                if lost is not None:
                    return Problem("RestartFromDisk", record.node, record.seq, lost)
            return self._resume(node, record, event, known and follows)
        if isinstance(event, (v.Start, v.Restart)):
            lost = _lost(member, event, cut) if known else None
            if lost is not None:
                return Problem("RestartFromDisk", record.node, record.seq, lost)
            self.checked["restarts"] += 1
            if isinstance(event, v.Restart):
                event = _with_persistent_log(event)
                member = Member(member.node, NOTHING, _disk(event))
        expected = _expected(self.rule, member, event, record)
        self.checked["drains"] += record.actions is not None
        node.member = expected.member
        if isinstance(event, v.SnapshotInstalled):
            _pack(node, node.member)
        problem = _compared(record, expected)
        if problem is None:
            return None
        decision = _decision(member, event, record)
        problem = replace(problem, detail=decision + problem.detail)
        if not _may_be_cut(record.actions, expected.actions):
            return problem
        # A crash before the end of the drain excuses the missing actions, and nothing else.  The
        # state is then that from before the drain; but what was recorded may be that after it.
        executed = expected._replace(actions=record.actions)
        in_the_midst = _compared(record, executed._replace(state=observed(expected.undrained)))
        if in_the_midst is None or _compared(record, executed) is None:
            node.unless_crashed = problem
            return None
        was_whole = record.actions == expected.actions
        return problem if decision or was_whole else in_the_midst

    def _resume(
        self, node: NodeState, record: Recorded, checkpoint: Checkpoint, known: bool
    ) -> Problem | None:
        """Go on from a checkpoint; after other records it has to be what they led to."""
        state = checkpoint.node._replace(log=_persistent(checkpoint.node.log))
        resumed = Member(
            state, owe(NOTHING, checkpoint.pending), _disk(_with_persistent_log(checkpoint.disk))
        )
        if known:
            for part in Member._fields:
                if getattr(node.member, part) != getattr(resumed, part):
                    detail = f"{part}: not what the records led to"
                    return Problem("Checkpoint", record.node, record.seq, detail)
        node.member = resumed
        shown = observed(state)
        return _compared(record, _Expected(resumed, None, None, state, shown))


def _decision(before: Member, event: v.Event, record: Recorded) -> str:
    """Which decision it is, if the crate's rule gives just what was recorded."""
    for decision in (*DECISIONS, LEARN_LATE):
        try:
            expected = _expected(as_in_crate(decision), before, event, record)
        except (IndexError, AssertionError, AttributeError):
            continue
        if _compared(record, expected) is None:
            return f"{decision.name} ({decision.what}): "
    return ""


def _expected(rule: Rule, member: Member, event: v.Event, record: Recorded) -> _Expected:
    """The event, and the drain after it if there was one.

    The disk is as the recorded actions left it, as long as they are those that were owed.
    """
    outcome: v.Outcome = None
    if isinstance(event, v.Start):
        member = _new_member(member.node.id, event.limits)
    else:
        turn = take(member, event, rule)
        outcome, member = turn.outcome, turn.after
    undrained, actions = member.node, None
    if record.actions is not None:
        disk = member.disk
        actions, node = drain(member, rule)
        if _may_be_cut(record.actions, actions):
            for action in record.actions:
                disk = persist(disk, action)
        member = Member(node, NOTHING, disk)
    state = observed(member.node)
    return _Expected(member, recorded_outcome(outcome), actions, undrained, state)


def _may_be_cut(recorded: tuple[v.Action, ...] | None, owed: tuple[v.Action, ...] | None) -> bool:
    """A crash may also come after the last action, before the drain is over."""
    return recorded is not None and owed is not None and owed[: len(recorded)] == recorded


def _compared(record: Recorded, expected: _Expected) -> Problem | None:
    """The first departure of a record, in its outcome, its actions or its state."""
    outcome, state, recorded_state = expected.outcome, expected.state, record.state
    if isinstance(outcome, v.Called) and record.outcome is True:
        outcome = True  # recorded by a release that did not tell the number
    if recorded_state.confirmed is None:
        state = state._replace(confirmed=None)
    if not recorded_state.leader_given:
        state = state._replace(leader=None, leader_given=False)
        recorded_state = recorded_state._replace(leader=None)
    actions = record.actions if expected.actions is not None else None
    difference = first_difference(
        record.node,
        None,
        (
            ("outcome", outcome, record.outcome),
            ("actions", expected.actions, actions),
            ("state", state, recorded_state),
        ),
    )
    if difference is None:
        return None
    what, specified, recorded = _narrowed(difference)
    wanted, found = show_field(what, specified), show_field(what, recorded)
    detail = f"{show_name(what)}: specified {wanted}; recorded {found}"
    return Problem(f"Specified{difference.what.capitalize()}", record.node, record.seq, detail)


def _narrowed(difference: Difference) -> tuple[str, object, object]:
    """What differs, down to one action or one field of the state."""
    match difference.what, difference.specified, difference.found:
        case "actions", tuple() as specified, tuple() as recorded:
            for one, other in zip_longest(specified, recorded, fillvalue="no more"):
                if one != other:
                    return "actions", one, other
        case "state", Observed() as specified, Observed() as recorded:
            for field in Observed._fields:
                one, other = getattr(specified, field), getattr(recorded, field)
                if one != other:
                    return field, one, other
    return difference.what, difference.specified, difference.found


def _new_member(node: v.NodeId, limits: v.Limits = v.LIMITS) -> Member:
    state = rules.start(node, limits).node._replace(log=_persistent(v.Log()))
    return Member(state, NOTHING, Disk(log=_persistent(v.Log())))


def _pack(node: NodeState, member: Member) -> None:
    """A `Sequence` keeps all of its list: what was compacted goes once it is more than is left."""
    log, disk = member.node.log, member.disk
    if log.snapshot_position.index - node.packed > len(log.entries):
        node.packed = log.snapshot_position.index
        state = member.node._replace(log=_persistent(log))
        node.member = member._replace(node=state, disk=disk._replace(log=_persistent(disk.log)))


def _persistent(log: v.Log) -> v.Log:
    return log._replace(entries=Sequence(log.entries))


def _with_persistent_log(disk: v.Restart) -> v.Restart:
    return replace(disk, log=_persistent(disk.log))


def _disk(disk: v.Restart) -> Disk:
    return Disk(disk.current_term, disk.voted_for, disk.log)


def _lost(before: Member, event: v.Start | v.Restart, exactly: bool) -> str | None:
    """What a node comes up without, although it was persisted.

    The crash may have cost the last record, of which the disk may have any actions, and others may
    be missing.  So the disk may hold more than what the records wrote, and less of what a later
    leader overwrites: that is nothing committed, and nothing of the term that the node is in.
    `exactly`: the crash came in the drain that was recorded last, so no record is lost.
    """
    disk, found = before.disk, event if isinstance(event, v.Restart) else NO_DISK
    term, persisted = found.current_term, disk.current_term
    if term < persisted or (exactly and term != persisted):
        return f"term: persisted {persisted}, restarted with {term}"
    vote, given = found.voted_for, disk.voted_for
    if term == persisted and given != vote and (exactly or given is not None):
        said, comes_up = show_field("voted_for", given), show_field("voted_for", vote)
        return f"vote: persisted {said}, restarted with {comes_up}"
    if disk.log == found.log or (not exactly and _may_become(before.node, disk.log, found)):
        return None
    return f"log: persisted up to {_extent(disk.log)}, restarted with {_extent(found.log)}"


def _may_become(node: v.Node, log: v.Log, found: v.Restart) -> bool:
    """Whether inputs may have made this log on the disk into the one that is found there."""
    base, found_base = log.snapshot_position, found.log.snapshot_position
    if found_base.index < base.index:
        return False
    if found_base == base and found.log.snapshot_config != log.snapshot_config:
        return False
    index = _first_gone(log, found.log)
    if index is None:
        return True
    term = log.term(index)
    # Who overwrites it leads a later term than that of all that follows it.
    if log.last_position.term >= found.current_term:
        return False
    leads = isinstance(node.role, v.Leader) and node.current_term == found.current_term
    if index <= node.commit_index or leads:
        return False
    return index > found.log.last_index or found.log.term(index) != term


def _first_gone(log: v.Log, found: v.Log) -> v.Index | None:
    """The first index of a log at which another one, with a later snapshot, has not its entry."""
    first, last = found.snapshot_position.index, min(log.last_index, found.last_index)
    if first <= log.last_index and log.term(first) != found.snapshot_position.term:
        return first
    if first < last and entries_between(log, first, last) != entries_between(found, first, last):
        return next(at for at in range(first + 1, last + 1) if log.entry(at) != found.entry(at))
    return last + 1 if last < log.last_index else None


def _extent(log: v.Log) -> str:
    return f"{log.last_position} after a snapshot at {log.snapshot_position}"
