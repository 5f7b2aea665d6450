"""Servers in this process, and who uses them."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Final

from examples.kvstore.client import Client
from examples.kvstore.driver.letters import Member
from examples.kvstore.driver.server import Server
from examples.kvstore.driver.storage import Identity, SQLiteStorage
from examples.kvstore.machine import KeyValue
from raftbare import NodeId

PATIENCE: Final = 60.0  # of clients, so that no test fails on a machine that is slow


def members(count: int) -> list[Member]:
    """Each at a port that is free."""
    with ExitStack() as open_until_all_are_there:
        made = []
        for number in range(1, count + 1):
            probe = open_until_all_are_there.enter_context(socket.socket())
            probe.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{probe.getsockname()[1]}"
            made.append(Member(NodeId(number), f"node-{number}", address, f"disk {number}"))
    return made


def serve_while(servers: Sequence[Server], use: Callable[[], None]) -> None:
    """Run the servers until `use` is at its end, in a thread; or one of them is, which it notices.

    It begins once all of them listen.  Raises what `use` raises.
    """

    async def main() -> None:
        serving = [asyncio.ensure_future(server.run()) for server in servers]
        while not all(server.status().get("role") for server in servers):
            if any(one.done() for one in serving):
                break
            await asyncio.sleep(0.005)
        used = asyncio.ensure_future(asyncio.to_thread(use))
        await asyncio.wait([*serving, used], return_when=asyncio.FIRST_COMPLETED)
        for server in serving:
            server.cancel()
            with suppress(asyncio.CancelledError):
                await server
        await used

    asyncio.run(main())


def exposed(path: Path, attack: Callable[[Member], None]) -> None:
    """A server that leads alone is attacked; a client is served before and after."""
    (me,) = members(1)

    def use() -> None:
        with Client("ours", [me.address], timeout=PATIENCE) as client:
            client.put("key", "before")
            attack(me)
            assert client.get("key") == "before"
            client.put("key", "after")
            assert client.get("key") == "after"

    with closing(SQLiteStorage.create(path / "data", Identity("ours", me, (me,)))) as storage:
        serve_while([Server(storage.identity, storage, KeyValue())], use)
