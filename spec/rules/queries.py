"""Questions that change nothing: for a user who answers clients (§8) or filters messages (§6)."""

from __future__ import annotations

from spec import values as v


def commit_status(node: v.Node, position: v.Position) -> str:
    """What is known of a proposal: "committed", "rejected", "in_progress" or "unknown".

    "unknown": the position lies in the compacted prefix.  "rejected": another entry was committed
    there, or an entry of a later term before it.
    """
    if position.index < node.log.snapshot_position.index:
        return "unknown"
    if position.index <= node.commit_index:
        return "committed" if node.log.contains(position) else "rejected"
    if position.term < node.log.term(node.commit_index):
        return "rejected"
    return "in_progress"


def could_be_disruptive(node: v.Node, message: v.Message) -> bool:
    """§6, last paragraph (D7): a vote asked of a node that knows a leader.

    For a user whose driver knows that the leader is alive, and may then drop the message.
    """
    return (
        isinstance(message, v.RequestVoteCall)
        and message.term > node.current_term
        and node.leader not in (None, message.sender)
    )
