"""A campaign as a page: one file of HTML without scripts, that loads nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from conformance.campaign.features import is_situation
from conformance.campaign.run import Growth, Report
from conformance.observe.templates import templates
from conformance.simulation.coverage import LEAST

WIDTH: Final = 640
HEIGHT: Final = 160
"""Pixels of the picture."""

RAREST: Final = 40
"""So many transitions are listed, those that fewest cases came by."""


class Line(NamedTuple):
    """How one count grew, as points of a polyline."""

    name: str
    points: str
    last: int


def page(report: Report, traces: Sequence[Path | None]) -> str:
    """The page as text; all that is told is escaped.  `traces`: of each finding, beside it."""
    rarest = sorted((n, name) for name, n in report.seen.items() if not is_situation(name))
    return (
        templates(Path(__file__).parent)
        .get_template("page.html.jinja")
        .render(
            report=report,
            findings=list(zip(report.findings, map(_link, traces), strict=True)),
            situations=sorted((report.seen[name], name) for name in LEAST),
            rarest=rarest[:RAREST],
            lines=[_line("situations", report.growth), _line("transitions", report.growth)],
            width=WIDTH,
            height=HEIGHT,
        )
    )


def _line(name: str, growth: Sequence[Growth]) -> Line:
    counts = [(now.tasks, int(getattr(now, name))) for now in growth]
    tasks, most = counts[-1][0] or 1, max(count for _, count in counts) or 1
    points = " ".join(
        f"{at * WIDTH // tasks},{HEIGHT - count * HEIGHT // most}" for at, count in counts
    )
    return Line(name, f"0,{HEIGHT} {points}", counts[-1][1])


def _link(trace: Path | None) -> str | None:
    """To the trace's own page, if there is one."""
    if trace is None:
        return None
    shown = trace.with_suffix(".html")
    return (shown if shown.exists() else trace).name
