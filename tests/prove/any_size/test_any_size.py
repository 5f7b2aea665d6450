"""The induction of any number of voters: its lemmas hold in runs, and it notices what is wrong."""

from __future__ import annotations

import operator
from collections import Counter
from functools import cache
from itertools import product
from typing import Any

import pytest
import z3

from conformance.audit.decisions import D1
from conformance.mutants.planted.in_both import IN_BOTH
from conformance.prove.any_size import statements
from conformance.prove.any_size.beginning import Begins
from conformance.prove.any_size.cases import KINDS, cases
from conformance.prove.any_size.statements import CLAIMS, LEMMAS, Among
from conformance.prove.any_size.theory import AnySize
from conformance.prove.fixed_membership import of_three, refute
from conformance.prove.history.holding import Broken, failures
from conformance.prove.history.view import Concrete, claims_of
from conformance.prove.induction.answers import INDEX
from conformance.prove.induction.events import Step
from conformance.prove.induction.prover import Prover
from conformance.prove.runner.obligation import Result, Subjects
from conformance.prove.statements.names import AskedError, Name, opaque_names
from conformance.prove.statements.solvers import RESOURCES
from conformance.subjects.patched import Patch, patched_rule
from conformance.symbolic.paths import Paths
from spec.cluster import Cluster
from tests.prove.runs import events
from tests.prove.shared import (
    COUNTS_EARLIER_ANSWERS,
    READS_AT_ONCE,
    Alive,
    OfOneFact,
    WithLittleWork,
    fact_of,
    open_goals,
    patch,
    right_and_wrong,
)


def step_of(kind: str, shape: str, entries: int = 0) -> Step:
    (found,) = [step for step in cases(kind, entries) if step.shape == shape]
    return found


# That the lemmas are true of the code


class Counted(Concrete):
    """A concrete cluster, where a majority is counted."""

    def counts(self, among: Among) -> bool:
        return sum(bool(among(m)) for m in range(self.size)) > self.size // 2

    def told_by_majority(self, term: int, n: int) -> bool:
        return self.counts(statements.told(self.view, term, n))

    def acked_by_majority(self, term: int, i: int) -> bool:
        return self.counts(statements.acked(self.view, term, i))

    def may_ack_by_majority(self, term: int, i: int) -> bool:
        return self.counts(statements.may_ack(self.view, term, i))

    def left_by_majority(self) -> bool:
        return self.counts(statements.left(self.view))

    @property
    def view(self) -> Any:
        return self


def broken(cluster: Cluster, variables: Any) -> list[Broken]:
    view = Counted(cluster, variables)
    found = [one for lemma in LEMMAS for one in failures(lemma, view, {})]
    for message, owed in claims_of(cluster, variables):
        for claim in CLAIMS:
            if claim.kind is type(message) and claim.owed == owed:
                found += failures(claim, view, {}, message)
    return found


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_they_hold_in_random_runs_of_any_size(size: int) -> None:
    seen: Counter[str] = Counter()
    for number, event in enumerate(events(size, 450, seed=2)):
        if number % 15 == 0:
            assert broken(event.cluster, event.variables) == []
        seen["leader"] += any(one is not None for one in event.variables.leaderships)
        seen["counted"] += len(event.variables.counted) > 2
    assert min(seen["leader"], seen["counted"]) > 10


def test_a_family_has_a_majority_where_one_is_counted() -> None:
    """`overlap` and `within`, of all pairs of sets of five."""
    nodes = range(5)
    sets = [frozenset(m for m in nodes if bits >> m & 1) for bits in range(32)]
    for one, other in product(sets, repeat=2):
        majorities = len(one) > 2, len(other) > 2
        overlaps, contained = (
            [
                axiom(majorities[0], one.__contains__, majorities[1], other.__contains__, w) is True
                for w in nodes
            ]
            for axiom in (statements.overlap, statements.within)
        )
        assert any(overlaps)
        # The witness is one that is in the first set alone, if there is any.
        assert contained[min(one - other, default=0)]


# Wrong rules


class Bug:
    """What is made of a rule, and where it shows: the step, and what is left open."""

    def __init__(
        self, patches: tuple[Patch, ...], kind: str, shape: str, fact: str, entries: int = 0
    ) -> None:
        self.patches, self.fact = patches, fact
        self.step = step_of(kind, shape, entries)


BUGS = {
    "votes compare indices only (D1)": Bug(
        D1.in_spec, "vote call", "vote none", "OwedVoteIsInformed (new)"
    ),
    "votes twice": Bug(
        patch(
            "    if node.voted_for not in (None, call.sender):\n        return Effect(node)\n", ""
        ),
        "vote call",
        "vote another",
        "OwedVoteReply (new)",
    ),
    "forgets its vote in a crash": Bug(
        patch("        voted_for=disk.voted_for,\n", ""), "crash", "snapshot", "OwedState[0]"
    ),
    "a stale vote counts": Bug(
        patch(
            "            reply.vote_granted and reply.term == node.current_term\n",
            "            reply.vote_granted\n",
        ),
        "vote reply",
        "snapshot, has any votes",
        "CandidateVotes[0, any_other]",
    ),
    "commits an earlier term": Bug(
        IN_BOTH["earlier-term-commit"].in_spec,
        "end of drain",
        "of a leader, founded + 1",
        "CountedIsChosen[]",
        1,
    ),
    "commits without the min": Bug(
        IN_BOTH["commit-past-verified"].in_spec,
        "append call",
        "snapshot + 1, a call of snapshot",
        "KnownIsCounted[0]",
        1,
    ),
    "an answer of an earlier term counts": Bug(
        COUNTS_EARLIER_ANSWERS,
        "append reply",
        "snapshot, accepted",
        "AnsweredIsMade[0, any_other]",
    ),
    "a read is taken before an entry of the term is committed": Bug(
        READS_AT_ONCE,
        "read",
        "of a leader, snapshot + 2",
        "StaleWasLeft[]",
        2,
    ),
}


@pytest.mark.parametrize("name", BUGS)
def test_a_wrong_rule_is_left_open_and_the_right_one_is_not(name: str) -> None:
    bug = BUGS[name]
    theories = AnySize(), AnySize(patched_rule(*bug.patches))
    right, wrong = right_and_wrong(*theories, fact_of(bug.fact), bug.step)
    assert (right.open, right.unassumed) == ([], "")
    assert right.live > 0
    assert bug.fact in open_goals(wrong)


def test_what_is_left_open_is_refuted_by_a_state_of_three() -> None:
    for name in ("votes compare indices only (D1)", "a stale vote counts"):
        bug, result = BUGS[name], Result()
        refute(patched_rule(*bug.patches), bug.step, result)
        assert result.result == "refuted"
        assert result.found is not None
        assert result.found.replays


@pytest.mark.parametrize("kind", KINDS)
def test_each_shape_is_one_of_three_voters_too(kind: str) -> None:
    assert all(of_three(step) for step in cases(kind, 2))


@pytest.mark.parametrize(
    ("facts", "kind", "shape"),
    [
        ("elects", "vote reply", "snapshot, has any votes"),
        ("opens", "propose command", "snapshot + 1"),
    ],
)
def test_without_what_is_known_of_majorities_a_later_leader_may_lack_an_entry(
    facts: str, kind: str, shape: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = step_of(kind, shape, 1)
    assert OfOneFact(AnySize(), "LeadersHave").check(step).open == []
    monkeypatch.setattr(AnySize, facts, lambda *_: [])
    assert checked_with(step, "LeadersHave").open


def test_a_rule_of_quorums_that_says_too_little_leaves_a_count_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    step = step_of("end of drain", "of a leader, founded + 1", 1)
    assert OfOneFact(AnySize(), "CountedIsChosen").check(step).open == []
    says_nothing = z3.BoolVal(True)
    monkeypatch.setattr("conformance.prove.any_size.actor.within", lambda *_: says_nothing)
    assert checked_with(step, "CountedIsChosen").open


def checked_with(step: Step, fact: str) -> Any:
    return WithLittleWork(AnySize(), fact).check(step)


def test_what_a_path_counts_is_shown_to_be_in_the_log() -> None:
    beyond = patch("durable=node.log.last_index)", "durable=node.log.last_index + 1)")
    step = step_of("end of drain", "of a leader, founded + 1", 1)
    wrong = WithLittleWork(AnySize(patched_rule(*beyond)), INDEX).check(step)
    assert INDEX in open_goals(wrong)


# No proof is about nothing


@cache
def alive() -> Alive:
    return Alive(AnySize())


@pytest.mark.parametrize("kind", KINDS)
def test_all_that_is_known_of_a_kind_of_step_is_no_contradiction(kind: str) -> None:
    assert any(alive().check(step).live for step in reversed(cases(kind, 0)))


# Representatives


TOLD_APART = {
    "another peer's progress is read": (
        "progress.match < shared.index:",
        "[one for one in role.peers][-1].match < shared.index:",
        "what another peer holds was read",
    ),
    "peers are counted": (
        "progress.match < shared.index:",
        "progress.match < shared.index and len(role.peers) < 9:",
        "len",
    ),
    "a peer is chosen by its place": (
        "progress.match < shared.index:",
        "progress.match < shared.index and role.peers[0]:",
        "by its place",
    ),
    "names are put into an order": (
        "if reply.seqno > progress.answered:",
        "if reply.seqno > progress.answered and reply.sender > node.id:",
        "more than whether it is the same",
    ),
}


@pytest.mark.parametrize("bug", TOLD_APART)
def test_code_that_tells_peers_apart_is_no_proof(bug: str) -> None:
    old, new, said = TOLD_APART[bug]
    step = step_of("append reply", "snapshot + 1, accepted", 1)
    theory, paths = AnySize(patched_rule(*patch(old, new))), Paths()
    actor = theory.actor(paths, theory.before)
    happening = step.prepare(actor)
    raised = [path.raised for path in paths.run(lambda: theory.consequence(actor, happening))]
    assert said in " ".join(str(one) for one in raised if one is not None)


def test_calls_for_the_rest_of_a_long_log_are_taken_one_by_one() -> None:
    """They are to some of the peers, which are not all: so one may be chosen by its place."""
    step = step_of("call to all", "of a leader, snapshot + 2, 1 a call, writes after 0", 2)
    assert Prover(AnySize()).check(step).open == []


def test_what_one_peer_holds_is_not_put_down_for_another() -> None:
    every = patch(
        "progress if peer.node == progress.node else peer for peer",
        "progress._replace(node=peer.node) for peer",
    )
    step = step_of("append reply", "snapshot, accepted")
    checked = WithLittleWork(AnySize(patched_rule(*every)), "LeaderProgress").check(step)
    assert "LeaderProgress[0, any_other]" in open_goals(checked)


def test_a_name_is_only_compared_while_it_is_opaque() -> None:
    one, other = Name(1), Name(2)
    assert one < other
    with opaque_names():
        assert one == 1 != other
        assert {one, 1} == {1}
        for asks in (operator.lt, operator.gt, operator.add):
            with pytest.raises(AskedError):
                asks(one, 2)
            with pytest.raises(AskedError):
                asks(2, one)
        with pytest.raises(AskedError):
            assert one
    assert sorted([other, one]) == [one, other]


# The beginning, and what follows


@pytest.mark.parametrize(
    ("old", "new", "lemma"),
    [
        ("        voted_for=node.id,\n", "        voted_for=None,\n", "Candidate"),
        ("current_term=node.current_term + 1,", "current_term=node.current_term,", "Ranges"),
    ],
)
def test_a_cluster_that_begins_otherwise_is_refuted(old: str, new: str, lemma: str) -> None:
    assert Begins().prove(Subjects()).result == "proved"
    result = Begins().prove(Subjects(rule=patched_rule(*patch(old, new))))
    assert result.result == "refuted"
    assert lemma in result.detail


@cache
def prover() -> Prover:
    return Prover(AnySize())


@pytest.mark.parametrize("lemma", statements.SAFETY, ids=lambda lemma: lemma.name)
def test_safety_follows_from_the_lemmas_and_from_nothing_less(lemma: Any) -> None:
    """`fixed_membership.Follows` asks it of all lemmas."""
    theory, view = prover().theory, prover().theory.before
    formula = lemma.holds(view, *[statements_of(kind) for kind in lemma.over])
    solver = z3.SimpleSolver()
    solver.set("rlimit", 1_000_000)
    solver.add(*theory.of_consequences(), z3.Not(formula))
    assert solver.check() != z3.unsat


def statements_of(kind: str) -> Any:
    return z3.Int(f"some_{kind}")


def test_the_hardest_answer_is_told_with_what_it_took() -> None:
    prover = Prover(AnySize())
    prover.check(step_of("vote call", "vote none"))
    spent, what = prover.solvers.hardest
    assert 0 < spent < RESOURCES / 10
    assert what


# How z3 is asked

MANY = 1_000
"""Instances of lemmas that z3 looks at for a query, on the average: a pattern that brings about
what it matches itself makes more of it.
"""


class Loops(AnySize):
    """With a lemma whose pattern makes another term that it matches."""

    def known(self) -> dict[str, list[Any]]:
        term, lead = z3.Int("all_T"), self.before.lead
        follows = z3.ForAll([term], lead(term + 1) >= -1, patterns=[lead(term)])
        return {name: [*formulas, follows] for name, formulas in super().known().items()}


def instances(theory: AnySize, step: Step) -> float:
    """How many a query takes."""
    prover = WithLittleWork(theory, "LeadersHave")
    prover.check(step)
    found = 0
    for solver in prover.solvers.each.values():
        statistics = solver.statistics()
        counted = {key: statistics.get_key_value(key) for key in list(statistics.keys())}
        found += counted.get("quant instantiations", 0)
    return found / prover.queries


@pytest.mark.parametrize(
    ("kind", "shape"),
    [
        ("vote reply", "snapshot, has any votes"),
        ("append call", "snapshot, a call of snapshot"),
        ("end of drain", "of a leader, snapshot"),
        ("snapshot", "a follower, founded"),
    ],
)
def test_no_pattern_loops(kind: str, shape: str) -> None:
    assert instances(AnySize(), step_of(kind, shape)) < MANY


def test_a_pattern_that_loops_is_noticed() -> None:
    assert instances(Loops(), step_of("vote reply", "snapshot, has any votes")) > MANY
