"""`conformance measure`: a cluster in virtual time, its figures and their bounds."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from conformance.cli.options import FINDINGS, Json, Out, Pages, Seed, only_of
from conformance.cli.terminal import (
    conclude,
    page_beside,
    progress,
    refuse,
    save_trace,
    started,
    warn,
)

if TYPE_CHECKING:
    from conformance.network.run import MeasureReport
    from conformance.network.scenario import Scenario


def measure_command(
    only: Annotated[str | None, only_of("scenarios")] = None,
    seed: Seed = 0,
    plot: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Draw every figure beside its bound, as SVG."),
    ] = None,
    subject: Annotated[
        str | None,
        typer.Option(
            metavar="COMMAND", help="Another program, which speaks the subject protocol, instead."
        ),
    ] = None,
    as_json: Json = False,
    out_dir: Out = FINDINGS,
    pages: Pages = True,
) -> None:
    """Run a cluster in virtual time, with delay, loss, slow disks and load, and measure it.

    A figure beyond its bound is a finding, told with what led there, and written to a trace.  All
    figures are exact, and the same on every machine: nothing here is timed.

    Bounds are what this library keeps: another subject's figures are told beside them, and what it
    does is judged by the properties.  It is in those scenarios for which it has what they take,
    and of which no driver asks a node anything: the protocol has no questions.
    """
    from conformance.cli.report.measure import draw, print_measured
    from conformance.network.run import measure_all
    from conformance.network.scenarios import SCENARIOS
    from conformance.observe.selection import SelectionError, selected
    from conformance.observe.write import write_whole

    try:
        chosen = selected(list(SCENARIOS.values()), only)
        if plot is not None and not plot.resolve().parent.is_dir():
            refuse(f"--plot {plot}: its directory does not exist", as_json)
    except SelectionError as error:
        refuse(str(error), as_json)
    with progress("measuring", as_json) as tell:

        def told(name: str, done: int) -> None:
            tell(f"measuring {name}", done, len(chosen))

        if subject is None:
            report = measure_all(chosen, seed, progress=told)
        else:
            report = _measure_subject(subject, chosen, seed, told, as_json)
    if plot is not None:
        try:
            write_whole(plot, [draw(report)])
        except OSError as error:
            warn(f"the picture was not written: {error}")
    traces = save_measured(report, out_dir, pages)
    again = "" if subject is None else f" --subject {shlex.quote(subject)}"
    shown = partial(print_measured, report=report, traces=traces, again=again)
    written = {name: str(path) for name, path in traces.items()}
    beside = {name: page_beside(path) for name, path in traces.items()}
    conclude(report, as_json, shown, traces=written, pages=beside)


def _measure_subject(
    command: str,
    chosen: list[Scenario],
    seed: int,
    told: Callable[[str, int], None],
    as_json: bool,
) -> MeasureReport:
    from conformance.network.foreign import possible
    from conformance.network.run import Judging, measure_all
    from conformance.simulation.foreign.properties import NOT_JUDGED
    from conformance.subjects.foreign.process import SubjectError
    from conformance.subjects.foreign.served import ServedSubject

    with started(command, as_json) as host:
        can, left_out = possible(chosen, host.hello.lacks)
        try:
            report = measure_all(
                can,
                seed,
                partial(ServedSubject, host),
                told,
                Judging(NOT_JUDGED, bounds=False),
            )
        except (OSError, SubjectError) as error:
            refuse(f"the subject does not start again: {error}", as_json, "inconclusive")
    report.left_out = left_out
    return report


def save_measured(report: MeasureReport, directory: Path, pages: bool = True) -> dict[str, Path]:
    """By the scenario: where the run was written that shows what was wrong with it first."""
    from conformance.network.clock import MILLISECOND
    from conformance.network.figures import MEANING
    from conformance.show.model import Wrong

    written: dict[str, Path] = {}
    for measured in report.measured:
        name = measured.scenario.name
        if not measured.records:
            continue
        if measured.problems:
            first = measured.problems[0]
            wrong = Wrong(first.property, first.detail, first.node, None)
        else:
            excess = measured.excesses[0]
            at = "" if excess.at is None else f", first at {excess.at / MILLISECOND:,.0f} ms"
            most = f"at most {excess.bound.most:,.2f} was expected"
            detail = f"{MEANING[excess.bound.figure]}: {excess.found:,.2f}, {most}{at}"
            wrong = Wrong(excess.bound.figure, detail, None, None)
        path = directory / f"measure-{name}-seed{measured.seed}.jsonl"
        nodes = measured.scenario.nodes
        if save_trace(path, measured.records, nodes, wrong if pages else None) is not None:
            written[name] = path
    return written
