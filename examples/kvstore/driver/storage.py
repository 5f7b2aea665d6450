"""What a server keeps on its disk: the protocol, and an SQLite file that follows it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Final, Protocol

from msgspec.msgpack import Decoder

from raftbare import (
    ClusterConfig,
    CommandEntry,
    ConfigEntry,
    Log,
    LogEntries,
    LogEntry,
    LogPosition,
    NodeId,
    Term,
    TermEntry,
    codec,
)

from .letters import Member
from .packing import Packed, UnreadableError, decoder, pack

Contents = dict[LogPosition, bytes]


class StorageError(Exception):
    """The disk does not hold what it must, or cannot be written: the server must not go on."""


class Identity(Packed, frozen=True):
    """Written when the disk is made, and never changed.

    - `cluster`: drawn when the cluster is made; servers of another one are not spoken to.
    - `me`: the server whose disk this is.
    - `founders`: the members with which the cluster begins, alike on all servers.
    """

    cluster: str
    me: Member
    founders: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Of the replica, as of `position`, where `config` was in force (§7)."""

    position: LogPosition
    config: ClusterConfig
    data: bytes

    @property
    def digest(self) -> bytes:
        return sha256(self.data).digest()


@dataclass(frozen=True, slots=True)
class Parts:
    """What is there of a snapshot that is being received, from its beginning on."""

    digest: bytes
    data: bytes


@dataclass(slots=True)
class Saved:
    """All that a disk holds.  `snapshot` is None where the log begins at its beginning."""

    term: Term = Term(0)  # noqa: RUF009
    voted_for: NodeId | None = None
    log: Log = field(default_factory=lambda: Log(ClusterConfig(), LogEntries(LogPosition.ZERO)))
    contents: Contents = field(default_factory=dict)
    snapshot: Snapshot | None = None
    parts: Parts | None = None


class Storage(Protocol):
    """One server's disk.  **What a method saves is durable when it returns**, all of it or, after a
    crash, nothing.  Any error but `StorageError` is taken for one: a server that cannot save stops.
    """

    def load(self) -> Saved: ...

    def save_term(self, term: Term) -> None: ...

    def save_voted_for(self, voted_for: NodeId | None) -> None: ...

    def append(self, entries: LogEntries, contents: Mapping[LogPosition, bytes]) -> None:
        """Let the log end with `entries`, and hold nothing else after `entries.prev_position`.

        `contents` has those of all commands among them, and maybe others.
        """

    def save_snapshot(self, snapshot: Snapshot) -> None:
        """In place of the one before, and of the log up to its position.

        What the log has after that is kept if it has that position, and else dropped.  Parts of
        this snapshot have served their purpose.
        """

    def read_snapshot(self, offset: int, length: int) -> bytes:
        """A part of the data of the snapshot that was saved last."""

    def save_part(self, digest: bytes, offset: int, data: bytes) -> None:
        """Of the snapshot with this digest, of which all before `offset` is there.

        Where that is 0, in place of what was there of any other.
        """


_SCHEMA: Final = """
CREATE TABLE identity (packed BLOB NOT NULL);
CREATE TABLE state (only INTEGER PRIMARY KEY CHECK (only = 1), term INTEGER NOT NULL,
                    voted_for INTEGER);
CREATE TABLE log (position INTEGER PRIMARY KEY, term INTEGER NOT NULL, kind INTEGER NOT NULL,
                  content BLOB NOT NULL);
CREATE TABLE snapshot (only INTEGER PRIMARY KEY CHECK (only = 1), term INTEGER NOT NULL,
                       position INTEGER NOT NULL, config BLOB NOT NULL, data BLOB NOT NULL);
CREATE TABLE part (start INTEGER PRIMARY KEY, digest BLOB NOT NULL, data BLOB NOT NULL);
INSERT INTO state VALUES (1, 0, NULL);
"""

_IDENTITIES: Final[Decoder[Identity]] = decoder(Identity)
_COMMAND, _TERM, _CONFIG = range(3)


class SQLiteStorage:
    """A disk in one SQLite file, open in one process at a time.

    In WAL mode with `synchronous=FULL` a transaction costs one fsync.  All that was proposed or
    received before a drain is one `append`: that is the group commit.
    """

    def __init__(self, path: Path) -> None:
        """Open what `create` made.  Raises `StorageError` for anything else."""
        if not path.is_file():
            raise StorageError(
                f"{path}: no data here. A server whose disk was lost comes back under another name"
            )
        self._path = path
        self._db = sqlite3.connect(path, timeout=0, isolation_level=None)
        try:
            _configure(self._db)
            (packed,) = self._db.execute("SELECT packed FROM identity").fetchone()
            self.identity = _IDENTITIES.decode(packed)
        except (sqlite3.Error, TypeError, UnreadableError) as error:
            self._db.close()
            raise StorageError(f"{path}: not the data of a server: {error}") from error

    @classmethod
    def create(cls, path: Path, identity: Identity) -> SQLiteStorage:
        """Make a new disk.  Raises `StorageError` where there is a file already."""
        if path.exists():
            raise StorageError(f"{path}: there is a file already")
        with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as db:
            _configure(db)
            with _transaction(db):
                for statement in _SCHEMA.split(";"):
                    db.execute(statement)
                db.execute("INSERT INTO identity VALUES (?)", (pack(identity),))
        return cls(path)

    def close(self) -> None:
        self._db.close()

    def load(self) -> Saved:
        term, voted_for = self._db.execute("SELECT term, voted_for FROM state").fetchone()
        snapshot = self._load_snapshot()
        config = snapshot.config if snapshot else ClusterConfig()
        entries = LogEntries(snapshot.position if snapshot else LogPosition.ZERO)
        contents: Contents = {}
        rows = self._db.execute("SELECT position, term, kind, content FROM log ORDER BY position")
        for index, of_term, kind, content in rows:
            if index != entries.last_position.index + 1:
                raise StorageError(
                    f"{self._path}: entry {index} follows {entries.last_position.index}"
                )
            entries.push(_entry(kind, of_term, content))
            if kind == _COMMAND:
                contents[entries.last_position] = content
        parts = self._load_parts()
        return Saved(term, voted_for, Log(config, entries), contents, snapshot, parts)

    def save_term(self, term: Term) -> None:
        with _transaction(self._db):
            self._db.execute("UPDATE state SET term = ?", (term,))

    def save_voted_for(self, voted_for: NodeId | None) -> None:
        with _transaction(self._db):
            self._db.execute("UPDATE state SET voted_for = ?", (voted_for,))

    def append(self, entries: LogEntries, contents: Mapping[LogPosition, bytes]) -> None:
        rows = [
            _row(position, entry, contents) for position, entry in entries.iter_with_positions()
        ]
        with _transaction(self._db):
            self._db.execute("DELETE FROM log WHERE position > ?", (entries.prev_position.index,))
            self._db.executemany("INSERT INTO log VALUES (?, ?, ?, ?)", rows)

    def save_snapshot(self, snapshot: Snapshot) -> None:
        term, index = snapshot.position.term, snapshot.position.index
        found = self._db.execute(
            "SELECT term FROM log WHERE position = :at"
            " UNION ALL SELECT term FROM snapshot WHERE position = :at",
            {"at": index},
        ).fetchone()
        with _transaction(self._db):
            if found == (term,):
                self._db.execute("DELETE FROM log WHERE position <= ?", (index,))
            else:
                self._db.execute("DELETE FROM log")
            self._db.execute("DELETE FROM part WHERE digest = ?", (snapshot.digest,))
            self._db.execute(
                "INSERT OR REPLACE INTO snapshot VALUES (1, ?, ?, ?, ?)",
                (term, index, codec.CONFIG.encode(snapshot.config), snapshot.data),
            )

    def read_snapshot(self, offset: int, length: int) -> bytes:
        with self._db.blobopen("snapshot", "data", 1, readonly=True) as blob:
            blob.seek(offset)
            return blob.read(length)

    def save_part(self, digest: bytes, offset: int, data: bytes) -> None:
        with _transaction(self._db):
            self._db.execute("DELETE FROM part WHERE start >= ?", (offset,))
            self._db.execute("INSERT INTO part VALUES (?, ?, ?)", (offset, digest, data))

    def _load_parts(self) -> Parts | None:
        rows = self._db.execute("SELECT digest, data FROM part ORDER BY start").fetchall()
        return Parts(rows[0][0], b"".join([data for _, data in rows])) if rows else None

    def _load_snapshot(self) -> Snapshot | None:
        row = self._db.execute("SELECT term, position, config, data FROM snapshot").fetchone()
        if row is None:
            return None
        return Snapshot(LogPosition(row[0], row[1]), codec.CONFIG.decode(row[2]), row[3])


def _configure(db: sqlite3.Connection) -> None:
    db.execute("PRAGMA locking_mode = EXCLUSIVE")  # a second process is refused
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")


@contextmanager
def _transaction(db: sqlite3.Connection) -> Iterator[None]:
    """All or nothing, and durable at the end."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def _row(
    position: LogPosition, entry: LogEntry, contents: Mapping[LogPosition, bytes]
) -> Sequence[object]:
    match entry:
        case TermEntry():
            return position.index, position.term, _TERM, b""
        case ConfigEntry(config):
            return position.index, position.term, _CONFIG, codec.CONFIG.encode(config)
        case CommandEntry():
            return position.index, position.term, _COMMAND, contents[position]


def _entry(kind: int, term: Term, content: bytes) -> LogEntry:
    if kind == _TERM:
        return TermEntry(term)
    return ConfigEntry(codec.CONFIG.decode(content)) if kind == _CONFIG else CommandEntry()
