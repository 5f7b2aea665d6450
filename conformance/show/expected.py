"""What the specification makes of an event, beside what was recorded of it.

A node's records are taken through the specification from its start on, as long as both agree.  Once
they have parted, as they do for good where an implementation has another rule, one event can still
be judged by itself: from what the node showed before it, and from what was on its disk.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from itertools import zip_longest

from conformance.observe.observed import Checkpoint, observed, recorded_outcome
from conformance.observe.recorded import Recorded
from conformance.observe.show import show_field, show_name
from conformance.show import words
from conformance.show.model import Moment, Picture
from spec import rules
from spec import values as v
from spec.cluster import Disk, Member, drain, take
from spec.pending import NOTHING, owe
from spec.sequence import Sequence


@dataclass(frozen=True, slots=True)
class Row:
    """A part of what came of an event, as specified and as found."""

    part: str
    specified: str
    found: str

    @property
    def differs(self) -> bool:
        return self.specified != self.found


@dataclass(frozen=True, slots=True)
class Expected:
    """`alone`: from what the node showed just before, not from all that it did since it started.

    `node`, `actions`: what it comes to by the specification; None where what is owed still waits.
    """

    rows: tuple[Row, ...]
    alone: bool
    node: v.Node
    actions: tuple[v.Action, ...] | None

    @property
    def differing(self) -> list[Row]:
        return [row for row in self.rows if row.differs]


def expected(picture: Picture, place: int) -> Expected | None:
    """None where what is recorded does not say what state the node was in.

    Costs as much as the node's records up to there, twice.
    """
    moment = picture.moment(place)
    known = _followed(picture, moment)
    before = known or _shown_before(picture, moment)
    if before is None or isinstance(moment.record.event, Checkpoint):
        return None
    member, actions, rows = _taken(before, moment.record)
    return Expected(rows, known is None, member.node, actions)


def _followed(picture: Picture, moment: Moment) -> Member | None:
    """The node just before, if it did all as specified until then."""
    places: list[int] = []
    at = moment.previous
    while at is not None:
        places.append(at)
        at = picture.moment(at).previous
    member: Member | None = None
    for place in reversed(places):
        record = picture.moment(place).record
        if isinstance(record.event, Checkpoint):
            member = _resumed(record.event)
            continue
        if member is None and not isinstance(record.event, (v.Start, v.Restart)):
            return None
        member, _, rows = _taken(member or _new(record.node), record)
        if any(row.differs for row in rows):
            return None
    if member is None and isinstance(moment.record.event, (v.Start, v.Restart)):
        return _new(moment.node)
    return member


def _taken(
    member: Member, record: Recorded
) -> tuple[Member, tuple[v.Action, ...] | None, tuple[Row, ...]]:
    """The node after a record's event, and the drain if there was one; and both compared."""
    event = record.event
    assert not isinstance(event, Checkpoint)
    outcome: v.Outcome = None
    if isinstance(event, v.Start):
        member = _new(record.node, event.limits)
    else:
        if isinstance(event, v.Restart):
            log = event.log._replace(entries=Sequence(event.log.entries))
            event = replace(event, log=log)
            member = _new(record.node, event.limits)
        turn = take(member, event)
        outcome, member = turn.outcome, turn.after
    actions: tuple[v.Action, ...] | None = None
    if record.actions is not None:
        actions, node = drain(member)
        member = Member(node)
    rows = tuple(_rows(record, recorded_outcome(outcome), actions, member.node))
    return member, actions, rows


def _rows(
    record: Recorded, outcome: object, actions: tuple[v.Action, ...] | None, node: v.Node
) -> Iterator[Row]:
    found = recorded_outcome(record.outcome)
    if isinstance(outcome, v.Called) and found is True:
        outcome = True  # recorded by a release that did not tell the number
    if outcome is not None or found is not None:
        yield Row("outcome", show_field("outcome", outcome), show_field("outcome", found))
    told = [words.action(one) for one in actions or ()]
    yield from _actions(told, [words.action(one) for one in record.actions or ()])
    specified, state = observed(node), record.state
    for field in specified._fields:
        if field == "leader_given" or (field == "leader" and not state.leader_given):
            continue
        if field == "confirmed" and state.confirmed is None:
            continue
        one, other = getattr(specified, field), getattr(state, field)
        yield Row(show_name(field), show_field(field, one), show_field(field, other))


def _actions(specified: list[str], found: list[str]) -> Iterator[Row]:
    """What both have side by side, and the rest of each where it is."""
    matcher = SequenceMatcher(None, specified, found, autojunk=False)
    for _, first, last, other_first, other_last in matcher.get_opcodes():
        pairs = zip_longest(specified[first:last], found[other_first:other_last])
        for one, other in pairs:
            yield Row("action", one or "nothing", other or "nothing")


def _shown_before(picture: Picture, moment: Moment) -> Member | None:
    """The node as it showed itself, if that is enough to answer the event.

    Nothing may have been owed, and the disk has to hold the log.  What a leader knows of its peers,
    and whose votes a candidate has, is not shown: so only calls are judged of these.
    """
    if moment.previous is None:
        return None
    previous = picture.moment(moment.previous)
    shown, log = previous.record.state, previous.disk.log
    if previous.record.actions is None or not isinstance(moment.record.event, v.Receive):
        return None
    if (log.last_position, log.snapshot_position) != (shown.last_position, shown.snapshot_position):
        return None
    called = isinstance(moment.record.event.message, (v.RequestVoteCall, v.AppendEntriesCall))
    role: v.Role
    if shown.role == "follower":
        role = v.Follower(shown.leader if shown.leader_given else None)
    elif not called:
        return None
    elif shown.role == "candidate":
        role = v.Candidate(frozenset({moment.node}))
    else:
        role = v.Leader(
            tuple(v.Progress(peer) for peer in sorted(shown.config.members - {moment.node}))
        )
    node = v.Node(moment.node, role, shown.current_term, shown.voted_for, log, shown.commit_index)
    return Member(node)


def _new(node: v.NodeId, limits: v.Limits = v.LIMITS) -> Member:
    state = rules.start(node, limits).node
    return Member(state._replace(log=state.log._replace(entries=Sequence())))


def _resumed(checkpoint: Checkpoint) -> Member:
    log, disk = checkpoint.node.log, checkpoint.disk
    node = checkpoint.node._replace(log=log._replace(entries=Sequence(log.entries)))
    saved = Disk(disk.current_term, disk.voted_for, disk.log)
    return Member(node, owe(NOTHING, checkpoint.pending), saved)
