"""Recordings with one line that is not as it was recorded: spelt otherwise, damaged, or untrue."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

TRACES = Path(__file__).resolve().parents[2] / "traces"
GOLDEN = sorted(TRACES.glob("golden/*.jsonl.gz"))
VIOLATIONS = sorted(TRACES.glob("violations/*.jsonl"))

NUMBERS = [0, 1, 2, 7, -1, 2**53, 2**62 - 1, 2**62, 2**63, 2**64 - 1, 2**64, 1.0, 1e300, True, None]
TIMES = [0, 1, 12, 1.5, 1e16, 1e-7, -1.5, 10**15, 10**30, None, "1.5", True]


def lines_of(path: Path) -> list[bytes]:
    data = path.read_bytes()
    return (gzip.decompress(data) if path.suffix == ".gz" else data).splitlines()


def mutants(
    seed: int, count: int, length: int, of: list[list[bytes]] | None = None
) -> Iterator[list[bytes]]:
    """So many, of recordings that are cut after so many lines.  `of`: None for golden ones."""
    random = Random(seed)
    recordings = [lines[:length] for lines in of or map(lines_of, GOLDEN)]
    for _ in range(count):
        lines = list(random.choice(recordings))
        at = random.randrange(1, len(lines))
        lines[at : at + 1] = _mutated(random, lines[at])
        yield lines


def _mutated(random: Random, line: bytes) -> list[bytes]:
    kind = random.randrange(10)
    place = random.randrange(len(line))
    if kind == 0:
        return [line[:place] + line[place + 1 :]]
    if kind == 1:
        return [
            line[:place] + bytes([random.choice(b'0123456789,:{}[]" etrufalsn\xff')]) + line[place:]
        ]
    if kind == 2:
        return [line[:place] + bytes([random.choice(b"0123456789-+.eE ")]) + line[place + 1 :]]
    if kind == 3:
        return [line, line] if random.random() < 0.5 else []
    plain: Any = json.loads(line)
    if kind == 4:  # other spacing
        return [json.dumps(plain).encode()]
    if kind == 5:
        timed = {key: plain[key] for key in ("node", "seq")}
        timed |= {"time": random.choice(TIMES)} | plain
        return [_text(timed)]
    holder, key = random.choice(list(_places(plain)))
    if kind == 6:
        holder[key] = random.choice(NUMBERS)
    elif kind == 7 and isinstance(holder[key], int):
        holder[key] += random.choice([-1, 1])
    elif kind == 8 and isinstance(holder, dict):
        if random.random() < 0.5:
            del holder[key]
        else:
            holder[random.choice(["other", "leader", "confirmed", "accepted"])] = True
    elif kind == 9:  # another order
        name = "state" if "state" in plain else "changed"
        plain[name] = dict(reversed(plain[name].items()))
    return [_text(plain)]


def _places(plain: Any) -> Iterator[tuple[Any, Any]]:
    """All that is in a JSON value: what holds it, and where."""
    items = plain.items() if isinstance(plain, dict) else enumerate(plain)
    for key, value in items:
        yield plain, key
        if isinstance(value, (dict, list)):
            yield from _places(value)


def _text(plain: Any) -> bytes:
    return json.dumps(plain, separators=(",", ":")).encode()
