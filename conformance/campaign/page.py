"""A campaign as a page: one file of HTML without scripts, that loads nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import jinja2

from conformance.campaign.features import is_situation
from conformance.campaign.run import Growth, Report
from conformance.observe.write import write_whole
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


def write_page(report: Report, traces: Sequence[Path | None], path: Path) -> None:
    """Write the page, all or not at all.  `traces`: of each finding.  Raises `OSError`."""
    write_whole(path, [page(report, [_beside(trace, path) for trace in traces])])


def page(report: Report, traces: Sequence[str | None]) -> str:
    """The page as text.  `traces`: links to them, or None.  All that is told is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    rarest = sorted((n, name) for name, n in report.seen.items() if not is_situation(name))
    return environment.get_template("page.html.jinja").render(
        report=report,
        findings=list(zip(report.findings, traces, strict=True)),
        situations=sorted((report.seen[name], name) for name in LEAST),
        rarest=rarest[:RAREST],
        lines=[_line("situations", report.growth), _line("transitions", report.growth)],
        width=WIDTH,
        height=HEIGHT,
    )


def _line(name: str, growth: Sequence[Growth]) -> Line:
    counts = [(now.tasks, int(getattr(now, name))) for now in growth]
    tasks, most = counts[-1][0] or 1, max(count for _, count in counts) or 1
    points = " ".join(
        f"{at * WIDTH // tasks},{HEIGHT - count * HEIGHT // most}" for at, count in counts
    )
    return Line(name, f"0,{HEIGHT} {points}", counts[-1][1])


def _beside(trace: Path | None, page: Path) -> str | None:
    """A link from the page: to the trace's own page, if there is one."""
    if trace is None:
        return None
    shown = trace.with_suffix(".html")
    return (shown if shown.exists() else trace).name
