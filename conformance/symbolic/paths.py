"""All paths of a function of symbolic numbers, one re-execution for each.

A run follows the decisions of the run before it up to the last one whose other way has not been
gone, goes that way, and from there on wherever a model of the path leads.  Only the ways that some
integers take are gone: each is an assignment that z3 gave.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeAlias, TypeVar

import z3

from conformance.observe.failed import PROGRAM_FAILED
from conformance.symbolic.number import (
    Atom,
    Number,
    Terms,
    Unknown,
    at_most,
    equality,
    holds,
    unknown,
    value_of,
)
from conformance.symbolic.ranges import Ranges

T = TypeVar("T")
Model: TypeAlias = dict[Unknown, int]
"""A plain value for each unknown; one that is not named may have any, and counts as 0."""


class BudgetError(Exception):
    """There are more paths than were allowed, or it took longer."""


class RepeatError(Exception):
    """A function did something else when it was run again and decided the same."""


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

    `limit`: the number of paths after which `run` raises `BudgetError`; `questions`: how many a run
    may ask in all.  Both are counts, so that a busy machine comes as far as an idle one.
    """

    limit: int | None = None
    questions: int | None = None
    queries: int = 0
    """How often z3 was asked."""
    names: list[str] = field(default_factory=list)
    _numbers: dict[str, Unknown] = field(default_factory=dict)
    _constants: list[z3.ArithRef] = field(default_factory=list)
    _declared: list[z3.FuncDeclRef] = field(default_factory=list)
    _solver: z3.Solver = field(default_factory=lambda: z3.SolverFor("QF_LIA"))
    _formulas: dict[Atom, tuple[z3.BoolRef, z3.BoolRef]] = field(default_factory=dict)
    _sums: dict[Terms, z3.ArithRef] = field(default_factory=dict)
    _model: Model = field(default_factory=dict)
    _trail: list[_Decision] = field(default_factory=list)
    _at: int = 0
    _known: dict[Atom, bool] = field(default_factory=dict)
    _given: Ranges = field(default_factory=lambda: Ranges({}))
    _ranges: Ranges = field(default_factory=lambda: Ranges({}))
    _running: bool = False
    _asked: int = 0

    # Unknowns

    def number(self, name: str) -> Number:
        """A new unknown, of a name that no other one has."""
        if name in self._numbers:
            raise ValueError(f"there is an unknown {name!r} already")
        self._numbers[name] = len(self.names)
        self.names.append(name)
        self._constants.append(constant := z3.Int(name))
        self._declared.append(constant.decl())
        return unknown(len(self.names) - 1)

    def assume(self, *conditions: z3.BoolRef) -> None:
        """Go only where this holds.  Not while a function runs.

        Conditions may name other constants than the unknowns; a path is then one that some values
        of those allow.
        """
        if self._running:
            raise RuntimeError("what is assumed while a function runs is forgotten after a path")
        self._solver.add(*conditions)

    def at_most(self, one: int | Number, other: int | Number) -> None:
        """Assume that one number is no more than the other."""
        atom, value = at_most(one, other)
        if atom is None:
            self.assume(z3.BoolVal(value))
        else:
            self.take([(atom, value)])

    def take(self, conditions: Iterable[tuple[Atom, bool]]) -> None:
        """Assume that decisions are these, as they are on some path."""
        for atom, value in conditions:
            self.assume(self.formula(atom, value))
            self._given.note(atom, value)

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

        An exception that it raises ends a path like any other; `BudgetError`, `RepeatError` and
        `PROGRAM_FAILED` come through.  One run at a time: the next one begins once this one has
        ended or is closed.
        """
        if self._running:
            raise RuntimeError("a function runs already")
        self._running = True
        self._asked = 0
        self._trail = []
        self._solver.push()
        try:
            model = self._check()
            gone = 0
            while model is not None:
                if gone == self.limit:
                    raise BudgetError(f"more than {gone} paths")
                yield self._once(function, model)
                gone += 1
                model = self._turn_back()
        finally:
            self._solver.pop(1 + sum(decision.forks for decision in self._trail))
            self._trail = []
            self._running = False

    def _once(self, function: Callable[[], T], model: Model) -> Path[T]:
        self._model, self._at, self._known = model, 0, {}
        self._ranges = self._given.copy()
        outer, Number.deciding = Number.deciding, self
        result: T | None = None
        raised: Exception | None = None
        try:
            result = function()
        except (BudgetError, RepeatError):
            raise
        except PROGRAM_FAILED:
            raise
        except Exception as error:
            raised = error
        finally:
            Number.deciding = outer
        if self._at < len(self._trail):
            raise RepeatError(f"it ended before it asked {self._trail[self._at].atom} again")
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
        known = self._settled(atom)
        if known is not None:
            return known
        if self._at == len(self._trail):
            self._trail.append(self._decision(atom))
        gone = self._trail[self._at]
        if gone.atom != atom:
            raise RepeatError(f"it asked {atom} where it had asked {gone.atom}")
        value = gone.value
        self._at += 1
        self._known[atom] = value
        self._ranges.note(atom, value)
        return value

    def _settled(self, atom: Atom) -> bool | None:
        """What was decided in this run already, or plainly follows from it."""
        known = self._known.get(atom)
        if known is None:
            self._count()
            return self._ranges.follows(atom)
        return known

    def _decision(self, atom: Atom) -> _Decision:
        """The model's way; the other one remains for later, if any numbers take it."""
        value = holds(atom, self._model)
        self._solver.push()
        try:
            self._solver.add(self.formula(atom, not value))
            other = self._check()
        finally:
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
            if self._settled(atom) is None and self._at < len(self._trail):
                atom = self._trail[self._at].atom  # as it was asked before
                sign = 1 if number.terms == atom.terms else -1
                value = number.constant + sign * atom.bound
                atom = equality(number - value)
            if self.decide(atom):
                return value

    def _check(self) -> Model | None:
        self._count()
        self.queries += 1
        try:
            found = self._solver.check()
        except z3.Z3Exception as error:  # it may be out of memory, which is nothing of the function
            raise BudgetError(f"z3 gave up: {error}") from error
        if found == z3.unsat:
            return None
        if found != z3.sat:
            raise BudgetError(f"z3 gave up: {self._solver.reason_unknown()}")
        return self._values(self._solver.model())

    def _values(self, model: z3.ModelRef) -> Model:
        """What a model says of the unknowns.  By z3's own functions: its objects take long."""
        context = self._solver.ctx.ref()
        values: Model = {}
        for number, declared in enumerate(self._declared):
            found = z3.Z3_model_get_const_interp(context, model.model, declared.ast)
            if found:
                values[number] = int(z3.Z3_get_numeral_string(context, found))
        return values

    def _count(self) -> None:
        self._asked += 1
        if self.questions is not None and self._asked > self.questions:
            raise BudgetError(f"more than {self.questions} questions")
