"""The states that an exploration has seen."""

from __future__ import annotations

import numpy as np

from conformance.explore.search.store import Store
from conformance.explore.states.tables import Keys, SortedRuns, is_in


class Visited(SortedRuns):
    """A set of states, of which those of earlier layers are on disk where memory is short."""

    def __init__(self, store: Store) -> None:
        super().__init__()
        self._store = store
        self._depth = -1
        """The depth up to which states are on disk only."""

    def missing_on_disk(self, states: Keys) -> Keys:
        """Those of the states, which are in order, that are not on disk."""
        if self._depth < 0 or not states.size:
            return states
        seen = np.zeros(len(states), bool)
        for part in self._store.parts(int(states[0]), int(states[-1]), self._depth):
            start, end = np.searchsorted(states, [part[0], part[-1] + np.uint64(1)])
            seen[start:end] |= is_in(part, states[start:end])
        return states[~seen]

    def spill(self, depth: int) -> None:
        """Leave to the disk all layers up to a depth, which are there."""
        self.clear()
        self._depth = depth
