"""Which entries each node ever showed at each index, and in which record first.

What one node showed is compared with what the others showed only at the end: then it does not
matter in which order the records of different nodes were read.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, TypeAlias

from conformance.audit.safety.log import Ids
from spec.values import Index, NodeId

BLOCK: Final = 64
"""Indices are kept in blocks, so that a log may begin anywhere and have gaps."""

Sighted: TypeAlias = tuple[NodeId, int, int]
"""A node, the seq of the record in which it first showed an entry, and the entry's id."""


class _Block:
    """The id at each index, 0 for none, and the seq of the record that first showed it."""

    __slots__ = ("ids", "seqs")

    def __init__(self) -> None:
        self.ids: Ids = array("I", bytes(4 * BLOCK))
        self.seqs: array[int] = array("Q", bytes(8 * BLOCK))


class Sightings:
    """The entries that one node showed.  `note` costs what it is given, whatever came before."""

    __slots__ = ("_blocks", "_others", "again")

    def __init__(self) -> None:
        self.again = 0
        """How many entries were noted where one had been seen before."""
        self._blocks: dict[int, _Block] = {}
        self._others: dict[Index, dict[int, int]] = {}
        """Further entries at an index, and the seq of each: a log may be overwritten."""

    def note(self, after: Index, ids: Ids, seq: int) -> None:
        """Entries that follow an index."""
        index, done, count = after + 1, 0, len(ids)
        while done < count:
            number, offset = divmod(index, BLOCK)
            block = self._blocks.get(number)
            if block is None:
                block = self._blocks[number] = _Block()
            taken = 1 if count == 1 else min(BLOCK - offset, count - done)
            part = ids[done : done + taken] if taken < count else ids
            if taken > 1 and block.ids[offset : offset + taken] == part:
                self.again += taken
            else:
                self._fill(block, offset, part, index, seq)
            index += taken
            done += taken

    def _fill(self, block: _Block, offset: int, ids: Ids, index: Index, seq: int) -> None:
        for at, entry_id in enumerate(ids, offset):
            known = block.ids[at]
            if not known:
                block.ids[at], block.seqs[at] = entry_id, seq
                continue
            self.again += 1
            if known != entry_id:
                self._others.setdefault(index + at - offset, {}).setdefault(entry_id, seq)

    def first_at(self, index: Index) -> int:
        """The entry that was seen first at an index; 0 for none."""
        number, offset = divmod(index, BLOCK)
        block = self._blocks.get(number)
        return 0 if block is None else block.ids[offset]

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

    def blocks(self) -> Iterator[tuple[int, Ids]]:
        """The first entry seen at each index, 0 for none, by the number of the block."""
        return ((number, block.ids) for number, block in self._blocks.items())

    def among(self, wanted: Mapping[int, list[Index]]) -> Iterator[tuple[Index, int, int]]:
        """Of some indices, by the number of the block: index, entry and seq of what was seen."""
        for number in self._blocks.keys() & wanted.keys():
            for index in wanted[number]:
                for entry_id, seq in self.at(index).items():
                    yield index, entry_id, seq


class Compared:
    """What nodes showed, held together: the first entry at each index, and where others differ.

    That costs what each node showed, however many nodes there are.
    """

    def __init__(self, nodes: Mapping[NodeId, Sightings]) -> None:
        self.first: dict[int, Ids] = {}
        self.differing: set[Index] = set()
        self.count = 0
        """How many entries were compared with one seen before at the same index."""
        for sightings in nodes.values():
            self.differing.update(sightings.overwritten())
            self.count += sightings.again
            for number, ids in sightings.blocks():
                known = self.first.get(number)
                if known is None:
                    self.first[number] = ids[:]
                elif known == ids:
                    self.count += BLOCK - ids.count(0)
                else:
                    self._merge(number, known, ids)

    def _merge(self, number: int, known: Ids, ids: Ids) -> None:
        for offset, (one, other) in enumerate(zip(known, ids, strict=True)):
            if not one:
                known[offset] = other
            elif other:
                self.count += 1
                if one != other:
                    self.differing.add(number * BLOCK + offset)


def seen_at(
    nodes: Mapping[NodeId, Sightings], indices: Iterable[Index]
) -> dict[Index, list[Sighted]]:
    """What was seen at each of these indices, in the order of the nodes and their records."""
    wanted: dict[int, list[Index]] = {}
    found: dict[Index, list[Sighted]] = {}
    for index in sorted(indices):
        wanted.setdefault(index // BLOCK, []).append(index)
        found[index] = []
    for node, sightings in nodes.items():
        for index, entry_id, seq in sightings.among(wanted):
            found[index].append((node, seq, entry_id))
    return {index: sorted(shown) for index, shown in found.items()}
