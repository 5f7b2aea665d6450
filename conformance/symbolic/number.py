"""Integers that stand for all integers: linear expressions over unknowns.

A `Number` is compared, added and passed on, as terms and indices are.  A comparison gives a plain
`bool`, which the running `Paths` decides: one way in this run, the other way in another.  What
follows from the numbers' form alone (`x + 1 > x`) asks nobody.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final, NamedTuple, NoReturn, Protocol, TypeAlias

Unknown: TypeAlias = int
Terms: TypeAlias = tuple[tuple[Unknown, int], ...]
"""A sum of unknowns, each with its coefficient, in the order of the unknowns; none is 0."""


class Atom(NamedTuple):
    """`terms` <= `bound`, or with `equal`, `terms` == `bound`.  The first coefficient is above 0.

    Every comparison of linear expressions over the integers is an atom or the negation of one.
    """

    terms: Terms
    bound: int
    equal: bool


class Decides(Protocol):
    def decide(self, atom: Atom) -> bool: ...
    def value(self, number: Number) -> int: ...


class Number:
    """`terms` + `constant`; without terms there is a plain `int` instead."""

    __slots__ = ("constant", "terms")

    deciding: ClassVar[Decides | None] = None
    """Whoever decides comparisons now."""

    def __init__(self, terms: Terms, constant: int = 0) -> None:
        self.terms: Final = terms
        self.constant: Final = constant

    def __add__(self, other: Any) -> Any:
        if isinstance(other, int):
            return Number(self.terms, self.constant + other) if other else self
        if isinstance(other, Number):
            terms = _sum(self.terms, other.terms, 1)
            constant = self.constant + other.constant
            return Number(terms, constant) if terms else constant
        return NotImplemented

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        if isinstance(other, int):
            return Number(self.terms, self.constant - other) if other else self
        if isinstance(other, Number):
            terms = _sum(self.terms, other.terms, -1)
            constant = self.constant - other.constant
            return Number(terms, constant) if terms else constant
        return NotImplemented

    def __neg__(self) -> Number:
        return Number(tuple([(unknown, -count) for unknown, count in self.terms]), -self.constant)

    def __rsub__(self, other: Any) -> Any:
        return -self + other

    def __floordiv__(self, other: Any) -> Any:
        """Where all unknowns come in multiples of it, so that only the constant is rounded."""
        if not isinstance(other, int) or other <= 0 or any(by % other for _, by in self.terms):
            return NotImplemented
        return Number(tuple([(one, by // other) for one, by in self.terms]), self.constant // other)

    def __lt__(self, other: Any) -> bool:
        return _at_most(self - other, -1)

    def __le__(self, other: Any) -> bool:
        return _at_most(self - other, 0)

    def __gt__(self, other: Any) -> bool:
        return not _at_most(self - other, 0)

    def __ge__(self, other: Any) -> bool:
        return not _at_most(self - other, -1)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, (int, Number)):
            return NotImplemented
        return _is_zero(self - other)

    def __bool__(self) -> bool:
        return not _is_zero(self)

    def __index__(self) -> int:
        """Where a plain integer is needed: one of the values that it can have, in every run
        another one.  There is no end to that unless the path leaves it finitely many.
        """
        return _decides().value(self)

    def __hash__(self) -> NoReturn:
        raise TypeError("a symbolic number has no hash: it is no key, and no member of a set")

    def __repr__(self) -> str:
        shown = " + ".join(f"x{one}" if by == 1 else f"{by}*x{one}" for one, by in self.terms)
        return f"{shown} + {self.constant}" if self.constant else shown


class Flag:
    """A truth that is either: whether a number is other than 0."""

    __slots__ = ("number",)

    def __init__(self, number: Number) -> None:
        self.number: Final = number

    def __bool__(self) -> bool:
        return bool(self.number)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, (bool, Flag)):
            return NotImplemented
        return self is other or bool(self) is bool(other)

    def __hash__(self) -> NoReturn:
        raise TypeError("a symbolic truth has no hash: it is no key, and no member of a set")

    def __repr__(self) -> str:
        return f"{self.number} != 0"


def unknown(number: Unknown) -> Number:
    return Number(((number, 1),))


def value_of(number: int | Number, model: dict[Unknown, int]) -> int:
    """What a number is under an assignment of the unknowns; 0 for what it does not name."""
    if isinstance(number, int):
        return number
    return number.constant + _value(number.terms, model)


def holds(atom: Atom, model: dict[Unknown, int]) -> bool:
    value = _value(atom.terms, model)
    return value == atom.bound if atom.equal else value <= atom.bound


def at_most(one: int | Number, other: int | Number) -> tuple[Atom | None, bool]:
    """That one number is no more than the other: an atom, and whether that or its negation."""
    difference: int | Number = one - other
    if isinstance(difference, int):
        return None, difference <= 0
    return _bounded(difference, 0)


def equality(number: Number) -> Atom:
    """That a number is 0."""
    terms, constant = number.terms, number.constant
    if terms[0][1] < 0:
        terms, constant = (-number).terms, -constant
    return Atom(terms, -constant, True)


def _value(terms: Terms, model: dict[Unknown, int]) -> int:
    return sum([count * model.get(unknown, 0) for unknown, count in terms])


def _sum(one: Terms, other: Terms, sign: int) -> Terms:
    if one == other and sign < 0:
        return ()
    counts = dict(one)
    for unknown, count in other:
        counts[unknown] = counts.get(unknown, 0) + sign * count
    return tuple(sorted([(unknown, count) for unknown, count in counts.items() if count]))


def _decides() -> Decides:
    if Number.deciding is None:
        raise RuntimeError("symbolic numbers are compared only while `Paths` runs a function")
    return Number.deciding


def _at_most(difference: int | Number, bound: int) -> bool:
    """Whether a difference is no more than `bound`."""
    if isinstance(difference, int):
        return difference <= bound
    atom, value = _bounded(difference, bound)
    return _decides().decide(atom) is value


def _bounded(difference: Number, bound: int) -> tuple[Atom, bool]:
    """That a number is no more than `bound`: an atom, and whether that or its negation."""
    terms, bound = difference.terms, bound - difference.constant
    if terms[0][1] > 0:
        return Atom(terms, bound, False), True
    # -t <= b is t >= -b is not t <= -b - 1
    return Atom((-difference).terms, -bound - 1, False), False


def _is_zero(difference: int | Number) -> bool:
    if isinstance(difference, int):
        return difference == 0
    return _decides().decide(equality(difference))
