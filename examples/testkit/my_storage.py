"""A small project's storage for the driver of raftbare: all of it in one file, written anew."""

from __future__ import annotations

import os
import pickle
from collections.abc import Mapping
from pathlib import Path

from examples.kvstore.driver.kit.disks import MemoryStorage
from examples.kvstore.driver.storage import Snapshot
from raftbare import LogEntries, LogPosition, NodeId, Term


class FileStorage(MemoryStorage):
    """What `MemoryStorage` holds, in a file after each step."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        if path.exists():
            self.saved = pickle.loads(path.read_bytes())

    def save_term(self, term: Term) -> None:
        super().save_term(term)
        self._write()

    def save_voted_for(self, voted_for: NodeId | None) -> None:
        super().save_voted_for(voted_for)
        self._write()

    def append(self, entries: LogEntries, contents: Mapping[LogPosition, bytes]) -> None:
        super().append(entries, contents)
        self._write()

    def save_snapshot(self, snapshot: Snapshot) -> None:
        super().save_snapshot(snapshot)
        self._write()

    def save_part(self, digest: bytes, offset: int, data: bytes) -> None:
        super().save_part(digest, offset, data)
        self._write()

    def _write(self) -> None:
        beside = self._path.with_suffix(".new")
        with beside.open("wb") as file:
            file.write(pickle.dumps(self.saved))
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, self._path)
