"""`conformance verify`: its options, and where what it finds goes."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from conformance.cli.check import Saving, save_finding
from conformance.cli.ci.write import Formats
from conformance.cli.explore import save_exploration
from conformance.cli.measure import save_measured
from conformance.cli.options import (
    FINDINGS,
    Json,
    Junit,
    Out,
    Pages,
    Processes,
    Sarif,
    Scheduler,
    Seed,
)
from conformance.cli.prove import save_refutations
from conformance.cli.terminal import conclude, others, progress, refuse
from conformance.explore.states.bounds import PRESETS
from conformance.release.levels import EVENTS, EXPLORED


def verify_command(
    events: Annotated[int, typer.Option(min=1, help="Inputs to nodes in lockstep.")] = EVENTS[
        "quick"
    ],
    seed: Seed = 0,
    traces: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Holds golden/ and violations/. [default: traces, or what is installed]",
        ),
    ] = None,
    out_dir: Out = FINDINGS,
    pages: Pages = True,
    explore: Annotated[
        bool, typer.Option(help="Explore the bounds of the preset quick as well.")
    ] = True,
    prove: Annotated[bool, typer.Option(help="Prove what the level quick has as well.")] = True,
    measure: Annotated[
        bool,
        typer.Option(help="Measure a cluster in virtual time as well, in its short scenarios."),
    ] = True,
    workers: Processes = 0,
    scheduler: Scheduler = None,
    junit: Junit = None,
    sarif: Sarif = None,
    as_json: Json = False,
) -> None:
    """The main job: a lockstep check, the library's nodes alone, an exploration, proofs, a cluster
    in virtual time, an audit of traces with known verdicts.
    """
    from conformance.cli.ci.items import of_verify
    from conformance.cli.report.verify import Saved, print_verified
    from conformance.network import scenarios
    from conformance.release.collection import BadCollection, collection
    from conformance.release.verify import verify
    from conformance.simulation.check import Options

    formats = Formats(junit, sarif)
    formats.expect(as_json)
    bounds = PRESETS[EXPLORED["quick"]] if explore else {}
    try:
        with (
            others(workers, scheduler, as_json) as them,
            progress("verifying", as_json, lines=True) as tell,
        ):
            report = verify(
                Options(seed=seed, events=events),
                traces or collection(),
                bounds,
                tell,
                prove,
                scenarios.QUICK if measure else (),
                them,
            )
    except BadCollection as error:
        refuse(str(error), as_json)
    saved = Saved(
        save_finding(report.check, Saving(out_dir, pages=pages)),
        save_finding(report.live, Saving(out_dir, "live-", pages))
        if report.live is not None
        else None,
        save_exploration(report.explored, out_dir, pages) if report.explored is not None else None,
        save_refutations(report.proofs, out_dir, pages) if report.proofs is not None else {},
        save_measured(report.measured, out_dir, pages) if report.measured is not None else {},
    )
    formats.write(
        of_verify(
            report,
            {"lockstep": saved.checked, "live": saved.live, "exploration": saved.explored},
        ),
        as_json,
    )
    shown = partial(print_verified, report=report, saved=saved)
    conclude(report, as_json, shown, findings=[str(path) for path in saved.paths])
