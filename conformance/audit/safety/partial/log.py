"""A node's log as far as moments tell: how long it is, and the terms of some of its entries."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from typing import NamedTuple

from conformance.audit.safety.log import Chain
from spec.values import Index, Term


class Run(NamedTuple):
    """Entries that follow one another and have one term; None where it is not known."""

    length: int
    term: Term | None


class PartialLog:
    """Runs of entries, from index 1 on; its cost is how often the term changes."""

    def __init__(self) -> None:
        self.last: Index = 0
        self.changed: Index = 0
        """From where on it has changed since whoever reads this set it."""
        self._starts: list[Index] = []
        self._terms: list[Term | None] = []

    def reset(self, last: Index) -> None:
        """A log of this length, of which nothing else is known."""
        self.last = self.changed = 0
        self._starts.clear()
        self._terms.clear()
        self.extend([Run(last, None)])

    def term(self, index: Index) -> Term | None:
        if not 0 < index <= self.last:
            return 0 if index == 0 else None
        return self._terms[bisect_right(self._starts, index) - 1]

    def cut(self, last: Index) -> None:
        if last < self.last:
            kept = bisect_right(self._starts, last)
            del self._starts[kept:], self._terms[kept:]
            self.last = last
            self.changed = min(self.changed, last + 1)

    def extend(self, runs: Iterable[Run]) -> None:
        self.changed = min(self.changed, self.last + 1)
        for length, term in runs:
            if length > 0:
                if not self._terms or self._terms[-1] != term:
                    self._starts.append(self.last + 1)
                    self._terms.append(term)
                self.last += length

    def between(self, after: Index, last: Index) -> list[Run]:
        """The entries after one index up to another one, which the log has."""
        runs, index = [], after
        while index < last:
            place = bisect_right(self._starts, index + 1)
            end = self._starts[place] - 1 if place < len(self._starts) else self.last
            runs.append(Run(min(end, last) - index, self._terms[place - 1]))
            index = end
        return runs

    def put(self, after: Index, runs: list[Run]) -> None:
        """Entries stand after an index; what follows them stays."""
        end = after + sum(run.length for run in runs)
        rest = self.between(end, self.last) if end < self.last else []
        self.cut(after)
        self.extend(runs)
        self.extend(rest)

    def learn(self, index: Index, term: Term) -> None:
        """The entry at an index that the log has is of this term."""
        if index and self.term(index) != term:
            self.put(index - 1, [Run(1, term)])

    def chain(self) -> tuple[Chain[Term], Index]:
        """Where each term begins in the end of the log that is known without a gap, and from which
        index on it is known.
        """
        first = len(self._terms)
        while first and self._terms[first - 1] is not None:
            first -= 1
        chain: Chain[Term] = (0, 0, None) if first == 0 else None
        for start, term in zip(self._starts[first:], self._terms[first:], strict=True):
            if term is not None:
                chain = (start, term, chain)
        if first == 0:
            return chain, 0
        return chain, self._starts[first] if first < len(self._starts) else self.last + 1
