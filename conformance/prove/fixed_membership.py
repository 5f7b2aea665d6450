"""The obligations of the inductive invariant, by what happens, for clusters of any size.

Of any number of voters at once (`conformance.prove.any_size`), and again of three, where z3 knows
them by name, and gives concrete states: of paths that are live, and of rules that are wrong.

    induction/safety    the lemmas imply the properties of the paper's Figure 3
    induction/complete  there are no other shapes than those of `conformance.prove.induction.cases`
    induction/initial   a new cluster satisfies the lemmas, and still does when it is created
    induction/order     what is owed is executed in the order that the cases of a drain assume
    induction/writes    two owed writes are merged into one that begins where either does
    induction/shortened a call with fewer entries claims no more than the whole one
    induction/KIND      no step of this kind breaks a lemma, nor the claim of a message
    step/KIND           nor a property of two states (`spec.properties`: CHANGE, DISK, ACTION)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import product
from typing import Final, Literal, TypeAlias

from conformance.prove.any_size import statements as of_any
from conformance.prove.any_size.beginning import Begins as BeginsOfAny
from conformance.prove.any_size.cases import cases as cases_of_any
from conformance.prove.any_size.theory import AnySize
from conformance.prove.history.holding import broken
from conformance.prove.history.variables import initial
from conformance.prove.induction.batches import Clusters, Proves, keeps
from conformance.prove.induction.batches import batches as of_steps
from conformance.prove.induction.cases import KINDS, Kind, cases, windows
from conformance.prove.induction.consequences import Follows, Shortened
from conformance.prove.induction.events import Step
from conformance.prove.induction.merging import MergedWrites
from conformance.prove.induction.order import InOrder
from conformance.prove.induction.prover import Checked, Prover
from conformance.prove.induction.theory import Theory
from conformance.prove.induction.two_states import broken_by
from conformance.prove.runner.obligation import Level, Obligation, Result, Subjects
from conformance.prove.scope.models import counterexample, witness
from conformance.prove.statements.safety import COMPLETE, SAFETY
from spec.cluster import Input, Rule, apply, new_cluster
from spec.values import CreateCluster

Voters: TypeAlias = int | Literal["any"]
"""How many voters there are; any: one or more."""
Size: TypeAlias = tuple[Voters, int]
"""How many voters, and how many entries of a log, after a snapshot, are looked at."""
KEPT: Final[dict[Level, tuple[Size, ...]]] = {
    "quick": (("any", 0),),
    "full": (("any", 2), (3, 3)),
    "deep": (("any", 2), (3, 3)),
}
"""Of the lemmas."""
STEPS: Final[dict[Level, tuple[int, int]]] = {"quick": (3, 1), "full": (3, 3), "deep": (3, 3)}
"""Of the properties of two states, which cost little; of other servers they say nothing."""
MOST: Final = max(entries for sizes in KEPT.values() for _, entries in sizes)
ORDERED: Final = 5
"""Servers of a cluster in which actions are owed in any order."""


def obligations(level: Level) -> list[Obligation]:
    kept = [one for size in KEPT[level] for one in lemmas_kept(*size)]
    return [*kept, *properties_kept(*STEPS[level])]


def lemmas_kept(voters: Voters, entries: int) -> Iterator[Obligation]:
    of, any_log = f"{voters} voters", {"voters": voters}
    prover = partial(prover_of, voters)
    safety, complete = (SAFETY, COMPLETE) if voters != "any" else (of_any.SAFETY, of_any.COMPLETE)
    for name, lemmas in (("safety", safety), ("complete", complete)):
        yield Obligation(f"induction/{name}/{of}", any_log, Follows(prover, lemmas).prove)
    yield Obligation(f"induction/shortened/{of}", any_log, Shortened(prover).prove)
    begins = BeginsOfAny().prove if voters == "any" else Begins(voters).prove
    yield Obligation(f"induction/initial/{of}", any_log, begins)
    if voters == "any":
        # Of what is owed, and of writes, nothing depends on how many voters there are.
        yield Obligation("induction/order", {"voters": ORDERED}, InOrder(ORDERED).prove)
        for log, new in product(windows(entries), range(entries + 1)):
            name = f"induction/writes/{entries} entries/{log}, {new} more"
            yield Obligation(name, {"entries": entries}, MergedWrites(3, log, new).prove)
    yield from batches("induction", voters, entries, keeps_lemmas)


def properties_kept(size: int, entries: int) -> Iterator[Obligation]:
    return batches("step", size, entries, keeps_properties)


def batches(method: str, voters: Voters, entries: int, proves: Proves) -> Iterator[Obligation]:
    clusters = Clusters(
        f"{voters} voters, {entries} entries",
        {"voters": voters, "entries": entries},
        tuple(KINDS),
        lambda kind: steps(kind, voters, entries),
        partial(prover_of, voters),
    )
    return of_steps(method, clusters, proves)


def steps(kind: Kind, voters: Voters, entries: int) -> list[Step]:
    if voters == "any":
        return cases_of_any(kind, entries)
    return cases(kind, voters, entries)


@lru_cache(maxsize=2)
def prover_of(voters: Voters, rule: Rule) -> Prover:
    """One for each process: it takes time to tell z3 the hypotheses."""
    return Prover(AnySize(rule) if voters == "any" else Theory(voters, rule))


def keeps_lemmas(prover: Prover, step: Step, result: Result) -> None:
    """Live are the paths that some state takes that satisfies all lemmas, within a small scope; of
    any number of voters, those of which z3 sees no contradiction with all lemmas.
    """
    theory, live = prover.theory, result.live
    checked = keeps(prover, step, result)
    if not isinstance(theory, AnySize):
        result.live = live + witnessed(theory, step, checked)
    if checked.open:
        refute(theory.rule, step, result)


def witnessed(theory: Theory, step: Step, checked: Checked) -> int:
    """How many paths a concrete cluster takes of which all lemmas are true."""
    _, live = witness(theory.size, theory.rule, step, checked.impossible)
    return live


def refute(rule: Rule, step: Step, result: Result) -> None:
    """Look for a state of three voters from which the step breaks a lemma."""
    for few in of_three(step):
        found = counterexample(3, rule, few)
        if found is not None:
            result.result = "refuted" if found.replays else "unknown"
            result.detail, result.found = f"{few.shape}: {found.what}", found
            return


def of_three(step: Step) -> list[Step]:
    """Those of three voters of the same shape; a candidate with any votes has some in each."""
    shape, any_votes, _ = step.shape.partition(", has any votes")
    start = f"{shape}, has [" if any_votes else shape
    return [
        few
        for few in cases(step.kind, 3, MOST)
        if few.shape == start or (any_votes and few.shape.startswith(start))
    ]


def keeps_properties(prover: Prover, step: Step, result: Result) -> None:
    paths, wrong = prover.check_turns(step, broken_by)
    result.paths += paths
    result.live += paths
    if wrong:
        result.result, result.detail = "unknown", f"{step.shape}: {wrong[0]}"


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
