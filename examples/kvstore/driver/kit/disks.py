"""Storages for tests: one in memory, one that crashes, and one that another is compared with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import sha256
from random import Random
from typing import Final, Protocol

from raftbare import (
    ClusterConfig,
    CommandEntry,
    ConfigEntry,
    Log,
    LogEntries,
    LogEntry,
    LogIndex,
    LogPosition,
    NodeId,
    Term,
    TermEntry,
)

from ..storage import Parts, Saved, Snapshot, Storage


class CrashError(Exception):
    """The process ends here.  What was saved before is on its disk."""


class MemoryStorage:
    """Written to be evidently right, and not to be fast: what others are compared with."""

    def __init__(self) -> None:
        self.saved = Saved()

    def load(self) -> Saved:
        """A copy: the disk does not change with what is made of it."""
        saved = self.saved
        contents = dict(saved.contents)
        log, snapshot, parts = saved.log.copy(), saved.snapshot, saved.parts
        return Saved(saved.term, saved.voted_for, log, contents, snapshot, parts)

    def save_term(self, term: Term) -> None:
        self.saved.term = term

    def save_voted_for(self, voted_for: NodeId | None) -> None:
        self.saved.voted_for = voted_for

    def append(self, entries: LogEntries, contents: Mapping[LogPosition, bytes]) -> None:
        log = self.saved.log.entries
        assert log.contains(entries.prev_position), "what is appended follows what is there"
        log.truncate(entries.prev_position.index - log.prev_position.index)
        self._forget()
        for position, entry in entries.iter_with_positions():
            log.push(entry)
            if isinstance(entry, CommandEntry):
                self.saved.contents[position] = contents[position]

    def save_snapshot(self, snapshot: Snapshot) -> None:
        entries = self.saved.log.entries.since(snapshot.position)
        self.saved.log = Log(snapshot.config, entries or LogEntries(snapshot.position))
        self.saved.snapshot = snapshot
        if self.saved.parts and self.saved.parts.digest == snapshot.digest:
            self.saved.parts = None
        self._forget()

    def read_snapshot(self, offset: int, length: int) -> bytes:
        assert self.saved.snapshot is not None
        return self.saved.snapshot.data[offset : offset + length]

    def save_part(self, digest: bytes, offset: int, data: bytes) -> None:
        before = self.saved.parts.data[:offset] if self.saved.parts else b""
        self.saved.parts = Parts(digest, before + data)

    def close(self) -> None:
        """Nothing is open."""

    def _forget(self) -> None:
        """Contents of what is not in the log any more."""
        log, first = self.saved.log.entries, self.saved.log.snapshot_position.index
        self.saved.contents = {
            position: content
            for position, content in self.saved.contents.items()
            if position.index > first and log.contains(position)
        }


class CrashingStorage:
    """Crashes before or after something is saved, where `crash_point` raises `CrashError`."""

    def __init__(self, storage: Storage, crash_point: Callable[[], None]) -> None:
        self._storage = storage
        self._crash_point = crash_point

    def load(self) -> Saved:
        return self._storage.load()

    def save_term(self, term: Term) -> None:
        self._crash_point()
        self._storage.save_term(term)
        self._crash_point()

    def save_voted_for(self, voted_for: NodeId | None) -> None:
        self._crash_point()
        self._storage.save_voted_for(voted_for)
        self._crash_point()

    def append(self, entries: LogEntries, contents: Mapping[LogPosition, bytes]) -> None:
        self._crash_point()
        self._storage.append(entries, contents)
        self._crash_point()

    def save_snapshot(self, snapshot: Snapshot) -> None:
        self._crash_point()
        self._storage.save_snapshot(snapshot)
        self._crash_point()

    def read_snapshot(self, offset: int, length: int) -> bytes:
        return self._storage.read_snapshot(offset, length)

    def save_part(self, digest: bytes, offset: int, data: bytes) -> None:
        self._crash_point()
        self._storage.save_part(digest, offset, data)
        self._crash_point()


class ClosableStorage(Storage, Protocol):
    """Opened for each life of a server, and closed when it ends, as a crash would do it."""

    def close(self) -> None: ...


def check_storage(reopen: Callable[[], ClosableStorage], *, seed: int, steps: int = 100) -> None:
    """Random steps, with `MemoryStorage` beside; the storage is opened again now and then, and has
    to hold the same.  Raises `AssertionError`.

    `reopen` opens the same disk each time: an empty one at first.
    """
    random = Random(seed)
    expected, storage = MemoryStorage(), reopen()
    _assert_equal(storage.load(), expected.load(), "an empty disk")
    for step in range(steps):
        save = _random_step(random, expected.load())
        save(expected)
        save(storage)
        snapshot = expected.saved.snapshot
        if snapshot is not None:
            offset, length = random.randrange(len(snapshot.data)), random.randint(1, 50)
            part = storage.read_snapshot(offset, length)
            assert part == snapshot.data[offset : offset + length], f"step {step}: read_snapshot"
        if random.random() < 0.3:
            storage.close()
            storage = reopen()
            _assert_equal(storage.load(), expected.load(), f"step {step}")
    storage.close()


_SMALL: Final = b"a small snapshot, parts of which may be there"


def _random_step(random: Random, saved: Saved) -> Callable[[Storage], None]:
    log, term = saved.log.entries, saved.term
    choice = random.random()
    if choice < 0.2:
        return lambda storage: storage.save_term(Term(term + 1))
    if choice < 0.4:
        vote = random.choice([None, NodeId(0), NodeId(2**40)])
        return lambda storage: storage.save_voted_for(vote)
    if choice < 0.45:
        begun = saved.parts or Parts(sha256(_SMALL).digest(), b"")
        digest, offset = random.choice(
            [
                (begun.digest, len(begun.data)),
                (random.randbytes(32), 0),
                (sha256(_SMALL).digest(), 0),
            ]
        )
        part = random.randbytes(random.randint(1, 300))
        return lambda storage: storage.save_part(digest, offset, part)
    if choice < 0.55 and term >= log.last_position.term:
        # Of its own log, or a leader's that lies beyond it.
        index = LogIndex(random.randint(log.prev_position.index, log.last_position.index + 5))
        at = LogPosition(log.get_term(index) or term, index)
        data = random.choice([_SMALL, random.randbytes(random.randint(1, 3000))])
        config = ClusterConfig([NodeId(random.randrange(9))], (), [NodeId(9)])
        snapshot = Snapshot(at, config, data)
        return lambda storage: storage.save_snapshot(snapshot)
    prev_index = LogIndex(random.randint(log.prev_position.index, log.last_position.index))
    prev_term = log.get_term(prev_index)
    assert prev_term is not None
    entries = LogEntries(LogPosition(prev_term, prev_index), _random_entries(random, prev_term))
    contents = {
        position: random.randbytes(random.choice([0, 1, 20, 5000]))
        for position, entry in entries.iter_with_positions()
        if isinstance(entry, CommandEntry)
    }
    return lambda storage: storage.append(entries, contents)


def _random_entries(random: Random, term: Term) -> list[LogEntry]:
    made: list[LogEntry] = []
    for _ in range(random.randint(0, 6)):
        kind = random.random()
        if kind < 0.15:
            term = Term(term + random.randint(0, 2))
            made.append(TermEntry(term))
        elif kind < 0.3:
            made.append(ConfigEntry(ClusterConfig([NodeId(1), NodeId(2)], [NodeId(3)])))
        else:
            made.append(CommandEntry())
    return made


def _assert_equal(found: Saved, expected: Saved, when: str) -> None:
    assert found.term == expected.term, f"{when}: term {found.term}, {expected.term} was saved"
    voted = found.voted_for, expected.voted_for
    assert voted[0] == voted[1], f"{when}: vote {voted[0]}, {voted[1]} was saved"
    assert found.log == expected.log, f"{when}: {found.log!r}, {expected.log!r} was saved"
    assert found.contents == expected.contents, f"{when}: the contents of commands differ"
    assert found.snapshot == expected.snapshot, f"{when}: the snapshots differ"
    assert found.parts == expected.parts, f"{when}: the parts of a snapshot differ"
