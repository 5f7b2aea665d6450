"""The library as a subject whose hidden state is held against the specification's at every turn.

To read a node in full costs as much as to take an event.  So each of its slots is compared with
what the specification says it is, and nothing is built but where the log has changed.  Only what
is found otherwise then, and a share of the turns, are read in full: that also tells what a node
keeps twice and what it shares (`Reader.read`).
"""

from __future__ import annotations

from collections.abc import Iterator
from operator import attrgetter
from types import ModuleType
from typing import Any, Final, NamedTuple

import raftbare
from conformance.observe.finding import Part
from conformance.subjects.counted import Counted
from conformance.subjects.handed import InUse
from conformance.subjects.readback import LibraryNode, Reader, State, unknown
from spec import values as v
from spec.pending import Pending

_COUNTS: Final = attrgetter(*Counted._fields)

FULL = 16
"""Of so many comparisons of a cluster's nodes, one is of all that they keep, read in full."""


class _Tables(NamedTuple):
    """What the library has of a log that is no command: where terms begin, and configurations."""

    log: v.Log
    terms_at: list[v.Index]
    terms: list[v.Term]
    configs_at: list[v.Index]
    configs: list[v.Config]


def _tables_of(log: v.Log, former: _Tables | None) -> _Tables:
    """O(entries); less where the log is the former one and what has been appended to it."""
    terms_at: list[v.Index] = []
    terms: list[v.Term] = []
    configs_at: list[v.Index] = []
    configs: list[v.Config] = []
    known = 0
    if former is not None and log.snapshot_position == former.log.snapshot_position:
        before = former.log.entries
        if log.entries[: len(before)] == before:
            known = len(before)
            _, terms_at, terms, configs_at, configs = former
    first = log.snapshot_position.index + 1 + known
    for index, entry in enumerate(log.entries[known:], first):
        if entry.payload == v.TERM:
            terms_at, terms = [*terms_at, index], [*terms, entry.term]
        elif isinstance(entry.payload, v.Config):
            configs_at, configs = [*configs_at, index], [*configs, entry.payload]
    return _Tables(log, terms_at, terms, configs_at, configs)


def _are_same(live: Any, position: v.Position) -> bool:
    return bool(live.index == position.index and live.term == position.term)


def _same(live: Any, config: v.Config) -> bool:
    members = live.voters, live.new_voters, live.non_voters
    return members == (config.voters, config.new_voters, config.non_voters)


class HiddenState(InUse):
    """A library whose classes are Python, so that their slots can be read."""

    def __init__(self, library: ModuleType = raftbare) -> None:
        super().__init__(library)
        self._reader = Reader(library)
        self._tables: dict[v.NodeId, _Tables] = {}
        self._compared = 0

    def read(self, live: LibraryNode) -> State:
        """All of a node's state (`Reader.read`)."""
        return self._reader.read(live)

    def hidden_of_both(self, node: v.Node, pending: Pending) -> Iterator[Part]:
        """All that is kept of a specified node, and of the library's node of that name."""
        live = self.nodes[node.id]
        self._compared += 1
        if self._compared % FULL and self._agrees(live, node, pending):
            return
        found, owed = self.read(live)
        for name in v.Node._fields:
            yield name, getattr(node, name), getattr(found, name)
        for name in Pending._fields:
            yield f"pending {name}", getattr(pending, name), getattr(owed, name)

    def counted(self, node: v.NodeId) -> Counted:
        """What the node says that it has done."""
        return Counted(*_COUNTS(self.nodes[node]._counters))

    def _agrees(self, live: LibraryNode, node: v.Node, pending: Pending) -> bool:
        """Whether each slot is as specified.  False may be wrong, and costs a full reading."""
        limits = live._limits
        numbers = limits.entries, limits.calls, limits.ask_again, limits.uncommitted
        return (
            live._current_term == node.current_term
            and live._voted_for == node.voted_for
            and live._commit_index == node.commit_index
            and live._seqno == node.seqno
            and live._id == node.id
            and numbers == tuple(node.limits)
            and self._agrees_on_log(live, node)
            and self._owes(live._pending, pending)
            and self._agrees_on_role(live._role, node)
        )

    def _owes(self, live: Any, pending: Pending) -> bool:
        """A write ends where the log ends, so it is known by where it begins."""
        append, after = pending.append, live.append_after
        if append is None or after is None:
            if append is not after:
                return False
        elif not _are_same(after, append.prev_position):
            return False
        return (
            live.set_election_timeout == pending.set_election_timeout
            and live.save_current_term == pending.save_current_term
            and live.save_voted_for == pending.save_voted_for
            and live.broadcast == pending.broadcast
            and live.calls == set(pending.calls)
            and len(live.sends) == len(pending.sends)
            and (not pending.sends or self._sends(live.sends, pending.sends))
        )

    def _sends(self, live: Any, sends: tuple[v.SendMessage, ...]) -> bool:
        return all(
            send.to in live and self.message_to_spec(live[send.to]) == send.message
            for send in sends
        )

    def _agrees_on_role(self, live: Any, node: v.Node) -> bool:
        kinds, role = self.library.role, node.role
        if isinstance(role, v.Follower):
            return isinstance(live, kinds.Follower) and live.leader == role.leader
        if isinstance(role, v.Candidate):
            return (
                isinstance(live, kinds.Candidate)
                and live.granted_votes == role.granted
                and live.transfer == role.transfer
            )
        if not isinstance(live, kinds.Leader) or live.transfer != role.transfer:
            return False
        followers = live.followers
        if live.own.match_index != role.durable or len(followers) != len(role.peers):
            return False
        held = {node.id: role.durable}
        for peer, (name, one) in zip(role.peers, followers.items(), strict=True):
            held[name] = peer.match
            if tuple(peer) != (
                name,
                one.match_index,
                one.next_index,
                one.probe,
                one.asked,
                one.probing,
                one.answered,
            ):
                return False
        quorum, config = live.quorum, node.config
        return (quorum._voters, quorum._new_voters, quorum._held, quorum._new_held) == (
            config.voters,
            config.new_voters,
            sorted([held[voter] for voter in config.voters]),
            sorted([held[voter] for voter in config.new_voters]),
        )

    def _agrees_on_log(self, live: LibraryNode, node: v.Node) -> bool:
        tables, log = self._tables.get(node.id), node.log
        if tables is None or tables.log is not log:
            self._tables[node.id] = tables = _tables_of(log, tables)
        entries = live._log.entries
        terms, configs = entries._terms, entries._configs
        prev, last = entries.prev_position, entries.last_position
        return (
            _are_same(last, log.last_position)
            and _are_same(prev, log.snapshot_position)
            and len(terms.at) == len(terms.values) == len(tables.terms)
            and len(configs.at) == len(configs.values) == len(tables.configs)
            and list(terms.at) == tables.terms_at
            and list(terms.values) == tables.terms
            and list(configs.at) == tables.configs_at
            and terms.last == (tables.terms_at[-1] if tables.terms_at else 0)
            and configs.last == (tables.configs_at[-1] if tables.configs_at else 0)
            and all(map(_same, configs.values, tables.configs))
            and _same(live._log.snapshot_config, log.snapshot_config)
        )


def library_subject(library: ModuleType = raftbare) -> InUse:
    """What of the library there is to compare: no slots of a build that is compiled.

    Where slots are not known, those that are gone make all of them unreadable.
    """
    if library.compiled:
        return InUse(library)
    others = unknown(library)
    gone = any(one.gone for one in others)
    subject = InUse(library) if gone else HiddenState(library)
    subject.unread = tuple(map(str, others))
    return subject
