"""The lemmas of changing membership: they hold in runs, quorums overlap by them, and bugs show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache
from itertools import count, islice
from random import Random
from typing import Any, Final

import pytest
import z3

from conformance.prove.any_size import statements as families
from conformance.prove.changing.actor import Actor
from conformance.prove.changing.cases import KINDS, cases
from conformance.prove.changing.history import Checker, History, Seen
from conformance.prove.changing.induction import Changing
from conformance.prove.changing.statements import lemmas, script
from conformance.prove.changing.statements.lemmas import LEMMAS, Servers
from conformance.prove.changing.statements.script import Script
from conformance.prove.changing.statements.views import Before
from conformance.prove.changing.why import facts, fork
from conformance.prove.changing.why.proofs import PROOFS
from conformance.prove.history.holding import failures
from conformance.prove.history.view import claims_of
from conformance.prove.induction.answers import INDEX
from conformance.prove.induction.events import Step
from conformance.prove.induction.prover import Prover
from conformance.prove.induction.theory import Consequence
from conformance.prove.statements.logic import Formula
from conformance.prove.statements.solvers import ALL
from conformance.simulation.episode import changes
from conformance.simulation.schedule.profile import Profile, draw_profile
from conformance.simulation.schedule.simulate import Schedule
from conformance.subjects.patched import in_rules, patched_rule
from conformance.symbolic.paths import Paths
from spec import cluster as happens
from spec import rules
from spec.cluster import Cluster, Deliver, Drain, Input, Rule, Turn, apply, new_cluster
from spec.values import (
    Config,
    CreateCluster,
    Event,
    Follower,
    Heartbeat,
    Leader,
    Node,
    ProposeConfig,
)
from tests.prove.premises import implications, recorded
from tests.prove.shared import LITTLE_WORK, Alive, open_goals, right_and_wrong

STATES = 400
STALE: Final = 197
"""An episode with a stale read and a joint configuration."""


# That the lemmas are true of the code


def profile(episode: int) -> Profile:
    random = Random(f"changing/{episode}")
    drawn = draw_profile(random, random.choice((3, 4)))
    return replace(
        drawn,
        voters=random.choice((2, 3)),
        length=200,
        config=0.08,
        retransmit=0.0,
        forge=0.0,
        propose=min(drawn.propose, 0.05),
        batch=min(drawn.batch, 2),
        snapshot=max(drawn.snapshot, 0.03),
    )


def states(
    of_rule: Rule, episodes: Iterable[int] | None = None
) -> Iterator[tuple[Cluster, History]]:
    """Of random runs, as long as logs are short."""
    for episode in count() if episodes is None else episodes:
        schedule = Schedule(3, episode, profile=profile(episode))
        history = History.of(schedule.profile.nodes)
        for _, change in changes(schedule, of_rule):
            if change.turn is not None:
                history = history.after(change.turn)
            if change.after.members is not change.before.members:
                yield change.after, history
            if any(member.node.log.last_index > 9 for member in change.after.members):
                break


def test_they_hold_in_every_state_of_random_runs() -> None:
    with recorded((lemmas,)) as premises:
        seen = counted_in_runs(Checker())
    assert all(seen[what] > 10 for what in ("two leaders", "joint", "left", "counted")), seen
    assert seen["stale"] > 0
    assert implications((lemmas,)) == premises


def counted_in_runs(checker: Checker) -> Counter[str]:
    """What the states of runs show; the lemmas hold in all of them."""
    seen: Counter[str] = Counter()
    for number, (cluster, history) in enumerate(states(rules.step)):
        assert checker.broken(cluster, history) == []
        view = Seen(cluster, history)
        terms = [term for term in range(1, view.terms + 1) if view.lead(term) >= 0]
        seen["two leaders"] += len(terms) > 1
        ends = [(term, view.tlast(term)) for term in terms]
        seen["joint"] += any(view.lj(*end) for end in ends)
        seen["left"] += any(0 < view.lj(*end) < view.lc(*end) for end in ends)
        seen["counted"] += view.commit_term(3) > 0
        if number >= STATES:
            break
    for cluster, history in states(rules.step, [STALE]):
        if Seen(cluster, history).read_stale():
            assert checker.broken(cluster, history) == []
            seen["stale"] += 1
    return seen


def test_answers_that_are_kept_are_those_of_each_state_alone() -> None:
    """Of good states, and of bad ones: what a leader knew, or how it was elected, is another."""
    checker, compared, wrong = Checker(), 0, 0
    for cluster, history in islice(states(rules.step), 50, 260, 25):
        for state in (history, *changed(history)):
            expected = plainly_broken(cluster, state)
            assert sorted(map(repr, checker.broken(cluster, state))) == expected
            compared += 1
            wrong += bool(expected)
    assert compared > wrong > 10


def changed(history: History) -> Iterator[History]:
    yield history._replace(elected=(*history.elected[:-1], 0))
    yield history._replace(known=(*history.known[:-1], 9))
    yield history._replace(since=(9,) * 9)


def plainly_broken(cluster: Cluster, history: History) -> list[str]:
    view = Seen(cluster, history)
    found = [one for lemma in LEMMAS for one in failures(lemma, view, {})]
    for message, owed in claims_of(cluster, history.variables):
        for claim in families.claims_of(message, owed):
            found += failures(claim, view, {}, message)
    return sorted(map(repr, found))


def test_a_bug_breaks_one_in_a_run() -> None:
    """Half of the voters elect a leader."""
    half = in_rules("> len(voters) // 2", ">= len(voters) // 2")
    found, checker = set[str](), Checker()
    for number, (cluster, history) in enumerate(states(patched_rule(half))):
        found |= {one.name for one in checker.broken(cluster, history)}
        if found or number > STATES:
            break
    assert "ElectedByQuorum" in found


# Why quorums overlap


FACTS = ("wins", "alone", "new", "opening", "counted", "along")


def left_open(name: str) -> list[str]:
    proof = Script(Before())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(script, "RESOURCES", LITTLE_WORK)
        PROOFS[name](proof)
    return proof.open


@pytest.mark.parametrize("fact", FACTS)
def test_with_all_lemmas_they_follow(fact: str) -> None:
    """With no more work than z3 may do below."""
    assert left_open(fact) == []


@pytest.mark.parametrize(
    ("lemma", "fact"),
    [
        ("ConfigRule", "wins"),
        ("LeadersHave", "alone"),
        ("CandidatesHave", "wins"),
        ("CountedIsChosen", "new"),
        ("InForce", "counted"),
        ("KnownToLeader", "counted"),
        ("MarksAgree", "along"),
        ("ToldIsSaved", "opening"),
    ],
)
def test_without_a_lemma_they_do_not_follow(
    lemma: str, fact: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(*_: Any) -> Formula:
        return True

    monkeypatch.setitem(script.BY_NAME, lemma, replace(script.BY_NAME[lemma], holds=nothing))
    assert left_open(fact)


@pytest.mark.parametrize("fact", FACTS[:5])
def test_nor_do_they_if_new_voters_have_no_say(fact: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def of_old(v: Any, config: Any, of: Servers) -> Formula:
        return of.by(v.old(config))

    monkeypatch.setattr(facts, "quorum", of_old)
    monkeypatch.setattr(fork, "quorum", of_old)
    assert left_open(fact)


# Steps


@cache
def prover() -> Prover:
    return Prover(Changing())


ELECTION = ("election timeout", "any log")


def step_of(kind: str, shape: str, entries: int = 0) -> Step:
    return next(step for step in cases(kind, entries) if step.shape == shape)


@pytest.mark.parametrize(
    ("kind", "shape"),
    [
        ("vote call", "vote none"),
        ELECTION,
        ("propose configuration", "snapshot, a joint one"),
        ("vote reply", "founded, has any votes"),
        ("append reply", "snapshot, refused"),
        ("snapshot", "a follower, founded"),
        ("crash", "snapshot"),
    ],
)
def test_a_step_keeps_the_lemmas(kind: str, shape: str) -> None:
    checked = prover().check(step_of(kind, shape))
    assert (checked.open, checked.unassumed) == ([], "")
    assert 0 < checked.live <= checked.paths


def test_a_step_that_breaks_one_is_open() -> None:
    """A candidate's vote is forgotten as its term is saved."""
    forgets = in_rules(
        "        current_term=node.current_term + 1,\n        voted_for=node.id,\n",
        "        current_term=node.current_term + 1,\n        voted_for=None,\n",
    )
    theories = Changing(rules.step), Changing(patched_rule(forgets))
    right, wrong = right_and_wrong(*theories, "Candidate", step_of(*ELECTION))
    assert right.open == []
    assert "Candidate[0]" in open_goals(wrong)


BUGS = {
    "a second change while one is in progress": (
        "    if node.config.is_joint:\n        return refused(node, "
        '"invalid_config", "another change is in progress")\n',
        "",
        ("propose configuration", "snapshot, a joint one"),
        "ConfigRule",
    ),
    "voters change at once": (
        "    if config.voters != node.config.voters:\n        return refused(node, "
        '"invalid_config", "voters change through new_voters only")\n',
        "",
        ("propose configuration", "snapshot, a not joint one"),
        "ConfigRule",
    ),
    "a leader's snapshot does not end a candidacy": (
        "if isinstance(node.role, v.Candidate) and not log.contains(position):",
        "if False:",
        ("snapshot", "a candidate, snapshot"),
        "Candidate",
    ),
}


@pytest.mark.parametrize("bug", BUGS)
def test_a_wrong_rule_of_membership_is_left_open_and_the_right_one_is_not(bug: str) -> None:
    old, new, step, lemma = BUGS[bug]
    theories = Changing(rules.step), Changing(patched_rule(in_rules(old, new)))
    right, wrong = right_and_wrong(*theories, lemma, step_of(*step))
    assert right.open == []
    assert lemma in {name.split("[")[0] for name in open_goals(wrong)}


TOLD_OF_INDEX = 8
"""Formulas, of who holds the index that a quorum holds."""
REPLY = ("append reply", "founded + 1, accepted", 1)


def test_a_path_knows_what_rules_answered_on_it_and_on_no_other() -> None:
    theory, paths, asked = Changing(), Paths(), list[Node]()

    class Asked(Actor):
        def quorum_index(self, node: Node) -> Any:
            asked.append(node)
            return super().quorum_index(node)

    actor = Asked(paths, theory.before)
    happening = step_of(*REPLY).prepare(actor)
    seen: Counter[bool] = Counter()

    def consequence() -> tuple[bool, Consequence]:
        asked.clear()
        made = theory.consequence(actor, happening)
        return bool(asked), made

    for path in paths.run(consequence):
        assert path.result is not None
        counted, made = path.result
        told = len(made.known) - len(theory.of_new_entry(actor, made.ran))
        assert told == (counted and TOLD_OF_INDEX)
        seen[counted] += 1
    assert min(seen[True], seen[False]) > 1


@pytest.mark.parametrize("more", [0, 1])
def test_an_index_that_is_counted_is_shown_to_be_in_the_log(more: int) -> None:
    """Where a leader takes its disk to have more than there is, it is not."""
    durable = "durable=node.log.last_index"
    rule = patched_rule(in_rules(f"{durable})", f"{durable} + {more})"))
    theory, paths, found = Changing(rule), Paths(), Counter[str]()
    actor = theory.actor(paths, theory.before)
    ends = "of a leader, founded + 1"
    happening = step_of("end of drain", ends, 1).prepare(actor)
    for path in paths.run(lambda: theory.consequence(actor, happening)):
        assert path.result is not None
        required = [one for one in theory.goals(path.result, happening) if one.name == INDEX]
        for goal in required:
            known = [*actor.links, *actor.assumed, path.formula(paths), *path.result.known]
            solver = z3.Solver()
            solver.add(*known, z3.Not(goal.formula))
            found[str(solver.check())] += 1
    assert found["sat" if more else "unsat"] > 0
    assert not found["unknown"]
    assert more or not found["sat"]


@cache
def alive() -> Alive:
    found = Alive(Changing())
    found.solvers.each[ALL].set("rlimit", LITTLE_WORK // 10)
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_all_that_is_known_of_a_kind_of_step_is_no_contradiction(kind: str) -> None:
    assert any(alive().check(step).live for step in reversed(cases(kind, 0)))


# A leader that leaves


def leaves_owing_calls() -> Iterator[tuple[Cluster, History, Turn]]:
    """The states of a run in which a leader comes to know that its removal is committed while it
    owes a call to all.
    """
    everyone, rest = frozenset({0, 1, 2}), frozenset({1, 2})
    cluster, history = new_cluster(3), History.of(3)
    change = ProposeConfig(Config(everyone, rest))
    inputs: list[Event] = [CreateCluster(everyone), change, Heartbeat(), Heartbeat()]
    todo: list[happens.Step] = []
    for _ in range(80):
        if not todo and cluster.network:
            at = cluster.network[0].to
            leaves = at == 0 and cluster.members[0].node.config == Config(rest)
            todo = [Input(0, Heartbeat())] if leaves else []
            todo += [Deliver(0), Drain(at)]
        elif not todo:
            todo = [Input(0, inputs.pop(0)), Drain(0)]
        moved = apply(cluster, todo.pop(0))
        cluster = moved.after
        assert moved.turn is not None
        history = history.after(moved.turn)
        yield cluster, history, moved.turn


def test_a_leader_that_leaves_owes_no_calls() -> None:
    """Who owes a call leads, or campaigns: so a leader drops them when it commits its removal."""
    left, checker = False, Checker()
    for cluster, history, turn in leaves_owing_calls():
        assert checker.broken(cluster, history) == []
        if isinstance(turn.before.node.role, Leader) and isinstance(turn.after.node.role, Follower):
            left = True
            assert turn.before.pending.broadcast
            owing = turn.after._replace(pending=turn.before.pending)
            wrong = checker.broken(cluster._replace(members=(owing, *cluster.members[1:])), history)
            assert {one.name for one in wrong} == {"OwedCallAll"}
            break
    assert left


def test_every_lemma_has_words() -> None:
    assert all(lemma.words.endswith(".") for lemma in LEMMAS)
