"""What is wrong with a history, in one line."""

from __future__ import annotations

from conformance.observe.bad_file import BadFile
from conformance.observe.bad_file import shown as shown_whole


class BadLine(Exception):  # noqa: N818 (the line is bad, the program is not)
    """A line that is no event, or none that can follow those before it."""

    def __init__(self, problem: str, expected: str) -> None:
        super().__init__(problem, expected)
        self.problem = problem
        self.expected = expected


class BadHistory(BadFile):
    """A history cannot be read, or not from this line on."""


def shown(value: object) -> str:
    """A value in brief: of an object or a list only that it is one."""
    if isinstance(value, (dict, list)):
        return "an object" if isinstance(value, dict) else "a list"
    return shown_whole(value)
