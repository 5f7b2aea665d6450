"""Transcripts of interaction tests: a small one, what is read of it, and faults in it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from conformance.audit.run import AuditReport, audit
from conformance.importers.convert import convert
from conformance.importers.recording import Recording
from conformance.trace.moments import Moment
from tests.cli.helpers import run

START = """\
# Node b has the id 11; three nodes begin with a snapshot up to index 5.
add-nodes 3 voters=(1,2,11) index=5
----
"""
UP = """\
INFO {0} switched to configuration voters=(1 2 11)
INFO {0} became follower at term 0
INFO newRaft {0} [peers: [1,2,b], term: 0, commit: 5, applied: 5, lastindex: 5, lastterm: 1]
"""
REST = """
campaign b
----
INFO b is starting a new election at term 0
INFO b became candidate at term 2
INFO b [logterm: 1, index: 5] sent MsgVote request to 1 at term 2

stabilize
----
> 11 handling Ready
  Ready MustSync=true:
  Lead:0 State:StateCandidate
  HardState Term:2 Vote:11 Commit:5
  Messages:
  b->1 MsgVote Term:2 Log:1/5
  b->2 MsgVote Term:2 Log:1/5
> 1 receiving messages
  b->1 MsgVote Term:2 Log:1/5
  INFO 1 became follower at term 2
  INFO 1 [logterm: 1, index: 5, vote: 0] cast MsgVote for b [logterm: 1, index: 5] at term 2
> 1 handling Ready
  Ready MustSync=true:
  HardState Term:2 Vote:11 Commit:5
  Messages:
  1->b MsgVoteResp Term:2 Log:0/0
> 11 receiving messages
  1->b MsgVoteResp Term:2 Log:0/0
  INFO b became leader at term 2

deliver-msgs drop=(2)
----
dropped: b->2 MsgVote Term:2 Log:1/5

propose b "a ] 9/9 EntryNormal"
----
ok

process-ready 11
----
Ready MustSync=true:
Lead:11 State:StateLeader
Entries:
2/6 EntryNormal ""
2/7 EntryNormal "a ] 9/9 EntryNormal"
Messages:
b->1 MsgApp Term:2 Log:1/5 Commit:5 Entries:[
  2/6 EntryNormal ""
  2/7 EntryNormal "a ] 9/9 EntryNormal"
]
b->2 MsgApp Term:2 Log:1/5 Commit:5 Entries:[2/6 EntryNormal ""]

stabilize 1 11
----
> 1 receiving messages
  b->1 MsgApp Term:2 Log:1/5 Commit:5 Entries:[
    2/6 EntryNormal ""
    2/7 EntryNormal "a ] 9/9 EntryNormal"
  ]
> 1 handling Ready
  Ready MustSync=true:
  Lead:11 State:StateFollower
  Entries:
  2/6 EntryNormal ""
  2/7 EntryNormal "a ] 9/9 EntryNormal"
  Messages:
  1->b MsgAppResp Term:2 Log:0/7
> 11 receiving messages
  1->b MsgAppResp Term:2 Log:0/7
> 11 handling Ready
  Ready MustSync=false:
  HardState Term:2 Vote:11 Commit:7
  CommittedEntries:
  2/6 EntryNormal ""
  2/7 EntryNormal "a ] 9/9 EntryNormal"
  Messages:
  b->1 MsgApp Term:2 Log:2/7 Commit:7
> 1 receiving messages
  b->1 MsgApp Term:2 Log:2/7 Commit:7
> 1 handling Ready
  Ready MustSync=false:
  HardState Term:2 Vote:11 Commit:7
"""
STORY = START + "".join(UP.format(name) for name in "12b") + REST


def written(folder: Path, text: str = STORY) -> Path:
    path = folder / "story.txt"
    path.write_text(text, encoding="utf-8")
    return path


def judged(folder: Path, text: str = STORY) -> AuditReport:
    return audit([written(folder, text)], form="rafttest")


def moments(folder: Path, text: str = STORY) -> list[Moment]:
    with Recording(written(folder, text), "rafttest") as recording:
        return list(recording.moments())


def test_a_right_one_conforms(tmp_path: Path) -> None:
    report = judged(tmp_path)
    assert (report.verdict, report.problems) == ("conforms", [])
    for name in ("ElectedByQuorum", "CommittedOnQuorum", "VoteForUpToDateLog", "LogMatching"):
        assert report.checked[f"safety {name}"] > 0, name


def test_what_is_read_of_it(tmp_path: Path) -> None:
    read = moments(tmp_path)
    assert {one.node for one in read} == {1, 2, 11}
    assert [one.node for one in read if one.came_up] == [1, 2, 11]
    assert {one.voters for one in read} == {((1, 2, 11),)}
    lengths = [one.last_index for one in read if one.node == 1]
    assert lengths == sorted(lengths, key=lambda last: last or 0)
    assert [one.last_term for one in read if one.node == 1 and one.last_index == 6] == [2]
    call = next(one.received for one in read if one.received and one.received.entries)
    assert (call.index, call.log_term, call.entries, call.entries_term) == (5, 1, 2, 2)
    assert (read[-1].node, read[-1].commit_index, read[-1].line) == (1, 7, STORY.count("\n"))
    assert not any(one.received.to == 2 for one in read if one.received)  # it was dropped


def test_a_commit_index_waits_for_the_entries_before_it(tmp_path: Path) -> None:
    """A Ready shows it before the entries that come with it."""
    for one in moments(tmp_path):
        assert (one.commit_index or 0) <= (one.last_index or 0)


def test_it_is_converted(tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    convert([written(tmp_path)], out, "rafttest")
    assert audit([out]).checked == judged(tmp_path).checked


FAULTS = {
    "a vote that was refused": (
        "1->b MsgVoteResp Term:2 Log:0/0",
        "1->b MsgVoteResp Term:2 Log:0/0 Rejected (Hint: 0)",
        "ElectedByQuorum",
    ),
    "an acknowledgement of less": ("MsgAppResp Term:2 Log:0/7", "MsgAppResp Term:2 Log:0/6",
                                   "CommittedOnQuorum"),
    "an acknowledgement of more": ("MsgAppResp Term:2 Log:0/7", "MsgAppResp Term:2 Log:0/8",
                                   "EntriesPersistedBeforeReply"),
    "an entry of another term": (
        "  Entries:\n  2/6 EntryNormal \"\"\n  2/7", "  Entries:\n  2/6 EntryNormal \"\"\n  1/7",
        "StateMachineSafety",
    ),
    "a second leader": ("  INFO b became leader at term 2", "  INFO b became leader at term 2\n"
                        "  INFO 2 became leader at term 2", "ElectionSafety"),
    "a commit index that is lower": (
        "  HardState Term:2 Vote:11 Commit:7\n  Committed",
        "  HardState Term:2 Vote:11 Commit:4\n  Committed",
        "CommitMonotonic",
    ),
    "a term that is lower": ("HardState Term:2 Vote:11 Commit:7\n  Committed",
                             "HardState Term:1 Vote:11 Commit:7\n  Committed", "TermMonotonic"),
    "another vote in the term": ("HardState Term:2 Vote:11 Commit:7\n  Committed",
                                 "HardState Term:2 Vote:1 Commit:7\n  Committed", "VoteKeptInTerm"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found(fault: str, tmp_path: Path) -> None:
    old, new, name = FAULTS[fault]
    assert old in STORY
    report = judged(tmp_path, STORY.replace(old, new))
    assert name in {problem.property for problem in report.problems}


def test_a_snapshot_stands_on_a_line_of_its_own_or_not(tmp_path: Path) -> None:
    told = "Snapshot: Index:7 Term:2 ConfState:Voters:[1 2 11] VotersOutgoing:[] Learners:[]"
    for between in ("\n    ", " "):
        more = f"\nsend-snapshot 11 2\n----\nb->2 MsgSnap Term:2 Log:0/0{between}{told}\n"
        arrives = f"\ndeliver-msgs 2\n----\nb->2 MsgSnap Term:2 Log:0/0{between}{told}\n"
        read = moments(tmp_path, STORY + more + arrives)
        sent, received = read[-2].sent, read[-1].received
        assert sent == (received,)
        assert received is not None
        assert (received.type, received.index, received.log_term) == ("install_snapshot_call", 7, 2)


LEVEL = "log-level info\n----\nok\n"
HIDDEN = "log-level none\n----\nok\n\n" + START + "ok\n\nstabilize\n----\nok\n\n" + LEVEL


def of_three(text: str) -> str:
    """The third node has the third id, as tests number them that add their nodes unseen."""
    return re.sub(r"\b(b|11)\b", "3", text)


def test_what_begins_hidden_is_judged_from_there_on(tmp_path: Path) -> None:
    report = judged(tmp_path, of_three(HIDDEN + REST))
    assert report.problems == []
    assert report.checked["safety ElectedByQuorum"] == 1
    assert report.unjudged["CommittedOnQuorum"] == {"the recording begins with it": 2}


def test_a_fault_is_found_behind_what_is_hidden(tmp_path: Path) -> None:
    old, new, name = FAULTS["a vote that was refused"]
    report = judged(tmp_path, of_three((HIDDEN + REST).replace(old, new)))
    assert [problem.property for problem in report.problems] == [name]


def test_of_a_configuration_that_changed_hidden_no_quorum_is_judged(tmp_path: Path) -> None:
    change = "log-level none\npropose-conf-change 1\nv4\n----\nok\n\n"
    report = judged(tmp_path, of_three(HIDDEN.replace(LEVEL, change + LEVEL) + REST))
    assert report.problems == []
    assert report.unjudged["ElectedByQuorum"] == {"no configuration is shown": 1}


ODD = {
    "hidden later": (
        STORY + "\nlog-level none\n----\nok\n\nstabilize\n----\nok\n",
        'stabilize" under a log level at which it prints nothing',
    ),
    "hidden in one command": (
        STORY + "\nstabilize log-level=none\n----\nok\n",
        'stabilize" under a log level at which it prints nothing',
    ),
    "storage that writes on its own": (
        STORY + "\nstabilize\n----\n> 1 processing append thread\n",
        "storage that writes on its own",
    ),
    "a message to it": (
        STORY + "\ndeliver-msgs 1\n----\n1->AppendThread MsgStorageAppend Term:2 Log:0/0\n",
        "storage that writes on its own",
    ),
    "another message": (STORY + "\ndeliver-msgs 1\n----\n2->1 MsgApp Term:x\n", "the message"),
    "a number of 65 bits": (
        STORY.replace("Commit:7", "Commit:18446744073709551616"),
        "the number",
    ),
    "an id of 68 bits": (STORY.replace("b->1", "b" * 17 + "->1"), "the node"),
    "another role": (
        STORY.replace("State:StateLeader", "State:StateKing"),
        'the state is "StateKing"',
    ),
    "no transcript": ("Dear Sir\n", "no command with what it printed"),
    "nothing": ("", "the file is empty"),
    "what is no entry": (
        STORY.replace("  2/7 EntryNormal \"a ] 9/9 EntryNormal\"\n]", "  junk\n]"),
        "among a message's entries",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", ODD)
def test_what_is_odd_is_bad_input_in_one_line(what: str, tmp_path: Path) -> None:
    text, said = ODD[what]
    report = judged(tmp_path, text)
    assert report.verdict == "bad_input"
    (error,) = (file.error for file in report.files)
    assert error is not None
    assert said in error
    assert "; expected " in error
    assert "\n" not in error


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "story.txt"
    path.write_bytes(STORY.encode() + b"\xff\n")
    report = audit([path], form="rafttest")
    assert report.verdict == "bad_input"
    assert "no UTF-8" in str(report.files[0].error)


def test_the_command(tmp_path: Path) -> None:
    result = run("audit", "--format", "rafttest", str(written(tmp_path)))
    assert (result.code, result.err) == (0, "")
    assert "conforms" in result.out
