"""`conformance replay`: a trace's events through the specification and the library side by side.

The recorded answers play no part: a replay says whether the two agree about these events today,
while an audit says whether the recording was right.  A trace that begins with a checkpoint is
replayed from there: both sides are set to that state, the library with all that is hidden in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from conformance.observe.finding import Difference
from conformance.subjects.library import LibrarySubject
from conformance.subjects.readback import Reader
from conformance.subjects.rebuild import Rebuilder, UnbuildableError
from conformance.subjects.subject import SpecSubject, Subject
from conformance.trace.files import BadTrace, read
from conformance.trace.records import Checkpoint, records
from spec.cluster import Disk, Member
from spec.pending import NOTHING, owe
from spec.values import Event, NodeId, Restart, SnapshotInstalled, Start


@dataclass(frozen=True, slots=True)
class ReplayReport:
    events: int
    difference: Difference | None = None
    seq: int | None = None
    """Where in its node's records the difference shows."""

    @property
    def verdict(self) -> str:
        if self.difference is not None:
            return "violation"
        return "conforms" if self.events else "inconclusive"

    def as_json(self) -> dict[str, object]:
        found = self.difference
        return {
            "verdict": self.verdict,
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
    latest: dict[NodeId, tuple[int, Event | None]] = {}
    resumed: set[NodeId] = set()
    events = 0
    with read(path) as reader:
        for record in records(reader):
            node, event = record.node, record.event
            if isinstance(event, Checkpoint):
                if node not in latest:  # else the records led there
                    try:
                        resume(spec, library, node, event)
                    except UnbuildableError as error:
                        raise BadTrace(path, reader.line, str(error), "a possible state") from error
                    latest[node] = record.seq, None
                    resumed.add(node)
                continue
            events += 1
            latest[node] = record.seq, event
            try:
                difference = compare(spec, library, node, event, record.actions is not None)
            except Exception as error:
                raised = f"{type(error).__name__}: {error}"
                difference = Difference(node, event, "failure", None, raised)
            if difference is not None:
                return ReplayReport(events, difference, record.seq)
    for node in sorted(resumed):
        seq, last = latest[node]
        difference = compare_hidden(spec, library, node, last)
        if difference is not None:
            return ReplayReport(events, difference, seq)
    return ReplayReport(events)


def resume(spec: SpecSubject, other: Subject, node: NodeId, checkpoint: Checkpoint) -> None:
    """Set both sides to a node's state.  UnbuildableError where there is no such node."""
    disk = checkpoint.disk
    saved = Disk(disk.current_term, disk.voted_for, disk.log)
    member = Member(checkpoint.node, owe(NOTHING, checkpoint.pending), saved)
    spec.members[node] = member
    if isinstance(other, SpecSubject):
        other.members[node] = member
    elif isinstance(other, LibrarySubject):
        other.nodes[node] = Rebuilder(other.library).build(member.node, member.pending)
    else:
        raise UnbuildableError("a checkpoint for a subject that cannot be set to it")


def compare_hidden(
    spec: SpecSubject, other: Subject, node: NodeId, event: Event | None
) -> Difference | None:
    """What a node keeps besides what can be seen of it, once nothing more happens to it."""
    member = spec.members[node]
    specified = member.node, member.pending
    if isinstance(other, LibrarySubject):
        try:
            found = Reader(other.library).read(other.nodes[node])
        except Exception as error:
            raised = f"{type(error).__name__}: {error}"
            return Difference(node, event, "failure", None, raised)
    elif isinstance(other, SpecSubject):
        found = other.members[node][:2]
    else:
        return None
    return None if found == specified else Difference(node, event, "state", specified, found)


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
