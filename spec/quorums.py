"""What a quorum is and what it has confirmed, for the properties alone.

The rules have their own in `membership`, `leaders` and `queries`.  Here the same is written a
second time, and differently: a property that asked a rule could not see that the rule is wrong.  So
neither this nor any property imports the rules.
"""

from __future__ import annotations

from collections.abc import Set

from spec.log import Config, NodeId, SeqNo
from spec.values import Leader, Node, ReadIndex


def is_quorum(config: Config, nodes: Set[NodeId]) -> bool:
    """§5.2, §6: of the voters more are in it than are not, and so of the new ones, if there are
    any.
    """
    for voters in (config.voters, config.new_voters) if config.new_voters else (config.voters,):
        inside = len(voters & nodes)
        if inside <= len(voters) - inside:
            return False
    return True


def confirmed_by_quorum(node: Node) -> SeqNo:
    """Dissertation, §6.4: the largest number that, among the voters, more have answered a call of
    the leader's with, or one above it, than have not; in a joint configuration among both.

    The leader stands for itself as if it had answered the call that it makes next.
    """
    role, config = node.role, node.config
    assert isinstance(role, Leader)
    answered = {peer.node: peer.answered for peer in role.peers}
    answered[node.id] = node.seqno + 1
    lowest = _lower_median([answered[voter] for voter in config.voters])
    if not config.new_voters:
        return lowest
    return min(lowest, _lower_median([answered[voter] for voter in config.new_voters]))


def _lower_median(numbers: list[SeqNo]) -> SeqNo:
    """The largest number that more than half of these reach."""
    numbers.sort()
    return numbers[(len(numbers) - 1) // 2]


def read_taken_now(node: Node) -> ReadIndex | None:
    """§8: the read that a leader takes, once what it knows to be committed ends in its own term."""
    if not isinstance(node.role, Leader) or node.log.term(node.commit_index) < node.current_term:
        return None
    return ReadIndex(node.current_term, node.seqno + 1, node.commit_index)
