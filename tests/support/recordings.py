"""Recordings for the tests, and short stories that depart from the specification."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from random import Random

import pytest

from conformance.observe.observed import recorded_outcome
from conformance.observe.recorded import Recorded, Recorder
from conformance.simulation.episode import first_finding
from conformance.simulation.lockstep import Lockstep
from conformance.simulation.schedule.origin import Origin
from conformance.simulation.schedule.simulate import Schedule
from conformance.subjects.library import LibrarySubject
from conformance.subjects.subject import Subject
from conformance.trace.save import save
from spec import values as v
from tests.support.tape import Tape

CRATE = Path(__file__).resolve().parents[3] / "shared" / "traces"
"""Recordings of the original crate, which lie beside the repository and are no part of it."""


FOREIGN = CRATE.parent / "foreign"
"""Recordings of other implementations, which lie there too."""


def foreign(name: str) -> Path:
    path = FOREIGN / name
    if not path.exists():
        pytest.skip(f"{path} is not there: foreign recordings lie beside the repository")
    return path


def crate(name: str) -> Path:
    path = CRATE / name
    if not path.exists():
        pytest.skip(f"{path} is not there: the crate's traces lie beside the repository")
    return path


@cache
def simulated(episode: int, seed: int = 5) -> tuple[Recorded, ...]:
    """What the library does in an episode, each outcome as a trace tells it."""
    schedule, recorder = Schedule(seed, episode), Recorder()
    schedule.origin = Origin()  # what a recording begins with is all that an audit knows
    lockstep = Lockstep(schedule.profile.nodes, LibrarySubject(), recorder=recorder)
    assert first_finding(schedule, lockstep) is None
    return tuple(
        replace(record, outcome=recorded_outcome(record.outcome)) for record in recorder.records
    )


def by_node(recording: Iterable[Recorded]) -> dict[v.NodeId, list[Recorded]]:
    nodes: dict[v.NodeId, list[Recorded]] = defaultdict(list)
    for record in recording:
        nodes[record.node].append(record)
    return nodes


def shuffled(recording: Sequence[Recorded], random: Random) -> list[Recorded]:
    """The same records, those of each node in their order."""
    queues = {node: iter(own) for node, own in by_node(recording).items()}
    order = [record.node for record in recording]
    random.shuffle(order)
    return [next(queues[node]) for node in order]


ALL = v.Config(frozenset({0, 1, 2}))
OPENED = v.AppendEntriesCall(0, 1, 2, 0, v.ZERO, (v.Entry(0, ALL), v.Entry(1, v.TERM)))
"""The founding entry and the one that opens term 1, from node 0."""
COMMITTED = replace(OPENED, commit_index=2)
VOTE = v.RequestVoteCall(2, 1, 1, v.Position(0, 1))
ONLY, OTHER = frozenset({1}), frozenset({2})

STORIES: dict[str, tuple[v.Event, ...]] = {
    # A longer log, but of an older term.
    "D1": (v.Start(), v.Receive(OPENED), v.Receive(v.RequestVoteCall(2, 2, 1, v.Position(0, 5)))),
    # The elected leader is not the one it voted for.
    "D2": (v.Start(), v.Receive(VOTE), v.Receive(OPENED)),
    # A leader removes itself and learns that this is committed.
    "D3": (
        v.Start(),
        v.CreateCluster(ONLY),
        v.ProposeConfig(v.Config(ONLY, OTHER)),
        v.Receive(v.AppendEntriesReply(2, 1, 100, v.Position(1, 3))),
        v.Receive(v.AppendEntriesReply(2, 1, 101, v.Position(1, 4))),
    ),
    # A snapshot of what is not known to be committed.
    "D4": (v.Start(), v.Receive(OPENED), v.SnapshotInstalled(v.Position(1, 2), ALL)),
    # A call that begins before the snapshot.
    "D5": (
        v.Start(),
        v.Receive(COMMITTED),
        v.SnapshotInstalled(v.Position(1, 2), ALL),
        v.Receive(
            v.AppendEntriesCall(
                0, 1, 3, 2, v.Position(0, 1), (v.Entry(1, v.TERM), v.Entry(1, v.COMMAND))
            )
        ),
    ),
    # A later leader has another entry at the end of the log.
    "D6": (
        v.Start(),
        v.Receive(OPENED),
        v.Receive(v.AppendEntriesCall(2, 3, 1, 0, v.Position(2, 2), ())),
    ),
    # Asked for a vote in a later term than the one it voted in.
    "D7": (v.Start(), v.Receive(VOTE), v.Receive(v.RequestVoteCall(0, 2, 1, v.Position(0, 1)))),
    # A message of its own.
    "D8": (v.Start(), v.Receive(OPENED), v.Receive(v.RequestVoteCall(1, 5, 1, v.Position(1, 2)))),
    # A later leader that lacks a committed entry.
    "D9": (
        v.Start(),
        v.Receive(COMMITTED),
        v.Receive(v.AppendEntriesCall(2, 2, 1, 1, v.Position(0, 1), (v.Entry(2, v.TERM),))),
    ),
}
"""For each decision what shows it at the last event, at node 1."""


def story(name: str, subject: Subject) -> list[Recorded]:
    """A story, and one more event, without which nothing says that a drain was not cut short."""
    return Tape(subject).drive(*STORIES[name], v.Heartbeat()).records


def written(path: Path, recorded: Iterable[Recorded], implementation: str | None = None) -> Path:
    if implementation is None:
        save(path, recorded, 3)
    else:
        save(path, recorded, 3, implementation)
    return path
