"""Reads by clients, and whether one of them was stale.

What a read must see is what anybody knew to be committed when it was taken: that may have been
acknowledged to some client by then, or have been seen by a read that was served.  So a read is
stale, and the history of reads and commands no linear one, if it is served at an index below the
largest commit index that any server, up or down, had shown before it was taken.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from conformance.observe.finding import Problem
from spec.values import Index, NodeId, ReadIndex


@dataclass(slots=True)
class Reads:
    """All reads of a run, and what was committed meanwhile.

    `begin`: reads that come later count in the figures; all are judged.
    """

    begin: int
    committed: Index = 0
    """The largest index that anybody is known to have committed."""
    came: int = 0
    rounds: int = 0
    """Calls to all others that were made for reads alone."""
    latencies: list[int] = field(default_factory=list)
    stale: list[Problem] = field(default_factory=list)

    def shown(self, commit_index: Index) -> None:
        self.committed = max(self.committed, commit_index)


class Asked(Protocol):
    """The server that is asked; `seq` counts its inputs."""

    node: NodeId
    seq: int

    @property
    def now(self) -> int: ...


class ReadingClient:
    """One read, from when it came."""

    def __init__(self, reads: Reads, asked: Asked) -> None:
        self._reads = reads
        self._asked = asked
        self._came = asked.now
        self._must_see: Index = 0
        self._read: ReadIndex | None = None
        self._counts = self._came >= reads.begin
        reads.came += self._counts

    def taken(self, read: ReadIndex) -> None:
        self._must_see = self._reads.committed
        self._read = read

    def served(self) -> None:
        read, asked = self._read, self._asked
        assert read is not None
        if self._counts:
            self._reads.latencies.append(asked.now - self._came)
        if read.index < self._must_see:
            detail = (
                f"a read of term {read.term} and call {read.seqno} is served at index "
                f"{read.index}: index {self._must_see} was committed when it was taken"
            )
            self._reads.stale.append(Problem("ReadIndexSafe", asked.node, asked.seq, detail))

    def lost(self) -> None:
        """Whether it asks elsewhere is not told here: that would be another read."""
