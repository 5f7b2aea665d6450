"""One server as a process: `python -m examples.kvstore serve FOLDER`."""

from __future__ import annotations

import asyncio
import logging
import signal
from contextlib import suppress
from pathlib import Path

from examples.kvstore.driver.server import Server
from examples.kvstore.driver.storage import SQLiteStorage
from examples.kvstore.machine import KeyValue


def serve(folder: Path, *, record: bool) -> None:
    """Run the server whose data the folder has, until SIGTERM.

    Raises what it cannot go on from: a disk that cannot be written, above all.
    """
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
    storage = SQLiteStorage(folder / "data.sqlite")
    try:
        asyncio.run(_serve(storage))
    finally:
        storage.close()


async def _serve(storage: SQLiteStorage) -> None:
    server = Server(storage.identity, storage, KeyValue())
    task = asyncio.ensure_future(server.run())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    logging.info("%s serves at %s", storage.identity.me.name, storage.identity.me.address)
    with suppress(asyncio.CancelledError):
        await task
