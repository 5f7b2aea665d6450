"""The same load over links with delay: what each command costs in messages, entries and CPU time.

Time is virtual, so counts are exact; of the process's own time the whole run is measured, driver
and links included, which are the same for all.  A command comes each millisecond.  No message is
lost, and nobody's timer but the leader's runs out.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import product
from random import Random
from typing import Any, Final, Protocol

from conformance.network.clock import MILLISECOND, Clock
from conformance.network.link import Link, Wire
from raftbare import AppendEntriesCall, BroadcastMessage, SendMessage, SetElectionTimeout
from tests.bench.rounds import Raftbare

COMMANDS: Final = 1_000
DELAYS: Final = (1, 5, 20)
NODES: Final = (3, 5)
HEARTBEAT: Final = 50 * MILLISECOND


@dataclass(slots=True)
class Cost:
    """Of a command: messages and entries sent to all peers together, and microseconds of CPU."""

    messages: float
    entries: float
    cpu: float


class Wires:
    """A link from each member to each other one; counts what goes over them."""

    def __init__(self, clock: Clock, size: int, delay: int) -> None:
        self.messages = self.entries = 0
        self.deliver: list[Callable[[int, Any], None]] = []
        link, random = Link(delay * MILLISECOND), Random(0)
        self._wires = {
            (sender, to): Wire(link, clock, random, partial(self._arrive, sender, to))
            for sender, to in product(range(size), repeat=2)
            if sender != to
        }

    def send(self, sender: int, to: int, message: Any, entries: int) -> None:
        self.messages += 1
        self.entries += entries
        self._wires[sender, to].send(message, 0)

    def _arrive(self, sender: int, to: int, message: Any) -> None:
        self.deliver[to](sender, message)


class Delayed(Protocol):
    """A cluster with a leader, at rest, whose messages go over `wires`."""

    wires: Wires

    def command(self) -> None:
        """A client brings a command: now is the beginning of a millisecond."""

    def committed(self) -> int:
        """How many entries the leader knows to be committed."""


class DelayedRaftbare:
    """Each node is drained after each input, as its docstring asks."""

    def __init__(self, clock: Clock, size: int, delay: int) -> None:
        self.clock = clock
        self.nodes: list[Any] = list(Raftbare(size).nodes)
        self.wires = Wires(clock, size, delay)
        self.wires.deliver = [partial(self._receive, node) for node in self.nodes]
        self._timer = 0

    def command(self) -> None:
        self.nodes[0].propose_command()
        self._drain(self.nodes[0])

    def committed(self) -> int:
        return int(self.nodes[0].commit_index)

    def _receive(self, node: Any, _sender: int, message: Any) -> None:
        node.handle_message(message)
        self._drain(node)

    def _drain(self, node: Any) -> None:
        for action in node.actions:
            if isinstance(action, SendMessage):
                self._send(node, action.to, action.message)
            elif isinstance(action, BroadcastMessage):
                for peer in node.peers:
                    self._send(node, peer, action.message)
            elif isinstance(action, SetElectionTimeout) and node is self.nodes[0]:
                self._timer += 1
                self.clock.at(self.clock.now + HEARTBEAT, partial(self._fire, self._timer))

    def _send(self, node: Any, to: int, message: Any) -> None:
        entries = len(message.entries) if isinstance(message, AppendEntriesCall) else 0
        self.wires.send(node.id, to, message, entries)

    def _fire(self, timer: int) -> None:
        if timer == self._timer:
            self.nodes[0].handle_election_timeout()
            self._drain(self.nodes[0])


Make = Callable[[Clock, int, int], Delayed]


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
    clock = Clock()
    cluster = make(clock, size, delay)
    before = cluster.committed()
    for number in range(commands):
        clock.at(number * every * MILLISECOND, cluster.command)
    started = time.process_time()
    until = (commands - 1) * every * MILLISECOND
    while cluster.committed() - before < commands:
        assert clock.now < until + 10 * delay * MILLISECOND
        clock.run(max(until, clock.now + MILLISECOND))
    cpu = time.process_time() - started
    wires = cluster.wires
    return Cost(wires.messages / commands, wires.entries / commands, 1e6 * cpu / commands)


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
