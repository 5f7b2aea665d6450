"""What people read of a cluster in virtual time: a table, what led to an excess, a picture."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from xml.sax.saxutils import escape as escape_xml

from rich.console import Console

from conformance.cli.report.parts import columns, print_again
from conformance.cli.text import escape
from conformance.network.figures import MEANING
from conformance.network.run import Measured, MeasureReport


def print_measured(
    console: Console, report: MeasureReport, traces: Mapping[str, Path], again: str = ""
) -> None:
    """`traces`: where runs were written that show what was wrong, by the scenario.

    `again`: options with which the same is found once more.
    """
    table = columns(
        "scenario", "figure", "found", "at most", "", "what it is", right=("found", "at most")
    )
    for measured in report.measured:
        name = measured.scenario.name
        for bound in measured.bounds:
            found = measured.figures[bound.figure]
            exceeded = found > bound.most
            table.add_row(
                name,
                bound.figure,
                f"{found:,.2f}",
                f"{bound.most:,.2f}",
                "exceeded" if exceeded else "",
                MEANING[bound.figure],
                style="bold red" if exceeded else "",
            )
            name = ""
    console.print(table)
    for name, missing in report.left_out.items():
        console.print(f"not judged: {name} (the subject lacks {missing})", soft_wrap=True)
    for measured in report.measured:
        _print_findings(console, measured, traces.get(measured.scenario.name), again)
    excesses = sum(len(measured.excesses) for measured in report.measured)
    problems = sum(len(measured.problems) for measured in report.measured)
    if report.verdict == "conforms":
        told = "all in bounds" if report.bounds else "of which the properties were judged"
        console.print(f"\n[bold green]conforms[/]: {len(report.measured)} scenarios, {told}")
    elif report.verdict == "inconclusive":
        idle = [one.scenario.name for one in report.measured if not one.committed]
        why = f"nothing was committed in {', '.join(idle)}" if idle else "no scenario is for it"
        console.print(f"\n[bold yellow]inconclusive[/]: {why}")
    else:
        console.print(
            f"\n[bold red]violation[/]: {excesses} figures beyond their bounds, "
            f"{problems} properties broken"
        )


def _print_findings(console: Console, measured: Measured, trace: Path | None, again: str) -> None:
    scenario = measured.scenario
    for problem in measured.problems:
        console.print(
            f"\n[bold red]{problem.property}[/] in {scenario.name}, node {problem.node}: "
            f"{escape(problem.detail)}",
            soft_wrap=True,
        )
    shown = False
    for excess in measured.excesses:
        where = "" if excess.at is None else f", first at {excess.at / 1000:,.0f} ms"
        console.print(
            f"\n[bold]{scenario.name}[/]: {excess.bound.figure} is {excess.found:,.2f}, at most "
            f"{excess.bound.most:,.2f} was expected{where}"
        )
        if excess.timeline and not shown:
            shown = True
            console.print(f"  {scenario.what}; what led there:")
            for line in excess.timeline:
                console.print(f"  {escape(line)}", soft_wrap=True, highlight=False)
    if measured.problems or measured.excesses:
        print_again(console, trace, f"measure --only {scenario.name} --seed {measured.seed}{again}")


ROW, LEFT, WIDE = 18, 260, 420


def draw(report: MeasureReport) -> str:
    """Every figure that has a bound as a bar, by that bound, on a scale of powers of ten."""
    rows = [
        (f"{measured.scenario.name}: {bound.figure}", measured.figures[bound.figure], bound.most)
        for measured in report.measured
        for bound in measured.bounds
    ]
    height = ROW * (len(rows) + 2)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDE + 120}" height="{height}" '
        'font-family="sans-serif" font-size="11">',
        "<title>Figures of a cluster in virtual time, by their bounds</title>",
        '<rect width="100%" height="100%" fill="white"/>',
    ]
    for decade in range(-1, 4):
        x = _x(10.0**decade)
        colour = "#b00" if decade == 0 else "#ddd"
        parts.append(f'<path d="M{x:.0f} {ROW}V{height}" stroke="{colour}"/>')
        label = "bound" if decade == 0 else f"{10.0**decade:g} times"
        parts.append(f'<text x="{x:.0f}" y="12" text-anchor="middle">{label}</text>')
    for place, (name, found, most) in enumerate(rows):
        y, end = ROW * (place + 1), _x(found / most)
        colour = "#d55e00" if found > most else "#0072b2"
        parts.append(
            f'<text x="{LEFT - 6}" y="{y + 12}" text-anchor="end">{escape_xml(name)}</text>'
            f'<rect x="{LEFT}" y="{y + 3}" width="{max(1.0, end - LEFT):.0f}" height="{ROW - 6}" '
            f'fill="{colour}"/>'
            f'<text x="{max(LEFT, end) + 4:.0f}" y="{y + 12}">{found:,.2f}</text>'
        )
    return "\n".join([*parts, "</svg>", ""])


def _x(times: float) -> float:
    """Where that many times the bound stands."""
    from math import log10

    decades = min(3.0, max(-1.0, log10(times))) if times > 0 else -1.0
    return LEFT + WIDE * (decades + 1) / 4
