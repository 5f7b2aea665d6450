"""EVENTUALLY holds of the specification, and is broken by rules that do get stuck."""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import cache
from itertools import islice
from typing import TypeAlias

import numpy as np
import pytest

from conformance.audit.decisions import D2, D7, as_in_crate
from conformance.explore.liveness.eventually import (
    Check,
    EventuallyReport,
    LivenessFailure,
    eventually,
)
from conformance.explore.liveness.exchange import Exchanges, age, servers_of
from conformance.explore.states.bounds import Bounds
from conformance.explore.states.space import Space
from conformance.explore.states.symmetry import renamed
from conformance.explore.states.tables import Keys, distinct
from conformance.subjects.patched import in_rules, patched_rule
from spec import rules
from spec.cluster import Cluster, Deliver, Drain, Rule, apply
from spec.values import Follower, Leader

SMALL = Bounds(terms=2, log=3, proposals=0, in_flight=2)
TINY = Bounds(terms=2, log=3, proposals=0, in_flight=2, losses=2)
CRASHES = Bounds(terms=2, log=3, proposals=0, in_flight=2, losses=1, crashes=1)
CHANGES = Bounds(voters=3, terms=2, log=5, proposals=0, in_flight=2, losses=1, changes=1)
REMOVAL = Bounds(voters=2, terms=2, log=5, proposals=0, in_flight=2, losses=0, changes=1)


def layers(space: Space) -> Iterator[Keys]:
    visited = states = space.initial
    while states.size:
        yield states
        states = np.setdiff1d(space.expand(states).states, visited)
        visited = distinct(np.concatenate([visited, states]))


Checked: TypeAlias = tuple[Space, tuple[Keys, ...], EventuallyReport]


@cache
def _checked(bounds: Bounds, rule: Rule, symmetry: bool) -> Checked:
    space = Space(bounds, rule, symmetry=symmetry)
    found = tuple(layers(space))
    return space, found, eventually(space, found)


def checked(bounds: Bounds, rule: Rule = rules.step, symmetry: bool = True) -> Checked:
    return _checked(bounds, rule, symmetry)


def failing(bounds: Bounds, rule: Rule = rules.step, symmetry: bool = True) -> list[str]:
    _, _, report = checked(bounds, rule, symmetry)
    return [name for name, claim in report.claims.items() if claim.failed]


def end_of(space: Space, failure: LivenessFailure, cluster: Cluster | None = None) -> Cluster:
    """The cluster, or one in the state where the claim fails, after the continuation."""
    cluster = space.cluster(failure.state) if cluster is None else cluster
    for step in failure.steps(space, cluster):
        cluster = apply(cluster, step, space.nodes.rule).after
    return cluster


def broken(old: str, new: str) -> Rule:
    return patched_rule(in_rules(old, new))


# The specification


@pytest.mark.parametrize(
    "bounds",
    [
        SMALL,
        CRASHES,
        CHANGES,
        Bounds(terms=2, log=3, proposals=1, in_flight=2, losses=1, snapshots=1),
        Bounds(terms=2, log=3, proposals=0, in_flight=2, losses=1, held=1),
        Bounds(nodes=2, terms=3, log=3, proposals=1, in_flight=2),
        Bounds(nodes=1, terms=2, log=4),
    ],
    ids=["small", "crashes", "changes", "snapshots", "held", "two", "one"],
)
def test_nothing_gets_stuck(bounds: Bounds) -> None:
    assert failing(bounds) == []
    _, found, report = checked(bounds)
    assert report.unchecked == 0
    assert report.explored == sum(map(len, found)) >= report.settled >= report.created > 0
    idle = {name for name, claim in report.claims.items() if not claim.checked}
    # A cluster of one node is never without a leader for long enough, nor has it heartbeats.
    alone = {"ElectionCompletes", "ElectorHoldsOut", "LeaderReplaced"}
    expected = alone if bounds.nodes == 1 else set()
    assert idle <= expected | (set() if bounds.snapshots else {"InstallsOnce"})
    for claim in report.claims.values():
        assert (claim.failure is not None) == (claim.failed > 0)


def test_what_it_took_is_told() -> None:
    _, _, report = checked(SMALL)
    assert {name: claim.most for name, claim in report.claims.items()} == {
        "ExchangesEnd": 0,
        "ElectorExists": 0,
        "ElectionCompletes": 2,
        "LeaderReplaced": 2,
        "ElectorHoldsOut": 2,
        "LeaderGathers": 2,
        "CommitsNew": 1,
        "SendsOnce": 12,
        "InstallsOnce": 0,
        "NoDeadEnd": 1,
    }
    assert report.as_json()["quiet_states"] == report.quiet


def test_one_order_of_delivery_is_a_part_of_every() -> None:
    space, found, report = checked(CRASHES)
    one = eventually(space, found, every_order=False)
    assert (one.every_order, report.every_order) == (False, True)
    for name, claim in one.claims.items():
        assert (0 if name == "InstallsOnce" else 1) <= claim.checked <= report.claims[name].checked
        assert claim.failed <= report.claims[name].failed


def test_progress_is_told() -> None:
    space = Space(SMALL)
    check = Check(space)
    told = [check.report.explored for _ in check.run([space.initial])]
    assert told[0] == 1


# What gets stuck


def test_a_leader_that_removes_itself_is_needed_until_that_is_committed() -> None:
    """Dissertation, §4.2.2: else nobody is elected that its log is ahead of, nor is it."""
    mutant = broken("if not may_campaign(node):", "if node.id not in node.config.electors:")
    assert failing(REMOVAL) == []
    assert failing(REMOVAL, mutant) == ["ElectorExists", "NoDeadEnd"]


def test_d2_leaves_a_candidate_behind() -> None:
    space, _, report = checked(SMALL, as_in_crate(D2))
    assert failing(SMALL, as_in_crate(D2)) == ["LeaderGathers"]
    failure = report.claims["LeaderGathers"].failure
    assert failure is not None
    assert "same state again" in failure.detail
    members = end_of(space, failure).members
    leader = next(member.node for member in members if isinstance(member.node.role, Leader))
    alone = [member.node for member in members if member.node.leader is None]
    assert [node.voted_for for node in alone] == [node.id for node in alone] != []
    assert {node.current_term for node in alone} == {leader.current_term}


def test_d7_lets_elections_stall_but_not_for_ever() -> None:
    assert failing(TINY, as_in_crate(D7)) == ["LeaderReplaced"]
    stalled = ["ElectionCompletes", "LeaderReplaced", "ElectorHoldsOut"]
    assert failing(CRASHES, as_in_crate(D7)) == stalled
    space, _, report = checked(CRASHES, as_in_crate(D7))
    failure = report.claims["ElectionCompletes"].failure
    assert failure is not None
    members = end_of(space, failure).members
    assert not any(isinstance(member.node.role, Leader) for member in members)
    others = [member.node for member in members if isinstance(member.node.role, Follower)]
    assert len({node.voted_for for node in others} - {None}) == 1


@pytest.mark.parametrize(
    ("old", "new", "claims"),
    [
        (  # a vote is kept for ever
            "role=v.Follower(), current_term=term, voted_for=None)",
            "role=v.Follower(), current_term=term)",
            {"ElectionCompletes", "NoDeadEnd"},
        ),
        (  # what a peer lacks is never sent
            "    return Effect(node, (v.CallOne(progress.node),))\n",
            "    return Effect(node)\n",
            {"LeaderGathers", "NoDeadEnd"},
        ),
        (  # only the first entry of a term is ever committed
            "    if index <= node.commit_index or ",
            "    if index <= node.commit_index or node.log.entry(index).payload == v.COMMAND or ",
            {"CommitsNew"},
        ),
        (  # nobody campaigns in a term beyond the second
            "if not may_campaign(node):",
            "if not may_campaign(node) or node.current_term > 1:",
            {"ElectorExists"},
        ),
        (  # a leader forgets its role
            "broadcast_heartbeat(node)._replace(outcome=v.Called(",
            "broadcast_heartbeat(node._replace(role=v.Follower()))._replace(outcome=v.Called(",
            {"LeaderGathers"},
        ),
    ],
    ids=["vote", "resend", "commit", "terms", "abdication"],
)
def test_a_rule_that_gets_stuck_is_found(old: str, new: str, claims: set[str]) -> None:
    mutant = broken(old, new)
    space, found, report = checked(TINY, mutant)
    assert claims <= set(failing(TINY, mutant))
    explored = set(np.concatenate(found).tolist())
    for claim in report.claims.values():
        assert (claim.failure is not None) == (claim.failed > 0)
        if claim.failure is not None:
            assert claim.failure.state in explored
            end_of(space, claim.failure)


def test_a_snapshot_that_is_sent_only_once_is_found() -> None:
    """A state at rest tells whether it was asked for, if not with which call."""
    mutant = broken(
        "    if reply.seqno < (progress.asked if compacted else progress.probe):\n",
        "    if compacted and progress.asked:\n        return Effect(node)\n"
        "    if reply.seqno < (progress.asked if compacted else progress.probe):\n",
    )
    bounds = Bounds(terms=2, log=3, in_flight=1, proposals=0, heartbeats=1, snapshots=1)
    assert failing(bounds, mutant) == ["LeaderGathers"]


def test_messages_without_an_end_are_found() -> None:
    """Every reply is a reason for a call: the sequence numbers of such a space have no end."""
    mutant = broken(
        "    if progress.next is None:\n        return Effect(with_progress(node, progress))\n",
        "    if progress.next is None:\n        return owe_calls(node, progress)\n",
    )
    space = Space(TINY, mutant)
    report = eventually(space, islice(layers(space), 7))
    assert report.found is not None
    assert report.found.claim == "ExchangesEnd"
    assert end_of(space, report.found).network


def test_a_continuation_is_renamed_with_its_cluster() -> None:
    space, _, report = checked(SMALL, as_in_crate(D2))
    failure = report.claims["LeaderGathers"].failure
    assert failure is not None
    cluster = space.cluster(failure.state)
    other: Cluster = renamed(cluster, (0, 2, 1))
    other = other._replace(network=other.network[::-1])
    ends = [end_of(space, failure, start).members for start in (cluster, other)]
    assert sorted(member.node.current_term for member in ends[0]) == sorted(
        member.node.current_term for member in ends[1]
    )
    with pytest.raises(ValueError, match="not in the state"):
        next(failure.steps(space, cluster._replace(network=())))


# How it is computed


@pytest.mark.parametrize("rule", [rules.step, as_in_crate(D2), as_in_crate(D7)])
def test_symmetry_changes_nothing(rule: Rule) -> None:
    assert failing(TINY, rule) == failing(TINY, rule, symmetry=False)
    most = [
        {name: claim.most for name, claim in checked(TINY, rule, symmetry)[2].claims.items()}
        for symmetry in (True, False)
    ]
    assert most[0] == most[1]


@pytest.mark.parametrize("bounds", [CRASHES, CHANGES])
def test_settling_arrays_is_settling_clusters(bounds: Bounds) -> None:
    space, found, _ = checked(bounds)
    exchanges = Exchanges(space)
    for state in random.Random(7).sample(np.concatenate(found).tolist(), 150):
        keys = exchanges.of_states(np.array([state], np.uint64))
        keys = exchanges.settled(exchanges.drained(keys))
        cluster = space.cluster(state)
        for node in range(bounds.nodes):
            cluster = apply(cluster, Drain(node)).after
        while cluster.network:
            index, envelope = min(enumerate(cluster.network), key=lambda one: age(one[1]))
            cluster = apply(cluster, Deliver(index)).after
            cluster = apply(cluster, Drain(envelope.to)).after
        numbers = exchanges.servers.rows[servers_of(keys)[0]]
        assert [exchanges.members[number].node for number in numbers] == [
            member.node for member in cluster.members
        ]


@pytest.mark.parametrize("rule", [rules.step, as_in_crate(D2), as_in_crate(D7)])
def test_nothing_is_lost_by_putting_states_to_rest(
    rule: Rule, monkeypatch: pytest.MonkeyPatch
) -> None:
    space, found, rested = checked(TINY, rule)
    monkeypatch.setattr("conformance.explore.liveness.exchange.at_rest", lambda node: node)
    report = eventually(space, found)
    assert report.quiet > rested.quiet
    for name, claim in report.claims.items():
        other = rested.claims[name]
        assert (claim.failed > 0, claim.most) == (other.failed > 0, other.most)
        assert (claim.failure and claim.failure.state) == (other.failure and other.failure.state)


def test_states_are_found_whatever_the_order_and_the_portions() -> None:
    space, found, report = checked(TINY, as_in_crate(D2))
    rows = np.concatenate(found)
    again = eventually(space, [rows[start : start + 999] for start in range(0, len(rows), 999)])
    assert again == report
