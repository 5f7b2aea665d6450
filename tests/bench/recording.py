"""What it costs to record a cluster of three, beside the same rounds unrecorded, and in bytes.

.venv/bin/python -m tests.bench.recording
PYTHONPATH=build/compiled:. .venv/bin/python -P -m tests.bench.recording
"""

from __future__ import annotations

import gzip
import json
import time
from collections import Counter
from collections.abc import Callable
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import raftbare as rb
from raftbare.recorder import RecordedNode, SegmentWriter
from tests.bench.rounds import Driver

SIZE = 3
TURNS = 7
BUFFER = 2**16


class Recording(NamedTuple):
    """Microseconds of the process's own time for a round; the rest is for a command."""

    batch: int
    unrecorded: float
    to_memory: float
    to_files: float
    buffered: float
    records: float
    size: float
    compressed: float


def cluster(make: Callable[[rb.NodeId], Any]) -> Driver:
    driver = Driver([make(rb.NodeId(name)) for name in range(SIZE)])
    driver.leader.create_cluster(range(SIZE))
    driver.settle(driver.leader)
    return driver


def measure(batch: int, rounds: int = 500) -> Recording:
    """The least of some turns, those of the four in rotation."""
    lines: list[bytes] = []
    with TemporaryDirectory() as folder:
        writers = [
            [
                SegmentWriter(f"{folder}/{buffer}", rb.NodeId(name), compress=False, buffer=buffer)
                for name in range(SIZE)
            ]
            for buffer in (0, BUFFER)
        ]
        drivers = [
            cluster(rb.Node.start),
            cluster(lambda name: RecordedNode.start(name, to=lines.append)),
            cluster(lambda name: RecordedNode.start(name, to=writers[0][name])),
            cluster(lambda name: RecordedNode.start(name, to=writers[1][name])),
        ]
        least = [float("inf")] * len(drivers)
        for _ in range(TURNS):
            for at, driver in enumerate(drivers):
                lines.clear()
                started = time.process_time()
                for _ in range(rounds):
                    driver.round(batch)
                least[at] = min(least[at], (time.process_time() - started) / rounds * 1e6)
                if at == 1:
                    kept = list(lines)
        for writer in [*writers[0], *writers[1]]:
            writer.close()
    commands = rounds * batch
    by_node = [[line for line in kept if b'"node":%d,' % name in line[:12]] for name in range(SIZE)]
    compressed = sum(len(gzip.compress(b"".join(own), 6)) for own in by_node)
    return Recording(
        batch,
        least[0],
        least[1],
        least[2],
        least[3],
        len(kept) / commands,
        sum(map(len, kept)) / commands,
        compressed / commands,
    )


def sizes() -> dict[str, float]:
    """The mean length of a record of each kind, at a batch of 1."""
    lines: list[bytes] = []
    driver = cluster(lambda name: RecordedNode.start(name, to=lines.append))
    for _ in range(200):
        driver.round(1)
    total, count = Counter[str](), Counter[str]()
    for line in lines:
        event = json.loads(line)["event"]
        kind = event["message"]["type"] if event["kind"] == "message" else event["kind"]
        total[kind] += len(line)
        count[kind] += 1
    return {kind: round(total[kind] / count[kind]) for kind in sorted(total)}


if __name__ == "__main__":
    print("compiled" if rb.compiled else "pure")
    for batch in (1, 16):
        found = measure(batch)
        ways = (found.to_memory, found.to_files, found.buffered)
        print(found, "times", [round(way / found.unrecorded, 1) for way in ways])
    print(sizes())
