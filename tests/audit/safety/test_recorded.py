"""The safety audit on recordings of the original crate, and on simulated ones."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random

import pytest

from conformance.audit.safety.audit import CHECKS, SafetyAudit
from conformance.audit.safety.messages import NOT_COVERED
from conformance.observe.recorded import Recorded
from spec import values as v
from tests.audit.safety.recorded import EPISODES, audited, recorded, simulated
from tests.support import single_step
from tests.support.recordings import by_node, shuffled

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


@pytest.mark.parametrize("episode", EPISODES)
def test_changes_of_one_voter_at_a_time_conform(episode: int) -> None:
    """Proposed as joint configurations, or as what they come to."""
    recording = single_step.simulated(episode)
    result = audited(recording)
    assert result.problems == []
    named = [
        replace(record, event=v.ProposeConfig(record.state.config))
        if isinstance(record.event, v.ProposeConfig) and isinstance(record.outcome, v.Position)
        else record
        for record in recording
    ]
    assert audited(named).problems == []
    assert audited(shuffled(recording, Random(episode))) == result


def test_the_simulated_recordings_come_by_every_check() -> None:
    checked: Counter[str] = Counter()
    for episode in EPISODES:
        checked.update(audited(simulated(episode)).checked)
        checked.update(audited(single_step.simulated(episode)).checked)
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


def stands_in(record: Recorded) -> Recorded:
    """A recorder that shows states alone tells of some event that changed nothing."""
    if isinstance(record.event, v.Receive):
        return replace(record, event=v.Heartbeat(), outcome=False)
    return record


@pytest.mark.parametrize("episode", EPISODES)
@pytest.mark.parametrize("nodes", ["some", "all"])
def test_what_is_withheld_condemns_nobody(nodes: str, episode: int) -> None:
    """Actions or receipts of some nodes, or of all; each recording ends at its own time."""
    random = Random(episode)
    own = by_node(simulated(episode))
    silent = set(own) if nodes == "all" else {node for node in own if random.random() < 0.5}
    for withhold in (stands_in, lambda record: replace(record, actions=None)):
        audit = SafetyAudit(complete=False)
        for node, records in own.items():
            for record in records[: random.randint(0, len(records))]:
                audit.add(withhold(record) if node in silent else record)
        assert audit.finish() == []


@pytest.mark.parametrize("episode", EPISODES)
def test_the_last_record_before_a_restart_may_be_lost(episode: int) -> None:
    recording = simulated(episode)
    lost: set[tuple[v.NodeId, int]] = {
        (record.node, record.seq - 1)
        for record in recording
        if isinstance(record.event, v.Restart) and record.seq > 2
    }
    kept = [record for record in recording if (record.node, record.seq) not in lost]
    assert audited(kept, complete=False).problems == []
