"""A persistent sequence for long logs: as immutable as a tuple, cheap to extend and to cut.

A tuple of n entries costs n to extend.  A `Sequence` is a window on a list that only ever grows:
extending the window that ends where the list ends, or cutting any window, copies nothing.  Other
windows never see what is added behind their end, so nobody can tell one from a tuple.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Sequence(Generic[T]):
    """`Sequence(items)`; indexing, slicing (step 1), `+`, `len`, iteration, `==` as of a tuple.

    Extension is amortized O(added) at the list's end and O(len) where the sequence was cut before;
    everything else but iteration and comparison is O(1).
    """

    __slots__ = ("_items", "_start", "_stop")

    def __init__(self, items: Iterable[T] = ()) -> None:
        self._items = list(items)
        self._start = 0
        self._stop = len(self._items)

    def _window(self, start: int, stop: int) -> Sequence[T]:
        window: Sequence[T] = Sequence.__new__(Sequence)
        window._items, window._start, window._stop = self._items, start, max(start, stop)
        return window

    def __len__(self) -> int:
        return self._stop - self._start

    def __iter__(self) -> Iterator[T]:
        items = self._items
        return (items[index] for index in range(self._start, self._stop))

    def __getitem__(self, key: Any, /) -> Any:
        if isinstance(key, slice):
            start, stop, stride = key.indices(len(self))
            if stride != 1:
                raise ValueError("a Sequence is sliced with step 1")
            return self._window(self._start + start, self._start + stop)
        if not -len(self) <= key < len(self):
            raise IndexError("Sequence index out of range")
        return self._items[self._start + key if key >= 0 else self._stop + key]

    def __add__(self, more: Any, /) -> Sequence[T]:
        if not len(more):
            return self
        if self._stop == len(self._items):
            grown = self._window(self._start, self._stop)
        else:
            grown = Sequence(self)
        grown._items.extend(more)
        grown._stop += len(more)
        return grown

    def __radd__(self, before: tuple[T, ...], /) -> tuple[T, ...]:
        return (*before, *self)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, (Sequence, tuple)):
            return NotImplemented
        return len(self) == len(other) and all(a == b for a, b in zip(self, other, strict=True))

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return repr(tuple(self))
