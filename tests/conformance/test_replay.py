"""Replay: a trace's events through specification and library, whatever the trace says of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from conformance.crate import D6, IN_LIBRARY, as_in_crate
from conformance.library import LibrarySubject
from conformance.patched import library
from conformance.replay import replay
from conformance.subject import SpecSubject
from tests.conformance.cli_helpers import STORIES, crate, simulated, story, written


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
    with library(*IN_LIBRARY[name]) as copy:
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
