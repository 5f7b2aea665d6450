"""Histories written by hand, generated ones, and a checker that tries everything."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from conformance.linearize import (
    IMPOSSIBLE,
    REGISTER,
    UNKNOWN,
    Call,
    Model,
    Operation,
)
from conformance.linearize.models import State


def read(process: int, value: object, called: int, returned: int | None) -> Operation:
    return operation(process, Call("read", (), str(value)), called, returned)


def write(process: int, value: object, called: int, returned: int | None) -> Operation:
    return operation(process, Call("write", (str(value),), None), called, returned)


def cas(
    process: int, old: object, new: object, swapped: bool, called: int, returned: int | None
) -> Operation:
    return operation(process, Call("cas", (str(old), str(new)), swapped), called, returned)


def operation(process: int, call: Call, called: int, returned: int | None) -> Operation:
    one = Operation(str(process), None, call, called, returned)
    return one.freed() if returned is None else one


def is_linearizable(
    operations: Sequence[Operation], model: Model, free: Sequence[Operation] = ()
) -> bool:
    """By the definition: try every order, with and without what may be left out.

    Those of `free` may be taken once each, between call and return.
    """
    free = [one.freed() if one.returned is None else one for one in free]

    def extends(state: State, left: list[Operation], optional: list[Operation]) -> bool:
        if not any(one.returned is not None for one in left):
            return True
        ends = [one.returned for one in left if one.returned is not None]
        for one in left:
            if one.called < min(ends):
                after = model.step(state, one.call)
                rest = [other for other in left if other is not one]
                if after is not IMPOSSIBLE and extends(after, rest, after_call(one, optional)):
                    return True
        for one in optional:
            if one.called < min(ends):
                after = model.step(state, one.freed().call)
                rest = [other for other in optional if other is not one]
                if after is not IMPOSSIBLE and extends(after, left, after_call(one, rest)):
                    return True
        return False

    def after_call(taken: Operation, optional: list[Operation]) -> list[Operation]:
        return [one for one in optional if one.returned is None or one.returned > taken.called]

    return extends(model.initial, list(operations), list(free))


VALUES = st.sampled_from(["0", "1", "2"])


@st.composite
def histories(draw: st.DrawFn, most: int = 6) -> list[Operation]:
    """Operations of a register with any intervals, some without a return, and any results."""
    count = draw(st.integers(1, most))
    times = draw(st.permutations(range(2 * count)))
    made = []
    for one in range(count):
        called, returned = sorted(times[2 * one : 2 * one + 2])
        kind = draw(st.sampled_from(["read", "read", "write", "cas"]))
        call = Call("read", (), draw(st.sampled_from(["null", "0", "1", "2"])))
        if kind == "write":
            call = Call("write", (draw(VALUES),), None)
        elif kind == "cas":
            call = Call("cas", (draw(VALUES), draw(VALUES)), draw(st.booleans()))
        is_lost = draw(st.integers(0, 3)) == 0
        made.append(operation(one, call, called, None if is_lost else returned))
    return sorted(made, key=lambda one: one.called)


def served(random: Any, clients: int, count: int, lost: float = 0.05) -> list[Operation]:
    """What clients see of one register that serves them one by one, and loses some replies."""
    state, now = "null", 0
    waiting: dict[int, tuple[Call, int]] = {}
    due: dict[int, Call] = {}
    made: list[Operation] = []
    names = list(range(clients))
    while count or due or waiting:
        now += 1
        place = random.randrange(clients)
        process = names[place]
        if process in due:
            call, called = due.pop(process), waiting.pop(process)[1]
            if random.random() < lost:
                made.append(operation(process, call, called, None))
                names[place] = max(names) + 1
            else:
                made.append(operation(process, call, called, now))
        elif process in waiting:
            call = waiting[process][0]
            after = REGISTER.step(state, call)
            swapped = call.f == "cas" and state == call.arguments[0]
            answers = {"read": state, "cas": swapped}
            due[process] = Call(call.f, call.arguments, answers.get(call.f))
            state = str(after)
        elif count:
            count -= 1
            value, other = str(random.randrange(5)), str(random.randrange(5))
            arguments = {"read": (), "write": (value,), "cas": (other, value)}
            f = random.choice(list(arguments))
            waiting[process] = Call(f, arguments[f], UNKNOWN if f != "write" else None), now
    return sorted(made, key=lambda one: one.called)
