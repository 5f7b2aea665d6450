"""The network between servers: a proxy for each direction of each pair, which spoils it at will.

Servers send on connections of their own making and receive on those of others, so that each
connection is one direction.  A proxy reads whole frames (four bytes of length, then the letter) and
loses, delays or doubles them; the connections stay.  The first frame, which says who speaks, always
arrives.
"""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(slots=True)
class Weather:
    """What one direction does to frames.  Times in seconds, `rate` in bytes a second."""

    cut: bool = False
    lost: float = 0.0
    doubled: float = 0.0
    delay: tuple[float, float] = (0.0, 0.0)
    rate: float = 0.0


class Direction:
    """From one server to another."""

    def __init__(self, port: int, chance: random.Random) -> None:
        self.weather = Weather()
        self.passed = self.spoiled = 0  # bytes, and frames
        self._to = port
        self._random = chance
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def listen(self) -> int:
        """The port where the sender connects."""
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        writer: asyncio.StreamWriter | None = None
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self._to)
            writer.write(await _frame(reader))
            while True:
                await self._pass(await _frame(reader), writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            for end in (writer, back):
                if end is not None:
                    end.transport.abort()

    async def _pass(self, frame: bytes, writer: asyncio.StreamWriter) -> None:
        weather, chance = self.weather, self._random
        if weather.cut or chance.random() < weather.lost:
            self.spoiled += 1
            return
        low, high = weather.delay
        if high > 0:
            await asyncio.sleep(chance.uniform(low, high))
        if weather.rate > 0:
            await asyncio.sleep(len(frame) / weather.rate)
        writer.write(frame)
        if chance.random() < weather.doubled:
            self.spoiled += 1
            writer.write(frame)
        self.passed += len(frame)
        await writer.drain()


async def _frame(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readexactly(4)
    return head + await reader.readexactly(int.from_bytes(head, "big"))


class Links:
    """All directions, in an event loop of a thread of its own; to be used from one other."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._ways: dict[tuple[int, int], Direction] = {}
        self._ports: dict[tuple[int, int], int] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def add(self, servers: dict[int, int]) -> None:
        """These servers, each with the port where it listens."""
        for sender in servers:
            for to, port in servers.items():
                if sender != to and (sender, to) not in self._ways:
                    way = Direction(port, random.Random(f"{self._seed} {sender} {to}"))
                    self._ways[sender, to] = way
                    self._ports[sender, to] = self._do(way.listen())

    def routes(self, sender: int) -> dict[int, str]:
        """Where a server reaches the others."""
        return {to: f"127.0.0.1:{port}" for (one, to), port in self._ports.items() if one == sender}

    def set(self, weather: Weather, ways: list[tuple[int, int]] | None = None) -> None:
        """The weather of these directions, or of all."""
        for way in self._ways if ways is None else ways:
            self._ways[way].weather = weather

    @property
    def ways(self) -> list[tuple[int, int]]:
        return list(self._ways)

    @property
    def spoiled(self) -> int:
        """How many frames were lost or doubled."""
        return sum(way.spoiled for way in self._ways.values())

    def bytes_passed(self, ways: list[tuple[int, int]]) -> int:
        """What these directions have carried, as it was sent."""
        return sum(self._ways[way].passed for way in ways)

    def close(self) -> None:
        for way in self._ways.values():
            self._do(way.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)
