"""A sequence that may be sliced at symbolic indices."""

from __future__ import annotations

from typing import Any

from spec.values import (
    Entry,
)


class Held(tuple[Entry, ...]):
    """Entries that may be sliced at any symbolic index: beyond the end is at the end.

    To ask for the plain value of an index that nothing bounds would have no end.
    """

    __slots__ = ()

    def __getitem__(self, key: Any) -> Any:
        found = super().__getitem__
        if isinstance(key, slice):
            return Held(found(slice(self._within(key.start), self._within(key.stop))))
        return found(key)

    def __add__(self, more: Any) -> Any:
        return Held(super().__add__(more))

    def _within(self, index: Any) -> Any:
        return len(self) if index is not None and index >= len(self) else index
