"""A cluster in memory: nodes, what their disks hold, and the messages under way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count

import pytest

import raftbare as rb

COMMAND = rb.CommandEntry()


def position(term: int, index: int) -> rb.LogPosition:
    return rb.LogPosition(rb.Term(term), rb.LogIndex(index))


def opening(term: int) -> rb.TermEntry:
    return rb.TermEntry(rb.Term(term))


def config(
    voters: Iterable[int] = (), new_voters: Iterable[int] = (), non_voters: Iterable[int] = ()
) -> rb.ClusterConfig:
    return rb.ClusterConfig(
        map(rb.NodeId, voters), map(rb.NodeId, new_voters), map(rb.NodeId, non_voters)
    )


def after(prev: tuple[int, int], *entries: rb.LogEntry) -> rb.LogEntries:
    return rb.LogEntries(position(*prev), entries)


def header(sender: int, term: int, seqno: int = 1) -> rb.MessageHeader:
    return rb.MessageHeader(rb.NodeId(sender), rb.Term(term), rb.MessageSeqNo(seqno))


def append_call(
    sender: int, term: int, entries: rb.LogEntries, commit: int = 0, seqno: int = 1
) -> rb.AppendEntriesCall:
    return rb.AppendEntriesCall(header(sender, term, seqno), rb.LogIndex(commit), entries)


def append_reply(
    sender: int, term: int, last: tuple[int, int], seqno: int = 1, accepted: bool = True
) -> rb.AppendEntriesReply:
    return rb.AppendEntriesReply(header(sender, term, seqno), position(*last), accepted)


def vote(sender: int, term: int, granted: bool = True) -> rb.RequestVoteReply:
    return rb.RequestVoteReply(header(sender, term), granted)


def node_with(
    node_id: int,
    entries: rb.LogEntries,
    *,
    term: int,
    members: rb.ClusterConfig | None = None,
    voted_for: int | None = None,
    limits: rb.Limits | None = None,
) -> rb.Node:
    """A node that has come up with this log, its snapshot (or nothing) having these members."""
    node = rb.Node.restart(
        rb.NodeId(node_id),
        current_term=rb.Term(term),
        voted_for=None if voted_for is None else rb.NodeId(voted_for),
        log=rb.Log(members or config([0, 1, 2]), entries),
        limits=limits or rb.Limits(),
    )
    list(node.actions)
    return node


LATER = count(1000)


def acknowledge(leader: rb.Node, sender: int, last: tuple[int, int], accepted: bool = True) -> None:
    """A peer, whose log ends at `last`, replies to a later call than any that it replied to."""
    leader.handle_message(append_reply(sender, leader.current_term, last, next(LATER), accepted))


def refuse(leader: rb.Node, sender: int, last: tuple[int, int]) -> None:
    """The same of a peer that lacks what the call follows."""
    acknowledge(leader, sender, last, accepted=False)


def state_of(node: rb.Node) -> tuple[str, str, str]:
    """All of a node's state, with its role's data and with what it owes.

    The number of its latest call is to be seen nowhere else before the next call leaves.
    """
    return repr(node), repr(node._seqno), repr(node.actions)


@contextmanager
def refused(
    node: rb.Node, error: type[rb.RaftError], match: str | None = None
) -> Iterator[pytest.ExceptionInfo[rb.RaftError]]:
    """What is done with the node raises this, and changes nothing of it."""
    before = state_of(node)
    with pytest.raises(error, match=match) as raised:
        yield raised
    assert state_of(node) == before


def owed(node: rb.Node) -> list[rb.Action]:
    """Drain a node whose disk and messages do not matter."""
    return list(node.actions)


def sent(node: rb.Node) -> list[rb.Message]:
    """Drain a node; the messages that it owed."""
    return [
        action.message
        for action in node.actions
        if isinstance(action, rb.BroadcastMessage | rb.SendMessage)
    ]


def calls(node: rb.Node) -> list[rb.AppendEntriesCall]:
    """Drain a node; the calls with entries, or none, that it owed."""
    return [message for message in sent(node) if isinstance(message, rb.AppendEntriesCall)]


@dataclass
class Disk:
    current_term: rb.Term = rb.LogPosition.ZERO.term
    voted_for: rb.NodeId | None = None
    log: rb.Log = field(
        default_factory=lambda: rb.Log(rb.ClusterConfig(), rb.LogEntries(rb.LogPosition.ZERO))
    )

    def append(self, entries: rb.LogEntries) -> None:
        kept = self.log.entries
        assert kept.contains(entries.prev_position), "writes join what is on the disk"
        kept.truncate(entries.prev_position.index - kept.prev_position.index)
        for entry in entries:
            kept.push(entry)


class Cluster:
    """Nodes 0, 1, ...  `under_way` holds the messages sent and not yet delivered, in order."""

    def __init__(self, size: int) -> None:
        self.nodes = [rb.Node.start(rb.NodeId(node_id)) for node_id in range(size)]
        self.disks = [Disk() for _ in self.nodes]
        self.under_way: list[tuple[rb.NodeId, rb.Message]] = []
        self.snapshots_asked: list[tuple[rb.NodeId, rb.NodeId]] = []
        self.delivered = 0
        self.drops: Callable[[rb.NodeId, rb.Message], bool] = lambda to, message: False

    @staticmethod
    def of(size: int) -> Cluster:
        """A cluster that node 0 has created and leads, at rest."""
        cluster = Cluster(size)
        cluster.nodes[0].create_cluster(map(rb.NodeId, range(size)))
        cluster.settle()
        assert cluster.nodes[0].role.is_leader
        return cluster

    @staticmethod
    def newly_led(
        size: int, commands: int = 0, snapshot: int = 0, limits: rb.Limits | None = None
    ) -> Cluster:
        """A cluster in which node 0, with a snapshot up to some index, has come up again and leads
        term 2: it has not heard of the others' logs yet.
        """
        cluster = Cluster.of(size)
        for _ in range(commands):
            cluster.nodes[0].propose_command()
        cluster.settle()
        cluster.heartbeat()
        if snapshot:
            cluster.compact(0, snapshot)
        leader = cluster.restart(0, limits)
        leader.handle_election_timeout()
        for peer in range(1, size):
            leader.handle_message(vote(peer, 2))
        cluster.drain(0)
        cluster.under_way.clear()
        return cluster

    def grown_to(self, size: int) -> Cluster:
        """With nodes that have just been started, and that nobody knows of yet."""
        more = Cluster(size)
        self.nodes += more.nodes[len(self.nodes) :]
        self.disks += more.disks[len(self.disks) :]
        return self

    def drain(self, node_id: int) -> list[rb.Action]:
        """Execute what a node owes; the actions, in their order."""
        node, disk, taken = self.nodes[node_id], self.disks[node_id], []
        for action in node.actions:
            taken.append(action)
            match action:
                case rb.SaveCurrentTerm():
                    disk.current_term = node.current_term
                case rb.SaveVotedFor():
                    disk.voted_for = node.voted_for
                case rb.AppendLogEntries(entries):
                    disk.append(entries)
                case rb.BroadcastMessage(message):
                    self.under_way += [(peer, message) for peer in node.peers]
                case rb.SendMessage(to, message):
                    self.under_way.append((to, message))
                case rb.InstallSnapshot(to):
                    self.snapshots_asked.append((node.id, to))
                case rb.SetElectionTimeout():
                    pass
        return taken

    def settle(self) -> None:
        """Drain every node and deliver every message, until nothing moves any more."""
        for node_id in range(len(self.nodes)):
            self.drain(node_id)
        while self.under_way:
            to, message = self.under_way.pop(0)
            if self.drops(to, message):
                continue
            self.delivered += 1
            self.nodes[to].handle_message(message)
            self.drain(to)

    def heartbeat(self, leader: int = 0) -> None:
        """The leader calls all others, and everything is delivered."""
        self.nodes[leader].heartbeat()
        self.settle()

    def restart(self, node_id: int, limits: rb.Limits | None = None) -> rb.Node:
        """A crash, and coming up again with what the disk holds."""
        disk = self.disks[node_id]
        node = rb.Node.restart(
            rb.NodeId(node_id),
            current_term=disk.current_term,
            voted_for=disk.voted_for,
            log=disk.log,
            limits=limits or rb.Limits(),
        )
        self.nodes[node_id] = node
        return node

    def isolate(self, *node_ids: int) -> None:
        """From now on nothing reaches these nodes, and nothing of theirs arrives."""
        self.drops = lambda to, message: to in node_ids or message.sender in node_ids

    def heal(self) -> None:
        self.drops = lambda to, message: False

    def compact(self, node_id: int, index: int) -> None:
        """The user of a node writes a snapshot up to an index."""
        node = self.nodes[node_id]
        found = node.log.get_position_and_config(rb.LogIndex(index))
        assert found is not None
        self.install(node_id, *found)

    def install(self, node_id: int, last: rb.LogPosition, members: rb.ClusterConfig) -> None:
        """A node has got a snapshot, and made it durable."""
        self.nodes[node_id].handle_snapshot_installed(last, members)
        self.disks[node_id].log = self.nodes[node_id].log.copy()

    def elect(self, node_id: int) -> None:
        self.nodes[node_id].handle_election_timeout()
        self.settle()
        assert self.nodes[node_id].role.is_leader

    def commit_indices(self) -> list[int]:
        return [node.commit_index for node in self.nodes]


def leader_with(*entries: rb.LogEntry, term: int) -> Cluster:
    """Two nodes; node 0 has these entries after a first one of term 1, and is made to lead."""
    cluster = Cluster(2)
    cluster.nodes[0] = node_with(0, after((0, 0), *entries), term=term, members=config([0, 1]))
    cluster.disks[0].log = cluster.nodes[0].log.copy()
    cluster.nodes[0].handle_election_timeout()
    cluster.nodes[0].handle_message(vote(1, term + 1))
    return cluster


def situations() -> Iterator[tuple[str, rb.Node]]:
    """Nodes of every role, some of which owe every kind of action."""
    yield "new", rb.Node.start(rb.NodeId(3), limits=rb.Limits(2, 1))
    cluster = Cluster.of(3)
    leader, follower = cluster.nodes[:2]
    yield "leader", leader
    leader.propose_command()
    yield "leader that owes", leader
    yield "follower", follower
    follower.handle_message(rb.RequestVoteCall(header(2, 9), position(9, 9)))
    yield "follower that owes a reply", follower
    follower.handle_election_timeout()
    yield "candidate that owes", follower
    list(follower.actions)
    yield "candidate", follower
    leader.propose_config(leader.config.to_joint_consensus([rb.NodeId(7)]))
    leader.transfer_leadership(rb.NodeId(2))
    yield "joint, handing over", leader
    rest = leader.actions
    next(rest)
    yield "leader in a drain", leader
