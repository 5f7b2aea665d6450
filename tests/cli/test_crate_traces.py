"""What the audit has to say about recordings of the original crate, by the command line."""

from __future__ import annotations

import pytest

from tests.cli.helpers import run
from tests.support.recordings import crate

HARMLESS = [
    "crate-3n-quiet.jsonl.gz",
    "crate-5n-lossy.jsonl.gz",
    "crate-3n-restarts.jsonl.gz",
    "crate-5n-members.jsonl.gz",
]


@pytest.mark.parametrize("name", HARMLESS)
def test_no_committed_entry_was_lost(name: str) -> None:
    ran = run("audit", "--json", crate(name))
    report = ran.json
    assert report["files"][0]["level"] == "safety"
    assert report["events"] > 5000
    found = {violation["property"] for violation in report["violations"]}
    assert not found & {"ElectionSafety", "StateMachineSafety", "LogMatching"}
    assert (ran.code, report["verdict"]) == ((1, "violation") if found else (0, "conforms"))


@pytest.mark.parametrize(
    ("name", "index"),
    [("crate-3n-lost-commit.jsonl", 3), ("crate-3n-lost-commit-random.jsonl.gz", 6)],
)
def test_a_committed_entry_was_lost(name: str, index: int) -> None:
    ran = run("audit", "--json", crate(name))
    assert (ran.code, ran.json["verdict"]) == (1, "violation")
    found = [one for one in ran.json["violations"] if one["property"] == "StateMachineSafety"]
    assert len(found) == 1
    assert found[0]["detail"].startswith(f"index {index}: ")


def test_a_node_voted_twice() -> None:
    ran = run("audit", "--json", crate("crate-3n-double-vote.jsonl"))
    assert ran.code == 1
    found = [(one["property"], one["node"], one["seq"]) for one in ran.json["violations"]]
    assert found == [("VoteOncePerTerm", 0, 17)]


@pytest.mark.parametrize(
    ("name", "node", "seq", "what"),
    [
        ("crate-3n-restarts.jsonl.gz", 1, 2, "SaveVotedFor(voted_for 0)"),
        ("crate-5n-lossy.jsonl.gz", 3, 4, "accepted False"),
        ("crate-5n-members.jsonl.gz", 1, 3, "accepted False"),
        ("crate-3n-quiet.jsonl.gz", 1, 5, "accepted False"),
    ],
)
def test_the_first_departure(name: str, node: int, seq: int, what: str) -> None:
    """Its replies do not say whether they accept, and each recording has one that refuses."""
    ran = run("audit", "--level", "exact", "--json", crate(name))
    assert (ran.code, ran.json["verdict"]) == (1, "violation")
    assert ran.json["files"][0]["level"] == "exact"
    first = ran.json["violations"][0]
    assert (first["node"], first["seq"]) == (node, seq)
    assert what in first["detail"]


@pytest.mark.parametrize("level", [(), ("--level", "safety")])
def test_another_projects_format(level: tuple[str, ...]) -> None:
    """The example that etcd-io/raft keeps beside its TLA+ specification."""
    ran = run("audit", *level, "--json", crate("etcd-example.ndjson.gz"))
    assert (ran.code, ran.json["verdict"]) == (0, "conforms")
    assert ran.json["files"][0]["events"] == 4888
    compared = ran.json["checked"]
    for name in ("ElectedByQuorum", "CommittedOnQuorum", "VoteOncePerTerm", "CommittedEntriesStay"):
        assert compared[f"safety {name}"] > 0, name


def test_another_projects_format_is_not_judged_exactly() -> None:
    ran = run("audit", "--level", "exact", "--json", crate("etcd-example.ndjson.gz"))
    assert (ran.code, ran.json["verdict"]) == (2, "bad_input")
    assert "expected a trace with actions, for the exact level" in ran.json["files"][0]["error"]
