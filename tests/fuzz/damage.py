"""Files that are nearly what they should be."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any, Final

import zstandard

from tests.cli.helpers import ROOT

HOSTILE: Final = "\x1b[31m[red]\u202e"
NAMES: Final = sorted((ROOT / "traces").glob("*/*.jsonl*"))
VALUES: Final[tuple[Any, ...]] = (
    None, True, -1, 0, 1, 2**63, 2**64, 10**40, 1.5, "", "command", HOSTILE, [], {},
    [[]], [{"commands": 2**24}] * 3, {"term": 1, "index": 1},
)  # fmt: skip


def content(random: Random) -> bytes:
    """A trace of the collection that is not long."""
    path = random.choice([path for path in NAMES if path.stat().st_size < 60_000])
    data = path.read_bytes()
    return gzip.decompress(data) if path.suffix == ".gz" else data


def compressed(random: Random, data: bytes, folder: Path, cut: bool = False) -> Path:
    """In a file, of one or of several members; `cut` somewhere."""
    kind = random.choice(["", ".gz", ".zst"])
    compress: Callable[[bytes], bytes]
    compress = gzip.compress if kind == ".gz" else zstandard.compress if kind == ".zst" else bytes
    at = random.randrange(len(data) + 1)
    packed = compress(data[:at]) + compress(data[at:])
    if cut:
        packed = packed[: random.randrange(len(packed))]
    path = folder / f"trace.jsonl{random.choice([kind, ''])}"
    path.write_bytes(packed)
    return path


def changed(random: Random, data: bytes) -> bytes:
    """Bytes, lines, or a value of a line are not what they were."""
    if not data:
        return b"\n"
    how = random.randrange(4)
    if how == 0:
        bytes_ = bytearray(data)
        for _ in range(random.choice([1, 1, 3, 30])):
            bytes_[random.randrange(len(bytes_))] = random.randrange(256)
        return bytes(bytes_)
    lines = data.splitlines(keepends=True)
    one, other = random.randrange(len(lines)), random.randrange(len(lines))
    if how == 1:
        lines[one], lines[other] = lines[other], lines[one]
    elif how == 2:
        lines[one : one + random.randrange(3)] = [lines[other]] * random.randrange(3)
    else:
        lines[one] = in_json(random, lines[one])
    return b"".join(lines)


def in_json(random: Random, line: bytes) -> bytes:
    """One value of it is another one, or of another name."""
    try:
        value = json.loads(line)
    except ValueError:  # it was changed before
        return line
    places = list(_places(value))
    if not places:
        return json.dumps(random.choice(VALUES)).encode() + b"\n"
    place, at = random.choice(places)
    if isinstance(place, dict) and random.random() < 0.2:
        place[random.choice(["x", "term", "[/]"])] = place.pop(at)
    else:
        place[at] = random.choice(VALUES)
    return json.dumps(value).encode() + b"\n"


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Each object and list in it, with each key."""
    if isinstance(value, (dict, list)):
        for at in list(value) if isinstance(value, dict) else range(len(value)):
            yield value, at
            yield from _places(value[at])
