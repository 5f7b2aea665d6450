"""All of a library node's state, hidden parts included, as the specification's values.

What can be seen from outside is little of it: who granted a vote, how far each follower's log
matches, what it is to be sent next, what is owed.  Here a node is read slot by slot.
"""

from __future__ import annotations

from itertools import pairwise
from types import ModuleType
from typing import Any, Final, NamedTuple, TypeAlias

from conformance.subjects.library import LibrarySubject
from conformance.subjects.patched import PURE
from conformance.subjects.sorting import SortedOnUse
from spec import values as v
from spec.pending import Pending

State: TypeAlias = tuple[v.Node, Pending]
LibraryNode: TypeAlias = Any
"""A `raftbare.Node`, or one of a patched copy's."""

SLOTS: Final = {
    "Node": "actions",
    "questions.Questions": "",
    "rules.Rules": "_commit_index _counters _current_term _id _limits _log _pending _role _seqno "
    "_voted_for",
    "Actions": "_node",
    "pending.Pending": "append_after broadcast calls save_current_term save_voted_for sends "
    "set_election_timeout",
    "role.Follower": "leader",
    "role.Candidate": "granted_votes transfer",
    "role.Leader": "followers own peers quorum transfer",
    "quorum.Progress": "answered asked match_index next_index probe probing",
    "quorum.Quorum": "_held _new_held _new_voters _voters",
    "Log": "entries snapshot_config",
    "LogEntries": "_configs _terms last_position prev_position",
    "entries.Marks": "at last values",
    "ClusterConfig": "_new_voters _non_voters _unique_nodes _voters",
    "LogPosition": "index term",
    "message.Headed": "sender seqno term",
    "MessageHeader": "",
    "RequestVoteCall": "last_position transfer",
    "RequestVoteReply": "vote_granted",
    "AppendEntriesCall": "commit_index entries",
    "AppendEntriesReply": "accepted last_position",
    "Limits": "ask_again calls entries in_flight uncommitted",
}
"""Where a node keeps its state.  One more slot would be neither set nor read."""


class InconsistentError(Exception):
    """A library node keeps something twice, and the two disagree; or it shares what is its own."""


class UnreadableError(InconsistentError):
    """The library's classes have other slots than `SLOTS` says."""


class Unknown(NamedTuple):
    """What `SLOTS` does not know of a class, or what it says of one that is not so any more."""

    kind: str
    more: tuple[str, ...]
    gone: tuple[str, ...]

    def __str__(self) -> str:
        what = [f"keeps {slot} besides" for slot in self.more]
        what += [f"has no {slot} any more" for slot in self.gone]
        return (
            f"{self.kind} {' and '.join(what)}: conformance/subjects/readback.py has to learn of "
            "it, in SLOTS"
        )


def unknown(library: ModuleType) -> tuple[Unknown, ...]:
    """Where the slots of the library's classes are others than `SLOTS` says."""
    return tuple(
        Unknown(name, more, gone)
        for name, slots in SLOTS.items()
        for more, gone in (_others(library, name, frozenset(slots.split())),)
        if more or gone
    )


def _others(
    library: ModuleType, name: str, known: frozenset[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    kind: Any = library
    for part in name.split("."):
        kind = getattr(kind, part, None)
    if kind is None:
        return (), tuple(sorted(known)) or ("a class of that name",)
    slots = frozenset(getattr(kind, "__slots__", ()))
    anything = ("__dict__",) if kind.__dictoffset__ else ()
    return (*sorted(slots - known), *anything), tuple(sorted(known - slots))


class Reader(LibrarySubject):
    """The library as a subject whose nodes can be read in full.

    Every translation of entries and of configurations checks what they keep twice.
    """

    def __init__(self, library: ModuleType = PURE) -> None:
        """Raises `UnreadableError` where the library does not keep what is read here.

        What it keeps besides is not read: see `unknown`.
        """
        super().__init__(library)
        gone = [str(one) for one in unknown(library) if one.gone]
        if gone:
            raise UnreadableError("; ".join(gone))

    def read(self, live: LibraryNode, *borrowed: Any) -> State:
        """All of a library node's state.

        Raises `InconsistentError` where what it keeps twice disagrees, or where it shares with
        another owner what either may change.  `borrowed`: what others own, such as arguments.
        """
        owed, sends = live._pending, live._pending.sends
        if live.actions._node is not live:
            raise InconsistentError("node.actions speaks of another node")
        self._check_sharing([live._log.entries, *sends.values(), *borrowed])
        log = self.log_to_spec(live._log)
        node = v.Node(
            live._id,
            self._read_role(live, log),
            live._current_term,
            live._voted_for,
            log,
            live._commit_index,
            live._seqno,
            self._read_limits(live._limits),
        )
        pending = Pending(
            owed.set_election_timeout,
            owed.save_current_term,
            owed.save_voted_for,
            tuple(sorted(owed.calls)),
            owed.broadcast,
            _write(log, owed.append_after),
            tuple([v.SendMessage(to, self.message_to_spec(sends[to])) for to in sorted(sends)]),
        )
        return node, pending

    def _read_limits(self, limits: Any) -> v.Limits:
        if limits.in_flight != limits.entries * limits.calls:
            raise InconsistentError(f"{limits} with {limits.in_flight} entries in flight")
        return v.Limits(limits.entries, limits.calls, limits.ask_again, limits.uncommitted)

    def _read_role(self, live: LibraryNode, log: v.Log) -> v.Role:
        kinds, role = self.library.role, live._role
        if isinstance(role, kinds.Follower):
            return v.Follower(role.leader)
        if isinstance(role, kinds.Candidate):
            return v.Candidate(frozenset(role.granted_votes), role.transfer)
        own, followers = role.own, role.followers
        numbers = own.probe, own.asked, own.answered
        if own.next_index is not None or any(n != 0 for n in numbers) or own.probing:
            raise InconsistentError(f"a leader that calls itself: {own}")
        progress, quorum = {**followers, live._id: own}, role.quorum
        for voters, counted, held in (
            (log.config.voters, quorum._voters, quorum._held),
            (log.config.new_voters, quorum._new_voters, quorum._new_held),
        ):
            indices = [progress[voter].match_index for voter in voters if voter in progress]
            if voters != counted or not _is_ascending(held, indices):
                raise InconsistentError(f"the quorum of {voters} counts {held}, not {progress}")
        if role.peers != tuple(sorted(followers)):
            raise InconsistentError(f"a leader of {role.peers} that follows {followers}")
        if len({id(one) for one in progress.values()}) != len(progress):
            raise InconsistentError(f"one progress stands for two of {progress}")
        peers = [
            v.Progress(
                peer,
                one.match_index,
                one.next_index,
                one.probe,
                one.asked,
                one.probing,
                one.answered,
            )
            for peer, one in sorted(followers.items())
        ]
        return v.Leader(tuple(peers), own.match_index, role.transfer)

    def entries_to_spec(self, entries: Any) -> v.Entries:
        """The last position follows from the rest, and of a table both columns are as long.

        Marks out of order or out of bounds make the translation longer than the entries are.
        """
        terms, configs = entries._terms, entries._configs
        columns = terms.at, terms.values, configs.at, configs.values
        prev, last = entries.prev_position, entries.last_position
        lasts = [table.at[-1] if table.at else 0 for table in (terms, configs)]
        if (
            len(terms.at) == len(terms.values)
            and len(configs.at) == len(configs.values)
            and lasts == [terms.last, configs.last]
        ):
            translated = super().entries_to_spec(entries)
            term = translated[-1].term if translated else prev.term
            if term == last.term and len(translated) == last.index - prev.index:
                return translated
        raise InconsistentError(f"entries from {prev} to {last} with the marks {columns}")

    def config_to_spec(self, config: Any) -> v.Config:
        translated = super().config_to_spec(config)
        if config.unique_nodes() != tuple(sorted(translated.members)):
            raise InconsistentError(f"{config} lists its members as {config.unique_nodes()}")
        return translated

    def _check_sharing(self, owners: list[Any]) -> None:
        """Messages, entries and their tables have one owner each; only empty tables are shared."""
        library = self.library
        if library.entries.NO_TERMS.at or library.entries.NO_CONFIGS.at:
            raise InconsistentError("the table that all empty logs share is not empty")
        parts: list[int] = []
        for owner in owners:
            parts.append(id(owner))
            entries = owner
            if isinstance(owner, library.AppendEntriesCall):
                entries = owner.entries
                parts.append(id(entries))
            if isinstance(entries, library.LogEntries):
                terms, configs = entries._terms, entries._configs
                columns = (terms.at, terms.values, configs.at, configs.values)
                parts += [id(column) for column in columns if column]
        if len(set(parts)) != len(parts):
            raise InconsistentError(f"two of these share what is their own: {owners}")


def _is_ascending(held: list[Any], indices: list[Any]) -> bool:
    """Whether these are the indices in order."""
    unused = isinstance(held, SortedOnUse) and not held.is_sorted
    if not unused and any(later < earlier for earlier, later in pairwise(held)):
        return False
    return sorted(map(id, held)) == sorted(map(id, indices)) or list(held) == sorted(indices)


def _write(log: v.Log, after: Any) -> v.AppendLogEntries | None:
    """The write of all that the log has after a position."""
    if after is None:
        return None
    prev = v.Position(after.term, after.index)
    if not log.contains(prev):
        raise InconsistentError(f"a write after {prev}, which the log does not contain")
    return v.AppendLogEntries(prev, log.after(prev.index))
