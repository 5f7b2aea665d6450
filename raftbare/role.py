"""What a node holds for the role that it has, and only for that one (§5.1, Figure 2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, TypeAlias, final

from raftbare.config import ClusterConfig
from raftbare.quorum import Progress, Quorum
from raftbare.types import LogIndex, NodeId, Role


@final
class Follower:
    """`leader`: who is known to lead the current term; apart from whom the node voted for (D2)."""

    __slots__ = ("leader",)
    role: ClassVar[Role] = Role.FOLLOWER

    def __init__(self, leader: NodeId | None = None) -> None:
        self.leader = leader

    def __reduce__(self) -> tuple[type[Follower], tuple[NodeId | None]]:
        return Follower, (self.leader,)

    def __repr__(self) -> str:
        return f"Follower(leader={self.leader})"


@final
class Candidate:
    """`granted_votes`: who voted for this node in the current term, the node itself included;
    `transfer`: it campaigns because the leader asked it to.
    """

    __slots__ = ("granted_votes", "transfer")
    role: ClassVar[Role] = Role.CANDIDATE

    def __init__(self, node_id: NodeId, transfer: bool) -> None:
        self.granted_votes = {node_id}
        self.transfer = transfer

    def __reduce__(self) -> tuple[Callable[..., Candidate], tuple[object, ...]]:
        return _candidate, (tuple(self.granted_votes), self.transfer)

    def __repr__(self) -> str:
        return f"Candidate(granted_votes={sorted(self.granted_votes)}, transfer={self.transfer})"


@final
class Leader:
    """`followers`: the progress of every other member; `own`: the leader's own; `transfer`: to whom
    it hands over.
    """

    __slots__ = ("followers", "own", "peers", "quorum", "transfer")
    role: ClassVar[Role] = Role.LEADER

    def __init__(self, node_id: NodeId, config: ClusterConfig) -> None:
        """§5.2: nothing is known of the members' logs yet."""
        self.own = Progress()
        self.transfer: NodeId | None = None
        self.followers: dict[NodeId, Progress] = {}
        self.track_members(node_id, config)

    @property
    def durable(self) -> LogIndex:
        """How much of its own log the leader knows to be on its disk."""
        return self.own.match_index

    def track_members(self, node_id: NodeId, config: ClusterConfig) -> None:
        """§6: track the members of this configuration from now on.

        The progress of those that were members already is kept; of new ones nothing is known.
        """
        known = self.followers
        self.peers = tuple([member for member in config.unique_nodes() if member != node_id])
        self.followers = {
            member: known[member] if member in known else Progress() for member in self.peers
        }
        self.quorum = Quorum(config, {**self.followers, node_id: self.own})

    def __reduce__(self) -> tuple[Callable[..., Leader], tuple[object, ...]]:
        return _leader, (self.own, tuple(self.followers.items()), self.transfer)

    def __repr__(self) -> str:
        return (
            f"Leader(followers={self.followers}, durable={self.durable}, transfer={self.transfer})"
        )


def _candidate(granted_votes: tuple[NodeId, ...], transfer: bool) -> Candidate:
    made = Candidate(granted_votes[0], transfer)
    made.granted_votes.update(granted_votes)
    return made


def _leader(
    own: Progress, followers: tuple[tuple[NodeId, Progress], ...], transfer: NodeId | None
) -> Leader:
    """Without a quorum yet: `track_members` makes that, of what is known of the members."""
    made = Leader(NodeId(0), ClusterConfig())
    made.own, made.followers, made.transfer = own, dict(followers), transfer
    return made


RoleState: TypeAlias = Follower | Candidate | Leader
