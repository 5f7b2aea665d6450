"""Why a history is not linearizable: where it stops making sense, and the operations it takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from conformance.linearize.models import Model, Operation
from conformance.linearize.search import BUDGET, search


@dataclass(frozen=True, slots=True)
class Explanation:
    """What is wrong with the operations on one object."""

    breaks_at: int
    """The time of a return.  What happened before it is linearizable, with it no longer."""
    order: tuple[Operation, ...]
    """An order that explains all that happened before."""
    core: tuple[Operation, ...]
    """Operations that no order explains, even if every other may take effect any number of times
    between its call and its return, or never, whatever its result was.  None can be left out: with
    it as free as the others there is an order."""
    is_least: bool
    """Whether that was shown, of `breaks_at` and of each operation of the core: the budget may not
    have sufficed."""


def explain(
    operations: Sequence[Operation], model: Model, reached: int = 0, budget: int = BUDGET
) -> Explanation:
    """Shrink operations that are not linearizable, given how far a search for an order `reached`.

    Takes a search of a part of the history for each step: some times the logarithm of its length
    for `breaks_at`, and for each operation of the core.  In these there is little to choose, as
    what is not in the core is free.  Each may try `budget` configurations.
    """
    breaks_at, order, is_first = _break(operations, model, reached, budget)
    seen = _until(operations, breaks_at)
    core, is_irreducible = _core(seen, model, budget)
    return Explanation(breaks_at, order, core, is_first and is_irreducible)


def _until(operations: Sequence[Operation], time: int) -> list[Operation]:
    """What had happened by then: what had not returned may still do anything."""
    return [
        one if one.returned is None or one.returned <= time else one.freed()
        for one in operations
        if one.called <= time
    ]


def _break(
    operations: Sequence[Operation], model: Model, reached: int, budget: int
) -> tuple[int, tuple[Operation, ...], bool]:
    """The first return up to which there is no order, an order before it, and whether it is shown.

    It is looked for about as far as a search `reached`.
    """
    returns = sorted(one.returned for one in operations if one.returned is not None)
    orders: dict[int, tuple[Operation, ...]] = {}
    is_shown = True

    def fails(count: int) -> bool:
        """Whether what happened up to so many returns, and just before the next, has no order."""
        nonlocal is_shown
        time = returns[count] - 1 if count < len(returns) else returns[-1]
        found = search(_until(operations, time), model, budget)
        is_shown = is_shown and found.verdict != "budget spent"
        if found.verdict == "linearizable":
            orders[count] = found.order
        return found.verdict != "linearizable"

    first = _least(1, len(returns), fails, reached + 1)
    if first - 1 not in orders:
        fails(first - 1)
    return returns[first - 1], orders.get(first - 1, ()), is_shown


def _core(
    operations: Sequence[Operation], model: Model, budget: int
) -> tuple[tuple[Operation, ...], bool]:
    """An irreducible part, of late operations rather than early ones."""
    core: list[Operation] = []
    rest = sorted(operations, key=lambda one: one.returned or one.called, reverse=True)
    untold = [(id(one), one.untold()) for one in operations]
    is_shown = True

    def fails(count: int) -> bool:
        """Whether the core and so many more have no order, if the others are free."""
        nonlocal is_shown
        held = [*core, *rest[:count]]
        kept = set(map(id, held))
        free = [one for name, one in untold if name not in kept]
        found = search(held, model, budget, free)
        is_shown = is_shown and found.verdict != "budget spent"
        return found.verdict == "not linearizable"

    while not fails(0):
        if not rest:
            break
        needed = _least(1, len(rest), fails)
        core.append(rest[needed - 1])
        del rest[needed - 1 :]
    return tuple(sorted(core, key=lambda one: one.called)), is_shown


def _least(low: int, high: int, holds: Callable[[int], bool], guess: int = 1) -> int:
    """The least number from `low` to `high` of which it holds, if it does of all above and `high`.

    Goes from the guess in steps that double, and then halves what is left: low numbers are cheap.
    """
    step = 1
    while low < high:
        asked = guess if low <= guess < high else (low + high) // 2
        if holds(asked):
            high, guess = asked, asked - step
        else:
            low, guess = asked + 1, asked + step
        step *= 2
    return low
