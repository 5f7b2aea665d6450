"""Recordings of real systems, by their raw files and converted: their right verdicts."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.audit.run import audit
from conformance.importers.convert import convert
from tests.importers.table import counted
from tests.support.recordings import foreign

CONFORM = (
    "ccf-refused-votes-unrecorded.ndjson.gz",
    "ccf-replicate-state-after.ndjson",
    "ccf-unsigned-suffix-dropped.ndjson.gz",
    "etcd-async-writes-aba.ndjson.gz",
    "etcd-basic-election.ndjson",
    "etcd-candidate-to-follower.ndjson",
    "etcd-leader-outside-configuration.ndjson",
    "etcd-read-index.ndjson",
    "etcd-server-prevote-learners.ndjson.gz",
    "etcd-snapshot-as-entries.ndjson",
    "hashicorp-vote-forgotten-by-recorder.ndjson",
)
VIOLATE = {
    "ccf-committed-rolled-back.ndjson.gz": "CommittedEntriesStay",
    "etcd-commit-without-quorum.ndjson": "CommittedOnQuorum",
    "etcd-second-vote.ndjson": "VoteOncePerTerm",
}


@pytest.mark.parametrize("name", CONFORM)
def test_a_healthy_one_conforms(name: str, tmp_path: Path) -> None:
    raw = audit([foreign(name)])
    assert raw.problems == []
    assert raw.verdict == "conforms"
    converted = tmp_path / "trace.jsonl.gz"
    convert([foreign(name)], converted)
    assert audit([converted]).checked == raw.checked


@pytest.mark.parametrize("name", VIOLATE)
def test_an_edited_one_does_not(name: str, tmp_path: Path) -> None:
    raw = audit([foreign(name)])
    assert raw.verdict == "violation"
    assert VIOLATE[name] in {problem.property for problem in raw.problems}
    converted = tmp_path / "trace.jsonl.gz"
    convert([foreign(name)], converted)
    assert audit([converted]).problems == raw.problems


COMPARED = frozenset(
    [
        "CommitMonotonic",
        "CommittedEntriesStay",
        "CommittedOnQuorum",
        "ElectedByQuorum",
        "ElectionSafety",
        "EveryMessageWasSent",
        "LeaderAppendOnly",
        "LeaderCompleteness",
        "LogMatching",
        "NeverCommitEarlierTermDirectly",
        "SnapshotWithinCommit",
        "StateMachineSafety",
        "TermMonotonic",
        "TermNotBelowLog",
        "TermPersistedBeforeMessage",
        "VoteOncePerTerm",
    ]
)
"""What every one of them has evidence of."""
NOT_DURABLE = frozenset({"EntriesPersistedBeforeReply", "VotePersistedBeforeReply"})
OPEN = {
    "ccf": {"EveryMessageWasSent", "VoteForUpToDateLog"},
    "etcd": {"ChangeAfterCommitInTerm", "CommittedOnQuorum", "TermNotBelowLog"}
    | {"VoteForUpToDateLog"},
    "hashicorp": {"EveryMessageWasSent"},
}
"""Of what else some have too little."""


@pytest.mark.parametrize("name", CONFORM)
def test_what_is_compared_and_what_is_left_open(name: str) -> None:
    counts = counted(audit([foreign(name)]))
    assert {one for one, (made, _) in counts.items() if made} >= COMPARED
    left = {one for one, (_, left) in counts.items() if left}
    assert NOT_DURABLE <= left <= NOT_DURABLE | OPEN[name.split("-")[0]]


def test_three_entries_at_one_index_by_states_alone() -> None:
    report = audit([foreign("three-committed-entries-at-one-index.jsonl")])
    assert report.verdict == "violation"
    named = {problem.property for problem in report.problems}
    assert {"StateMachineSafety", "CommittedEntriesStay"} <= named
