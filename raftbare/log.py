"""A node's log, and the two comparisons of logs on which replication rests (§5.3)."""

from __future__ import annotations

from typing import ClassVar, NamedTuple, final

from raftbare.arguments import checked
from raftbare.config import ClusterConfig
from raftbare.entries import LogEntries
from raftbare.error import InvariantError
from raftbare.types import LogIndex, LogPosition


@final
class Log:
    """A snapshot of a prefix (§7), known by its last position and the configuration there, and
    the entries after it.

    - `snapshot_config`: the configuration in force where the snapshot ends; an empty one where
      there is no snapshot.
    - `entries`: what follows the snapshot, after `entries.prev_position`.

    `node.log` is the node's own: a live view, for reading only.  The log that is handed to
    `Node.restart` is copied, so what its owner does to it later is not seen by the node.

    Compared by value, O(runs); not hashable.
    """

    __slots__ = ("entries", "snapshot_config")
    __match_args__: ClassVar = ("snapshot_config", "entries")

    def __init__(self, snapshot_config: ClusterConfig, entries: LogEntries) -> None:
        """O(1).  Both are kept, and not copied.  Raises `TypeError` for anything else."""
        self.snapshot_config = snapshot_config
        self.entries = entries

    @property
    def last_position(self) -> LogPosition:
        """The position of the last entry, or the snapshot's where there is none.  O(1)."""
        return self.entries.last_position

    @property
    def snapshot_position(self) -> LogPosition:
        """The last position that the snapshot covers: `entries.prev_position`.  O(1)."""
        return self.entries.prev_position

    @property
    def latest_config(self) -> ClusterConfig:
        """The configuration in force: the last in the log, committed or not (§6).  O(1)."""
        configs = self.entries._configs.values
        return configs[-1] if configs else self.snapshot_config

    @property
    def latest_config_index(self) -> LogIndex:
        """Where `latest_config` stands; the snapshot's index where that has it.  O(1)."""
        at = self.entries._configs.at
        return at[-1] if at else self.entries.prev_position.index

    def get_position_and_config(self, index: LogIndex) -> tuple[LogPosition, ClusterConfig] | None:
        """What a snapshot up to `index` has to record (§7): the position there, and the
        configuration that was in force when the entry at `index` was the last.

        None where `index` lies before the snapshot or after the last entry.  Whether it is
        committed is for the caller to see to.  O(log runs).  Raises nothing.
        """
        entries = self.entries
        if not entries.contains_index(index):
            return None
        config = entries._configs.latest(index)
        return entries._position(index), self.snapshot_config if config is None else config

    def copy(self) -> Log:
        """An equal log that shares nothing mutable with this one.  O(runs).  Raises nothing."""
        return Log(self.snapshot_config, self.entries.copy())

    def _compact(self, position: LogPosition, config: ClusterConfig) -> None:
        """Let a snapshot up to `position` take the place of the prefix (§7).  O(runs kept).

        What follows an entry that the snapshot ends with is kept; a log that has no such entry is
        covered by the snapshot, or conflicts with it, and is discarded.
        """
        if self.entries.contains(position):
            self.entries._compact_to(position)
        else:
            self.entries = LogEntries(position, None)
        self.snapshot_config = config

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Log):
            return NotImplemented
        return self.snapshot_config == other.snapshot_config and self.entries == other.entries

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[type[Log], tuple[ClusterConfig, LogEntries]]:
        """Copied and pickled as `copy` has it."""
        return Log, (self.snapshot_config, self.entries.copy())

    def __repr__(self) -> str:
        return f"Log({self.snapshot_config!r}, {self.entries!r})"


checked(Log, "__init__", "get_position_and_config")


class Agreement(NamedTuple):
    """What to do to agree with a leader."""

    accepted: bool
    """Whether the log has the position that the leader's entries follow (Figure 2, `success`)."""

    base: LogPosition | None
    """After this position the log is to go on as `source` does; None: nothing is to be changed."""

    source: LogEntries
    """Has `base`, and what is to follow it."""

    verified: LogIndex
    """Up to this index the log then is the leader's."""


def agree_with_leader(log: LogEntries, commit_index: LogIndex, sent: LogEntries) -> Agreement:
    """Figure 2, AppendEntries receiver 2 to 5; whole terms at a time (§5.3, D6).

    `sent` are the entries of the leader's call, `commit_index` is the node's own.  Changes nothing.
    Raises `InvariantError` where the leader contradicts what is committed.
    O(runs in the stretch that both have, each times log runs).
    """
    prev, snapshot = sent.prev_position, log.prev_position
    if prev.index < snapshot.index:
        # What the snapshot covers is committed, so the leader has it too: skipped (D5).
        if sent.last_position.index >= snapshot.index and sent._term(snapshot.index) != (
            snapshot.term
        ):
            raise InvariantError(
                f"the leader's entry at index {snapshot.index} has another term than the "
                f"snapshot's {snapshot!r}, which is committed"
            )
        prev = snapshot
    if not log.contains(prev):
        return _drop_conflict(log, commit_index, sent)
    agreed = _agreed(log, sent, prev.index)
    if agreed >= sent.last_position.index:
        return Agreement(True, None, sent, agreed)
    if agreed < commit_index:
        raise InvariantError(
            f"the leader's entry at index {agreed + 1} has another term than the one here, "
            f"which is committed, as all are up to index {commit_index}"
        )
    return Agreement(True, log._position(agreed), sent, sent.last_position.index)


def _agreed(log: LogEntries, sent: LogEntries, agreed: LogIndex) -> LogIndex:
    """How far both have the same terms, given that they do at `agreed`."""
    limit = min(log.last_position.index, sent.last_position.index)
    while agreed < limit:
        index = LogIndex(agreed + 1)
        mine, _, my_last = log._term_run(index)
        theirs, _, their_last = sent._term_run(index)
        if mine != theirs:
            break
        agreed = min(my_last, their_last, limit)
    return agreed


def _drop_conflict(log: LogEntries, commit_index: LogIndex, sent: LogEntries) -> Agreement:
    """§5.3: the leader's log has the position that `sent` follows, and this one has not.

    No entry of the leader's before it has a higher term, so entries with one are not the
    leader's; nor is anything from the place on where the two logs show different terms.
    """
    prev = sent.prev_position
    before, _ = last_below(log, LogPosition(prev.term, LogIndex(prev.index - 1)))
    if before is None or before.index < commit_index:
        raise InvariantError(
            f"the leader's {prev!r} leaves no room for all that is committed here, "
            f"up to index {commit_index}"
        )
    if before.index == log.last_position.index:
        return Agreement(False, None, sent, commit_index)
    return Agreement(False, before, LogEntries(before, None), commit_index)


def last_below(log: LogEntries, limit: LogPosition) -> tuple[LogPosition | None, bool]:
    """The last position of `log` with neither a higher index nor a higher term than `limit`.

    Returns `(position, matches)`: `matches` says whether the position is `limit`.  The position is
    None where the log has been compacted beyond it.  O(log runs).
    """
    index = min(limit.index, log.last_position.index)
    if index < log.prev_position.index:
        return None, False
    term = log._term(index)
    if term > limit.term:
        return log._last_upto(limit.term), False  # before `index`, for terms never fall
    matches = index == limit.index and term == limit.term
    return (limit, True) if matches else (LogPosition(term, index), False)
