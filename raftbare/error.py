"""What a node refuses.  Every one of these leaves the node, and what it owes, as they were.

`ValueError` and `TypeError` are raised besides, for numbers and objects that no call should have.
"""

from __future__ import annotations

from raftbare.types import NodeId


class RaftError(Exception):
    """Any refusal of this library that concerns the protocol.

    The node has not been changed and may go on, but for `InvariantError`.
    """


class NotLeaderError(RaftError):
    """Only a leader takes proposals and sends heartbeats.

    Nobody's fault: leadership moves.  Ask `leader` instead, the node that is known to lead.  Where
    that is None, try again after an election timeout; the client may ask any node meanwhile.
    """

    def __init__(self, message: str, leader: NodeId | None = None) -> None:
        super().__init__(message)
        self.leader = leader

    def __reduce__(self) -> tuple[type[NotLeaderError], tuple[str, NodeId | None]]:
        return NotLeaderError, (str(self), self.leader)


class TooManyUncommittedError(RaftError):
    """A command beyond `Limits.uncommitted`: the cluster does not commit as fast as is proposed.

    Nobody's fault.  Propose it again once `node.commit_index` has risen, or tell the client to.
    """


class TransferringError(RaftError):
    """A proposal to a leader that hands over to node `to`.

    Nobody's fault.  Ask `to` in a moment; or this node again, if it is still leader an election
    timeout later.
    """

    def __init__(self, message: str, to: NodeId) -> None:
        super().__init__(message)
        self.to = to

    def __reduce__(self) -> tuple[type[TransferringError], tuple[str, NodeId]]:
        return TransferringError, (str(self), self.to)


class InvalidTransferError(RaftError):
    """Leadership goes to another voter of the configuration in force.

    The caller's fault: a non-voter, or one that is no member, cannot lead.
    """


class InvalidConfigError(RaftError):
    """A cluster configuration that cannot follow the one in force (§6).

    The caller's fault, or another administrator was faster.  Read `node.config` and build the next
    configuration from it, with `to_joint_consensus` where voters change.  While a change of voters
    is in progress, wait until `node.config.is_joint_consensus` is false.
    """


class ClusterExistsError(RaftError):
    """A cluster can be created only by a node that has no log and belongs to none.

    The caller's fault: the cluster has been created already.  Do not call `create_cluster` on a
    node that was restarted or that a leader has reached; to add it, use `propose_config`.
    """


class InvalidSnapshotError(RaftError):
    """A snapshot that this node's log, term or commit index rules out (§7).

    Mostly nobody's fault: the node has moved on while the snapshot was on its way, and what it says
    is known already.  Drop the snapshot and keep the log; a leader whose follower still needs one
    owes `InstallSnapshot` again in time.  While `SaveCurrentTerm` is owed: drain, then hand the
    snapshot over once more.  For a snapshot of the node's own log it is the caller's fault: take
    position and configuration from `Log.get_position_and_config`, for an index that is committed.
    """


class RecoveryError(RaftError):
    """`force_new_cluster` where it need not be used, or cannot.

    The caller's fault, and good news: read the message for what to do instead.
    """


class InvariantError(RaftError):
    """A guarantee of the protocol has been broken somewhere: going on would lose committed entries.

    A disk that forgot, two nodes of one name, a message from another cluster: whatever the cause,
    it lies outside the node that raises this (D9).  Stop the node, keep its disk for inspection,
    and find the cause.  A node whose disk has lost something comes back under a new name, by
    `propose_config`.  `LogEntries` raises it too, for entries of falling terms: there the caller,
    or the disk that they were read from, is at fault.
    """
