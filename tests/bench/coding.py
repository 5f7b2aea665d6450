"""What it takes to write and read a message, beside `json` with the plain values of the same.

.venv/bin/python -m tests.bench.coding
PYTHONPATH=build/compiled:. .venv/bin/python -P -m tests.bench.coding
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import NamedTuple

import raftbare as rb
from raftbare import codec

ROUNDS = 7
TIMES = 10_000


class Coding(NamedTuple):
    """Sizes in bytes; the rest microseconds of the process's own time, the least of some rounds."""

    size: int
    json_size: int
    encode: float
    decode: float
    to_plain: float
    from_plain: float
    dumps: float
    loads: float


def call(commands: int) -> rb.Message:
    """With commands alone, of a cluster that has run for a while."""
    prev = rb.LogPosition(rb.Term(7), rb.LogIndex(123_456))
    header = rb.MessageHeader(rb.NodeId(1), rb.Term(7), rb.MessageSeqNo(98_765))
    entries = rb.LogEntries.from_runs(prev, [(rb.CommandEntry(), commands)])
    return rb.AppendEntriesCall(header, rb.LogIndex(123_450), entries)


def least(times: int, do: Callable[[], object]) -> float:
    taken = []
    for _ in range(ROUNDS):
        started = time.process_time()
        for _ in range(times):
            do()
        taken.append(time.process_time() - started)
    return min(taken) / times * 1e6


def measure(message: rb.Message, times: int = TIMES) -> Coding:
    its, data = codec.MESSAGE, codec.MESSAGE.encode(message)
    plain = its.to_plain(message)
    text = json.dumps(plain, separators=(",", ":"))
    return Coding(
        len(data),
        len(text),
        least(times, lambda: its.encode(message)),
        least(times, lambda: its.decode(data)),
        least(times, lambda: its.to_plain(message)),
        least(times, lambda: its.from_plain(plain)),
        least(times, lambda: json.dumps(plain, separators=(",", ":"))),
        least(times, lambda: json.loads(text)),
    )


if __name__ == "__main__":
    print("compiled" if rb.compiled else "pure")
    for commands in (1, 16):
        shown = [
            f"{name} {value:.2f}" if isinstance(value, float) else f"{name} {value}"
            for name, value in measure(call(commands))._asdict().items()
        ]
        print(f"a call with {commands}: {', '.join(shown)}")
