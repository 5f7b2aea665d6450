"""The driver's core under its test kit: what is right passes, and each planted mistake is caught."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from examples.kvstore.driver.core import Core
from examples.kvstore.driver.kit.disks import MemoryStorage
from examples.kvstore.driver.kit.journal import Operation, problems
from examples.kvstore.driver.kit.simulation import Faults, Simulation
from examples.kvstore.driver.reads import Reads
from examples.kvstore.driver.replica import Replica
from examples.kvstore.driver.storage import Identity, Snapshot, SQLiteStorage, Storage
from raftbare import LogEntries, LogIndex, LogPosition, NodeId

ROUGH = Faults(loss=0.15, doubling=0.15, delay=0.1, crash=0.002, partition=0.4, change=0.3)


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
    assert len(histories[0]) > 20


def test_members_come_go_and_lead_and_snapshots_are_brought_to_them() -> None:
    """What the runs above must have seen, or they show little."""
    simulation = Simulation(4, disks(), faults=replace(Faults(), change=0.8))
    run(simulation, 30)
    up = simulation.summary()
    assert len(simulation.servers) > 3
    assert sum(one["counters"]["snapshots"] for one in up) > 0
    assert sum(one["counters"]["leaderships"] for one in up) > 0
    assert max(one["first_index"] for one in up) > 100


def test_with_sqlite_files_it_is_the_same(tmp_path: Path) -> None:
    def open_storage(identity: Identity) -> SQLiteStorage:
        path = tmp_path / identity.me.name
        return SQLiteStorage(path) if path.exists() else SQLiteStorage.create(path, identity)

    simulation = Simulation(3, open_storage, faults=ROUGH)
    run(simulation, 5)
    assert simulation.crashes > 0


# Planted mistakes


class ForgetsVotes(MemoryStorage):
    def save_voted_for(self, voted_for: NodeId | None) -> None:
        pass


class LosesWrites(MemoryStorage):
    """No fsync: the last write of the log is lost in a crash."""

    def append(self, entries: LogEntries, contents: Mapping[LogPosition, bytes]) -> None:
        self.before = self.load()
        super().append(entries, contents)

    def save_snapshot(self, snapshot: Snapshot) -> None:
        super().save_snapshot(snapshot)
        self.before = self.load()

    def close(self) -> None:
        before = getattr(self, "before", self.saved)
        self.saved.log, self.saved.contents = before.log, before.contents


class Unconfirmed(Reads):
    def serve(self, applied: LogIndex) -> None:
        for client, query, read in self._taken:
            self._taken[0] = client, query, type(read)(read.term, self._zero, read.index)
        super().serve(applied)


class ForgetsSessions(Replica):
    def restore(self, data: bytes) -> None:
        super().restore(data)
        self._sessions.clear()


class AppliesTwice(Replica):
    def _execute(self, session: int, number: int, command: bytes) -> bytes:
        return self.machine.apply(command)


def _with(name: str, part: type) -> Callable[..., Core]:
    """The core, with another class where it has that of this name."""

    def make(*arguments: Any, **options: Any) -> Core:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys.modules[Core.__module__], name, part)
            return Core(*arguments, **options)

    return make
