"""What runs leave for later ones, damaged: told, and never believed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from random import Random
from typing import Final

from conformance.prove.runner.cache import Cache
from conformance.prove.runner.obligation import Obligation, Result
from conformance.prove.runner.sources import Sources
from conformance.release.certificate import NoCertificateError, sources, stale
from tests.cli.helpers import ROOT
from tests.fuzz.damage import changed, in_json
from tests.fuzz.oracle import World, command
from tests.prove.runner import sample

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


class AnySources(Sources):
    """A digest that is the same for all functions."""

    def __init__(self) -> None:
        pass

    def digest(self, _: object) -> str | None:
        return "0"


def cache(random: Random, folder: Path) -> list[str]:
    """What is believed is what was written, and what is not is told."""
    path, one = folder / "results.json", Obligation("a/b", {"log": 3}, sample.raises)
    result = Result("proved", 4, 3, 2, 1.5, "well")
    kept = Cache(path, AnySources())
    kept.put("quick", one, result, ("spec.rules:step",))
    kept.save()
    data = path.read_bytes()
    path.write_bytes(random.choice([changed, in_json])(random, data))
    warned: list[str] = []
    got = Cache(path, AnySources(), warned.append).get("quick", one)
    if got not in (None, result):
        return [f"believed {got}"]
    if (got is None) is not bool(warned):
        return [f"{got}, warned: {warned}"]
    return []


def certificate(random: Random, folder: Path) -> list[str]:
    """A hash that is another one is an edited file."""
    path = folder / "certificate.json"
    data = (ROOT / "raftbare/certificate.json").read_bytes()
    if random.random() < 0.5:
        data = json.dumps(json.loads(data)).encode()
    path.write_bytes(random.choice([changed, in_json])(random, data))
    try:
        told = stale(path)
    except NoCertificateError:
        return []
    said = json.loads(path.read_text(encoding="utf-8"))["sources"]
    edited = sorted(name for name, digest in sources().items() if said.get(name) != digest)
    return [] if set(edited) <= set(told) else [f"{edited} were edited, told {told}"]


VERIFY: Final = ("verify", "--no-explore", "--no-prove", "--no-measure", "--events", 1)


def expected(random: Random, folder: Path) -> list[str]:
    """Of a small collection: what it has to say is another thing, or cannot be read."""
    for part, name in (("golden", "quiet-3n.jsonl.gz"), ("violations", "")):
        (folder / part).mkdir()
        said = {}
        if name:
            shutil.copy(ROOT / "traces" / part / name, folder / part)
            said[name] = json.loads((ROOT / "traces" / part / "expected.json").read_bytes())[name]
        data = json.dumps(said).encode()
        if name:
            data = random.choice([changed, in_json])(random, data)
        (folder / part / "expected.json").write_bytes(data)
    return command(folder, *VERIFY, "--workers", 1, "--traces", ".").wrong(frozenset({0, 1, 2}))


def progress(random: Random, folder: Path) -> list[str]:
    """How far an audit was that follows a folder."""
    (folder / "in").mkdir()
    shutil.copy(ROOT / "traces/golden/quiet-3n.jsonl.gz", folder / "in")
    follow = ("audit", "--follow", "in", "--state", "state", "--every", 0.01)
    world = World(stop_after=0.4)
    first = command(folder, *follow, world=world, may_change=("state",))
    found = first.wrong(frozenset({0, 3, 130}))
    path = folder / "state"
    if path.exists():
        path.write_bytes(random.choice([changed, in_json])(random, path.read_bytes()))
    again = command(folder, *follow, world=world, may_change=("state",))
    return found + again.wrong(frozenset({0, 2, 3, 130}))


TRIED: Final = ("mutants", "--only", "earlier-term-commit", "--method", "schedules")


def trials(random: Random, folder: Path) -> list[str]:
    """A file of trials of mutants."""
    (folder / "kept").write_bytes(changed(random, b'{"kept trials": 1, "sources": ""}\n{}\n'))
    world = World(stop_after=1.0)
    ended = command(
        folder, *TRIED, "--workers", 1, "--kept", "kept", world=world, may_change=("kept",)
    )
    return ended.wrong()
