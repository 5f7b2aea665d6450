"""SOMETIMES: what the properties are about does happen in a seeded run of the specification."""

from __future__ import annotations

from conformance.simulation.check import Options, check, specified
from spec.cluster import Change, Comeback, Deliver, Lose, apply, new_cluster
from spec.values import CreateCluster, ElectionTimeout
from spec.witnesses import DRAIN, SOMETIMES, seen_in
from tests.support.scenario import Scenario


def test_every_witness_is_seen_in_a_seeded_run() -> None:
    report = check(Options(seed=0, events=60_000, run=specified()))
    assert report.found is None
    assert report.never_seen == []


def test_a_run_that_says_nothing_of_a_witness_says_so() -> None:
    report = check(Options(seed=0, events=300, nodes=1, run=specified()))
    assert report.witnesses["CommittedAtEndOfDrain"] > 0
    never = {"ConflictDropped", "LaggingFollowerInstalledSnapshot", "StaleRefusalIgnored"}
    assert never <= set(report.never_seen)


def test_witnesses_are_named_once_and_seen_at_events_or_drains() -> None:
    names = [witness.name for witness in SOMETIMES]
    assert len(set(names)) == len(names)
    for witness in SOMETIMES:
        assert witness.at
        assert all(kind == DRAIN or isinstance(kind, type) for kind in witness.at)


def seen(change: Change) -> set[str]:
    return set(seen_in(change.turn)) if change.turn is not None else set()


def test_witnesses_of_single_steps() -> None:
    cluster = Scenario(1)
    outcome = cluster.input(0, CreateCluster(frozenset({0})))
    assert outcome is not None
    cluster.crash(0)
    assert cluster.node(0).log.last_index == 2
    change = apply(cluster.cluster, Comeback(0))
    assert seen(change) == {"RestartedWithLog"}


def test_what_happens_to_the_network_alone_is_no_witness() -> None:
    cluster = Scenario(2)
    cluster.input(0, CreateCluster(frozenset({0, 1})))
    assert seen(cluster.take(Lose(0))) == set()
    cluster.input(0, ElectionTimeout())
    assert seen(cluster.take(Deliver(0))) == set()
    assert seen(Change(new_cluster(1), new_cluster(1))) == set()
