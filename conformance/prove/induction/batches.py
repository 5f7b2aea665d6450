"""Obligations of steps: some cases of a kind of step, one after another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from conformance.prove.induction.cases import Kind
from conformance.prove.induction.events import Step
from conformance.prove.induction.prover import Checked, Prover
from conformance.prove.runner.obligation import Obligation, Result, Subjects
from conformance.prove.statements.solvers import RESOURCES
from conformance.symbolic.paths import BudgetError, RepeatError
from spec.cluster import Rule

CASES: Final = 8
"""So many cases are one obligation."""
Proves: TypeAlias = Callable[[Prover, Step, Result], None]
"""Adds to the result what comes of one case."""


@dataclass(frozen=True, slots=True)
class Clusters:
    """What steps are of: which clusters, in words and as bounds; their steps; and who proves."""

    name: str
    bounds: Mapping[str, int | str]
    kinds: Sequence[Kind]
    steps: Callable[[Kind], list[Step]]
    prover_of: Callable[[Rule], Prover]


def batches(method: str, of: Clusters, proves: Proves) -> Iterator[Obligation]:
    for kind in of.kinds:
        total = len(of.steps(kind))
        for first in range(0, total, CASES):
            part = f"/{first // CASES + 1}" if total > CASES else ""
            batch = Batch(of, kind, first, proves)
            yield Obligation(f"{method}/{kind}/{of.name}{part}", of.bounds, batch.prove)


@dataclass(frozen=True, slots=True)
class Batch:
    of: Clusters
    kind: Kind
    first: int
    proves: Proves

    def prove(self, subjects: Subjects) -> Result:
        result = Result()
        prover = self.of.prover_of(subjects.rule)
        before = prover.queries
        every = self.of.steps(self.kind)
        for step in every[self.first : self.first + CASES]:
            prover.solvers.hardest = 0, ""
            try:
                self.proves(prover, step, result)
            except (BudgetError, RepeatError) as error:
                result.result, result.detail = "unknown", f"{step.shape}: {error}"
            spent, what = prover.solvers.hardest
            if spent > result.work * RESOURCES:
                result.work, result.hardest = spent / RESOURCES, f"{step.shape}: {what}"
            if result.result != "proved":
                break
        result.queries = prover.queries - before
        return result


def keeps(prover: Prover, step: Step, result: Result) -> Checked:
    """What came of a step that is to keep all lemmas.

    Live are the paths of which it sees no contradiction.
    """
    checked = prover.check(step)
    result.paths += checked.paths
    result.live += checked.live
    if checked.unassumed or checked.open or not checked.paths:
        names = [name for _, goals in checked.open for name, _ in goals]
        may_break = f"{', '.join(names[:3])} may break" if names else "there is no such server"
        result.result = "unknown"
        result.detail = f"{step.shape}: {checked.unassumed or may_break}"
    return checked
