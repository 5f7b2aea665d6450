"""PySyncObj at the same work as `rounds.Raftbare`.

It does more for each command: it pickles it, and applies it on every node.  Its transport is
pluggable and its tick manual, so it runs within one process.  Its clock is set by hand, so that
nothing waits, and it polls no sockets.  A tick sends what the tick before put into the log.
"""

from __future__ import annotations

from collections import deque
from typing import Any

import pysyncobj
from pysyncobj import syncobj
from pysyncobj.node import Node
from pysyncobj.transport import Transport

from tests.bench.delay import Links

PERIOD = 0.001
FOREVER = 1e9


class Clock:
    """In place of `time.monotonic`."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Counter(pysyncobj.SyncObj):  # type: ignore[misc]
    def __init__(self, *arguments: Any, **options: Any) -> None:
        self.count = 0
        super().__init__(*arguments, **options)

    @pysyncobj.replicated  # type: ignore[untyped-decorator]
    def add(self) -> None:
        self.count += 1


class InProcess(Transport):  # type: ignore[misc]
    """Puts messages into a queue that all nodes share."""

    def __init__(self, node: Node, others: list[Node], queue: deque[Any]) -> None:
        super().__init__(None, node, others)
        self.node = node
        self.queue = queue

    @property
    def ready(self) -> bool:
        return True

    def send(self, node: Node, message: Any) -> bool:
        self.queue.append((node, self.node, message))
        return True

    def destroy(self) -> None:
        pass


class NoSockets:
    """In place of a poller, which would ask the system in each tick."""

    def poll(self, timeout: float) -> None:
        pass


class PySyncObj:
    def __init__(self, size: int) -> None:
        self.clock = syncobj.monotonicTime = Clock()
        self.queue: deque[tuple[Node, Node, Any]] = deque()
        names = [Node(f"n{number}") for number in range(size)]
        self.members: list[Counter] = []
        self.transports: dict[Node, InProcess] = {}
        for name in names:
            others = [other for other in names if other is not name]
            self.transports[name] = transport = InProcess(name, others, self.queue)
            conf = pysyncobj.SyncObjConf(
                autoTick=False,
                appendEntriesPeriod=PERIOD,
                leaderFallbackTimeout=FOREVER,
                logCompactionMinEntries=int(FOREVER),
                logCompactionMinTime=FOREVER,
                raftMinTimeout=FOREVER,
                raftMaxTimeout=FOREVER + 1,
                connectionTimeout=2 * FOREVER,
            )
            member = Counter(name, others, conf=conf, transport=transport)
            member._poller = NoSockets()
            self.members.append(member)
            for other in others:
                transport._onNodeConnected(other)
        self.leader = self.members[0]
        self.clock.now = FOREVER + 2
        self.leader.doTick()
        self.deliver()
        assert self.leader._isLeader()
        for _ in range(2):
            self.tick()
        self.round(1)

    def round(self, batch: int) -> None:
        add = self.leader.add
        for _ in range(batch):
            add()
        self.leader.doTick()  # into the log
        self.tick()
        self.tick()  # what is committed is told
        for member in self.members[1:]:
            member.doTick()  # and applied

    def tick(self) -> None:
        """The leader sends, and all is delivered."""
        self.clock.now += 2 * PERIOD
        self.leader.doTick()
        self.deliver()

    def deliver(self) -> None:
        queue, transports = self.queue, self.transports
        while queue:
            to, sender, message = queue.popleft()
            transports[to]._onMessageReceived(sender, message)

    def commit_indexes(self) -> list[int]:
        return [member.raftCommitIndex for member in self.members]


class Flushed(PySyncObj):
    """At most what is needed to commit: the followers do not tick, so they apply nothing, and what
    is in the log is sent at once."""

    def round(self, batch: int) -> None:
        add = self.leader.add
        for _ in range(batch):
            add()
        for _ in range(2):  # entries, and then that they are committed
            self.leader.doTick()
            self.leader._SyncObj__sendAppendEntries()
            self.deliver()


class OverLinks:
    """Takes the place of the queue that all nodes share."""

    def __init__(self, numbers: dict[Node, int], links: Links) -> None:
        self.numbers = numbers
        self.links = links

    def append(self, sent: tuple[Node, Node, Any]) -> None:
        to, sender, message = sent
        entries = len(message.get("entries", ()))
        self.links.send(self.numbers[sender], self.numbers[to], message, entries)


class DelayedPySyncObj(PySyncObj):
    """Ticks once in a millisecond, and sends in each tick what is in the log by then.

    by_hand  the leader alone ticks, and sends at once what a tick has put into the log; otherwise
             all tick, and apply what is committed, and a command is sent with the next tick
    """

    def __init__(self, links: Links, size: int, *, by_hand: bool) -> None:
        super().__init__(size)
        self.by_hand = by_hand
        self.waiting = False
        self.names = list(self.transports)
        numbers = {name: number for number, name in enumerate(self.names)}
        for transport in self.transports.values():
            transport.queue = OverLinks(numbers, links)  # type: ignore[assignment]

    def command(self) -> None:
        self.leader.add()
        self.waiting = True

    def midway(self) -> None:
        if self.by_hand:
            self.leader.doTick()
            if self.waiting:
                self.waiting = False
                self.leader._SyncObj__sendAppendEntries()
        else:
            self.clock.now += 2 * PERIOD
            for member in self.members:
                member.doTick()

    def receive(self, sender: int, to: int, message: Any) -> None:
        self.transports[self.names[to]]._onMessageReceived(self.names[sender], message)

    def committed(self) -> int:
        return int(self.leader.raftCommitIndex)
