"""The process of one server, as the campaign runs it: recorded, and speaking through `links`.

    python -m tests.faults.server FOLDER [--mistake MISTAKE] [--usual]

The server is that of examples/kvstore; only its times and sizes are others, so that snapshots are
common and a busy machine is not taken for a dead one.  With `--usual` they are what they are there,
and nothing is recorded.
"""

from __future__ import annotations

import argparse
import asyncio
import errno
import json
import logging
import signal
import sqlite3
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

from examples.kvstore.driver.context import Settings
from examples.kvstore.driver.core import Restart, recorded, restart
from examples.kvstore.driver.letters import Hello
from examples.kvstore.driver.server import Server
from examples.kvstore.driver.storage import Snapshot, SQLiteStorage
from examples.kvstore.driver.transport import Link
from examples.kvstore.machine import KeyValue
from raftbare import LogEntries, LogPosition, NodeId, Term
from raftbare.recorder import SegmentWriter
from tests.faults.wrong import MISTAKES

SETTINGS: Final = Settings(heartbeat=0.1, election_timeout=0.8, log=20_000, chunk=4096)
ROUTES: Final = "routes.json"
FAILING: Final = "failing"
"""A file in a server's folder: its next write fails `before` or `after` it is on the disk."""


class FailingDisk(SQLiteStorage):
    """Whose writes fail when they are told to; nobody goes on from that."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._told = path.with_name(FAILING)

    def save_term(self, term: Term) -> None:
        with self._write():
            super().save_term(term)

    def save_voted_for(self, voted_for: NodeId | None) -> None:
        with self._write():
            super().save_voted_for(voted_for)

    def append(self, entries: LogEntries, contents: Mapping[LogPosition, bytes]) -> None:
        with self._write():
            super().append(entries, contents)

    def save_snapshot(self, snapshot: Snapshot) -> None:
        with self._write():
            super().save_snapshot(snapshot)

    def save_part(self, digest: bytes, offset: int, data: bytes) -> None:
        with self._write():
            super().save_part(digest, offset, data)

    @contextmanager
    def _write(self) -> Iterator[None]:
        when = self._told.read_text(encoding="utf-8") if self._told.exists() else ""
        if when == "before":
            raise sqlite3.OperationalError("database or disk is full")
        yield
        if when == "after":
            raise OSError(errno.EIO, "the sync failed")


class RoutedServer(Server):
    """Reaches each server where the routes say."""

    folder: Path

    def _link(self, node_id: NodeId) -> Link:
        return Link(
            lambda: self._route(node_id),
            Hello(self._identity.cluster, self._identity.me, node_id),
            self._settings.frame,
            None,
        )

    def _route(self, node_id: NodeId) -> str:
        with suppress(OSError, ValueError, KeyError):
            routes = json.loads((self.folder / ROUTES).read_text(encoding="utf-8"))
            return str(routes[str(node_id)])
        raise OSError(f"no route to {node_id}")


async def serve(server: RoutedServer) -> None:
    task = asyncio.ensure_future(server.run())
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, task.cancel)
    loop.add_reader(sys.stdin.fileno(), task.cancel)  # the campaign has ended, or died
    with suppress(asyncio.CancelledError):
        await task


def main(folder: Path, mistake: str | None, usual: bool) -> None:
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
    if mistake is not None:
        MISTAKES[mistake].plant()
    with ExitStack() as at_end:
        storage = FailingDisk(folder / "data.sqlite")
        at_end.callback(storage.close)
        start: Restart = restart
        settings = Settings()
        if not usual:
            me = storage.identity.me.id
            writer = at_end.enter_context(SegmentWriter(folder / "recording", me, compress=False))
            start, settings = recorded(writer), SETTINGS
        server = RoutedServer(storage.identity, storage, KeyValue(), settings=settings, start=start)
        server.folder = folder
        asyncio.run(serve(server))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--mistake")
    parser.add_argument("--usual", action="store_true")
    given = parser.parse_args()
    main(given.folder, given.mistake, given.usual)
