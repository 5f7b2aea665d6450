"""The left half of a state: all servers together with the history, as one number.

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
    Grown,
    Interned,
    Ints,
    Keys,
    Remembered,
    Rows,
    spread,
)
from conformance.observe.checking import check_quorum
from spec.cluster import Cluster, remembered

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
        self.wrong = Grown()
        """By number: what is wrong with these servers (0: nothing)."""
        self.renaming = Renamings(nodes, names)
        self._keep_history = keep_history
        self._after = Remembered(3, self._compute, nodes.lock)

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
        return self._after((servers.astype(np.uint64) << np.uint64(32)) | stimuli.astype(np.uint64))

    def _compute(self, keys: Keys) -> tuple[Ints, Array]:
        rows = self.table.rows[(keys >> np.uint64(32)).astype(np.int64)]
        stimuli = (keys & np.uint64(0xFFFFFFFF)).astype(np.int64)
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
            after[memorable, -1] = self.nodes.remembered(after[memorable, -1], effects[memorable])
            for at in np.flatnonzero(table[:, Nodes.QUORUM]):
                if not wrong[at]:
                    wrong[at] = self._wrong_quorum(rows[which[at]], acting[at], outcomes[at])
        canonical, chosen = self.renaming.canonical(after)
        servers = self.number(canonical)
        operation = (table[:, Nodes.EMISSION].astype(np.int64) << RENAMINGS) | chosen
        wrong = np.where(wrong, wrong, self.wrong.rows[servers])
        return which, np.stack([servers, operation, wrong], axis=1)

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

    def _wrong_quorum(self, row: Array, acting: int, outcome: int) -> int:
        nodes = self.nodes
        members = [nodes.members[number] for number in row[:-1]]
        history = nodes.histories[int(row[-1])]
        turns = nodes.effects[int(nodes.outcomes.rows[outcome, Nodes.EFFECT])]
        for turn in turns:
            history = remembered(history, turn)
            members[acting] = turn.after
            if turn.after.up:
                broken = check_quorum(turn, Cluster(tuple(members), (), history))
                if broken is not None:
                    return nodes.findings.number(broken)
        return 0


class Renamings:
    """The one state that stands for all that differ in names, and how to get there.

    It is the least by what its values are, not by their numbers, which depend on who came first:
    so it is the same one in every run.
    """

    def __init__(self, nodes: Nodes, names: Sequence[Renaming]) -> None:
        self._nodes = nodes
        self._names = list(names)
        self.chosen: Interned[tuple[int, ...]] = Interned()
        self.chosen.number((0,))
        self._members = [Grown() for _ in names]
        self._histories = [Grown() for _ in names]
        self._envelopes = [Grown() for _ in names]
        self._member_ranks = Grown(dtype=np.int64)
        self._history_ranks = Grown(dtype=np.int64)
        self._envelope_ranks = Grown(dtype=np.int64)

    def canonical(self, rows: Array) -> tuple[Array, Ints]:
        """The least of each row's renamings, and which of them lead to it, by `chosen`."""
        if len(self._names) == 1 or not len(rows):
            return rows, np.zeros(len(rows), np.int64)
        best, best_ranks = rows, self._ranks(rows)
        ways = np.ones(len(rows), np.int64)
        for number, names in enumerate(self._names[1:], start=1):
            other = np.empty_like(rows)
            for old, new in enumerate(names):
                other[:, new] = self._renamed_members(number, rows[:, old])
            other[:, -1] = self._renamed_histories(number, rows[:, -1])
            ranks = self._ranks(other)
            less, same = compare(ranks, best_ranks)
            best = np.where(less[:, None], other, best)
            best_ranks = np.where(less[:, None], ranks, best_ranks)
            ways = np.where(less, 1 << number, np.where(same, ways | (1 << number), ways))
        found, inverse = np.unique(ways, return_inverse=True)
        numbers = [
            self.chosen.number(tuple(at for at in range(len(self._names)) if way >> at & 1))
            for way in map(int, found)
        ]
        assert len(self.chosen) < 1 << RENAMINGS
        return best, np.array(numbers, np.int64)[inverse]

    def least(self, places: Array, numbers: tuple[int, ...]) -> Array:
        """Of these renamings of each network the least one."""
        best: Array | None = None
        for number in numbers:
            other = places if number == 0 else self.envelopes(number, places)
            other = np.sort(other, axis=1)
            ranks = np.concatenate([np.sort(self._network_ranks(other), axis=1), other], axis=1)
            if best is None:
                best, best_ranks = other, ranks
            else:
                less, _ = compare(ranks, best_ranks)
                best = np.where(less[:, None], other, best)
                best_ranks = np.where(less[:, None], ranks, best_ranks)
        assert best is not None
        return best

    def envelopes(self, number: int, envelopes: Array) -> Array:
        nodes = self._nodes

        def rename(envelope: int) -> int:
            value = nodes.envelopes[envelope]
            return 0 if value is None else nodes.envelope(renamed(value, self._names[number]))

        return _looked_up(self._envelopes[number], envelopes, rename)

    def _ranks(self, rows: Array) -> Array:
        """What to compare rows by; the numbers only where two values have one hash."""
        nodes = self._nodes
        servers = _looked_up(
            self._member_ranks, rows[:, :-1], lambda member: _rank(nodes.members[member])
        )
        histories = _looked_up(
            self._history_ranks, rows[:, -1:], lambda history: _rank(nodes.histories[history])
        )
        return np.concatenate([servers, histories, rows], axis=1)

    def _network_ranks(self, places: Array) -> Array:
        nodes = self._nodes
        return _looked_up(
            self._envelope_ranks, places, lambda envelope: _rank(nodes.envelopes[envelope])
        )

    def _renamed_members(self, number: int, members: Array) -> Array:
        nodes, names = self._nodes, self._names[number]
        return _looked_up(
            self._members[number],
            members,
            lambda member: nodes.member(renamed(nodes.members[member], names)),
        )

    def _renamed_histories(self, number: int, histories: Array) -> Array:
        nodes, names = self._nodes, self._names[number]
        return _looked_up(
            self._histories[number],
            histories,
            lambda history: nodes.history(renamed(nodes.histories[history], names)),
        )


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


def _looked_up(table: Grown, keys: Array, compute: Callable[[int], int]) -> Array:
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
