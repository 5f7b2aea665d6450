"""Recordings and histories that are damaged: what is judged, shown and converted."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from random import Random
from typing import Any, Final

from tests.fuzz.damage import HOSTILE, NAMES, changed, compressed, content
from tests.fuzz.oracle import Ended, command
from tests.importers.stories import STORIES

LOOKS: Final = (
    ("audit", "--no-page", "--level", "exact"),
    ("audit", "--no-page", "--level", "safety"),
    ("replay",),
)
FORMS: Final = ("text", "page", "mermaid", "itf", "shiviz")


def damaged(random: Random, data: bytes) -> bytes:
    for _ in range(random.choice([1, 1, 2, 5])):
        data = changed(random, data)
    return data


def trace(random: Random, folder: Path) -> list[str]:
    data = damaged(random, content(random))
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


def show(random: Random, folder: Path) -> list[str]:
    """Every form of a damaged trace; a file is written if that is what the code says."""
    data = content(random)
    if random.random() < 0.8:
        data = damaged(random, data)
    path = compressed(random, data, folder, cut=random.random() < 0.2)
    form = random.choice(FORMS)
    ended = command(folder, "show", "--as", form, "-o", "out", path.name, may_change=("out",))
    return ended.wrong(frozenset({0, 2, 3})) + written(folder / "out", ended, form)


def written(out: Path, ended: Ended, form: str) -> list[str]:
    if not out.exists():
        return [] if ended.code == 2 else [f"ended with {ended.code}, and nothing was written"]
    text = out.read_text(encoding="utf-8")
    found = [f"ended with {ended.code}, and wrote"] if ended.code == 2 else []
    if form == "itf":
        json.loads(text)
    if "\x1b" in text or HOSTILE[-1] in text:
        found.append(f"an order to the terminal in {form}")
    if form == "page" and "<script>alert" in text:
        found.append("a script from outside")
    return found


def recording(random: Random) -> bytes:
    """Of another implementation: a story, perhaps told twice."""
    lines: list[Any] = random.choice(list(STORIES.values()))()
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def foreign(random: Random, folder: Path) -> list[str]:
    """Judged as it is and converted alike, whatever it is; a trace is written whole or not."""
    data = recording(random)
    for _ in range(random.choice([0, 1, 1, 2])):
        data = changed(random, data)
    path = compressed(random, data, folder, cut=random.random() < 0.1)
    form = random.choice(["auto", "auto", "etcd", "ccf", "hashicorp"])
    of = ("--format", form)
    out = f"out.jsonl{random.choice(['', '.gz', '.zst'])}"
    judged = command(folder, "audit", "--no-page", *of, path.name)
    converted = command(folder, "convert", *of, path.name, "-o", out, may_change=(out,))
    found = judged.wrong() + converted.wrong(frozenset({0, 2, 3}))
    if (folder / out).exists() != (converted.code == 0):
        found.append(f"convert ended with {converted.code}, and {out} is there or not")
    elif converted.code == 0:
        again = command(folder, "audit", "--no-page", out)
        found += again.wrong()
        if again.code != judged.code:
            found.append(f"judged {judged.code} as it is, {again.code} converted: {again.out}")
    return found


def events(random: Random) -> list[dict[str, Any]]:
    """Of a register that three clients use at once: linearizable, an event a line."""
    held, lines = None, []
    waiting: dict[int, dict[str, Any]] = {}
    for number in range(random.randrange(1, 40)):
        process = random.randrange(3)
        if process in waiting:
            lines.append(waiting.pop(process))
            continue
        call: dict[str, Any] = {"type": "invoke", "process": process, "f": "read"}
        answer: dict[str, Any] = {"type": "ok", "process": process}
        if random.random() < 0.5:
            call |= {"f": "write", "value": number}
            held = number  # it takes effect at once
        else:
            answer["value"] = held
        lines.append(call)
        waiting[process] = answer
    return lines


HEADER: Final = {"format": "raftbare-history", "version": 1, "model": "register"}


def history(random: Random, folder: Path) -> list[str]:
    """What is not damaged, or only cut after a line, is linearizable."""
    lines = events(random)
    lines = lines[: random.randrange(1, len(lines) + 1)]
    codes = frozenset({0, 3})
    data = b"".join(json.dumps(line).encode() + b"\n" for line in [HEADER, *lines])
    if random.random() < 0.2:
        data = of_jepsen(lines)
    if random.random() < 0.7:
        codes = frozenset({0, 1, 2, 3})
        data = damaged(random, data)
    (folder / "history").write_bytes(data)
    page = random.choice([("--no-page",), ("--out", ".")])
    flags = random.choice([(), ("--json",)])
    ended = command(folder, "linearize", "history", *page, *flags, may_change=("history.html",))
    return ended.wrong(codes)


def of_jepsen(lines: list[dict[str, Any]]) -> bytes:
    """The same as the log of a Jepsen test, which repeats what was called, and a value written."""
    called: dict[int, dict[str, Any]] = {}
    told = ["INFO  jepsen.core - begins"]
    for line in lines:
        process = line["process"]
        call = line if line["type"] == "invoke" else called[process]
        called[process] = call
        value = line.get("value") if call["f"] == "read" else call["value"]
        shown = "nil" if value is None else value
        told.append(f"INFO  jepsen.util - {process} :{line['type']} :{call['f']} {shown}")
    return "\n".join([*told, ""]).encode()
