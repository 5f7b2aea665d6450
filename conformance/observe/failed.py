"""What a program raises that has failed itself, which is no finding about anything."""

from __future__ import annotations

import os.path
from typing import Final

PROGRAM_FAILED: Final[tuple[type[Exception], ...]] = (MemoryError, RecursionError, OSError)
"""What tells of this program and its machine, whoever raises it, and is never a finding.

A node does no I/O, and its memory and its depth of calls grow with nothing but what it is handed.
Of recursion that is a choice: a node that calls itself without end raises the same.  So the line
that raised it is told; and what was not judged never conforms.
"""


def told(error: BaseException) -> str:
    """An exception in one line, with the line of the source that raised it."""
    said = f"{type(error).__name__}: {error}".removesuffix(": ").splitlines()[0]
    at = error.__traceback__
    if at is None:
        return said
    while at.tb_next is not None:
        at = at.tb_next
    return f"{said} ({os.path.basename(at.tb_frame.f_code.co_filename)}:{at.tb_lineno})"
