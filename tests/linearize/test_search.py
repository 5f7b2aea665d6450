"""The search, beside a checker that tries everything, and on histories made to be hard."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings

from conformance.linearize import (
    IMPOSSIBLE,
    REGISTER,
    UNKNOWN,
    Call,
    Found,
    Model,
    Operation,
    search,
)
from conformance.linearize.models import Impossible, State
from tests.linearize.by_hand import (
    cas,
    histories,
    is_linearizable,
    operation,
    read,
    served,
    write,
)


def explains(found: Found, operations: Sequence[Operation], model: Model) -> bool:
    """Whether the order that was found is one: told by replaying it."""
    order = found.order
    assert len(set(order)) == len(order)
    assert {one for one in operations if one.returned is not None} <= set(order)
    assert set(order) <= set(operations)
    state = model.initial
    latest = -1
    for one in order:
        after = model.step(state, one.call)
        if after is IMPOSSIBLE or (one.returned is not None and one.returned < latest):
            return False
        state, latest = after, max(latest, one.called)
    return True


@settings(max_examples=150, deadline=None)
@given(histories())
def test_the_verdict_is_that_of_trying_everything(operations: list[Operation]) -> None:
    found = search(operations, REGISTER)
    assert (found.verdict == "linearizable") == is_linearizable(operations, REGISTER)
    assert found.verdict != "linearizable" or explains(found, operations, REGISTER)


@settings(max_examples=100, deadline=None)
@given(histories())
def test_free_operations_allow_what_they_could_have_done(operations: list[Operation]) -> None:
    held, free = operations[::2], operations[1::2]
    found = search(held, REGISTER, free=free)
    if is_linearizable(held, REGISTER, free):
        assert found.verdict == "linearizable"
    if found.verdict == "not linearizable":
        assert not is_linearizable(operations, REGISTER)


def test_the_verdict_is_right_where_results_are_plausible() -> None:
    """Of what one register served, with one result changed: close to the border on both sides."""
    verdicts = Counter[bool]()
    for seed in range(500):
        chosen = random.Random(seed)
        operations = served(chosen, clients=3, count=6, lost=0.15)
        one = chosen.randrange(len(operations))
        if operations[one].call.f == "read" and operations[one].returned is not None:
            call = Call("read", (), chosen.choice("01234"))
            operations[one] = replace(operations[one], call=call)
        expected = is_linearizable(operations, REGISTER)
        assert (search(operations, REGISTER).verdict == "linearizable") == expected
        verdicts[expected] += 1
    assert min(verdicts.values()) > 60


@pytest.mark.parametrize("seed", range(10))
def test_what_one_register_served_is_linearizable(seed: int) -> None:
    operations = served(random.Random(seed), clients=8, count=400)
    assert any(one.returned is None for one in operations)
    found = search(operations, REGISTER)
    assert found.verdict == "linearizable"
    assert explains(found, operations, REGISTER)


@pytest.mark.parametrize("seed", range(10))
def test_a_result_that_is_planted_is_found(seed: int) -> None:
    """A read of what was never written, late in a long history."""
    operations = served(random.Random(seed), clients=8, count=400)
    end = 1 + max(one.returned or one.called for one in operations)
    planted = [*operations, read(99, "never", end, end + 1)]
    found = search(planted, REGISTER)
    assert found.verdict == "not linearizable"
    assert found.reached == sum(one.returned is not None for one in operations)


class Queue:
    """First in, first out: any model will do."""

    initial: State = ()

    def step(self, state: State, call: Call) -> State | Impossible:
        assert isinstance(state, tuple)
        if call.f == "push":
            return (*state, call.arguments[0])
        if not state or call.result not in (UNKNOWN, state[0]):
            return IMPOSSIBLE
        return state[1:]

    def only_reads(self, call: Call) -> bool:
        return False

    def only_writes(self, call: Call) -> bool:
        return False


def push(process: int, value: str, called: int, returned: int | None) -> Operation:
    return operation(process, Call("push", (value,), None), called, returned)


def pop(process: int, value: str, called: int, returned: int | None) -> Operation:
    return operation(process, Call("pop", (), value), called, returned)


def test_any_object_can_be_judged() -> None:
    crossing = [push(0, "a", 0, 3), push(1, "b", 1, 2), pop(0, "b", 4, 5), pop(1, "a", 6, 7)]
    assert search(crossing, Queue()).verdict == "linearizable"
    apart = [push(0, "a", 0, 1), push(1, "b", 2, 3), pop(0, "b", 4, 5), pop(1, "a", 6, 7)]
    assert search(apart, Queue()).verdict == "not linearizable"
    lost = [push(0, "a", 0, 1), push(1, "b", 2, 3), pop(2, "a", 4, None), pop(0, "b", 5, 6)]
    assert search(lost, Queue()).verdict == "linearizable"


def test_an_unknown_outcome_takes_effect_late_or_never_and_once() -> None:
    lost = write(0, 1, 0, None)
    assert search([lost, read(1, "null", 5, 6)], REGISTER).verdict == "linearizable"
    late = [lost, read(1, "null", 5, 6), read(1, 1, 7, 8)]
    assert search(late, REGISTER).verdict == "linearizable"
    twice = [*late, write(2, 2, 9, 10), read(1, 2, 11, 12), read(1, 1, 13, 14)]
    assert search(twice, REGISTER).verdict == "not linearizable"
    early = [read(1, 1, 0, 1), write(0, 1, 2, None)]
    assert search(early, REGISTER).verdict == "not linearizable"


def test_a_refused_compare_and_set_saw_another_value() -> None:
    before = write(0, 1, 0, 1)
    assert search([before, cas(1, 1, 2, False, 2, 3)], REGISTER).verdict == "not linearizable"
    assert search([before, cas(1, 2, 1, False, 2, 3)], REGISTER).verdict == "linearizable"


def test_no_operation_is_linearizable() -> None:
    assert search([], REGISTER).verdict == "linearizable"
    assert search([write(0, 1, 0, None)], REGISTER).verdict == "linearizable"


def test_a_spent_budget_is_no_verdict() -> None:
    """Ten writes at once, and a value that none of them wrote."""
    writes = [write(one, one, one, 100 + one) for one in range(10)]
    impossible = [*writes, read(99, "never", 200, 201)]
    found = search(impossible, REGISTER, budget=500)
    assert (found.verdict, found.configurations) == ("budget spent", 501)
    assert search(impossible, REGISTER).verdict == "not linearizable"


def test_a_long_history_takes_one_configuration_an_operation() -> None:
    """And no recursion: Python would stop at a thousand."""
    operations = served(random.Random(1), clients=4, count=8_000, lost=0.0)
    found = search(operations, REGISTER)
    assert found.verdict == "linearizable"
    assert found.configurations < 1.2 * len(operations)


def test_many_unknown_outcomes_with_values_of_their_own_do_not_multiply() -> None:
    """Two to the power of forty sets of them could have taken effect before the last read."""
    lost = [write(one, f"lost{one}", one, None) for one in range(40)]
    done = [write(100, "a", 50, 53), write(101, "b", 51, 52), read(100, "a", 60, 61)]
    wrong = [*lost, *done, read(101, "b", 70, 71)]
    found = search(wrong, REGISTER)
    assert found.verdict == "not linearizable"
    assert found.configurations < 1000
