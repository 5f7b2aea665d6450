"""`conformance check`: its options, and where what it finds goes."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from conformance.cli.options import FINDINGS, Json, Out, Pages, Processes, Seed
from conformance.cli.terminal import (
    conclude,
    other_processes,
    page_beside,
    progress,
    save_trace,
)
from conformance.simulation import MAX_NODES

if TYPE_CHECKING:
    from conformance.simulation.check import Report


def check_command(
    events: Annotated[int, typer.Option(min=1, help="Inputs to nodes, in all.")] = 20_000,
    seconds: Annotated[
        float | None, typer.Option(min=0.0, help="Begin no further episode after this time.")
    ] = None,
    seed: Seed = 0,
    nodes: Annotated[
        int | None,
        typer.Option(
            min=1, max=MAX_NODES, help="The size of every cluster; else drawn, 1 to 7 as a rule."
        ),
    ] = None,
    episode: Annotated[int | None, typer.Option(min=0, help="Only this one.")] = None,
    coverage: Annotated[
        bool, typer.Option("--coverage", help="Tell which situations the schedules came by.")
    ] = False,
    alone: Annotated[
        bool,
        typer.Option("--live", help="The library's nodes alone: the properties judge them."),
    ] = False,
    workers: Processes = 0,
    as_json: Json = False,
    out_dir: Out = FINDINGS,
    pages: Pages = True,
) -> None:
    """Feed random schedules to the specification and to the library, in lockstep.

    Outcome, actions and state are compared after every event and every property is checked.  What
    is found is shrunk until no step and no pair of steps can be left out, printed, and written to
    a trace.
    """
    from conformance.cli.report.check import print_check
    from conformance.simulation.check import LIVE, Options, check

    options = Options(
        seed=seed,
        events=events,
        seconds=seconds,
        nodes=nodes,
        episode=episode,
        coverage=coverage,
    )
    if alone:
        options = replace(options, run=LIVE)
    with other_processes(workers, as_json) as others, progress("checking", as_json) as tell:
        report = check(options, lambda now: tell("checking", now.events, events), others)
    trace = save_finding(report, out_dir, "live-" if alone else "", pages)
    shown = partial(print_check, report=report, trace=trace)
    written = str(trace) if trace else None
    conclude(report, as_json, shown, trace=written, page=page_beside(trace))


def save_finding(
    report: Report, directory: Path, kind: str = "", pages: bool = True
) -> Path | None:
    found = report.found
    if found is None:
        return None
    from conformance.show.read import wrong_of

    path = directory / f"{kind}seed{report.options.seed}-episode{found.episode}.jsonl"
    wrong = wrong_of(found.finding) if pages else None
    return save_trace(path, found.recorder.records, found.nodes, wrong)
