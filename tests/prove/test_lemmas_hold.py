"""The lemmas and claims hold in concrete clusters, of the states that their code comes to.

What z3 shows of all states would be shown of nothing if the lemmas were about something else than
the code, or said nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, product
from typing import Any

import pytest

from conformance.audit.decisions import D4
from conformance.explore.search.run import Options, explore
from conformance.explore.states.bounds import Bounds
from conformance.mutants.planted.in_both import IN_BOTH
from conformance.prove.history.holding import Broken, Checker, broken
from conformance.prove.history.variables import HistoryVariables, initial
from conformance.prove.history.view import Concrete, claims_of
from conformance.prove.statements.claims import CLAIMS, Claim
from conformance.prove.statements.lemma import Lemma
from conformance.prove.statements.lemmas import LEMMAS, may_be_chosen
from conformance.subjects.patched import Patch, patched_rule
from spec import rules
from spec.cluster import Cluster, Comeback, Rule, Turn, apply, new_cluster
from spec.values import Candidate, SnapshotInstalled
from spec.witnesses import SOMETIMES, seen_in
from tests.prove.premises import Place, implications, recorded
from tests.prove.runs import events
from tests.prove.searched import reachable
from tests.prove.shared import patch
from tests.prove.wrong_states import changed_states

RUNS = {3: {2: 3_000, 6: 3_000, 12: 3_000}, 5: {1: 2_500, 3: 2_500}}
"""By the number of servers: how many steps of each seed.  Many short runs come by more than a long
one: that a candidate installs a snapshot, for example, is rare.
"""

BOUNDS = {
    "elections": Bounds(terms=3, log=3, in_flight=1, proposals=0),
    "messages": Bounds(terms=2, log=2, in_flight=2, proposals=0),
    "crashes": Bounds(terms=2, log=2, in_flight=1, crashes=1, proposals=0),
    "held": Bounds(terms=2, log=3, in_flight=1, proposals=1, held=1),
    "snapshots": Bounds(terms=2, log=3, in_flight=1, proposals=0, heartbeats=1, snapshots=1),
}

UNSEEN = {
    "JointConfigCommitted": "membership is fixed",
    "ChangeCompleted": "membership is fixed",
    "ConfigRolledBack": "membership is fixed",
    "RemovedLeaderSteppedDown": "membership is fixed",
    "NonVoterReplicated": "all are voters",
    "VoterDemoted": "membership is fixed",
    "CommittedAtEndOfDrain": "it takes an only voter",
}
OVERTAKEN = "CandidateInstalledSnapshot"


@dataclass(slots=True)
class Seen:
    """What came of states that were checked.  `first`: what did not hold in the first bad one."""

    states: int = 0
    first: list[Broken] = field(default_factory=list)
    witnesses: Counter[str] = field(default_factory=Counter)
    messages: set[tuple[type, bool]] = field(default_factory=set)
    premises: set[Place] = field(default_factory=set)


in_one_worker = pytest.mark.xdist_group("runs")
"""They share `runs`, which takes half a minute."""


@pytest.fixture(scope="module")
def runs() -> dict[int, Seen]:
    return {size: checked_run(size, counts) for size, counts in RUNS.items()}


def checked_run(size: int, counts: dict[int, int]) -> Seen:
    seen, checker = Seen(), Checker()
    with recorded() as premises:
        for event in chain.from_iterable(events(size, counts[seed], seed) for seed in counts):
            if event.change.turn is not None:
                seen.witnesses.update(seen_in(event.change.turn))
                seen.witnesses[OVERTAKEN] += is_overtaken(event.change.turn)
            seen.states += 1
            seen.first = seen.first or checker.broken(event.cluster, event.variables)
            seen.messages |= kinds_in(event.cluster, event.variables)
    seen.premises = premises
    return seen


def kinds_in(cluster: Cluster, variables: HistoryVariables) -> set[tuple[type, bool]]:
    return {(type(message), owed) for message, owed in claims_of(cluster, variables)}


def is_overtaken(turn: Turn) -> bool:
    """A candidate installs a snapshot of an earlier leader: the log it asked with is no more."""
    return (
        isinstance(turn.event, SnapshotInstalled)
        and isinstance(turn.before.node.role, Candidate)
        and turn.after.node.log.last_position != turn.before.node.log.last_position
    )


# They hold


@pytest.mark.parametrize("size", [3, 5, 7])
def test_all_hold_at_the_start(size: int) -> None:
    assert broken(new_cluster(size), initial(size)) == []


@in_one_worker
@pytest.mark.parametrize("size", RUNS)
def test_all_hold_in_every_state_of_random_runs(runs: dict[int, Seen], size: int) -> None:
    assert runs[size].states >= sum(RUNS[size].values())
    assert runs[size].first == []


@pytest.mark.parametrize("name", BOUNDS)
def test_all_hold_in_every_state_within_bounds(name: str) -> None:
    checker, states = Checker(), 0
    for cluster, variables in reachable(BOUNDS[name]):
        assert checker.broken(cluster, variables) == []
        states += 1
    assert states > 1000


# They are about something


@in_one_worker
def test_the_random_runs_come_by_every_witness(runs: dict[int, Seen]) -> None:
    """All but those that a fixed membership of several voters does not have."""
    seen = sum((run.witnesses for run in runs.values()), Counter[str]())
    wanted = {witness.name for witness in SOMETIMES} | {OVERTAKEN}
    assert {name for name in wanted if not seen[name]} == UNSEEN.keys()


@in_one_worker
def test_every_claim_is_made_by_some_message(runs: dict[int, Seen]) -> None:
    seen = set[tuple[type, bool]]().union(*(run.messages for run in runs.values()))
    assert {(claim.kind, claim.owed) for claim in CLAIMS} <= seen


@in_one_worker
def test_every_premise_is_true_somewhere(runs: dict[int, Seen]) -> None:
    places = implications()
    seen = set[Place]().union(*(run.premises for run in runs.values()))
    assert len(places) > len(LEMMAS)
    assert places - seen == set()


# What is wrong is noticed


def samples(size: int, count: int) -> Iterator[tuple[Cluster, HistoryVariables]]:
    """States of a run: the first few with messages of some kind after so many terms were led.

    It makes a difference, too, whether a sender has acknowledged anything, or has left the term of
    a read since it sent the message.
    """
    taken: Counter[tuple[object, ...]] = Counter()
    for event in events(size, count):
        led = min(sum(leadership is not None for leadership in event.variables.leaderships), 2)
        tags = {
            (
                type(message),
                owed,
                led,
                any(event.variables.ack[message.sender]),
                has_left(event.variables, message.sender, message.term),
            )
            for message, owed in claims_of(event.cluster, event.variables)
        }
        if any(taken[tag] < 2 for tag in tags):
            taken.update(tags)
            yield event.cluster, event.variables


def has_left(variables: HistoryVariables, node: int, term: int) -> bool:
    taken = variables.taken
    return taken is not None and taken.term == term and node in taken.left


def test_every_lemma_and_claim_is_broken_by_some_change_of_a_state() -> None:
    """The states hold, so what is reported is the change."""
    silent = {lemma.name for lemma in LEMMAS} | {claim.name for claim in CLAIMS}
    checker = Checker()
    for cluster, variables in samples(3, 6000):
        if not silent:
            break
        assert checker.broken(cluster, variables) == []
        for changed in changed_states(cluster, variables):
            silent -= {one.name for one in checker.broken(*changed)}
    assert silent == set()


ELSEWHERE = (
    "joint-quorum-over-union",
    "lone-voter-leads-at-once",
    "index-only-vote",
    "commit-past-verified",
    "timer-set-by-higher-term",
)
"""Of membership, of the timer (no lemma speaks of it), or so rarely seen that it takes a search."""
BUGS: dict[str, tuple[Patch, ...]] = {
    **{name: one.in_spec for name, one in IN_BOTH.items() if name not in ELSEWHERE},
    "the leader's commit index is taken as it is": patch(
        "max(node.commit_index, min(call.commit_index, verified))",
        "max(node.commit_index, call.commit_index)",
    ),
    "snapshot leaves the commit index behind": D4.in_spec,
    "a candidate votes for others": patch(
        "    if node.voted_for not in (None, call.sender):\n        return Effect(node)\n", ""
    ),
    "a vote of an earlier term counts": patch(
        "            reply.vote_granted and reply.term == node.current_term\n",
        "            reply.vote_granted\n",
    ),
    "a minority is a quorum": patch(
        "return len(nodes & voters) > len(voters) // 2", "return len(nodes & voters) >= 1"
    ),
    "the previous entry is not looked at": patch(
        "    if not log.contains(prev):\n        return drop_conflict(node, prev)\n",
        "    if prev.index > log.last_index:\n        return drop_conflict(node, prev)\n",
    ),
    "a write is not owed": patch(
        "        owed = (v.AppendLogEntries(log.position(agreed), missing),)\n", ""
    ),
}


SHOWN_BY = {
    "vote-not-persisted": 1,
    "a candidate votes for others": 5,
    "a vote of an earlier term counts": 4,
    "the previous entry is not looked at": 1,
}
"""The seed of a run that shows it soon."""


@pytest.mark.parametrize("name", BUGS)
def test_a_bug_breaks_a_lemma_or_a_claim(name: str) -> None:
    size = 4 if name == "vote-counted-twice" else 3
    assert first_broken(size, patched_rule(*BUGS[name]), SHOWN_BY.get(name, 0))


def first_broken(size: int, of: Rule = rules.step, seed: int = 0) -> list[Broken]:
    """What does not hold in the first state in which anything does not."""
    checker = Checker()
    for event in events(size, 5000, seed, of):
        if found := checker.broken(event.cluster, event.variables):
            return found
    return []


def test_a_vote_by_index_alone_breaks_a_lemma_or_a_claim_before_the_end() -> None:
    """D1: on the shortest way to a leader that lacks a committed entry."""
    mutant = IN_BOTH["index-only-vote"]
    with mutant.planted() as library:
        found = explore(Options(mutant.bounds, rule=mutant.rule(), library=library)).found
    assert found is not None
    changes = [change for move in found.moves for change in move.changes]
    variables, names = initial(found.nodes), []
    for change in changes:
        if change.turn is not None:
            variables = variables.after(change.turn)
        names.append({one.name for one in broken(change.after, variables)})
    assert names[0] == set()
    assert any(names[:-1])


@pytest.mark.parametrize("kept", ["ruled", "committed", "voted", "acknowledged"])
def test_a_history_that_is_not_kept_breaks_a_lemma(
    kept: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(HistoryVariables, kept, lambda variables, turn: variables)
    assert first_broken(3)


def test_a_prefix_that_is_not_kept_breaks_a_lemma(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HistoryVariables, "compacted", lambda variables, turn: variables)
    assert first_broken(3)


def test_a_snapshot_that_is_not_kept_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HistoryVariables, "handed_over", lambda variables, turn: variables)
    with pytest.raises(ValueError, match="no leader"):
        first_broken(3)


# The checker and the history are right


def test_answers_that_are_kept_are_those_of_each_state_alone() -> None:
    """Of good states and bad ones, with one checker for all."""
    checker, compared, wrong = Checker(), 0, 0
    for at, (cluster, variables) in enumerate(samples(3, 1200)):
        changed = list(changed_states(cluster, variables))
        for state in [(cluster, variables), *changed[at % 29 :: 29]]:
            expected = sorted(map(repr, plainly_broken(*state)))
            assert sorted(map(repr, checker.broken(*state))) == expected
            compared += 1
            wrong += bool(expected)
    assert checker.answers.evaluated < checker.answers.asked / 2
    assert compared > wrong > 100


class Plain(Concrete):
    """A view that keeps nothing."""

    def choosable(self, term: int, i: int) -> bool:
        found: bool = may_be_chosen(self, term, i)
        return found


def plainly_broken(cluster: Cluster, variables: HistoryVariables) -> list[Broken]:
    view = Plain(cluster, variables)
    nodes, terms, indices = range(view.size), range(view.terms + 2), range(view.indices + 1)
    ranges = dict.fromkeys("nmc", nodes) | dict.fromkeys("TS", terms) | dict.fromkeys("ij", indices)
    asked: list[tuple[Lemma | Claim, tuple[Any, ...]]] = [(lemma, ()) for lemma in LEMMAS]
    for message, owed in claims_of(cluster, variables):
        asked += [(c, (message,)) for c in CLAIMS if (c.kind, c.owed) == (type(message), owed)]
    return [
        Broken(fact.name, (*of, *arguments))
        for fact, of in asked
        for arguments in product(*[ranges[kind] for kind in fact.over])
        if not fact.holds(view, *of, *arguments)
    ]


def test_all_indices_and_terms_that_there_are_are_looked_at() -> None:
    for event in events(3, 1000):
        view = Concrete(event.cluster, event.variables)
        for member in event.cluster.members:
            assert view.indices > max(member.node.log.last_index, member.disk.log.last_index)
            assert view.terms >= max(member.node.current_term, member.disk.current_term)
        assert all(
            view.indices > len(leadership.log)
            for leadership in event.variables.leaderships
            if leadership
        )


def test_a_server_that_is_down_is_seen_as_what_it_comes_back_as() -> None:
    crashes = 0
    for event in events(3, 4000):
        turn = event.change.turn
        if turn is None or turn.after.up:
            continue
        crashes += 1
        back = apply(event.cluster, Comeback(turn.node))
        assert back.turn is not None
        after = event.variables.after(back.turn)
        assert Concrete(event.cluster, event.variables).known == Concrete(back.after, after).known
    assert crashes > 20
