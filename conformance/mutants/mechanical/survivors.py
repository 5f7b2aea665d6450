"""`survivors.toml`: the mutants that survive, each with the reason."""

from __future__ import annotations

import tomllib
from collections import Counter
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from conformance.mutants.mechanical.generate import Key

FILE: Final = Path(__file__).with_name("survivors.toml")


class BadSurvivors(ValueError):  # noqa: N818 (the file is bad, the program is not)
    """A file of explanations that cannot be read."""


class Survivor(BaseModel):
    """Why a line may be changed in some ways, each an operator and the line that it makes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    module: str
    function: str
    before: str
    changes: list[tuple[str, str]] = Field(min_length=1)
    reason: str = Field(min_length=1)

    @property
    def keys(self) -> list[Key]:
        return [
            Key(self.module, self.function, operator, self.before, after)
            for operator, after in self.changes
        ]


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    survivor: list[Survivor] = []


def explanations(path: Path) -> dict[Key, str]:
    """The reason for each.  One that stands twice in a function is explained by one entry."""
    try:
        found = _File.model_validate(tomllib.loads(path.read_text(encoding="utf-8"))).survivor
    except (OSError, ValueError, ValidationError) as error:
        raise BadSurvivors(f"{path}: cannot be read: {str(error).splitlines()[0]}") from None
    times = Counter(key for one in found for key in one.keys)
    twice = [key for key, count in times.items() if count > 1]
    if twice:
        raise BadSurvivors(f"{path}: explained twice: {twice[0]}")
    return {key: one.reason for one in found for key in one.keys}
