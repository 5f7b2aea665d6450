"""The states that an exploration has seen."""

from __future__ import annotations

import numpy as np

from conformance.explore.search.store import Store
from conformance.explore.states.tables import Keys


class Visited:
    """Arrays in order, of sizes that grow like powers of two; on disk where memory is short."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._runs: list[Keys] = []
        self._depth = -1
        """The depth up to which states are on disk only."""

    @property
    def nbytes(self) -> int:
        return sum(run.nbytes for run in self._runs)

    def new(self, states: Keys) -> Keys:
        """Those of the states, which are in order, that were not seen and are in memory."""
        for run in self._runs:
            states = states[~_has(run, states)]
        return states

    def new_to_disk(self, states: Keys) -> Keys:
        """Those of the states, which are in order, that were not seen and are on disk."""
        if self._depth < 0 or not states.size:
            return states
        seen = np.zeros(len(states), bool)
        for part in self._store.parts(int(states[0]), int(states[-1]), self._depth):
            start, end = np.searchsorted(states, [part[0], part[-1] + np.uint64(1)])
            seen[start:end] |= _has(part, states[start:end])
        return states[~seen]

    def add(self, states: Keys) -> None:
        """States that are new, in order."""
        if states.size:
            self._runs.append(states)
        while len(self._runs) > 1 and 2 * len(self._runs[-1]) > len(self._runs[-2]):
            last, before = self._runs.pop(), self._runs.pop()
            self._runs.append(np.sort(np.concatenate([before, last])))

    def spill(self, depth: int) -> None:
        """Leave to the disk all layers up to a depth, which are there."""
        self._runs.clear()
        self._depth = depth


def _has(run: Keys, states: Keys) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    places = np.searchsorted(run, states)
    np.minimum(places, len(run) - 1, out=places)
    found: np.ndarray[tuple[int], np.dtype[np.bool_]] = run[places] == states
    return found
