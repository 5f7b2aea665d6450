"""What is said of a history that is not linearizable: true, and as little as can be."""

from __future__ import annotations

import random

from hypothesis import given, settings

from conformance.linearize import REGISTER, Explanation, Operation, explain, search
from tests.linearize.by_hand import (
    cas,
    histories,
    is_linearizable,
    read,
    served,
    write,
)


def explained(operations: list[Operation]) -> Explanation:
    found = search(operations, REGISTER)
    assert found.verdict == "not linearizable"
    return explain(operations, REGISTER, found.reached)


def until(operations: list[Operation], time: int) -> list[Operation]:
    return [
        one if one.returned is not None and one.returned <= time else one.freed()
        for one in operations
        if one.called <= time
    ]


@settings(max_examples=100, deadline=None)
@given(histories())
def test_an_explanation_is_true_and_can_be_no_smaller(operations: list[Operation]) -> None:
    if is_linearizable(operations, REGISTER):
        return
    why = explained(operations)
    assert why.is_least
    assert is_linearizable(until(operations, why.breaks_at - 1), REGISTER)
    seen = until(operations, why.breaks_at)
    assert not is_linearizable(seen, REGISTER)
    assert set(why.core) <= set(seen)
    assert is_irreducible(why, seen)
    free = [one for one in seen if one not in why.core]
    assert not is_linearizable(why.core, REGISTER, free)


def is_irreducible(why: Explanation, seen: list[Operation]) -> bool:
    """It has no order while the others are free, and would have with one more of them free."""
    for dropped in (None, *why.core):
        held = [one for one in why.core if one is not dropped]
        free = [one for one in seen if one not in held]
        if (search(held, REGISTER, free=free).verdict == "linearizable") != (dropped is not None):
            return False
    return True


def test_a_stale_read_is_told_by_two_operations() -> None:
    operations = [
        write(0, 1, 0, 1),
        read(1, 1, 2, 3),
        write(0, 2, 4, 5),
        cas(2, 7, 8, False, 6, 9),
        read(1, 1, 7, 8),
        write(0, 3, 10, 11),
    ]
    why = explained(operations)
    assert why.breaks_at == 8
    assert why.core == (operations[2], operations[4])
    assert len(why.order) == 3


def test_a_value_from_nowhere_is_told_by_its_read() -> None:
    operations = [write(0, 1, 0, 1), read(1, 7, 2, 3), read(0, 1, 4, 5)]
    assert explained(operations).core == (operations[1],)


def test_an_unknown_write_that_is_seen_twice_is_part_of_it() -> None:
    operations = [
        write(0, 1, 0, None),
        read(1, 1, 2, 3),
        write(1, 2, 4, 5),
        read(1, 1, 6, 7),
    ]
    assert explained(operations).core == tuple(operations)


def test_the_break_is_found_where_a_later_result_would_tell_earlier() -> None:
    """What is under way at the break may still end in any way; only its return tells."""
    operations = [
        write(0, 1, 0, 1),
        cas(1, 1, 2, False, 2, 20),
        read(2, 2, 3, 4),
        read(2, 2, 5, 6),
    ]
    assert explained(operations).breaks_at == 20


def test_in_a_long_history_the_part_stays_small() -> None:
    operations = served(random.Random(3), clients=6, count=800)
    end = 1 + max(one.returned or one.called for one in operations)
    operations += [write(90, 77, end, end + 1), read(91, 78, end + 2, end + 3)]
    assert explained(operations).core == (operations[-1],)


def test_a_spent_budget_is_said() -> None:
    writes = [write(one, one, one, 100 + one) for one in range(10)]
    operations = [*writes, read(98, 3, 120, 121), read(99, 4, 122, 123)]
    found = search(operations, REGISTER)
    assert found.verdict == "not linearizable"
    why = explain(operations, REGISTER, found.reached, budget=3)
    assert not why.is_least
