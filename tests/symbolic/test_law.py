"""The law of paths, on programs drawn at random; and that a broken engine breaks it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import Any

import pytest
import z3
from hypothesis import HealthCheck, Phase, assume, find, given, settings
from hypothesis import strategies as st

from conformance.symbolic import number as number_module
from conformance.symbolic.number import Atom, Number, holds
from conformance.symbolic.paths import BudgetError, Paths
from conformance.symbolic.ranges import Ranges
from tests.symbolic.programs import (
    INPUTS,
    Explored,
    Program,
    explored,
    inputs,
    programs,
    unlawful,
)

SLOW = settings(
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


def explored_or_left_out(program: Program) -> Explored:
    try:
        return explored(program)
    except BudgetError:
        assume(False)
        raise


@SLOW
@given(programs(), inputs())
def test_every_input_has_one_path_and_its_result(program: Program, values: list[int]) -> None:
    try:
        assert unlawful(program, values) is None
    except BudgetError:
        assume(False)


@settings(SLOW, max_examples=40)
@given(programs())
def test_paths_exclude_each_other_and_leave_nothing_out(program: Program) -> None:
    """For all integers, says z3."""
    run = explored_or_left_out(program)
    assume(len(run.found) <= 40)
    ways = [path.formula(run.paths) for path in run.found]
    solver = z3.Solver()
    assert solver.check(z3.Not(z3.Or(ways))) == z3.unsat
    for one, other in combinations(ways, 2):
        assert solver.check(one, other) == z3.unsat


@settings(SLOW, max_examples=40)
@given(programs())
def test_the_paths_are_the_same_when_run_again(program: Program) -> None:
    """In what order they come, is z3's affair."""
    run = explored_or_left_out(program)
    again = explored(program)
    results = sorted([repr(path.result) for path in run.found])
    assert sorted([repr(path.result) for path in again.found]) == results
    if "pick" not in repr(program):  # where values are tried, the models say which come first
        ways = {path.conditions for path in run.found}
        assert {path.conditions for path in again.found} == ways
        assert len(ways) == len(run.found)


# Broken engines


def at_most_off_by_one(difference: int | Number, bound: int) -> bool:
    return _at_most(difference, bound if isinstance(difference, int) else bound + 1)


def negated_wrongly(difference: int | Number, bound: int) -> bool:
    """-t <= b as not t <= -b, one off."""
    if isinstance(difference, int) or difference.terms[0][1] > 0:
        return _at_most(difference, bound)
    return _at_most(difference, bound - 1)


def of_the_wrong_sign(difference: int | Number, bound: int) -> bool:
    if isinstance(difference, int):
        return difference <= bound
    return _at_most(Number((-difference).terms, difference.constant), bound)


def never_zero(difference: int | Number) -> bool:
    return isinstance(difference, int) and difference == 0


def without_constant(number: Number) -> Atom:
    return Atom(number.terms, 0, True)


def sum_that_forgets_signs(one: Any, other: Any, sign: int) -> Any:
    return _sum(one, other, 1)


def other_way_forgotten(self: Paths, atom: Atom) -> Any:
    decision = _decision(self, atom)
    decision.other = None
    return decision


def other_way_without_its_condition(self: Paths, atom: Atom, value: bool = True) -> Any:
    return _formula(self, atom, True)


def decided_by_the_model(self: Paths, atom: Atom) -> bool:
    """Whoever decides by the model alone goes one path."""
    return holds(atom, self._model)


def follows_too_early(self: Ranges, atom: Atom) -> bool | None:
    return _follows(self, atom._replace(bound=atom.bound + (not atom.equal)))


def notes_too_much(self: Ranges, atom: Atom, value: bool) -> None:
    _note(self, atom._replace(bound=atom.bound - (not atom.equal and value)), value)


_at_most = number_module._at_most
_sum = number_module._sum
_decision = Paths._decision
_formula = Paths.formula
_follows = Ranges.follows
_note = Ranges.note

BROKEN: list[tuple[object, str, Callable[..., Any]]] = [
    (number_module, "_at_most", at_most_off_by_one),
    (number_module, "_at_most", negated_wrongly),
    (number_module, "_at_most", of_the_wrong_sign),
    (number_module, "_is_zero", never_zero),
    (number_module, "equality", without_constant),
    (number_module, "_sum", sum_that_forgets_signs),
    (Paths, "_decision", other_way_forgotten),
    (Paths, "formula", other_way_without_its_condition),
    (Paths, "decide", decided_by_the_model),
    (Ranges, "follows", follows_too_early),
    (Ranges, "note", notes_too_much),
]


QUESTIONS = 100_000
PHASES = (Phase.generate,)


@st.composite
def cases(draw: st.DrawFn) -> tuple[Program, list[int]]:
    return draw(programs()), draw(inputs())


def is_unlawful(case: tuple[Program, list[int]]) -> bool:
    try:
        return unlawful(*case, questions=QUESTIONS) is not None
    except BudgetError as error:
        return "paths" not in str(error)
    except Exception:
        return True


def a_broken_law() -> tuple[Program, list[int]]:
    """A program and an input for which the law does not hold; raises if it finds none."""
    return find(
        cases(),
        is_unlawful,
        settings=settings(SLOW, max_examples=300, derandomize=True, database=None, phases=PHASES),
    )


@pytest.mark.parametrize(
    ("module", "name", "broken"), BROKEN, ids=[broken.__name__ for _, _, broken in BROKEN]
)
def test_a_broken_engine_is_caught(
    module: object, name: str, broken: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also one that goes on asking for ever."""
    monkeypatch.setattr(module, name, broken)
    program, values = a_broken_law()
    monkeypatch.undo()
    assert unlawful(program, values) is None
    assert len(values) == len(INPUTS)
