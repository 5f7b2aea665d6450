"""`conformance mutate`: the library changed operator by operator, and what survives."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from conformance.cli.options import Json, Processes, Seconds
from conformance.cli.terminal import conclude, progress, refuse


def mutate_command(
    only: Annotated[
        list[str] | None,
        typer.Argument(help="Modules, or functions: rules, entries.Marks.cut.  Default: all."),
    ] = None,
    prove: Annotated[
        bool | None,
        typer.Option(
            help="Ask the proofs, half a minute each, of all survivors or of none.  "
            "Default: of those that are not explained."
        ),
    ] = None,
    workers: Processes = 0,
    seconds: Seconds = None,
    survivors: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="What survives, and why.",
            show_default="conformance/mutants/mechanical/survivors.toml",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Change raftbare at every place by a tool; each change has to be noticed by a check.

    Left out, and counted apart: changes of annotations, which Python does not evaluate, and of the
    messages of exceptions, whose wording nothing depends on.

    Exit code 0: all are killed or explained; 1: one survives that is not explained, or one that is
    explained does not; 2: usage; 3: stopped.
    """
    from conformance.cli.report.mutate import print_mutated
    from conformance.mutants.mechanical.run import Options, progress_line, run
    from conformance.mutants.mechanical.survivors import FILE, BadSurvivors
    from conformance.observe.selection import SelectionError

    options = Options(
        only=tuple(only or ()),
        workers=workers,
        seconds=seconds,
        prove=prove,
        survivors=survivors or FILE,
    )
    try:
        with progress("starting", as_json) as tell:
            report = run(options, lambda now: tell(progress_line(now)))
    except (BadSurvivors, SelectionError) as error:
        refuse(str(error), as_json)
    conclude(report, as_json, partial(print_mutated, report=report))
