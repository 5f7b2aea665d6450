"""Tables for whole arrays: many keys are looked up at once.

All are exact: a key is compared, never only its hash.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from threading import RLock
from typing import Any, Final, Generic, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

Keys: TypeAlias = npt.NDArray[np.uint64]
Ints: TypeAlias = npt.NDArray[np.int64]
Array: TypeAlias = npt.NDArray[Any]

ABSENT: Final = -1
_EMPTY: Final = np.uint64(2**64 - 1)
_SPREAD: Final = np.uint64(0x9E3779B97F4A7C15)
"""2**64 divided by the golden ratio: Fibonacci hashing."""


class HashIndex:
    """From 64-bit keys (all but the largest number) to integers of 0 or more.

    Open addressing with linear probing, at most half full.  A reader may run beside the one
    writer: it sees a key as absent until its value is there.
    """

    def __init__(self, bits: int = 12) -> None:
        self._size = 0
        self._table = self._empty(bits)

    def __len__(self) -> int:
        return self._size

    @property
    def nbytes(self) -> int:
        return self._table[0].nbytes + self._table[1].nbytes

    def find(self, keys: Keys) -> Ints:
        """The value of each key, ABSENT where there is none."""
        held, values, shift = self._table
        slots = ((keys * _SPREAD) >> shift).astype(np.int64)
        found = held[slots]
        result = values[slots]
        wrong = np.flatnonzero(found != keys)
        while wrong.size:
            result[wrong] = ABSENT
            wrong = wrong[found[wrong] != _EMPTY]  # taken by another key: try the next slot
            slots[wrong] = (slots[wrong] + 1) & (len(held) - 1)
            found[wrong] = held[slots[wrong]]
            result[wrong] = values[slots[wrong]]
            wrong = wrong[found[wrong] != keys[wrong]]
        return result

    def insert(self, keys: Keys, values: Ints) -> None:
        """Keys that are different and not there yet."""
        self._size += len(keys)
        if 2 * self._size > len(self._table[0]):
            self._grow(self._size)
        _put(self._table, keys, values)

    def find_or_compute(self, keys: Keys, compute: Callable[[int], int]) -> Ints:
        """The value of each key, computed and kept where it is not known yet."""
        found = self.find(keys)
        missing = found == ABSENT
        if missing.any():
            new = distinct(keys[missing])
            self.insert(new, np.array([compute(int(key)) for key in new], np.int64))
            found[missing] = self.find(keys[missing])
        return found

    def items(self) -> tuple[Keys, Ints]:
        held, values, _ = self._table
        full = held != _EMPTY
        return held[full], values[full]

    def clear(self) -> None:
        self._size = 0
        self._table = self._empty(12)

    @staticmethod
    def _empty(bits: int) -> tuple[Keys, Ints, np.uint64]:
        held = np.full(1 << bits, _EMPTY, np.uint64)
        return held, np.full(1 << bits, ABSENT, np.int64), np.uint64(64 - bits)

    def _grow(self, size: int) -> None:
        table = self._empty(max(size.bit_length() + 2, 12))
        _put(table, *self.items())
        self._table = table


def _put(table: tuple[Keys, Ints, np.uint64], keys: Keys, values: Ints) -> None:
    held, stored, shift = table
    slots = ((keys * _SPREAD) >> shift).astype(np.int64)
    while keys.size:
        free = held[slots] == _EMPTY
        # Where several want one slot one of them gets it; the value has to be its own.
        held[slots[free]] = keys[free]
        won = free & (held[slots] == keys)
        stored[slots[won]] = values[won]
        keys, values, slots = keys[~won], values[~won], slots[~won]
        slots = (slots + 1) & (len(held) - 1)


class GrowableArray:
    """An array that grows at its end."""

    def __init__(self, width: int | None = None, dtype: Any = np.int32) -> None:
        shape = (1024,) if width is None else (1024, width)
        self._data: Array = np.zeros(shape, dtype)
        self.size = 0

    @property
    def rows(self) -> Array:
        return self._data[: self.size]

    @property
    def nbytes(self) -> int:
        return self._data.nbytes

    def clear(self) -> None:
        self.size = 0

    def append(self, row: Any) -> int:
        """The place of the new row."""
        return self.extend(np.array([row]))

    def extend(self, rows: Array) -> int:
        """The place of the first new row."""
        start, end = self.size, self.size + len(rows)
        if end > len(self._data):
            grown = np.zeros(
                (max(end, 2 * len(self._data)), *self._data.shape[1:]), self._data.dtype
            )
            grown[:start] = self._data[:start]
            self._data = grown
        self._data[start:end] = rows
        self.size = end
        return start


class Rows:
    """Numbers for rows of small integers: the same row always gets the same number."""

    def __init__(self, width: int) -> None:
        self._rows = GrowableArray(width)
        self._numbers = HashIndex()

    def __len__(self) -> int:
        return self._rows.size

    @property
    def rows(self) -> Array:
        return self._rows.rows

    @property
    def nbytes(self) -> int:
        return self._rows.nbytes + self._numbers.nbytes

    def number(self, rows: Array) -> Ints:
        """The number of each row; new rows get the next ones."""
        numbers = np.full(len(rows), ABSENT, np.int64)
        todo = np.arange(len(rows))
        salt = 1
        while todo.size:
            # Two different rows with one 64-bit hash get apart by the next salt.
            wanted = rows[todo]
            hashes = _hash(wanted, salt)
            found = self._numbers.find(hashes)
            missing = np.flatnonzero(found == ABSENT)
            if missing.size:
                new, first = np.unique(hashes[missing], return_index=True)
                first.sort()  # in the order of their coming
                picked = missing[first]
                start = self._rows.extend(wanted[picked])
                self._numbers.insert(hashes[picked], np.arange(start, start + len(new)))
                found[missing] = self._numbers.find(hashes[missing])
            same = (self._rows.rows[found] == wanted).all(axis=1)
            numbers[todo[same]] = found[same]
            todo = todo[~same]
            salt += 1
        return numbers


def _hash(rows: Array, salt: int) -> Keys:
    mixed = np.full(len(rows), salt, np.uint64)
    for column in range(rows.shape[1]):
        mixed ^= rows[:, column].astype(np.uint64)
        mixed *= _SPREAD
        mixed ^= mixed >> np.uint64(29)
    mixed[mixed == _EMPTY] = 0
    return mixed


class Memo:
    """A function from keys to arrays of rows, computed for many keys at once and remembered.

    When it holds too much it forgets everything: what it knew can be computed again.
    """

    def __init__(
        self, width: int, compute: Callable[[Keys], tuple[Ints, Array]], lock: RLock
    ) -> None:
        """`compute`, for distinct keys: of which of them each row is, in order, and the rows.

        `lock` is held while it computes; functions that share something share a lock.
        """
        self._width = width
        self._compute = compute
        self._lock = lock
        self._parts = self._nothing()

    @property
    def nbytes(self) -> int:
        known, spans, results = self._parts
        return known.nbytes + spans.nbytes + results.nbytes

    def __call__(self, keys: Keys) -> tuple[Ints, Ints, Array]:
        """Of each key: where its rows begin in the array given back, and how many they are."""
        known, spans, results = self._parts
        found = known.find(keys)
        if (found == ABSENT).any():
            with self._lock:
                if len(self._parts[0]) > MOST_KEYS:
                    self._parts = self._nothing()
                known, spans, results = self._parts
                found = known.find(keys)
                missing = found == ABSENT
                if missing.any():
                    self._learn(distinct(keys[missing]))
                    found[missing] = known.find(keys[missing])
        where = spans.rows[found]
        return where[:, 0], where[:, 1], results.rows

    def _learn(self, keys: Keys) -> None:
        known, spans, results = self._parts
        which, rows = self._compute(keys)
        start = results.extend(rows)
        counts = np.bincount(which, minlength=len(keys))
        starts = start + np.cumsum(counts) - counts
        at = spans.extend(np.stack([starts, counts], axis=1))
        known.insert(keys, np.arange(at, at + len(keys)))

    def _nothing(self) -> tuple[HashIndex, GrowableArray, GrowableArray]:
        return HashIndex(16), GrowableArray(2, np.int64), GrowableArray(self._width, np.int64)


MOST_KEYS: Final = 1 << 23
"""Keys that are remembered at most."""

Value = TypeVar("Value")


class Interner(Generic[Value]):
    """Numbers for values: equal values get the same one, new ones the next."""

    def __init__(self, *known: Value, note: Callable[[Value], object] = lambda value: None) -> None:
        """`note` is told each new value, once it has its number."""
        self._note = note
        self.restore(known)

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, number: int) -> Value:
        return self.values[number]

    def number(self, value: Value) -> int:
        number = self._numbers.get(value)
        if number is None:
            number = self._numbers[value] = len(self.values)
            self.values.append(value)
            self._note(value)
        return number

    def restore(self, values: Iterable[Value]) -> None:
        """Hold these values, all different, in this order; they are not noted."""
        self.values: list[Value] = list(values)
        self._numbers = {value: number for number, value in enumerate(self.values)}


class SortedRuns:
    """A set of keys as sorted arrays, of sizes that grow like powers of two."""

    def __init__(self) -> None:
        self._runs: list[Keys] = []

    @property
    def nbytes(self) -> int:
        return sum(run.nbytes for run in self._runs)

    def missing(self, keys: Keys) -> Keys:
        """Those of the keys, which are in order, that are not in the set."""
        for run in self._runs:
            keys = keys[~is_in(run, keys)]
        return keys

    def add(self, keys: Keys) -> None:
        """Add keys that are in order, and not in the set."""
        if keys.size:
            self._runs.append(keys)
        while len(self._runs) > 1 and 2 * len(self._runs[-1]) > len(self._runs[-2]):
            last, before = self._runs.pop(), self._runs.pop()
            self._runs.append(np.sort(np.concatenate([before, last])))

    def clear(self) -> None:
        self._runs.clear()


def is_in(run: Keys, keys: Keys) -> npt.NDArray[np.bool_]:
    """Which of the keys are in a sorted array, which is not empty."""
    places = np.searchsorted(run, keys)
    np.minimum(places, len(run) - 1, out=places)
    found: npt.NDArray[np.bool_] = run[places] == keys
    return found


def padded(rows: Sequence[Sequence[int]]) -> Array:
    """The rows as one array, as wide as the longest, with zeros after the others."""
    table = np.zeros((len(rows), max(map(len, rows), default=0)), np.int32)
    for at, row in enumerate(rows):
        table[at, : len(row)] = row
    return table


def pack(upper: Array, lower: Array) -> Keys:
    """Two numbers of 32 bits as one."""
    return (upper.astype(np.uint64) << np.uint64(32)) | lower.astype(np.uint64)


def unpack(keys: Keys) -> tuple[Ints, Ints]:
    """The upper and the lower half."""
    upper = (keys >> np.uint64(32)).astype(np.int64)
    return upper, (keys & np.uint64(0xFFFFFFFF)).astype(np.int64)


def spread(starts: Ints, counts: Ints) -> tuple[Ints, Ints]:
    """For spans of a table: of each of their places, which span it is of, and where it is."""
    which = np.repeat(np.arange(len(counts)), counts)
    ends = np.cumsum(counts)
    within = np.arange(len(which)) - np.repeat(ends - counts, counts)
    return which, starts[which] + within


def distinct(keys: Keys) -> Keys:
    """Each key once, in order."""
    if not keys.size:
        return keys
    keys = np.sort(keys)
    new = np.empty(len(keys), bool)
    new[0] = True
    np.not_equal(keys[1:], keys[:-1], out=new[1:])
    return keys[new]
