"""What a node has done since it came up, counted from the turns of the specified node.

The specification counts nothing: no rule depends on it.  What `raftbare.Counters` says is held
against this.
"""

from __future__ import annotations

from typing import NamedTuple

from spec import values as v
from spec.cluster import Turn


class Counted(NamedTuple):
    """As `raftbare.Counters` has it, which says what each field means."""

    elections: int = 0
    leaderships: int = 0
    calls: int = 0
    entries: int = 0
    refusals: int = 0
    snapshots: int = 0
    late_replies: int = 0
    from_strangers: int = 0
    from_itself: int = 0


NOTHING = Counted()


def counted(before: Counted, turn: Turn) -> Counted:
    """What is counted once a node has had its turn."""
    old, new, event = turn.before.node, turn.after.node, turn.event
    if isinstance(event, (v.Start, v.Restart)):
        return NOTHING
    counts = before
    if isinstance(new.role, v.Leader) and not isinstance(old.role, v.Leader):
        counts = counts._replace(leaderships=counts.leaderships + 1)
    if isinstance(event, v.Receive):
        return _received(counts, old, new, event.message)
    if event is not None:
        campaigns = isinstance(event, (v.CreateCluster, v.ElectionTimeout, v.TimeoutNow))
        if campaigns and new.current_term > old.current_term:
            counts = counts._replace(elections=counts.elections + 1)
        return counts
    return _made(counts, turn.owed) if turn.owed else counts


def _received(counts: Counted, old: v.Node, new: v.Node, message: v.Message) -> Counted:
    if message.sender == old.id:
        return counts._replace(from_itself=counts.from_itself + 1)
    if not isinstance(message, v.AppendEntriesReply):
        return counts
    leads = isinstance(old.role, v.Leader) and message.term == old.current_term
    if not leads or message.seqno == 0:
        return counts._replace(late_replies=counts.late_replies + 1)
    if message.sender not in old.peers:
        return counts._replace(from_strangers=counts.from_strangers + 1)
    still = isinstance(new.role, v.Leader) and message.sender in new.peers
    if not message.accepted and still:
        return counts._replace(refusals=counts.refusals + 1)
    return counts


def _made(counts: Counted, owed: tuple[v.Action, ...]) -> Counted:
    calls, entries, snapshots = counts.calls, counts.entries, counts.snapshots
    for action in owed:
        if isinstance(action, (v.BroadcastMessage, v.SendMessage)):
            message = action.message
            if isinstance(message, v.AppendEntriesCall):
                calls, entries = calls + 1, entries + len(message.entries)
            elif isinstance(message, v.RequestVoteCall):
                calls += 1
        elif isinstance(action, v.InstallSnapshot):
            snapshots += 1
    if (calls, snapshots) == (counts.calls, counts.snapshots):
        return counts
    return counts._replace(calls=calls, entries=entries, snapshots=snapshots)
