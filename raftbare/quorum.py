"""Majorities (§5.2, §5.3), of both memberships while a joint configuration is in force (§6)."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from raftbare.config import ClusterConfig
from raftbare.types import LogIndex, MessageSeqNo, NodeId


class Progress:
    """What a leader knows of a member: it durably holds the leader's log up to `match_index`.

    `seqno` is the latest call that the member replied to.  Both only grow.
    """

    __slots__ = ("match_index", "seqno")

    def __init__(self) -> None:
        self.match_index = LogIndex(0)
        self.seqno = MessageSeqNo(0)

    def __repr__(self) -> str:
        return f"Progress(match_index={self.match_index}, seqno={self.seqno})"


class Quorum:
    """What the voters of one configuration hold: it reads the leader's own `Progress` objects."""

    __slots__ = ("_new_voters", "_voters")

    def __init__(self, config: ClusterConfig, progress: dict[NodeId, Progress]) -> None:
        """`progress` has every voter, the leader itself where it is one."""
        self._voters = [progress[node_id] for node_id in config.voters]
        self._new_voters = [progress[node_id] for node_id in config.new_voters]

    def index(self) -> LogIndex:
        """The largest index that a majority holds, of each membership.  O(v log v), v voters."""
        index = majority_index(self._voters)
        return min(index, majority_index(self._new_voters)) if self._new_voters else index


def majority_index(voters: list[Progress]) -> LogIndex:
    """The largest index that more than half of the voters hold: the middle one of theirs."""
    if len(voters) == 3:  # the usual cluster, and this runs for every reply
        a, b, c = voters[0].match_index, voters[1].match_index, voters[2].match_index
        if a < b:
            a, b = b, a
        if c >= a:
            return a
        return c if c > b else b
    indices = sorted([voter.match_index for voter in voters])
    return indices[(len(indices) - 1) // 2]


def has_quorum(config: ClusterConfig, nodes: AbstractSet[NodeId]) -> bool:
    """Whether the nodes are a majority of the voters, and of the new voters too if joint (§6)."""
    return is_majority(config.voters, nodes) and (
        not config.is_joint_consensus or is_majority(config.new_voters, nodes)
    )


def is_majority(voters: frozenset[NodeId], nodes: AbstractSet[NodeId]) -> bool:
    return len(voters & nodes) > len(voters) // 2
