"""What is proved of a cluster whose membership changes, for some number of nodes.

    changing/why/FACT   that quorums overlap, as a consequence of the lemmas (`why`)
    changing/initial    a new cluster satisfies the lemmas, and still does when it is created
    changing/KIND       no step of this kind breaks a lemma, nor the claim of a message

The rules that are taken at their word, what a quorum is and what it holds, are proved for all sizes
in `conformance.prove.quorums`.  The induction is not complete: the kinds that are not here are
named in PROOFS.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import Final

from conformance.prove.changing.cases import KINDS, cases
from conformance.prove.changing.history import History, broken
from conformance.prove.changing.induction import Changing
from conformance.prove.changing.statements.script import Script
from conformance.prove.changing.statements.views import Before
from conformance.prove.changing.why.proofs import PROOFS, Proof
from conformance.prove.induction.prover import Prover
from conformance.prove.runner.obligation import Level, Obligation, Result, Subjects
from spec.cluster import Input, Rule, apply, new_cluster
from spec.values import CreateCluster

NODES: Final[dict[Level, tuple[int, ...]]] = {"quick": (4,), "full": (4, 5), "deep": (4, 5)}
LEFT: Final = ("append reply", "end of drain", "snapshot")
KEPT: Final = tuple(kind for kind in KINDS if kind not in LEFT)
"""The kinds of steps that are proved."""


def obligations(level: Level) -> list[Obligation]:
    return list(_obligations(level))


def _obligations(level: Level) -> Iterator[Obligation]:
    for size in NODES[level]:
        bounds = {"nodes": size}
        for name, proof in PROOFS.items():
            fact = Follows(size, proof)
            yield Obligation(f"changing/why/{size} nodes/{name}", bounds, fact.prove)
        yield Obligation(f"changing/initial/{size} nodes", bounds, Begins(size).prove)
    if level == "deep":
        for kind in KEPT:
            name, bounds = f"changing/{kind}/4 nodes, 0 entries", {"nodes": 4, "entries": 0}
            yield Obligation(name, bounds, Keeps(kind, 4, 0).prove)


@dataclass(frozen=True, slots=True)
class Follows:
    """A fact follows from the lemmas, by the steps of its proof."""

    size: int
    proof: Proof

    def prove(self, subjects: Subjects) -> Result:
        script = Script(Before(self.size))
        self.proof(script)
        result = Result(paths=script.queries, live=script.queries, queries=script.queries)
        if script.open:
            result.result = "unknown"
            result.detail = f"not seen to follow: {', '.join(script.open)}"
        return result


@dataclass(frozen=True, slots=True)
class Begins:
    """On plain integers: there are no others in a new cluster."""

    size: int

    def prove(self, subjects: Subjects) -> Result:
        result = Result()
        cluster, history = new_cluster(self.size), History.of(self.size)
        wrong = broken(cluster, history)
        for some in subsets(self.size):
            if len(some) < 2:
                continue
            change = apply(cluster, Input(min(some), CreateCluster(some)), subjects.rule)
            assert change.turn is not None
            wrong += broken(change.after, history.after(change.turn))
            result.paths += 1
        if wrong:
            result.result, result.detail = "refuted", f"{wrong[0].name} does not hold"
        result.live = result.paths
        return result


def subsets(size: int) -> list[frozenset[int]]:
    return [
        frozenset(some) for count in range(size + 1) for some in combinations(range(size), count)
    ]


@lru_cache(maxsize=1)
def prover_of(size: int, rule: Rule) -> Prover:
    """One for each process: it takes time to tell z3 the hypotheses."""
    return Prover(Changing(size, rule))


@dataclass(frozen=True, slots=True)
class Keeps:
    """Live are the paths of which z3 sees no contradiction with all that it was told."""

    kind: str
    size: int
    entries: int

    def prove(self, subjects: Subjects) -> Result:
        result = Result()
        prover = prover_of(self.size, subjects.rule)
        before = prover.queries
        for step in cases(self.kind, self.size, self.entries):
            checked = prover.check(step)
            result.paths += checked.paths
            result.live += checked.live
            if checked.unassumed or checked.open:
                names = [name for _, goals in checked.open for name, _ in goals]
                result.result = "unknown"
                result.detail = f"{step.shape}: {checked.unassumed or ', '.join(names[:3])}"
                break
        result.queries = prover.queries - before
        return result
