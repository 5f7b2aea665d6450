"""Options that several commands have: each is described once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final

import typer

FINDINGS: Final = Path("findings")

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Out = Annotated[Path, typer.Option("--out", metavar="DIR", help="Where a finding's trace goes.")]
Pages = Annotated[
    bool, typer.Option("--page/--no-page", help="Show a finding as a web page beside its trace.")
]
Seconds = Annotated[float | None, typer.Option(min=0.0, help="Stop after this time: inconclusive.")]
Seed = Annotated[int, typer.Option(min=0, help="Everything random follows from it.")]


def only_of(names: str) -> Any:
    return typer.Option(metavar="NAME", help=f"Part of the names of {names}, or a pattern with *.")


def workers_of(kind: str) -> Any:
    return typer.Option(min=0, help=f"{kind}; 0: one for each core.")


Junit = Annotated[
    Path | None, typer.Option("--junit", metavar="FILE", help="Write what was judged as JUnit XML.")
]
Sarif = Annotated[
    Path | None, typer.Option("--sarif", metavar="FILE", help="Write violations as SARIF 2.1.0.")
]
Processes = Annotated[int, workers_of("Processes")]
Scheduler = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help="In place of processes here, a dask.distributed cluster that runs: tcp://host:port.",
    ),
]
