"""Mistakes that may be planted in a server, to see that a campaign finds them."""

from __future__ import annotations

from examples.kvstore.driver.storage import SQLiteStorage


def plant(name: str) -> type[SQLiteStorage]:
    """Make this process one of servers with that mistake; returns the disk that they use."""
    raise NotImplementedError(name)
