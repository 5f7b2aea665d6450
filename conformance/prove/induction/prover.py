"""Whether every step of the cluster keeps the lemmas, by z3: steps, terms and messages unbounded.

What is known and what is to be shown is the `theory`'s to say.  Here is who is asked, in which
order, and what is not asked again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import z3

from conformance.prove.induction.actor import Actor
from conformance.prove.induction.events import Happening, Ran, Step
from conformance.prove.induction.theory import Consequence, Theory
from conformance.prove.statements.goals import Goal
from conformance.prove.statements.logic import Formula, both
from conformance.prove.statements.solvers import ALL, Solvers
from conformance.prove.statements.statements import seen
from conformance.symbolic.number import Atom
from conformance.symbolic.paths import Path, Paths

Decided: TypeAlias = tuple[Atom, bool]
Failure: TypeAlias = tuple[str, str]
"""The name of a goal, and what z3 says of it."""

PATHS = 20_000
"""So many paths of one case, and no more."""
UNASSUMED = "it is not seen to follow what is assumed of the shape"


@dataclass(slots=True)
class Checked:
    """What came of a step: paths, and the goals of each that z3 does not see to follow.

    `live`: the paths in which nothing at once speaks against all that is known.
    """

    paths: int = 0
    live: int = 0
    impossible: list[frozenset[Decided]] = field(default_factory=list)
    """Decisions that no server comes to together, of which the lemmas are true."""
    open: list[tuple[Path[Consequence], list[Failure]]] = field(default_factory=list)
    unassumed: str = ""
    """Not empty: what is taken for granted of the shape does not follow from the lemmas."""


@dataclass(slots=True)
class Learned:
    """What was seen on some path of steps of a kind, so that it is not tried on others."""

    kind: str = ""
    hard: set[str] = field(default_factory=set)
    """Goals that were not plain to see."""
    beyond: set[tuple[str, str]] = field(default_factory=set)
    """Statements that a solver did not know enough for, and the solver's name."""


class Prover:
    """A theory, and solvers that know it."""

    def __init__(self, theory: Theory) -> None:
        self.theory = theory
        self.solvers = Solvers(theory.known())
        self._learned = Learned()
        self._decisions = 0

    @property
    def queries(self) -> int:
        return self._decisions + self.solvers.queries

    def check(self, step: Step) -> Checked:
        """Whether a step keeps the lemmas.  Raises what the code raises that is run."""
        paths, checked = Paths(limit=PATHS), Checked()
        with self.prepared(step, paths) as (actor, happening):
            checked.unassumed = "" if self.may_assume(actor) else UNASSUMED
            for path in paths.run(lambda: self.theory.consequence(actor, happening)):
                if path.raised is not None:
                    raise path.raised
                checked.paths += 1
                failed = self.check_path(paths, path, happening, checked)
                if failed:
                    checked.open.append((path, failed))
        return checked

    def check_turns(self, step: Step, broken: Callable[[Ran], str | None]) -> tuple[int, list[str]]:
        """How many paths a step has, and what is wrong with its turns by `broken`: a question
        about the server alone, that takes the lemmas only where it is answered.
        """
        paths, count, wrong = Paths(limit=PATHS), 0, []
        with self.prepared(step, paths) as (actor, happening):
            if not self.may_assume(actor):
                wrong.append(UNASSUMED)
            for path in paths.run(lambda: broken(happening.run(self.theory.rule))):
                if path.raised is not None:
                    raise path.raised
                count += 1
                if path.result is not None:
                    impossible = z3.Not(path.formula(paths))
                    if self.follows(impossible) != z3.unsat:
                        wrong.append(path.result)
        return count, wrong

    def may_assume(self, actor: Actor) -> bool:
        """Whether what paths are sought under follows from the lemmas; z3 then knows it."""
        follows = bool(self.follows(both(*actor.assumed)) == z3.unsat)
        self.solvers.add(*actor.assumed)
        return follows

    @contextmanager
    def prepared(self, step: Step, paths: Paths) -> Iterator[tuple[Actor, Happening]]:
        """A step of the acting server, and what z3 is told of it meanwhile."""
        theory, solvers = self.theory, self.solvers
        actor = theory.actor(paths, theory.before)
        happening = step.prepare(actor)
        if self._learned.kind != step.kind:
            self._learned = Learned(step.kind)
        solvers.push()
        try:
            solvers.add(*actor.links, *[seen(hint) for hint in actor.hints])
            for message, owed in happening.known:
                solvers.add(*theory.claimed(message, owed), theory.claimed_before(message, owed))
                solvers.add(*theory.hints(actor, message))
            yield actor, happening
        finally:
            solvers.pop()
            self._decisions += paths.queries

    def check_path(
        self, paths: Paths, path: Path[Consequence], happening: Happening, checked: Checked
    ) -> list[Failure]:
        """The goals that z3 does not see to follow on this path."""
        made, solvers = path.result, self.solvers
        assert made is not None
        decided = path.conditions
        if any(some.issubset(decided) for some in checked.impossible):
            return []
        formulas = [paths.formula(*one) for one in decided] + made.known
        with solvers.supposing(formulas):
            found: list[Failure] = []
            if solvers.follows(self.theory.asked_first, False) != z3.unsat:
                checked.live += 1
                self.see_first(made)
            if solvers.against is None:
                found = self.unseen_goals(paths, path, made, happening)
            if solvers.against is None:
                return found
        # What holds on this path only may have had a part in it.
        if max(solvers.against, default=-1) < len(decided):
            checked.impossible.append(frozenset(decided[k] for k in solvers.against))
        return []

    def see_first(self, made: Consequence) -> None:
        """Conclude what many goals rest on, if it follows."""
        for stone in self.theory.stones(made):
            hinted = self.theory.with_hints(stone, made.after)
            if self.follows(hinted) == z3.unsat:
                self.solvers.conclude(stone, since=hinted)
            if self.solvers.against is not None:
                return

    def unseen_goals(
        self, paths: Paths, path: Path[Consequence], made: Consequence, happening: Happening
    ) -> list[Failure]:
        """Of all goals, those that are not seen to follow, up to a contradiction."""
        theory, found = self.theory, list[Failure]()
        left: dict[tuple[str, ...], list[Goal]] = {}
        goals = list(theory.goals(made, happening, theory.alike(paths, path)))
        for goal in self.left_open(goals):
            for asked, part in theory.asked(goal, made):
                able = tuple(of for of in asked if (of, goal.statement) not in self._learned.beyond)
                left.setdefault(able, []).append(part)
        for asked, some in left.items():
            found += self.unseen(asked, some)
            if self.solvers.against is not None:
                break
        return found

    def left_open(self, goals: list[Goal]) -> list[Goal]:
        """Those that do not follow from the same of the cluster before and a server's numbers.

        Nor are those tried again for which it was not enough before, in a step of the same kind.
        """
        left = [goal for goal in goals if goal.name in self._learned.hard]
        goals = [goal for goal in goals if goal.name not in self._learned.hard]
        while goals:
            answer, model = self.solvers.counterexample(both(*[goal.kept for goal in goals]))
            if answer == z3.unsat:
                break
            wrong = {goal.name for goal in goals if model is None or not_true(model, goal.kept)}
            if not wrong:
                return left + goals
            self._learned.hard |= wrong
            left += [goal for goal in goals if goal.name in wrong]
            goals = [goal for goal in goals if goal.name not in wrong]
        return left

    def unseen(self, asked: Sequence[str], goals: list[Goal]) -> list[Failure]:
        """Those of which none of the solvers sees that they follow.

        A solver with few lemmas is asked for several of them together at first, which is quicker.
        The one with all is not: of each by itself less is needed, and more were seen before.
        """
        answers: list[Failure] = []
        for of in asked:
            if not goals:
                break
            if of != ALL and len(goals) > 1:
                together, what = [goal.formula for goal in goals], f"{goals[0].name} and others"
                if self.solvers.follows(of, *together, what=what) == z3.unsat:
                    return []
            left: list[Goal] = []
            answers = []
            for goal in goals:
                answer = self.solvers.follows(of, goal.formula, what=goal.name)
                if self.solvers.against is not None:
                    return []
                if answer != z3.unsat:
                    left.append(goal)
                    answers.append((goal.name, str(answer)))
            goals = left
            if of != asked[-1]:
                self._learned.beyond |= {(of, goal.statement) for goal in goals}
        return answers

    def follows(self, formula: Formula) -> Any:
        """`unsat` if it is seen to follow from all lemmas."""
        return self.solvers.follows(ALL, formula)


def not_true(model: z3.ModelRef, formula: Formula) -> bool:
    if isinstance(formula, bool):
        return not formula
    return not z3.is_true(model.eval(formula, model_completion=True))
