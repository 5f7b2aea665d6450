"""Logs as the safety audit rebuilds them from a recording.

A log may have a million entries and grow by one per record, so nothing here costs its length.
Every distinct entry is given an id, a small number, and a log is an array of those.
"""

from __future__ import annotations

from array import array
from itertools import groupby
from typing import TypeAlias, TypeVar

from spec.values import TERM, Config, Entries, Index, Log, Payload, Position, Term

Ids: TypeAlias = "array[int]"
"""The ids of entries that follow one another."""

T = TypeVar("T")
Chain: TypeAlias = "tuple[Index, T, Chain[T]] | None"
"""Where each term, or each configuration, begins in a log, the latest first.

Immutable: keeping an old one is free.
"""


def no_ids() -> Ids:
    return array("I")


class EntryIds:
    """An id stands for what Log Matching says that an index and a term determine (§5.3).

    That is, by induction: the entry's term, its payload, and the term of the entry before it.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[Term, Term, Payload], int] = {}
        self._of_term: dict[tuple[Term, Term], Ids] = {}
        self.none = no_ids()
        # Id 0 stands for an entry that was not seen.
        self.terms: list[Term] = [-1]
        self.previous: list[Term] = [-1]
        self.payloads: list[Payload | None] = [None]
        # Whether a term or a configuration begins with the entry.
        self.marks: list[bool] = [False]

    def id_of(self, previous: Term, term: Term, payload: Payload) -> int:
        key = (previous, term, payload)
        entry_id = self._known.get(key)
        if entry_id is None:
            entry_id = self._known[key] = len(self.terms)
            self.terms.append(term)
            self.previous.append(previous)
            self.payloads.append(payload)
            self.marks.append(previous != term or isinstance(payload, Config))
        return entry_id

    def encode(self, previous: Term, entries: Entries) -> Ids:
        """The ids of entries that follow one of term `previous`."""
        if len(entries) == 1:
            entry = entries[0]
            return array("I", [self.id_of(previous, entry.term, entry.payload)])
        ids = no_ids()
        for entry, run in groupby(entries):
            ids.append(self.id_of(previous, entry.term, entry.payload))
            previous = entry.term
            if more := len(list(run)) - 1:
                ids.extend(array("I", [self.id_of(previous, previous, entry.payload)]) * more)
        return ids

    def of_term(self, term: Term, previous: Term = -1) -> Ids:
        """The id of an entry of which its term is known, and perhaps that of the one before."""
        ids = self._of_term.get((term, previous))
        if ids is None:
            ids = self._of_term[term, previous] = array("I", [len(self.terms)])
            self.terms.append(term)
            self.previous.append(previous)
            self.payloads.append(None)
            self.marks.append(False)
        return ids

    def describe(self, entry_id: int) -> str:
        payload, term = self.payloads[entry_id], self.terms[entry_id]
        if isinstance(payload, Config):
            members = f"voters {sorted(payload.voters)}"
            if payload.new_voters:
                members += f", new voters {sorted(payload.new_voters)}"
            if payload.non_voters:
                members += f", non-voters {sorted(payload.non_voters)}"
            return f"a configuration of term {term} ({members})"
        if payload is None:
            return f"an entry of term {term}"
        what = "the opening entry" if payload == TERM else "a command"
        return f"{what} of term {term}"


class DurableLog:
    """A node's durable log: what follows a snapshot at `base`."""

    def __init__(self, entry_ids: EntryIds, log: Log) -> None:
        self.entry_ids = entry_ids
        self.reset(log.snapshot_position, log.snapshot_config)
        self._extend(entry_ids.encode(log.snapshot_position.term, log.entries))

    def reset(self, base: Position, config: Config | None) -> None:
        """Nothing but a snapshot; `config` is None if what the log begins with is not known."""
        self.base = base
        self.is_torn = config is None
        self.ids = no_ids()
        self.terms: Chain[Term] = (base.index, base.term, None)
        self.configs: Chain[Config] = None if config is None else (base.index, config, None)

    @property
    def last_index(self) -> Index:
        return self.base.index + len(self.ids)

    @property
    def last_position(self) -> Position:
        last = self.last_index
        return Position(self.term(last) or 0, last)

    def term(self, index: Index) -> Term | None:
        """The term at an index from the snapshot's to the last; None elsewhere."""
        offset = index - self.base.index - 1
        if 0 <= offset < len(self.ids):
            return self.entry_ids.terms[self.ids[offset]]
        return self.base.term if offset == -1 else None

    def contains(self, position: Position) -> bool:
        offset, ids = position.index - self.base.index - 1, self.ids
        if 0 <= offset < len(ids):
            return self.entry_ids.terms[ids[offset]] == position.term
        return position == self.base

    def between(self, after: Index, last: Index) -> Ids:
        """The entries after one index, up to another one."""
        base = self.base.index
        return self.ids[max(after - base, 0) : max(last - base, 0)]

    def config_at(self, index: Index) -> Config | None:
        """The membership in force (§6) where the log ends at an index; None if not known."""
        return value_at(self.configs, index)

    def write(self, prev: Position, ids: Ids) -> Index:
        """Make the log end with entries after `prev`, which it contains or its snapshot covers.

        The answer is up to which index the log is what it was before.
        """
        start = max(prev.index, self.base.index)
        if start > prev.index:
            ids = ids[start - prev.index :]
        if start == self.last_index:  # as most writes do, it goes on where the log ends
            self._extend(ids)
            return start
        old = self.between(start, start + len(ids))
        same = _common(old, ids)
        self._truncate(start + same)
        self._extend(ids[same:])
        return start + same

    def compact(self, position: Position, config: Config) -> None:
        """§7: a snapshot takes the place of the prefix, or of a log that does not have its end.

        One that lies before the log's own adds nothing.
        """
        if position.index < self.base.index:
            return
        if not self.contains(position):
            self.reset(position, config)
            return
        del self.ids[: position.index - self.base.index]
        self.base = position
        if self.is_torn:
            self.is_torn = False
            self.configs = self.configs or (position.index, config, None)

    def _truncate(self, last: Index) -> None:
        del self.ids[last - self.base.index :]
        self.terms = up_to(self.terms, last)
        self.configs = up_to(self.configs, last)

    def _extend(self, ids: Ids) -> None:
        entry_ids, marks, index = self.entry_ids, self.entry_ids.marks, self.last_index
        for entry_id in ids:
            index += 1
            if marks[entry_id]:
                payload = entry_ids.payloads[entry_id]
                if isinstance(payload, Config):
                    self.configs = (index, payload, self.configs)
                self.terms = marked(entry_ids, self.terms, index, entry_id)
        self.ids.extend(ids)


class VolatileLog:
    """A node's log in memory: the durable one up to `keep`, then `tail`.

    A recording shows the tail only in part: `known` may lie before the last position that the
    node shows.
    """

    def __init__(self, disk: DurableLog) -> None:
        self.disk = disk
        self.keep = disk.last_index
        self.tail = no_ids()

    @property
    def known(self) -> Index:
        return self.keep + len(self.tail)

    def term(self, index: Index) -> Term | None:
        """The term at an index; None where it is not known, or covered by the snapshot."""
        if index <= self.keep:
            return self.disk.term(index)
        offset = index - self.keep - 1
        return self.disk.entry_ids.terms[self.tail[offset]] if offset < len(self.tail) else None

    def contains(self, position: Position) -> bool:
        return self.term(position.index) == position.term

    def between(self, after: Index, last: Index) -> Ids:
        ids = self.disk.between(after, min(last, self.keep))
        if last > self.keep:
            ids += self.tail[max(after - self.keep, 0) : last - self.keep]
        return ids

    def term_at(self, index: Index, last: Position) -> Term | None:
        """The term at an index, where the log is known to end at `last`."""
        return last.term if index == last.index else self.term(index)

    def has(self, position: Position, last: Position) -> bool | None:
        """Whether the log, which ends at `last`, has a position; None if that is not known."""
        if position.index <= self.disk.base.index:
            return True
        if position.index > last.index:
            return False
        known = self.term_at(position.index, last)
        return None if known is None else known == position.term

    def terms(self) -> Chain[Term]:
        """Where each term begins, as far as the log is known."""
        chain = up_to(self.disk.terms, self.keep)
        return extended(self.disk.entry_ids, chain, self.keep, self.tail)

    def config(self) -> Config | None:
        """The membership in force (§6), as far as the log is known.  Costs what memory holds."""
        for entry_id in reversed(self.tail):
            payload = self.disk.entry_ids.payloads[entry_id]
            if isinstance(payload, Config):
                return payload
        return self.disk.config_at(self.keep)

    def load(self, log: Log) -> None:
        """Memory holds this log, which begins with the snapshot that the durable one has."""
        disk = self.disk
        if log.snapshot_position == disk.base:
            ids = disk.entry_ids.encode(disk.base.term, log.entries)
            same = _common(disk.ids[: len(ids)], ids)
            self.keep = disk.base.index + same
            self.tail = ids[same:]

    def is_disk_up_to(self, last: Index) -> None:
        self.keep = last
        if self.tail:
            self.tail = no_ids()

    def cut(self, last: Index) -> None:
        if last < self.keep:
            self.is_disk_up_to(max(last, self.disk.base.index))
        else:
            del self.tail[last - self.keep :]

    def compact(self, position: Position, config: Config) -> None:
        """§7: the durable log is compacted with it, and may lose what only memory holds."""
        if position.index < self.disk.base.index:
            return
        stays = self.contains(position)
        rest = self.tail[max(position.index - self.keep, 0) :] if stays else no_ids()
        keep = max(self.keep, position.index) if stays else position.index
        self.disk.compact(position, config)
        self.keep = min(keep, self.disk.last_index)
        self.tail = rest


def extended(entry_ids: EntryIds, chain: Chain[Term], last: Index, ids: Ids) -> Chain[Term]:
    """Where each term begins in a log that ended at `last` and is extended."""
    for entry_id in ids:
        last += 1
        if entry_ids.marks[entry_id]:
            chain = marked(entry_ids, chain, last, entry_id)
    return chain


def marked(entry_ids: EntryIds, chain: Chain[Term], index: Index, entry_id: int) -> Chain[Term]:
    """The same with the entry at an index, with which a term or a configuration begins."""
    term = entry_ids.terms[entry_id]
    return chain if chain is not None and chain[1] == term else (index, term, chain)


def up_to(chain: Chain[T], index: Index) -> Chain[T]:
    """What is left of it where the log ends at an index."""
    while chain is not None and chain[0] > index:
        chain = chain[2]
    return chain


def value_at(chain: Chain[T], index: Index) -> T | None:
    """The term or configuration at an index of a log; None before its beginning."""
    chain = up_to(chain, index)
    return None if chain is None else chain[1]


def at(position: Position) -> str:
    return f"index {position.index} of term {position.term}"


def _common(one: Ids, other: Ids) -> int:
    """How many entries two lists begin with in common."""
    if one == other[: len(one)]:
        return len(one)
    return next(n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b)
