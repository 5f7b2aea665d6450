"""The safety audit on what a node shows after a message, which the message has to explain."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from conformance.audit.safety.quorum import NO_RECEIPTS
from conformance.observe.observed import Checkpoint
from spec import values as v
from tests.audit import by_hand as h
from tests.support.tape import Tape

NEXT = v.AppendEntriesCall(0, 1, 4, 2, h.SECOND, (h.COMMANDED,))
LATE_CALL = replace(h.BEAT, seqno=9)
LATE_REQUEST = replace(h.ASKED, seqno=9)


@pytest.fixture
def later(tape: Tape) -> Tape:
    """Node 1 has gone on to term 2, in which it knows of no leader; ends at its seq 5."""
    saved = v.SaveCurrentTerm(2), v.SaveVotedFor(None)
    return tape.add(1, v.ElectionTimeout(), *saved, current_term=2, voted_for=None, leader=None)


# Calls of an earlier term (§5.1)


def test_a_stale_call_makes_a_leader(later: Tape) -> None:
    refusal = h.append_reply(1, 0, h.SECOND, seqno=0, term=2)
    later.receive(1, LATE_CALL, refusal, leader=0)
    assert later.found(complete=False) == [("StaleCallRejected", 1, 6)]


def test_a_leader_that_is_not_told_of_is_none(later: Tape) -> None:
    later.receive(1, LATE_CALL, leader=0, leader_given=False)
    assert later.found(complete=False) == []


@pytest.mark.parametrize(
    ("call", "answer"),
    [
        (LATE_CALL, h.append_reply(1, 0, h.SECOND, seqno=9)),
        (LATE_REQUEST, h.vote_reply(1, 0, 1, granted=False)),
    ],
    ids=["append entries", "request vote"],
)
def test_a_stale_call_is_answered_in_its_own_term(
    later: Tape, call: v.Message, answer: v.SendMessage
) -> None:
    """Who knows of a later term would confirm a leader that leads no more (§8)."""
    later.receive(1, call, answer)
    assert later.found(complete=False) == [("StaleCallRejected", 1, 6)]


def test_an_answer_may_be_owed_from_before_the_term(tape: Tape) -> None:
    tape.receive(1, h.BEAT, drained=False)
    saved = v.SaveCurrentTerm(2), v.SaveVotedFor(None), h.append_reply(1, 0, h.SECOND, 3)
    tape.add(1, v.ElectionTimeout(), drained=False, current_term=2, voted_for=None)
    tape.receive(1, LATE_CALL, *saved)
    assert tape.found(complete=False) == []


def test_an_answer_may_be_owed_from_before_a_checkpoint(tape: Tape) -> None:
    owed = h.append_reply(1, 0, h.SECOND, 3)
    disk = v.Restart(2, None, h.LOG)
    node = v.Node(id=1, current_term=2, log=h.LOG, commit_index=2)
    state = tape.states[1]._replace(current_term=2, voted_for=None)
    tape.forget(1)
    tape.add(1, Checkpoint(node, (owed,), disk), drained=False, **state._asdict())
    tape.receive(1, LATE_CALL, owed)
    assert tape.found(complete=False) == []
    tape.receive(1, LATE_CALL, owed)
    assert tape.found(complete=False) == [("StaleCallRejected", 1, 3)]


# What a log grows by (§5.3)


def test_a_log_takes_what_follows_on_it(tape: Tape) -> None:
    tape.receive(1, NEXT, drained=False, last_position=h.THIRD)
    assert tape.found(complete=False) == []


@pytest.mark.parametrize(
    ("call", "last"),
    [
        (NEXT, v.Position(1, 4)),
        (h.BEAT, h.THIRD),
        (replace(NEXT, prev_position=v.Position(1, 4)), v.Position(1, 5)),
        (replace(NEXT, term=2), v.Position(2, 3)),
    ],
    ids=["one more", "of a heartbeat", "after a gap", "of another term"],
)
def test_a_log_has_an_entry_that_no_call_brings(
    tape: Tape, call: v.AppendEntriesCall, last: v.Position
) -> None:
    tape.receive(1, call, drained=False, last_position=last, current_term=call.term, voted_for=None)
    assert ("LogConsistent", 1, 5) in tape.found(complete=False)


def test_an_entry_stays_behind_those_that_took_its_predecessors_place(tape: Tape) -> None:
    """Node 0 led term 1 to index 4; of term 2 it is sent index 3, and shows index 4 of it."""
    fourth = v.Position(1, 4)
    write = v.AppendLogEntries(h.SECOND, (h.COMMANDED, h.COMMANDED))
    tape.add(0, v.ProposeCommand(), write, outcome=fourth, last_position=fourth)
    call = v.AppendEntriesCall(2, 2, 1, 2, h.SECOND, (v.Entry(2, v.TERM),))
    shown: dict[str, Any] = {"role": "follower", "current_term": 2, "voted_for": None}
    tape.receive(0, call, drained=False, last_position=v.Position(2, 4), **shown)
    assert ("LogConsistent", 0, 7) in tape.found(complete=False)


def test_a_log_whose_end_is_not_known_may_take_anything(tape: Tape) -> None:
    """Not all that the node received is recorded: the log it had is not known."""
    tape.add(2, v.ElectionTimeout(), drained=False, last_position=v.Position(1, 7), current_term=1)
    tape.receive(2, NEXT, drained=False, last_position=v.Position(1, 9))
    assert ("LogConsistent", 2, 3) not in tape.found(complete=False)


def test_events_that_stand_for_others_explain_anything(tape: Tape) -> None:
    tape.add(1, v.Heartbeat(), drained=False, outcome=False, last_position=h.THIRD)
    tape.receive(1, h.BEAT, drained=False, last_position=v.Position(1, 4))
    assert tape.audit(complete=False).finish() == []


# The configuration in force (§6)


def test_a_configuration_that_is_not_the_last_of_a_log_in_memory(tape: Tape) -> None:
    fewer = v.Config(frozenset({0, 1}))
    call = replace(NEXT, entries=(v.Entry(1, fewer),))
    tape.receive(1, call, drained=False, last_position=h.THIRD, config=fewer)
    assert tape.found(complete=False) == []
    tape.add(1, v.SnapshotInstalled(h.SECOND, h.ALL), drained=False, outcome=True,
             snapshot_position=h.SECOND, config=h.ALL)  # fmt: skip
    assert tape.found(complete=False) == [("LogConsistent", 1, 6)]


# What a node commits as it comes up (Figure 2: the commit index is volatile)


def restarted() -> Tape:
    """Node 0 founds a cluster of three, and restarts with all that it has committed."""
    tape = Tape()
    tape.add(0, v.Start())
    write = v.AppendLogEntries(v.ZERO, (h.FOUNDING,))
    saved = v.SaveCurrentTerm(1), v.SaveVotedFor(0), write
    shown: dict[str, Any] = {"role": "candidate", "current_term": 1, "voted_for": 0}
    tape.add(0, v.CreateCluster(h.ALL.voters), *saved, outcome=h.FIRST, last_position=h.FIRST,
             config=h.ALL, **shown)  # fmt: skip
    return h.restart(tape, 0, v.Restart(1, 0, v.new_log(entries=(h.FOUNDING,))), commit_index=1)


def test_a_restart_commits_what_nobody_told_of() -> None:
    assert restarted().found() == [("CommittedOnQuorum", 0, 3)]


def test_a_lost_record_may_have_told_of_it() -> None:
    audit = restarted().audit(complete=False)
    assert audit.finish() == []
    assert audit.unjudged["CommittedOnQuorum"] == {NO_RECEIPTS: 1}
