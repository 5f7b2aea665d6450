"""Virtual time: what is to happen, in order."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush

MILLISECOND = 1_000
SECOND = 1_000_000
"""All times are whole microseconds of virtual time, so no figure depends on rounding."""


class Clock:
    """Runs what is due, in order of time, and of what is due together first come, first served."""

    def __init__(self) -> None:
        self.now = 0
        self._due: list[tuple[int, int, Callable[[], object]]] = []
        self._count = 0

    def at(self, time: int, call: Callable[[], object]) -> None:
        """Call it at that time, or now if that has passed.  O(log n) of what is due."""
        self._count += 1
        heappush(self._due, (max(time, self.now), self._count, call))

    def run(self, until: int) -> None:
        """All that is due up to that time, itself included."""
        while self._due and self._due[0][0] <= until:
            self.now, _, call = heappop(self._due)
            call()
        self.now = until
