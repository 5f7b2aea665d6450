"""What the exact audit says of a recording, and recordings that go on after a crash."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from conformance.audit.exact import ExactAudit
from conformance.observe.finding import Problem
from conformance.observe.recorded import Recorded
from spec import values as v
from spec.cluster import Disk, persist
from tests.support.recordings import OPENED, VOTE
from tests.support.tape import Tape

Found = tuple[str, v.NodeId | None, int | None]


def problems(recording: Iterable[Recorded]) -> list[Problem]:
    judge = ExactAudit()
    for record in recording:
        judge.add(record)
    return judge.finish()


def found(recording: Iterable[Recorded]) -> list[Found]:
    return [(one.property, one.node, one.seq) for one in problems(recording)]


def followed_leader() -> list[Recorded]:
    """Node 1 saved a term and two entries."""
    return Tape().drive(v.Start(), v.Receive(OPENED)).records


def voted() -> list[Recorded]:
    return Tape().drive(v.Start(), v.Receive(VOTE), v.Receive(OPENED)).records


def came_up(recording: list[Recorded], event: v.Start | v.Restart) -> list[Recorded]:
    """The recording and a start after it, as the library does that."""
    (record,) = Tape().drive(event).records
    return [*recording, replace(record, seq=recording[-1].seq + 1 if recording else 1)]


def disk_of(recording: Iterable[Recorded]) -> v.Restart:
    """What the executed actions have made durable."""
    disk = Disk()
    for record in recording:
        for action in record.actions or ():
            disk = persist(disk, action)
    return v.Restart(*disk)
