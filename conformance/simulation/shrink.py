"""Make the schedule of a finding as short as it gets, by delta debugging (Zeller, 2002)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import combinations

from conformance.observe.finding import Finding, name_of
from conformance.simulation.choices import Choice, take_all
from conformance.simulation.run import Run

Cut = tuple[int, ...]
"""The places of the steps to leave out."""


def shrink(
    choices: list[Choice],
    finding: Finding,
    fresh: Callable[[], Run],
    seconds: float,
) -> tuple[list[Choice], Finding]:
    """A short schedule in which the same thing is wrong.

    `fresh` makes the run as it was at the beginning.  Ever smaller parts of the
    schedule are left out as long as the finding stays, down to single steps and pairs of them:
    terms depend on one another, so that two elections may go together where neither may alone.
    In the result no step and no pair is superfluous, unless `seconds` of CPU time were over before:
    so it is the same on a busy machine.
    """
    deadline = time.process_time() + seconds
    wanted = name_of(finding)
    shorter = True
    while shorter:
        shorter = False
        cuts = _cuts(len(choices))
        while time.process_time() < deadline and (cut := next(cuts, None)) is not None:
            left_out = set(cut)
            fewer = [choice for place, choice in enumerate(choices) if place not in left_out]
            found, taken = take_all(fresh(), fewer)
            if found is not None and name_of(found) == wanted and len(taken) < len(choices):
                choices, finding, shorter = taken, found, True
                cuts = _cuts(len(choices), len(cut))
    return choices, finding


def _cuts(length: int, largest: int | None = None) -> Iterator[Cut]:
    """Halves, quarters and so on down to single steps, each from the end; then all pairs."""
    part = largest or max(1, length // 2)
    while part:
        for start in range(length - part, -part, -part):
            yield tuple(range(max(start, 0), start + part))
        part //= 2
    yield from combinations(range(length), 2)
