"""`conformance mutate`: the library changed operator by operator, and what survives."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress as Bar
from rich.progress import TextColumn, TimeElapsedColumn

from conformance.cli.report.mutate import print_report
from conformance.cli.terminal import errors, output, refuse
from conformance.mutants.mechanical.run import Options, SelectionError, progress_line, run
from conformance.mutants.mechanical.survivors import FILE, BadSurvivors

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
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
    workers: Annotated[int, typer.Option(min=0, help="Processes; 0: one for each core.")] = 0,
    seconds: Annotated[
        float | None, typer.Option(min=0.0, help="Stop after this time: inconclusive.")
    ] = None,
    survivors: Annotated[Path, typer.Option(metavar="FILE", help="What survives, and why.")] = FILE,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Change raftbare at every place by a tool; each change has to be noticed by a check.

    Left out, and counted apart: changes of annotations, which Python does not evaluate, and of the
    messages of exceptions, whose wording nothing depends on.

    Exit code 0: all are killed or explained; 1: one survives that is not explained, or one that is
    explained does not; 2: usage; 3: stopped.
    """
    out = output()
    err = errors()
    options = Options(
        only=tuple(only or ()), workers=workers, seconds=seconds, prove=prove, survivors=survivors
    )
    columns = (TextColumn("{task.description}"), TimeElapsedColumn())
    try:
        with Bar(
            *columns, console=err, transient=True, disable=as_json or not err.is_terminal
        ) as bar:
            task = bar.add_task("starting", total=None)
            report = run(options, lambda now: bar.update(task, description=progress_line(now)))
    except (BadSurvivors, SelectionError) as error:
        refuse(str(error), as_json)
    except KeyboardInterrupt:
        err.print("[yellow]interrupted[/]")
        raise typer.Exit(3) from None
    if as_json:
        print(json.dumps(report.as_json(), indent=2))
    else:
        print_report(out, report)
    raise typer.Exit(report.exit_code)


if __name__ == "__main__":
    app()
