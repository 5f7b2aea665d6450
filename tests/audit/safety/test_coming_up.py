"""The safety audit on how a node comes up: with what its disk holds, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from conformance.audit.safety.quorum import MAYBE_CUT
from spec import values as v
from tests.audit import by_hand as h
from tests.support.tape import NEW, Tape

CHANGES: dict[str, dict[str, Any]] = {
    "term": {"current_term": 5, "voted_for": None},
    "vote": {"voted_for": 2},
    "log": {"last_position": h.THIRD},
    "shorter_log": {"last_position": h.FIRST},
    "snapshot": {"snapshot_position": h.FIRST},
    "config": {"config": v.Config(frozenset({0, 1}))},
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_restart_that_shows_something_else_than_its_disk(what: str, tape: Tape) -> None:
    tape = h.restart(tape, 1, v.Restart(1, 0, h.LOG), **CHANGES[what])
    assert ("RestartFromDisk", 1, 5) in tape.found()


@pytest.mark.parametrize("what", CHANGES)
def test_a_start_that_shows_something(what: str) -> None:
    tape = Tape().add(0, v.Start(), **CHANGES[what])
    assert ("LogConsistent", 0, 1) in tape.found()


def test_a_start_that_shows_a_later_term_and_a_commitment() -> None:
    tape = Tape().add(0, v.Start(), current_term=5, commit_index=7)
    assert tape.found() == [("LogConsistent", 0, 1), ("SnapshotWithinCommit", 0, 1)]


def test_what_is_executed_at_once_may_show(tape: Tape) -> None:
    disk = v.Restart(1, 0, h.LOG)
    saved = v.SaveCurrentTerm(2), v.SaveVotedFor(1), v.AppendLogEntries(h.SECOND, (h.COMMANDED,))
    shown: dict[str, Any] = {"current_term": 2, "voted_for": 1, "last_position": h.THIRD}
    before = h.restart(tape, 1, disk).records.pop()
    tape.add(1, disk, *saved, **shown)
    tape.records[-1].seq = before.seq
    assert tape.found() == []


def test_a_restart_that_is_refused_shows_what_it_likes(tape: Tape) -> None:
    disk = v.Restart(1, 0, h.LOG)
    changes = NEW._asdict() | {"current_term": 1, "voted_for": 0}
    assert tape.add(1, disk, outcome=False, **changes).found() == []


def test_no_crash_excuses_another_configuration_or_snapshot(tape: Tape) -> None:
    """They follow from the log and from what was installed, not from what is executed."""
    tape.add(0, v.Heartbeat(), outcome=True, config=v.Config(frozenset({0, 1})))
    assert tape.found() == [("LogConsistent", 0, 6)]


def test_a_drain_that_may_be_cut_is_not_judged(tape: Tape) -> None:
    tape.add(0, v.ProposeCommand(), outcome=h.THIRD, last_position=h.THIRD)
    audit = tape.audit()
    assert audit.finish() == []
    assert audit.unjudged == {"LogConsistent": {MAYBE_CUT: 1}}
