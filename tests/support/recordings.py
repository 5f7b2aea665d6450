"""Recordings for the tests, and short stories that depart from the specification."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from conformance.observe.recorded import Recorded, Recorder
from conformance.simulation.lockstep import Lockstep
from conformance.simulation.simulate import Schedule
from conformance.subjects.library import LibrarySubject
from conformance.subjects.subject import Subject
from conformance.trace.records import told
from conformance.trace.save import save
from spec.values import (
    COMMAND,
    TERM,
    ZERO,
    AppendEntriesCall,
    AppendEntriesReply,
    Config,
    CreateCluster,
    Entry,
    Event,
    Heartbeat,
    NodeId,
    Position,
    ProposeConfig,
    Receive,
    RequestVoteCall,
    SnapshotInstalled,
    Start,
)

CRATE = Path(__file__).resolve().parents[3] / "shared" / "traces"


def crate(name: str) -> Path:
    """A recording of the original crate, which lies beside the repository."""
    path = CRATE / name
    if not path.exists():
        pytest.skip(f"{path} is not there: the crate's traces lie beside the repository")
    return path


@cache
def simulated(episode: int, seed: int = 5) -> tuple[Recorded, ...]:
    """What the library does in an episode, each outcome as a trace tells it."""
    schedule, recorder = Schedule(seed, episode), Recorder()
    lockstep = Lockstep(schedule.profile.nodes, LibrarySubject(), recorder=recorder)
    for _ in range(schedule.profile.length):
        assert lockstep.take(schedule.next(lockstep.cluster)) is None
    return tuple(replace(record, outcome=told(record.outcome)) for record in recorder.records)


class Tape:
    """Drives a subject and records it."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.recorder = Recorder()

    def add(self, event: Event, node: NodeId = 1, drain: bool = True) -> None:
        outcome = told(self.subject.handle(node, event))
        self.recorder.input(node, event, outcome, self.subject.observe(node))
        if drain:
            self.recorder.drained(node, self.subject.drain(node), self.subject.observe(node))


ALL = Config(frozenset({0, 1, 2}))
OPENED = AppendEntriesCall(0, 1, 2, 0, ZERO, (Entry(0, ALL), Entry(1, TERM)))
"""The founding entry and the one that opens term 1, from node 0."""
COMMITTED = replace(OPENED, commit_index=2)
VOTE = RequestVoteCall(2, 1, 1, Position(0, 1))
ONLY, OTHER = frozenset({1}), frozenset({2})

STORIES: dict[str, tuple[Event, ...]] = {
    # A longer log, but of an older term.
    "D1": (Start(), Receive(OPENED), Receive(RequestVoteCall(2, 2, 1, Position(0, 5)))),
    # The elected leader is not the one it voted for.
    "D2": (Start(), Receive(VOTE), Receive(OPENED)),
    # A leader removes itself and learns that this is committed.
    "D3": (
        Start(),
        CreateCluster(ONLY),
        ProposeConfig(Config(ONLY, OTHER)),
        Receive(AppendEntriesReply(2, 1, 100, Position(1, 3))),
        Receive(AppendEntriesReply(2, 1, 101, Position(1, 4))),
    ),
    # A snapshot of what is not known to be committed.
    "D4": (Start(), Receive(OPENED), SnapshotInstalled(Position(1, 2), ALL)),
    # A call that begins before the snapshot.
    "D5": (
        Start(),
        Receive(COMMITTED),
        SnapshotInstalled(Position(1, 2), ALL),
        Receive(AppendEntriesCall(0, 1, 3, 2, Position(0, 1), (Entry(1, TERM), Entry(1, COMMAND)))),
    ),
    # A later leader has another entry at the end of the log.
    "D6": (Start(), Receive(OPENED), Receive(AppendEntriesCall(2, 3, 1, 0, Position(2, 2), ()))),
    # Asked for a vote in a later term than the one it voted in.
    "D7": (Start(), Receive(VOTE), Receive(RequestVoteCall(0, 2, 1, Position(0, 1)))),
    # A message of its own.
    "D8": (Start(), Receive(OPENED), Receive(RequestVoteCall(1, 5, 1, Position(1, 2)))),
    # A later leader that lacks a committed entry.
    "D9": (
        Start(),
        Receive(COMMITTED),
        Receive(AppendEntriesCall(2, 2, 1, 1, Position(0, 1), (Entry(2, TERM),))),
    ),
}
"""For each decision what shows it at the last event, at node 1."""


def story(name: str, subject: Subject) -> list[Recorded]:
    """A story, and one more event, without which nothing says that a drain was not cut short."""
    tape = Tape(subject)
    for event in (*STORIES[name], Heartbeat()):
        tape.add(event)
    return tape.recorder.records


def written(path: Path, recorded: Iterable[Recorded], implementation: str | None = None) -> Path:
    if implementation is None:
        save(path, recorded, 3)
    else:
        save(path, recorded, 3, implementation)
    return path
