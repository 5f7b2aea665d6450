"""What the driver's servers record is Raft, as an audit at exact level has it."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.audit.run import audit
from examples.kvstore.driver.kit.disks import MemoryStorage
from examples.kvstore.driver.kit.simulation import Faults, Simulation
from examples.kvstore.driver.storage import Identity
from raftbare import NodeId


class ForgetsVotes(MemoryStorage):
    """It comes up again without one."""

    def save_voted_for(self, voted_for: NodeId | None) -> None:
        pass


def recorded(folder: Path, kind: type[MemoryStorage], seed: int) -> Simulation:
    disks: dict[NodeId, MemoryStorage] = {}

    def open_storage(identity: Identity) -> MemoryStorage:
        return disks.setdefault(identity.me.id, kind())

    faults = Faults(crash=0.003, change=0.5)
    return Simulation(seed, open_storage, faults=faults, recording=folder)


@pytest.mark.parametrize("seed", [1, 2])
def test_recordings_of_crashing_servers_conform(tmp_path: Path, seed: int) -> None:
    simulation = recorded(tmp_path, MemoryStorage, seed)
    simulation.run(10)
    simulation.settle()
    simulation.check()
    simulation.close()
    judged = audit([tmp_path])
    assert (judged.verdict, judged.problems) == ("conforms", [])
    assert {file.level for file in judged.files} == {"exact"}
    assert judged.events > 300
    assert simulation.crashes > 0


def test_a_vote_that_was_not_saved_is_found_in_the_recordings(tmp_path: Path) -> None:
    simulation = recorded(tmp_path, ForgetsVotes, 1)
    simulation.run(10)
    simulation.close()
    assert audit([tmp_path]).verdict == "violation"
