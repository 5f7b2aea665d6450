"""What follows from the lemmas alone, whatever a step does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import z3

from conformance.prove.induction.prover import Prover
from conformance.prove.runner.obligation import Result, Subjects
from conformance.prove.statements import claims
from conformance.prove.statements.lemma import Lemma
from conformance.prove.statements.logic import both, implies
from conformance.prove.statements.statements import SKOLEMS, at_goals, seen
from conformance.prove.statements.views import SENDER, entry_function
from spec.cluster import Rule


@dataclass(frozen=True, slots=True)
class Follows:
    """The lemmas imply these."""

    prover_of: Callable[[Rule], Prover]
    lemmas: Sequence[Lemma]

    def prove(self, subjects: Subjects) -> Result:
        result = Result()
        prover = self.prover_of(subjects.rule)
        theory, before = prover.theory, prover.theory.before
        known = theory.of_consequences()
        for statement in self.lemmas:
            for chosen in theory.asked_of(statement):
                formula = at_goals(statement, before, chosen)
                counted = seen(before.commit_term(SKOLEMS["j"]))
                result.queries += 1
                if prover.follows(implies(both(counted, *known), formula)) != z3.unsat:
                    result.result = "unknown"
                    result.detail = f"{statement.name}{list(chosen)} does not follow"
        result.paths = result.live = len(self.lemmas)
        return result


@dataclass(frozen=True, slots=True)
class Shortened:
    """A call may be sent with fewer entries: what it claims then follows from what it claimed."""

    prover_of: Callable[[Rule], Prover]

    def prove(self, subjects: Subjects) -> Result:
        prover = self.prover_of(subjects.rule)
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
        goals = [
            at_goals(one, before, chosen, fewer)
            for one in theory.claims_of(call, False)
            for chosen in theory.asked_of(one)
        ]
        result = Result(paths=1, live=1, queries=1)
        if prover.follows(implies(both(*known), both(*goals))) != z3.unsat:
            result.result, result.detail = "unknown", "the claims of the shorter call do not follow"
        return result
