"""Solvers that are told the same of a step, and each some of the lemmas.

z3 looks at every instance of a lemma that it comes upon, whether or not the goal has to do with it.
So there are several, and a goal is asked of one first that knows little.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import z3

from conformance.prove.statements.logic import Formula, both, negation

RESOURCES: Final = 20_000_000
"""After which z3 gives a query up, as it counts its own work: some ten seconds of an idle core.  A
busy machine gets the same answers.
"""
FIRST: Final = RESOURCES // 10
"""What a solver may do that knows some lemmas only: if it does not see a goal soon, the one that
knows all of them is asked.
"""
PLAIN: Final = "plain"
"""The solver that is told nothing with a quantifier, so that it is quick, and never in doubt."""


ALL: Final = "all"
"""The solver that knows all lemmas."""
NEEDED: Final[dict[str, frozenset[str]]] = {
    "votes": frozenset({"Ranges", "ToldIsSaved"}),
    "logs": frozenset(
        {"Ranges", "LogTerms", "TermLogEnds", "TermLogTerms", "TermLogFromLeader", "LogFromLeader"}
        | {"Leader", "LeaderLog", "Elected", "LeadersHave", "KnownIsCounted", "CountedIsChosen"}
        | {"AckIsDisk"}
    ),
}
"""What some goals need at the most, as a rule; they are asked of a solver that knows no more first.
"""
GROUPS: Final = {
    "ToldIsVote": "votes",
    **dict.fromkeys(
        [
            *("never refused", "KnownIsCounted", "LogFromLeader", "LogTerms", "AckIsDisk"),
            *("AppendCall", "AppendCallEntries", "AppendCallCommit"),
            *("OwedAppendReply", "InstallIsCommitted"),
        ],
        "logs",
    ),
}


def by_patterns(resources: int = RESOURCES) -> z3.Solver:
    """A solver that looks at an instance of a lemma only where a pattern is met, and at no model;
    so of what has quantifiers it says "unsat" or "unknown".
    """
    solver = z3.SimpleSolver()
    solver.set("auto_config", False)
    solver.set("mbqi", False)
    solver.set("rlimit", resources)
    return solver


class Solvers:
    """By name.  What is supposed, and not known, has a name, so that z3 can say what it has used:
    what was seen to follow from some of it is not asked again where that is supposed too.
    """

    def __init__(self, known: Mapping[str, Iterable[Formula]]) -> None:
        self.queries = 0
        self.hardest: tuple[int, str] = 0, ""
        """Of the queries that were answered, the one that took most resources: how many; of what.
        """
        most = {PLAIN: RESOURCES, ALL: RESOURCES}
        self.each = {name: by_patterns(most.get(name, FIRST)) for name in known}
        for name, solver in self.each.items():
            solver.add(*known[name])
        self.against: frozenset[int] | None = None
        """Which suppositions, by their order, cannot be true together, if that is all that the
        latest answer says.
        """
        self._order: dict[int, int] = {}
        """Of what is supposed, by its id."""
        self._supposed: list[tuple[z3.BoolRef, frozenset[int]]] = []
        """Names, with the ids of what each rests on: itself, or what it was concluded from."""
        self._seen: dict[int, list[frozenset[int]]] = {}
        """By the id of a formula: what it was seen to follow from."""
        self._kept: list[Formula] = []
        """What has these ids, which are its own as long as it is kept."""

    def add(self, *formulas: Formula) -> None:
        assert not self._order, "what follows would rest on it, and not say so"
        self._tell(formulas)

    def _tell(self, formulas: Iterable[Formula]) -> None:
        plain = [one for one in formulas if not has_quantifier(one)]
        for name, solver in self.each.items():
            solver.add(*(plain if name == PLAIN else formulas))

    def push(self) -> None:
        for solver in self.each.values():
            solver.push()

    def pop(self) -> None:
        self._seen, self._kept = {}, []
        for solver in self.each.values():
            solver.pop()

    @contextmanager
    def supposing(self, formulas: Sequence[Formula]) -> Iterator[None]:
        for solver in self.each.values():
            solver.push()
        try:
            self._kept += formulas
            self._order = {one.get_id(): order for order, one in enumerate(formulas)}
            for one in formulas:
                self._suppose(one, frozenset({one.get_id()}))
            yield
        finally:
            self._order, self._supposed = {}, []
            for solver in self.each.values():
                solver.pop()

    def conclude(self, formula: Formula, *, since: Formula) -> None:
        """Suppose it as well, since something was seen to follow that means no less."""
        rests_on = self._was_seen(since)
        assert rests_on is not None
        self._suppose(formula, rests_on)

    def _suppose(self, formula: Formula, rests_on: frozenset[int]) -> None:
        name = z3.Bool(f"supposed_{len(self._supposed)}")
        self._supposed.append((name, rests_on))
        self._tell([z3.Implies(name, formula)])

    def _was_seen(self, formula: Formula) -> frozenset[int] | None:
        """What it was seen to follow from, if all that is supposed."""
        found = self._seen.get(formula.get_id(), ())
        return next((rests_on for rests_on in found if rests_on <= self._order.keys()), None)

    def follows(self, of: str, *formulas: Formula, what: str = "") -> Any:
        """`unsat` if they are seen to follow from what this solver knows, or were before.

        `what`: the goal that they are.
        """
        self.against = None
        left = [one for one in formulas if one is not True]
        left = [one for one in left if one is False or self._was_seen(one) is None]
        if not left:
            return z3.unsat
        solver, goal = self.each[of], z3.Bool("goal")
        self.queries += 1
        solver.push()
        solver.add(z3.Implies(goal, negation(both(*left))))
        before = spent_so_far(solver)
        answer = solver.check(*[name for name, _ in self._supposed], goal)
        if answer == z3.unsat:
            self.hardest = max(self.hardest, (spent_so_far(solver) - before, what))
            used = {one.get_id() for one in solver.unsat_core()}
            rests = [on for name, on in self._supposed if name.get_id() in used]
            rests_on = frozenset[int]().union(*rests)
            if goal.get_id() not in used:
                self.against = frozenset(self._order[one] for one in rests_on)
            for one in left:
                if one is not False:
                    self._kept.append(one)
                    self._seen.setdefault(one.get_id(), []).append(rests_on)
        solver.pop()
        return answer

    def counterexample(self, formula: Formula) -> tuple[Any, z3.ModelRef | None]:
        """`unsat`, or one that the plain solver has found; None where it has given up."""
        solver = self.each[PLAIN]
        self.queries += 1
        solver.push()
        solver.add(negation(formula))
        answer = solver.check(*[name for name, _ in self._supposed])
        model = solver.model() if answer == z3.sat else None
        solver.pop()
        return answer, model


def spent_so_far(solver: z3.Solver) -> int:
    """The resources that z3 has spent so far, in all solvers."""
    spent: int = solver.statistics().get_key_value("rlimit count")
    return spent


def has_quantifier(formula: Formula) -> bool:
    """Whether there is one, at the top or as a part of a conjunction or an implication."""
    if isinstance(formula, bool):
        return False
    if z3.is_quantifier(formula):
        return True
    parts = z3.is_and(formula) or z3.is_or(formula) or z3.is_implies(formula)
    return bool(parts) and any(has_quantifier(part) for part in formula.children())
