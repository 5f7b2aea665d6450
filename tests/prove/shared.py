"""What several tests of the proofs ask for: a step by its shape, a rule with other text."""

from __future__ import annotations

from conformance.prove.induction.cases import cases
from conformance.prove.induction.events import Step
from conformance.prove.induction.prover import Checked
from conformance.subjects.patched import Patch, in_rules


def step_of(kind: str, shape: str, entries: int = 0, size: int = 3) -> Step:
    (found,) = [step for step in cases(kind, size, entries) if step.shape == shape]
    return found


def patch(old: str, new: str = "") -> tuple[Patch, ...]:
    """A change of the rules of a node."""
    return (in_rules(old, new),)


def open_goals(checked: Checked) -> set[str]:
    """The names of those that z3 does not see to follow."""
    return {name for _, goals in checked.open for name, _ in goals}
