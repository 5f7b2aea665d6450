"""Questions that change nothing: for a user who answers clients (§8), or filters messages (§6), or
asks before an election is begun (dissertation, §9.6).
"""

from __future__ import annotations

from spec import values as v
from spec.rules.leaders import confirmed
from spec.rules.membership import may_campaign


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


def change_status(node: v.Node, position: v.Position) -> str:
    """What is known of a proposed configuration, as `commit_status` has it.

    "committed": the change is complete; of voters, once C_new is committed (§6).
    """
    status = commit_status(node, position)
    if status != "committed" or not node.log.config_at(position.index).is_joint:
        return status
    _, index = node.log.latest_config(node.commit_index)
    return "committed" if index > position.index else "in_progress"


def read_index(node: v.Node) -> v.ReadIndex | None:
    """§8: what a leader has to apply before it serves a read that it takes now, and by which call
    it learns that it still led (dissertation, §6.4).

    None as long as it has not committed an entry of its own term: until then it does not know which
    entries are committed.
    """
    if not isinstance(node.role, v.Leader):
        return None
    if node.log.term(node.commit_index) != node.current_term:
        return None
    return v.ReadIndex(node.current_term, node.seqno + 1, node.commit_index)


def is_confirmed(node: v.Node, read: v.ReadIndex) -> bool:
    """Whether the leader that took a read led then, and no later one had committed anything."""
    return (
        isinstance(node.role, v.Leader)
        and read.term == node.current_term
        and read.seqno <= confirmed(node)
    )


def pre_vote_call(node: v.Node) -> v.RequestVoteCall | None:
    """Dissertation, §9.6: what the node would ask the others if its timer ran out now, under number
    0; None if it would not.
    """
    if isinstance(node.role, v.Leader) or not may_campaign(node):
        return None
    return v.RequestVoteCall(node.id, node.current_term + 1, 0, node.log.last_position)


def would_vote(node: v.Node, call: v.RequestVoteCall) -> bool:
    """Dissertation, §9.6: whether the node, if it received the call, would grant the vote."""
    if call.sender == node.id or call.term < node.current_term:
        return False
    votes = call.term > node.current_term or node.voted_for in (None, call.sender)
    return votes and not call.last_position < node.log.last_position


def could_be_disruptive(node: v.Node, message: v.Message) -> bool:
    """§6, last paragraph (D7): a vote asked of a node that knows a leader.

    For a user whose driver knows that the leader is alive, and may then drop the message.  Not
    where the leader wants it (dissertation, §3.10).
    """
    return (
        isinstance(message, v.RequestVoteCall)
        and not message.transfer
        and message.term > node.current_term
        and node.leader not in (None, message.sender)
    )
