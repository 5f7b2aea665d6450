"""What an exploration keeps on disk: its layers, and with a checkpoint all it needs to go on.

One file of sqlite3.  A layer is written in one transaction when it is complete, so a run that is
killed at any moment leaves a file from which another one goes on.  Each row has a checksum: what
was damaged is told, and never gone on from.  A checkpoint is one run's until that ends.
"""

from __future__ import annotations

import fcntl
import io
import json
import os
import pickle
import sqlite3
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, TextIO

import numpy as np

import raftbare
import spec
from conformance.explore.states.nodes import Emission
from conformance.explore.states.space import Space
from conformance.explore.states.tables import Array, Keys
from conformance.observe.failed import PROGRAM_FAILED
from conformance.observe.finding import Difference
from conformance.observe.observed import Observed
from conformance.workers.sources import digest_of
from spec.properties import Violation

FORMAT: Final = 2
PART: Final = 1 << 20
"""States in one row of the file at most."""

_TABLES: Final = """
CREATE TABLE about (key TEXT PRIMARY KEY, value TEXT, sum INTEGER);
CREATE TABLE states (depth INTEGER, first INTEGER, last INTEGER, data BLOB, sum INTEGER);
CREATE INDEX by_depth ON states (depth);
CREATE TABLE rows
    (name TEXT, first INTEGER, width INTEGER, type TEXT, data BLOB, sum INTEGER);
CREATE TABLE vals (name TEXT, first INTEGER, data BLOB, sum INTEGER);
"""


class BadCheckpoint(Exception):  # noqa: N818 (the checkpoint is bad, the program is not)
    """A file that no exploration can go on from."""


class Store:
    """Layers of states, and with `complete` everything else that a run has computed."""

    def __init__(self, path: Path, space: Space, complete: bool) -> None:
        self._path = path
        self._space = space
        self._complete = complete
        self._written: dict[str, int] = {}
        self._lock = _hold(path) if complete else None
        try:
            self._open(path, complete)
        except BaseException:
            if hasattr(self, "_file"):
                self._file.close()  # or what sqlite3 has written beside it would stay
            self._release()
            raise

    def _open(self, path: Path, complete: bool) -> None:
        there = path.exists()
        try:
            self._file = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._file.execute("PRAGMA journal_mode=WAL" if complete else "PRAGMA journal_mode=OFF")
            self._file.execute(
                "PRAGMA synchronous=NORMAL" if complete else "PRAGMA synchronous=OFF"
            )
            if self._file.execute("SELECT 1 FROM sqlite_master").fetchone() is None:
                # All of it or nothing: what has no table is what a run left that failed here.
                self._file.executescript(f"BEGIN; {_TABLES}")
                self._say("about", {"format": FORMAT, **_identity(self._space)})
                self._file.execute("COMMIT")
        except (sqlite3.Error, OSError, ValueError) as error:  # its complaints may not be UTF-8
            if not there and hasattr(self, "_file"):
                self._file.close()
                for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
                    path.with_name(name).unlink(missing_ok=True)
            raise BadCheckpoint(f"{path}: {error}; expected a file of an exploration") from None

    def close(self) -> None:
        self._file.close()
        self._release()

    def _release(self) -> None:
        if self._lock is not None:
            os.unlink(self._lock.name)
            self._lock.close()
            self._lock = None

    # Writing

    def write(self, depth: int, states: Keys, counters: dict[str, Any]) -> None:
        """A complete layer, and what was counted up to it."""
        try:
            self._file.execute("BEGIN")
            for start in range(0, len(states), PART):
                part = states[start : start + PART]
                data = part.tobytes()
                row = (depth, int(part[0]), int(part[-1]), data, zlib.crc32(data))
                self._file.execute("INSERT INTO states VALUES (?, ?, ?, ?, ?)", row)
            if self._complete:
                self._write_tables()
            self._say("counters", counters)
            self._file.execute("COMMIT")
        except sqlite3.Error as error:  # a full disk, or another run has it
            raise BadCheckpoint(f"{self._path}: cannot be written: {error}") from None

    def _say(self, key: str, value: Any) -> None:
        said = json.dumps(value)
        row = (key, said, zlib.crc32(said.encode()))
        self._file.execute("INSERT OR REPLACE INTO about VALUES (?, ?, ?)", row)

    def _write_tables(self) -> None:
        for name, first, part in self._unwritten(self._space.arrays()):
            array = np.ascontiguousarray(part)
            width, data = array.shape[1] if array.ndim > 1 else 0, array.tobytes()
            described = (name, first, width, array.dtype.str, data, zlib.crc32(data))
            self._file.execute("INSERT INTO rows VALUES (?, ?, ?, ?, ?, ?)", described)
        for name, first, values in self._unwritten(self._space.values()):
            pickled = zlib.compress(pickle.dumps(values, protocol=5), 1)
            row = (name, first, pickled, zlib.crc32(pickled))
            self._file.execute("INSERT INTO vals VALUES (?, ?, ?, ?)", row)

    def _unwritten(self, tables: dict[str, Any]) -> Iterator[tuple[str, int, Any]]:
        """Of each table what is not in the file yet, and where in the table that begins."""
        for name, table in tables.items():
            first = self._written.get(name, 0)
            if len(table) > first or name not in self._written:
                yield name, first, table[first:]
                self._written[name] = len(table)

    # Reading

    def layer(self, depth: int) -> Iterator[Keys]:
        """The parts of a layer, in order."""
        query = "SELECT data, sum FROM states WHERE depth = ? ORDER BY first"
        for data, told in self._rows(query, depth):
            yield np.frombuffer(self._whole(data, told), np.uint64)

    def parts(self, first: int, last: int, depth: int) -> Iterator[Keys]:
        """All parts up to a depth that may have states between these two."""
        query = "SELECT data, sum FROM states WHERE depth <= ? AND first <= ? AND last >= ?"
        for data, told in self._rows(query, depth, last, first):
            yield np.frombuffer(self._whole(data, told), np.uint64)

    def counters(self) -> dict[str, Any] | None:
        """What the run had counted that left this file; None if it is new."""
        try:
            about = {
                key: self._whole(value.encode(), told).decode()
                for key, value, told in self._rows("SELECT key, value, sum FROM about")
            }
            said = json.loads(about["about"])
            counters = json.loads(about["counters"]) if "counters" in about else None
        except (sqlite3.Error, KeyError, AttributeError, ValueError) as error:
            raise BadCheckpoint(
                f"{self._path}: {error}; expected a file of an exploration"
            ) from None
        for key, expected in {"format": FORMAT, **_identity(self._space)}.items():
            if said.get(key) != expected:
                raise BadCheckpoint(
                    f"{self._path}: made with {key} {said.get(key)}, this run has {expected}"
                )
        return counters if isinstance(counters, dict) else None

    def restore(self) -> None:
        """Fill the tables of the space, which is new."""
        try:
            values: dict[str, list[Any]] = {}
            for (report,) in self._rows("PRAGMA quick_check(1)"):
                if report != "ok":
                    raise self._damaged(report)
            for name, data, told in self._rows("SELECT name, data, sum FROM vals ORDER BY first"):
                pickled = zlib.decompress(self._whole(data, told))
                loaded = _Unpickler(io.BytesIO(pickled)).load()
                values.setdefault(name, []).extend(loaded)
            arrays: dict[str, list[Array]] = {}
            query = "SELECT name, width, type, data, sum FROM rows ORDER BY first"
            for name, width, dtype, data, told in self._rows(query):
                array = np.frombuffer(self._whole(data, told), np.dtype(dtype))
                arrays.setdefault(name, []).append(array.reshape(-1, width) if width else array)
            self._space.restore(
                values, {name: np.concatenate(parts) for name, parts in arrays.items()}
            )
            tables: dict[str, Any] = {**self._space.arrays(), **self._space.values()}
            self._written = {name: len(table) for name, table in tables.items()}
        except BadCheckpoint:
            raise
        except PROGRAM_FAILED:
            raise
        except Exception as error:  # whatever was read is not what was written
            raise self._damaged(error) from None

    def _rows(self, query: str, *arguments: object) -> Iterator[Any]:
        try:
            # A cursor that is delegated to is closed with the generator, maybe after the file.
            yield from iter(self._file.execute(query, arguments).fetchone, None)
        except (sqlite3.Error, ValueError) as error:
            raise self._damaged(error) from None

    def _whole(self, data: Any, told: Any) -> bytes:
        """The data of a row, which are as they were written."""
        if not isinstance(data, bytes) or zlib.crc32(data) != told:
            raise self._damaged("a row is not as it was written")
        return data

    def _damaged(self, why: object) -> BadCheckpoint:
        return BadCheckpoint(f"{self._path}: {why}; the file is damaged")


def _hold(path: Path) -> TextIO:
    """A lock beside the file, for the whole run: it has the number of the process that holds it."""
    if path.exists() and not path.is_file():
        raise BadCheckpoint(f"{path}: expected a file of an exploration, or none")
    lock = path.with_name(f"{path.name}.lock")
    while True:
        try:
            file = lock.open("a+", encoding="utf-8")
        except OSError as error:
            raise BadCheckpoint(f"{lock}: {error.strerror}; the run's lock goes there") from None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "another process"
            file.close()
            raise BadCheckpoint(f"{path}: {holder} is exploring with it") from None
        if lock.exists() and os.path.samestat(lock.stat(), os.fstat(file.fileno())):
            break
        file.close()  # whoever held it has just removed it
    file.truncate(0)
    file.write(f"process {os.getpid()}\n")
    file.flush()
    return file


def _identity(space: Space) -> dict[str, Any]:
    """What has to be the same for a run to go on."""
    return {
        "bounds": space.bounds.as_json(),
        "symmetry": space.symmetry,
        "compared": space.nodes.compare is not None,
        "sources": sources(),
    }


def sources() -> str:
    """A digest of the code that decides what an exploration finds."""
    assert spec.__file__ is not None
    assert raftbare.__file__ is not None
    here = Path(__file__).parents[1]
    return digest_of([Path(spec.__file__).parent, Path(raftbare.__file__).parent, here])


class _Unpickler(pickle.Unpickler):
    """Takes the values that an exploration is made of, and nothing that could do anything."""

    def find_class(self, module: str, name: str) -> Any:
        known = (
            "spec.log",
            "spec.values",
            "spec.cluster",
            "spec.pending",
            "conformance.explore.states.bounds",
        )
        more = {(one.__module__, one.__name__) for one in _MORE}
        if module in known or (module, name) in more:
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"{module}.{name} is no value of an exploration")


_MORE: Final = (Emission, Difference, Violation, Observed, frozenset)
