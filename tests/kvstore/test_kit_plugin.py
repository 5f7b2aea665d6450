"""The test kit as its users have it: a right storage passes, and wrong ones are condemned."""

from __future__ import annotations

import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from examples.kvstore.driver.kit.disks import ClosableStorage, MemoryStorage
from examples.kvstore.driver.kit.plugin import StorageKit
from examples.kvstore.driver.kit.simulation import Faults
from examples.kvstore.driver.letters import LETTERS, Carried, Letter, PeerLetter
from examples.kvstore.driver.packing import pack
from examples.kvstore.driver.storage import Identity, SQLiteStorage
from examples.testkit.my_storage import FileStorage
from raftbare import LogEntries, LogPosition, RaftError

ROOT = Path(__file__).resolve().parents[2]
CRASHING = Faults(crash=0.01, down=0.3, change=0, pause=0)


class Unflushed(FileStorage):
    """The file is synced before Python has written all of it."""

    def _write(self) -> None:
        beside = self._path.with_suffix(".new")
        with beside.open("wb") as file:
            file.write(pickle.dumps(self.saved))
            os.fsync(file.fileno())
        os.replace(beside, self._path)


class InPlace(FileStorage):
    """What was there before is gone when a write is torn."""

    def _write(self) -> None:
        with self._path.open("wb") as file:
            file.write(pickle.dumps(self.saved))


class Late(FileStorage):
    """The log is on the disk with the next step, whatever that is: after the next action."""

    def append(self, entries: LogEntries, contents: Mapping[LogPosition, bytes]) -> None:
        MemoryStorage.append(self, entries, contents)


def kit(path: Path, kind: Callable[[Path], ClosableStorage], **simulated: Any) -> StorageKit:
    simulated.setdefault("faults", CRASHING)
    return StorageKit(path, lambda folder, identity: kind(folder / "data"), simulated)


def test_a_storage_that_syncs_passes(tmp_path: Path) -> None:
    kit(tmp_path, FileStorage).check(seeds=1, seconds=5)


def test_a_library_in_c_is_not_torn(tmp_path: Path) -> None:
    def opened(folder: Path, identity: Identity) -> SQLiteStorage:
        path = folder / "data"
        return SQLiteStorage(path) if path.exists() else SQLiteStorage.create(path, identity)

    StorageKit(tmp_path, opened, {}, files_are_torn=False).check(seeds=1, seconds=2)


@pytest.mark.parametrize("kind", [Unflushed, InPlace])
def test_one_that_does_not_sync_is_condemned(tmp_path: Path, kind: type[FileStorage]) -> None:
    with pytest.raises(AssertionError, match="not to be opened again"):
        kit(tmp_path, kind).check_steps(seed=1)
    with pytest.raises(AssertionError, match="not to be opened again"):
        kit(tmp_path, kind).check_cluster(seed=1)


def test_one_that_is_late_is_condemned_by_what_it_lost(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="was saved"):
        kit(tmp_path, Late).check_steps(seed=1)
    with pytest.raises((AssertionError, RaftError)):
        for seed in range(20):
            kit(tmp_path, Late).check_cluster(seed=seed)


def test_a_wire_format_of_its_own_is_tried_too(tmp_path: Path) -> None:
    def encode(letter: PeerLetter) -> bytes:
        return pack(letter)[::-1]

    def decode(data: bytes) -> Letter:
        return LETTERS.decode(data[::-1])

    backwards = kit(tmp_path, FileStorage, encode=encode, decode=decode)
    assert backwards.check_cluster(seed=1, seconds=3)


def test_contents_that_a_wire_format_forgets_are_missed(tmp_path: Path) -> None:
    def encode(letter: PeerLetter) -> bytes:
        return pack(replace(letter, contents=()) if isinstance(letter, Carried) else letter)

    with pytest.raises(AssertionError):
        kit(tmp_path, FileStorage, encode=encode).check_cluster(seed=1, seconds=3)


def test_the_sample_project_passes(tmp_path: Path) -> None:
    """With the fixtures, and with no configuration of this project."""
    for name in ("conftest.py", "test_my_storage.py"):
        shutil.copy(ROOT / "examples" / "testkit" / name, tmp_path)
    (tmp_path / "pytest.ini").touch()
    (tmp_path / "test_without.py").write_text("def test_it(storage_kit): pass\n", "utf-8")
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
        cwd=tmp_path,
        env={"PATH": "", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert "a fixture `open_storage` of your own is expected" in ran.stdout
    assert "1 passed, 1 error" in ran.stdout, ran.stdout + ran.stderr
