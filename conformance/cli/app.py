"""The command line.  Exit codes: 0 conforms, 1 violation, 2 usage or bad input, 3 inconclusive."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from conformance.audit.run import AuditReport, Level, audit, size
from conformance.cli.certify import certify_command
from conformance.cli.explore import explore_command, save_finding
from conformance.cli.mutants import mutants_command
from conformance.cli.prove import prove_command
from conformance.cli.report import check as people
from conformance.cli.terminal import errors, output, refuse, run, warn
from conformance.explore.states.bounds import PRESETS
from conformance.observe.verdicts import EXIT_CODES
from conformance.release.collection import BadCollection
from conformance.release.verify import EVENTS, verify
from conformance.simulation.check import Options, Report, check
from conformance.simulation.replay import replay
from conformance.simulation.simulate import MAX_NODES
from conformance.trace.errors import BadTrace
from conformance.trace.save import save

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="Hold raftbare against its specification, and recordings against both.",
)
out = output()
err = errors()

app.command("explore")(explore_command)
app.command("prove")(prove_command)
app.command("mutants")(mutants_command)
app.command("certify")(certify_command)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Seed = Annotated[int, typer.Option(min=0, help="Everything random follows from it.")]


@app.command("check")
def check_command(
    events: Annotated[int, typer.Option(min=1, help="Inputs to nodes, in all.")] = 20_000,
    seconds: Annotated[
        float | None, typer.Option(min=0.0, help="Begin no further episode after this time.")
    ] = None,
    seed: Seed = 0,
    nodes: Annotated[
        int | None,
        typer.Option(min=1, max=MAX_NODES, help="The size of every cluster; else 1 to 7, drawn."),
    ] = None,
    episode: Annotated[int | None, typer.Option(min=0, help="Only this one.")] = None,
    as_json: Json = False,
    out_dir: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Where a finding's trace goes.")
    ] = Path("findings"),
) -> None:
    """Feed random schedules to the specification and to the library, in lockstep.

    Outcome, actions and state are compared after every event and every property is checked.  What
    is found is shrunk until no step and no pair of steps can be left out, printed, and written to
    a trace.
    """
    options = Options(seed=seed, events=events, seconds=seconds, nodes=nodes, episode=episode)
    with _progress(as_json) as (progress, task):
        progress.update(task, total=events, description="checking")
        report = check(options, lambda now: progress.update(task, completed=now.events))
    trace = _save_finding(report, out_dir)
    if as_json:
        _print_json({**report.as_json(), "trace": str(trace) if trace else None})
    else:
        people.print_check(out, report, trace)
    raise typer.Exit(1 if report.found else 0)


@app.command("replay")
def replay_command(
    trace: Annotated[
        Path,
        typer.Argument(
            readable=False, help="A recording, from its nodes' start or a checkpoint on."
        ),
    ],
    as_json: Json = False,
) -> None:
    """Run a trace's events through the specification and the library, and compare the two."""
    try:
        report = replay(trace)
    except BadTrace as error:
        refuse(str(error), as_json)
    if as_json:
        _print_json(report.as_json())
    else:
        people.print_replay(out, trace, report)
    raise typer.Exit(1 if report.difference else 0 if report.events else 3)


@app.command("audit")
def audit_command(
    files: Annotated[list[Path], typer.Argument(readable=False, help="Recordings of one cluster.")],
    level: Annotated[
        Level | None,
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
    as_json: Json = False,
) -> None:
    """Say whether a recording was Raft, and if not, where it first went wrong."""
    total = sum(map(size, files))
    with _progress(as_json) as (progress, task):
        progress.update(task, total=None if total == 0 else total, description="auditing")
        report = audit(files, level, lambda done: progress.update(task, completed=done), complete)
    _print_audit(report, as_json)
    raise typer.Exit(EXIT_CODES[report.verdict])


@app.command("verify")
def verify_command(
    events: Annotated[int, typer.Option(min=1, help="Inputs to nodes in lockstep.")] = EVENTS,
    seed: Seed = 0,
    traces: Annotated[
        Path, typer.Option(metavar="DIR", help="Holds golden/ and violations/.")
    ] = Path("traces"),
    out_dir: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Where a finding's trace goes.")
    ] = Path("findings"),
    explore: Annotated[
        bool, typer.Option(help="Explore the bounds of the preset quick as well.")
    ] = True,
    prove: Annotated[bool, typer.Option(help="Prove what the level quick has as well.")] = True,
) -> None:
    """The main job: a lockstep check, an exploration, proofs, an audit of traces with known
    verdicts.
    """
    try:
        with _progress(False) as (progress, task):
            report = verify(
                Options(seed=seed, events=events),
                traces,
                PRESETS["quick"] if explore else {},
                lambda now: progress.update(task, total=None, description=escape(now)),
                prove,
            )
    except BadCollection as error:
        refuse(str(error), as_json=False)
    trace = _save_finding(report.check, out_dir)
    out.rule("Lockstep: library and specification")
    people.print_check(out, report.check, trace)
    if report.explored is not None:
        from conformance.cli.report.explore import print_suite

        out.rule("Exploration: every state within bounds")
        print_suite(out, report.explored, save_finding(report.explored, out_dir))
    if report.proofs is not None:
        from conformance.cli.prove import save_findings
        from conformance.cli.report.prove import print_report

        out.rule("Proofs: all terms and indices")
        print_report(out, report.proofs, save_findings(report.proofs, out_dir))
    out.rule("Audit: traces with known verdicts")
    people.print_verified(out, report)
    raise typer.Exit(report.exit_code)


def _save_finding(report: Report, directory: Path) -> Path | None:
    found = report.found
    if found is None:
        return None
    path = directory / f"seed{report.options.seed}-episode{found.episode}.jsonl"
    try:
        save(path, found.recorder.records, found.nodes)
    except (OSError, ValueError) as error:
        warn(f"the trace was not written: {error}")
        return None
    return path


@contextmanager
def _progress(quiet: bool) -> Iterator[tuple[Progress, TaskID]]:
    """A progress bar on the terminal; nothing where there is none."""
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:.0f} %"))
    with Progress(
        *columns,
        TimeElapsedColumn(),
        console=err,
        transient=True,
        disable=quiet or not err.is_terminal,
    ) as progress:
        yield progress, progress.add_task("")


def _print_audit(report: AuditReport, as_json: bool) -> None:
    if as_json:
        _print_json(report.as_json())
    else:
        people.print_audit(out, report)


def _print_json(value: object) -> None:
    print(json.dumps(value, indent=2))


def main() -> None:
    run(app)


if __name__ == "__main__":
    main()
