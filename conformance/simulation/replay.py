"""`conformance replay`: a trace's events through the specification and the library side by side.

The recorded answers play no part: a replay says whether the two agree about these events today,
while an audit says whether the recording was right.  A trace that begins with a checkpoint is
replayed from there: both sides are set to that state, the library with all that is hidden in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from conformance.observe.finding import Difference, Part, first_difference
from conformance.observe.observed import Checkpoint
from conformance.subjects.asking.asked import all_of
from conformance.subjects.handed import InUse
from conformance.subjects.hidden import HiddenState, library_subject
from conformance.subjects.library import LibrarySubject
from conformance.subjects.readback import Reader
from conformance.subjects.rebuild import Rebuilder, UnbuildableError
from conformance.subjects.subject import SpecSubject, Subject, answers_of_both
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


def replay(
    path: Path,
    subject: Subject | None = None,
    progress: Callable[[int], None] = lambda events: None,
) -> ReplayReport:
    """Up to the first difference.  Raises BadTrace for what cannot be read or replayed.

    `progress` gets how many events were replayed.
    """
    # Here alone, since they need pydantic: a check of the library in lockstep reads no trace.
    from conformance.trace.errors import BadTrace
    from conformance.trace.files import read
    from conformance.trace.records import records

    spec, library = SpecSubject(), subject or library_subject()
    latest: dict[NodeId, tuple[int, Event | None]] = {}
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
                continue
            events += 1
            if events % 256 == 0:
                progress(events)
            latest[node] = record.seq, event
            parts = _event_of_both(spec, library, node, event, record.actions is not None)
            difference = first_difference(node, event, parts)
            if difference is not None:
                return ReplayReport(events, difference, record.seq)
    for node, (seq, last) in sorted(latest.items()):
        parts = _rest_of_both(spec, library, node)
        difference = first_difference(node, last, parts)
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


def _event_of_both(
    spec: SpecSubject, other: Subject, node: NodeId, event: Event, drain: bool
) -> Iterator[Part]:
    """One event, and the drain after it if there was one."""
    yield "outcome", spec.handle(node, event), other.handle(node, event)
    if drain:
        yield "actions", spec.drain(node), other.drain(node)
    yield "state", spec.observe(node), other.observe(node)
    yield from _kept_of_both(spec, other, node)
    if isinstance(event, (Start, Restart, SnapshotInstalled)):
        yield "log", spec.log(node), other.log(node)


def _kept_of_both(spec: SpecSubject, other: Subject, node: NodeId) -> Iterator[Part]:
    """What a node keeps and does not show, and what it has handed out or was handed."""
    member = spec.members[node]
    if isinstance(other, HiddenState):
        yield from other.hidden_of_both(member.node, member.pending)
    if isinstance(other, InUse):
        yield from other.look_at_all()


def _rest_of_both(spec: SpecSubject, other: Subject, node: NodeId) -> Iterator[Part]:
    """Once nothing more happens to a node: what it answers, and all that it keeps."""
    specified = spec.members[node][:2]
    yield from answers_of_both(specified[0], other, all_of(specified[0]))
    if isinstance(other, LibrarySubject) and not other.library.compiled:
        yield "state", specified, Reader(other.library).read(other.nodes[node])
    elif isinstance(other, SpecSubject):
        yield "state", specified, other.members[node][:2]
