"""A cluster in virtual time: what its servers, disks, timers and faults do, to the microsecond."""

from __future__ import annotations

from dataclasses import replace

import pytest

from conformance.mutants.planted.catalogue import by_name
from conformance.network.clock import MILLISECOND as MS
from conformance.network.cluster import TimedCluster
from conformance.network.link import Link
from conformance.network.scenario import (
    Compact,
    Cut,
    Down,
    Elect,
    Late,
    Load,
    Propose,
    Scenario,
    alone,
    bridged,
)
from conformance.subjects.library import LibrarySubject
from conformance.subjects.subject import SpecSubject
from tests.network.brief import BRIEF


def ran(scenario: Scenario, seed: int = 0) -> TimedCluster:
    cluster = TimedCluster(scenario, LibrarySubject(), seed)
    cluster.run()
    return cluster


def figures(scenario: Scenario, seed: int = 0) -> dict[str, float]:
    return ran(scenario, seed).figures.table(scenario.length)


def test_a_healthy_cluster_sends_every_entry_once() -> None:
    found = figures(BRIEF)
    assert found["entries"] == found["calls"] == found["latency"] == found["latency_99"] == 1.0
    assert found["largest_call"] == found["in_flight"] == 1
    assert found["waiting"] == found["unserved"] == found["leaders"] == found["snapshots"] == 0
    assert found["gap"] == 2.0  # a round trip


def test_the_specification_has_the_same_figures_as_the_library() -> None:
    link = Link(MS, jitter=2 * MS, loss=50, doubled=20, overtaken=20)
    scenario = replace(BRIEF, link=link, fsync=300, planned=(Down(0, 130 * MS, 160 * MS),))
    tables = []
    for subject in (SpecSubject(), LibrarySubject()):
        cluster = TimedCluster(scenario, subject)
        cluster.run()
        tables.append((cluster.figures.table(scenario.length), cluster.figures.leaders))
        assert cluster.problems == []
    assert tables[0] == tables[1]


def test_the_seed_decides() -> None:
    lossy = replace(BRIEF, link=Link(MS, loss=200))
    assert figures(lossy, 1) == figures(lossy, 1)
    assert figures(lossy, 1) != figures(lossy, 2)


@pytest.mark.parametrize(("fsync", "round_trips"), [(0, 1.0), (MS, 1.5), (3 * MS, 2.5)])
def test_a_commit_waits_for_the_followers_disk(fsync: int, round_trips: float) -> None:
    """A millisecond there, the write, a millisecond back; the leader writes meanwhile (§10.2.1)."""
    scenario = replace(BRIEF, fsync=fsync, load=Load(20 * MS, 100 * MS, 200 * MS))
    assert figures(scenario)["latency"] == round_trips


def test_what_arrives_during_a_drain_is_taken_together_after_it() -> None:
    """A disk slower than the load: one write for all commands that came meanwhile."""
    scenario = replace(BRIEF, fsync=20 * MS, load=Load(MS, 100 * MS, 200 * MS))
    cluster = ran(scenario)
    assert cluster.figures.proposed == 100
    assert cluster.figures.drains_that_proposed <= 6
    assert len(cluster.figures.latencies) == 100
    assert cluster.problems == []


def test_drains_once_in_a_while() -> None:
    scenario = replace(BRIEF, drain=10 * MS, load=Load(MS, 100 * MS, 200 * MS))
    assert 10 <= ran(scenario).figures.drains_that_proposed <= 11


def test_a_crash_leaves_what_was_durable() -> None:
    """The leader's write takes 4 ms and is cut short after 2: its followers have it, not it."""
    at = 150 * MS
    scenario = replace(
        BRIEF,
        load=None,
        fsync=4 * MS,
        planned=(Propose(at, 1), Down(0, at + 2 * MS)),
        length=at + 20 * MS,
    )
    cluster = ran(scenario)
    assert [server.disk.log.last_index for server in cluster.servers] == [2, 3, 3]
    assert cluster.problems == []


def test_who_comes_back_goes_on_with_its_disk() -> None:
    scenario = replace(BRIEF, planned=(Down(2, 120 * MS, 250 * MS),), length=700 * MS)
    cluster = ran(scenario)
    assert [server.life for server in cluster.servers] == [0, 0, 1]
    assert len({cluster.subject.observe(node).commit_index for node in range(3)}) == 1
    assert cluster.problems == []


def test_a_cut_holds_up_nothing_but_its_pairs() -> None:
    one_way = Cut(frozenset({(0, 2)}), 110 * MS, 190 * MS)
    cluster = ran(replace(BRIEF, planned=(one_way,), length=150 * MS))
    assert cluster.subject.observe(1).last_position.index > 10
    assert cluster.subject.observe(2).last_position.index < 6


def test_without_a_leader_commands_find_none_and_a_new_one_is_elected() -> None:
    planned = (Down(0, 120 * MS),)
    found = figures(replace(BRIEF, planned=planned, length=3000 * MS))
    assert found["unserved"] == 16  # from 120 to 195 ms
    assert found["leaders"] == 1
    assert found["gap"] == 75.0  # nothing was proposed to the new leader, so none was committed


def test_the_time_without_service_lasts_until_a_new_leader_commits() -> None:
    load = Load(10 * MS, 100 * MS, 2000 * MS)
    scenario = replace(BRIEF, load=load, planned=(Down(0, 125 * MS),), length=2200 * MS)
    cluster = ran(scenario)
    (led,) = [at for at, _, node in cluster.figures.leaders if node != 0]
    found = cluster.figures.table(scenario.length)
    assert found["unserved"] >= 50
    assert led - 130 * MS <= found["gap"] * MS <= led - 130 * MS + 14 * MS


def test_a_bridge_is_reached_by_both_sides_and_carries_nothing() -> None:
    cut = bridged({0}, {1})
    assert cut == {(0, 1), (1, 0)}
    scenario = replace(BRIEF, planned=(Cut(cut, 110 * MS),))
    last = [server.disk.log.last_index for server in ran(scenario).servers]
    assert last[0] == last[2] > 10
    assert last[1] < 6


def test_late_messages_arrive_in_the_end() -> None:
    late = Late(0, 1, 120 * MS, 130 * MS, 300 * MS)
    cluster = ran(replace(BRIEF, planned=(late, Cut(alone(2, 3), 110 * MS))))
    assert max(cluster.figures.latencies) >= 8 * MS
    assert cluster.problems == []


def test_a_follower_that_needs_a_snapshot_gets_one() -> None:
    planned = (Cut(alone(2, 3), 105 * MS, 210 * MS), Compact(0, 205 * MS))
    cluster = ran(replace(BRIEF, planned=planned, transfer=20 * MS, length=500 * MS))
    assert cluster.figures.snapshots[2] >= 1
    shown = cluster.subject.observe(2)
    assert shown.snapshot_position.index > 5
    assert shown.commit_index == cluster.subject.observe(0).commit_index
    assert cluster.problems == []


def test_a_timer_can_be_made_to_fire() -> None:
    cluster = ran(replace(BRIEF, load=None, planned=(Elect(2, 150 * MS),)))
    assert [(term, node) for _, term, node in cluster.figures.leaders] == [(1, 0), (2, 2)]


@pytest.mark.parametrize(
    ("mutant", "breaks"),
    [
        ("reply-before-write", "EntriesPersistedBeforeReply"),
        ("term-not-persisted", "TermPersistedBeforeMessage"),
    ],
)
def test_the_properties_watch(mutant: str, breaks: str) -> None:
    """A bug in the library shows in a run, whatever its figures are."""
    scenario = replace(BRIEF, planned=(Elect(2, 150 * MS),))
    with by_name(mutant).planted() as library:
        cluster = TimedCluster(scenario, LibrarySubject(library))
        cluster.run()
        assert breaks in {problem.property for problem in cluster.problems}
    assert ran(scenario).problems == []
