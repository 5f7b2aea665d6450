"""`conformance certify`: its options."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from conformance.cli.terminal import errors, output, refuse
from conformance.observe.verdicts import EXIT_CODES
from raftbare import Claim


class LevelName(StrEnum):
    quick = "quick"
    full = "full"


def certify_command(
    level: Annotated[LevelName, typer.Option(help="Minutes, or hours.")] = LevelName.quick,
    check: Annotated[
        bool, typer.Option("--check", help="Make none; say what the one that is there misses.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Run every check, and write what they found into raftbare/certificate.json.

    It names the SHA-256 of every source file of the library and of the specification.  One that
    is edited afterwards is no longer the certified one.
    """
    from conformance.release import certificate as making
    from conformance.release.claims import FailedError
    from raftbare import certificate

    out = output()
    err = errors()

    if check:
        try:
            stale, said = making.stale(), making.said()
        except making.NoCertificateError as error:
            refuse(str(error), as_json)
        if as_json:
            verdict = "violation" if stale else "conforms"
            print(json.dumps({"verdict": verdict, "level": said.level, "stale": stale}, indent=2))
        elif stale:
            out.print(f"[bold red]stale[/]: not the certified ones: {escape(', '.join(stale))}")
        else:
            out.print(
                f"[bold green]current[/]: level {escape(said.level)}, {len(said.sources)} files"
            )
        raise typer.Exit(1 if stale else 0)
    try:
        with err.status("certifying") as status:
            made = making.make(level.value, lambda now: status.update(escape(now)))
    except FailedError as error:
        refuse(str(error), as_json, error.verdict, EXIT_CODES[error.verdict])
    except making.EditedError as error:
        refuse(str(error), as_json, "inconclusive", 3)
    making.write(made)
    if as_json:
        print(json.dumps({"verdict": "conforms", **made}, indent=2))
        return
    _print_claims(out, certificate().claims)
    out.print(f"[bold green]certified[/] at level {level.value}: {escape(str(making.PATH))}")


def _print_claims(out: Console, claims: tuple[Claim, ...]) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("method", "looked at", "seconds", "result"):
        table.add_column(name, overflow="fold")
    for claim in claims:
        counts = ", ".join(f"{count:,} {name}" for name, count in claim.counts.items())
        table.add_row(claim.name, counts, f"{claim.seconds:,.1f}", claim.result)
    out.print(table)
