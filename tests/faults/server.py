"""The process of one server, as the campaign runs it: recorded, and speaking through `links`.

    python -m tests.faults.server FOLDER [MISTAKE]

The server is that of examples/kvstore; only its times and sizes are others, so that snapshots are
common and a busy machine is not taken for a dead one.
"""

from __future__ import annotations

import asyncio
import json
import logging
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import cast

from examples.kvstore.driver.context import Settings
from examples.kvstore.driver.letters import Hello
from examples.kvstore.driver.server import Server
from examples.kvstore.driver.storage import Saved, SQLiteStorage
from examples.kvstore.driver.transport import Link
from examples.kvstore.machine import KeyValue
from raftbare import Limits, Node, NodeId
from raftbare.recorder import RecordedNode, SegmentWriter
from tests.faults import wrong

SETTINGS = Settings(heartbeat=0.1, election_timeout=0.8, log=20_000, chunk=4096)
ROUTES = "routes.json"


class RoutedServer(Server):
    """Reaches each server where the routes say."""

    def __init__(self, folder: Path, storage: SQLiteStorage) -> None:
        self._folder = folder
        writer = SegmentWriter(folder / "recording", storage.identity.me.id, compress=False)

        def start(node_id: NodeId, saved: Saved, limits: Limits) -> Node:
            node = RecordedNode.restart(
                node_id,
                current_term=saved.term,
                voted_for=saved.voted_for,
                log=saved.log,
                to=writer,
                limits=limits,
            )
            return cast(Node, node)

        super().__init__(storage.identity, storage, KeyValue(), settings=SETTINGS, start=start)

    def _link(self, node_id: NodeId) -> Link:
        return Link(
            lambda: self._route(node_id),
            Hello(self._identity.cluster, self._identity.me, node_id),
            self._settings.frame,
            None,
        )

    def _route(self, node_id: NodeId) -> str:
        with suppress(OSError, ValueError, KeyError):
            routes = json.loads((self._folder / ROUTES).read_text(encoding="utf-8"))
            return str(routes[str(node_id)])
        raise OSError(f"no route to {node_id}")


async def serve(folder: Path, storage: SQLiteStorage) -> None:
    task = asyncio.ensure_future(RoutedServer(folder, storage).run())
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, task.cancel)
    with suppress(asyncio.CancelledError):
        await task


def main(folder: Path, mistake: str | None) -> None:
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
    storage_class = wrong.plant(mistake) if mistake else SQLiteStorage
    storage = storage_class(folder / "data.sqlite")
    try:
        asyncio.run(serve(folder, storage))
    finally:
        storage.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None)
