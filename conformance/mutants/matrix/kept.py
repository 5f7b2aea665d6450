"""Trials that have ended, in a file: all of them together take an hour or more, and may be cut off.

A trial holds of the sources it was made of.  So the file begins with their hash, and one of other
sources, or of another budget, is begun anew.

Each line has a checksum: a trial that was damaged or edited is no trial.  It is no signature: who
writes a line anew, checksum and all, is believed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Final, TypeAlias

from pydantic import BaseModel, ConfigDict, ValidationError

from conformance.mutants.matrix.trial import Budget, Trial
from raftbare.certified import digests

CHECKOUT: Final = Path(__file__).parents[3]
FILE: Final = CHECKOUT / ".mutants_cache" / "trials.jsonl"
SOURCES: Final = ("spec", "raftbare", "conformance")

BEGINS: Final = "kept trials"
"""What the file's first line begins with; its value is the version of this format."""
VERSION: Final = 2

Key: TypeAlias = tuple[str, str]
"""A mutant and a method."""


def sources(checkout: Path = CHECKOUT) -> str:
    """A hash of all that trials are made of, mutants and methods included."""
    found = [digests(checkout / package) for package in SOURCES]
    return hashlib.sha256(json.dumps(found).encode()).hexdigest()


class _Line(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    sum: str
    trial: Trial

    @classmethod
    def of(cls, trial: Trial) -> _Line:
        text = json.dumps(asdict(trial))
        return cls(sum=hashlib.sha256(text.encode()).hexdigest(), trial=trial)


class BadKept(Exception):  # noqa: N818 (the file is bad, the program is not)
    """Trials cannot be kept in a file."""


class Kept:
    """The trials of a file, and those added to it: one line each, written as each ends.

    Lines that cannot be read, such as the last one of a process that was ended, are no trials:
    `set_aside` has how many.
    """

    def __init__(
        self,
        path: Path,
        budget: Budget,
        digest: Callable[[], str] = sources,
    ) -> None:
        """Raises `BadKept` where the file cannot be read or written, or is of another kind."""
        self.path = path
        self.trials: dict[Key, Trial] = {}
        self.set_aside = 0
        header = json.dumps({BEGINS: VERSION, "sources": digest(), "budget": repr(budget)})
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
            if lines and not lines[0].startswith(f'{{"{BEGINS}": '):
                raise BadKept(f"{path}: expected a file of kept trials, or none")
            if lines[:1] != [header]:
                path.write_text(f"{header}\n", encoding="utf-8")
                return
        except (OSError, ValueError) as error:
            raise BadKept(f"{path}: trials cannot be kept there: {error}") from error
        for text in filter(None, lines[1:]):
            try:
                line = _Line.model_validate_json(text)
            except ValidationError:
                self.set_aside += 1
                continue
            if line == _Line.of(line.trial):
                self.trials[line.trial.mutant, line.trial.method] = line.trial
            else:
                self.set_aside += 1

    def add(self, trial: Trial) -> None:
        """One that was stopped is not kept: it may come to an end the next time."""
        if trial.stopped is not None:
            return
        self.trials[trial.mutant, trial.method] = trial
        with self.path.open("a", encoding="utf-8") as file:
            file.write(f"\n{_Line.of(trial).model_dump_json()}\n")
