"""Writes a second beside PySyncObj with its journal, and reads: processes on loopback, in one run.

    python -m tests.kvstore.speed --seconds 4 --rounds 3

The servers are those of examples/kvstore, and sync each write.  PySyncObj maps its journal into
memory and does not sync it; its clients are threads of its leader's process, so nothing is sent for
them.  A command waits for its ticks, so it is measured at several periods: that of its defaults,
and shorter ones.  Ratios are of neighbours in time, and their medians count: machines are shared.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from signal import SIGKILL
from tempfile import TemporaryDirectory
from typing import Any

from examples.kvstore.folder import ClusterFolder
from examples.kvstore.load import load
from tests.kvstore.serving import members

ROOT = Path(__file__).resolve().parents[2]
PERIODS = (0.1, 0.005, 0.001)
CLIENTS = (1, 16, 64)

Measure = Callable[[int, float], float]
"""Operations a second of so many clients, in so many seconds."""


@contextmanager
def raftbare(folder: Path) -> Iterator[tuple[Measure, Measure]]:
    """Writes, and reads, of a cluster of three."""
    cluster = ClusterFolder.create(folder, 3, host="127.0.0.1", record=False)

    def measure(clients: int, seconds: float, *, reads: bool) -> float:
        until = time.monotonic() + seconds
        return (
            len(load(cluster, clients, lambda _: time.monotonic() >= until, reads=reads)) / seconds
        )

    try:
        for member in cluster.members:
            cluster.start(member)
        load(cluster, 1, lambda count: count >= 10)
        yield (
            lambda clients, seconds: measure(clients, seconds, reads=False),
            lambda clients, seconds: measure(clients, seconds, reads=True),
        )
    finally:
        for member in cluster.members:
            cluster.stop(member, SIGKILL)


@contextmanager
def pysyncobj(folder: Path, period: float) -> Iterator[Measure]:
    """Writes of a cluster of three."""
    addresses = [member.address for member in members(3)]
    nodes = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.kvstore.speed", "--node", str(folder / str(number))]
            + ["--period", str(period), "--addresses", address]
            + [other for other in addresses if other != address],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for number, address in enumerate(addresses)
    ]

    def measure(clients: int, seconds: float) -> float:
        while True:
            for node in nodes:
                assert node.stdin is not None
                assert node.stdout is not None
                print(clients, seconds, file=node.stdin, flush=True)
                answer = node.stdout.readline()
                if float(answer):
                    return float(answer)
            time.sleep(0.1)

    try:
        measure(1, 1)
        yield measure
    finally:
        for node in nodes:
            with node:
                node.kill()


def serve_pysyncobj(journal: str, period: float, addresses: list[str]) -> None:
    """A node; for each line with clients and seconds it prints what the leader did, or 0."""
    import pysyncobj
    from pysyncobj.batteries import ReplDict

    values = ReplDict()
    conf = pysyncobj.SyncObjConf(
        journalFile=journal,
        appendEntriesPeriod=period,
        autoTickPeriod=period / 2,
        leaderFallbackTimeout=30,  # else it steps down where the machine is busy
    )
    node = pysyncobj.SyncObj(addresses[0], addresses[1:], conf, consumers=[values])
    for line in sys.stdin:
        clients, seconds = line.split()
        leads = node._isLeader()
        done = written(values, int(clients), float(seconds)) if leads else 0
        print(done / float(seconds), flush=True)
    os._exit(0)  # its thread does not end


def written(values: Any, clients: int, seconds: float) -> int:
    """How many writes so many threads have made, each one after the other."""
    done, until = [0] * clients, time.monotonic() + seconds

    def work(name: int) -> None:
        while time.monotonic() < until:
            with suppress(Exception):  # nobody leads, or not in time
                values.set(f"key-{name}-{done[name] % 100}", f"value {done[name]}", sync=True)
                done[name] += 1

    threads = [threading.Thread(target=work, args=(name,)) for name in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(done)


def compare(seconds: float, rounds: int) -> None:
    """Print medians of all rounds, and of the ratios within each."""
    for clients in CLIENTS:
        found: dict[str, list[float]] = {}
        for _ in range(rounds):
            with TemporaryDirectory() as scratch:
                with raftbare(Path(scratch) / "cluster") as (write, read):
                    found.setdefault("writes", []).append(write(clients, seconds))
                    found.setdefault("reads", []).append(read(clients, seconds))
                for period in PERIODS:
                    folder = Path(scratch) / f"{period}"
                    folder.mkdir()
                    with pysyncobj(folder, period) as measure:
                        name = f"PySyncObj's writes, each {period * 1000:g} ms"
                        found.setdefault(name, []).append(measure(clients, seconds))
        print(f"{clients} clients")
        for name, values in found.items():
            ratios = [ours / theirs for ours, theirs in zip(found["writes"], values, strict=True)]
            print(
                f"  {name:<32} {statistics.median(values):>7.0f} a second"
                f"   our writes by it: {statistics.median(ratios):.2f}",
                flush=True,
            )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.kvstore.speed", description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--node", help=argparse.SUPPRESS)
    parser.add_argument("--period", type=float, help=argparse.SUPPRESS)
    parser.add_argument("--addresses", nargs="+", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.node:
        serve_pysyncobj(given.node, given.period, given.addresses)
    else:
        compare(given.seconds, given.rounds)


if __name__ == "__main__":
    main()
