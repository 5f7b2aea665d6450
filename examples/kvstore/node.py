"""One server as a process: `python -m examples.kvstore serve FOLDER`."""

from __future__ import annotations

import asyncio
import logging
import signal
from contextlib import ExitStack, suppress
from pathlib import Path

from examples.kvstore.driver.core import Restart, recorded, restart
from examples.kvstore.driver.letters import Member
from examples.kvstore.driver.server import Server
from examples.kvstore.driver.storage import SQLiteStorage
from examples.kvstore.folder import certificates_in
from examples.kvstore.machine import KeyValue
from raftbare.recorder import SegmentWriter


def serve(folder: Path, *, record: bool, certificates: Path | None = None) -> None:
    """Run the server whose data the folder has, until SIGTERM.

    Raises what it cannot go on from: a disk that cannot be written, above all.
    """
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
    with ExitStack() as at_end:
        storage = SQLiteStorage(folder / "data.sqlite")
        at_end.callback(storage.close)
        identity = storage.identity
        start: Restart = restart
        if record:
            writer = SegmentWriter(folder / "recording", identity.me.id, cluster=identity.cluster)
            start = recorded(at_end.enter_context(writer))
        tls = certificates_in(certificates, identity.me.name) if certificates else None
        server = Server(identity, storage, KeyValue(), start=start, certificates=tls)
        asyncio.run(_serve(server, identity.me))


async def _serve(server: Server, me: Member) -> None:
    task = asyncio.ensure_future(server.run())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    logging.info("%s serves at %s", me.name, me.address)
    with suppress(asyncio.CancelledError):
        await task
