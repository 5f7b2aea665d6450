"""What a node refuses.  Every one of these leaves the node, and what it owes, as they were."""

from __future__ import annotations

from raftbare.types import NodeId


class RaftError(Exception):
    """Any refusal of this library that concerns the protocol."""


class NotLeaderError(RaftError):
    """Only a leader takes proposals and sends heartbeats.

    `leader` is the node to ask instead, None where none is known.
    """

    def __init__(self, message: str, leader: NodeId | None = None) -> None:
        super().__init__(message)
        self.leader = leader


class InvalidConfigError(RaftError):
    """A cluster configuration that cannot follow the one in force (§6)."""


class ClusterExistsError(RaftError):
    """A cluster can be created only by a node that has no log and belongs to none."""


class InvalidSnapshotError(RaftError):
    """A snapshot that this node's log, term or commit index rules out (§7)."""


class InvariantError(RaftError):
    """A guarantee of the protocol has been broken somewhere: going on would lose committed entries.

    A disk that forgot, two nodes of one name, a message from another cluster: whatever the cause,
    it lies outside the node that raises this (D9).
    """
