"""What is wrong with a file, in one line: where, what was found, and what was expected."""

from __future__ import annotations

import json
import os
from typing import Any, Final

MAX_FOUND: Final = 60
"""How much of an offending value is shown."""


class BadFile(Exception):  # noqa: N818 (the file is bad, the program is not)
    """A file cannot be read, or not from this line on.

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


def shown(value: Any) -> str:
    """A value as JSON, shortened: a fault may be as long as the line."""
    if isinstance(value, (str, bytes)):
        value = value[: MAX_FOUND + 1]
    elif isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 256:
        return f"an integer of {value.bit_length()} bits"
    elif isinstance(value, (dict, list)) and len(value) > MAX_FOUND:
        return f"{'an object' if isinstance(value, dict) else 'a list'} of {len(value)}"
    try:
        text = json.dumps(value, separators=(",", ":"))
    except (TypeError, ValueError):
        text = repr(value)
    return text if len(text) <= MAX_FOUND else text[: MAX_FOUND - 3] + "..."
