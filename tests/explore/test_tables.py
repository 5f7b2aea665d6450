"""The dictionaries for arrays give what a dict gives, whatever collides."""

from __future__ import annotations

from threading import RLock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.explore.states import tables
from conformance.explore.states.tables import (
    ABSENT,
    HashIndex,
    Interner,
    Ints,
    Keys,
    Memo,
    Rows,
    SortedRuns,
    distinct,
    pack,
    spread,
    unpack,
)

HALF = st.integers(0, 2**32 - 1)
KEYS = st.lists(st.integers(0, 2**64 - 2) | st.integers(0, 40), max_size=60)


def keys(values: list[int]) -> Keys:
    return np.array(values, np.uint64)


@given(st.lists(KEYS, max_size=4), KEYS)
def test_a_hash_index_is_a_dict(batches: list[list[int]], asked: list[int]) -> None:
    table, expected = HashIndex(bits=3), dict[int, int]()
    for batch in batches:
        new = sorted(set(batch) - set(expected))
        values = range(len(expected), len(expected) + len(new))
        expected |= dict(zip(new, values, strict=True))
        table.insert(keys(new), np.array(values, np.int64))
    wanted = asked + list(expected)
    assert table.find(keys(wanted)).tolist() == [expected.get(key, ABSENT) for key in wanted]
    assert len(table) == len(expected)
    stored, numbers = table.items()
    assert dict(zip(stored.tolist(), numbers.tolist(), strict=True)) == expected


def test_a_hash_index_grows_to_many() -> None:
    table = HashIndex()
    many = np.random.default_rng(0).permutation(np.arange(200_000, dtype=np.uint64))
    table.insert(many[:150_000], np.arange(150_000))
    assert (table.find(many[:150_000]) == np.arange(150_000)).all()
    assert (table.find(many[150_000:]) == ABSENT).all()
    table.clear()
    assert (table.find(many) == ABSENT).all()


ROWS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=30)


@given(st.lists(ROWS, min_size=1, max_size=4))
def test_rows_are_numbered_in_the_order_of_coming(batches: list[list[tuple[int, int]]]) -> None:
    table, interned = Rows(2), Interner[tuple[int, int]]()
    for batch in batches:
        expected = [interned.number(row) for row in batch]
        assert table.number(np.array(batch, np.int32)).tolist() == expected
    assert [tuple(row) for row in table.rows.tolist()] == interned.values


@given(st.lists(ROWS, min_size=1, max_size=3))
def test_rows_with_one_hash_keep_apart(batches: list[list[tuple[int, int]]]) -> None:
    """Exactness: where every row has the hash of another, they still get numbers of their own."""

    def poor(rows: tables.Array, salt: int) -> Keys:
        hashes: Keys = (rows.sum(axis=1) + 10 * salt).astype(np.uint64)
        return hashes

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "_hash", poor)
        table, seen = Rows(2), dict[tuple[int, int], int]()
        for batch in batches:
            for row, number in zip(batch, table.number(np.array(batch, np.int32)), strict=True):
                assert seen.setdefault(row, int(number)) == number
        assert len(set(seen.values())) == len(seen) == len(table)


def test_a_memo_computes_each_key_once_until_it_forgets() -> None:
    asked: list[int] = []

    def compute(wanted: Keys) -> tuple[Ints, tables.Array]:
        asked.extend(wanted.tolist())
        counts = (wanted % np.uint64(3)).astype(np.int64)
        which = np.repeat(np.arange(len(wanted)), counts)
        return which, wanted[which].astype(np.int64)[:, None]

    table = Memo(1, compute, RLock())
    for wanted in ([5, 3, 5, 4], [4, 5, 7], [3]):
        starts, counts, rows = table(keys(wanted))
        assert counts.tolist() == [key % 3 for key in wanted]
        which, places = spread(starts, counts)
        assert rows[places, 0].tolist() == [wanted[one] for one in which]
    assert sorted(asked) == [3, 4, 5, 7]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "MOST_KEYS", 3)
        table(keys([8, 5]))
    assert sorted(asked) == [3, 4, 5, 5, 7, 8]


def test_an_interner_notes_each_value_once_and_none_that_is_restored() -> None:
    noted: list[str] = []
    interner = Interner("known", note=noted.append)
    assert [interner.number(value) for value in ("a", "known", "b", "a")] == [1, 0, 2, 1]
    assert (interner.values, noted) == (["known", "a", "b"], ["a", "b"])
    interner.restore(["b", "c"])
    assert [interner.number(value) for value in ("c", "b", "known")] == [1, 0, 2]
    assert noted == ["a", "b", "known"]


@given(st.lists(KEYS, max_size=6), KEYS)
def test_sorted_runs_are_a_set(batches: list[list[int]], asked: list[int]) -> None:
    runs, expected = SortedRuns(), set[int]()
    for batch in batches:
        new = runs.missing(distinct(keys(batch)))
        assert new.tolist() == sorted(set(batch) - expected)
        runs.add(new)
        expected |= set(batch)
    assert runs.missing(distinct(keys(asked))).tolist() == sorted(set(asked) - expected)
    assert runs.nbytes == 8 * len(expected)


@given(st.lists(st.tuples(HALF, HALF), max_size=9))
def test_two_halves_are_packed_and_unpacked(pairs: list[tuple[int, int]]) -> None:
    halves = np.array(pairs, np.int64).reshape(-1, 2)
    packed = pack(halves[:, 0], halves[:, 1])
    assert packed.tolist() == [upper * 2**32 + lower for upper, lower in pairs]
    assert np.stack(unpack(packed), axis=1).tolist() == halves.tolist()


@given(KEYS)
def test_distinct_is_a_sorted_set(values: list[int]) -> None:
    assert distinct(keys(values)).tolist() == sorted(set(values))
