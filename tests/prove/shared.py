"""What several tests of the proofs ask for: a step by its shape, a rule with other text."""

from __future__ import annotations

from typing import Any, Final

import pytest
import z3

from conformance.prove.induction.cases import cases
from conformance.prove.induction.events import Happening, Step
from conformance.prove.induction.prover import Checked, Prover
from conformance.prove.induction.theory import Consequence, Theory
from conformance.prove.statements.goals import Goal
from conformance.prove.statements.solvers import ALL
from conformance.subjects.patched import Patch, in_rules
from conformance.symbolic.paths import Path, Paths
from spec import rules
from spec.pending import NOTHING, Pending
from spec.rules import drain
from spec.rules.drain import Taken
from spec.values import Node

LITTLE_WORK: Final = 2_000_000
"""Of z3, a query, as it counts it: where something is not to be proved, for which it would do all
the work that it may.  Of the right rules it proves the same with a tenth, as a rule, but not
always: that depends on what else was asked in this process.  They may take what any proof may.
"""


def step_of(kind: str, shape: str, entries: int = 0, size: int = 3) -> Step:
    (found,) = [step for step in cases(kind, size, entries) if step.shape == shape]
    return found


def patch(old: str, new: str = "") -> tuple[Patch, ...]:
    """A change of the rules of a node."""
    return (in_rules(old, new),)


COUNTS_EARLIER_ANSWERS: Final = patch(
    "not isinstance(role, v.Leader) or reply.term < node.current_term or reply.seqno == 0",
    "not isinstance(role, v.Leader) or reply.seqno == 0",
)
READS_AT_ONCE: Final = patch(
    "    if node.log.term(node.commit_index) != node.current_term:\n        return None\n"
)


def open_goals(checked: Checked) -> set[str]:
    """The names of those that z3 does not see to follow."""
    return {name for _, goals in checked.open for name, _ in goals}


def take_in_order(monkeypatch: pytest.MonkeyPatch, *first: str) -> None:
    """Of what is owed, these are taken before the rest, in this order."""
    in_order = drain.take_action

    def take_action(node: Node, pending: Pending) -> Taken | None:
        for name in first:
            owed = getattr(pending, name)
            if owed:
                taken = in_order(node, NOTHING._replace(**{name: owed}))
                assert taken is not None
                left = pending._replace(**{name: getattr(taken.pending, name)})
                return taken._replace(pending=left)
        return in_order(node, pending)

    for module in (rules, drain):
        monkeypatch.setattr(module, "take_action", take_action)


class OfOneFact(Prover):
    """`fact`: the lemma or the claim that alone is asked for, up to the first path that leaves it
    open; empty for all of them, on all paths.
    """

    def __init__(self, theory: Theory, fact: str = "") -> None:
        super().__init__(theory)
        self.fact = fact

    def check_path(
        self, paths: Paths, path: Path[Consequence], happening: Happening, checked: Checked
    ) -> list[tuple[str, str]]:
        if self.fact and checked.open:
            return []
        return super().check_path(paths, path, happening, checked)

    def left_open(self, goals: list[Goal]) -> list[Goal]:
        asked = [goal for goal in goals if self.fact in ("", fact_of(goal.name))]
        return super().left_open(asked)


class WithLittleWork(OfOneFact):
    """For what is to be left open."""

    def __init__(self, theory: Theory, fact: str = "", work: int = LITTLE_WORK) -> None:
        super().__init__(theory, fact)
        for solver in self.solvers.each.values():
            solver.set("rlimit", work)


def right_and_wrong(right: Theory, wrong: Theory, fact: str, step: Step) -> tuple[Checked, Checked]:
    """What is made of a step by the right rule, and by a wrong one with no less work."""
    prover = OfOneFact(right, fact)
    checked = prover.check(step)
    work = max(LITTLE_WORK, prover.solvers.hardest[0])
    return checked, WithLittleWork(wrong, fact, work).check(step)


def fact_of(goal: str) -> str:
    """The lemma or the claim that a goal is about, by the goal's name."""
    return goal.split("[")[0].split(" (")[0]


class Alive(WithLittleWork):
    """Looks for a path where all lemmas and all else that is known are no contradiction."""

    def check_path(self, paths: Paths, path: Any, happening: Any, checked: Checked) -> list[Any]:
        if checked.live == 0:
            made = path.result
            formulas = [paths.formula(*one) for one in path.conditions] + made.known
            with self.solvers.supposing(formulas):
                checked.live = int(self.solvers.follows(ALL, False) != z3.unsat)
        return []
