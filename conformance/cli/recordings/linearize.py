"""`conformance linearize`: its options."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from conformance.cli.options import Json
from conformance.cli.terminal import conclude, progress, refuse


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
    page: Annotated[
        Path | None,
        typer.Option("--page", metavar="HTML", help="Also write the findings as a page."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Say whether what clients saw is linearizable, and if not, which operations are not."""
    from conformance.cli.report.linearize import print_linearize
    from conformance.linearize import BUDGET, check

    with progress("searching", as_json) as tell:
        done = iter(range(len(files)))
        report = check(files, budget or BUDGET, lambda path: tell(path, next(done), len(files)))
    if page is not None:
        from conformance.linearize.page import write_page

        try:
            write_page(report, page)
        except OSError as error:
            refuse(f"{page}: cannot be written: {error.strerror or error}", as_json)
    conclude(report, as_json, partial(print_linearize, report=report))
