"""A node's log, and the two comparisons of logs on which replication rests (§5.3)."""

from __future__ import annotations

from typing import ClassVar, TypeAlias, final

from raftbare.config import ClusterConfig
from raftbare.entries import LogEntries
from raftbare.error import InvariantError
from raftbare.types import LogIndex, LogPosition


@final
class Log:
    """A snapshot of a prefix (§7), known by its last position and the configuration there, and
    the entries after it.

    `node.log` is the node's own: a live view, for reading only.  The log that is handed to
    `Node.restart` is copied, so what its owner does to it later is not seen by the node.
    """

    __slots__ = ("entries", "snapshot_config")
    __match_args__: ClassVar = ("snapshot_config", "entries")

    def __init__(self, snapshot_config: ClusterConfig, entries: LogEntries) -> None:
        self.snapshot_config = snapshot_config
        self.entries = entries

    @property
    def last_position(self) -> LogPosition:
        return self.entries.last_position

    @property
    def snapshot_position(self) -> LogPosition:
        """The last position that the snapshot covers: `entries.prev_position`."""
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
        """What a snapshot up to `index` has to record (§7).  None outside of the log.  O(log runs).

        The configuration is the one that was in force when the entry at `index` was the last.
        """
        entries = self.entries
        if not entries.contains_index(index):
            return None
        config = entries._configs.latest(index)
        return entries._position(index), self.snapshot_config if config is None else config

    def copy(self) -> Log:
        """One that is equal and shares nothing with this one.  O(runs)."""
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

    def __repr__(self) -> str:
        return f"Log({self.snapshot_config!r}, {self.entries!r})"


Agreement: TypeAlias = tuple[LogPosition | None, LogEntries, LogIndex]
"""What to do to agree with a leader: `(base, source, verified)`.

After `base` the log is to go on as `source` does (None: there is nothing to change).  Then it is
the leader's up to index `verified`.
"""


def agree_with_leader(log: LogEntries, commit_index: LogIndex, call: LogEntries) -> Agreement:
    """Figure 2, AppendEntries receiver 2 to 5; whole terms at a time (§5.3, D6).

    Changes nothing.  Raises `InvariantError` where the leader contradicts what is committed.
    O(runs in the stretch that both have, each times log runs).
    """
    prev, snapshot = call.prev_position, log.prev_position
    if prev.index < snapshot.index:
        # What the snapshot covers is committed, so the leader has it too: skipped (D5).
        if call.last_position.index >= snapshot.index and call._term(snapshot.index) != (
            snapshot.term
        ):
            raise InvariantError(
                f"the leader's entry at index {snapshot.index} has another term than the "
                f"snapshot's {snapshot!r}, which is committed"
            )
        prev = snapshot
    if not log.contains(prev):
        return _drop_conflict(log, commit_index, call)
    agreed = _agreed(log, call, prev.index)
    if agreed >= call.last_position.index:
        return None, call, agreed
    if agreed < commit_index:
        raise InvariantError(
            f"the leader's entry at index {agreed + 1} has another term than the one here, "
            f"which is committed, as all are up to index {commit_index}"
        )
    return log._position(agreed), call, call.last_position.index


def _agreed(log: LogEntries, call: LogEntries, agreed: LogIndex) -> LogIndex:
    """How far both have the same terms, given that they do at `agreed`."""
    limit = min(log.last_position.index, call.last_position.index)
    while agreed < limit:
        index = LogIndex(agreed + 1)
        mine, _, my_last = log._term_run(index)
        theirs, _, their_last = call._term_run(index)
        if mine != theirs:
            break
        agreed = min(my_last, their_last, limit)
    return agreed


def _drop_conflict(log: LogEntries, commit_index: LogIndex, call: LogEntries) -> Agreement:
    """§5.3: the leader's log has the call's previous position, and this one has not.

    No entry of the leader's before it has a higher term, so entries with one are not the
    leader's; nor is anything from the place on where the two logs show different terms.
    """
    prev = call.prev_position
    before = last_below(log, LogPosition(prev.term, LogIndex(prev.index - 1)))
    if before is None or before.index < commit_index:
        raise InvariantError(
            f"the leader's {prev!r} leaves no room for all that is committed here, "
            f"up to index {commit_index}"
        )
    if before.index == log.last_position.index:
        return None, call, commit_index
    return before, LogEntries(before, None), commit_index


def last_below(log: LogEntries, limit: LogPosition) -> LogPosition | None:
    """The last position of `log` with neither a higher index nor a higher term than `limit`.

    It is `limit` itself, the same object, where the log contains that.  None where the log has
    been compacted beyond it.  O(log runs), times the runs of higher terms passed over.
    """
    last = log.last_position
    index = min(limit.index, last.index)
    while index >= log.prev_position.index:
        term, first, _ = log._term_run(index)
        if term <= limit.term:
            known = index == limit.index and term == limit.term
            return limit if known else LogPosition(term, index)
        index = LogIndex(first - 1)
    return None
