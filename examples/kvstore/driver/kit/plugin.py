"""The kit as a pytest plugin, for a storage or a wire format of your own.

    pytest_plugins = ["examples.kvstore.driver.kit.plugin"]      in a conftest.py

    @pytest.fixture
    def open_storage():
        return lambda folder, identity: MyStorage(folder)

    def test_my_storage(storage_kit):
        storage_kit.check()

Opening the folder again is opening the same disk.  Between, the power goes: what was not synced is
lost, or torn (`power`).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from conformance.audit.run import audit

from ..storage import Identity
from .disks import ClosableStorage, check_storage
from .journal import Operation
from .power import Power
from .simulation import Simulation, simulated_member

OpenStorage = Callable[[Path, Identity], ClosableStorage]
"""Opens the disk in a folder, which is empty for a new one."""


class StorageKit:
    """`folder` is for disks and recordings; the rest is what the fixtures return."""

    def __init__(
        self,
        folder: Path,
        open_storage: OpenStorage,
        simulated: dict[str, Any],
        files_are_torn: bool = True,
    ) -> None:
        self._folder = folder
        self._open = open_storage
        self._simulated = simulated
        self._torn = files_are_torn

    def check(self, *, seeds: int = 3, seconds: float = 10.0) -> None:
        """Both of what follows, with so many seeds.  Raises `AssertionError`, or `RaftError` where
        a node comes up to what cannot be.
        """
        for seed in range(seeds):
            self.check_steps(seed=seed)
            self.check_cluster(seed=seed, seconds=seconds)

    def check_steps(self, *, seed: int, steps: int = 100) -> None:
        """One disk by itself: whatever was saved is there when it is opened again."""
        me = simulated_member(1)
        folder, identity = self._folder / f"steps-{seed}" / me.name, Identity("kit", me, (me,))
        folder.mkdir(parents=True)
        power = Power(folder, Random(seed))
        with power.watched():
            check_storage(lambda: self._reopened(power, folder, identity), seed=seed, steps=steps)

    def check_cluster(
        self, *, seed: int, seconds: float = 10.0, **simulated: Any
    ) -> list[Operation]:
        """A cluster under faults for so long, in virtual time; what clients saw.

        What its nodes did is recorded, and audited at the end.
        """
        disks = self._folder / f"cluster-{seed}"
        recording = disks.with_suffix(".recording")
        power = Power(disks, Random(seed))

        def open_storage(identity: Identity) -> ClosableStorage:
            folder = disks / identity.me.name
            folder.mkdir(parents=True, exist_ok=True)
            return self._reopened(power, folder, identity)

        arguments = {**self._simulated, **simulated}
        with (
            power.watched(),
            Simulation(seed, open_storage, recording=recording, **arguments) as simulation,
        ):
            simulation.run(seconds)
            simulation.settle()
            history = simulation.check()
        judged = audit([recording])
        assert judged.verdict == "conforms", f"{judged.verdict}: {judged.problems[:3]}"
        return history

    def _reopened(self, power: Power, folder: Path, identity: Identity) -> ClosableStorage:
        if self._torn:
            power.lose(folder)
        try:
            return self._open(folder, identity)
        except Exception as error:
            raise AssertionError(f"{folder}: not to be opened again: {error!r}") from error


@pytest.fixture
def open_storage() -> OpenStorage:
    """To be defined by whoever uses `storage_kit`."""
    pytest.fail("a fixture `open_storage` of your own is expected; it returns an `OpenStorage`")


@pytest.fixture
def simulated() -> dict[str, Any]:
    """What every `Simulation` is given besides: `encode` and `decode`, `faults`, `nodes`, ..."""
    return {}


@pytest.fixture
def files_are_torn() -> bool:
    """Whether the power goes; not for a storage that a library in C writes (`power`)."""
    return True


@pytest.fixture
def storage_kit(
    tmp_path: Path, open_storage: OpenStorage, simulated: dict[str, Any], files_are_torn: bool
) -> StorageKit:
    return StorageKit(tmp_path, open_storage, simulated, files_are_torn)
