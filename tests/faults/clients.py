"""Clients that use the store all the time, and write down what they saw."""

from __future__ import annotations

import json
import random
import socket
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from examples.kvstore.client import FRAME, AnsweredNoError, Client, NoAnswerError
from examples.kvstore.driver.letters import Answer, ClientHello, Done, Query
from examples.kvstore.driver.transport import Frames, framed
from examples.kvstore.machine import packed

SHARED = ("a", "b", "c")
"""Keys that all clients use; besides, each puts keys that nobody else has, and that stay."""

PATIENCE = 5.0
"""Seconds until a client gives an operation up, and its outcome is unknown."""


class HistoryWriter:
    """Writes events in the order in which they happen, as `conformance linearize` reads them."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._file = path.open("w", encoding="utf-8")
        self._started = time.monotonic()
        self.completed = 0
        self._write({"format": "raftbare-history", "version": 1, "model": "key-value"})

    def write(self, **event: object) -> None:
        with self._lock:
            event["time"] = round(time.monotonic() - self._started, 4)
            self._write(event)
            self.completed += event["type"] == "ok"

    def _write(self, event: dict[str, object]) -> None:
        self._file.write(json.dumps(event) + "\n")

    def close(self) -> None:
        with self._lock:
            self._file.close()


@dataclass(slots=True)
class Worker:
    """One client, in a thread."""

    process: int
    history: HistoryWriter
    connect: Callable[[], Client]
    random: random.Random
    pause: float
    kept: list[str] = field(default_factory=list)
    """The keys of its own whose put was acknowledged."""
    unknown: int = 0
    error: BaseException | None = None
    _count: int = 0
    _seen: dict[str, str | None] = field(default_factory=dict)

    def run(self, stop: threading.Event) -> None:
        client = self.connect()
        try:
            while not stop.is_set():
                self._operate(client)
                stop.wait(self.random.uniform(0, self.pause))
        except BaseException as error:
            self.error = error
        finally:
            client.close()

    def _operate(self, client: Client) -> None:
        self._count += 1
        value, key = f"{self.process}.{self._count}", self.random.choice(SHARED)
        choice = self.random.random()
        if choice < 0.15:
            own = f"kept-{value}"
            if self._tell(lambda: client.put(own, value), f="put", key=own, value=value):
                self.kept.append(own)
        elif choice < 0.45:
            self._tell(lambda: client.put(key, value), f="put", key=key, value=value)
        elif choice < 0.8:
            self._read(client, key)
        elif choice < 0.95:
            old = self._seen.get(key)
            self._tell(
                lambda: client.cas(key, old, value),
                answer="swapped",
                f="cas",
                key=key,
                expected=old,
                value=value,
            )
        else:
            self._tell(lambda: client.delete(key), f="delete", key=key)

    def _read(self, client: Client, key: str) -> None:
        def get() -> str | None:
            self._seen[key] = client.get(key)
            return self._seen[key]

        self._tell(get, answer="value", f="get", key=key)

    def _tell(
        self, operate: Callable[[], object], *, answer: str | None = None, **call: object
    ) -> bool:
        """Whether it was acknowledged.  `answer`: the field of what came back, if that counts."""
        self.history.write(type="invoke", process=self.process, **call)
        try:
            got = operate()
        except NoAnswerError:
            self.unknown += 1
            self.history.write(type="info", process=self.process)
            return False
        except AnsweredNoError:
            self.history.write(type="fail", process=self.process)
            return False
        self.history.write(type="ok", process=self.process, **({answer: got} if answer else {}))
        return True


@dataclass(slots=True)
class Reader:
    """Reads from one server, whoever leads, on one connection: a server that wrongly takes itself
    for the leader would tell it what is old.  Nobody is asked twice."""

    process: int
    history: HistoryWriter
    cluster: str
    address: tuple[str, int]
    error: BaseException | None = None

    def run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                with socket.create_connection(self.address, 1.0) as connection:
                    connection.sendall(framed(ClientHello(self.cluster)))
                    self._read_on(connection, stop)
            except OSError:
                stop.wait(0.1)
            except BaseException as error:
                self.error = error
                return

    def _read_on(self, connection: socket.socket, stop: threading.Event) -> None:
        """All keys at once, again and again."""
        frames = Frames(FRAME)
        for first in count(1, len(SHARED)):
            if stop.is_set():
                return
            reads = dict(enumerate(SHARED, start=first))
            for tag, key in reads.items():
                self._tell(tag, type="invoke", f="get", key=key)
            try:
                for tag, key in reads.items():
                    connection.sendall(framed(Query(tag, packed(op="get", key=key))))
                self._take_answers(connection, frames, reads)
            finally:
                for tag in reads:
                    self._tell(tag, type="fail")
            stop.wait(0.02)

    def _take_answers(
        self, connection: socket.socket, frames: Frames, reads: dict[int, str]
    ) -> None:
        """Those that come soon; what is answered is no longer in `reads`."""
        until = time.monotonic() + 0.3
        while reads and (left := until - time.monotonic()) > 0:
            connection.settimeout(left)
            try:
                data = connection.recv(65536)
            except TimeoutError:
                return
            if not data:
                raise ConnectionError
            for letter in frames.feed(data):
                if not isinstance(letter, Answer) or letter.tag not in reads:
                    continue
                if isinstance(letter, Done):
                    value = json.loads(letter.content)["value"]
                    self._tell(letter.tag, type="ok", value=value)
                else:
                    self._tell(letter.tag, type="fail")
                del reads[letter.tag]

    def _tell(self, tag: int, **event: object) -> None:
        """Each read of those at once is a process of its own."""
        self.history.write(process=self.process + tag % len(SHARED), **event)


class Workers:
    """Several clients at once, and a reader of each server."""

    def __init__(
        self,
        clients: int,
        path: Path,
        connect: Callable[[], Client],
        cluster: str,
        addresses: Iterable[tuple[str, int]],
        seed: int,
        pause: float,
    ) -> None:
        self.history = HistoryWriter(path)
        self.clients = [
            Worker(process, self.history, connect, random.Random(f"{seed} client {process}"), pause)
            for process in range(clients)
        ]
        readers = [
            Reader(clients + server * len(SHARED), self.history, cluster, address)
            for server, address in enumerate(addresses)
        ]
        self.all: list[Worker | Reader] = [*self.clients, *readers]
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=one.run, args=(self._stop,), daemon=True) for one in self.all
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End after what is under way.  Raises what a client could not go on from."""
        self._stop.set()
        for thread in self._threads:
            thread.join()
        self.history.close()
        for one in self.all:
            if one.error is not None:
                raise one.error
