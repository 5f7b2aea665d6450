"""Formulas about a cluster, made finite: few terms, few indices, no quantifier.

z3 is told the lemmas for all numbers, and then cannot say of a state that it satisfies them.
Within a small scope it can: every number is one of a few, a function is a table, and what holds for
all is a conjunction.  A model of that is a state.

Numbers become bit vectors, which take a solver for truth values alone.  An entry is one as well:
its term, and one bit for which of two entries of the term it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import reduce
from itertools import product
from typing import Any, Final, NamedTuple, TypeAlias

import z3

from conformance.prove.statements.lemma import NOBODY
from conformance.prove.statements.lemmas import may_be_chosen
from conformance.prove.statements.views import (
    ENTRY,
    FOUNDING,
    TERM_OF,
    Before,
    Servers,
    unknown_server,
)

WIDTH: Final = 7
"""Bits of a number: so many that no sum in a formula overflows."""
FOUNDING_VALUE: Final = 0
NO_ENTRY: Final = 1
"""What is read where there is no entry: another one of term 0."""

Value: TypeAlias = Any
"""A bit vector or a truth value of z3, or a plain value."""


class Bounds(NamedTuple):
    """Terms from 1 to `terms`, indices from 1 to `indices`; 0 is before both."""

    terms: int
    indices: int

    @property
    def most(self) -> int:
        """The largest number that anything is."""
        return max(self) + 1


def number(name: str) -> Any:
    return z3.BitVec(name, WIDTH)


def term_of(entry: Value) -> Value:
    return entry >> 1 if isinstance(entry, int) else z3.LShR(entry, 1)


def signed(value: z3.BitVecNumRef) -> int:
    found: int = value.as_signed_long()
    return found


class Table:
    """A function as a value for each argument of a few, and one for all others."""

    def __init__(self, cells: dict[tuple[int, ...], Value], otherwise: int | bool) -> None:
        self.cells, self.otherwise = cells, otherwise

    def __call__(self, *at: Value) -> Value:
        plain = tuple([_plain(one) for one in at])
        if None not in plain:
            return self.cells.get(plain, self.otherwise)  # type: ignore[arg-type]
        result: Value = as_value(self.otherwise)
        for key, value in self.cells.items():
            if all(known in (None, one) for known, one in zip(plain, key, strict=True)):
                unknown = zip(at, plain, key, strict=True)
                same = [arg == one for arg, known, one in unknown if known is None]
                result = z3.If(z3.And(same) if len(same) > 1 else same[0], value, result)
        return result


def _plain(value: Value) -> int | None:
    if isinstance(value, int):
        return value
    return signed(value) if isinstance(value, z3.BitVecNumRef) else None


def as_value(value: Value) -> Any:
    """A plain value as one of z3."""
    if isinstance(value, bool):
        return z3.BoolVal(value)
    return z3.BitVecVal(value, WIDTH) if isinstance(value, int) else value


class Small(Servers):
    """A cluster and its history as tables; of the names that `Before` gives to the same."""

    founding = FOUNDING_VALUE

    def __init__(self, size: int, bounds: Bounds) -> None:
        self.size, self.bounds = size, bounds
        self.constants: dict[str, Any] = {}
        """Every number, by name."""
        self.entries: set[str] = set()
        """The names of those that are entries."""
        self.lead = self.of_terms("lead", NOBODY)
        self.tlast = self.of_terms("tlast")
        self.tlog = self._table("tlog", "Ti", NO_ENTRY, self.entry)
        self.commit_term = self._table("commit_term", "i", 0, self.number)
        self.committed_up_to = self._table("committed_up_to", "i", 0, self.number)
        self._told = [self.of_terms(f"told_{n}", NOBODY) for n in range(size)]
        self._ack = [self.of_terms(f"ack_{n}") for n in range(size)]
        self.servers = tuple(
            [unknown_server(n, size, self.number, self.of_entries) for n in range(size)]
        )
        self._left = [z3.Bool(f"left_{n}") for n in range(size)]
        cells = product(range(1, bounds.terms + 1), range(1, bounds.indices + 1))
        self.choosable = Table({at: z3.Bool(f"choosable_{at}") for at in cells}, False)

    def number(self, name: str) -> Any:
        found = self.constants.get(name)
        if found is None:
            found = self.constants[name] = number(name)
        return found

    def entry(self, name: str) -> Any:
        self.entries.add(name)
        return self.number(name)

    def term_of(self, entry: Value) -> Value:
        return term_of(entry)

    def told(self, n: int, term: Value) -> Value:
        return self._told[n](term)

    def ack(self, n: int, term: Value) -> Value:
        return self._ack[n](term)

    def read_term(self) -> Value:
        return self.number("read_term")

    def read_seqno(self) -> Value:
        return self.number("read_seqno")

    def read_stale(self) -> Value:
        return z3.Bool("read_stale")

    def left(self, n: int) -> Value:
        return self._left[n]

    def of_terms(self, name: str, otherwise: int = 0) -> Table:
        return self._table(name, "T", otherwise, self.number)

    def of_entries(self, name: str) -> Table:
        return self._table(name, "i", NO_ENTRY, self.entry)

    def _table(self, name: str, over: str, otherwise: int, make: Callable[[str], Any]) -> Table:
        return Table(
            {at: make("_".join((name, *map(str, at)))) for at in self.every(over)}, otherwise
        )

    def every(self, over: str) -> Iterator[tuple[int, ...]]:
        """All terms and indices of the scope, for what holds for all of them."""
        ranges = {"n": range(self.size), "m": range(self.size), "c": range(self.size)}
        ranges |= dict.fromkeys("TS", range(1, self.bounds.terms + 1))
        ranges |= dict.fromkeys("ij", range(1, self.bounds.indices + 1))
        return product(*[ranges[kind] for kind in over])

    def limits(self) -> Iterator[Any]:
        """That all this is within the scope, and says nothing where there is nothing to say."""
        terms, indices = self.bounds
        for server in self.servers:
            yield server.term <= terms
            yield server.last <= indices
            yield server.disk_last <= indices
        for (term,) in self.every("T"):
            yield self.tlast(term) >= 0
            yield self.tlast(term) <= indices
            yield z3.Implies(self.lead(term) == NOBODY, self.tlast(term) == 0)
        for term, i in self.every("Ti"):
            yield self.choosable(term, i) == as_value(may_be_chosen(self, term, i))


class Grounding:
    """Formulas about `Before` as formulas about `Small`."""

    def __init__(self, before: Before, bounds: Bounds) -> None:
        self.small = small = Small(before.size, bounds)
        self._tables: dict[str, Callable[..., Value]] = {
            "lead": small.lead,
            "tlast": small.tlast,
            "tlog": small.tlog,
            "commit_term": small.commit_term,
            "committed_up_to": small.committed_up_to,
            "choosable": small.choosable,
            TERM_OF.name(): term_of,
        }
        for n, server in enumerate(small.servers):
            self._tables |= {f"log_{n}": server.log, f"disk_log_{n}": server.disk_log}
            self._tables |= {f"told_{n}": small._told[n], f"ack_{n}": small._ack[n]}
        self._known: dict[int, tuple[Any, Any]] = {}
        self._limited = 0
        self._levels: list[tuple[int, int]] = []

    def begin(self) -> None:
        """What is met from here on may be forgotten together."""
        self._levels.append((self._limited, len(self._known)))

    def end(self) -> None:
        self._limited, known = self._levels.pop()
        while len(self._known) > known:
            self._known.popitem()

    def limits(self) -> list[Any]:
        """Those of numbers that have been met since they were last asked for."""
        small, found = self.small, []
        for name in list(small.constants)[self._limited :]:
            one = small.constants[name]
            if name in small.entries:
                found += [one >= 0, one != NO_ENTRY, one <= 2 * small.bounds.terms + 1]
            else:
                found += [one >= -1, one <= small.bounds.most]
        self._limited = len(small.constants)
        return found

    def __call__(self, formula: Any) -> Any:
        if isinstance(formula, (bool, int)):
            return as_value(formula)
        key = formula.get_id()
        known = self._known.get(key)
        if known is None:
            made = as_value(self._made(formula))
            known = self._known[key] = formula, made  # kept, so that the `id` stays its own
        return known[1]

    def _made(self, formula: Any) -> Any:
        if z3.is_quantifier(formula):
            return self._every(formula)
        kind = formula.decl().kind()
        if kind == z3.Z3_OP_ANUM:
            return formula.as_long()
        if kind == z3.Z3_OP_UNINTERPRETED:
            return self._named(formula)
        return OPERATIONS[kind]([self(child) for child in formula.children()])

    def _every(self, formula: Any) -> Any:
        """A conjunction, for all terms and indices; the variables are named by their kind."""
        count = formula.num_vars()
        over = "".join(formula.var_name(k)[-1] for k in range(count))
        body = formula.body()
        parts = []
        for at in self.small.every(over):
            values = [z3.IntVal(one) for one in reversed(at)]
            parts.append(self(z3.substitute_vars(body, *values)))
        return z3.And(parts)

    def _named(self, formula: Any) -> Any:
        name, small = formula.decl().name(), self.small
        if name.startswith("seen_"):
            return True
        arguments = [self(child) for child in formula.children()]
        if not arguments:
            if formula.sort() == z3.BoolSort():
                return formula
            if formula.eq(FOUNDING):
                return FOUNDING_VALUE
            return small.entry(name) if formula.sort() == ENTRY else small.number(name)
        if name not in self._tables:
            self._tables[name] = small.of_entries(name)
        return self._tables[name](*arguments)


def _sum(parts: list[Any]) -> Any:
    return reduce(lambda one, other: one + other, parts)


OPERATIONS: Final[dict[int, Callable[[list[Any]], Any]]] = {
    z3.Z3_OP_TRUE: lambda _: True,
    z3.Z3_OP_FALSE: lambda _: False,
    z3.Z3_OP_AND: lambda parts: z3.And(parts),
    z3.Z3_OP_OR: lambda parts: z3.Or(parts),
    z3.Z3_OP_NOT: lambda parts: z3.Not(parts[0]),
    z3.Z3_OP_IMPLIES: lambda parts: z3.Implies(*parts),
    z3.Z3_OP_EQ: lambda parts: parts[0] == parts[1],
    z3.Z3_OP_DISTINCT: lambda parts: z3.Distinct(parts),
    z3.Z3_OP_ITE: lambda parts: z3.If(*parts),
    z3.Z3_OP_LE: lambda parts: parts[0] <= parts[1],
    z3.Z3_OP_GE: lambda parts: parts[0] >= parts[1],
    z3.Z3_OP_LT: lambda parts: parts[0] < parts[1],
    z3.Z3_OP_GT: lambda parts: parts[0] > parts[1],
    z3.Z3_OP_ADD: _sum,
    z3.Z3_OP_SUB: lambda parts: parts[0] - _sum(parts[1:]),
    z3.Z3_OP_UMINUS: lambda parts: -parts[0],
    z3.Z3_OP_MUL: lambda parts: parts[0] * parts[1],
}
