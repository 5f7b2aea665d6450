"""Recordings of the library's recorder, by node, and how they are put in files."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import zstandard

import raftbare as rb
from raftbare.recorder import header
from tests.recorder.cluster import Cluster

NODES = 3


def told(cluster: str | None = None) -> bytes:
    """The header of a file."""
    return header(f"raftbare (Python) {rb.__version__}", NODES, cluster)


@dataclass
class Whole:
    """A recording: the lines of each node."""

    lines: dict[int, list[bytes]] = field(default_factory=dict)

    @classmethod
    def of(cls, seed: int, steps: int = 60) -> Whole:
        whole = cls({node: [] for node in range(NODES)})

        def to(node: rb.NodeId) -> tuple[Any, int]:
            return whole.lines[node].append, len(whole.lines[node]) + 1

        random, cluster = Random(seed), Cluster(to, NODES)
        cluster.deliver()
        for _ in range(steps):
            cluster.anything(random)
            for node in cluster.nodes:
                if random.random() < 0.15:
                    cluster.drain(node)
                    cluster.nodes[node].checkpoint()
        return whole

    @property
    def count(self) -> int:
        return sum(map(len, self.lines.values()))

    def starts(self, node: int) -> list[int]:
        """The lines with which a file may begin, but for the first."""
        kinds = (b'"kind":"checkpoint"', b'"kind":"restart"')
        return [at for at, line in enumerate(self.lines[node]) if any(k in line for k in kinds)]


def broken(seed: int) -> Whole:
    """Late in the recording of node 1 a vote is told that was not saved."""
    whole = Whole.of(seed)
    own = whole.lines[1]
    for at in range(len(own) // 3, len(own)):
        record = json.loads(own[at])
        kept = [one for one in record.get("actions", ()) if one["type"] != "save_voted_for"]
        if len(kept) < len(record.get("actions", ())):
            record["actions"] = kept
            own[at] = json.dumps(record).encode() + b"\n"
            return whole
    raise AssertionError("no vote is saved")


def write(path: Path, lines: Iterable[bytes], cluster: str | None = None) -> Path:
    """A file, compressed as its name says."""
    content = told(cluster) + b"".join(lines)
    if path.suffix == ".gz":
        content = gzip.compress(content, 1)
    elif path.suffix == ".zst":
        content = zstandard.compress(content, 1)
    path.write_bytes(content)
    return path
