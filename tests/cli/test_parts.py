"""What reports are made of, where there is colour and where there is none."""

from __future__ import annotations

import io
from typing import Literal

from rich.console import Console

from conformance.cli.report.parts import print_difference
from conformance.observe.finding import Difference
from conformance.observe.observed import observed
from spec.cluster import new_cluster
from spec.values import Heartbeat

SEEN = observed(new_cluster(1).members[0].node)
DIFFERENCE = Difference(0, Heartbeat(), "state", SEEN, SEEN._replace(commit_index=7))


def printed(colour: bool) -> list[str]:
    out = io.StringIO()
    system: Literal["standard"] | None = "standard" if colour else None
    console = Console(file=out, width=100, force_terminal=colour, color_system=system)
    print_difference(console, DIFFERENCE)
    return out.getvalue().splitlines()


def test_without_colour_the_rows_that_differ_are_marked() -> None:
    marked = [line for line in printed(colour=False) if "differs │" in line]
    assert len(marked) == 1
    assert "commit_index 0" in marked[0]
    assert "commit_index 7" in marked[0]


def test_with_colour_they_are_red() -> None:
    lines = printed(colour=True)
    assert not any("differs │" in line for line in lines)
    red = [line for line in lines if "\x1b[1;31m" in line]
    assert len(red) == 1
    assert "commit_index 7" in red[0]
