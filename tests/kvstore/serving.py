"""Servers in this process, and who uses them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress

from examples.kvstore.driver.server import Server


def serve_while(servers: Sequence[Server], use: Callable[[], None]) -> None:
    """Run the servers until `use` is at its end, in a thread; or one of them is, which it notices.

    Raises what `use` raises.
    """

    async def main() -> None:
        serving = [asyncio.ensure_future(server.run()) for server in servers]
        used = asyncio.ensure_future(asyncio.to_thread(use))
        await asyncio.wait([*serving, used], return_when=asyncio.FIRST_COMPLETED)
        for server in serving:
            server.cancel()
            with suppress(asyncio.CancelledError):
                await server
        await used

    asyncio.run(main())
