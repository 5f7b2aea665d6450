"""Mistakes of drivers, planted in the servers of a campaign to see that it finds them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final
from unittest.mock import patch

from conformance.mutants.planted.crate import IN_LIBRARY
from conformance.subjects.patched import Patch
from examples.kvstore.driver.letters import Done
from examples.kvstore.driver.reads import Reads
from examples.kvstore.driver.replica import Replica
from examples.kvstore.driver.storage import Snapshot, SQLiteStorage
from raftbare import ClusterConfig, ReadIndex


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is done wrong, and the faults under which it shows."""

    what: str
    faults: tuple[str, ...]
    plant: Callable[[], None] = lambda: None
    library: tuple[Patch, ...] = ()
    """Patches of the library, of which the servers then run a copy."""


def _replace(owner: type, name: str, wrong: Any) -> None:
    patch.object(owner, name, wrong).start()  # for as long as the process lives


# What is written


def _vote_not_saved() -> None:
    _replace(SQLiteStorage, "save_voted_for", lambda self, voted_for: None)


DELAY: Final = 0.3
"""Seconds that a write waits in memory: as in a disk that says it has what it has not."""


class _Late:
    """Writes that happen later, in their order; those that wait are lost with the process."""

    def __init__(self) -> None:
        self._waiting: list[tuple[float, Callable[[], None]]] = []

    def later(self, write: Callable[[], None]) -> None:
        self._waiting.append((time.monotonic() + DELAY, write))
        while self._waiting[0][0] < time.monotonic():
            self._waiting.pop(0)[1]()

    def now(self) -> None:
        waiting, self._waiting = self._waiting, []
        for _, write in waiting:
            write()


def _late(*names: str) -> None:
    """These writes of the storage return before they are done."""
    late = _Late()
    for name in ("save_term", "save_voted_for", "append", "save_snapshot", "close"):
        right = getattr(SQLiteStorage, name)

        def write(self: SQLiteStorage, *given: Any, _right: Any = right, _name: str = name) -> None:
            if _name in names:
                held = _copied(given)
                late.later(lambda: _right(self, *held))
            else:
                late.now()
                _right(self, *given)

        _replace(SQLiteStorage, name, write)


def _copied(given: tuple[Any, ...]) -> tuple[Any, ...]:
    """What is written is what it was when that was asked for."""
    return tuple(dict(one) if isinstance(one, Mapping) else one for one in given)


def _reply_before_write() -> None:
    _late("append")


def _sync_skipped() -> None:
    _late("save_term", "save_voted_for", "append")


def _snapshot_without_configuration() -> None:
    right = SQLiteStorage.save_snapshot

    def save_snapshot(self: SQLiteStorage, snapshot: Snapshot) -> None:
        right(self, replace(snapshot, config=ClusterConfig()))

    _replace(SQLiteStorage, "save_snapshot", save_snapshot)


def _session_forgotten() -> None:
    right = Replica.restore

    def restore(self: Replica, data: bytes) -> None:
        right(self, data)
        self._sessions.clear()

    _replace(Replica, "restore", restore)


# What is read


def _read_without_confirmation() -> None:
    def serve(self: Reads, applied: int) -> None:
        for client, query in self._waiting:
            client.send(Done(query.tag, self._query(query.question)))
        self._waiting = []

    _replace(Reads, "call", lambda self: None)
    _replace(Reads, "serve", serve)


def _read_before_own_entry() -> None:
    rounds: list[tuple[ReadIndex, list[Any]]] = []  # any number at a time, so that many are wrong

    def call(self: Reads) -> None:
        node = self._context.node
        if self._waiting and self._context.leads:
            read = ReadIndex(node.current_term, node.heartbeat(), node.commit_index)
            rounds.append((read, self._waiting))
            self._waiting = []

    def serve(self: Reads, applied: int) -> None:
        node = self._context.node
        while rounds and rounds[0][0].term != node.current_term:
            del rounds[0]
        if not self._context.leads:
            self._fail()
            return
        while rounds and node.is_confirmed(rounds[0][0]):
            for client, query in rounds.pop(0)[1]:
                client.send(Done(query.tag, self._query(query.question)))
        self.call()

    _replace(Reads, "call", call)
    _replace(Reads, "serve", serve)


MISTAKES: Final[dict[str, Mistake]] = {
    "vote-not-saved": Mistake(
        "a vote is not on the disk", ("kill_leader", "kill_all"), _vote_not_saved
    ),
    "reply-before-write": Mistake(
        "an acknowledgement is sent before the entries are written",
        ("kill_one", "kill_all"),
        _reply_before_write,
    ),
    "index-only-vote": Mistake(
        "a vote compares the index of the last entries only (§5.4.1)",
        ("old_leader_returns",),
        library=IN_LIBRARY["D1"],
    ),
    "read-without-confirmation": Mistake(
        "a read is answered by a leader that may be none any more (§8)",
        ("stopped_alone",),
        _read_without_confirmation,
    ),
    "read-before-own-entry": Mistake(
        "a read is answered by a leader that does not know yet what is committed (§8)",
        ("follower_behind",),
        _read_before_own_entry,
    ),
    "session-forgotten": Mistake(
        "sessions are not in what a snapshot brings (dissertation, §6.3)",
        ("snapshots", "kill_leader"),
        _session_forgotten,
    ),
    "snapshot-without-configuration": Mistake(
        "a snapshot is saved without its configuration (§7)",
        ("snapshots", "kill_one"),
        _snapshot_without_configuration,
    ),
    "sync-skipped": Mistake(
        "writes are not on the disk when they are said to be", ("kill_all",), _sync_skipped
    ),
}
