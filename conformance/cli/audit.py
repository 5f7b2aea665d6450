"""`conformance audit`: its options."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from conformance.cli.options import FINDINGS, Json
from conformance.cli.terminal import conclude, progress, save_page
from conformance.observe.verdicts import AuditLevel, Format

if TYPE_CHECKING:
    from conformance.audit.run import AuditReport


def audit_command(
    files: Annotated[
        list[Path],
        typer.Argument(
            readable=False, help="Recordings of one cluster: files, folders of them, patterns."
        ),
    ],
    level: Annotated[
        AuditLevel | None,
        typer.Option(
            help="exact: as the specification says, event by event.  safety: whatever the "
            "implementation, nothing that Raft rules out.  Default: exact for this library."
        ),
    ] = None,
    complete: Annotated[
        bool,
        typer.Option(
            "--complete",
            help="The recordings end together and lack nothing, as when a cluster was stopped: "
            "then the safety level judges late replies as well.",
        ),
    ] = False,
    form: Annotated[
        Format,
        typer.Option(
            "--format",
            help="What wrote the recordings; auto: what their first lines say.",
        ),
    ] = "auto",
    as_json: Json = False,
    out_dir: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Where the page of a violation goes.")
    ] = FINDINGS,
    pages: Annotated[
        bool, typer.Option("--page/--no-page", help="Show a violation as a web page.")
    ] = True,
) -> None:
    """Say whether a recording was Raft, and if not, where it first went wrong."""
    from conformance.audit.run import audit, size
    from conformance.cli.report.audit import print_audit

    total = sum(map(size, files)) or None
    with progress("auditing", as_json) as tell:
        report = audit(files, level, lambda done: tell("auditing", done, total), complete, form)
    page = save_violation(report, files, out_dir) if pages else None
    shown = partial(print_audit, report=report, page=page)
    conclude(report, as_json, shown, page=page)


MOST_SHOWN: Final = 100_000
"""Events beyond which there is no page: an audit is in bounded memory, a page is not."""


def save_violation(report: AuditReport, files: list[Path], directory: Path) -> str | None:
    """The page of recordings in which something is wrong, named like the first of them."""
    if not report.problems or report.events > MOST_SHOWN:
        return None
    from conformance.show.read import read_picture

    name = files[0].name.partition(".")[0] or "audit"
    return save_page(directory / name, lambda: read_picture(files, report))
