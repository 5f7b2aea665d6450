"""What a driver builds from what its node tells it; and what becomes of a cluster without that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest

from conformance.network import server
from conformance.network.clock import MILLISECOND as MS
from conformance.network.clock import SECOND
from conformance.network.cluster import TimedCluster
from conformance.network.driven import CAREFUL, DRIVEN, TIMEOUT
from conformance.network.driver import Driver, PreVoteAnswer
from conformance.network.link import Link
from conformance.network.questions import BY_NAME
from conformance.network.run import measure
from conformance.network.scenario import (
    Cut,
    Down,
    Elect,
    Load,
    Policy,
    Propose,
    Scenario,
    Transfer,
    alone,
)
from conformance.network.scenarios import SCENARIOS
from conformance.subjects.asking.questions import Asked
from conformance.subjects.library import LibrarySubject
from conformance.subjects.patched import Patch, patched_library
from spec import values as v
from tests.network.brief import BRIEF

LATE = TIMEOUT[1] / MS


def figures(
    scenario: Scenario, seed: int = 0, subject: Callable[[], LibrarySubject] = LibrarySubject
) -> dict[str, float]:
    cluster = TimedCluster(scenario, subject(), seed)
    table = cluster.run().table(scenario.length)
    assert cluster.problems == []
    return table


@pytest.mark.parametrize("name", [one.name for one in DRIVEN if one.reads is None])
def test_it_keeps_its_bounds(name: str) -> None:
    assert measure(SCENARIOS[name], seed=1).verdict == "conforms"


# Check quorum


def test_a_deaf_leader_goes_on_for_ever_without_check_quorum() -> None:
    scenario = SCENARIOS["deaf-leader"]
    found = figures(replace(scenario, policy=replace(CAREFUL, check_quorum=False)))
    assert found["leaders"] == 0
    assert found["gap"] > 9.9 * SECOND / MS


def test_a_deaf_leader_steps_down_however_often_it_is_proposed_to() -> None:
    """Each proposal sets its timer again, which so never runs out."""
    load = Load(MS, SECOND, 2 * SECOND)
    scenario = replace(SCENARIOS["deaf-leader"], load=load, length=2 * SECOND)
    assert scenario.heartbeat > load.every
    assert figures(scenario)["stepped_down"] <= 2 * TIMEOUT[0] / MS


@pytest.mark.parametrize("nodes", [1, 2, 3])
def test_a_leader_that_is_answered_stays(nodes: int) -> None:
    """Also who leads nobody: there `confirmed` does not rise, as it calls nobody."""
    scenario = replace(BRIEF, nodes=nodes, load=None, policy=CAREFUL, length=5 * SECOND)
    cluster = TimedCluster(scenario, LibrarySubject())
    confirmed = set[v.SeqNo | None]()
    cluster.run(lambda: confirmed.add(cluster.servers[0].state.confirmed))
    assert [node for _, _, node in cluster.figures.leaders] == [0]
    assert cluster.figures.stepped_down is None
    assert (len(confirmed - {None}) == 1) == (nodes == 1)


@pytest.mark.parametrize("name", ["bridge-of-five", "bridge-of-five-pre-vote"])
def test_dropping_vote_requests_needs_check_quorum(name: str) -> None:
    """The one that hears the old leader keeps the other two from electing a new one."""
    scenario = SCENARIOS[name]
    policy = replace(scenario.policy, check_quorum=False)
    found = figures(replace(scenario, policy=policy, length=11 * SECOND))  # up to the cut's end
    assert (found["leaders"], found["gap"]) == (0, 10 * SECOND / MS - 20)
    assert figures(scenario)["leaders"] >= 1


# Pre-vote


def test_behind_a_partial_partition_pre_vote_keeps_the_leader() -> None:
    bare = [figures(SCENARIOS["partial-partition-bare"], seed)["leaders"] for seed in (0, 2)]
    assert min(bare) >= 1
    assert max(bare) >= 4
    found = figures(SCENARIOS["partial-partition"], seed=2)
    assert (found["leaders"], found["unserved"]) == (0, 0)


@pytest.mark.parametrize(
    ("policy", "deposes"),
    [
        (Policy(), True),
        (Policy(check_quorum=True, drop_disruptive=True), True),
        (Policy(pre_vote=True), False),
        (CAREFUL, False),
    ],
)
def test_who_was_alone_deposes_nobody_with_pre_vote(policy: Policy, deposes: bool) -> None:
    found = figures(replace(SCENARIOS["isolated"], policy=policy))
    assert (found["leaders"] > 0) == deposes


FALLEN_BEHIND = Scenario(
    "fallen-behind",
    "of two that are left the one with the last entry is a term behind the other",
    "canonical/raft#279",
    8 * SECOND,
    link=Link(MS),
    timeout=TIMEOUT,
    policy=Policy(pre_vote=True),
    planned=(
        Cut(alone(1, 3), SECOND, SECOND + 150 * MS),
        Elect(1, SECOND + 10 * MS),
        Propose(SECOND + 20 * MS, 1),
        Down(0, SECOND + 100 * MS),
    ),
    begin=SECOND + 100 * MS,
    until_led=True,
)


class Deaf(Driver):
    """Does not heed the terms that it is told."""

    def _count(self, answer: PreVoteAnswer) -> None:
        super()._count(replace(answer, term=0))


@pytest.mark.parametrize("seed", range(5))
def test_a_pre_vote_is_asked_for_a_term_that_is_new_to_all(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else two live servers of three, which reach each other, may have no leader for ever: one may
    not win for its log, and the other is told no for its term.
    """
    led = TimedCluster(FALLEN_BEHIND, LibrarySubject(), seed).run().led_after_begin
    assert led is not None
    assert led <= 4 * TIMEOUT[1]
    monkeypatch.setattr(server, "Driver", Deaf)
    assert TimedCluster(FALLEN_BEHIND, LibrarySubject(), seed).run().led_after_begin is None


# Transfer of leadership


def test_a_transfer_to_who_does_not_answer_is_given_up() -> None:
    """After an election timeout; meanwhile commands are refused, and none is lost later."""
    scenario = SCENARIOS["transfer"]
    assert scenario.load is not None
    load = replace(scenario.load, end=2 * SECOND)
    cut = Cut(alone(1, 3), SECOND - MS, 2 * SECOND)
    given_up = replace(scenario, load=load, planned=(cut, *scenario.planned), length=2 * SECOND)
    found = figures(given_up)
    assert found["leaders"] == 0
    assert TIMEOUT[0] / MS <= found["unserved"] <= TIMEOUT[0] / MS + 50  # one a millisecond


def test_a_transfer_whose_last_message_is_lost_is_told_again() -> None:
    """With the next heartbeat, and takes a round trip and a half from then on."""
    scenario = SCENARIOS["transfer"]
    cut = Cut(frozenset({(0, 1)}), SECOND - MS, SECOND + 2 * MS)
    found = figures(replace(scenario, planned=(cut, *scenario.planned)))
    assert (found["leaders"], found["waiting"]) == (1, 0)
    assert 1.5 < found["away"] <= (scenario.heartbeat + 30 * MS) / scenario.round_trip


def test_without_its_mark_a_transfer_is_dropped_as_disruptive() -> None:
    mark = "RequestVoteCall(header, self._log.last_position, transfer)"
    with patched_library(Patch("rules", mark, mark.replace("transfer", "False"))) as broken:
        subject = partial(LibrarySubject, broken)
        found = figures(SCENARIOS["transfer"], 0, subject)
        unheeding = replace(SCENARIOS["transfer"], policy=Policy())
        assert figures(unheeding, 0, subject)["leaders"] == 1
    assert found["leaders"] == 0


def test_a_target_that_lacks_entries_is_brought_them_first() -> None:
    """It takes what its link needs, and wins then: its log is behind nobody's."""
    scenario = SCENARIOS["transfer"]
    planned = (
        Cut(alone(1, 3), 500 * MS, 900 * MS),
        Propose(600 * MS, 200),
        Transfer(1, 901 * MS),
    )
    cluster = TimedCluster(replace(scenario, planned=planned, begin=900 * MS), LibrarySubject())
    found = cluster.run().table(scenario.length)
    assert [node for _, _, node in cluster.figures.leaders] == [0, 1]
    assert found["waiting"] == 0
    assert cluster.problems == []


# Changes of membership


def test_a_vote_at_once_stops_all_until_the_newcomer_has_caught_up() -> None:
    patient, hasty = (figures(SCENARIOS[name]) for name in ("promotion", "promotion-hasty"))
    assert hasty["gap"] > 50 * patient["gap"]
    assert patient["changed"] < 1.1 * hasty["changed"]


def test_a_newcomer_gets_its_vote() -> None:
    cluster = TimedCluster(SCENARIOS["promotion"], LibrarySubject())
    cluster.run()
    assert cluster.servers[0].state.config == v.Config(frozenset(range(4)))
    assert cluster.servers[3].state.commit_index > 5_000


class Hasty(LibrarySubject):
    """Takes a change for complete when the entry that was proposed is committed."""

    def answer(self, node: v.NodeId, asked: Asked) -> object:
        if asked.question.name == "get_change_status":
            asked = Asked(BY_NAME["get_commit_status"], asked.argument)
        return super().answer(node, asked)


def test_who_is_switched_off_when_the_joint_configuration_is_committed_is_missed() -> None:
    """For ever: the one that is left does not know that it needs no other vote."""
    scenario = SCENARIOS["removal"]
    right, wrong = figures(scenario), figures(scenario, 0, Hasty)
    assert wrong["changed"] < right["changed"]
    assert (right["leaders"], wrong["leaders"]) == (1, 0)
    assert wrong["gap"] > 1.5 * LATE
