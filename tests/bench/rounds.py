"""The work that is measured: rounds of proposals on a cluster within one process.

A round proposes `batch` commands to the leader, delivers everything, spreads the commit index by
one heartbeat, and delivers that.  Messages wait in one queue, first in, first out; every action is
executed as soon as it is taken.  At the end all nodes know that all is committed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from raftbare import (
    Action,
    AppendEntriesCall,
    AppendEntriesReply,
    AppendLogEntries,
    BroadcastMessage,
    ClusterConfig,
    Log,
    LogEntries,
    LogIndex,
    LogPosition,
    Message,
    MessageHeader,
    MessageSeqNo,
    Node,
    NodeId,
    SaveCurrentTerm,
    SaveVotedFor,
    SendMessage,
    SetElectionTimeout,
    Term,
)
from raftbare.action import SET_ELECTION_TIMEOUT


class Measured(Protocol):
    """A cluster with a leader, at rest."""

    def round(self, batch: int) -> None:
        """Commit so many commands on all nodes."""

    def commit_indexes(self) -> list[int]: ...


class Driver:
    """Executes what nodes owe, and delivers.  The first node leads.  This stays plain Python."""

    def __init__(self, nodes: Sequence[Any]) -> None:
        self.nodes = nodes
        self.leader = nodes[0]
        self.queue: deque[tuple[NodeId, Message]] = deque()

    def round(self, batch: int) -> None:
        leader = self.leader
        propose = leader.propose_command
        for _ in range(batch):
            propose()
        self.settle(leader)
        leader.heartbeat()
        self.settle(leader)

    def settle(self, node: Any) -> None:
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


class Raftbare(Driver):
    """This library, pure or compiled, as `import raftbare` finds it."""

    def __init__(self, size: int, log: LogEntries | None = None) -> None:
        """With a log, all nodes begin with that, and node 0 is elected in the term after it."""
        names = [NodeId(name) for name in range(size)]
        if log is None:
            super().__init__([Node.start(name) for name in names])
            self.leader.create_cluster(names)
        else:
            term, first = log.last_position.term, Log(ClusterConfig(names), log)
            super().__init__(
                [Node.restart(name, current_term=term, voted_for=None, log=first) for name in names]
            )
            self.leader.handle_election_timeout()
        self.settle(self.leader)
        assert self.leader.role.is_leader
        self.round(1)


class Mute:
    """A node that makes the messages and actions of the library, and decides nothing.

    It knows what the work is: whom to answer, that all that arrives fits, when all is committed.
    """

    __slots__ = ("actions", "commit_index", "header", "id", "last", "peers", "unsent", "unwritten")

    def __init__(self, node_id: NodeId, size: int) -> None:
        self.id = node_id
        self.peers = tuple([NodeId(peer) for peer in range(size) if peer != node_id])
        self.header = MessageHeader(node_id, Term(1), MessageSeqNo(0))
        self.last = LogPosition(Term(1), LogIndex(0))
        self.commit_index = LogIndex(0)
        self.unsent: LogEntries | None = None
        self.unwritten: LogEntries
        self.actions: Iterator[Action] = iter(())

    def propose_command(self) -> LogPosition:
        before = self.last
        self.last = after = LogPosition(before.term, LogIndex(before.index + 1))
        if self.unsent is None:
            call = AppendEntriesCall(self.header, self.commit_index, LogEntries(before, None))
            self.unsent, self.unwritten = call.entries, LogEntries(before, None)
            written = AppendLogEntries(self.unwritten)
            self.actions = iter((SET_ELECTION_TIMEOUT, BroadcastMessage(call), written))
        self.unsent.last_position = self.unwritten.last_position = after
        return after

    def heartbeat(self) -> None:
        call = AppendEntriesCall(self.header, self.commit_index, LogEntries(self.last, None))
        self.actions = iter((SET_ELECTION_TIMEOUT, BroadcastMessage(call)))

    def handle_message(self, message: Message) -> None:
        if isinstance(message, AppendEntriesCall):
            reply = AppendEntriesReply(message, message.entries.last_position, True)
            reply.sender = self.id
            sent = SendMessage(message.sender, reply)
            if self.last is reply.last_position:
                self.actions = iter((SET_ELECTION_TIMEOUT, sent))
            else:
                written = AppendLogEntries(LogEntries(self.last, None))
                written.entries.last_position = self.last = reply.last_position
                self.actions = iter((SET_ELECTION_TIMEOUT, written, sent))
            self.commit_index = message.commit_index
        elif isinstance(message, AppendEntriesReply):
            self.commit_index = message.last_position.index
            self.unsent = None


class Interface(Driver):
    """The library's messages and actions, executed by the same driver, without any logic: what
    the interface alone costs, so that no implementation of it does better.
    """

    def __init__(self, size: int) -> None:
        super().__init__([Mute(NodeId(name), size) for name in range(size)])


@dataclass(slots=True, eq=False)
class FloorCall:
    sender: int
    term: int
    seqno: int
    commit_index: int
    last_index: int


@dataclass(slots=True, eq=False)
class FloorReply:
    sender: int
    term: int
    seqno: int
    last_index: int


@dataclass(slots=True, eq=False)
class FloorNode:
    id: int
    last_index: int = 0
    commit_index: int = 0
    seqno: int = 0

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
