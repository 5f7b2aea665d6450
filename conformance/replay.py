"""`conformance replay`: a trace's events through the specification and the library side by side.

The recorded answers play no part: a replay says whether the two agree about these events today,
while an audit says whether the recording was right.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from conformance.library import LibrarySubject
from conformance.lockstep import Difference
from conformance.record import Checkpoint, records
from conformance.subject import SpecSubject, Subject
from conformance.trace.files import BadTrace, read
from spec.values import Event, Restart, SnapshotInstalled, Start


@dataclass(frozen=True, slots=True)
class ReplayReport:
    events: int
    difference: Difference | None = None
    seq: int | None = None
    """Where in its node's records the difference shows."""

    def as_json(self) -> dict[str, object]:
        found = self.difference
        return {
            "verdict": "violation" if found else "conforms" if self.events else "inconclusive",
            "events": self.events,
            "difference": None
            if found is None
            else {
                "node": found.node,
                "seq": self.seq,
                "event": str(found.event),
                "what": found.what,
                "specified": str(found.specified),
                "found": str(found.found),
            },
        }


def replay(path: Path, subject: Subject | None = None) -> ReplayReport:
    """Up to the first difference.  Raises BadTrace for what cannot be read or replayed."""
    spec, library = SpecSubject(), subject or LibrarySubject()
    events = 0
    with read(path) as reader:
        for record in records(reader):
            event = record.event
            if isinstance(event, Checkpoint):
                raise BadTrace(path, reader.line, "a checkpoint", "a trace from a node's start on")
            events += 1
            drain = record.actions is not None
            difference = compare(spec, library, record.node, event, drain)
            if difference is not None:
                return ReplayReport(events, difference, record.seq)
    return ReplayReport(events)


def compare(
    spec: Subject, other: Subject, node: int, event: Event, drain: bool
) -> Difference | None:
    """One event, and the drain after it if there was one, through both; what differs."""
    specified, found = spec.handle(node, event), other.handle(node, event)
    if specified != found:
        return Difference(node, event, "outcome", specified, found)
    if drain:
        owed, taken = spec.drain(node), other.drain(node)
        if owed != taken:
            return Difference(node, event, "actions", owed, taken)
    state, seen = spec.observe(node), other.observe(node)
    if state != seen:
        return Difference(node, event, "state", state, seen)
    if isinstance(event, (Start, Restart, SnapshotInstalled)):
        log, held = spec.log(node), other.log(node)
        if log != held:
            return Difference(node, event, "log", log, held)
    return None
