"""Linearizable reads: what they cost, and that none is stale whatever happens."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import partial

import pytest

from conformance.network.clock import MILLISECOND as MS
from conformance.network.clock import SECOND
from conformance.network.cluster import TimedCluster
from conformance.network.reads import ReadingClient, Reads
from conformance.network.run import measure
from conformance.network.scenario import Cut, Elect, Load, Scenario, alone
from conformance.network.scenarios import SCENARIOS
from conformance.subjects.library import LibrarySubject
from conformance.subjects.patched import patched_library
from conformance.subjects.subject import SpecSubject
from spec import values as v
from tests.network.brief import BRIEF
from tests.network.read_bugs import READ_BUGS

STORM = SCENARIOS["storm"]


def ran(scenario: Scenario, seed: int = 0) -> TimedCluster:
    cluster = TimedCluster(scenario, LibrarySubject(), seed)
    cluster.run()
    assert cluster.problems == []
    return cluster


@pytest.mark.parametrize("name", ["reads", "reads-only", "reads-seldom", "reads-lossy"])
def test_reads_keep_their_bounds(name: str) -> None:
    measured = measure(SCENARIOS[name])
    assert measured.verdict == "conforms"
    assert measured.figures["read_latency"] >= 1.0  # nobody confirms in less than a round trip


def test_beside_commands_reads_cost_no_message() -> None:
    """The leader calls all others anyway; and the answers to those calls confirm all reads."""
    sent = []
    for reads in (SCENARIOS["reads"].reads, None):
        cluster = ran(replace(SCENARIOS["reads"], reads=reads))
        sent.append([follower.calls for follower in cluster.figures.followers.values()])
    assert sent[0] == sent[1]
    assert sum(sent[0]) > 2000


def test_the_more_reads_the_fewer_messages_for_each() -> None:
    found = []
    for count in (1, 10, 100):
        load = Load(MS, SECOND, SECOND + 200 * MS, (count,))
        scenario = replace(SCENARIOS["reads-only"], reads=load, length=SECOND + 400 * MS)
        found.append(ran(scenario).figures.table(scenario.length)["read_messages"])
    assert found == pytest.approx([found[0], found[0] / 10, found[0] / 100])
    assert 0 < found[0] < 0.3


def test_one_node_alone_serves_at_once() -> None:
    scenario = replace(BRIEF, nodes=1, load=None, reads=Load(5 * MS, 100 * MS, 200 * MS))
    found = ran(scenario).figures.table(scenario.length)
    assert (found["read_latency_99"], found["reads_unserved"]) == (0, 0)


def test_a_new_leader_lets_reads_wait_until_it_knows_what_is_committed() -> None:
    """It commits an entry of its own term first: two round trips of 2 ms after the election."""
    reads = Load(MS, 150 * MS, 160 * MS)
    scenario = replace(BRIEF, load=None, reads=reads, planned=(Elect(2, 150 * MS),))
    cluster = ran(scenario)
    (led,) = [at for at, _, node in cluster.figures.leaders if node == 2]
    latencies = cluster.reads.latencies
    assert led == 152 * MS
    assert max(latencies) == 4 * MS
    assert latencies[-1] <= 3 * MS


def test_a_leader_that_was_cut_off_serves_nothing() -> None:
    """It takes reads for as long as it does not know better; none is ever confirmed."""
    reads = Load(5 * MS, 110 * MS, 190 * MS)
    scenario = replace(BRIEF, reads=reads, planned=(Cut(alone(0, 3), 105 * MS, 10 * SECOND),))
    cluster = ran(scenario)
    assert cluster.reads.came == 16
    assert cluster.reads.latencies == []


class AnyServer:
    node, seq, now = 1, 7, 250


def test_a_read_is_stale_that_did_not_see_what_was_committed_before_it_was_taken() -> None:
    reads = Reads(begin=0)
    reads.shown(5)
    for index in (5, 4):
        client = ReadingClient(reads, AnyServer())
        client.taken(v.ReadIndex(2, 9, index))
        reads.shown(6)  # committed meanwhile: no read that was taken before has to see it
        client.served()
        reads.committed = 5
    (problem,) = reads.stale
    assert (problem.property, problem.node, problem.seq) == ("ReadIndexSafe", 1, 7)
    assert problem.detail == (
        "a read of term 2 and call 9 is served at index 4: index 5 was committed when it was taken"
    )


# All faults together


@pytest.mark.parametrize("seed", range(4))
def test_no_read_in_a_storm_is_stale(seed: int) -> None:
    cluster = ran(STORM, seed)
    assert len(cluster.reads.latencies) > 500


def test_specification_and_library_answer_alike_in_a_storm() -> None:
    tables = []
    for subject in (SpecSubject(), LibrarySubject()):
        cluster = TimedCluster(replace(STORM, length=2 * SECOND), subject, seed=3)
        tables.append((cluster.run().table(STORM.length), cluster.reads.latencies))
        assert cluster.problems == []
    assert tables[0] == tables[1]


def test_a_storm_has_everything_in_it() -> None:
    seen: Counter[str] = Counter()
    for seed in range(4):
        cluster = TimedCluster(
            STORM,
            LibrarySubject(),
            seed,
            lambda time, node, what: seen.update([type(what).__name__]),
        )
        cluster.run()
        seen["lives"] += sum(server.life for server in cluster.servers)
    assert seen["lives"] > 20
    assert (
        not {
            "StepDown",
            "TransferLeadership",
            "CancelTransfer",
            "TimeOutNow",
            "TimeoutNow",
            "ProposeConfig",
            "PreVote",
            "PreVoteAnswer",
            "SnapshotInstalled",
            "InstallSnapshot",
            "Heartbeat",
        }
        - seen.keys()
    )


FOUND = {
    "a reply of an earlier term confirms": 7,
    "a number of an earlier life confirms": 54,
    "a non-voter's reply confirms": 6,
    "the new voters of a joint configuration confirm": 7,
    "a read without an entry of the own term": 1,
    "the number of a call that was made already": 0,
}
"""Of the storms from seed 0 on, the first in which a read is stale."""


@pytest.mark.parametrize("bug", READ_BUGS)
def test_a_stale_read_is_found(bug: str) -> None:
    with patched_library(READ_BUGS[bug]) as broken:
        cluster = TimedCluster(STORM, LibrarySubject(broken), FOUND[bug])
        cluster.run()
    found = {problem.property for problem in cluster.problems}
    # Where a leader counts wrongly, its recording shows that, too.
    assert {"ReadIndexSafe"} <= found <= {"ReadIndexSafe", "ConfirmedByQuorum"}
    ran(STORM, FOUND[bug])


def test_what_led_to_a_stale_read_is_told() -> None:
    bug = "a read without an entry of the own term"
    with patched_library(READ_BUGS[bug]) as broken:
        measured = measure(STORM, FOUND[bug], partial(LibrarySubject, broken))
    (excess,) = measured.excesses
    assert (measured.verdict, excess.bound.figure) == ("violation", "reads_stale")
    assert excess.at is not None
    assert measured.problems[0].detail.endswith("was committed when it was taken")
