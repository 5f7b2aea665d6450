"""A proof in small steps, each of which z3 sees to follow from what the step names.

z3 is told a few lemmas at a time, for all numbers, and what to look at.  A step that it does not
see to follow is an open one, and nothing is proved by it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any, Final

import z3

from conformance.prove.any_size.theory import OF_ALL, of_all
from conformance.prove.changing.statements.lemmas import (
    LEMMAS,
    acknowledged,
    may_acknowledge,
    may_be_chosen,
    stayed,
)
from conformance.prove.changing.statements.views import IS_CONFIG, JOINT, VOTERS, Before
from conformance.prove.statements.logic import Formula, both, implies, negation
from conformance.prove.statements.solvers import by_patterns
from conformance.prove.statements.statements import NODES, choosable_means, hypothesis, seen
from conformance.prove.statements.views import ACTOR, ENTRY, FOUNDING, TERM_OF

RESOURCES: Final = 40_000_000
COMMON: Final = z3.Int("common")
"""A server that is in two sets, if majorities of the same voters are."""
BY_NAME: Final = {one.name: one for one in LEMMAS}


def about_entries() -> list[Formula]:
    """What is true of entries whatever happens."""
    entry = z3.Const("an_entry", ENTRY)
    return [
        TERM_OF(FOUNDING) == 0,
        IS_CONFIG(FOUNDING),
        z3.Not(JOINT(FOUNDING)),
        z3.ForAll([entry], z3.Implies(JOINT(entry), IS_CONFIG(entry)), patterns=[JOINT(entry)]),
    ]


def about_majorities(v: Any) -> list[Formula]:
    """Of any voters: whoever acknowledged an index did so for lower ones, and may do so,
    and might when a read was taken.

    Each is `conformance.prove.any_size.statements.within`, of two sets of which one is in the other
    whatever happens.
    """
    voters, (term, i, j) = z3.Const("of_voters", VOTERS), z3.Ints("of_term of_i of_j")
    acked, may, had = acknowledged(v, term), may_acknowledge(v, term), stayed(v, term)
    found = [
        z3.ForAll(
            [voters, term, i, j],
            implies(both(of(j).by(voters), i <= j), of(i).by(voters)),
            patterns=[z3.MultiPattern(of(i).by(voters), of(j).by(voters))],
        )
        for of in (acked, may, had)
    ]
    for more, pattern in ((may, acked), (had, had)):
        means = implies(acked(i).by(voters), more(i).by(voters))
        found.append(z3.ForAll([voters, term, i], means, patterns=[pattern(i).by(voters)]))
    return found


def for_all(formula: Callable[..., Formula], look: Callable[..., Any], *bound: Any) -> Formula:
    """Where z3 comes across what it is to `look` at: a term, all of a tuple, or any of a list."""
    patterns = look(*bound)
    each = [
        z3.MultiPattern(*one) if isinstance(one, tuple) else one
        for one in (patterns if isinstance(patterns, list) else [patterns])
    ]
    return z3.ForAll(list(bound), formula(*bound), patterns=each)


@dataclass(slots=True)
class Script:
    """`facts`: what is given, and what was proved on the way, by name."""

    before: Before
    facts: dict[str, list[Formula]] = field(default_factory=dict)
    open: list[str] = field(default_factory=list)
    queries: int = 0

    def given(self, name: str, *formulas: Formula) -> None:
        self.facts[name] = list(formulas)

    def solver(self, using: str, mention: Iterable[Any]) -> z3.Solver:
        """Knows the lemmas and the facts of these names."""
        solver = by_patterns(RESOURCES)
        solver.add(*about_entries(), *about_majorities(self.before))
        for name in using.split():
            if name in self.facts:
                solver.add(*self.facts[name])
            elif name == "Choosable":
                solver.add(choosable_means(self.before, may_be_chosen))
            elif name in OF_ALL:
                solver.add(of_all(BY_NAME[name], self.before))
            else:
                lemma = BY_NAME[name]
                kinds = [kind for kind in lemma.over if kind in NODES]
                for chosen in product((ACTOR, COMMON), repeat=len(kinds)):
                    solver.add(hypothesis(lemma, self.before, chosen))
        solver.add(*[seen(one) for one in mention])
        return solver

    def step(
        self,
        name: str,
        formula: Formula,
        using: str,
        mention: Sequence[Any] = (),
        also: Sequence[Formula] = (),
    ) -> None:
        """`also`: other forms of what is proved, say for all numbers, known from then on."""
        solver = self.solver(using, mention)
        solver.add(negation(formula))
        self.queries += 1
        answer = solver.check()
        if answer != z3.unsat:
            self.open.append(name)
        self.facts[name] = [formula, *also]
