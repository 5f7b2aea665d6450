"""Counterexamples as plain values, and as traces that `conformance replay` can show again."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any, TypeVar

from conformance.observe.observed import Checkpoint, observed
from conformance.observe.recorded import Recorded
from conformance.prove.runner.obligation import Counterexample
from conformance.symbolic.number import Flag, Number, value_of
from conformance.symbolic.paths import Model
from spec.cluster import Disk, Member, drain
from spec.rules import take_all
from spec.values import LIMITS, Receive, RequestVoteReply, Restart, Start

T = TypeVar("T")


def plain(value: T, model: Model) -> T:
    """A value of the specification with the model's integers for its symbolic numbers."""
    found: Any = value
    if isinstance(found, Number):
        return value_of(found, model)  # type: ignore[return-value]
    if isinstance(found, Flag):
        return bool(plain(found.number, model))  # type: ignore[return-value]
    if isinstance(found, tuple):
        parts = [plain(part, model) for part in found]
        made: Any = type(found)(*parts) if hasattr(found, "_fields") else tuple(parts)
    elif is_dataclass(found) and not isinstance(found, type):
        made = type(found)(*[plain(getattr(found, one.name), model) for one in fields(found)])
    else:
        made = value
    return made  # type: ignore[no-any-return]


def plain_member(member: Member, model: Model) -> Member:
    """A server, with the disk that it has if what it owes is not executed."""
    member = plain(member, model)
    node, write = member.node, member.pending.append
    log = node.log if write is None else node.log.truncated(write.prev_position.index)
    return member._replace(disk=Disk(node.current_term, node.voted_for, log))


def as_records(counterexample: Counterexample) -> list[Recorded]:
    """A checkpoint of the state, and the event with the drain after it, as specified.

    A drain has no record of its own: it comes after a message of the node's own, of which nothing
    comes (D8).
    """
    turn = counterexample.turn
    before, after, event = turn.before, turn.after, turn.event
    node, disk = before.node, before.disk
    # No broadcast is cut short here: the calls that come of that are not owed yet.
    owed, _ = take_all(node._replace(limits=LIMITS), before.pending)
    checkpoint = Checkpoint(
        node,
        owed,
        Restart(disk.current_term, disk.voted_for, disk.log, node.limits),
    )
    if event is None:
        event = Receive(RequestVoteReply(node.id, node.current_term, 0, False))
    records = []
    if not isinstance(event, (Start, Restart)):
        records.append(Recorded(node.id, 1, checkpoint, None, None, observed(node)))
    owed, drained = drain(before if turn.event is None else after)
    outcome, seq = turn.outcome, len(records) + 1
    records.append(Recorded(node.id, seq, event, outcome, owed, observed(drained)))
    return records
