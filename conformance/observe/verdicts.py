"""The verdicts of all checks, and the exit code of each."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

Verdict: TypeAlias = Literal["conforms", "violation", "bad_input", "inconclusive"]

EXIT_CODES: Final[dict[str, int]] = {
    "conforms": 0,
    "violation": 1,
    "bad_input": 2,
    "inconclusive": 3,
}
