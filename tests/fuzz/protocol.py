"""The subject protocol: lines that are damaged, on either side."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from random import Random
from typing import Any, Final

from pydantic import ValidationError

from conformance.trace.model import Answer, Request
from tests.cli.helpers import ROOT
from tests.fuzz.damage import changed, content, in_json
from tests.fuzz.oracle import World, command

CHECKPOINT: Final = {"kind": "checkpoint"}


def records(random: Random) -> list[dict[str, Any]]:
    """Of a trace, those of which a subject may be asked."""
    while True:
        told = [json.loads(line) for line in content(random).splitlines()[1:]]
        found = [one for one in told if one.get("event", CHECKPOINT)["kind"] != "checkpoint"]
        if found:
            return found


def lines(random: Random) -> bytes:
    """One of a request or of an answer, damaged."""
    record = random.choice(records(random))
    request = {"node": record["node"], "event": record["event"]}
    answer = {key: record[key] for key in ("outcome", "actions", "state") if key in record}
    made = json.dumps(random.choice([request, answer])).encode()
    return changed(random, in_json(random, made))


def protocol(random: Random, _: Path) -> list[str]:
    """A line is taken or refused, and nothing else happens."""
    line = lines(random)
    for model in (Request, Answer):
        try:
            model.model_validate_json(line)
        except ValidationError:
            continue
    return []


def requests(random: Random, folder: Path) -> list[str]:
    """`conformance subject` with damaged requests on its standard input."""
    offer = b'{"format":"raftbare-subject","versions":[1]}\n'
    given = [{"node": one["node"], "event": one["event"]} for one in records(random)]
    data = b"".join(json.dumps(one).encode() + b"\n" for one in given[:50])
    if random.random() < 0.8:
        data = changed(random, data)
    if random.random() < 0.1:
        offer = changed(random, offer)
    which = random.choice(["raftbare", "spec"])
    closed = random.choice([(), (), (), (0,), (1,), (2,)])
    world = World(given=offer + data, closed=closed)
    return command(folder, "subject", which, world=world).wrong()


def answers(random: Random, folder: Path) -> list[str]:
    """`conformance check` of a subject whose answers are damaged on their way."""
    program = [sys.executable, str(ROOT / "tests/fuzz/liar.py"), str(random.randrange(2**32))]
    arguments = ("check", "--events", 300, "--answer-seconds", 5, "--no-page", "--out", "findings")
    level = random.choice(["exact", "safety"])
    flags = random.choice([(), ("--json",)])
    ended = command(
        folder, *arguments, "--level", level, "--subject", shlex.join(program), *flags,
        may_change=("findings",),
    )  # fmt: skip
    return ended.wrong()
