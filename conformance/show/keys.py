"""How a message is recognized: what is the same of it when it is sent and when it is received."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple, TypeAlias

from conformance.observe.observed import Observed
from conformance.observe.recorded import Recorded
from spec import values as v

Key: TypeAlias = tuple[v.NodeId, object]
"""To whom, and all of a message but its entries, of which the network may have left fewer; or the
position of a snapshot."""


class Sent(NamedTuple):
    """Something that an action sent; `message` is None for a snapshot, which no action tells."""

    to: v.NodeId
    message: v.Message | None
    key: Key


def sent_by(record: Recorded) -> Iterator[Sent]:
    """What the record's actions sent, in order."""
    for action in record.actions or ():
        match action:
            case v.BroadcastMessage(message, to):
                yield from (Sent(peer, message, key_of(peer, message)) for peer in to)
            case v.SendMessage(to, message):
                yield Sent(to, message, key_of(to, message))
            case v.InstallSnapshot(to):
                yield Sent(to, None, (to, record.state.snapshot_position))


def received_by(record: Recorded, before: Observed | None) -> Key | None:
    """The key of what arrived.  A snapshot of what the node knew to be committed is its own."""
    match record.event:
        case v.Receive(message):
            return key_of(record.node, message)
        case v.SnapshotInstalled(position):
            if before is not None and position.index > before.commit_index:
                return record.node, position
    return None


def key_of(to: v.NodeId, message: v.Message) -> Key:
    if isinstance(message, v.AppendEntriesCall):
        return to, replace(message, entries=())
    return to, message


def may_be(received: v.Message, sent: v.Message) -> bool:
    """Whether a message of the same key may have become this one on its way."""
    if isinstance(received, v.AppendEntriesCall) and isinstance(sent, v.AppendEntriesCall):
        return bool(sent.entries[: len(received.entries)] == received.entries)
    return True
