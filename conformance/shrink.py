"""Make the schedule of a finding as short as it gets, by delta debugging (Zeller, 2002)."""

from __future__ import annotations

import time
from collections.abc import Callable

from conformance.lockstep import Choice, Finding, Lockstep, name_of, run


def shrink(
    choices: list[Choice],
    finding: Finding,
    fresh: Callable[[], Lockstep],
    seconds: float,
) -> tuple[list[Choice], Finding]:
    """The shortest schedule found in which the same thing is wrong.

    `fresh` makes a cluster and a subject as they were at the beginning.  Ever smaller parts of the
    schedule are left out, as long as the finding stays; when nothing single can be left out, the
    schedule is minimal in that sense.  After `seconds` the best so far is returned.
    """
    deadline = time.monotonic() + seconds
    wanted = name_of(finding)
    part = max(1, len(choices) // 2)
    while part >= 1 and time.monotonic() < deadline:
        before = len(choices)
        start = len(choices) - part
        while start > -part and time.monotonic() < deadline:
            fewer = choices[: max(start, 0)] + choices[start + part :]
            found, taken = run(fresh(), fewer)
            if found is not None and name_of(found) == wanted:
                choices, finding = taken, found
                start = min(start, len(choices))
            start -= part
        if part == 1 and len(choices) == before:
            break
        part = max(1, part // 2)
    return choices, finding
