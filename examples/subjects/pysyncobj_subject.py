"""PySyncObj (0.3.17) as a subject of `conformance check`: an adapter to a library that is not ours.

    conformance check --subject "python examples/subjects/pysyncobj_subject.py"

PySyncObj is made for TCP, which doubles no message and keeps their order: so the adapter lacks
`duplicates` and `reordering`, unless it is told `--any-network`.  Disks and snapshots are left out.
Time is set by hand: a node's clock moves when its timer is to run out.  What a node has written
down, sent and kept is told by comparing it before and after each request; a message is known again
by its number, and arrives as the object that was sent.
"""

from __future__ import annotations

import copy
import json
import os
import random
import sys
from importlib.metadata import version
from itertools import count
from typing import Any

import pysyncobj
from pysyncobj import syncobj
from pysyncobj.node import Node as Name
from pysyncobj.transport import Transport

FOREVER = 1e9
ROLES = ("follower", "candidate", "leader")
NO_OP = 1
LACKS = (
    *("restarts", "snapshots", "changes", "joint_changes", "non_voters", "step_down", "transfer"),
    *("limits", "timers", "refusals", "large_numbers"),
)
OF_TCP = ("duplicates", "reordering")


class Clock:
    """In the place of `time.monotonic`: the time of the node whose turn it is."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


clock = syncobj.monotonicTime = Clock()


class Commands(pysyncobj.SyncObj):  # type: ignore[misc]
    @pysyncobj.replicated  # type: ignore[untyped-decorator]
    def command(self) -> None:
        pass


class Outbox(Transport):  # type: ignore[misc]
    """Keeps what is sent until the harness has been told of it."""

    ready = True

    def __init__(self, name: Name, others: list[Name]) -> None:
        super().__init__(None, name, others)
        self.sent: list[tuple[Name, dict[str, Any]]] = []

    def send(self, node: Name, message: dict[str, Any]) -> bool:
        self.sent.append((node, copy.deepcopy(message)))
        return True

    def destroy(self) -> None:
        pass


class NoSockets:
    def poll(self, timeout: float) -> None:
        pass


class Server:
    """One node, and what the harness was told of it."""

    def __init__(self, number: int, voters: list[int]) -> None:
        self.number, self.voters = number, voters
        self.now = 0.0
        self.term, self.log = 0, list[tuple[str, int]]()
        self.vote: int | None = None
        others = [Name(str(other)) for other in voters if other != number]
        self.transport = Outbox(Name(str(number)), others)
        conf = pysyncobj.SyncObjConf(
            autoTick=False,
            leaderFallbackTimeout=FOREVER,
            logCompactionMinEntries=int(FOREVER),
            logCompactionMinTime=FOREVER,
            connectionTimeout=FOREVER,
        )
        self.peer = Commands(Name(str(number)), others, conf=conf, transport=self.transport)
        self.peer._poller = NoSockets()
        for other in others:
            self.transport._onNodeConnected(other)

    def get(self, name: str) -> Any:
        """An attribute that PySyncObj keeps to itself."""
        return getattr(self.peer, f"_SyncObj__{name}")

    @property
    def leads(self) -> bool:
        return bool(self.peer._isLeader())

    def entries(self) -> list[tuple[str, int]]:
        """Kind and term of each; the first stands for the founding configuration."""
        log = self.get("raftLog")
        kinds = [
            ("term" if log[at][0][:1] == bytes([NO_OP]) else "command", log[at][2])
            for at in range(len(log))
        ]
        return [("config", 0), *kinds[1:]]

    def position(self) -> dict[str, int]:
        log = self.get("raftLog")
        return {"term": log[-1][2], "index": log[-1][1]}

    # Events

    def tick(self, until: float | None = None) -> None:
        """A tick; its timer, for elections or for calls, has run out by then."""
        if until is not None:
            self.now = max(self.now, until) + 1e-3
        clock.now = self.now
        self.peer.doTick(0.0)

    def election_timeout(self) -> None:
        self.heartbeat() if self.leads else self.tick(self.get("raftElectionDeadline"))

    def heartbeat(self) -> None:
        self.tick(self.get("newAppendEntriesTime"))

    def propose(self) -> dict[str, int]:
        self.peer.command()
        self.tick()
        position = self.position()
        self.heartbeat()
        return position

    def receive(self, sender: int, message: dict[str, Any]) -> None:
        clock.now = self.now
        self.transport._onMessageReceived(Name(str(sender)), copy.deepcopy(message))
        self.tick()

    # What came of it

    def changes(self) -> list[dict[str, Any]]:
        """What it has written, in the order in which Raft needs it."""
        actions: list[dict[str, Any]] = []
        term, vote = self.get("raftCurrentTerm"), self.get("votedForNodeId")
        vote = None if vote is None else int(vote)
        if term != self.term:
            actions.append({"type": "save_current_term", "term": term})
        if (term, vote) != (self.term, self.vote):
            actions.append({"type": "save_voted_for", "voted_for": vote})
        self.term, self.vote = term, vote
        before, self.log = self.log, self.entries()
        if before != self.log:
            pairs = zip(before, self.log, strict=False)
            same = next((at for at, (a, b) in enumerate(pairs) if a != b), None)
            same = min(len(before), len(self.log)) if same is None else same
            prev = {"term": self.log[same - 1][1] if same else 0, "index": same}
            entries = [self.item(*entry) for entry in self.log[same:]]
            actions.append(
                {"type": "append_log_entries", "prev_position": prev, "entries": entries}
            )
        return actions

    def item(self, kind: str, term: int) -> Any:
        if kind == "config":
            return {"config": self.config()}
        return {"term": term} if kind == "term" else "command"

    def config(self) -> dict[str, list[int]]:
        return {"voters": self.voters, "new_voters": [], "non_voters": []}

    def state(self) -> dict[str, Any]:
        leader = self.get("raftLeader")
        return {
            "role": ROLES[self.get("raftState")],
            "current_term": self.term,
            "voted_for": self.vote,
            "commit_index": self.get("raftCommitIndex"),
            "last_position": self.position(),
            "snapshot_position": {"term": 0, "index": 0},
            "config": self.config(),
            "leader": None if leader is None else int(leader.id),
        }

    def message(self, number: int, message: dict[str, Any]) -> dict[str, Any]:
        """A message of PySyncObj's as one of the protocol."""
        term = message.get("term", self.get("raftCurrentTerm"))
        head = {"from": self.number, "term": term, "seqno": number}
        match message["type"]:
            case "request_vote":
                last = {"term": message["last_log_term"], "index": message["last_log_index"]}
                return {"type": "request_vote_call", **head, "last_position": last}
            case "response_vote":
                return {"type": "request_vote_reply", **head, "vote_granted": True}
            case "append_entries":
                kinds = [
                    self.item("term" if entry[0][:1] == bytes([NO_OP]) else "command", entry[2])
                    for entry in message["entries"]
                ]
                prev = {"term": message["prevLogTerm"], "index": message["prevLogIdx"]}
                told = {"commit_index": message["commit_index"], "prev_position": prev}
                return {"type": "append_entries_call", **head, **told, "entries": kinds}
            case "next_node_idx":
                told = {"last_position": self.position(), "accepted": message["success"]}
                return {"type": "append_entries_reply", **head, **told}
        raise NotImplementedError(message["type"])


EMPTY = {
    "role": "follower",
    "current_term": 0,
    "voted_for": None,
    "commit_index": 0,
    "last_position": {"term": 0, "index": 0},
    "snapshot_position": {"term": 0, "index": 0},
    "config": {"voters": [], "new_voters": [], "non_voters": []},
    "leader": None,
}


class Cluster:
    """Nodes come up with the cluster, which is when they can know one another."""

    def __init__(self) -> None:
        random.seed(0)  # the timeouts, which are to be the same in every run
        self.servers: dict[int, Server] = {}
        self.numbers = count(1)
        self.sent: dict[int, dict[str, Any]] = {}

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        node, event = request["node"], request["event"]
        outcome = self.handle(node, event)
        server = self.servers.get(node)
        if server is None:
            return {"outcome": outcome, "actions": [], "state": EMPTY}
        actions = [*server.changes(), *self.messages(server)]
        return {"outcome": outcome, "actions": actions, "state": server.state()}

    def handle(self, node: int, event: dict[str, Any]) -> Any:
        server = self.servers.get(node)
        match event["kind"]:
            case "start":
                if self.servers:
                    self.__init__()  # type: ignore[misc]
            case "create_cluster" if server is None:
                voters = event["voters"]
                self.servers = {voter: Server(voter, voters) for voter in voters}
                return {"term": 0, "index": 1}
            case "heartbeat":
                if server is None or not server.leads:
                    return False
                server.heartbeat()
                return {"seqno": next(self.numbers)}
            case "propose_command" if server is not None and server.leads:
                return server.propose()
            case "election_timeout" if server is not None:
                server.election_timeout()
            case "message" if server is not None:
                message = event["message"]
                server.receive(message["from"], self.sent[message["seqno"]])
        return None

    def messages(self, server: Server) -> list[dict[str, Any]]:
        actions = []
        for to, message in server.transport.sent:
            number = next(self.numbers)
            self.sent[number] = message
            told = server.message(number, message)
            actions.append({"type": "send_message", "to": int(to.id), "message": told})
        server.transport.sent.clear()
        return actions


def main(arguments: list[str]) -> None:
    lacks = LACKS if arguments == ["--any-network"] else (*LACKS, *OF_TCP)
    hello = {"format": "raftbare-subject", "version": 1, "lacks": lacks}
    sys.stdin.readline()
    print(json.dumps({**hello, "implementation": f"PySyncObj {version('pysyncobj')}"}), flush=True)
    cluster = Cluster()
    for line in sys.stdin:
        print(json.dumps(cluster.answer(json.loads(line))), flush=True)


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":  # peers are kept in sets of strings
        os.execve(
            sys.executable, [sys.executable, *sys.argv], {**os.environ, "PYTHONHASHSEED": "0"}
        )
    main(sys.argv[1:])
