"""Recordings that begin in the middle, as a rotated log does: what counts may stand before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from conformance.audit.run import audit
from tests.importers import stories
from tests.importers.stories import STORIES, write

CANDIDATE: dict[str, Any] = {"vote": "1", "role": "Candidate"}
LEAD: dict[str, Any] = {"vote": "1", "role": "Leader"}
AT_FIRST = "the recording begins with it"
BEFORE = "it may have been sent before its sender's recording begins"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "recording.ndjson"


@pytest.mark.parametrize("name", STORIES)
def test_a_healthy_one_may_begin_anywhere(name: str, path: Path) -> None:
    lines = STORIES[name]()
    for first in range(1, len(lines)):
        report = audit([write(path, lines[first:])])
        assert report.problems == [], first
        assert report.verdict in ("conforms", "inconclusive")


def test_votes_and_acknowledgements_may_have_come_before(path: Path) -> None:
    lines = [
        stories.etcd_line("Ready", "1", 1, **CANDIDATE),
        stories.etcd_line("BecomeLeader", "1", 1, **LEAD),
        stories.etcd_line("Commit", "1", 1, commit=3, log=3, **LEAD),
        stories.etcd_line("Ready", "2", 1, log=3),
        stories.etcd_line("Ready", "2", 1, log=3, commit=3),
    ]
    report = audit([write(path, lines)])
    assert report.problems == []
    assert report.unjudged["ElectedByQuorum"] == {AT_FIRST: 1}
    assert report.unjudged["CommittedOnQuorum"][AT_FIRST] >= 2


def test_of_a_term_that_begins_in_the_recording_all_is_there(path: Path) -> None:
    lines = [
        stories.etcd_line("Ready", "1", 1),
        stories.etcd_line("BecomeCandidate", "1", 2, **CANDIDATE),
        stories.etcd_line("BecomeLeader", "1", 2, **LEAD),
        stories.etcd_line("Commit", "1", 2, commit=3, log=3, **LEAD),
        stories.etcd_line("Ready", "2", 1),
        stories.etcd_line("Ready", "2", 2, log=3, commit=3),
    ]
    report = audit([write(path, lines)])
    found = sorted((problem.property, problem.node) for problem in report.problems)
    assert found == [("CommittedOnQuorum", 1), ("CommittedOnQuorum", 2), ("ElectedByQuorum", 1)]


@pytest.mark.parametrize("commit", [0, 2])
def test_who_comes_up_with_something_committed_has_lived_before(path: Path, commit: int) -> None:
    call = stories.etcd_message("MsgApp", "1", "2", term=4, index=2, logTerm=1)
    lines = [
        stories.etcd_line("InitState", "1", 5, commit=commit),
        stories.etcd_line("InitState", "2", 0),
        stories.etcd_line("ReceiveAppendEntriesRequest", "2", 4, msg=call),
    ]
    report = audit([write(path, lines)])
    missing = [problem for problem in report.problems if problem.property == "EveryMessageWasSent"]
    assert len(missing) == (0 if commit else 1)
    if commit:
        assert report.unjudged["EveryMessageWasSent"] == {BEFORE: 1}


def test_hashicorps_servers_begin_with_the_line_that_names_them(path: Path) -> None:
    """Its first events show the state after them: a candidate, of whom no vote came before."""
    lines = [line for line in stories.hashicorp() if not grants(line)]
    report = audit([write(path, lines)])
    assert "ElectedByQuorum" in {problem.property for problem in report.problems}


def grants(line: dict[str, Any]) -> bool:
    event = line.get("event", {})
    own = event.get("msg", {}).get("from") == event.get("nid")
    return event.get("name") == "HandleRequestVoteResponse" and not own


@pytest.mark.parametrize("name", ["etcd", "ccf"])
def test_files_put_together_may_end_apart(name: str, path: Path) -> None:
    """A file that tells of one node after another is taken for the nodes' own files."""
    lines, own = STORIES[name](), dict[str, list[dict[str, Any]]]()
    for line in lines:
        node = line["event"]["nid"] if "event" in line else line["msg"]["state"]["node_id"]
        own.setdefault(node, []).append(line)
    for node, told in own.items():
        for kept in range(1, len(told)):
            cut = own | {node: told[:kept]}
            report = audit([write(path, [line for part in cut.values() for line in part])])
            assert report.problems == [], (node, kept)
