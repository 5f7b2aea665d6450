"""Write what a `Recorder` noted as a trace."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import raftbare
from conformance.observe.recorded import Recorded
from conformance.trace.files import TraceWriter
from conformance.trace.plain import record_line

IMPLEMENTATION = "raftbare (Python)"
"""How the header of a recording of this library begins; those are judged exactly by default."""
THIS_LIBRARY = f"{IMPLEMENTATION} {raftbare.__version__}"
"""The header's `implementation` for what this library did."""


def save(
    path: Path, recorded: Iterable[Recorded], nodes: int, implementation: str = THIS_LIBRARY
) -> None:
    """Write a trace, all of it or nothing.  ValueError for what no trace can say."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with TraceWriter(path, implementation=implementation, nodes=nodes) as writer:
        for record in recorded:
            writer.write_line(
                record_line(
                    record.node,
                    record.seq,
                    record.event,
                    record.outcome,
                    record.actions,
                    record.state,
                )
            )
