"""The lower half of a state: what is under way and what is spent, as one number."""

from __future__ import annotations

from typing import Final

import numpy as np

from conformance.explore.states.bounds import FREE, Cost
from conformance.explore.states.nodes import Nodes
from conformance.explore.states.servers import RENAMINGS, Renamings
from conformance.explore.states.tables import (
    ABSENT,
    Array,
    Interner,
    Ints,
    Keys,
    Memo,
    Rows,
    distinct,
    pack,
    padded,
    unpack,
)

NOTHING_TAKEN: Final = 14
"""In place of the place that a delivered message is taken from: the step is no delivery."""
TAKEN_TWICE: Final = 15
"""It is one, of a message that was duplicated before."""


class Network:
    """Numbers for what is under way together with what is spent, and what follows from each."""

    def __init__(self, nodes: Nodes, renaming: Renamings) -> None:
        self._nodes = nodes
        self._renaming = renaming
        self._places = nodes.bounds.in_flight
        self.table = Rows(self._places + 1)
        self.spent = Interner[Cost](FREE)
        self.cut_by: set[str] = set()
        """The bounds because of which a step was not taken."""
        self._after = Memo(1, self._compute, nodes.lock)

    def __len__(self) -> int:
        return len(self.table)

    @property
    def nbytes(self) -> int:
        return self.table.nbytes + self._after.nbytes

    def under_way(self, networks: Ints) -> Array:
        """A column for each place: the message in it, 0 for none; the places are in order."""
        return self.table.rows[networks, : self._places]

    def after(self, networks: Ints, places: Ints, operations: Ints) -> tuple[Ints, Ints, Array]:
        """Of each network, taken place and operation: where what follows is, and how much."""
        return self._after(pack(networks << 4 | places, operations))

    def number(self, envelopes: list[int], spent: Cost, chosen: Ints) -> Ints:
        """The number of one network, renamed as the servers were."""
        places = np.zeros((1, self._places), np.int32)
        places[0, : len(envelopes)] = envelopes
        places.sort(axis=1)
        places = self._renamed(places, chosen)
        return self.table.number(np.append(places, [[self.spent.number(spent)]], axis=1))

    def _compute(self, keys: Keys) -> tuple[Ints, Array]:
        taken_from, operation = unpack(keys)
        rows, place = self.table.rows[taken_from >> 4], taken_from & 15
        taken = np.flatnonzero(place < NOTHING_TAKEN)
        rows[taken, place[taken]] = 0
        sends, cost = self._emitted(operation >> RENAMINGS, place == TAKEN_TWICE)
        losses = self._nodes.bounds.losses
        found: list[tuple[Ints, Ints]] = []
        for lost in range(1 if losses == 0 else 1 << sends.shape[1]):
            dropped = [column for column in range(sends.shape[1]) if lost >> column & 1]
            # A place without a message has none to lose.
            which = np.flatnonzero((sends[:, dropped] != 0).all(axis=1))
            left = sends[which]
            left[:, dropped] = 0
            counted = 0 if losses is None else len(dropped)
            found.append(self._with(rows, which, left, cost, counted, operation))
        which, after = map(np.concatenate, zip(*found, strict=True))
        which, networks = unpack(distinct(pack(which, after)))
        return which, networks[:, None]

    def _with(
        self, rows: Array, which: Ints, sends: Array, cost: Ints, losses: int, operation: Ints
    ) -> tuple[Ints, Ints]:
        """The networks with these sent into them: of which rows, and their numbers."""
        spent = self._plus(rows[which, -1].astype(np.int64), cost[which], losses)
        all_places = np.concatenate([rows[which, :-1], sends], axis=1)
        all_places.sort(axis=1)
        fits = (all_places[:, : sends.shape[1]] == 0).all(axis=1)
        if not fits.all():
            self.cut_by.add("in_flight")
        good = fits & (spent != ABSENT)
        which, places = which[good], all_places[good, sends.shape[1] :]
        places = self._renamed(places, operation[which] & ((1 << RENAMINGS) - 1))
        after = np.concatenate([places, spent[good, None].astype(np.int32)], axis=1)
        return which, self.table.number(after)

    def _renamed(self, places: Array, chosen: Ints) -> Array:
        """Renamed as the servers were; of several ways that were as good, the one to the least."""
        for way in np.unique(chosen):
            numbers = self._renaming.chosen[int(way)]
            if numbers == (0,):
                continue
            at = np.flatnonzero(chosen == way)
            places[at] = self._renaming.least(places[at], numbers)
        return places

    def _emitted(self, emissions: Ints, duplicated: Array) -> tuple[Array, Ints]:
        """What each emission sends, a column for each message, and its cost by `spent`."""
        numbers, inverse = np.unique(emissions * 2 + duplicated, return_inverse=True)
        values = [self._nodes.emissions[int(number) >> 1] for number in numbers]
        sends = padded([value.sends for value in values])
        costs = np.zeros(len(values), np.int64)
        for at, (number, value) in enumerate(zip(numbers, values, strict=True)):
            duplications = value.cost.duplications + (int(number) & 1)
            costs[at] = self.spent.number(value.cost._replace(duplications=duplications))
        return sends[inverse], costs[inverse]

    def _plus(self, spent: Ints, cost: Ints, losses: int) -> Ints:
        """The number of what is spent with a cost and losses added; ABSENT beyond the budgets."""
        bounds = self._nodes.bounds
        pairs, inverse = np.unique(spent << 20 | cost, return_inverse=True)
        sums = []
        for pair in map(int, pairs):
            total = self.spent[pair >> 20].plus(self.spent[pair & 0xFFFFF])
            total = total._replace(losses=total.losses + losses)
            exceeded = bounds.exceeded(total)
            self.cut_by.update(exceeded)
            sums.append(ABSENT if exceeded else self.spent.number(total))
        return np.array(sums, np.int64)[inverse]
