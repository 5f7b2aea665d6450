"""Replay: a trace's events through specification and library, whatever the trace says of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from conformance.audit.decisions import D6, as_in_crate
from conformance.mutants.planted.crate import IN_LIBRARY
from conformance.observe.observed import Checkpoint, observed
from conformance.observe.recorded import Recorded
from conformance.prove.runner.obligation import Counterexample
from conformance.prove.step.counterexample import as_records
from conformance.simulation.episode import changes
from conformance.simulation.replay import replay
from conformance.simulation.schedule.simulate import Schedule
from conformance.subjects.library import LibrarySubject
from conformance.subjects.patched import Patch, patched_library
from conformance.subjects.subject import SpecSubject, Subject
from conformance.trace.errors import BadTrace
from spec.cluster import Turn
from spec.values import Candidate, Restart
from tests.support.recordings import STORIES, crate, simulated, story, written


@pytest.mark.parametrize("episode", [0, 3, 7])
def test_a_recording_is_replayed(episode: int, tmp_path: Path) -> None:
    recording = simulated(episode)
    report = replay(written(tmp_path / "trace.jsonl", recording))
    assert (report.events, report.difference, report.seq) == (len(recording), None, None)


def test_the_recorded_answers_play_no_part(tmp_path: Path) -> None:
    recording = [
        replace(record, state=record.state._replace(commit_index=9)) for record in simulated(3)
    ]
    assert replay(written(tmp_path / "trace.jsonl", recording)).difference is None


@pytest.mark.parametrize("name", ["crate-3n-lost-commit.jsonl", "crate-3n-double-vote.jsonl"])
def test_what_the_crate_was_told(name: str) -> None:
    assert replay(crate(name)).difference is None


@pytest.mark.parametrize("name", IN_LIBRARY)
def test_a_copy_that_lacks_a_decision_differs(name: str, tmp_path: Path) -> None:
    path = written(tmp_path / "trace.jsonl", story(name, LibrarySubject()))
    with patched_library(*IN_LIBRARY[name]) as copy:
        report = replay(path, LibrarySubject(copy))
    assert report.difference is not None
    assert (report.difference.node, report.seq) == (1, len(STORIES[name]))
    assert report.events == len(STORIES[name])
    assert report.difference.event == STORIES[name][-1]
    assert report.as_json()["verdict"] == "violation"


def test_another_subject_differs(tmp_path: Path) -> None:
    path = written(tmp_path / "trace.jsonl", story("D6", LibrarySubject()))
    report = replay(path, SpecSubject(as_in_crate(D6)))
    assert report.difference is not None
    assert report.difference.what == "actions"


def test_what_is_not_drained_stays_pending(tmp_path: Path) -> None:
    """Undrained, the second call is merged with the first."""
    recording = story("D5", LibrarySubject())
    undrained = [replace(record, actions=None) for record in recording[:-1]]
    report = replay(written(tmp_path / "trace.jsonl", [*undrained, recording[-1]]))
    assert (report.events, report.difference) == (5, None)


# From a checkpoint on


def turns(nodes: int = 3) -> list[Turn]:
    """What happened to servers in an episode, without crashes and what was refused."""
    found = []
    for _, change in changes(Schedule(5, 5, nodes), length=300):
        turn = change.turn
        if turn is not None and turn.before.up and turn.after.up and turn.after is not turn.before:
            found.append(turn)
    return found


def from_checkpoint(tmp_path: Path, turn: Turn) -> Path:
    return written(tmp_path / "trace.jsonl", as_records(Counterexample("", turn)))


def test_from_the_state_before_any_event_or_drain(tmp_path: Path) -> None:
    met = turns()[::9]
    for turn in met:
        report = replay(from_checkpoint(tmp_path, turn))
        assert (report.events, report.difference) == (1, None)
    assert {turn.event is None for turn in met} == {True, False}


def test_what_is_hidden_is_compared_at_the_end(tmp_path: Path) -> None:
    """Who voted for a candidate is nothing that it tells anybody."""
    replies = [
        turn
        for turn in turns(nodes=5)
        if isinstance(turn.before.node.role, Candidate)
        and isinstance(turn.after.node.role, Candidate)
        and turn.before.node.role.granted < turn.after.node.role.granted
    ]
    patch = Patch("rules", "            role.granted_votes.add(reply.sender)\n", "")
    with patched_library(patch) as copy:
        report = replay(from_checkpoint(tmp_path, replies[0]), LibrarySubject(copy))
        assert replay(from_checkpoint(tmp_path, replies[0]), SpecSubject()).difference is None
    assert report.difference is not None
    assert (report.difference.what, report.difference.event) == ("state", replies[0].event)
    assert report.seq == 2


def test_what_a_node_is_asked_is_compared_at_the_end(tmp_path: Path) -> None:
    """A recording of a finding ends with what was answered otherwise."""
    path = written(tmp_path / "trace.jsonl", story("D6", LibrarySubject()))
    with patched_library(
        Patch("questions", "call.last_position >=", "call.last_position >")
    ) as copy:
        report = replay(path, LibrarySubject(copy))
    assert report.difference is not None
    assert report.difference.what == "would_vote"


def test_what_the_library_raises_is_a_difference(tmp_path: Path) -> None:
    path = written(tmp_path / "trace.jsonl", story("D6", LibrarySubject()))
    with patched_library(
        Patch("log", "(limit.index, log.last_position", "(limit.index, log.last")
    ) as copy:
        report = replay(path, LibrarySubject(copy))
    assert report.difference is not None
    assert report.difference.what == "failure"
    assert "AttributeError" in str(report.difference.found)


def test_a_checkpoint_in_between_is_no_event(tmp_path: Path) -> None:
    recording = story("D5", LibrarySubject())
    subject = SpecSubject()
    for event in STORIES["D5"]:
        subject.handle(1, event)
        subject.drain(1)
    node = subject.members[1].node
    disk = Restart(node.current_term, node.voted_for, node.log)
    record = Recorded(1, len(recording) + 1, Checkpoint(node, (), disk), None, None, observed(node))
    report = replay(written(tmp_path / "trace.jsonl", [*recording, record]))
    assert (report.events, report.difference) == (len(recording), None)


def test_a_subject_that_cannot_be_set_to_a_checkpoint(tmp_path: Path) -> None:
    path = from_checkpoint(tmp_path, turns()[0])
    foreign = cast(Subject, object())
    with pytest.raises(BadTrace, match="a subject that cannot be set to it"):
        replay(path, foreign)
