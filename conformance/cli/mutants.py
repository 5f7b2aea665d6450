"""`conformance mutants`: its options."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated

import typer
from rich.markup import escape
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from conformance.cli.terminal import errors, output, refuse


class LevelName(StrEnum):
    quick = "quick"
    full = "full"


def mutants_command(
    level: Annotated[LevelName, typer.Option(help="How long each method looks.")] = LevelName.quick,
    only: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Part of the names of mutants, or a pattern with *."),
    ] = None,
    method: Annotated[str | None, typer.Option(metavar="METHOD", help="Only this one.")] = None,
    seconds: Annotated[
        float | None, typer.Option(min=0.1, help="What one trial may take at the most.")
    ] = None,
    workers: Annotated[int, typer.Option(min=0, help="Processes; 0: one for each core.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Plant known bugs in the library, one at a time, and see which methods find each.

    The methods know of no bug: they compare the library with its specification, or hold what it
    does against the properties.
    """
    from conformance.cli.report.mutants import print_report, progress_line
    from conformance.mutants.matrix import run as running
    from conformance.mutants.planted.catalogue import CATALOGUE

    out = output(200)
    err = errors()
    options = running.Options(level.value, seconds, workers)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    try:
        mutants = running.selected(CATALOGUE, only)
        methods = running.methods_at(level.value, method)
    except running.SelectionError as error:
        refuse(str(error), as_json)
    with Bar(*columns, console=err, transient=True, disable=as_json or not err.is_terminal) as bar:
        task = bar.add_task("planting")

        def progress(now: running.Progress) -> None:
            bar.update(
                task,
                description=escape(progress_line(now)),
                total=now.planned,
                completed=now.done,
            )

        report = running.run(options, mutants, methods, progress)
    if as_json:
        print(json.dumps(report.as_json(), indent=2))
    else:
        print_report(out, report)
    raise typer.Exit(report.exit_code)
