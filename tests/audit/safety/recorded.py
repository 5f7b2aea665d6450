"""Recordings for the tests of the safety audit, and what it says of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from conformance.audit.safety.audit import SafetyAudit
from conformance.observe.finding import Problem
from conformance.observe.recorded import Recorded, Recorder
from conformance.simulation.episode import first_finding
from conformance.simulation.run import Run
from conformance.simulation.schedule.simulate import Schedule
from conformance.trace.files import read
from conformance.trace.records import records
from tests.support.recordings import crate


@dataclass(frozen=True)
class Audited:
    problems: list[Problem]
    checked: dict[str, int]
    unjudged: dict[str, dict[str, int]]


def audited(recording: Iterable[Recorded], complete: bool = True) -> Audited:
    audit = SafetyAudit(complete)
    for record in recording:
        audit.add(record)
    return Audited(audit.finish(), audit.checked, audit.unjudged)


@cache
def recorded(name: str) -> list[Recorded]:
    with read(crate(name)) as reader:
        return list(records(reader))


@cache
def simulated(episode: int) -> list[Recorded]:
    """What the specification does, without the messages that the simulator makes up."""
    schedule, recorder = Schedule(5, episode).honest(), Recorder()
    assert first_finding(schedule, Run(schedule.profile.nodes, recorder=recorder)) is None
    return recorder.records


EPISODES = range(12)
