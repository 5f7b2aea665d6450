"""Lists that are sorted where they are used, so that proofs split no path for nothing."""

from __future__ import annotations

from typing import Any


class SortedOnUse(list[Any]):
    """The indices that a quorum keeps in ascending order, sorted when they are first used.

    Sorting symbolic numbers splits a path by each of their possible orders, for nothing where the
    event never looks at the quorum.  Every use that `raftbare.quorum` makes of the list, `bisect`
    included, asks for its length first, so that is where it sorts.
    """

    is_sorted = False

    def __len__(self) -> int:
        if not self.is_sorted:
            self.is_sorted = True
            self.sort()
        return super().__len__()
