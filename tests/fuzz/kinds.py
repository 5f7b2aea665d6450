"""What is done at random, by kind: each takes a source of randomness and a folder of its own."""

from __future__ import annotations

import gzip
import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any, Final, TypeAlias

import zstandard
from pydantic import ValidationError

from conformance.prove.runner.cache import Cache
from conformance.prove.runner.sources import Sources
from conformance.release.certificate import NoCertificateError, stale
from conformance.release.collection import BadCollection, expectations
from conformance.trace.model import Answer, Request
from tests.cli.helpers import ROOT
from tests.fuzz.oracle import command

Kind: TypeAlias = Callable[[Random, Path], list[str]]
"""A trial; what is wrong."""

NAMES: Final = sorted((ROOT / "traces").glob("*/*.jsonl*"))
VALUES: Final[tuple[Any, ...]] = (
    None, True, -1, 0, 1, 2**63, 2**64, 10**40, 1.5, "", "command", "\x1b[31m[red]", [], {},
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


LOOKS: Final = (
    ("audit", "--no-page", "--level", "exact"),
    ("audit", "--no-page", "--level", "safety"),
    ("replay",),
)


def trace(random: Random, folder: Path) -> list[str]:
    data = content(random)
    for _ in range(random.choice([1, 1, 2, 5])):
        data = changed(random, data)
    path = compressed(random, data, folder, cut=random.random() < 0.2)
    flags = random.choice([(), ("--json",)])
    return command(folder, *random.choice(LOOKS), path.name, *flags).wrong()


def cut(random: Random, folder: Path) -> list[str]:
    """What ends early condemns nobody: never code 1."""
    healthy = [
        path for path in NAMES if path.parent.name == "golden" and path.stat().st_size < 60_000
    ]
    data = gzip.decompress(random.choice(healthy).read_bytes())
    path = compressed(random, data, folder, cut=True)
    return command(folder, *random.choice(LOOKS), path.name).wrong(frozenset({0, 2, 3}))


EXPLORED: Final = ("explore", "--nodes", 2, "--terms", 1, "--log", 2, "--workers", 1)


def checkpoint(random: Random, folder: Path) -> list[str]:
    """One that is damaged is told, or it is none: what is explored conforms."""
    kept = folder / "kept"
    first = command(folder, *EXPLORED, "--checkpoint", kept.name, may_change=("kept",))
    if first.code != 0:
        return [f"a checkpoint was not made: {first}"]
    data = bytearray(kept.read_bytes())
    for _ in range(random.choice([1, 3, 100])):
        data[random.randrange(len(data))] = random.randrange(256)
    kept.write_bytes(data[: random.choice([len(data), random.randrange(len(data))])])
    again = command(folder, *EXPLORED, "--checkpoint", kept.name, may_change=("kept",))
    return again.wrong(frozenset({0, 2}))


def kept_files(random: Random, folder: Path) -> list[str]:
    """A proof cache is ignored with a warning, what is expected and the certificate are refused."""
    path = folder / "expected.json"
    original = random.choice(
        [ROOT / "traces/golden/expected.json", ROOT / "raftbare/certificate.json", None]
    )
    result = {
        "result": "proved", "paths": 1, "live": 1, "queries": 1, "seconds": 0.5, "detail": "",
        "called": 0, "digest": "0" * 64,
    }  # fmt: skip
    cache = {"format": 1, "called": [["a"]], "results": {'["quick","x",{}]': result}}
    data = json.dumps(cache).encode() if original is None else original.read_bytes()
    line = json.dumps(json.loads(data)).encode()
    path.write_bytes(changed(random, in_json(random, line)))
    warned: list[str] = []
    try:
        Cache(path, Sources.__new__(Sources), warned.append)
        expectations(folder)
        stale(path)
    except (BadCollection, NoCertificateError):
        return []
    return []


def protocol(random: Random, _: Path) -> list[str]:
    lines = [line for line in content(random).splitlines()[1:] if b"checkpoint" not in line]
    told = json.loads(random.choice(lines))
    request = {"node": told["node"], "event": told["event"]}
    answer = {key: told[key] for key in ("outcome", "actions", "state") if key in told}
    is_request = random.random() < 0.5
    made = json.dumps(request if is_request else answer).encode()
    line = changed(random, in_json(random, made))
    try:
        (Request if is_request else Answer).model_validate_json(line)
    except ValidationError:
        return []
    return []


STOPPED: Final = (
    ("check", "--events", 10**6, "--workers", 1),
    ("check", "--live", "--events", 10**6, "--workers", 1),
    ("explore", "--preset", "quick", "--workers", 2),
    ("measure",),
    ("audit", "--no-page", ROOT / "traces/golden/crashes-3n.jsonl.gz"),
    ("replay", ROOT / "traces/golden/crashes-3n.jsonl.gz"),
)


def stopped(random: Random, folder: Path) -> list[str]:
    """A signal at any moment."""
    ended = command(
        folder,
        *random.choice(STOPPED),
        stop_after=random.uniform(0.001, 1.5),
        stop_with=random.choice([signal.SIGINT, signal.SIGTERM, signal.SIGHUP]),
    )
    return ended.wrong(frozenset({0, 130}))


def starved(random: Random, folder: Path) -> list[str]:
    """Little memory: the healthy are not condemned."""
    arguments = random.choice(
        [(*look, ROOT / "traces/golden/crashes-3n.jsonl.gz") for look in LOOKS]
        + [("check", "--events", 2000, "--workers", 1)]
    )
    used = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * 4096
    ended = command(folder, *arguments, memory=used + random.randrange(1 << 18, 1 << 25))
    return ended.wrong(frozenset({0, 3}))


KINDS: Final[dict[str, Kind]] = {
    "trace": trace,
    "cut": cut,
    "checkpoint": checkpoint,
    "kept": kept_files,
    "protocol": protocol,
    "stopped": stopped,
    "starved": starved,
}
SHARES: Final = {"trace": 40, "cut": 20, "checkpoint": 2, "kept": 60, "protocol": 60, "stopped": 3}
"""Of so many trials; the rest of the kinds have one."""
