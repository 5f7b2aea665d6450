"""`conformance replay`: its options."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from conformance.cli.options import Json
from conformance.cli.terminal import conclude, progress, refuse


def replay_command(
    trace: Annotated[
        Path,
        typer.Argument(
            readable=False, help="A recording, from its nodes' start or a checkpoint on."
        ),
    ],
    as_json: Json = False,
) -> None:
    """Run a trace's events through the specification and the library, and compare the two.

    A line has 16 MiB at most, a record and a file stand for 2^24 entries: see docs/limits.md.
    """
    from conformance.cli.report.replay import print_replay
    from conformance.simulation.replay import replay
    from conformance.trace.errors import BadTrace

    try:
        with progress("replaying", as_json) as tell:
            report = replay(trace, progress=lambda events: tell(f"replaying: {events:,} events"))
    except BadTrace as error:
        refuse(str(error), as_json)
    conclude(report, as_json, partial(print_replay, path=trace, report=report))
