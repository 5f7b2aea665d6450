"""The records of several files without a common clock, in an order that they allow.

Each file's own order is kept, and a message is received after one like it was sent, in whatever
file.  Of what this leaves open, Lamport's clock decides, and then the order of the files: so what
is concurrent lies side by side.  Time: n log k for n records of k files.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from heapq import heappop, heappush
from typing import NamedTuple

from conformance.observe.observed import Observed
from conformance.observe.recorded import Recorded
from conformance.show.keys import Key, received_by, sent_by
from spec.values import NodeId


class Ordered(NamedTuple):
    records: list[Recorded]
    against: list[int]
    """Places, from 1, of receipts before anything like them was sent: no order has them right."""


def in_order(files: Sequence[Sequence[Recorded]]) -> Ordered:
    """One file is taken as it is."""
    if len(files) == 1:
        return Ordered(list(files[0]), [])
    return _Merge(files).ordered


class _Merge:
    def __init__(self, files: Sequence[Sequence[Recorded]]) -> None:
        self.ordered = Ordered([], [])
        self._files = files
        self._next = [0] * len(files)
        self._clocks = [0] * len(files)
        self._shown: dict[NodeId, Observed] = {}
        self._sent: dict[Key, int] = {}
        """The clock at which something of a key was sent first."""
        self._to_come = Counter(
            one.key for file in files for record in file for one in sent_by(record)
        )
        self._ready: list[tuple[int, int]] = []
        self._waiting: dict[Key, list[int]] = {}
        for file in range(len(files)):
            self._queue(file)
        while self._ready or self._waiting:
            self._take(heappop(self._ready)[1] if self._ready else self._forced())

    def _queue(self, file: int) -> None:
        """A file's next record is ready at a time, or waits for a message."""
        if self._next[file] == len(self._files[file]):
            return
        record = self._files[file][self._next[file]]
        key = received_by(record, self._shown.get(record.node))
        clock = self._clocks[file]
        if key is not None and key in self._to_come:
            if key not in self._sent:
                self._waiting.setdefault(key, []).append(file)
                return
            clock = max(clock, self._sent[key])
        heappush(self._ready, (clock + 1, file))
        self._clocks[file] = clock + 1

    def _forced(self) -> int:
        """The file to go on with although its next message was not sent."""
        self.ordered.against.append(len(self.ordered.records) + 1)
        clock, file, key = min(
            (self._clocks[file], file, key)
            for key, files in self._waiting.items()
            for file in files
        )
        self._waiting[key].remove(file)
        if not self._waiting[key]:
            del self._waiting[key]
        self._clocks[file] = clock + 1
        return file

    def _take(self, file: int) -> None:
        record = self._files[file][self._next[file]]
        self._next[file] += 1
        self._shown[record.node] = record.state
        self.ordered.records.append(record)
        for one in sent_by(record):
            self._sent.setdefault(one.key, self._clocks[file])
            for other in self._waiting.pop(one.key, ()):
                self._queue(other)
        self._queue(file)
