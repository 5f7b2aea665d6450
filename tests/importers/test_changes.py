"""Changes of the voters in recordings of other systems: one at a time, each in its time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from conformance.audit.safety.changes import NO_PLACE
from conformance.audit.safety.partial.changing import NOT_IN_FORCE
from tests.importers import stories
from tests.importers.test_stories import Lines, judged, of, properties

LEAD: dict[str, Any] = {"vote": "1", "role": "Leader", "commit": 3}
STEPS = ("OneChangeAtATime", "ChangeAfterCommitInTerm", "ConfigChangeThroughJoint")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "recording.ndjson"


# hashicorp: a change is in force once it is in the log; what it is is not noted


def changed(last: int, commit: int) -> dict[str, Any]:
    """A server has appended a configuration."""
    return stories.hashicorp_line("ProposeConfigChange", "a", commit, last=(2, last), role="Leader")


def committed(last: int) -> dict[str, Any]:
    return stories.hashicorp_line("AdvanceCommitIndex", "a", last, last=(2, last), role="Leader")


def test_changes_one_after_another(path: Path) -> None:
    """Nothing is known of the voters from then on."""
    lines = [*stories.hashicorp(), changed(3, 2), committed(3), changed(4, 3)]
    report = judged(path, lines)
    assert report.problems == []
    assert [report.checked[f"safety {name}"] for name in STEPS] == [1, 2, 0]
    assert report.unjudged["CommittedOnQuorum"]["no configuration is shown"] == 1


def test_a_change_before_anything_of_the_term_is_committed(path: Path) -> None:
    lines = stories.hashicorp()
    place = [of(line) for line in lines].index("BecomeLeader") + 1
    early = [*lines[:place], changed(2, 0), *lines[place:]]
    assert properties(judged(path, early)) == {"ChangeAfterCommitInTerm"}


def test_a_second_change_before_the_first_is_committed(path: Path) -> None:
    lines = [*stories.hashicorp(), changed(3, 2), changed(4, 2)]
    (problem,) = judged(path, lines).problems
    assert problem.property == "OneChangeAtATime"
    assert "at index 3 or after it, is not committed: committed is 2" in problem.detail


# etcd: a change is in force once it is applied; where it stands is noted


def proposed(log: int, *changes: tuple[str, str], commit: int = 3) -> dict[str, Any]:
    """A leader is about to append a configuration."""
    line = stories.etcd_line("ChangeConf", "1", 1, log=log, **(LEAD | {"commit": commit}))
    named = [{"nid": node, "action": action} for node, action in changes]
    line["event"]["prop"] = {"cc": {"changes": named}}
    return line


def in_force(*sets: list[str], commit: int = 4) -> dict[str, Any]:
    line = stories.etcd_line("Ready", "1", 1, log=commit, **(LEAD | {"commit": commit}))
    line["event"]["conf"] = [*sets, []][:2]
    return line


ADD, LEARN, REMOVE = ("4", "AddNewServer"), ("4", "AddLearner"), ("3", "RemoveServer")


@pytest.mark.parametrize(
    ("first", "second", "found"),
    [
        (ADD, REMOVE, {"OneChangeAtATime"}),
        (LEARN, ADD, set()),
        (ADD, LEARN, set()),
        (("3", "AddLearner"), ADD, {"OneChangeAtATime"}),
    ],
    ids=["two voters", "a learner before", "a learner after", "a voter becomes a learner"],
)
def test_a_change_waits_for_the_one_before(
    path: Path, first: tuple[str, str], second: tuple[str, str], found: set[str]
) -> None:
    lines = [*stories.etcd(), proposed(3, first), proposed(4, second)]
    assert properties(judged(path, lines)) == found


def test_a_joint_configuration_is_left_once_it_is_committed(path: Path) -> None:
    """Who leaves one names no change."""
    leave = proposed(4)
    leave["event"]["conf"] = [["1", "2"], stories.ALL]
    lines = [*stories.etcd(), proposed(3, ADD, REMOVE), leave]
    assert properties(judged(path, lines)) == {"OneChangeAtATime"}


@pytest.mark.parametrize(
    ("sets", "found"),
    [
        ([(["1", "2", "3", "4"],)], set()),
        ([(["1", "2"],)], set()),
        ([(["1", "2", "3", "4", "5"],)], {"ConfigChangeThroughJoint"}),
        ([(["1", "2", "4"],)], {"ConfigChangeThroughJoint"}),
        ([(["1", "4", "5"], stories.ALL), (["1", "4", "5"],)], set()),
    ],
    ids=["one more", "one fewer", "two more", "one for another", "joint"],
)
def test_sets_of_voters_that_follow_one_another(
    path: Path, sets: list[tuple[list[str], ...]], found: set[str]
) -> None:
    lines: Lines = [line for line in stories.etcd() if line["event"]["nid"] == "1"]
    report = judged(path, lines + [in_force(*one, commit=3) for one in sets])
    assert properties(report) == found
    assert report.checked["safety ConfigChangeThroughJoint"] == len(sets)
    assert report.unjudged["ChangeAfterCommitInTerm"] == {NOT_IN_FORCE: len(sets)}
    assert report.unjudged["OneChangeAtATime"] == {NO_PLACE: len(sets)}


def acknowledged(node: str, index: int, **shows: Any) -> dict[str, Any]:
    reply = stories.etcd_message("MsgAppResp", node, "1", index=index)
    name = "ReceiveAppendEntriesResponse"
    return stories.etcd_line(name, "1", 1, msg=reply, **LEAD | {"log": index} | shows)


@pytest.mark.parametrize("applied", [False, True])
def test_a_commitment_is_judged_by_the_voters_in_force(path: Path, applied: bool) -> None:
    """Two of three commit index 5; two of four do not, once the fourth is applied."""
    lines = [*stories.etcd(), proposed(3, ADD), acknowledged("2", 4), in_force(stories.ALL)]
    four = [*stories.ALL, "4"] if applied else stories.ALL
    lines += [in_force(four), acknowledged("2", 5, commit=4), in_force(four, commit=5)]
    lines[-2]["event"]["conf"] = [four, []]
    assert ("CommittedOnQuorum" in properties(judged(path, lines))) is applied


@pytest.mark.parametrize("voters", [["1", "2"], stories.ALL, [*stories.ALL, "4"]])
def test_an_election_is_judged_by_the_voters_in_force(path: Path, voters: list[str]) -> None:
    """Node 1 has the vote of node 2 and its own, of a cluster that has come to be of these."""
    lines = stories.etcd()
    for line in lines:
        line["event"]["conf"] = [voters, []]
    assert ("ElectedByQuorum" in properties(judged(path, lines))) is (len(voters) == 4)
