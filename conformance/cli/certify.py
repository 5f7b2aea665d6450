"""`conformance certify`: its options."""

from __future__ import annotations

from typing import Annotated

import typer

from conformance.cli.options import Json
from conformance.cli.terminal import finish, output, print_json, progress, refuse
from conformance.cli.text import escape
from conformance.observe.verdicts import Level


def certify_command(
    level: Annotated[Level, typer.Option(help="Minutes, or hours.")] = "quick",
    check: Annotated[
        bool, typer.Option("--check", help="Make none; say what the one that is there misses.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Run every check, and write what they found into raftbare/certificate.json.

    It names the SHA-256 of every source file of the library and of the specification.  One that
    is edited afterwards is no longer the certified one.
    """
    if check:
        _compare(as_json)
    else:
        _make(level, as_json)


def _compare(as_json: bool) -> None:
    from conformance.release import certificate

    try:
        stale, said = certificate.stale(), certificate.said()
    except certificate.NoCertificateError as error:
        refuse(str(error), as_json)
    verdict = "violation" if stale else "conforms"
    if as_json:
        print_json({"verdict": verdict, "level": said.level, "stale": stale})
    elif stale:
        output().print(f"[bold red]stale[/]: not the certified ones: {escape(', '.join(stale))}")
    else:
        output().print(
            f"[bold green]current[/]: level {escape(said.level)}, {len(said.sources)} files"
        )
    finish(verdict)


def _make(level: Level, as_json: bool) -> None:
    from conformance.cli.report.certify import print_claims
    from conformance.release import certificate
    from conformance.release.claims import FailedError
    from conformance.release.collection import BadCollection

    try:
        with progress("certifying", as_json) as tell:
            made = certificate.make(level, tell)
    except BadCollection as error:
        refuse(str(error), as_json)
    except FailedError as error:
        refuse(str(error), as_json, error.verdict)
    except certificate.EditedError as error:
        refuse(str(error), as_json, "inconclusive")
    certificate.write(made)
    if as_json:
        print_json({"verdict": "conforms", **made})
    else:
        print_claims(output(), certificate.said(), certificate.PATH)
