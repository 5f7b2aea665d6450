"""A cluster in memory whose nodes are recorded: messages are lost, servers restart."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from random import Random
from typing import TypeAlias

import raftbare as rb
from raftbare import codec
from raftbare.recorder import RecordedNode, SegmentWriter

Snapshot: TypeAlias = tuple[rb.LogPosition, rb.ClusterConfig]
To: TypeAlias = Callable[[bytes], object] | SegmentWriter


def empty_disk() -> rb.Disk:
    log = rb.Log(rb.ClusterConfig(), rb.LogEntries(rb.LogPosition.ZERO))
    return rb.Disk(rb.Term(0), None, log)


def save(disk: rb.Disk, executed: codec.Executed) -> rb.Disk:
    """The disk after an action."""
    match executed.action:
        case rb.SaveCurrentTerm():
            return disk._replace(current_term=executed.current_term)
        case rb.SaveVotedFor():
            return disk._replace(voted_for=executed.voted_for)
        case rb.AppendLogEntries(entries):
            written = disk.log.entries
            written.truncate(entries.prev_position.index - written.prev_position.index)
            for entry in entries:
                written.push(entry)
    return disk


class Cluster:
    """`to(node)`: where a node that comes up is recorded, and the number of its first record."""

    def __init__(self, to: Callable[[rb.NodeId], tuple[To, int]], size: int = 3) -> None:
        self.to = to
        self.network: deque[tuple[rb.NodeId, rb.Message | Snapshot]] = deque()
        self.disks: dict[rb.NodeId, rb.Disk] = {}
        self.nodes: dict[rb.NodeId, RecordedNode] = {}
        for node_id in map(rb.NodeId, range(size)):
            self.disks[node_id] = empty_disk()
            line, seq = to(node_id)
            self.nodes[node_id] = RecordedNode.start(node_id, to=line, seq=seq)
        self.nodes[rb.NodeId(0)].create_cluster(self.nodes)
        self.drain(rb.NodeId(0))

    def drain(self, node_id: rb.NodeId) -> None:
        node = self.nodes[node_id]
        for action in node.actions:
            executed = codec.Executed.by(node.node, action)
            self.disks[node_id] = save(self.disks[node_id], executed)
            match action:
                case rb.BroadcastMessage(message):
                    self.network.extend((peer, message) for peer in node.peers)
                case rb.SendMessage(to, message):
                    self.network.append((to, message))
                case rb.InstallSnapshot(to):
                    log = node.log
                    self.network.append((to, (log.snapshot_position, log.snapshot_config)))

    def _snapshot(
        self, node: RecordedNode, position: rb.LogPosition, config: rb.ClusterConfig
    ) -> None:
        try:
            node.handle_snapshot_installed(position, config)
        except rb.InvalidSnapshotError:
            return
        self.disks[node.id] = self.disks[node.id]._replace(log=node.log.copy())

    def deliver(self, random: Random | None = None, loss: float = 0.0) -> None:
        """All messages that are under way, and what comes of them."""
        while self.network:
            to, message = self.network.popleft()
            if to not in self.nodes or (random is not None and random.random() < loss):
                continue
            if isinstance(message, tuple):
                self._snapshot(self.nodes[to], *message)
            else:
                self.nodes[to].handle_message(message)
            self.drain(to)

    def compact(self, node_id: rb.NodeId) -> None:
        node = self.nodes[node_id]
        found = node.log.get_position_and_config(node.commit_index)
        if found is not None:
            self._snapshot(node, *found)
            self.drain(node_id)

    def restart(self, node_id: rb.NodeId) -> None:
        disk, (line, seq) = self.disks[node_id], self.to(node_id)
        self.nodes[node_id] = RecordedNode.restart(
            node_id,
            current_term=disk.current_term,
            voted_for=disk.voted_for,
            log=disk.log.copy(),
            to=line,
            seq=seq,
        )
        self.drain(node_id)

    def anything(self, random: Random) -> None:
        """One input of any kind, to any node, most often with a drain after it."""
        node_id = random.choice(list(self.nodes))
        node = self.nodes[node_id]
        roll = random.random()
        try:
            if roll < 0.4:
                node.propose_command()
            elif roll < 0.5:
                node.heartbeat()
            elif roll < 0.62:
                node.handle_election_timeout()
            elif roll < 0.66:
                node.step_down()
            elif roll < 0.7:
                node.transfer_leadership(random.choice(list(self.nodes)))
            elif roll < 0.74:
                node.cancel_transfer()
            elif roll < 0.78:
                node.handle_timeout_now(node.current_term)
            elif roll < 0.82:
                others = () if node.config.non_voters else (rb.NodeId(9),)
                node.propose_config(rb.ClusterConfig(node.config.voters, non_voters=others))
        except rb.RaftError:
            pass
        if roll > 0.97:
            self.restart(node_id)
        elif roll > 0.9:
            self.drain(node_id)
            self.compact(node_id)
        elif random.random() < 0.7:
            self.drain(node_id)
        if random.random() < 0.6:
            for one in self.nodes:
                self.drain(one)
            self.deliver(random, 0.1)
