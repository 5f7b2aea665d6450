"""Hunts: a planted bug, and one method after another that looks for it, with the case's own seed.

Needs numpy and z3, as the methods do.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from conformance.campaign.case import Case
from conformance.mutants.matrix.methods import METHODS
from conformance.mutants.matrix.run import tried_within
from conformance.mutants.matrix.trial import BUDGETS, Trial
from conformance.mutants.planted.catalogue import by_name

QUICKEST_FIRST: Final = (
    *("schedules", "schedules alone", "measure", "exploration"),
    *("audit", "audit alone", "proofs", "proofs alone"),
)

BUDGET: Final = replace(BUDGETS["quick"], events=10_000, recorded=5_000)

SURVIVED: Final = "Survived"


def hunted(case: Case, seed: int) -> Iterator[Trial]:
    """The trials of a mutant, up to the first that it does not survive."""
    methods = {method.name: method for method in METHODS}
    budget, mutant = replace(BUDGET, seed=seed + case.number), by_name(case.name)
    for name in QUICKEST_FIRST:
        trial = tried_within(budget, mutant, methods[name])
        yield trial
        if trial.killed:
            return


def again(name: str) -> str:
    """The command that asks all methods about a mutant."""
    return f"mutants --only {name}"
