"""Write a recording of another implementation as a trace of this project's format."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from conformance.importers.importer import Names
from conformance.importers.recording import Recording
from conformance.observe.verdicts import Format, Verdict
from conformance.trace.errors import BadTrace
from conformance.trace.files import TraceWriter
from conformance.trace.moments import Capabilities
from spec.values import NodeId


@dataclass(slots=True)
class Converted:
    """What was written."""

    path: str
    implementation: str
    nodes: int
    moments: int
    names: dict[str, NodeId]

    @property
    def verdict(self) -> Verdict:
        return "conforms"

    def as_json(self) -> dict[str, object]:
        return asdict(self)


def convert(
    paths: Iterable[Path],
    out: Path,
    form: Format = "auto",
    progress: Callable[[int], None] = lambda moments: None,
) -> Converted:
    """Import the recordings of one cluster, no node of which is in two, and write one trace.

    Each is read twice: nothing is written before all of it is known to be good.  `BadTrace` for
    what cannot be imported, a recording that ends too early too; `OSError` and `ValueError` for
    what cannot be written.  `progress` gets how many moments have been read or written.
    """
    paths, names = list(paths), Names()
    homes: dict[NodeId, Path] = {}
    implementation, noted, count = "", None, 0
    for path in paths:
        if not path.is_file():
            raise BadTrace(path, None, "cannot be read twice", "a regular file")
        with Recording(path, form, names) as recording:
            implementation, noted = recording.implementation, _same(recording, noted)
            for moment in recording.moments():
                home = homes.setdefault(moment.node, path)
                if home is not path:
                    problem = f"node {moment.node} is in {home} too"
                    raise BadTrace(path, recording.line, problem, "each node's records in one file")
                count += 1
                if count % 256 == 0:
                    progress(count)
    if not homes:
        raise BadTrace(paths[0], None, "no node in it", "a recording of at least one")
    converted = Converted(str(out), implementation, len(homes), count, names.spoken())
    header = {"names": converted.names} if converted.names else {}
    writer = TraceWriter(
        out, implementation=implementation, nodes=len(homes), capabilities=noted, **header
    )
    with writer:
        for path in paths:
            with Recording(path, form, names) as recording:
                for moment in recording.moments():
                    writer.write(moment)
                    count += 1
                    if count % 256 == 0:
                        progress(count)
    return converted


def _same(recording: Recording, noted: Capabilities | None) -> Capabilities:
    """What all recordings note; they were made by one recorder."""
    capabilities, path = recording.capabilities, recording.path
    if capabilities is None or recording.is_trace:
        raise BadTrace(path, 1, "a trace of this project's format", "a recording of another one")
    if noted is not None and noted != capabilities:
        raise BadTrace(path, 1, "what another recorder wrote", "recordings of one cluster")
    return capabilities
