"""The command line.  Exit codes: 0 conforms, 1 violation, 2 usage or bad input, 3 inconclusive."""

from __future__ import annotations

import platform
from typing import Annotated

import typer

from conformance.cli.campaign import campaign_command
from conformance.cli.certify import certify_command
from conformance.cli.check import check_command
from conformance.cli.explore import explore_command
from conformance.cli.measure import measure_command
from conformance.cli.mutants import mutants_command
from conformance.cli.mutate import mutate_command
from conformance.cli.prove import prove_command
from conformance.cli.recordings.audit import audit_command
from conformance.cli.recordings.convert import convert_command
from conformance.cli.recordings.linearize import linearize_command
from conformance.cli.recordings.replay import replay_command
from conformance.cli.recordings.show import show_command
from conformance.cli.subject import subject_command
from conformance.cli.terminal import run
from conformance.cli.verify import verify_command

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Hold raftbare against its specification, and recordings against both.",
)


def say_version(wanted: bool) -> None:
    if wanted:
        import raftbare

        known = raftbare.__version__
        build = "compiled" if raftbare.compiled else "pure"
        python = f"{platform.python_implementation()} {platform.python_version()}"
        print(f"conformance {known}, raftbare {known} ({build}), {python}")
        raise typer.Exit


@app.callback()
def conformance(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=say_version, is_eager=True, help="Say which versions these are."
        ),
    ] = False,
) -> None:
    """What all commands have in common."""


app.command("explore")(explore_command)
app.command("prove")(prove_command)
app.command("measure")(measure_command)
app.command("mutants")(mutants_command)
app.command("mutate")(mutate_command)
app.command("certify")(certify_command)
app.command("check")(check_command)
app.command("campaign")(campaign_command)
app.command("subject")(subject_command)
app.command("replay")(replay_command)
app.command("audit")(audit_command)
app.command("linearize")(linearize_command)
app.command("convert")(convert_command)
app.command("show")(show_command)
app.command("verify")(verify_command)


def main() -> None:
    run(app)


if __name__ == "__main__":
    main()
