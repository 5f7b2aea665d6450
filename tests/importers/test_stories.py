"""Small recordings in each foreign format: what is read from them, and what is found in them."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conformance.audit.run import AuditReport, audit
from conformance.importers.recording import IMPORTERS, Recording
from conformance.observe.verdicts import Format
from tests.cli.helpers import run
from tests.importers import stories
from tests.importers.stories import STORIES, write

Lines = list[dict[str, Any]]
every_format = pytest.mark.parametrize("name", STORIES)


def judged(path: Path, lines: Lines) -> AuditReport:
    return audit([write(path, lines)])


def properties(report: AuditReport) -> set[str]:
    return {problem.property for problem in report.problems}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "recording.ndjson"


@every_format
def test_a_healthy_one_conforms(name: str, path: Path) -> None:
    report = judged(path, STORIES[name]())
    assert report.problems == []
    assert report.verdict == "conforms"
    for prop in ("ElectedByQuorum", "CommittedOnQuorum", "StateMachineSafety", "LogMatching"):
        assert report.checked[f"safety {prop}"] > 0, prop


@every_format
def test_what_is_not_noted_is_said(name: str, path: Path) -> None:
    report = judged(path, STORIES[name]())
    assert "what is durable is not noted" in report.unjudged["EntriesPersistedBeforeReply"]


@every_format
def test_it_is_told_apart_by_its_first_line(name: str, path: Path) -> None:
    lines = STORIES[name]()
    form = name.split(",")[0]
    with Recording(write(path, lines)) as recording:
        assert recording.capabilities is not None
        assert type(recording._importer) is IMPORTERS[form]
    others: set[Format] = {"etcd", "ccf", "hashicorp"}
    for other in others - {form}:
        report = audit([path], form=other)
        assert report.verdict == "bad_input"
        assert f"expected one of {other}" in str(report.files[0].error)
    assert audit([path], form="raftbare").verdict == "bad_input"


@every_format
def test_a_compressed_one_is_read(name: str, path: Path) -> None:
    packed = path.with_suffix(".gz")
    packed.write_bytes(gzip.compress(write(path, STORIES[name]()).read_bytes()))
    assert audit([packed]).verdict == "conforms"


@every_format
def test_converted_it_gets_the_same_verdict(name: str, path: Path) -> None:
    trace = path.with_name("trace.jsonl.gz")
    for lines in (STORIES[name](), FAULTS["votes refused", name](STORIES[name]())):
        write(path, lines)
        assert run("convert", path, "-o", trace).code == 0
        raw, converted = audit([path]), audit([trace])
        assert raw.problems == converted.problems
        assert raw.checked == converted.checked
        assert raw.unjudged == converted.unjudged
        assert raw.verdict == converted.verdict
        assert raw.files[0].names == converted.files[0].names


@every_format
def test_a_cut_last_line_keeps_the_verdict_on_the_rest(name: str, path: Path) -> None:
    whole = write(path, STORIES[name]()).read_bytes()
    path.write_bytes(whole[:-20])
    report = audit([path])
    assert report.verdict == "inconclusive"
    assert "the last line is cut off" in str(report.files[0].error)


def of(line: dict[str, Any]) -> str:
    """The event's name."""
    event = line.get("event") or line.get("msg", {})
    return str(event.get("name") or event.get("function") or event.get("event", {}).get("function"))


def owner(line: dict[str, Any]) -> str:
    """The event's node."""
    return str(line["event"]["nid"] if "event" in line else line["msg"]["state"]["node_id"])


def without(*names: str) -> Callable[[Lines], Lines]:
    return lambda lines: [line for line in lines if of(line) not in names]


def changed(name: str, change: Callable[[dict[str, Any]], None]) -> Callable[[Lines], Lines]:
    def edit(lines: Lines) -> Lines:
        copy: Lines = json.loads(json.dumps(lines))
        for line in copy:
            if of(line) == name:
                change(line)
        return copy

    return edit


def in_place(*keys: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(line: dict[str, Any]) -> None:
        at: dict[str, Any] = line
        for key in keys[:-1]:
            at = at[key]
        at[keys[-1]] = value

    return change


FAULTS: dict[tuple[str, str], Callable[[Lines], Lines]] = {
    ("votes refused", "etcd"): changed(
        "ReceiveRequestVoteResponse", in_place("event", "msg", "reject", value=True)
    ),
    ("votes refused", "ccf"): changed(
        "recv_request_vote_response", in_place("msg", "packet", "vote_granted", value=False)
    ),
    ("votes refused", "ccf, later"): changed(
        "recv_request_vote_response", in_place("msg", "packet", "vote_granted", value=False)
    ),
    ("votes refused", "ccf, older"): changed(
        "recv_request_vote_response", in_place("msg", "paket", "vote_granted", value=False)
    ),
    ("votes refused", "hashicorp"): changed(
        "HandleRequestVoteResponse", in_place("event", "msg", "voteGranted", value=False)
    ),
    ("no votes", "etcd"): without("ReceiveRequestVoteResponse", "SendRequestVoteResponse"),
    ("no votes", "ccf"): without("recv_request_vote_response"),
    ("no votes", "hashicorp"): without("HandleRequestVoteResponse"),
    ("no acknowledgement", "etcd"): without("ReceiveAppendEntriesResponse"),
    ("no acknowledgement", "ccf"): without("recv_append_entries_response"),
    ("no acknowledgement", "hashicorp"): without("HandleReplicateResponse"),
    ("later term", "etcd"): changed(
        "SendAppendEntriesRequest", in_place("event", "msg", "logTerm", value=7)
    ),
    ("later term", "ccf"): changed(
        "send_append_entries", in_place("msg", "packet", "term_of_idx", value=7)
    ),
    ("later term", "hashicorp"): changed(
        "AdvanceCommitIndex", in_place("event", "state", "lastLogTerm", value=7)
    ),
    ("rolled back", "etcd"): lambda lines: [
        *lines,
        stories.etcd_line("Ready", "2", 1, vote="1", commit=3, log=2),
    ],
    ("rolled back", "ccf"): lambda lines: [
        *lines,
        stories.ccf_line("become_follower", "2", 2, last=0, commit=1),
    ],
    ("rolled back", "hashicorp"): lambda lines: [
        *lines,
        stories.hashicorp_line("BecomeCandidate", "b", commit=2, role="Candidate", term=3),
    ],
}
EXPECTED = {
    "votes refused": "ElectedByQuorum",
    "no votes": "ElectedByQuorum",
    "no acknowledgement": "CommittedOnQuorum",
    "later term": "TermNotBelowLog",
    "rolled back": "CommittedEntriesStay",
}


@pytest.mark.parametrize(("fault", "name"), FAULTS)
def test_a_fault_is_found_in_its_raw_file(fault: str, name: str, path: Path) -> None:
    report = judged(path, FAULTS[fault, name](STORIES[name]()))
    assert report.verdict == "violation"
    assert EXPECTED[fault] in properties(report)


def test_a_problem_names_the_line_that_it_stands_in(path: Path) -> None:
    lines = FAULTS["no votes", "etcd"](stories.etcd())
    number = [of(line) for line in lines].index("BecomeLeader") + 1
    (problem,) = judged(path, lines).problems
    assert f"(line {number})" in problem.detail


def test_one_vote_for_two_candidates(path: Path) -> None:
    lines = stories.etcd()
    vote = stories.etcd_message("MsgVoteResp", "2", "3")
    shows: dict[str, Any] = {"vote": "1", "commit": 3, "log": 3}
    lines.append(stories.etcd_line("SendRequestVoteResponse", "2", 1, msg=vote, **shows))
    assert properties(judged(path, lines)) == {"VoteOncePerTerm"}


def test_a_vote_that_was_not_durable_may_be_forgotten(path: Path) -> None:
    """etcd shows a vote before it is on the disk; what arrived elsewhere had been there."""
    lines = stories.etcd()
    again = stories.etcd_line("InitState", "3", 1)
    first = stories.etcd_line("Ready", "3", 1, vote="1")
    second = stories.etcd_line("Ready", "3", 1, vote="2")
    report = judged(path, [*lines, first, again, second])
    assert report.verdict == "conforms"
    assert report.unjudged["RestartFromDisk"]
    assert "VoteOncePerTerm" in properties(judged(path, [*lines, first, second]))
    vote = stories.etcd_message("MsgVoteResp", "3", "1")
    lead: dict[str, Any] = {"vote": "1", "role": "Leader", "commit": 3, "log": 3}
    told = [
        stories.etcd_line("SendRequestVoteResponse", "3", 1, msg=vote),
        stories.etcd_line("ReceiveRequestVoteResponse", "1", 1, msg=vote, **lead),
    ]
    report = judged(path, [*lines, *told, again, second])
    assert properties(report) == {"VoteOncePerTerm"}


@pytest.mark.parametrize("name", ["etcd", "ccf"])
def test_a_file_a_node(name: str, path: Path) -> None:
    """Order is kept within each file; what a leader's log tells of a call may be read too late."""
    lines = STORIES[name]()
    files = []
    for node in stories.ALL:
        own = [line for line in lines if node == owner(line)]
        files.append(write(path.with_name(f"node-{node}.ndjson"), own))
    for given in (files, files[::-1]):
        report = audit(given)
        assert report.problems == []
        assert report.verdict == "conforms"
    assert run("convert", *files, "-o", path.with_name("all.jsonl")).code == 0
    report = audit([*files, write(path, lines)])
    assert report.verdict == "bad_input"
    assert "of which" in str(report.files[-1].error)
    assert "was in another file" in str(report.files[-1].error)


def test_names_become_numbers_and_are_told(path: Path) -> None:
    report = judged(path, stories.hashicorp())
    assert report.files[0].names == {"a": 1, "b": 2, "c": 3}
    assert '1 is "a"' in run("audit", path).out


def test_a_call_that_was_ignored_adds_nothing(path: Path) -> None:
    """etcd acknowledges what is committed where a call begins before that, and appends nothing."""
    lines = stories.etcd()
    stale = stories.etcd_message("MsgApp", "1", "2", index=1, logTerm=1, entries=4, commit=3)
    done = stories.etcd_message("MsgAppResp", "2", "1", index=3)
    shows: dict[str, Any] = {"vote": "1", "commit": 3, "log": 3}
    lead: dict[str, Any] = {"vote": "1", "role": "Leader", "commit": 3, "log": 5}
    lines += [
        stories.etcd_line("SendAppendEntriesRequest", "1", 1, msg=stale, **lead),
        stories.etcd_line("ReceiveAppendEntriesRequest", "2", 1, msg=stale, **shows),
        stories.etcd_line("SendAppendEntriesResponse", "2", 1, msg=done, **shows),
    ]
    report = judged(path, lines)
    assert report.verdict == "conforms"


@pytest.mark.parametrize("level", ["exact"])
def test_the_exact_level_needs_actions(level: str, path: Path) -> None:
    ran = run("audit", "--level", level, write(path, stories.etcd()))
    assert ran.code == 2
    assert "for the exact level" in ran.out


def founded(node: str, commit: int) -> dict[str, Any]:
    """An etcd node that has no configuration in force yet."""
    line = stories.etcd_line("ApplyConfChange", node, 1, commit=commit, log=commit)
    line["event"]["conf"] = [[], []]
    return line


@pytest.mark.parametrize("called", [False, True])
def test_etcd_founds_a_cluster_with_entries_that_are_committed(path: Path, called: bool) -> None:
    """But only before anything arrives: who was called commits what a call says."""
    start = stories.etcd_line("InitState", "2", 0, commit=0, log=0)
    start["event"]["conf"] = [[], []]
    call = stories.etcd_message("MsgApp", "1", "2", term=1)
    arrives = stories.etcd_line("ReceiveAppendEntriesRequest", "2", 1, commit=0, log=0, msg=call)
    arrives["event"]["conf"] = [[], []]
    report = judged(path, [start, *([arrives] if called else []), founded("2", 5)])
    assert ("CommittedOnQuorum" in properties(report)) is called
    left = report.unjudged.get("CommittedOnQuorum", {})
    assert ("the node has no configuration yet: it is founded with it" in left) is not called
