"""What several tests of the proofs ask for: a step by its shape, a rule with other text."""

from __future__ import annotations

import pytest

from conformance.prove.induction.cases import cases
from conformance.prove.induction.events import Step
from conformance.prove.induction.prover import Checked
from conformance.subjects.patched import Patch, in_rules
from spec import rules
from spec.pending import NOTHING, Pending
from spec.rules import drain
from spec.rules.drain import Taken
from spec.values import Node


def step_of(kind: str, shape: str, entries: int = 0, size: int = 3) -> Step:
    (found,) = [step for step in cases(kind, size, entries) if step.shape == shape]
    return found


def patch(old: str, new: str = "") -> tuple[Patch, ...]:
    """A change of the rules of a node."""
    return (in_rules(old, new),)


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
