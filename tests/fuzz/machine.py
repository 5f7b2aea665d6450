"""The machine fails: signals, little memory, a full disk, few open files."""

from __future__ import annotations

import json
import shlex
import shutil
import signal
import sys
from functools import cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

from tests.cli.helpers import ROOT
from tests.fuzz.oracle import Ended, World, command
from tests.fuzz.recordings import FORMS, HEADER, LOOKS
from tests.importers.stories import STORIES

GOLDEN: Final = ROOT / "traces/golden/crashes-3n.jsonl.gz"
SMALL: Final = ROOT / "traces/golden/quiet-3n.jsonl.gz"
BROKEN: Final = sorted((ROOT / "traces/violations").glob("*.jsonl"))[0]
SUBJECT: Final = f"{shlex.quote(sys.executable)} -m conformance.cli.app subject raftbare"
WRONG: Final = f"{SUBJECT} --mutant index-only-vote --mutant term-only-vote"


def inputs(folder: Path) -> None:
    """What the commands below read."""
    shutil.copy(BROKEN, folder / "broken.jsonl")
    shutil.copy(SMALL, folder / "small.jsonl.gz")
    (folder / "traces").symlink_to(ROOT / "traces")
    (folder / "in").mkdir()
    shutil.copy(SMALL, folder / "in")
    story = [json.dumps(line) + "\n" for line in STORIES["etcd"]()]
    (folder / "etcd.ndjson").write_text("".join(story), encoding="utf-8")
    write, wrote, read = (
        {"type": "invoke", "process": 0, "f": "write", "value": 1},
        {"type": "ok", "process": 0},
        {"type": "invoke", "process": 1, "f": "read"},
    )
    events = [HEADER, write, wrote, read, {"type": "ok", "process": 1, "value": 7}]
    history = [json.dumps(line) + "\n" for line in events]
    (folder / "history").write_text("".join(history), encoding="utf-8")


class Writing(NamedTuple):
    """A command and the file that it writes.  `same`: always with the same content."""

    arguments: tuple[object, ...]
    output: str
    codes: frozenset[int] = frozenset({0, 2, 3})
    same: bool = True
    stop_after: float | None = None


FINDS: Final = frozenset({1, 2, 3})
"""A violation that cannot be written is a violation still."""
EXPLORED: Final = ("explore", "--nodes", 2, "--terms", 1, "--log", 2, "--workers", 1)
WRITERS: Final[tuple[Writing, ...]] = (
    *(Writing(("show", "--as", form, "small.jsonl.gz", "-o", "out"), "out") for form in FORMS),
    *(
        Writing(("convert", "etcd.ndjson", "-o", f"out.jsonl{suffix}"), f"out.jsonl{suffix}")
        for suffix in ("", ".gz", ".zst")
    ),
    Writing(("audit", "broken.jsonl", "--out", "."), "broken.html", FINDS),
    Writing(("linearize", "history", "--out", "."), "history.html", FINDS),
    Writing(("measure", "--only", "merged", "--plot", "plot.svg"), "plot.svg"),
    Writing((*EXPLORED, "--checkpoint", "kept"), "kept", same=False),
    Writing(
        ("audit", "--follow", "in", "--state", "state", "--every", 0.01),
        "state", frozenset({0, 2, 3, 130}), same=False, stop_after=0.4,
    ),
)  # fmt: skip


JOURNALS: Final = ("-wal", "-shm")
"""What sqlite3 leaves beside a file where a disk is full, and takes away when it goes on."""


@cache
def written(arguments: tuple[object, ...], output: str) -> bytes:
    """What a command writes where there is room."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        inputs(folder)
        ended = command(folder, *arguments, may_change=(output,))
        assert ended.code in (0, 1), ended
        return (folder / output).read_bytes()


def full(random: Random, folder: Path) -> list[str]:
    """A disk on which there is room for so many bytes: a file is whole, or as it was before."""
    inputs(folder)
    one = random.choice(WRITERS)
    before = b"before" if one.same and random.random() < 0.5 else None
    if before is not None:
        (folder / one.output).write_bytes(before)
    size = int(10 ** random.uniform(2.5, 5))
    ended = command(
        folder, *one.arguments, world=World(file_size=size, stop_after=one.stop_after),
        may_change=(one.output, *(one.output + end for end in JOURNALS)),
    )  # fmt: skip
    return _told(ended, one) + _whole(folder, one, before)


def _told(ended: Ended, one: Writing) -> list[str]:
    return [f"{' '.join(map(str, one.arguments))}: {wrong}" for wrong in ended.wrong(one.codes)]


def _whole(folder: Path, one: Writing, before: bytes | None) -> list[str]:
    path = folder / one.output
    if not path.exists():
        return [] if before is None else [f"{one.output} was removed"]
    if one.same:
        allowed = (before, written(one.arguments, one.output))
        return [] if path.read_bytes() in allowed else [f"{one.output} is half-written"]
    again = command(
        folder,
        *one.arguments,
        world=World(stop_after=one.stop_after),
        may_change=(one.output, *(one.output + end for end in JOURNALS)),
    )
    found = again.wrong(frozenset({0, 130}))
    found += [
        f"{one.output}{end} stays" for end in JOURNALS if (folder / (one.output + end)).exists()
    ]
    return [f"gone on from it: {wrong}" for wrong in found]


def starved(random: Random, folder: Path) -> list[str]:
    """Little memory, or few files: the healthy are not condemned, the broken not acquitted."""
    inputs(folder)
    reads = [(*look, GOLDEN) for look in LOOKS] + [("check", "--events", 2000, "--workers", 1)]
    one = random.choice([*WRITERS, *(Writing(arguments, "", same=False) for arguments in reads)])
    used = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * 4096
    world = World(memory=used + random.randrange(1 << 18, 1 << 25), stop_after=one.stop_after)
    if random.random() < 0.2:
        world = World(files=random.randrange(4, 16), stop_after=one.stop_after)
    ended = command(folder, *one.arguments, world=world, may_change=(one.output,))
    return _told(ended, one) + (_whole(folder, one, None) if one.output else [])


STOPPED: Final[tuple[tuple[object, ...], ...]] = (
    ("check", "--events", 10**6, "--workers", 1),
    ("check", "--live", "--events", 10**6, "--workers", 2),
    ("check", "--subject", SUBJECT, "--events", 10**6),
    ("campaign", "--tasks", 1000, "--workers", 2),
    ("explore", "--preset", "quick", "--workers", 2),
    ("measure",),
    ("prove", "--no-cache", "--workers", 2),
    ("mutants", "--workers", 2),
    ("mutate", "--workers", 2),
    ("certify",),
    ("verify", "--workers", 2, "--traces", ROOT / "traces"),
    ("audit", "--no-page", GOLDEN),
    ("audit", "--no-page", "--workers", 2, "in"),
    ("replay", GOLDEN),
    *(one.arguments for one in WRITERS),
)
ENDED: Final = frozenset({0, 130})


def stopped(random: Random, folder: Path) -> list[str]:
    """A signal at any moment: nothing is left but what was written whole."""
    inputs(folder)
    arguments = random.choice(STOPPED)
    writes = next((one for one in WRITERS if one.arguments == arguments), None)
    signals = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
    world = World(stop_after=random.uniform(0.001, 1.5), stop_with=random.choice(signals))
    output = "" if writes is None else writes.output
    ended = command(folder, *arguments, world=world, may_change=(output,))
    codes = ENDED if writes is None else ENDED | writes.codes - {2, 3}
    found = [f"{' '.join(map(str, arguments))}: {wrong}" for wrong in ended.wrong(codes)]
    return found + ([] if writes is None else _whole(folder, writes, None))
