"""All paths of a function of symbolic numbers, one re-execution for each.

A run follows the decisions of the run before it up to the last one whose other way has not been
gone, goes that way, and from there on wherever a model of the path leads.  Only the ways that some
integers take are gone: each is an assignment that z3 gave.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from time import monotonic
from typing import Generic, TypeAlias, TypeVar

import z3

from conformance.symbolic.number import (
    Atom,
    Number,
    Terms,
    Unknown,
    equality,
    holds,
    unknown,
    value_of,
)

T = TypeVar("T")
Model: TypeAlias = dict[Unknown, int]
"""A plain value for each unknown; one that is not named may have any, and counts as 0."""


class BudgetError(Exception):
    """There are more paths than were allowed, or it took longer."""


@dataclass(slots=True)
class _Decision:
    """One way that was gone.

    `forks`: there is another way.  `other`: a model of that, as long as it is yet to be gone.
    """

    atom: Atom
    value: bool
    forks: bool
    other: Model | None


@dataclass(frozen=True, slots=True)
class Path(Generic[T]):
    """One path: what the function returned or raised, for which numbers, and some of those."""

    result: T | None
    conditions: tuple[tuple[Atom, bool], ...]
    """What the decisions were, but those that followed from the ones before."""
    model: Model
    raised: Exception | None = None

    def formula(self, paths: Paths) -> z3.BoolRef:
        return z3.And([paths.formula(atom, value) for atom, value in self.conditions])


@dataclass(slots=True)
class Paths:
    """Unknowns, what is assumed of them, and the runs of functions of them.

    `limit`: the number of paths after which `run` raises `BudgetError`; `seconds`: the time.
    """

    limit: int | None = None
    seconds: float | None = None
    queries: int = 0
    """How often z3 was asked."""
    names: list[str] = field(default_factory=list)
    _numbers: dict[str, Unknown] = field(default_factory=dict)
    _constants: list[z3.ArithRef] = field(default_factory=list)
    _solver: z3.Solver = field(default_factory=lambda: z3.SolverFor("QF_LIA"))
    _formulas: dict[Atom, tuple[z3.BoolRef, z3.BoolRef]] = field(default_factory=dict)
    _sums: dict[Terms, z3.ArithRef] = field(default_factory=dict)
    _model: Model = field(default_factory=dict)
    _trail: list[_Decision] = field(default_factory=list)
    _at: int = 0
    _known: dict[Atom, bool] = field(default_factory=dict)

    # Unknowns

    def number(self, name: str) -> Number:
        """A new unknown, of a name that no other one has."""
        if name in self._numbers:
            raise ValueError(f"there is an unknown {name!r} already")
        self._numbers[name] = len(self.names)
        self.names.append(name)
        self._constants.append(z3.Int(name))
        return unknown(len(self.names) - 1)

    def assume(self, *conditions: z3.BoolRef) -> None:
        """Go only where this holds.  Not while a function runs.

        Conditions may name other constants than the unknowns; a path is then one that some values
        of those allow.
        """
        self._solver.add(*conditions)

    def at_most(self, one: int | Number, other: int | Number) -> None:
        """Assume that one number is no more than the other."""
        self.assume(self.term(one) <= self.term(other))

    def term(self, number: int | Number) -> z3.ArithRef:
        """A number as a term of z3."""
        if isinstance(number, int):
            return z3.IntVal(number)
        total = self._sum(number.terms)
        return total + number.constant if number.constant else total

    def _sum(self, terms: Terms) -> z3.ArithRef:
        found = self._sums.get(terms)
        if found is None:
            parts = [
                self._constants[one] if count == 1 else count * self._constants[one]
                for one, count in terms
            ]
            found = self._sums[terms] = parts[0] if len(parts) == 1 else z3.Sum(parts)
        return found

    def formula(self, atom: Atom, value: bool = True) -> z3.BoolRef:
        """An atom, or its negation, as a formula of z3."""
        found = self._formulas.get(atom)
        if found is None:
            total = self._sum(atom.terms)
            positive = total == atom.bound if atom.equal else total <= atom.bound
            found = self._formulas[atom] = positive, z3.Not(positive)
        return found[0] if value else found[1]

    # Runs

    def run(self, function: Callable[[], T]) -> Iterator[Path[T]]:
        """Every path of `function`; it has to do the same whenever it decides the same.

        An exception that it raises ends a path like any other; `BudgetError` comes through.
        """
        until = None if self.seconds is None else monotonic() + self.seconds
        self._trail = []
        self._solver.push()
        try:
            model = self._check()
            gone = 0
            while model is not None:
                if (self.limit is not None and gone == self.limit) or (
                    until is not None and monotonic() > until
                ):
                    raise BudgetError(f"after {gone} paths")
                yield self._once(function, model)
                gone += 1
                model = self._turn_back()
        finally:
            self._solver.pop(1 + sum(decision.forks for decision in self._trail))
            self._trail = []

    def _once(self, function: Callable[[], T], model: Model) -> Path[T]:
        self._model, self._at, self._known = model, 0, {}
        outer, Number.deciding = Number.deciding, self
        result: T | None = None
        raised: Exception | None = None
        try:
            result = function()
        except BudgetError:
            raise
        except Exception as error:
            raised = error
        finally:
            Number.deciding = outer
        conditions = tuple([(one.atom, one.value) for one in self._trail if one.forks])
        return Path(result, conditions, model, raised)

    def _turn_back(self) -> Model | None:
        """Give up decisions up to the last one that has another way, and take that."""
        while self._trail:
            last = self._trail[-1]
            if last.forks:
                self._solver.pop()
            if last.other is not None:
                model, last.other, last.value = last.other, None, not last.value
                self._solver.push()
                self._solver.add(self.formula(last.atom, last.value))
                return model
            self._trail.pop()
        return None

    # What a symbolic number asks

    def decide(self, atom: Atom) -> bool:
        """Whether this holds in this run."""
        known = self._known.get(atom)
        if known is not None:
            return known
        if self._at == len(self._trail):
            self._trail.append(self._decision(atom))
        value = self._trail[self._at].value
        self._at += 1
        self._known[atom] = value
        return value

    def _decision(self, atom: Atom) -> _Decision:
        """The model's way; the other one remains for later, if any numbers take it."""
        value = holds(atom, self._model)
        self._solver.push()
        self._solver.add(self.formula(atom, not value))
        other = self._check()
        self._solver.pop()
        if other is not None:
            self._solver.push()
            self._solver.add(self.formula(atom, value))
        return _Decision(atom, value, other is not None, other)

    def value(self, number: Number) -> int:
        """A value that the number has in this run; one run for each that it can have."""
        while True:
            value = value_of(number, self._model)
            atom = equality(number - value)
            if self._known.get(atom) is None and self._at < len(self._trail):
                atom = self._trail[self._at].atom  # as it was asked before
                sign = 1 if number.terms == atom.terms else -1
                value = number.constant + sign * atom.bound
            if self.decide(atom):
                return value

    def _check(self) -> Model | None:
        self.queries += 1
        found = self._solver.check()
        if found == z3.unsat:
            return None
        if found != z3.sat:
            raise BudgetError(f"z3 gave up: {self._solver.reason_unknown()}")
        model = self._solver.model()
        return {
            self._numbers[declared.name()]: model[declared].as_long()
            for declared in model.decls()
            if declared.name() in self._numbers
        }
