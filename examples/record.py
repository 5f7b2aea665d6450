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

# The values of the library as plain ones

TAGS = {
    rb.RequestVoteCall: "request_vote_call",
    rb.RequestVoteReply: "request_vote_reply",
    rb.AppendEntriesCall: "append_entries_call",
    rb.AppendEntriesReply: "append_entries_reply",
}


def plain(value: Any) -> Any:
    """Positions, configurations, entries, logs and messages; all else as it is."""
    match value:
        case rb.LogPosition(term, index):
            return {"term": term, "index": index}
        case rb.ClusterConfig(voters, new_voters, non_voters):
            names = ("voters", "new_voters", "non_voters")
            groups = (voters, new_voters, non_voters)
            return {name: sorted(group) for name, group in zip(names, groups, strict=True)}
        case rb.LogEntries():
            return [plain_entries(entry, count) for entry, count in value.runs()]
        case rb.Log(config, entries):
            snapshot = {"snapshot_position": entries.prev_position, "snapshot_config": config}
            return {name: plain(part) for name, part in {**snapshot, "entries": entries}.items()}
        case rb.AppendEntriesCall(header, commit_index, entries):
            fields = {"prev_position": entries.prev_position, "entries": entries}
            return plain_message(value, header, commit_index=commit_index, **fields)
        case rb.AppendEntriesReply(header, last, accepted):
            return plain_message(value, header, last_position=last, accepted=accepted)
        case rb.RequestVoteCall(header, last, transfer):
            return plain_message(value, header, last_position=last, transfer=transfer)
        case rb.RequestVoteReply(header, vote_granted):
            return plain_message(value, header, vote_granted=vote_granted)
    return value


def plain_entries(entry: rb.LogEntry, count: int) -> dict[str, Any]:
    match entry:
        case rb.TermEntry(term):
            return {"term": term}
        case rb.ConfigEntry(config):
            return {"config": plain(config)}
        case rb.CommandEntry():
            return {"commands": count}


def plain_message(message: rb.Message, header: rb.MessageHeader, **rest: Any) -> dict[str, Any]:
    about = {"from": header.sender, "term": header.term, "seqno": header.seqno}
    fields = {name: plain(value) for name, value in rest.items()}
    return {"type": TAGS[type(message)], **about, **fields}


def plain_action(node: rb.Node, action: rb.Action) -> dict[str, Any]:
    match action:
        case rb.SetElectionTimeout():
            return {"type": "set_election_timeout"}
        case rb.SaveCurrentTerm():
            return {"type": "save_current_term", "term": node.current_term}
        case rb.SaveVotedFor():
            return {"type": "save_voted_for", "voted_for": node.voted_for}
        case rb.BroadcastMessage(message):
            return {"type": "broadcast_message", "to": node.peers, "message": plain(message)}
        case rb.AppendLogEntries(entries):
            prev = plain(entries.prev_position)
            return {"type": "append_log_entries", "prev_position": prev, "entries": plain(entries)}
        case rb.SendMessage(to, message):
            return {"type": "send_message", "to": to, "message": plain(message)}
        case rb.InstallSnapshot(to):
            return {"type": "install_snapshot", "to": to}


def plain_state(node: rb.Node) -> dict[str, Any]:
    leads = {"confirmed": node.confirmed} if node.role.is_leader else {}
    return {
        "role": node.role.value,
        "current_term": node.current_term,
        "voted_for": node.voted_for,
        "commit_index": node.commit_index,
        "last_position": plain(node.log.last_position),
        "snapshot_position": plain(node.log.snapshot_position),
        "config": plain(node.config),
        "leader": node.leader,
        **leads,
    }


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
        event: dict[str, Any],
        outcome: object,
        execute: Callable[[rb.Node, rb.Action], None],
    ) -> None:
        """Execute and record what the node owes after the event."""
        actions = []
        # 3. Drain: record each action as it is executed, before the next one is taken.
        for action in node.actions:
            execute(node, action)
            actions.append(plain_action(node, action))
        # 4. Apply: nothing here, where there is no state machine; `commit_index` is recorded.
        self.seq[node.id] = seq = self.seq.get(node.id, 0) + 1
        line = {"node": node.id, "seq": seq, "event": event, "outcome": plain(outcome)}
        self.write(**line, actions=actions, state=plain_state(node))

    def write(self, **line: Any) -> None:
        self.file.write(json.dumps(line, separators=(",", ":")) + "\n")
        self.file.flush()


# A small cluster to record


class Cluster:
    def __init__(self, recorder: Recorder, size: int) -> None:
        self.recorder = recorder
        self.network: deque[tuple[rb.NodeId, rb.Message]] = deque()
        self.disks: dict[rb.NodeId, dict[str, Any]] = {}
        self.nodes: dict[rb.NodeId, rb.Node] = {}
        # 1. Start: for the first time.
        for node_id in map(rb.NodeId, range(size)):
            self.nodes[node_id] = rb.Node.start(node_id)
            log = rb.LogEntries(rb.LogPosition.ZERO)
            self.disks[node_id] = {"current_term": rb.Term(0), "voted_for": None, "log": log}
            self.drain(node_id, {"kind": "start"}, None)

    def drain(self, node_id: rb.NodeId, event: dict[str, Any], outcome: object) -> None:
        self.recorder.drain(self.nodes[node_id], event, outcome, self.execute)

    def execute(self, node: rb.Node, action: rb.Action) -> None:
        disk = self.disks[node.id]
        match action:
            case rb.SaveCurrentTerm():
                disk["current_term"] = node.current_term
            case rb.SaveVotedFor():
                disk["voted_for"] = node.voted_for
            case rb.BroadcastMessage(message):
                self.network.extend((peer, message) for peer in node.peers)
            case rb.AppendLogEntries(entries):
                log: rb.LogEntries = disk["log"]
                log.truncate(entries.prev_position.index - log.prev_position.index)
                for entry in entries:
                    log.push(entry)
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
            event = {"kind": "message", "message": plain(message)}
            self.nodes[to].handle_message(message)
            self.drain(to, event, None)

    # 2. Input: each with the drain that follows it.

    def create_cluster(self, node_id: rb.NodeId) -> None:
        event = {"kind": "create_cluster", "voters": sorted(self.nodes)}
        self.drain(node_id, event, self.nodes[node_id].create_cluster(self.nodes))

    def propose(self, node_id: rb.NodeId) -> None:
        """A refusal is recorded as well: its outcome is null."""
        try:
            position = self.nodes[node_id].propose_command()
        except rb.NotLeaderError:
            position = None
        self.drain(node_id, {"kind": "propose_command"}, position)

    def time_out(self, node_id: rb.NodeId) -> None:
        self.nodes[node_id].handle_election_timeout()
        self.drain(node_id, {"kind": "election_timeout"}, None)

    def restart(self, node_id: rb.NodeId) -> None:
        disk = {**self.disks[node_id]}
        disk["log"] = rb.Log(rb.ClusterConfig(), disk["log"])
        event = {"kind": "restart", **{name: plain(value) for name, value in disk.items()}}
        # 1. Start: again, with what the disk holds.
        self.nodes[node_id] = rb.Node.restart(node_id, **disk)
        self.drain(node_id, event, None)


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
        cluster.propose(third)
        cluster.deliver()
        cluster.time_out(third)  # a heartbeat tells the others what is committed
        cluster.deliver()
    print(f"{sum(recorder.seq.values())} records of {len(recorder.seq)} nodes in {path}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: record.py FILE")
    main(sys.argv[1])
