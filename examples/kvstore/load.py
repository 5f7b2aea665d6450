"""How fast it is: as many clients as one likes, in one thread, over loopback.

    python -m examples.kvstore.load FOLDER --clients 16 --seconds 5

Each client is a connection with a session of its own, on which one request is under way.  All of
them together take little time, so that what is measured is the servers.
"""

from __future__ import annotations

import argparse
import selectors
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

import psutil

from examples.kvstore.client import FRAME, PAUSE
from examples.kvstore.driver.letters import (
    ClientHello,
    Done,
    Execute,
    NotLeader,
    OpenSession,
    Query,
    Refused,
    Request,
)
from examples.kvstore.driver.packing import NUMBER
from examples.kvstore.driver.transport import Frames, framed, split_address
from examples.kvstore.folder import ClusterFolder
from examples.kvstore.machine import packed

PATIENCE: Final = 60.0
"""Seconds without any answer until it is given up."""


class NotServedError(Exception):
    """The servers do not do what they were asked."""


class Caller:
    """One of the clients: writes, or reads, one after the other."""

    def __init__(self, cluster: ClusterFolder, name: int, reads: bool) -> None:
        self.took: list[float] = []  # seconds of each operation that was answered
        self._cluster = cluster
        self._name = name
        self._reads = reads
        self._session = 0
        self._number = 0
        self._at = -1  # among the addresses
        self._begun = 0.0
        self._request: Request = OpenSession(0)

    def connect(self) -> None:
        """To the next server that can be reached; the request that is under way is sent.

        Raises `NotServedError`.
        """
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            self._at = (self._at + 1) % len(self._cluster.addresses)
            with suppress(OSError):
                self._connect(split_address(self._cluster.addresses[self._at]))
                return
            time.sleep(PAUSE)
        raise NotServedError(f"no server was reached within {PATIENCE:g} s")

    def _connect(self, address: tuple[str, int]) -> None:
        self.connection, self._frames = socket.create_connection(address, PATIENCE), Frames(FRAME)
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        hello = framed(ClientHello(self._cluster.cluster))
        self.connection.sendall(hello + framed(self._request))

    def begin(self) -> None:
        """The next operation."""
        self._number += 1
        key = f"key-{self._name}-{self._number % 100}"
        if self._reads:
            self._request = Query(self._number, packed(op="get", key=key))
        else:
            command = packed(op="put", key=key, value=f"value {self._number}")
            self._request = Execute(self._number, self._session, self._number, command)
        self._begun = time.monotonic()
        self.connection.sendall(framed(self._request))

    def is_answered(self) -> bool:
        """Whether what has arrived is the answer.  Raises `OSError` where it has to be asked for
        again, and `NotServedError`.
        """
        data = self.connection.recv(65536)
        if not data:
            raise ConnectionError
        for letter in self._frames.feed(data):
            match letter:
                case Done(0, content):
                    (self._session,) = NUMBER.unpack(content)
                case Done():
                    self.took.append(time.monotonic() - self._begun)
                case NotLeader(_, address) if address in self._cluster.addresses:
                    self._at = self._cluster.addresses.index(address) - 1  # the next one to ask
                    raise ConnectionError
                case NotLeader() | Refused(_, _, True):
                    raise ConnectionError
                case _:
                    raise NotServedError(f"a server answered {letter}")
            return True
        return False


def load(
    cluster: ClusterFolder, clients: int, is_over: Callable[[int], bool], *, reads: bool = False
) -> list[float]:
    """The seconds of each operation, in ascending order, until `is_over` says so of their count.

    Raises `NotServedError`.
    """
    callers = [Caller(cluster, name, reads) for name in range(clients)]
    count = 0
    with selectors.DefaultSelector() as selector:
        for caller in callers:
            caller.connect()
            selector.register(caller.connection, selectors.EVENT_READ, caller)
        while not is_over(count):
            ready = selector.select(PATIENCE)
            if not ready:
                raise NotServedError(f"no answer within {PATIENCE:g} s")
            unanswered = []
            for key, _ in ready:
                caller = key.data
                try:
                    if caller.is_answered():
                        count += 1
                        caller.begin()
                except OSError:
                    unanswered.append(caller)
            if unanswered:
                time.sleep(PAUSE)
            for caller in unanswered:
                selector.unregister(caller.connection)
                caller.connection.close()
                caller.connect()
                selector.register(caller.connection, selectors.EVENT_READ, caller)
    for caller in callers:
        caller.connection.close()
    return sorted(seconds for caller in callers for seconds in caller.took)


def sizes(process: int | None, folder: Path) -> tuple[float, float]:
    """Of a server, in MB: its resident memory, 0 if it is not running, and its data on the disk."""
    memory = 0
    if process is not None:
        with suppress(psutil.Error):
            memory = psutil.Process(process).memory_info().rss
    return memory / 1e6, sum(file.stat().st_size for file in folder.glob("data.*")) / 1e6


class Progress:
    """Says when it is over; prints now and then what the servers take by then."""

    def __init__(self, cluster: ClusterFolder, seconds: float, writes: int) -> None:
        self._cluster = cluster
        self._begun = self._told = time.monotonic()
        self._seconds = seconds
        self._writes = writes

    def is_over(self, count: int) -> bool:
        now = time.monotonic()
        over = count >= self._writes if self._writes else now >= self._begun + self._seconds
        if now - self._told >= self._seconds or (over and self._writes):
            self._told = now
            self._tell(count)
        return over

    def _tell(self, count: int) -> None:
        print(f"{self._told - self._begun:7.1f} s {count:9} operations", end="")
        for member in self._cluster.members:
            process = self._cluster.process(member)
            memory, disk = sizes(process.pid if process else None, self._cluster.folder(member))
            print(f"   {member.name} {memory:.1f} MB, disk {disk:.1f} MB", end="")
        print(flush=True)


def main() -> None:
    """Print operations a second and percentiles of what they took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--clients", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument(
        "--writes",
        type=int,
        default=0,
        metavar="N",
        help="until so many are done; every SECONDS, memory and disk of the servers",
    )
    parser.add_argument("--reads", action="store_true")
    options = parser.parse_args()
    cluster, begun = ClusterFolder(options.folder), time.monotonic()
    progress = Progress(cluster, options.seconds, options.writes)
    try:
        took = load(cluster, options.clients, progress.is_over, reads=options.reads)
    except NotServedError as error:
        sys.exit(str(error))
    if not took:
        sys.exit("nothing was answered")
    half, most = took[len(took) // 2], took[len(took) * 99 // 100]
    print(
        f"{options.clients} clients: {len(took) / (time.monotonic() - begun):.0f} a second, "
        f"median {half * 1000:.1f} ms, 99 % within {most * 1000:.1f} ms"
    )


if __name__ == "__main__":
    main()
