"""The work that is measured: rounds of proposals on a cluster within one process.

A round proposes `batch` commands to the leader, delivers everything, spreads the commit index by
one heartbeat, and delivers that.  Messages wait in one queue, first in, first out; every action is
executed as soon as it is taken.  At the end all nodes know that all is committed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any, Protocol

from raftbare import (
    AppendLogEntries,
    BroadcastMessage,
    Message,
    Node,
    NodeId,
    SaveCurrentTerm,
    SaveVotedFor,
    SendMessage,
    SetElectionTimeout,
)


class Exchange(Protocol):
    """A cluster with a leader, at rest."""

    def round(self, batch: int) -> None:
        """Commit so many commands on all nodes."""

    def commit_indexes(self) -> list[int]: ...


class Raftbare:
    """This library, pure or compiled, as `import raftbare` finds it.  This driver stays plain."""

    def __init__(self, size: int) -> None:
        self.nodes = [Node.start(NodeId(node_id)) for node_id in range(size)]
        self.queue: deque[tuple[NodeId, Message]] = deque()
        self.leader = self.nodes[0]
        self.leader.create_cluster([node.id for node in self.nodes])
        self.settle(self.leader)
        assert self.leader.role.is_leader
        self.round(1)

    def round(self, batch: int) -> None:
        leader = self.leader
        propose = leader.propose_command
        for _ in range(batch):
            propose()
        self.settle(leader)
        leader.heartbeat()
        self.settle(leader)

    def settle(self, node: Node) -> None:
        """Execute what a node owes, and deliver messages until none is under way."""
        nodes, queue = self.nodes, self.queue
        while True:
            actions: Iterator[Any] = node.actions
            for action in actions:
                kind = type(action)
                if kind is SetElectionTimeout:
                    pass  # nobody's time runs out here
                elif kind is SendMessage:
                    queue.append((action.to, action.message))
                elif kind is AppendLogEntries:
                    self.written = action.entries
                elif kind is BroadcastMessage:
                    message = action.message
                    for peer in node.peers:
                        queue.append((peer, message))
                else:
                    assert kind in (SaveCurrentTerm, SaveVotedFor)
            if not queue:
                return
            to, message = queue.popleft()
            node = nodes[to]
            node.handle_message(message)

    def commit_indexes(self) -> list[int]:
        return [int(node.commit_index) for node in self.nodes]


class FloorCall:
    __slots__ = ("commit_index", "last_index", "sender", "seqno", "term")

    def __init__(
        self, sender: int, term: int, seqno: int, commit_index: int, last_index: int
    ) -> None:
        self.sender = sender
        self.term = term
        self.seqno = seqno
        self.commit_index = commit_index
        self.last_index = last_index


class FloorReply:
    __slots__ = ("last_index", "sender", "seqno", "term")

    def __init__(self, sender: int, term: int, seqno: int, last_index: int) -> None:
        self.sender = sender
        self.term = term
        self.seqno = seqno
        self.last_index = last_index


class FloorNode:
    __slots__ = ("commit_index", "id", "last_index", "seqno")

    def __init__(self, node_id: int) -> None:
        self.id = node_id
        self.last_index = 0
        self.commit_index = 0
        self.seqno = 0

    def propose(self) -> int:
        self.last_index += 1
        return self.last_index

    def call(self) -> FloorCall:
        self.seqno += 1
        return FloorCall(self.id, 1, self.seqno, self.commit_index, self.last_index)

    def handle_call(self, call: FloorCall) -> FloorReply:
        self.last_index = call.last_index
        self.commit_index = call.commit_index
        return FloorReply(self.id, call.term, call.seqno, self.last_index)

    def handle_reply(self, reply: FloorReply) -> None:
        self.commit_index = reply.last_index


class Floor:
    """The same messages between objects that take them without any logic: no Raft in Python whose
    messages are objects does better.
    """

    def __init__(self, size: int) -> None:
        self.nodes = [FloorNode(node_id) for node_id in range(size)]
        self.queue: deque[tuple[int, FloorCall | FloorReply]] = deque()
        self.peers = range(1, size)

    def round(self, batch: int) -> None:
        leader = self.nodes[0]
        propose = leader.propose
        for _ in range(batch):
            propose()
        self.broadcast(leader)
        self.deliver()
        self.broadcast(leader)
        self.deliver()

    def broadcast(self, leader: FloorNode) -> None:
        call = leader.call()
        for peer in self.peers:
            self.queue.append((peer, call))

    def deliver(self) -> None:
        nodes, queue = self.nodes, self.queue
        while queue:
            to, message = queue.popleft()
            if isinstance(message, FloorCall):
                queue.append((message.sender, nodes[to].handle_call(message)))
            else:
                nodes[to].handle_reply(message)

    def commit_indexes(self) -> list[int]:
        return [node.commit_index for node in self.nodes]
