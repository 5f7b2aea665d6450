"""The upper half of a state: all servers together with the history, as one number.

ALWAYS is a predicate on it; it is asked once for each.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass
from itertools import combinations
from typing import Any, Final

import numpy as np

from conformance.explore.states.nodes import INPUTS, Nodes
from conformance.explore.states.symmetry import Renaming, renamed
from conformance.explore.states.tables import (
    ABSENT,
    Array,
    GrowableArray,
    Interner,
    Ints,
    Keys,
    Memo,
    Rows,
    pack,
    spread,
    unpack,
)
from conformance.observe.checking import check_quorum
from spec.cluster import Cluster, after_turn

MOST: Final = 63
"""Renamings at a time: a set of them is the bits of a number."""
RENAMINGS: Final = 12
"""Bits of an operation that say how the network has to be renamed."""


class Servers:
    """Numbers for servers with their history, and what follows from each."""

    def __init__(self, nodes: Nodes, names: Sequence[Renaming], keep_history: bool = True) -> None:
        self.nodes = nodes
        self.size = nodes.bounds.nodes
        self.table = Rows(self.size + 1)
        self.wrong = GrowableArray()
        """By number: what is wrong with these servers (0: nothing)."""
        self.renaming = Renamings(nodes, names)
        self._keep_history = keep_history
        self._after = Memo(3, self._compute, nodes.lock)

    def __len__(self) -> int:
        return len(self.table)

    @property
    def nbytes(self) -> int:
        return self.table.nbytes + self._after.nbytes

    def number(self, rows: Array) -> Ints:
        """The number of each row of members and history; new ones are judged."""
        numbers = self.table.number(rows)
        judged, known = self.wrong.size, len(self.table)
        if judged < known:
            self.wrong.extend(self._judge(self.table.rows[judged:known]))
        return numbers

    def restore(self, rows: Array, wrong: Array) -> None:
        self.table.number(rows)
        self.wrong.clear()
        self.wrong.extend(wrong)

    def successors(self, servers: Ints, stimuli: Ints) -> tuple[Ints, Ints, Array]:
        """Of each servers and stimulus: where its outcomes are in the array given back, how many.

        Its columns: the servers after it, its operation on the network, what is wrong with it.
        """
        return self._after(pack(servers, stimuli))

    def _compute(self, keys: Keys) -> tuple[Ints, Array]:
        servers, stimuli = unpack(keys)
        rows = self.table.rows[servers]
        which, acting, outcomes = self._outcomes(rows, stimuli)
        order = np.argsort(which, kind="stable")
        which, acting, outcomes = which[order], acting[order], outcomes[order]
        table = self.nodes.outcomes.rows[outcomes]
        after = rows[which]
        after[np.arange(len(after)), acting] = table[:, Nodes.MEMBER]
        wrong = table[:, Nodes.WRONG].astype(np.int64)
        if self._keep_history:
            effects = table[:, Nodes.EFFECT]
            memorable = np.flatnonzero(effects)
            before = rows[which[memorable]]
            after[memorable, -1] = self.nodes.remembered(before, effects[memorable])
            for at in np.flatnonzero(table[:, Nodes.QUORUM]):
                if not wrong[at]:
                    wrong[at] = self._wrong_quorum(rows[which[at]], outcomes[at])
        canonical, chosen = self.renaming.canonical(after)
        following = self.number(canonical)
        operation = (table[:, Nodes.EMISSION].astype(np.int64) << RENAMINGS) | chosen
        wrong = np.where(wrong, wrong, self.wrong.rows[following])
        return which, np.stack([following, operation, wrong], axis=1)

    def _outcomes(self, rows: Array, stimuli: Ints) -> tuple[Ints, Ints, Ints]:
        """Which row, which server acts, which outcome."""
        found: list[tuple[Ints, Ints, Ints]] = []

        def ask(where: Ints, server: Ints) -> None:
            members = rows[where, server].astype(np.int64)
            starts, counts = self.nodes.spans_of(members, stimuli[where])
            span, outcome = spread(starts, counts)
            found.append((where[span], server[span], outcome))

        delivered = np.flatnonzero(stimuli != INPUTS)
        ask(delivered, self.nodes.receiver.rows[stimuli[delivered]].astype(np.int64))
        own = np.flatnonzero(stimuli == INPUTS)
        for server in range(self.size):
            ask(own, np.full(len(own), server))
        which, acting, outcomes = map(np.concatenate, zip(*found, strict=True))
        return which, acting, outcomes

    def _judge(self, rows: Array) -> Ints:
        """ALWAYS, on each row: the number of a finding, 0 where all is well."""
        members = rows[:, : self.size].astype(np.int64)
        wrong = np.zeros(len(rows), np.int64)

        def note(found: Ints) -> None:
            np.copyto(wrong, found, where=wrong == 0)

        for server in range(self.size):
            note(self.nodes.wrong.rows[members[:, server]].astype(np.int64))
            if self._keep_history:
                note(self.nodes.wrong_with_history(members[:, server], rows[:, -1]))
        for one, other in combinations(range(self.size), 2):
            note(self.nodes.wrong_pairs(members[:, one], members[:, other]))
        return wrong

    def _wrong_quorum(self, row: Array, outcome: int) -> int:
        nodes = self.nodes
        members = tuple([nodes.members[number] for number in row[:-1]])
        cluster = Cluster(members, history=nodes.histories[int(row[-1])])
        for turn in nodes.effects[int(nodes.outcomes.rows[outcome, Nodes.EFFECT])]:
            cluster = after_turn(cluster, cluster, turn).after
            if turn.after.up:
                broken = check_quorum(turn, cluster)
                if broken is not None:
                    return nodes.findings.number(broken)
        return 0


class Renamings:
    """The one state that stands for all that differ in names, and how to get there.

    It is the least by what its values are, not by their numbers, which depend on who came first:
    so it is the same one in every run.
    """

    def __init__(self, nodes: Nodes, names: Sequence[Renaming]) -> None:
        self.chosen = Interner[tuple[int, ...]]((0,))
        self._count = len(names)
        self._members = Renamed(nodes.members, names)
        self._histories = Renamed(nodes.histories, names)
        self._envelopes = Renamed(nodes.envelopes, names)

    def canonical(self, rows: Array) -> tuple[Array, Ints]:
        """The least of each row's renamings, and which of them lead to it, by `chosen`."""
        if self._count == 1 or not len(rows):
            return rows, np.zeros(len(rows), np.int64)
        best = self._ranked(rows)
        ways = np.ones(len(rows), np.int64)
        for number in range(1, self._count):
            other = np.empty_like(rows)
            for old, new in enumerate(self._members.names[number]):
                other[:, new] = self._members.renamed(number, rows[:, old])
            other[:, -1] = self._histories.renamed(number, rows[:, -1])
            ranked = self._ranked(other)
            less, same = compare(ranked, best)
            best = np.where(less[:, None], ranked, best)
            ways = np.where(less, 1 << number, np.where(same, ways | (1 << number), ways))
        found, inverse = np.unique(ways, return_inverse=True)
        numbers = [
            self.chosen.number(tuple(at for at in range(self._count) if way >> at & 1))
            for way in map(int, found)
        ]
        assert len(self.chosen) < 1 << RENAMINGS
        least = best[:, -rows.shape[1] :].astype(rows.dtype)
        return least, np.array(numbers, np.int64)[inverse]

    def least(self, places: Array, numbers: tuple[int, ...]) -> Array:
        """Of these renamings of each network the least one."""
        best, *others = [
            self._ranked_places(self._envelopes.renamed(number, places)) for number in numbers
        ]
        for other in others:
            less, _ = compare(other, best)
            best = np.where(less[:, None], other, best)
        return best[:, -places.shape[1] :].astype(places.dtype)

    def _ranked(self, rows: Array) -> Array:
        """The rows after what to compare them by: the numbers only where two hashes are one."""
        members, histories = rows[:, :-1], rows[:, -1:]
        ranks = self._members.ranks(members), self._histories.ranks(histories)
        return np.concatenate([*ranks, rows], axis=1)

    def _ranked_places(self, places: Array) -> Array:
        places = np.sort(places, axis=1)
        ranks = np.sort(self._envelopes.ranks(places), axis=1)
        return np.concatenate([ranks, places], axis=1)


class Renamed:
    """The numbers of renamed values, by the values' own, and what to compare values by."""

    def __init__(self, values: Interner[Any], names: Sequence[Renaming]) -> None:
        self.names = names
        self._values = values
        self._renamed = [GrowableArray() for _ in names]
        self._ranks = GrowableArray(dtype=np.int64)

    def renamed(self, number: int, values: Array) -> Array:
        """The values after the renaming of that number; that of number 0 changes nothing."""
        if number == 0:
            return values
        names = self.names[number]

        def rename(value: int) -> int:
            return self._values.number(renamed(self._values[value], names))

        return _looked_up(self._renamed[number], values, rename)

    def ranks(self, values: Array) -> Array:
        """Numbers that depend on nothing but the values."""
        return _looked_up(self._ranks, values, lambda value: _rank(self._values[value]))


def _rank(value: object) -> int:
    """A number that depends on nothing but the value."""
    digest = hashlib.blake2b(_canonical(value).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 2


def _canonical(value: object) -> str:
    """A value written down; a set's members in order."""
    if isinstance(value, frozenset):
        return "{" + ",".join(sorted(map(_canonical, value))) + "}"
    if isinstance(value, tuple):
        return "(" + ",".join(map(_canonical, value)) + ")"
    if is_dataclass(value):
        inner = [_canonical(getattr(value, field.name)) for field in fields(value)]
        return f"{type(value).__name__}({','.join(inner)})"
    return repr(value)


def _looked_up(table: GrowableArray, keys: Array, compute: Callable[[int], int]) -> Array:
    """The entry of each key in a table that is one too low where it is not computed yet."""
    top = int(keys.max(initial=0)) + 1
    if top > table.size:
        table.extend(np.full(top - table.size, ABSENT))
    found: Array = table.rows[keys]
    missing = found == ABSENT
    if missing.any():
        for key in np.unique(keys[missing]):
            table.rows[key] = compute(int(key))
        found = table.rows[keys]
    return found


def compare(rows: Array, others: Array) -> tuple[Any, Any]:
    """Which rows come before the others, and which are the same."""
    less = np.zeros(len(rows), bool)
    same = np.ones(len(rows), bool)
    for column in range(rows.shape[1]):
        less |= same & (rows[:, column] < others[:, column])
        same &= rows[:, column] == others[:, column]
    return less, same
