"""Logs as the safety audit rebuilds them from a recording.

A log may have a million entries and grow by one per record, so nothing here costs its length.
Every distinct entry is given a number, its kind, and a log is an array of those.
"""

from __future__ import annotations

from array import array
from itertools import groupby
from typing import TypeAlias

from spec.values import TERM, Config, Entries, Index, Log, Payload, Position, Term

Codes: TypeAlias = "array[int]"
"""Entries that follow one another, each as the number of its kind."""

Chain: TypeAlias = "tuple[Index, Term, Chain] | None"
"""Where each term begins in a log, the latest first.  Immutable: keeping an old one is free."""

ConfigChain: TypeAlias = "tuple[Index, Config, ConfigChain] | None"
"""The same for the configurations in a log."""


def no_codes() -> Codes:
    return array("I")


class Kinds:
    """Numbers for entries.  A kind is what Log Matching says an index and a term determine:

    the entry's term, its payload, and the term of the entry before it (§5.3, by induction).
    """

    def __init__(self) -> None:
        self._codes: dict[tuple[Term, Term, Payload], int] = {}
        self.none = no_codes()
        # Number 0 stands for an entry that was not seen.
        self.terms: list[Term] = [-1]
        self.previous: list[Term] = [-1]
        self.payloads: list[Payload | None] = [None]
        # Whether a term or a configuration begins with the entry.
        self.marks: list[bool] = [False]

    def code(self, previous: Term, term: Term, payload: Payload) -> int:
        key = (previous, term, payload)
        code = self._codes.get(key)
        if code is None:
            code = self._codes[key] = len(self.terms)
            self.terms.append(term)
            self.previous.append(previous)
            self.payloads.append(payload)
            self.marks.append(previous != term or isinstance(payload, Config))
        return code

    def encode(self, previous: Term, entries: Entries) -> Codes:
        """The kinds of entries that follow one of term `previous`."""
        codes = no_codes()
        for entry, run in groupby(entries):
            codes.append(self.code(previous, entry.term, entry.payload))
            previous = entry.term
            if more := len(list(run)) - 1:
                codes.extend(array("I", [self.code(previous, previous, entry.payload)]) * more)
        return codes

    def describe(self, code: int) -> str:
        payload, term = self.payloads[code], self.terms[code]
        if isinstance(payload, Config):
            members = f"voters {sorted(payload.voters)}"
            if payload.new_voters:
                members += f", new voters {sorted(payload.new_voters)}"
            if payload.non_voters:
                members += f", non-voters {sorted(payload.non_voters)}"
            return f"a configuration of term {term} ({members})"
        what = "the opening entry" if payload == TERM else "a command"
        return f"{what} of term {term}"


class Disk:
    """A node's durable log: what follows a snapshot at `base`."""

    def __init__(self, kinds: Kinds, log: Log) -> None:
        self.kinds = kinds
        self.reset(log.snapshot_position, log.snapshot_config)
        self._extend(kinds.encode(log.snapshot_position.term, log.entries))

    def reset(self, base: Position, config: Config | None) -> None:
        """Nothing but a snapshot; `config` is None if what the log begins with is not known."""
        self.base = base
        self.is_torn = config is None
        self.codes = no_codes()
        self.terms: Chain = (base.index, base.term, None)
        self.configs: ConfigChain = None if config is None else (base.index, config, None)

    @property
    def last_index(self) -> Index:
        return self.base.index + len(self.codes)

    @property
    def last_position(self) -> Position:
        last = self.last_index
        return Position(self.term(last) or 0, last)

    def term(self, index: Index) -> Term | None:
        """The term at an index from the snapshot's to the last; None elsewhere."""
        offset = index - self.base.index - 1
        if 0 <= offset < len(self.codes):
            return self.kinds.terms[self.codes[offset]]
        return self.base.term if offset == -1 else None

    def contains(self, position: Position) -> bool:
        return self.term(position.index) == position.term

    def between(self, after: Index, last: Index) -> Codes:
        """The entries after one index, up to another one."""
        base = self.base.index
        return self.codes[max(after - base, 0) : max(last - base, 0)]

    def config_at(self, index: Index) -> Config | None:
        """The membership in force (§6) where the log ends at an index; None if not known."""
        chain = self.configs
        while chain is not None and chain[0] > index:
            chain = chain[2]
        return None if chain is None else chain[1]

    def terms_up_to(self, index: Index) -> Chain:
        chain = self.terms
        while chain is not None and chain[0] > index:
            chain = chain[2]
        return chain

    def write(self, prev: Position, codes: Codes) -> Index:
        """Make the log end with entries after `prev`, which it contains or its snapshot covers.

        The answer is up to which index the log is what it was before.
        """
        start = max(prev.index, self.base.index)
        codes = codes[start - prev.index :]
        old = self.between(start, start + len(codes))
        same = _common(old, codes)
        self._truncate(start + same)
        self._extend(codes[same:])
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
        del self.codes[: position.index - self.base.index]
        self.base = position
        if self.is_torn:
            self.is_torn = False
            self.configs = self.configs or (position.index, config, None)

    def _truncate(self, last: Index) -> None:
        del self.codes[last - self.base.index :]
        self.terms = self.terms_up_to(last)
        while self.configs is not None and self.configs[0] > last:
            self.configs = self.configs[2]

    def _extend(self, codes: Codes) -> None:
        kinds, index = self.kinds, self.last_index
        for code in codes:
            index += 1
            if kinds.marks[code]:
                payload = kinds.payloads[code]
                if isinstance(payload, Config):
                    self.configs = (index, payload, self.configs)
        self.terms = extended(kinds, self.terms, self.last_index, codes)
        self.codes.extend(codes)


class Memory:
    """A node's log in memory: the durable one up to `keep`, then `tail`.

    A recording shows the tail only in part: `known` may lie before the last position that the
    node shows.
    """

    def __init__(self, disk: Disk) -> None:
        self.disk = disk
        self.keep = disk.last_index
        self.tail = no_codes()

    @property
    def known(self) -> Index:
        return self.keep + len(self.tail)

    def term(self, index: Index) -> Term | None:
        """The term at an index; None where it is not known, or covered by the snapshot."""
        if index <= self.keep:
            return self.disk.term(index)
        offset = index - self.keep - 1
        return self.disk.kinds.terms[self.tail[offset]] if offset < len(self.tail) else None

    def contains(self, position: Position) -> bool:
        return self.term(position.index) == position.term

    def between(self, after: Index, last: Index) -> Codes:
        codes = self.disk.between(after, min(last, self.keep))
        if last > self.keep:
            codes += self.tail[max(after - self.keep, 0) : last - self.keep]
        return codes

    def terms(self) -> Chain:
        """Where each term begins, as far as the log is known."""
        chain = self.disk.terms_up_to(self.keep)
        return extended(self.disk.kinds, chain, self.keep, self.tail)

    def load(self, log: Log) -> None:
        """Memory holds this log, which begins with the snapshot that the durable one has."""
        disk = self.disk
        if log.snapshot_position == disk.base:
            codes = disk.kinds.encode(disk.base.term, log.entries)
            same = _common(disk.codes[: len(codes)], codes)
            self.keep = disk.base.index + same
            self.tail = codes[same:]

    def is_disk_up_to(self, last: Index) -> None:
        self.keep = last
        self.tail = no_codes()

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
        rest = self.tail[max(position.index - self.keep, 0) :] if stays else no_codes()
        keep = max(self.keep, position.index) if stays else position.index
        self.disk.compact(position, config)
        self.keep = min(keep, self.disk.last_index)
        self.tail = rest


def extended(kinds: Kinds, chain: Chain, last: Index, codes: Codes) -> Chain:
    """Where each term begins in a log that ended at `last` and is extended."""
    for code in codes:
        last += 1
        if kinds.marks[code] and (chain is None or chain[1] != kinds.terms[code]):
            chain = (last, kinds.terms[code], chain)
    return chain


def term_in(chain: Chain, index: Index) -> Term | None:
    """The term at an index of a log; None before its beginning."""
    while chain is not None and chain[0] > index:
        chain = chain[2]
    return None if chain is None else chain[1]


def at(position: Position) -> str:
    return f"index {position.index} of term {position.term}"


def _common(one: Codes, other: Codes) -> int:
    """How many entries two lists begin with in common."""
    if one == other[: len(one)]:
        return len(one)
    return next(n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b)
