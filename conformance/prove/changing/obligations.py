"""What is proved of a cluster whose membership changes, for any number of servers.

    changing/why/FACT   that quorums overlap, as a consequence of the lemmas (`why`)
    changing/safety     the lemmas imply the properties of the paper's Figure 3
    changing/complete   there are no other shapes than those of `cases`
    changing/shortened  a call with fewer entries claims no more than the whole one
    changing/initial    a new cluster satisfies the lemmas, and still does when it is created
    changing/KIND       no step of this kind breaks a lemma, nor the claim of a message

The rules that are taken at their word, what a quorum is and what it holds, are proved for all sizes
in `conformance.prove.quorums`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from conformance.prove.any_size.statements import COMPLETE
from conformance.prove.changing.beginning import BEGINS
from conformance.prove.changing.cases import KINDS, cases
from conformance.prove.changing.induction import Changing
from conformance.prove.changing.statements.safety import SAFETY
from conformance.prove.changing.statements.script import Script
from conformance.prove.changing.statements.views import Before
from conformance.prove.changing.why.proofs import PROOFS, Proof
from conformance.prove.induction.batches import Clusters, batches, keeps
from conformance.prove.induction.consequences import Follows, Shortened
from conformance.prove.induction.events import Step
from conformance.prove.induction.prover import Prover
from conformance.prove.runner.obligation import Level, Obligation, Result, Subjects
from spec.cluster import Rule

STEPS: Final[dict[Level, tuple[int, ...]]] = {"quick": (), "full": (0,), "deep": (0,)}
"""For which numbers of entries after a snapshot the steps are proved."""


def obligations(level: Level) -> list[Obligation]:
    return list(_obligations(level))


def _obligations(level: Level) -> Iterator[Obligation]:
    bounds = {"voters": "any"}
    for name, proof in PROOFS.items():
        yield Obligation(f"changing/why/{name}", bounds, Fact(proof).prove)
    yield Obligation("changing/initial", bounds, BEGINS.prove)
    for name, lemmas in (("safety", SAFETY), ("complete", COMPLETE)):
        yield Obligation(f"changing/{name}", bounds, Follows(prover_of, lemmas).prove)
    yield Obligation("changing/shortened", bounds, Shortened(prover_of).prove)
    for entries in STEPS[level]:
        yield from batches("changing", of_any(entries), keeps_lemmas)


def of_any(entries: int) -> Clusters:
    return Clusters(
        f"{entries} entries",
        {"voters": "any", "entries": entries},
        tuple(KINDS),
        lambda kind: cases(kind, entries),
        prover_of,
    )


@lru_cache(maxsize=1)
def prover_of(rule: Rule) -> Prover:
    """One for each process: it takes time to tell z3 the hypotheses."""
    return Prover(Changing(rule))


def keeps_lemmas(prover: Prover, step: Step, result: Result) -> None:
    keeps(prover, step, result)


@dataclass(frozen=True, slots=True)
class Fact:
    """A fact follows from the lemmas, by the steps of its proof."""

    proof: Proof

    def prove(self, subjects: Subjects) -> Result:
        script = Script(Before())
        self.proof(script)
        result = Result(paths=script.queries, live=script.queries, queries=script.queries)
        if script.open:
            result.result = "unknown"
            result.detail = f"not seen to follow: {', '.join(script.open)}"
        return result
