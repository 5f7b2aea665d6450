"""What is done at random, by kind: each takes a source of randomness and a folder of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Final, TypeAlias

from tests.fuzz import kept, library, machine, odd, protocol, recordings

Kind: TypeAlias = Callable[[Random, Path], list[str]]
"""A trial; what is wrong."""

KINDS: Final[dict[str, Kind]] = {
    "trace": recordings.trace,
    "cut": recordings.cut,
    "show": recordings.show,
    "foreign": recordings.foreign,
    "history": recordings.history,
    "checkpoint": kept.checkpoint,
    "cache": kept.cache,
    "certificate": kept.certificate,
    "expected": kept.expected,
    "progress": kept.progress,
    "trials": kept.trials,
    "protocol": protocol.protocol,
    "requests": protocol.requests,
    "answers": protocol.answers,
    "library": library.calls,
    "odd": odd.lines,
    "stopped": machine.stopped,
    "starved": machine.starved,
    "full": machine.full,
}
SHARES: Final = {
    "trace": 40, "cut": 20, "show": 20, "foreign": 20, "history": 20, "cache": 40,
    "certificate": 10, "expected": 4, "protocol": 60, "requests": 10, "odd": 30, "stopped": 6,
    "starved": 6, "full": 10,
}  # fmt: skip
"""Of so many trials; the rest of the kinds have one."""
