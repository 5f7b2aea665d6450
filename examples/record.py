"""Record what a cluster does as a trace that `conformance audit` can judge.

    python examples/record.py trace.jsonl

The recorder is this file's first half, to be copied and adapted; it needs nothing but the library.
The format is described in traces/FORMAT.md.  The numbered comments are the steps of the driver's
loop, as the docstring of `raftbare` has them.
"""

from __future__ import annotations

import json
import sys
from collections import deque
from collections.abc import Callable
from typing import Any, TextIO

import raftbare as rb
from raftbare import codec


class Recorder:
    """Writes a line for every input to a node, once the drain that follows it has ended."""

    def __init__(self, file: TextIO, nodes: int) -> None:
        self.file = file
        self.seq: dict[rb.NodeId, int] = {}
        implementation = f"raftbare (Python) {rb.__version__}"
        self.write(format="raftbare-trace", version=1, implementation=implementation, nodes=nodes)

    def drain(
        self,
        node: rb.Node,
        event: codec.Plain,
        outcome: codec.Plain | None,
        execute: Callable[[rb.Node, rb.Action], None],
    ) -> None:
        """Execute and record what the node owes after the event."""
        actions = []
        # 3. Drain: record each action as it is executed, before the next one is taken.
        for action in node.actions:
            execute(node, action)
            actions.append(codec.ACTION.to_plain(codec.Executed.by(node, action)))
        # 4. Apply: nothing here, where there is no state machine; `commit_index` is recorded.
        self.record(node, event=event, outcome=outcome, actions=actions)

    def checkpoint(self, node: rb.Node, disk: codec.Disk) -> None:
        """Record all of a node's state, after a drain: a file that begins so is judged alone."""
        snapshot = codec.CHECKPOINT.to_plain(codec.Checkpoint.of(node, disk))
        self.record(node, event={"kind": "checkpoint", "snapshot": snapshot}, outcome=None)

    def record(self, node: rb.Node, **line: Any) -> None:
        self.seq[node.id] = seq = self.seq.get(node.id, 0) + 1
        self.write(node=node.id, seq=seq, **line, state=codec.plain_state(node))

    def write(self, **line: Any) -> None:
        self.file.write(json.dumps(line, separators=(",", ":")) + "\n")
        self.file.flush()


# A small cluster to record


class Cluster:
    def __init__(self, recorder: Recorder, size: int) -> None:
        self.recorder = recorder
        self.network: deque[tuple[rb.NodeId, rb.Message]] = deque()
        self.disks: dict[rb.NodeId, codec.Disk] = {}
        self.nodes: dict[rb.NodeId, rb.Node] = {}
        # 1. Start: for the first time.
        for node_id in map(rb.NodeId, range(size)):
            self.nodes[node_id] = rb.Node.start(node_id)
            log = rb.Log(rb.ClusterConfig(), rb.LogEntries(rb.LogPosition.ZERO))
            self.disks[node_id] = codec.Disk(rb.Term(0), None, log)
            self.drain(node_id, {"kind": "start"}, None)

    def drain(self, node_id: rb.NodeId, event: codec.Plain, outcome: codec.Plain | None) -> None:
        self.recorder.drain(self.nodes[node_id], event, outcome, self.execute)

    def execute(self, node: rb.Node, action: rb.Action) -> None:
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
            event = {"kind": "message", "message": codec.MESSAGE.to_plain(message)}
            self.nodes[to].handle_message(message)
            self.drain(to, event, None)

    # 2. Input: each with the drain that follows it.

    def create_cluster(self, node_id: rb.NodeId) -> None:
        event = {"kind": "create_cluster", "voters": sorted(self.nodes)}
        position = self.nodes[node_id].create_cluster(self.nodes)
        self.drain(node_id, event, codec.POSITION.to_plain(position))

    def propose(self, node_id: rb.NodeId) -> None:
        """A refusal is recorded as well: its outcome is null."""
        try:
            outcome = codec.POSITION.to_plain(self.nodes[node_id].propose_command())
        except rb.NotLeaderError:
            outcome = None
        self.drain(node_id, {"kind": "propose_command"}, outcome)

    def time_out(self, node_id: rb.NodeId) -> None:
        self.nodes[node_id].handle_election_timeout()
        self.drain(node_id, {"kind": "election_timeout"}, None)

    def restart(self, node_id: rb.NodeId) -> None:
        disk = self.disks[node_id]
        # 1. Start: again, with what the disk holds.
        self.nodes[node_id] = rb.Node.restart(
            node_id, current_term=disk.current_term, voted_for=disk.voted_for, log=disk.log
        )
        self.drain(node_id, {"kind": "restart", **codec.DISK.to_plain(disk)}, None)

    def checkpoint(self) -> None:
        for node_id, node in self.nodes.items():
            self.recorder.checkpoint(node, self.disks[node_id])


def main(path: str) -> None:
    first, second, third = map(rb.NodeId, range(3))
    with open(path, "w", encoding="utf-8") as file:
        recorder = Recorder(file, nodes=3)
        cluster = Cluster(recorder, size=3)
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
    print(f"{sum(recorder.seq.values())} records of {len(recorder.seq)} nodes in {path}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: record.py FILE")
    main(sys.argv[1])
