"""`conformance mutants`: its options."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from conformance.cli.options import Json, Pages, Processes, Scheduler, only_of
from conformance.cli.terminal import (
    conclude,
    others,
    page_beside,
    page_of,
    progress,
    refuse,
    save_page,
)
from conformance.observe.verdicts import Level

if TYPE_CHECKING:
    from conformance.mutants.matrix.run import Report
    from conformance.show.model import Picture, Wrong


def mutants_command(
    level: Annotated[Level, typer.Option(help="How long each method looks.")] = "quick",
    only: Annotated[str | None, only_of("mutants")] = None,
    method: Annotated[str | None, typer.Option(metavar="METHOD", help="Only this one.")] = None,
    seconds: Annotated[
        float | None, typer.Option(min=0.1, help="What one trial may take at the most.")
    ] = None,
    workers: Processes = 0,
    scheduler: Scheduler = None,
    kept: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Go on from the trials kept there; keep there those that end.",
            dir_okay=False,
        ),
    ] = None,
    as_json: Json = False,
    out_dir: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="DIR",
            help="Write there, of each mutant that is found, the shortest run that shows it.",
            file_okay=False,
        ),
    ] = None,
    pages: Pages = True,
) -> None:
    """Plant known bugs in the library, one at a time, and see which methods find each.

    The methods know of no bug: they compare the library with its specification, or hold what it
    does against the properties.  A mutant that no method finds has no run to show.
    """
    from conformance.cli.report.mutants import print_mutants, progress_line
    from conformance.mutants.matrix.kept import BadKept
    from conformance.mutants.matrix.run import Options, methods_at, run
    from conformance.mutants.planted.catalogue import CATALOGUE
    from conformance.observe.selection import SelectionError, selected

    try:
        mutants = selected(CATALOGUE, only, "part of a mutant's name")
        methods = methods_at(level, method)
    except SelectionError as error:
        refuse(str(error), as_json)
    try:
        with others(1, scheduler, as_json) as them, progress("planting", as_json) as tell:
            report = run(
                Options(level, seconds, workers, kept, out_dir),
                mutants,
                methods,
                lambda now: tell(progress_line(now), now.done, now.planned),
                them,
            )
    except BadKept as error:
        refuse(str(error), as_json)
    traces = shortest_runs(report, pages) if out_dir is not None else {}
    written = {name: str(path) for name, path in traces.items()}
    beside = {name: page_beside(path) for name, path in traces.items()}
    shown = partial(print_mutants, report=report, traces=traces)
    conclude(report, as_json, shown, width=200, traces=written, pages=beside)


def shortest_runs(report: Report, pages: bool = True) -> dict[str, Path]:
    """By the mutant: the trace of the shortest run that shows it, with its page.

    The other ones are removed.
    """
    from conformance.show.model import Wrong

    judges = {method.name: method.judges for method in report.methods}
    traces: dict[str, Path] = {}
    for fate in report.fates:
        runs = [(Path(one.trace), one) for one in fate.kills if one.trace is not None]
        runs = sorted(
            (run for run in runs if run[0].exists()), key=lambda run: run[0].stat().st_size
        )
        for path, _ in runs[1:]:
            path.unlink()
        for path, trial in runs[:1]:
            departure = judges[trial.method] == "comparison"
            wrong = Wrong(trial.killed_by or "", trial.detail, None, None, departure)
            traces[fate.mutant.name] = path
            page_of(path).unlink(missing_ok=True)  # it is of a trace that was there before
            if pages:
                save_page(path, partial(_picture, path, wrong))
    return traces


def _picture(path: Path, wrong: Wrong) -> Picture:
    """With what an audit finds in the run, and where; or else with what the method found."""
    from conformance.show.read import finding_picture, read_picture

    picture = read_picture([path])
    as_much = any(one.departure <= wrong.departure for one in picture.wrong)
    return picture if as_much else finding_picture(path, wrong)
