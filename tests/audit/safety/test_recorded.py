"""The safety audit on recordings of the original crate, and on simulated ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from random import Random

import pytest

from conformance.audit.safety.audit import CHECKS, SafetyAudit
from conformance.audit.safety.messages import NOT_COVERED
from conformance.observe.finding import Problem
from conformance.observe.recorded import Recorded, Recorder
from conformance.simulation.episode import first_finding
from conformance.simulation.run import Run
from conformance.simulation.simulate import Schedule
from conformance.trace.files import read
from conformance.trace.records import records
from tests.support.recordings import by_node, crate, shuffled


@dataclass(frozen=True)
class Audited:
    problems: list[Problem]
    checked: dict[str, int]
    unjudged: dict[str, dict[str, int]]


def audited(recording: Iterable[Recorded]) -> Audited:
    audit = SafetyAudit()
    for record in recording:
        audit.add(record)
    return Audited(audit.finish(), audit.checked, audit.unjudged)


@cache
def recorded(name: str) -> list[Recorded]:
    with read(crate(name)) as reader:
        return list(records(reader))


@cache
def simulated(episode: int) -> list[Recorded]:
    """What the specification does, without the messages that the simulator makes up."""
    schedule, recorder = Schedule(5, episode).honest(), Recorder()
    assert first_finding(schedule, Run(schedule.profile.nodes, recorder=recorder)) is None
    return recorder.records


EPISODES = range(12)

# The crate's departures: D1, an election by the index alone, and what it does to the committed
# entries; D3, a vote that a removed leader forgets.
CRATE = {
    "crate-3n-double-vote.jsonl": [("VoteOncePerTerm", 0, 17)],  # D3
    "crate-3n-lost-commit.jsonl": [
        ("CommittedEntriesStay", 2, 15),  # D1
        ("LeaderCompleteness", 0, 18),  # D1
        ("StateMachineSafety", 2, 16),  # D1
        ("VoteForUpToDateLog", 2, 13),  # D1
    ],
    "crate-3n-lost-commit-random.jsonl.gz": [
        ("LeaderCompleteness", 0, 72),  # D1
        ("StateMachineSafety", 0, 86),  # D1
        ("VoteForUpToDateLog", 1, 94),  # D1
    ],
    "crate-3n-quiet.jsonl.gz": [],
    "crate-3n-restarts.jsonl.gz": [],
    "crate-5n-lossy.jsonl.gz": [],
    "crate-5n-members.jsonl.gz": [  # D3
        ("VoteKeptInTerm", 0, 930),
        ("VoteKeptInTerm", 3, 642),
        ("VoteKeptInTerm", 4, 1861),
    ],
}


@pytest.mark.parametrize("name", CRATE)
def test_the_crates_traces(name: str) -> None:
    result = audited(recorded(name))
    assert [(found.property, found.node, found.seq) for found in result.problems] == CRATE[name]
    assert result.checked["StateMachineSafety"] > 0
    assert result.checked["LogMatching"] > 0
    assert result.checked["EveryMessageWasSent"] > 0


@pytest.mark.parametrize(
    ("name", "index"),
    [("crate-3n-lost-commit.jsonl", 3), ("crate-3n-lost-commit-random.jsonl.gz", 6)],
)
def test_the_index_where_a_committed_entry_is_lost(name: str, index: int) -> None:
    problems = audited(recorded(name)).problems
    details = [one.detail for one in problems if one.property == "StateMachineSafety"]
    assert len(details) == 1
    assert details[0].startswith(f"index {index}: ")


def test_the_second_vote_answers_a_message_that_nobody_recorded_sending() -> None:
    """Node 2's recording ends before it numbered a call 77, so that is not judged, but counted."""
    unjudged = audited(recorded("crate-3n-double-vote.jsonl")).unjudged
    assert unjudged == {"EveryMessageWasSent": {NOT_COVERED: 1}}


@pytest.mark.parametrize("name", CRATE)
def test_the_order_of_different_nodes_does_not_matter(name: str) -> None:
    recording = recorded(name)
    assert audited(shuffled(recording, Random(name))) == audited(recording)


@pytest.mark.parametrize("name", CRATE)
def test_one_node_after_another(name: str) -> None:
    recording = recorded(name)
    nodes = by_node(recording)
    backwards = [record for node in sorted(nodes, reverse=True) for record in nodes[node]]
    assert audited(backwards) == audited(recording)


@pytest.mark.parametrize("episode", EPISODES)
def test_what_the_specification_does_conforms(episode: int) -> None:
    """With pipelining, crashes within drains, lost and shortened messages, snapshots, members."""
    recording = simulated(episode)
    result = audited(recording)
    assert result.problems == []
    assert audited(shuffled(recording, Random(episode))) == result


def test_the_simulated_recordings_come_by_every_check() -> None:
    checked: Counter[str] = Counter()
    for episode in EPISODES:
        checked.update(audited(simulated(episode)).checked)
    assert [name for name in CHECKS if not checked[name]] == []


@pytest.mark.parametrize("episode", EPISODES)
def test_a_recording_may_end_anywhere(episode: int) -> None:
    recording = simulated(episode)
    random = Random(episode)
    for _ in range(5):
        assert audited(recording[: random.randint(0, len(recording))]).problems == []


@pytest.mark.parametrize("episode", EPISODES)
def test_every_recording_may_end_at_its_own_time(episode: int) -> None:
    random = Random(episode)
    nodes = by_node(simulated(episode))
    for _ in range(5):
        audit = SafetyAudit(complete=False)
        for own in nodes.values():
            for record in own[: random.randint(0, len(own))]:
                audit.add(record)
        assert audit.finish() == []


@pytest.mark.parametrize("episode", EPISODES)
def test_some_nodes_may_have_no_recording(episode: int) -> None:
    recording = simulated(episode)
    for missing in by_node(recording):
        assert audited(record for record in recording if record.node != missing).problems == []
