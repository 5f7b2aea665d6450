"""The same load over links with delay: what each command costs in messages, entries and CPU time.

Time is virtual, so counts are exact.  Of the process's own time the whole run is measured, driver
and links included; they are the same for all.  A command comes each millisecond.  No message is
lost, all take equally long, and nobody's timer but the leader's runs out.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import count, product
from typing import Any, Final, Protocol

from raftbare import AppendEntriesCall, BroadcastMessage, SendMessage, SetElectionTimeout
from tests.bench.rounds import Raftbare

COMMANDS: Final = 1_000
DELAYS: Final = (1, 5, 20)
NODES: Final = (3, 5)
HEARTBEAT: Final = 50
"""Of times in milliseconds."""


@dataclass(slots=True)
class Cost:
    """Of a command: messages and entries sent to all peers together, and microseconds of CPU."""

    messages: float
    entries: float
    cpu: float


class Links:
    """From each member to each other one; counts what goes over them.

    Each message takes equally long, so those under way arrive in the order in which they were sent.
    """

    def __init__(self, delay: int) -> None:
        self.now = 0.0
        self.messages = self.entries = 0
        self.under_way: deque[tuple[float, int, int, Any]] = deque()
        self._delay = delay

    def send(self, sender: int, to: int, message: Any, entries: int) -> None:
        self.messages += 1
        self.entries += entries
        self.under_way.append((self.now + self._delay, sender, to, message))


class Delayed(Protocol):
    """A cluster with a leader, at rest, whose messages go over links."""

    def command(self) -> None:
        """A client brings a command: a millisecond begins."""

    def midway(self) -> None:
        """In the middle of each millisecond."""

    def receive(self, sender: int, to: int, message: Any) -> None: ...

    def committed(self) -> int:
        """How many entries the leader knows to be committed."""


class DelayedRaftbare:
    """Each node is drained after each input, as its docstring asks."""

    def __init__(self, links: Links, size: int) -> None:
        self.links = links
        self.nodes: list[Any] = list(Raftbare(size).nodes)
        self.leader = self.nodes[0]
        self.due: float = HEARTBEAT

    def command(self) -> None:
        self.leader.propose_command()
        self._drain(self.leader)

    def midway(self) -> None:
        if self.links.now >= self.due:
            self.leader.handle_election_timeout()
            self._drain(self.leader)

    def receive(self, _sender: int, to: int, message: Any) -> None:
        node = self.nodes[to]
        node.handle_message(message)
        self._drain(node)

    def committed(self) -> int:
        return int(self.leader.commit_index)

    def _drain(self, node: Any) -> None:
        for action in node.actions:
            kind = type(action)
            if kind is SendMessage:
                self._send(node, action.to, action.message)
            elif kind is BroadcastMessage:
                for peer in node.peers:
                    self._send(node, peer, action.message)
            elif kind is SetElectionTimeout and node is self.leader:
                self.due = self.links.now + HEARTBEAT

    def _send(self, node: Any, to: int, message: Any) -> None:
        entries = len(message.entries) if type(message) is AppendEntriesCall else 0
        self.links.send(node.id, to, message, entries)


Make = Callable[[Links, int], Delayed]


def subjects() -> dict[str, Make]:
    """The library, and a peer driven in two ways, the faster one first, where it is installed."""
    made: dict[str, Make] = {"raftbare": DelayedRaftbare}
    try:
        from tests.bench.pysyncobj_peer import DelayedPySyncObj
    except ImportError:
        return made
    return made | {
        "PySyncObj, flushed by hand": partial(DelayedPySyncObj, by_hand=True),
        "PySyncObj, all tick": partial(DelayedPySyncObj, by_hand=False),
    }


def cost(make: Make, size: int, delay: int, every: int = 1, commands: int = COMMANDS) -> Cost:
    """Of so many commands, one each `every` milliseconds, until all of them are committed."""
    links = Links(delay)
    cluster, under_way = make(links, size), links.under_way
    wanted = cluster.committed() + commands
    started = time.process_time()
    for turn in count():
        links.now = now = turn / 2
        while under_way and under_way[0][0] <= now:
            cluster.receive(*under_way.popleft()[1:])
        if turn % 2:
            cluster.midway()
        elif now < commands * every:
            if now % every == 0:
                cluster.command()
        elif cluster.committed() >= wanted:
            break
        assert now < commands * every + 10 * delay
    cpu = time.process_time() - started
    return Cost(links.messages / commands, links.entries / commands, 1e6 * cpu / commands)


def costs() -> dict[str, dict[str, list[float]]]:
    """By work and subject, neighbours in time: messages, entries, microseconds."""
    return {
        f"n{size} {delay} ms": {
            name: [found.messages, found.entries, found.cpu]
            for name, make in subjects().items()
            for found in [cost(make, size, delay)]
        }
        for size, delay in product(NODES, DELAYS)
    }
