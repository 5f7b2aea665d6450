"""The driver's core under its test kit: what is right passes, planted mistakes are caught."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from examples.kvstore.driver.core import Core
from examples.kvstore.driver.kit.disks import MemoryStorage, check_storage
from examples.kvstore.driver.kit.journal import Operation, problems
from examples.kvstore.driver.kit.simulation import Faults, Simulation
from examples.kvstore.driver.letters import Done
from examples.kvstore.driver.reads import Reads
from examples.kvstore.driver.replica import Replica
from examples.kvstore.driver.storage import Identity, Snapshot, SQLiteStorage
from raftbare import (
    Action,
    AppendLogEntries,
    ClusterConfig,
    LogEntries,
    LogIndex,
    LogPosition,
    NodeId,
    RaftError,
)

ROUGH = Faults(loss=0.15, doubling=0.15, delay=0.1, crash=0.003, partition=0.4, change=0.3)


def disks(kind: type[MemoryStorage] = MemoryStorage) -> Callable[[Identity], MemoryStorage]:
    """One for each server, which stays."""
    made: dict[NodeId, MemoryStorage] = {}

    def open_storage(identity: Identity) -> MemoryStorage:
        return made.setdefault(identity.me.id, kind())

    return open_storage


def run(simulation: Simulation, seconds: float = 20) -> list[Operation]:
    simulation.run(seconds)
    simulation.settle()
    return simulation.check()


@pytest.mark.parametrize("seed", range(5))
def test_what_was_acknowledged_is_applied_once_whatever_fails(seed: int) -> None:
    simulation = Simulation(seed, disks(), faults=ROUGH)
    history = run(simulation)
    assert sum(one.ended is not None for one in history) > 50
    assert simulation.crashes > 3


def test_the_same_seed_gives_the_same_run() -> None:
    histories = [run(Simulation(7, disks(), faults=ROUGH), 5) for _ in range(2)]
    assert histories[0] == histories[1]
    assert len(histories[0]) > 5


def test_members_come_go_and_lead_and_snapshots_are_brought_to_them() -> None:
    """What the runs above must have seen, or they show little."""
    up = []
    for seed in range(2):
        simulation = Simulation(seed, disks(), faults=replace(Faults(), change=0.8))
        run(simulation)
        up += simulation.summary()
    assert max(one["id"] for one in up) > 3
    assert sum(one["counters"]["snapshots"] for one in up) > 0
    assert sum(one["counters"]["leaderships"] for one in up) > 2
    assert max(one["first_index"] for one in up) > 100


def test_with_sqlite_files_it_is_the_same(tmp_path: Path) -> None:
    def open_storage(identity: Identity) -> SQLiteStorage:
        path = tmp_path / identity.me.name
        return SQLiteStorage(path) if path.exists() else SQLiteStorage.create(path, identity)

    with Simulation(3, open_storage, faults=ROUGH) as simulation:
        run(simulation, 5)
        assert simulation.crashes > 0


# Planted mistakes


class ForgetsVotes(MemoryStorage):
    def save_voted_for(self, voted_for: NodeId | None) -> None:
        pass


class ForgetsConfigurations(MemoryStorage):
    """The snapshot is without the configuration there."""

    def save_snapshot(self, snapshot: Snapshot) -> None:
        super().save_snapshot(replace(snapshot, config=ClusterConfig()))


class LosesWrites(MemoryStorage):
    """No fsync: a crash loses the last write of the log."""

    def append(self, entries: LogEntries, contents: Mapping[LogPosition, bytes]) -> None:
        self.before = self.load()
        super().append(entries, contents)

    def save_snapshot(self, snapshot: Snapshot) -> None:
        super().save_snapshot(snapshot)
        self.before = self.load()

    def close(self) -> None:
        before = getattr(self, "before", self.saved)
        self.saved.log, self.saved.contents = before.log, before.contents


class RepliesFirst(Core):
    """Writes the log at the end of the drain."""

    def _drain(self) -> None:
        self.late: list[Action] = []
        super()._drain()
        for action in self.late:
            super()._execute(action)

    def _execute(self, action: Action) -> None:
        if isinstance(action, AppendLogEntries):
            self.late.append(action)
        else:
            super()._execute(action)


class Unconfirmed(Reads):
    def serve(self, applied: LogIndex) -> None:
        if self._context.leads:
            for client, query in self._asked:
                client.send(Done(query.tag, self._query(query.question)))
            self._asked = []
        super().serve(applied)


class ForgetsSessions(Replica):
    def restore(self, data: bytes) -> None:
        super().restore(data)
        self._sessions.clear()


class AppliesTwice(Replica):
    def _execute(self, session: int, number: int, command: bytes) -> bytes:
        return self.machine.apply(command)


CONTESTED = Faults(crash=0.03, down=0.02, delay=0.3, loss=0, partition=0, pause=0, change=0)
"""Many elections, and crashes right after a vote."""

CRASHING = Faults(loss=0.1, doubling=0.1, delay=0.1, crash=0.01, down=0.3, change=0, pause=0)

CHANGING = Faults(crash=0.004, change=0.5)

STILL = Faults(crash=0, pause=0.4, change=0, loss=0, partition=0)
"""Leaders that stand still, and do not know what has happened meanwhile."""

BUGS: dict[str, tuple[Faults, dict[str, Any]]] = {
    "a vote is not saved": (CONTESTED, {"disk": ForgetsVotes}),
    "the log is not synced": (CRASHING, {"disk": LosesWrites}),
    "a reply goes before the write": (CRASHING, {"make_core": RepliesFirst}),
    "a snapshot is without its configuration": (CHANGING, {"disk": ForgetsConfigurations}),
    "a read is not confirmed": (STILL, {"Reads": Unconfirmed}),
    "sessions are not in the snapshot": (CHANGING, {"Replica": ForgetsSessions}),
    "a retry is applied twice": (CHANGING, {"Replica": AppliesTwice}),
}


@pytest.mark.parametrize("bug", BUGS)
def test_each_planted_mistake_is_caught(bug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By one run of a hundred, mostly one of the first ten."""
    faults, parts = BUGS[bug]
    for name in ("Reads", "Replica"):
        if name in parts:
            monkeypatch.setattr(f"{Core.__module__}.{name}", parts[name])
    disk, make_core = parts.get("disk", MemoryStorage), parts.get("make_core", Core)
    with pytest.raises((AssertionError, RaftError)):
        for seed in range(100):
            run(
                Simulation(
                    seed,
                    disks(disk),
                    nodes=5 if faults is CONTESTED else 3,
                    clients=6,
                    faults=faults,
                    make_core=make_core,
                )
            )


def test_a_storage_that_forgets_is_told_from_one_that_does_not() -> None:
    disk, forgetful = MemoryStorage(), ForgetsVotes()
    check_storage(lambda: disk, seed=0)
    with pytest.raises(AssertionError, match="was saved"):
        check_storage(lambda: forgetful, seed=0)


# The judgement of histories


def appended(text: str, begun: float, ended: float | None = None) -> Operation:
    return Operation(text, begun, ended)


def read(answer: list[str], begun: float, ended: float | None = None) -> Operation:
    return Operation("", begun, ended, answer)


A, B = appended("a", 0, 1), appended("b", 2, 3)


@pytest.mark.parametrize(
    ("history", "entries"),
    [
        ([A, B], ["a", "b"]),
        ([A, appended("b", 0.5, 3)], ["b", "a"]),
        ([A, appended("b", 0.5)], ["a"]),
        ([A, appended("b", 0.5)], ["a", "b"]),
        ([A, read([], 0, 2), read(["a"], 0.5, 2), read(["a"], 0, 0.6)], ["a"]),
        ([A, read(["a"], 2, 3), read(["a"], 4, 5), read([], 1, None)], ["a"]),
    ],
)
def test_what_may_be_is_no_problem(history: list[Operation], entries: list[str]) -> None:
    assert list(problems(history, entries)) == []


@pytest.mark.parametrize(
    ("history", "entries", "problem"),
    [
        ([A, B], ["a"], "'b' was acknowledged, and is lost"),
        ([A], ["a", "a"], "'a' was appended twice"),
        ([A, B], ["b", "a"], "'a' took effect after"),
        ([A, read([], 2, 3)], ["a"], "'a' took effect after"),
        ([appended("a", 0), read(["a"], 1, 2), read([], 3, 4)], ["a"], "'a read of 1"),
        ([A, read(["c"], 2, 3)], ["a"], "a read was told ['c']"),
    ],
)
def test_what_cannot_be_is_named(
    history: list[Operation], entries: list[str], problem: str
) -> None:
    found = list(problems(history, entries))
    assert len(found) == 1
    assert problem in found[0]
