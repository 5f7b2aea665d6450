"""Record what a cluster does as a trace that `conformance audit` can judge.

    python examples/record.py trace.jsonl

`raftbare.recorder` makes the lines: a driver uses a `RecordedNode` where it would use a `Node`.
The numbered comments are the steps of the driver's loop, as the docstring of `raftbare` has them.
"""

from __future__ import annotations

import sys
from collections import deque
from contextlib import suppress
from typing import BinaryIO

import raftbare as rb
from raftbare.recorder import RecordedNode, header


class Cluster:
    """A cluster in one process, all of which goes to one file.

    A server has a file of its own, better still a `SegmentWriter`, which begins a new one in time.
    """

    def __init__(self, file: BinaryIO, size: int) -> None:
        self.file = file
        self.file.write(header(f"raftbare (Python) {rb.__version__}", nodes=size))
        self.records = 0
        self.network: deque[tuple[rb.NodeId, rb.Message]] = deque()
        self.disks: dict[rb.NodeId, rb.Disk] = {}
        self.nodes: dict[rb.NodeId, RecordedNode] = {}
        # 1. Start: for the first time.
        for node_id in map(rb.NodeId, range(size)):
            self.nodes[node_id] = RecordedNode.start(node_id, to=self.write)
            log = rb.Log(rb.ClusterConfig(), rb.LogEntries(rb.LogPosition.ZERO))
            self.disks[node_id] = rb.Disk(rb.Term(0), None, log)
            self.drain(node_id)

    def write(self, line: bytes) -> None:
        self.file.write(line)
        self.file.flush()
        self.records += 1

    def drain(self, node_id: rb.NodeId) -> None:
        node = self.nodes[node_id]
        # 3. Drain: each action is recorded as it is taken, the line written at the end.
        for action in node.actions:
            self.execute(node, action)
        # 4. Apply: nothing here, where there is no state machine; `commit_index` is recorded.

    def execute(self, node: RecordedNode, action: rb.Action) -> None:
        disk = self.disks[node.id]
        match action:
            case rb.SaveCurrentTerm():
                self.disks[node.id] = disk._replace(current_term=node.current_term)
            case rb.SaveVotedFor():
                self.disks[node.id] = disk._replace(voted_for=node.voted_for)
            case rb.BroadcastMessage(message):
                self.network.extend((peer, message) for peer in node.peers)
            case rb.AppendLogEntries(entries):
                written = disk.log.entries
                written.truncate(entries.prev_position.index - written.prev_position.index)
                for entry in entries:
                    written.push(entry)
            case rb.SendMessage(to, message):
                self.network.append((to, message))
            case rb.SetElectionTimeout():
                pass  # there is no clock here: `main` says when a timer runs out
            case rb.InstallSnapshot():
                raise NotImplementedError("nobody compacts a log here")

    # 5. Wait: here only for messages that are on their way.

    def deliver(self) -> None:
        while self.network:
            to, message = self.network.popleft()
            self.nodes[to].handle_message(message)
            self.drain(to)

    # 2. Input: each with the drain that follows it.

    def create_cluster(self, node_id: rb.NodeId) -> None:
        self.nodes[node_id].create_cluster(self.nodes)
        self.drain(node_id)

    def propose(self, node_id: rb.NodeId) -> None:
        """A refusal is recorded as well."""
        with suppress(rb.NotLeaderError):
            self.nodes[node_id].propose_command()
        self.drain(node_id)

    def time_out(self, node_id: rb.NodeId) -> None:
        self.nodes[node_id].handle_election_timeout()
        self.drain(node_id)

    def restart(self, node_id: rb.NodeId) -> None:
        disk = self.disks[node_id]
        # 1. Start: again, with what the disk holds.
        self.nodes[node_id] = RecordedNode.restart(
            node_id,
            current_term=disk.current_term,
            voted_for=disk.voted_for,
            log=disk.log,
            to=self.write,
            seq=self.nodes[node_id].next_seq,
        )
        self.drain(node_id)

    def checkpoint(self) -> None:
        for node in self.nodes.values():
            node.checkpoint()


def main(path: str) -> None:
    first, second, third = map(rb.NodeId, range(3))
    with open(path, "wb") as file:
        cluster = Cluster(file, size=3)
        cluster.create_cluster(first)
        cluster.deliver()
        for _ in range(5):
            cluster.propose(first)
            cluster.deliver()
        cluster.propose(second)  # which does not lead, and says so
        cluster.restart(third)
        cluster.time_out(third)  # it campaigns, and wins
        cluster.deliver()
        cluster.checkpoint()  # here another file could begin
        cluster.propose(third)
        cluster.deliver()
        cluster.time_out(third)  # a heartbeat tells the others what is committed
        cluster.deliver()
    print(f"{cluster.records} records of {len(cluster.nodes)} nodes in {path}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: record.py FILE")
    main(sys.argv[1])
