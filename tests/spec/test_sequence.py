"""A `Sequence` is as good as a tuple."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spec.sequence import Sequence

ITEMS = st.lists(st.integers(0, 9), max_size=5).map(tuple)
BOUND = st.none() | st.integers(-8, 8)
CHANGES = st.lists(
    st.tuples(
        st.integers(0, 99),
        st.one_of(ITEMS, st.builds(slice, BOUND, BOUND), st.integers(0, 99)),
    ),
    max_size=12,
)


@settings(max_examples=200, derandomize=True)
@given(ITEMS, CHANGES)
def test_no_window_on_a_shared_list_can_be_told_from_a_tuple(
    first: tuple[int, ...], changes: list[tuple[int, tuple[int, ...] | slice | int]]
) -> None:
    """Every window made on the way, cut or extended from an earlier one, keeps its content."""
    pairs = [(Sequence(first), first)]
    for at, change in changes:
        sequence, plain = pairs[at % len(pairs)]
        if isinstance(change, slice):
            pairs.append((sequence[change], plain[change]))
        elif isinstance(change, int):  # with what another window holds
            more, plain_more = pairs[change % len(pairs)]
            pairs.append((sequence + more, plain + plain_more))
        else:
            pairs.append((sequence + change, plain + change))
        for sequence, plain in pairs:
            assert tuple(sequence) == plain
            assert sequence == plain
            assert len(sequence) == len(plain)
    for sequence, plain in pairs:
        assert [sequence[at] for at in range(-len(plain), len(plain))] == [*plain, *plain]
        assert (hash(sequence), repr(sequence)) == (hash(plain), repr(plain))
        assert first + sequence == first + plain
        for other, plain_other in pairs:
            assert (sequence == other) is (plain == plain_other)


@pytest.mark.parametrize("index", [2, -3])
def test_outside_of_a_window_is_outside_even_where_the_list_goes_on(index: int) -> None:
    window = Sequence((1, 2, 3, 4))[1:3]
    with pytest.raises(IndexError, match="out of range"):
        window[index]


def test_only_step_one_is_offered_and_other_types_are_not_equal() -> None:
    with pytest.raises(ValueError, match="step 1"):
        Sequence((1, 2, 3))[::2]
    assert Sequence((1, 2)) != [1, 2]
    assert Sequence((1, 2)) != (1, 3)


def test_extending_at_the_end_of_the_list_copies_nothing() -> None:
    first = Sequence(range(3))
    more = (3,)
    grown = first + more
    assert grown._items is first._items
    assert (first + more)._items is not first._items
    assert tuple(first) == (0, 1, 2)
