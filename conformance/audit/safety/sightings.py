"""Which entries each node ever showed at each index, and in which record first.

What one node showed is compared with what the others showed only at the end: then it does not
matter in which order the records of different nodes were read.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Final, TypeAlias

from conformance.audit.safety.log import Ids
from spec.values import Index, NodeId

BLOCK: Final = 64
"""Indices are kept in blocks, so that a log may begin anywhere and have gaps."""

Shown: TypeAlias = tuple[NodeId, int, int]
"""A node, the seq of the record in which it first showed an entry, and the entry's id."""


class _Block:
    """The id at each index, 0 for none, and the seq of the record that first showed it."""

    __slots__ = ("ids", "seqs")

    def __init__(self) -> None:
        self.ids: Ids = array("I", bytes(4 * BLOCK))
        self.seqs: array[int] = array("Q", bytes(8 * BLOCK))


class Sightings:
    """The entries that one node showed.  `note` costs what it is given, whatever came before."""

    __slots__ = ("_blocks", "_others")

    def __init__(self) -> None:
        self._blocks: dict[int, _Block] = {}
        self._others: dict[Index, dict[int, int]] = {}
        """Further entries at an index, and the seq of each: a log may be overwritten."""

    def note(self, after: Index, ids: Ids, seq: int) -> None:
        """Entries that follow an index."""
        index, done, count = after + 1, 0, len(ids)
        while done < count:
            number, offset = divmod(index, BLOCK)
            taken = min(BLOCK - offset, count - done)
            block = self._blocks.get(number)
            if block is None:
                block = self._blocks[number] = _Block()
            part = ids[done : done + taken] if taken < count else ids
            if block.ids[offset : offset + taken] != part:
                self._fill(block, offset, part, index, seq)
            index += taken
            done += taken

    def _fill(self, block: _Block, offset: int, ids: Ids, index: Index, seq: int) -> None:
        for at, entry_id in enumerate(ids, offset):
            known = block.ids[at]
            if not known:
                block.ids[at], block.seqs[at] = entry_id, seq
            elif known != entry_id:
                self._others.setdefault(index + at - offset, {}).setdefault(entry_id, seq)

    def at(self, index: Index) -> dict[int, int]:
        """The entries that were seen at an index, each with the seq of the first record."""
        seen = dict(self._others.get(index, {}))
        number, offset = divmod(index, BLOCK)
        block = self._blocks.get(number)
        if block is not None and block.ids[offset]:
            seen[block.ids[offset]] = block.seqs[offset]
        return seen

    def overwritten(self) -> Iterator[Index]:
        """Where more than one entry was seen."""
        return iter(self._others)

    def compare(self, other: Sightings, differing: set[Index]) -> int:
        """Add the indices where two nodes show different entries; the answer is how many both show.

        Those in `overwritten` are left out.
        """
        both = 0
        for number in self._blocks.keys() & other._blocks.keys():
            mine, theirs = self._blocks[number].ids, other._blocks[number].ids
            if mine == theirs:
                both += BLOCK - mine.count(0)
                continue
            for offset, (one, another) in enumerate(zip(mine, theirs, strict=True)):
                if one and another:
                    both += 1
                    if one != another:
                        differing.add(number * BLOCK + offset)
        return both


def differences(
    nodes: Mapping[NodeId, Sightings],
) -> tuple[list[tuple[Index, list[Shown]]], int]:
    """Where more than one entry was seen, by index, and how many comparisons that took.

    What was shown at each index is in the order of the nodes and their records.
    """
    differing: set[Index] = set()
    compared = 0
    for sightings in nodes.values():
        differing.update(sightings.overwritten())
    for one, other in combinations(nodes.values(), 2):
        compared += one.compare(other, differing)
    found = []
    for index in sorted(differing):
        shown = [
            (node, seq, entry_id)
            for node, sightings in nodes.items()
            for entry_id, seq in sightings.at(index).items()
        ]
        found.append((index, sorted(shown)))
    return found, compared
