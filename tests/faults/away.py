"""How long a server that was away takes to come back, beside what the link needs for it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from examples.kvstore.load import load
from tests.faults.cluster import Cluster
from tests.faults.links import Weather

CLIENTS = 64
PATIENCE = 600.0


class NotBackError(Exception):
    """It did not come back in time."""


@dataclass(frozen=True, slots=True)
class Return:
    """A server was away for so many `writes`, which took `writing` seconds.

    - `started`: seconds until it answered, once its process began.
    - `returned`: seconds from then until it had applied all that was committed.
    - `sent`: bytes that were sent to it, from its start until it was back.
    - `rate`: of the links to it, in bytes a second.
    """

    writes: int
    writing: float
    started: float
    returned: float
    sent: int
    rate: float

    def __str__(self) -> str:
        return (
            f"{self.writes} writes in {self.writing:.1f} s while it was away; "
            f"it started in {self.started:.1f} s, and was back {self.returned:.1f} s later; "
            f"{self.sent / 1e6:.2f} MB were sent to it, for which a link of "
            f"{self.rate / 1e6:g} MB/s needs {self.sent / self.rate:.1f} s"
        )


def away(
    folder: Path, writes: int, rate: float, progress: Callable[[str], None] = lambda said: None
) -> Return:
    """Kill a follower, have so many writes made, and start it.  Raises `NotBackError`."""
    with Cluster(folder / "cluster", 3, seed=1, usual=True) as cluster:
        progress("the cluster starts")
        load(cluster.files, 1, lambda count: count > 0)
        leader = cluster.leader()
        server = next(one for one in cluster.members if one != leader)
        cluster.kill(server)
        progress(f"{writes} writes without server {server}")
        begun = time.monotonic()
        load(cluster.files, CLIENTS, lambda count: count >= writes)
        written = time.monotonic()
        applied = cluster.status(cluster.leader())["applied"]
        ways = [way for way in cluster.links.ways if way[1] == server]
        cluster.links.set(Weather(rate=rate), ways)
        before = cluster.links.bytes_passed(ways)
        progress(f"server {server} starts")
        begun_again = time.monotonic()
        cluster.start(server)
        started = None
        while time.monotonic() < begun_again + PATIENCE:
            status = cluster.status(server)
            if status and started is None:
                started = time.monotonic()
            if started is not None and status.get("applied", 0) >= applied:
                sent = cluster.links.bytes_passed(ways) - before
                now = time.monotonic()
                return Return(
                    writes, written - begun, started - begun_again, now - started, sent, rate
                )
            time.sleep(0.05)
    raise NotBackError(f"server {server} is not back within {PATIENCE:g} s")
