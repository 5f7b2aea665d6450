"""Lines of traces as JSON has them, and what comes of reading a bad file of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from conformance.trace.errors import BadTrace
from conformance.trace.files import read

ZERO = {"term": 0, "index": 0}
NO_CONFIG: dict[str, Any] = {"voters": [], "new_voters": [], "non_voters": []}
STATE = {
    "role": "follower",
    "current_term": 0,
    "voted_for": None,
    "commit_index": 0,
    "last_position": ZERO,
    "snapshot_position": ZERO,
    "config": NO_CONFIG,
}
HEADER = {"format": "raftbare-trace", "version": 1, "implementation": "test", "nodes": 3}


def record(node: object = 0, seq: object = 1, kind: str = "start", **fields: Any) -> dict[str, Any]:
    made = {"node": node, "seq": seq, "event": {"kind": kind}, "outcome": None, "state": STATE}
    return made | fields


def text(*lines: Any) -> bytes:
    return b"".join(
        (line if isinstance(line, bytes) else json.dumps(line).encode()) + b"\n" for line in lines
    )


def consume(path: Path | str) -> tuple[int, BadTrace]:
    """How many records a bad trace yields, and what it then raises."""
    seen = 0
    with pytest.raises(BadTrace) as caught:
        for _ in read(path):
            seen += 1
    return seen, caught.value
