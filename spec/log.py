"""Positions, configurations, entries and logs: what persists, and what messages carry.

A term, an index or a message sequence number is a plain integer (0 is "none yet"), a node is named
by an integer.  Terms, indices and sequence numbers are only ever compared, added and passed on: the
rules run unchanged on symbolic integers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple, Protocol, TypeAlias

NodeId: TypeAlias = int
Term: TypeAlias = int
Index: TypeAlias = int
SeqNo: TypeAlias = int


class Position(NamedTuple):
    """A place in a log.  Ordered as §5.4.1 compares logs: by term first, then by index."""

    term: Term
    index: Index  # type: ignore[assignment]  # not a tuple's method of this name


ZERO: Final = Position(0, 0)
"""The position before every log."""


@dataclass(frozen=True, slots=True)
class Config:
    """A cluster's membership (§6).  With `new_voters` it is a joint one, C_old,new."""

    voters: frozenset[NodeId] = frozenset()
    new_voters: frozenset[NodeId] = frozenset()
    non_voters: frozenset[NodeId] = frozenset()

    @property
    def is_joint(self) -> bool:
        return bool(self.new_voters)

    @property
    def electors(self) -> frozenset[NodeId]:
        """Who has a vote: a voter of the old or of the new membership."""
        return self.voters | self.new_voters

    @property
    def members(self) -> frozenset[NodeId]:
        return self.voters | self.new_voters | self.non_voters


NO_CONFIG: Final = Config()

TERM: Final = "term"
COMMAND: Final = "command"
Payload: TypeAlias = Config | Literal["term", "command"]


class Entry(NamedTuple):
    """One log entry: the term of the leader that made it, and what it holds.

    `TERM` is the entry with which a leader opens its term (§8), `COMMAND` a command of the user
    (whose content is no concern of the protocol), a `Config` a membership (§6).
    """

    term: Term
    payload: Payload


class Entries(Protocol):
    """A sequence of entries.  A tuple is one; `spec.sequence.Sequence` is one for long logs."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[Entry]: ...
    def __getitem__(self, key: Any, /) -> Any: ...
    def __add__(self, more: Any, /) -> Any: ...


class Log(NamedTuple):
    """A node's log: a snapshot of a prefix (§7), and the entries after it.

    `config` is the membership in force, the last in the log, committed or not (§6), and
    `config_index` its index; both follow from the rest, which ConfigFromLog checks.
    """

    snapshot_position: Position = ZERO
    snapshot_config: Config = NO_CONFIG
    entries: Entries = ()
    config: Config = NO_CONFIG
    config_index: Index = 0

    @property
    def last_index(self) -> Index:
        return self.snapshot_position.index + len(self.entries)

    @property
    def last_position(self) -> Position:
        if not self.entries:
            return self.snapshot_position
        last: Entry = self.entries[-1]
        return Position(last.term, self.last_index)

    def term(self, index: Index) -> Term:
        """The term of the entry at an index, from the snapshot's to the last."""
        if index == self.snapshot_position.index:
            return self.snapshot_position.term
        return self.entry(index).term

    def entry(self, index: Index) -> Entry:
        """The entry at an index after the snapshot's, up to the last."""
        entry: Entry = self.entries[index - self.snapshot_position.index - 1]
        return entry

    def position(self, index: Index) -> Position:
        return Position(self.term(index), index)

    def contains(self, position: Position) -> bool:
        """Whether the log has this entry (its snapshot's last one included)."""
        return (
            self.snapshot_position.index <= position.index <= self.last_index
            and self.term(position.index) == position.term
        )

    def after(self, index: Index) -> Entries:
        """The entries that follow an index."""
        entries: Entries = self.entries[index - self.snapshot_position.index :]
        return entries

    def config_at(self, index: Index) -> Config:
        """The membership that was in force when the entry at `index` was the last."""
        return self.latest_config(index)[0]

    def truncated(self, last: Index) -> Log:
        """The log without the entries after index `last`."""
        kept = self.entries[: last - self.snapshot_position.index]
        if self.config_index <= last:
            config, index = self.config, self.config_index
        else:
            config, index = self.latest_config(last)
        return Log(self.snapshot_position, self.snapshot_config, kept, config, index)

    def appended(self, entries: Entries) -> Log:
        config, config_index = self.config, self.config_index
        for offset, entry in enumerate(entries):
            if isinstance(entry.payload, Config):
                config, config_index = entry.payload, self.last_index + 1 + offset
        return Log(
            self.snapshot_position,
            self.snapshot_config,
            self.entries + entries,
            config,
            config_index,
        )

    def compacted(self, position: Position, config: Config) -> Log:
        """The log once a snapshot up to `position` takes the place of its prefix (§7).

        What follows an entry that the snapshot ends with is kept; a log that has no such entry
        is covered by the snapshot, or conflicts with it, and is discarded.
        """
        if not self.contains(position):
            return new_log(position, config, self.entries[:0])
        kept = self.after(position.index)
        if self.config_index > position.index:
            return Log(position, config, kept, self.config, self.config_index)
        return Log(position, config, kept, config, position.index)

    def latest_config(self, last: Index) -> tuple[Config, Index]:
        """What `config_at` says, and the index of its entry; the snapshot's where that has it."""
        index = last
        while index > self.snapshot_position.index:
            payload = self.entry(index).payload
            if isinstance(payload, Config):
                return payload, index
            index -= 1
        return self.snapshot_config, self.snapshot_position.index


EMPTY_LOG: Final = Log()


def new_log(
    snapshot_position: Position = ZERO, snapshot_config: Config = NO_CONFIG, entries: Entries = ()
) -> Log:
    """A log of a snapshot and entries; its configuration is found in them."""
    empty = Log(
        snapshot_position, snapshot_config, entries[:0], snapshot_config, snapshot_position.index
    )
    return empty.appended(entries)
