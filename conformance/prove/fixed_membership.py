"""The obligations of the inductive invariant, by what happens, for clusters of some size.

    induction/safety    the lemmas imply the properties of the paper's Figure 3
    induction/complete  there are no other shapes than those of `conformance.prove.induction.cases`
    induction/initial   a new cluster satisfies the lemmas, and still does when it is created
    induction/order     what is owed is executed in the order that the cases of a drain assume
    induction/writes    two owed writes are merged into one that begins where either does
    induction/shortened a call with fewer entries claims no more than the whole one
    induction/KIND      no step of this kind breaks a lemma, nor the claim of a message
    step/KIND           nor a property of two states (`spec.properties`: CHANGE, DISK, ACTION)

For a size of 1 it is another argument: its leader leads before its term is on the disk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product
from typing import Final, TypeAlias

import z3

from conformance.prove.history.holding import broken
from conformance.prove.history.variables import initial
from conformance.prove.induction.cases import KINDS, Kind, cases, windows
from conformance.prove.induction.events import Step
from conformance.prove.induction.merging import MergedWrites
from conformance.prove.induction.order import InOrder
from conformance.prove.induction.prover import Prover
from conformance.prove.induction.theory import Theory
from conformance.prove.induction.two_states import broken_by
from conformance.prove.runner.obligation import Level, Obligation, Result, Subjects
from conformance.prove.scope.models import counterexample, witness
from conformance.prove.statements import claims
from conformance.prove.statements.lemma import Lemma
from conformance.prove.statements.logic import both, implies
from conformance.prove.statements.safety import COMPLETE, SAFETY
from conformance.prove.statements.statements import SKOLEMS, at_goals, claims_of, instances, seen
from conformance.prove.statements.views import SENDER, entry_function
from conformance.symbolic.paths import BudgetError, RepeatError
from spec.cluster import Input, Rule, apply, new_cluster
from spec.values import CreateCluster

Size: TypeAlias = tuple[int, int]
"""How many voters, and how many entries of a log, after a snapshot, are looked at."""
KEPT: Final[dict[Level, tuple[Size, ...]]] = {
    "quick": ((3, 0),),
    "full": ((3, 3), (5, 2)),
    "deep": ((3, 3), (5, 2)),
}
"""Of the lemmas."""
STEPS: Final[dict[Level, Size]] = {"quick": (3, 1), "full": (3, 3), "deep": (3, 3)}
"""Of the properties of two states, which cost little; of other servers they say nothing."""
CASES: Final = 8
"""So many cases are one obligation."""


def obligations(level: Level) -> list[Obligation]:
    kept = [one for size in KEPT[level] for one in lemmas_kept(*size)]
    return [*kept, *properties_kept(*STEPS[level])]


def lemmas_kept(size: int, entries: int) -> Iterator[Obligation]:
    any_log = {"voters": size}
    for name, lemmas in (("safety", SAFETY), ("complete", COMPLETE)):
        yield Obligation(f"induction/{name}/{size} voters", any_log, Follows(size, lemmas).prove)
    yield Obligation(f"induction/initial/{size} voters", any_log, Begins(size).prove)
    yield Obligation(f"induction/order/{size} voters", any_log, InOrder(size).prove)
    yield Obligation(f"induction/shortened/{size} voters", any_log, Shortened(size).prove)
    bounds = {"voters": size, "entries": entries}
    for log, new in product(windows(entries), range(entries + 1)):
        name = f"induction/writes/{size} voters, {entries} entries/{log}, {new} more"
        yield Obligation(name, bounds, MergedWrites(size, log, new).prove)
    yield from batches("induction", size, entries, keeps_lemmas)


def properties_kept(size: int, entries: int) -> Iterator[Obligation]:
    return batches("step", size, entries, keeps_properties)


def batches(method: str, size: int, entries: int, proves: Proves) -> Iterator[Obligation]:
    bounds = {"voters": size, "entries": entries}
    for kind in KINDS:
        total = len(cases(kind, size, entries))
        for first in range(0, total, CASES):
            name = f"{method}/{kind}/{size} voters, {entries} entries"
            part = f"/{first // CASES + 1}" if total > CASES else ""
            batch = Batch(kind, size, entries, first, proves)
            yield Obligation(name + part, bounds, batch.prove)


@lru_cache(maxsize=2)
def prover_of(size: int, rule: Rule) -> Prover:
    """One for each process: it takes time to tell z3 the hypotheses."""
    return Prover(Theory(size, rule))


Proves = Callable[[Prover, Step, Result], None]
"""Adds to the result what comes of one case."""


def keeps_lemmas(prover: Prover, step: Step, result: Result) -> None:
    checked = prover.check(step)
    theory = prover.theory
    _, live = witness(theory.size, theory.rule, step, checked.impossible)
    result.paths += checked.paths
    result.live += live
    if checked.unassumed:
        result.result = "unknown"
        result.detail = f"{step.shape}: {checked.unassumed}"
    elif checked.open:
        _, goals = checked.open[0]
        result.result = "unknown"
        result.detail = f"{step.shape}: {', '.join(name for name, _ in goals[:3])} may break"
        found = counterexample(theory.size, theory.rule, step)
        if found is not None:
            result.result = "refuted" if found.replays else "unknown"
            result.detail, result.found = f"{step.shape}: {found.what}", found
    elif not checked.paths:
        result.result, result.detail = "unknown", f"{step.shape}: there is no such server"


def keeps_properties(prover: Prover, step: Step, result: Result) -> None:
    paths, wrong = prover.check_turns(step, broken_by)
    result.paths += paths
    result.live += paths
    if wrong:
        result.result, result.detail = "unknown", f"{step.shape}: {wrong[0]}"


@dataclass(frozen=True, slots=True)
class Batch:
    """Some cases of a kind, one after another.

    Live are the paths that some state takes that satisfies all lemmas, within a small scope.
    """

    kind: Kind
    size: int
    entries: int
    first: int
    proves: Proves

    def prove(self, subjects: Subjects) -> Result:
        result = Result()
        prover = prover_of(self.size, subjects.rule)
        before = prover.queries
        for step in cases(self.kind, self.size, self.entries)[self.first : self.first + CASES]:
            try:
                self.proves(prover, step, result)
            except (BudgetError, RepeatError) as error:
                result.result, result.detail = "unknown", f"{step.shape}: {error}"
            if result.result != "proved":
                break
        result.queries = prover.queries - before
        return result


@dataclass(frozen=True, slots=True)
class Follows:
    """The lemmas imply these."""

    size: int
    lemmas: Sequence[Lemma]

    def prove(self, subjects: Subjects) -> Result:
        result = Result()
        prover = prover_of(self.size, subjects.rule)
        before = prover.theory.before
        for statement in self.lemmas:
            for chosen in instances(statement.over, self.size):
                formula = at_goals(statement, before, chosen)
                counted = seen(before.commit_term(SKOLEMS["j"]))
                result.queries += 1
                if prover.follows(implies(counted, formula)) != z3.unsat:
                    result.result = "unknown"
                    result.detail = f"{statement.name}{list(chosen)} does not follow"
        result.paths = result.live = len(self.lemmas)
        return result


@dataclass(frozen=True, slots=True)
class Begins:
    """On plain integers: there are no others in a new cluster.

    Before it is created nothing happens in it: no server has a log, so none campaigns.
    """

    size: int

    def prove(self, subjects: Subjects) -> Result:
        result = Result()
        cluster, variables = new_cluster(self.size), initial(self.size)
        wrong = broken(cluster, variables)
        for creator in range(self.size):
            created = CreateCluster(frozenset(range(self.size)))
            change = apply(cluster, Input(creator, created), subjects.rule)
            assert change.turn is not None
            wrong += broken(change.after, variables.after(change.turn))
            result.paths += 1
        if wrong:
            result.result, result.detail = "refuted", f"{wrong[0].name} does not hold"
        result.live = result.paths
        return result


@dataclass(frozen=True, slots=True)
class Shortened:
    """A call may be sent with fewer entries: what it claims then follows from what it claimed."""

    size: int

    def prove(self, subjects: Subjects) -> Result:
        prover = prover_of(self.size, subjects.rule)
        theory, before = prover.theory, prover.theory.before
        names = ("term", "commit", "prev_term", "prev_index", "last_index", "seqno")
        term, commit, prev_term, prev, last, seqno = [z3.Int(f"call_{name}") for name in names]
        entry = entry_function("call_entry")
        call = claims.AppendCall(SENDER, term, commit, prev_term, prev, last, entry, seqno)
        fewer = replace(call, last_index=z3.Int("fewer"))
        less = both(call.prev_index <= fewer.last_index, fewer.last_index <= call.last_index)
        known = [
            *theory.claimed(call, False),
            less,
            seen(before.tlog(call.term, SKOLEMS["i"])),
        ]
        goals = [at_goals(one, before, (), fewer) for one in claims_of(call, False)]
        result = Result(paths=1, live=1, queries=1)
        if prover.follows(implies(both(*known), both(*goals))) != z3.unsat:
            result.result, result.detail = "unknown", "the claims of the shorter call do not follow"
        return result
