"""Solvers that are told the same of a step, and each some of the lemmas.

z3 looks at every instance of a lemma that it comes upon, whether or not the goal has to do with it.
So there are several, and a goal is asked of one first that knows little.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import z3

from conformance.prove.logic import Formula, negation

MILLISECONDS: Final = 10_000
"""After which z3 gives a query up."""
PLAIN: Final = "plain"
"""The solver that is told nothing with a quantifier, so that it is quick, and never in doubt."""


ALL: Final = "all"
"""The solver that knows all lemmas."""
NEEDED: Final[dict[str, frozenset[str]]] = {
    "votes": frozenset({"Ranges", "ToldIsSaved"}),
    "logs": frozenset(
        {"Ranges", "LogTerms", "TermLogEnds", "TermLogSorted", "TermLogFromLeader", "LogFromLeader"}
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
            *("OwedAppendCall", "OwedAppendCallEntries", "OwedAppendReply", "InstallIsCommitted"),
            *("AppendCallCommit", "OwedAppendCallCommit"),
        ],
        "logs",
    ),
}


def by_patterns(milliseconds: int = MILLISECONDS) -> z3.Solver:
    """A solver that looks at an instance of a lemma only where a pattern is met, and at no model;
    so of what has quantifiers it says "unsat" or "unknown".
    """
    solver = z3.SimpleSolver()
    solver.set("auto_config", False)
    solver.set("mbqi", False)
    solver.set("timeout", milliseconds)
    return solver


class Solvers:
    """By name.  A level of `push` may have decisions: what holds on one path."""

    def __init__(self, known: Mapping[str, Iterable[Formula]]) -> None:
        self.queries = 0
        self.each = {name: by_patterns() for name in known}
        for name, solver in self.each.items():
            solver.add(*known[name])
        self._decided: list[z3.BoolRef] = []
        self.against: frozenset[int] | None = None
        """Which decisions cannot be taken together, if that is all that the latest answer says."""

    def add(self, *formulas: Formula) -> None:
        plain = [one for one in formulas if not has_quantifier(one)]
        for name, solver in self.each.items():
            solver.add(*(plain if name == PLAIN else formulas))

    def push(self) -> None:
        for solver in self.each.values():
            solver.push()

    def pop(self) -> None:
        self._decided = []
        for solver in self.each.values():
            solver.pop()

    def decide(self, decisions: Sequence[Formula]) -> None:
        """Until the next `pop`.  Each has a name, so that z3 can say which of them it has used."""
        self._decided = [z3.Bool(f"decision_{k}") for k in range(len(decisions))]
        named = zip(self._decided, decisions, strict=True)
        self.add(*[z3.Implies(name, decision) for name, decision in named])

    def follows(self, of: str, formula: Formula) -> Any:
        """`unsat` if it is seen to follow from what this solver knows."""
        self.against = None
        if formula is True:
            return z3.unsat
        solver, goal = self.each[of], z3.Bool("goal")
        self.queries += 1
        solver.push()
        solver.add(z3.Implies(goal, negation(formula)))
        answer = solver.check(*self._decided, goal)
        if answer == z3.unsat:
            used = {one.get_id() for one in solver.unsat_core()}
            if goal.get_id() not in used:
                self.against = frozenset(
                    k for k, one in enumerate(self._decided) if one.get_id() in used
                )
        solver.pop()
        return answer

    def counterexample(self, formula: Formula) -> tuple[Any, z3.ModelRef | None]:
        """`unsat`, or one that the plain solver has found; None where it has given up."""
        solver = self.each[PLAIN]
        self.queries += 1
        solver.push()
        solver.add(negation(formula))
        answer = solver.check(*self._decided)
        model = solver.model() if answer == z3.sat else None
        solver.pop()
        return answer, model


def has_quantifier(formula: Formula) -> bool:
    """Whether there is one, at the top or as a part of a conjunction or an implication."""
    if isinstance(formula, bool):
        return False
    if z3.is_quantifier(formula):
        return True
    parts = z3.is_and(formula) or z3.is_or(formula) or z3.is_implies(formula)
    return bool(parts) and any(has_quantifier(part) for part in formula.children())
