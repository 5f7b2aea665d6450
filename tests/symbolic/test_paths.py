"""All paths of a function: small ones, whose paths can be counted by hand."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from itertools import permutations
from typing import Any, NamedTuple

import pytest
import z3

from conformance.symbolic.number import Flag, Number, value_of
from conformance.symbolic.paths import BudgetError, Paths, RepeatError


def results(paths: Paths, function: Callable[[], Any]) -> list[Any]:
    """What all the paths returned, in some order that makes no difference."""
    found = list(paths.run(function))
    assert [path.raised for path in found] == [None] * len(found)
    return sorted([path.result for path in found], key=repr)


def of(*names: str) -> tuple[Paths, list[Any]]:
    paths = Paths()
    return paths, [paths.number(name) for name in names]


# Control flow


def test_a_function_that_compares_nothing_has_one_path() -> None:
    paths, (x,) = of("x")
    (path,) = paths.run(lambda: x + 1)
    assert path.conditions == ()
    assert path.result is not None
    assert value_of(path.result, {0: 41}) == 42
    assert z3.is_true(z3.simplify(path.formula(paths)))


def test_an_if_has_two_paths() -> None:
    paths, (x,) = of("x")
    assert results(paths, lambda: "less" if x < 5 else "more") == ["less", "more"]


def test_nested_ifs_have_the_paths_that_are_left() -> None:
    paths, (x,) = of("x")

    def where() -> str:
        if x < 5:
            return "small" if x < 3 else "middle"
        return "never" if x < 3 else "large"

    assert results(paths, where) == ["large", "middle", "small"]


def test_what_was_decided_is_not_decided_again() -> None:
    paths, (x,) = of("x")
    assert results(paths, lambda: (x < 5, x < 5, x >= 5, x <= 4, not x > 4)) == [
        (False, False, True, False, False),
        (True, True, False, True, True),
    ]


def test_a_loop_has_a_path_for_each_place_where_it_breaks() -> None:
    paths, (x,) = of("x")

    def steps() -> int:
        for n in range(4):
            if x <= n:
                break
        else:
            return 4
        return n

    assert results(paths, steps) == [0, 1, 2, 3, 4]


def test_the_right_side_is_asked_only_where_the_left_does_not_decide() -> None:
    paths, (x, y) = of("x", "y")
    both = list(paths.run(lambda: x < 1 and y < 1))
    assert sorted([(path.result, len(path.conditions)) for path in both]) == [
        (False, 1),
        (False, 2),
        (True, 2),
    ]
    assert results(paths, lambda: x < 1 or y < 1) == [False, True, True]
    assert results(paths, lambda: x < y < 3) == [False, False, True]


def test_min_and_max_are_one_or_the_other() -> None:
    paths, (x, y) = of("x", "y")
    for path in paths.run(lambda: (min(x, y), max(x, y))):
        values = [path.model.get(n, 0) for n in range(2)]
        assert path.result is not None
        assert [value_of(one, path.model) for one in path.result] == sorted(values)
    assert len(results(paths, lambda: (min(x, y), max(x, y)))) == 3  # less, equal, more


def test_sorted_gives_every_order() -> None:
    paths, numbers = of("x", "y", "z")
    orders = {repr(path.result) for path in paths.run(lambda: sorted(numbers))}
    assert orders == {repr(list(order)) for order in permutations(numbers)}


def test_bisect_gives_every_place() -> None:
    paths, (x,) = of("x")
    assert results(paths, lambda: bisect_left([2, 4, 6], x)) == [0, 1, 2, 3]


def test_recursion() -> None:
    paths, (x,) = of("x")
    paths.assume(paths.term(x) >= 0, paths.term(x) <= 3)

    def depth(n: Any) -> int:
        return 0 if n == 0 else 1 + depth(n - 1)

    assert results(paths, lambda: depth(x)) == [0, 1, 2, 3]


def test_positions_are_compared_by_term_and_then_by_index() -> None:
    class Position(NamedTuple):
        term: Any
        index: Any

    paths, (t, i) = of("t", "i")
    for path in paths.run(lambda: Position(t, i) < Position(3, 4)):
        term, index = path.model.get(0, 0), path.model.get(1, 0)
        assert path.result == ((term, index) < (3, 4))
    assert results(paths, lambda: Position(t, i) < Position(3, 4)) == [False] * 3 + [True] * 2


# Where a plain integer is needed


def test_a_tuple_is_indexed_by_every_value_that_a_number_may_have() -> None:
    paths, (x,) = of("x")
    assert results(paths, lambda: "abc"[x] if 0 <= x < 3 else "") == ["", "", "a", "b", "c"]


def test_a_tuple_is_cut_where_a_number_says() -> None:
    paths, (x,) = of("x")
    paths.assume(paths.term(x) >= 0, paths.term(x) <= 2)
    assert results(paths, lambda: (7, 8, 9)[x:]) == [(7, 8, 9), (8, 9), (9,)]
    assert results(paths, lambda: (7, 8, 9)[: 2 - x]) == [(), (7, 8), (7,)]
    assert results(paths, lambda: len(range(x))) == [0, 1, 2]


def test_an_index_agrees_with_what_was_compared_before_and_after() -> None:
    paths, (x, y) = of("x", "y")
    paths.assume(paths.term(x) >= 0, paths.term(x) <= 3)
    paths.at_most(y, x)
    paths.at_most(0, y)

    def both() -> tuple[bool, int, bool, int]:
        return x < 2, int(x), x == 2, int(1 - y)

    found = results(paths, both)
    assert [(small, at, two) for small, at, two, _ in found] == [
        (at < 2, at, at == 2) for _, at, _, _ in found
    ]
    assert sorted([(at, 1 - below) for _, at, _, below in found]) == [
        (at, below) for at in range(4) for below in range(at + 1)
    ]


def test_an_index_without_bounds_has_no_end() -> None:
    paths = Paths(limit=20)
    x = paths.number("x")
    with pytest.raises(BudgetError, match="more than 20 paths"):
        list(paths.run(lambda: int(x)))


# Numbers


def test_sums_and_differences_are_what_they_are_of_integers() -> None:
    paths, (x, y) = of("x", "y")

    def linear(x: Any, y: Any) -> list[Any]:
        return [x + y, y + x - 3, 5 - x, -x + y, x - y - 1, x + x - y, sum([x, y, 1]), 0 + x]

    numbers = linear(x, y)
    solver = z3.Solver()
    for number, term in zip(numbers, linear(z3.Int("x"), z3.Int("y")), strict=True):
        assert solver.check(paths.term(number) != term) == z3.unsat
    assert [value_of(number, {0: 10, 1: 3}) for number in numbers] == linear(10, 3)


def test_what_follows_from_the_form_asks_nobody() -> None:
    _, (x,) = of("x")
    assert (x + 1 > x, x - x, x + 1 - x, x <= x + 0, x == x + 0) == (True, 0, 1, True, True)
    assert (x != x + 1, x + 2 < x + 1) == (True, False)
    with pytest.raises(RuntimeError, match="only while `Paths` runs"):
        _ = x < 1


def test_a_number_equals_nothing_but_numbers() -> None:
    _, (x,) = of("x")
    assert (x == "x", x is None, x == (x,), x in ("x", None)) == (False,) * 4
    with pytest.raises(TypeError):
        _ = x < "x"
    with pytest.raises(TypeError):
        _ = x + "x"
    with pytest.raises(TypeError):
        _ = "x" - x


def test_a_number_is_true_unless_it_is_zero() -> None:
    paths, (x,) = of("x")
    for path in paths.run(lambda: bool(x)):
        assert path.result == bool(path.model.get(0, 0))
    assert results(paths, lambda: not x) == [False, True]


def test_a_truth_that_is_either_is_decided_where_it_is_asked_for() -> None:
    paths, (x, y) = of("x", "y")
    one, other = Flag(x), Flag(y)
    assert results(paths, lambda: one == Flag(x)) == [True, True]
    assert results(paths, lambda: (bool(one), one == bool(one))) == [(False, True), (True, True)]
    assert results(paths, lambda: one == other) == [False, False, True, True]
    assert results(paths, lambda: one == 1) == [False]
    with pytest.raises(TypeError, match="has no hash"):
        hash(one)


@pytest.mark.parametrize("use", [hash, lambda x: {x}, lambda x: {x: 1}, lambda x: x in {1, 2}])
def test_a_number_has_no_hash(use: Callable[[Any], object]) -> None:
    paths, (x,) = of("x")
    with pytest.raises(TypeError, match="has no hash"):
        use(x)
    (path,) = paths.run(lambda: use(x))
    assert isinstance(path.raised, TypeError)


def test_a_number_is_shown_by_what_it_is_made_of() -> None:
    _, (x, y) = of("x", "y")
    assert repr(x + y + 1) == "x0 + x1 + 1"
    assert repr(x + x - y) == "2*x0 + -1*x1"


def test_an_unknown_has_a_name_of_its_own() -> None:
    paths, _ = of("x")
    with pytest.raises(ValueError, match="'x' already"):
        paths.number("x")


# Assumptions and contradictions


def test_a_contradiction_never_is_a_path() -> None:
    paths, (x, y) = of("x", "y")

    def contradiction() -> bool:
        return bool(x < y and y < x) or bool(x + y == 2 * 0 + x - 1 and y > 0)

    assert set(results(paths, contradiction)) == {False}
    even = list(paths.run(lambda: x + x == 7))
    assert [path.result for path in even] == [False]


def test_assumptions_leave_paths_out() -> None:
    paths, (x, y) = of("x", "y")
    assert results(paths, lambda: x < y) == [False, True]
    paths.at_most(x + 1, y)
    assert results(paths, lambda: x < y) == [True]
    paths.at_most(y, x)
    assert list(paths.run(lambda: "anything")) == []


def test_what_is_taken_over_from_another_path_is_assumed() -> None:
    paths, (x, y) = of("x", "y")
    (path,) = [path for path in paths.run(lambda: x < y and x > 3) if path.result]
    paths.take(path.conditions)
    assert results(paths, lambda: (x < y, x > 3)) == [(True, True)]
    with pytest.raises(RuntimeError, match="is forgotten"):
        for again in paths.run(lambda: x < 9):
            paths.take(again.conditions)


def test_what_cannot_be_is_no_path() -> None:
    paths, (x,) = of("x")
    paths.at_most(x, x)
    assert results(paths, lambda: x < 0) == [False, True]
    paths.at_most(x + 1, x)
    assert list(paths.run(lambda: x < 0)) == []


def test_what_plainly_follows_is_not_asked() -> None:
    paths, (x, y) = of("x", "y")
    paths.at_most(x, 3)
    paths.at_most(5, y)
    (path,) = paths.run(lambda: (x <= 3, x < 9, x == 4, y >= 5, y < 5, y > 4))
    assert path.result == (True, True, False, True, False, True)
    assert (path.conditions, paths.queries) == ((), 1)


def test_assumptions_may_speak_of_more_than_the_unknowns() -> None:
    paths, (x,) = of("x")
    other = z3.Int("other")
    paths.assume(paths.term(x) > other, other > 3)
    assert results(paths, lambda: x > 4) == [True]
    for path in paths.run(lambda: x > 5):
        assert set(path.model) == {0}


def test_nothing_is_assumed_while_a_function_runs() -> None:
    paths, (x,) = of("x")
    for path in paths.run(lambda: x < 1):
        with pytest.raises(RuntimeError, match="is forgotten"):
            paths.assume(path.formula(paths))
    paths.assume(paths.term(x) < 1)
    assert results(paths, lambda: x < 1) == [True]


def test_a_path_carries_numbers_that_take_it() -> None:
    paths, (x, y) = of("x", "y")
    paths.assume(paths.term(x) + paths.term(y) == 10)

    def classify(x: Any, y: Any) -> str:
        if x > 7:
            return "x" if y < 0 else "mostly x"
        return "even" if x == y else "y"

    found = list(paths.run(lambda: classify(x, y)))
    assert sorted([path.result for path in found if path.result]) == ["even", "mostly x", "x", "y"]
    for path in found:
        x_is, y_is = path.model.get(0, 0), path.model.get(1, 0)
        assert (path.result, x_is + y_is) == (classify(x_is, y_is), 10)


# Exceptions


def test_an_exception_ends_a_path() -> None:
    paths, (x,) = of("x")

    def refuse() -> str:
        if x < 0:
            raise ValueError("negative")
        return "accepted"

    (refused,) = [path for path in paths.run(refuse) if path.raised is not None]
    assert str(refused.raised) == "negative"
    assert refused.result is None
    assert refused.model[0] < 0
    (accepted,) = [path for path in paths.run(refuse) if path.raised is None]
    assert accepted.result == "accepted"
    assert accepted.model.get(0, 0) >= 0


def test_what_a_function_catches_is_its_own_affair() -> None:
    paths, (x,) = of("x")

    def sheltered() -> str:
        try:
            return "abc"[x]
        except IndexError:
            return "outside"

    paths.assume(paths.term(x) >= 1, paths.term(x) <= 4)
    assert results(paths, sheltered) == ["b", "c", "outside", "outside"]


# Running


def test_a_function_that_does_something_else_the_second_time_is_noticed() -> None:
    paths, (x, y) = of("x", "y")
    seen: list[int] = []

    def forgetful() -> bool:
        seen.append(1)
        return bool(y < 1 if len(seen) > 1 else x < 1)

    with pytest.raises(RepeatError, match="where it had asked"):
        list(paths.run(forgetful))

    def lazy() -> bool:
        seen.append(1)
        return len(seen) > 1 or bool(x < 1)

    seen.clear()
    with pytest.raises(RepeatError, match="it ended before"):
        list(paths.run(lazy))

    def indexing() -> int:
        seen.append(1)
        return int(y if len(seen) > 1 else x)

    seen.clear()
    with pytest.raises(RepeatError, match="where it had asked"):
        list(paths.run(indexing))


def test_as_many_paths_as_allowed() -> None:
    paths = Paths(limit=2)
    x = paths.number("x")
    assert results(paths, lambda: x < 1) == [False, True]
    run = paths.run(lambda: (x < 1, x < 2))
    assert [next(run).raised, next(run).raised] == [None, None]
    with pytest.raises(BudgetError, match="more than 2 paths"):
        next(run)
    assert results(paths, lambda: x < 1) == [False, True]


@pytest.mark.parametrize("in_one_path", [True, False])
def test_no_more_questions_than_allowed(in_one_path: bool) -> None:
    """Also where one path asks without an end."""
    paths = Paths(questions=50)
    x = paths.number("x")

    def endless() -> int:
        n = 0
        while x != n or in_one_path:
            n += 1
        return n

    with pytest.raises(BudgetError, match="more than 50 questions"):
        list(paths.run(endless))


def test_after_z3_gave_up_nothing_remains_of_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    paths, (x,) = of("x")
    check = Paths._check
    asked: list[int] = []

    def tired(self: Paths) -> Any:
        asked.append(1)
        if len(asked) == 3:
            raise BudgetError("z3 gave up: tired")
        return check(self)

    with monkeypatch.context() as patch:
        patch.setattr(Paths, "_check", tired)
        with pytest.raises(BudgetError, match="tired"):
            list(paths.run(lambda: (x < 1, x < 5)))
    assert len(results(paths, lambda: (x < 1, x < 5))) == 3


def test_a_run_that_is_left_leaves_nothing_behind() -> None:
    paths, (x,) = of("x")
    for path in paths.run(lambda: (x < 1, x < 5, x < 9)):
        assert path.conditions
        break
    assert len(results(paths, lambda: (x < 1, x < 5))) == 3


def test_one_run_at_a_time() -> None:
    paths, (x,) = of("x")
    first = paths.run(lambda: x < 1)
    next(first)
    with pytest.raises(RuntimeError, match="runs already"):
        next(paths.run(lambda: x < 2))
    assert len([*first]) == 1
    assert len(results(paths, lambda: x < 2)) == 2


def test_runs_within_runs_are_of_other_unknowns() -> None:
    outer, (x,) = of("x")

    def within() -> tuple[bool, int, bool]:
        before = x < 1
        inner, (y,) = of("y")
        inside = len(list(inner.run(lambda: (y < 1, y < 2))))
        return before, inside, x < 2

    assert results(outer, within) == [(False, 3, False), (False, 3, True), (True, 3, True)]
    assert Number.deciding is None


def test_after_an_exception_nobody_decides() -> None:
    paths, (x,) = of("x")

    def interrupted() -> None:
        assert x < 1 or x >= 1
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(paths.run(interrupted))
    assert Number.deciding is None
    assert len(results(paths, lambda: x < 1)) == 2


def test_no_question_is_asked_twice() -> None:
    """Two ways at each of three comparisons: one question for each node of the tree, and one."""
    paths, numbers = of("x", "y", "z")
    found = list(paths.run(lambda: [number < 0 for number in numbers]))
    assert len(found) == 8
    assert paths.queries == 1 + 7


def test_half_of_an_even_number_and_a_constant_is_exact() -> None:
    paths = Paths()
    x = paths.number("x")
    paths.assume(paths.term(x) >= -3, paths.term(x) <= 3)
    halves = list(paths.run(lambda: ((x + x + 5) // 2 == x + 2, (x + x - 1) // 2 == x - 1)))
    assert [path.result for path in halves] == [(True, True)]
    with pytest.raises(TypeError):
        x // 2
