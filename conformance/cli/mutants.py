"""`conformance mutants`: its options."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from conformance.cli.options import Json, Processes, only_of
from conformance.cli.terminal import conclude, progress, refuse
from conformance.observe.verdicts import Level


def mutants_command(
    level: Annotated[Level, typer.Option(help="How long each method looks.")] = "quick",
    only: Annotated[str | None, only_of("mutants")] = None,
    method: Annotated[str | None, typer.Option(metavar="METHOD", help="Only this one.")] = None,
    seconds: Annotated[
        float | None, typer.Option(min=0.1, help="What one trial may take at the most.")
    ] = None,
    workers: Processes = 0,
    kept: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Go on from the trials kept there; keep there those that end.",
            dir_okay=False,
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Plant known bugs in the library, one at a time, and see which methods find each.

    The methods know of no bug: they compare the library with its specification, or hold what it
    does against the properties.
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
        with progress("planting", as_json) as tell:
            report = run(
                Options(level, seconds, workers, kept),
                mutants,
                methods,
                lambda now: tell(progress_line(now), now.done, now.planned),
            )
    except BadKept as error:
        refuse(str(error), as_json)
    conclude(report, as_json, partial(print_mutants, report=report), width=200)
