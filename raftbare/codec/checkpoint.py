"""What a recorder writes of a node besides messages: what it executed, and all of its state.

Immutable, and compared by value.
"""

from __future__ import annotations

from typing import NamedTuple

from raftbare.action import Action, BroadcastMessage, SaveCurrentTerm, SaveVotedFor
from raftbare.codec.forms import CodecError
from raftbare.limits import LIMITS, Limits
from raftbare.log import Log
from raftbare.node import Node
from raftbare.recovery import Disk
from raftbare.role import Candidate, Leader
from raftbare.types import LogIndex, MessageSeqNo, NodeId, Role, Term


class Executed(NamedTuple):
    """An action, and what it speaks of and does not hold."""

    action: Action

    current_term: Term = Term(0)
    """What `SaveCurrentTerm` saves; 0 with the others."""

    voted_for: NodeId | None = None
    """What `SaveVotedFor` saves; None with the others."""

    peers: tuple[NodeId, ...] = ()
    """Where `BroadcastMessage` goes, in ascending order; nobody with the others."""

    @classmethod
    def by(cls, node: Node, action: Action) -> Executed:
        """An action of this node, which has not been asked for the next one yet.

        O(1), but O(members) of a broadcast that is no leader's.  Raises nothing.
        """
        if isinstance(action, SaveCurrentTerm):
            return Executed(action, node.current_term)
        if isinstance(action, SaveVotedFor):
            return Executed(action, voted_for=node.voted_for)
        if isinstance(action, BroadcastMessage):
            return Executed(action, peers=node.peers)
        return Executed(action)


class Peer(NamedTuple):
    """What a leader knows of another member; `raftbare.quorum.Progress` says what that is."""

    node: NodeId
    match_index: LogIndex
    next_index: LogIndex | None = None
    probe: MessageSeqNo = MessageSeqNo(0)
    asked: MessageSeqNo = MessageSeqNo(0)
    probing: bool = False
    answered: MessageSeqNo = MessageSeqNo(0)


class Checkpoint(NamedTuple):
    """All of a node's state but its name.

    To be recorded, and to be looked at: a node comes up again from its disk alone.
    """

    role: Role
    current_term: Term
    voted_for: NodeId | None
    leader: NodeId | None
    log: Log
    commit_index: LogIndex

    seqno: MessageSeqNo
    """The number of the node's latest call; 0 for none."""

    pending: tuple[Executed, ...]
    """What the node owes, in order of execution."""

    disk: Disk
    """What is durable."""

    limits: Limits = LIMITS

    granted_votes: frozenset[NodeId] = frozenset()
    """Of a candidate: who voted for it, itself included."""

    transfer: bool = False
    """Of a candidate: whether the leader has asked it to campaign."""

    peers: tuple[Peer, ...] = ()
    """Of a leader: the other members, in ascending order."""

    durable: LogIndex = LogIndex(0)
    """Of a leader: how much of its own log it knows to be durable."""

    transfer_target: NodeId | None = None
    """Of a leader: to whom it hands over."""

    @classmethod
    def of(cls, node: Node, disk: Disk) -> Checkpoint:
        """The state of a node that has been drained, and has this on its disk.

        The node's log is copied.  O(runs + members).  Changes nothing.

        Raises `CodecError` where the node owes an action: a drain comes first.
        """
        if not node._pending.is_empty():
            raise CodecError("pending", f"node {node.id} owes actions", "a node that is drained")
        made = Checkpoint(
            node.role,
            node.current_term,
            node.voted_for,
            node.leader,
            node.log.copy(),
            node.commit_index,
            node._seqno,
            (),
            disk,
            node.limits,
        )
        role = node._role
        if isinstance(role, Candidate):
            votes = frozenset(role.granted_votes)
            return made._replace(granted_votes=votes, transfer=role.transfer)
        if isinstance(role, Leader):
            peers = _peers(role)
            target = role.transfer
            return made._replace(peers=peers, durable=role.durable, transfer_target=target)
        return made


def _peers(role: Leader) -> tuple[Peer, ...]:
    return tuple(
        [
            Peer(
                member,
                one.match_index,
                one.next_index,
                one.probe,
                one.asked,
                one.probing,
                one.answered,
            )
            for member, one in role.followers.items()
        ]
    )
