"""The exit code of each verdict, the same for every command."""

from __future__ import annotations

from typing import Final

EXIT_CODES: Final[dict[str, int]] = {
    "conforms": 0,
    "violation": 1,
    "bad_input": 2,
    "inconclusive": 3,
}
