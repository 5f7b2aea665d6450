"""What is wrong with a history, in one line: where, what was found, and what was expected."""

from __future__ import annotations

import json
import os
from typing import Final

MAX_FOUND: Final = 60
"""How much of an offending value is shown."""


class BadLine(Exception):  # noqa: N818 (the line is bad, the program is not)
    """A line that is no event, or none that can follow those before it."""

    def __init__(self, problem: str, expected: str) -> None:
        super().__init__(problem, expected)
        self.problem = problem
        self.expected = expected


class BadHistory(Exception):  # noqa: N818 (likewise)
    """A history cannot be read, or not from this line on.

    `line` counts from 1 and is None where the file as a whole is meant.
    """

    def __init__(
        self, path: str | os.PathLike[str], line: int | None, problem: str, expected: str
    ) -> None:
        super().__init__(path, line, problem, expected)
        self.path = os.fspath(path)
        self.line = line
        self.problem = problem
        self.expected = expected

    def __str__(self) -> str:
        place = self.path if self.line is None else f"{self.path}:{self.line}"
        return f"{place}: {self.problem}; expected {self.expected}"


def shown(value: object) -> str:
    """A value as JSON, shortened: a fault may be as long as the line."""
    if isinstance(value, (dict, list)):
        return "an object" if isinstance(value, dict) else "a list"
    if isinstance(value, int) and value.bit_length() > 256:
        return f"an integer of {value.bit_length()} bits"
    if isinstance(value, str):
        value = value[: MAX_FOUND + 1]
    text = json.dumps(value)
    return text if len(text) <= MAX_FOUND else text[: MAX_FOUND - 3] + "..."
