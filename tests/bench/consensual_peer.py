"""consensual at the same work as `rounds.Raftbare`.

It does more for each command: its nodes are coroutines of one event loop, its messages are JSON's
dictionaries, and every node applies what is committed.  Its own transport within a process is used.
Nothing waits: the heartbeat is too long ever to come by itself, and commands are applied where they
are committed instead of in a thread.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Executor, Future
from threading import get_ident
from typing import Any

from consensual.core.raft.node import event_loops
from consensual.raft import Node, plain
from yarl import URL

FOREVER = 1e6


class AtOnce(Executor):
    """In place of a thread."""

    def submit(self, run: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        done: Future[Any] = Future()
        done.set_result(run(*args, **kwargs))
        return done


class Consensual:
    def __init__(self, size: int) -> None:
        self.loop = event_loops[get_ident()]  # where consensual looks for one
        self.applied = 0
        silent = logging.getLogger("consensual")
        silent.setLevel(logging.CRITICAL)
        urls = [URL.build(scheme="http", host="localhost", port=1 + at) for at in range(size)]
        self.members: list[Node] = []
        reached: dict[str, Node] = {}
        for url in urls:
            member = Node.from_url(
                url,
                heartbeat=FOREVER,
                logger=silent,
                loop=self.loop,
                processors={"add": self.add},
                sender=plain.Sender([url], reached),
            )
            member._external_commands_executor = AtOnce()
            plain.Receiver(member, reached).start()
            self.members.append(member)
        self.leader = self.members[0]
        self.loop.run_until_complete(self.begin(urls))
        self.round(1)

    def add(self, _: object) -> None:
        self.applied += 1

    async def begin(self, urls: list[URL]) -> None:
        """The others join, by a joint configuration and the one after it."""
        refused = await self.leader.solo() or await self.leader.attach_nodes(urls[1:])
        assert not refused
        while not all(member._cluster.stable for member in self.members):
            self.leader._restart_sync_timer()
            for _ in range(10):  # passes of the loop, more than a call and its replies take
                await asyncio.sleep(0)

    def round(self, batch: int) -> None:
        self.loop.run_until_complete(self._round(batch))

    async def _round(self, batch: int) -> None:
        for _ in range(batch):
            refused = await self.leader.enqueue("add", None)
            assert not refused
        while self.leader._commit_length < len(self.leader._history.log):
            await asyncio.sleep(0)
        await self.spread()

    async def spread(self) -> None:
        """One heartbeat."""
        self.leader._restart_sync_timer()
        while len(set(self.commit_indexes())) > 1:
            await asyncio.sleep(0)
        self.leader._cancel_sync_timer()

    def close(self) -> None:
        self.loop.run_until_complete(asyncio.sleep(0))
        event_loops.pop(get_ident()).close()

    def commit_indexes(self) -> list[int]:
        return [member._commit_length for member in self.members]
