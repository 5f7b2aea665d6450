"""`conformance audit`: its options."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from conformance.cli.options import Json
from conformance.cli.terminal import conclude, progress
from conformance.observe.verdicts import AuditLevel, Format


def audit_command(
    files: Annotated[list[Path], typer.Argument(readable=False, help="Recordings of one cluster.")],
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
) -> None:
    """Say whether a recording was Raft, and if not, where it first went wrong."""
    from conformance.audit.run import audit, size
    from conformance.cli.report.audit import print_audit

    total = sum(map(size, files)) or None
    with progress("auditing", as_json) as tell:
        report = audit(files, level, lambda done: tell("auditing", done, total), complete, form)
    conclude(report, as_json, partial(print_audit, report=report))
