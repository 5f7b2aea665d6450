"""`conformance linearize`: its options."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from conformance.cli.options import FINDINGS, Json
from conformance.cli.terminal import conclude, progress, write_page

if TYPE_CHECKING:
    from conformance.linearize import Report


def linearize_command(
    files: Annotated[
        list[Path], typer.Argument(readable=False, help="Histories, each of its own system.")
    ],
    budget: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="STATES",
            help="How many states of the search to try for each key, beyond which it is "
            "inconclusive.  Default: a million.",
        ),
    ] = None,
    as_json: Json = False,
    out_dir: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Where the page of a finding goes.")
    ] = FINDINGS,
    pages: Annotated[
        bool, typer.Option("--page/--no-page", help="Show the findings as a web page.")
    ] = True,
) -> None:
    """Say whether what clients saw is linearizable, and if not, which operations are not."""
    from conformance.cli.report.linearize import print_linearize
    from conformance.linearize import BUDGET, check

    with progress("searching", as_json) as tell:
        done = iter(range(len(files)))
        report = check(files, budget or BUDGET, lambda path: tell(path, next(done), len(files)))
    page = save_histories(report, files[0], out_dir) if pages else None
    shown = partial(print_linearize, report=report, page=page)
    conclude(report, as_json, shown, page=page)


def save_histories(report: Report, first: Path, directory: Path) -> str | None:
    """The page of histories that have no order, named like the first that was given."""
    if not report.violations:
        return None
    from conformance.linearize.page import page

    name = first.name.partition(".")[0] or "linearize"
    return write_page(directory / f"{name}.html", lambda: [page(report)])
