"""`conformance measure`: a cluster in virtual time, its figures and their bounds."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from conformance.cli.options import Json, Seed, only_of
from conformance.cli.terminal import conclude, progress, refuse, warn


def measure_command(
    only: Annotated[str | None, only_of("scenarios")] = None,
    seed: Seed = 0,
    plot: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Draw every figure beside its bound, as SVG."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Run a cluster in virtual time, with delay, loss, slow disks and load, and measure it.

    A figure beyond its bound is a finding, told with what led there.  All figures are exact, and
    the same on every machine: nothing here is timed.
    """
    from conformance.cli.report.measure import draw, print_measured
    from conformance.network.run import measure_all
    from conformance.network.scenarios import SCENARIOS
    from conformance.observe.selection import SelectionError, selected

    try:
        chosen = selected(list(SCENARIOS.values()), only)
        if plot is not None and not plot.resolve().parent.is_dir():
            refuse(f"--plot {plot}: its directory does not exist", as_json)
    except SelectionError as error:
        refuse(str(error), as_json)
    with progress("measuring", as_json) as tell:
        report = measure_all(
            chosen,
            seed,
            progress=lambda name, done: tell(f"measuring {name}", done, len(chosen)),
        )
    if plot is not None:
        try:
            plot.write_text(draw(report), encoding="utf-8")
        except OSError as error:
            warn(f"the picture was not written: {error}")
    conclude(report, as_json, partial(print_measured, report=report))
