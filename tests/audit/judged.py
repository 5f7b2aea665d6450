"""What the exact audit says of a recording, and recordings that go on after a crash."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from conformance.audit.exact import ExactAudit
from conformance.observe.recorded import Recorded
from conformance.subjects.library import LibrarySubject
from spec.cluster import Disk, persist
from spec.values import (
    NodeId,
    Receive,
    Restart,
    Start,
)
from tests.support.recordings import OPENED, VOTE, Tape

Found = tuple[str, NodeId | None, int | None]


def found(recording: Iterable[Recorded]) -> list[Found]:
    judge = ExactAudit()
    for record in recording:
        judge.add(record)
    return [(problem.property, problem.node, problem.seq) for problem in judge.finish()]


def followed_leader() -> list[Recorded]:
    """Node 1 saved a term and two entries."""
    tape = Tape(LibrarySubject())
    tape.add(Start())
    tape.add(Receive(OPENED))
    return tape.recorder.records


def voted() -> list[Recorded]:
    tape = Tape(LibrarySubject())
    tape.add(Start())
    tape.add(Receive(VOTE))
    tape.add(Receive(OPENED))
    return tape.recorder.records


def came_up(recording: list[Recorded], event: Start | Restart) -> list[Recorded]:
    """The recording and a start after it, as the library does that."""
    tape = Tape(LibrarySubject())
    tape.add(event)
    (record,) = tape.recorder.records
    return [*recording, replace(record, seq=recording[-1].seq + 1)]


def disk_of(recording: Iterable[Recorded]) -> Restart:
    """What the executed actions have made durable."""
    disk = Disk()
    for record in recording:
        for action in record.actions or ():
            disk = persist(disk, action)
    return Restart(*disk)
