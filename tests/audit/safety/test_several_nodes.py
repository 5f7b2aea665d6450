"""The safety audit on several nodes' records, and where these do not begin or end together."""

from __future__ import annotations

from dataclasses import replace

import pytest

from conformance.audit.safety.messages import NOT_COVERED
from conformance.observe.observed import Checkpoint, Observed
from conformance.observe.recorded import Recorded
from spec import values as v
from tests.audit import by_hand as h
from tests.support.tape import Tape

# Several nodes


def test_two_leaders_in_a_term(tape: Tape) -> None:
    tape.receive(
        2, h.OPENED, v.AppendLogEntries(v.ZERO, (h.FOUNDING,)), last_position=h.FIRST, config=h.ALL
    )
    h.lead(tape, 2, 1, h.FIRST)
    assert tape.found() == [("ElectionSafety", 2, 4)]


def test_two_senders_of_append_entries_in_a_term(tape: Tape) -> None:
    beat = v.AppendEntriesCall(1, 1, 1, 0, v.ZERO, ())
    tape.add(1, v.ElectionTimeout(), v.BroadcastMessage(beat, (0, 2)))
    assert tape.found() == [("ElectionSafety", 1, 5)]


def test_append_entries_received_from_two_nodes_in_a_term(tape: Tape) -> None:
    tape.receive(2, v.AppendEntriesCall(7, 1, 1, 0, v.ZERO, ()))
    assert tape.found() == [("ElectionSafety", 2, 2)]


def test_different_entries_are_committed(tape: Tape) -> None:
    entries = (h.FOUNDING, v.Entry(2, v.TERM))
    other = v.Position(2, 2)
    tape.add(2, v.ElectionTimeout(), v.SaveCurrentTerm(2), v.AppendLogEntries(v.ZERO, entries),
             current_term=2, last_position=other, config=h.ALL, commit_index=2)  # fmt: skip
    assert tape.found() == [("StateMachineSafety", 2, 2)]


def test_the_lowest_index_that_differs_is_told(tape: Tape) -> None:
    """By any node, in whatever order the differences come."""
    for node, term in ((0, 2), (1, 3)):
        h.lead(tape, node, term, h.SECOND)
        tape.add(node, v.Heartbeat(), outcome=True, commit_index=3)
    entries = (h.FOUNDING, v.Entry(2, v.TERM))
    last = v.Position(2, 2)
    tape.add(2, v.ElectionTimeout(), v.AppendLogEntries(v.ZERO, entries), last_position=last,
             config=h.ALL, commit_index=2)  # fmt: skip
    audit = tape.audit()
    details = [one.detail for one in audit.finish() if one.property == "StateMachineSafety"]
    assert len(details) == 1
    assert details[0].startswith("index 2: ")


def test_a_snapshot_of_something_else_than_was_committed(tape: Tape) -> None:
    position = v.Position(2, 2)
    tape.add(2, v.ElectionTimeout(), v.SaveCurrentTerm(2), current_term=2)
    tape.add(2, v.SnapshotInstalled(position, h.ALL), outcome=True, commit_index=2,
             snapshot_position=position, last_position=position, config=h.ALL)  # fmt: skip
    assert tape.found() == [("StateMachineSafety", 2, 3)]


@pytest.mark.parametrize(
    "entries",
    [(h.FOUNDING, h.COMMANDED), (h.FOUNDING, v.Entry(0, v.COMMAND), h.OPENING)],
    ids=["kind", "prev"],
)
def test_index_and_term_do_not_determine_the_entry(
    tape: Tape, entries: tuple[v.Entry, ...]
) -> None:
    if len(entries) == 3:  # the same entry in both logs, after one of another term
        append = v.AppendLogEntries(h.SECOND, (h.OPENING,))
        tape.add(1, v.ElectionTimeout(), append, last_position=h.THIRD)
    last = v.Position(1, len(entries))
    write = v.AppendLogEntries(v.ZERO, entries)
    tape.add(2, v.ElectionTimeout(), v.SaveCurrentTerm(2), write,
             current_term=2, last_position=last, config=h.ALL)  # fmt: skip
    assert tape.found() == [("LogMatching", 2, 2)]


def test_an_append_call_that_is_no_part_of_the_log(tape: Tape) -> None:
    call = v.AppendEntriesCall(0, 1, 9, 2, h.FIRST, (h.COMMANDED,))
    tape.add(0, v.Heartbeat(), v.SendMessage(2, call), outcome=True)
    assert tape.found() == [("LogMatching", 0, 6)]


def test_leader_without_a_committed_entry(tape: Tape) -> None:
    assert h.lead(tape, 2, 2, v.ZERO).found() == [("LeaderCompleteness", 2, 3)]


def test_leader_with_another_entry_where_one_is_committed(tape: Tape) -> None:
    write = v.AppendLogEntries(v.ZERO, (h.FOUNDING, v.Entry(0, v.COMMAND)))
    h.lead(tape, 2, 2, v.Position(0, 2), write, config=h.ALL)
    assert tape.found() == [("LeaderCompleteness", 2, 3)]


def test_leader_of_an_earlier_term_needs_no_later_entries(tape: Tape) -> None:
    """Node 2 leads term 2 after, in the file, node 0 committed in term 3."""
    reply = v.AppendEntriesReply(1, 3, 9, v.Position(3, 3))
    h.lead(tape, 0, 3, h.SECOND).receive(0, reply, commit_index=3)
    write = v.AppendLogEntries(v.ZERO, (h.FOUNDING, h.OPENING))
    assert h.lead(tape, 2, 2, h.SECOND, write, config=h.ALL).found() == []


# Messages


def test_message_that_was_not_sent(tape: Tape) -> None:
    tape.receive(2, replace(h.BEAT, commit_index=1))
    assert tape.found() == [("EveryMessageWasSent", 2, 2)]


def test_message_to_another_node(tape: Tape) -> None:
    tape.receive(2, v.RequestVoteReply(1, 1, 1, True))
    audit = tape.audit()
    # Node 1 sent nothing to node 2, in any case not before its recording ends.
    assert audit.finish() == []
    assert audit.unjudged == {"EveryMessageWasSent": {NOT_COVERED: 1}}


def test_reply_that_says_something_else(tape: Tape) -> None:
    tape.receive(0, v.RequestVoteReply(1, 1, 1, False))
    assert tape.found() == [("EveryMessageWasSent", 0, 6)]


def test_duplicates_and_shortened_calls(tape: Tape) -> None:
    short = replace(h.OPENED, entries=(h.FOUNDING,))
    tape.receive(2, short).receive(2, short).receive(2, h.OPENED).receive(2, h.BEAT).receive(
        2, h.BEAT
    )
    assert tape.found() == []


def test_entries_that_are_not_the_first_of_those_sent(tape: Tape) -> None:
    tape.receive(2, replace(h.OPENED, entries=(h.OPENING,)))
    assert tape.found() == [("EveryMessageWasSent", 2, 2)]


def test_sender_without_records(tape: Tape) -> None:
    tape.receive(2, v.RequestVoteCall(9, 5, 1, v.ZERO))
    assert tape.found() == []


def test_message_of_after_the_senders_recording_ends(tape: Tape) -> None:
    """It has a higher number or term than all that the recording has."""
    tape.receive(2, replace(h.BEAT, seqno=4)).receive(2, v.RequestVoteCall(1, 2, 1, h.SECOND))
    assert tape.found() == []


def test_recordings_that_do_not_end_together(tape: Tape) -> None:
    """A reply bears its call's number, which may have come again after the recording's end."""
    tape.receive(0, v.AppendEntriesReply(1, 1, 2, h.FIRST))
    assert tape.found() == [("EveryMessageWasSent", 0, 6)]
    assert tape.found(complete=False) == []
    tape.receive(2, replace(h.BEAT, commit_index=1))
    assert tape.found(complete=False) == [("EveryMessageWasSent", 2, 2)]


def test_all_of_an_earlier_term_is_recorded(tape: Tape) -> None:
    tape.receive(2, replace(h.BEAT, seqno=9))
    assert tape.found() == []
    tape.add(0, v.ElectionTimeout(), v.SaveCurrentTerm(2), v.SaveVotedFor(None), role="follower",
             current_term=2, voted_for=None)  # fmt: skip
    assert tape.found(complete=False) == [("EveryMessageWasSent", 2, 2)]


# Recordings that begin in the middle


def test_recording_that_begins_with_a_restart(tape: Tape) -> None:
    tape.forget(2)
    h.restart(tape, 2, v.Restart(1, 0, h.LOG))
    tape.receive(0, v.AppendEntriesReply(2, 1, 2, h.SECOND))  # sent before the recording begins
    assert tape.found() == []
    tape.add(2, v.ElectionTimeout(), v.SaveVotedFor(1), h.vote_reply(2, 1, 1), voted_for=1)
    tape.add(2, v.ElectionTimeout(), last_position=h.FIRST)
    tape.add(2, v.ElectionTimeout(), v.SaveVotedFor(2), h.vote_reply(2, 2, 1), voted_for=2)
    assert tape.found() == [("EntriesKeptInTerm", 2, 3), ("VoteOncePerTerm", 2, 4)]


def test_recording_that_begins_with_a_checkpoint(tape: Tape) -> None:
    log = v.new_log(entries=(h.FOUNDING, h.OPENING, h.COMMANDED))
    node = v.Node(2, v.Follower(0), 1, 0, log, 2)
    pending = v.AppendLogEntries(h.SECOND, (h.COMMANDED,))
    checkpoint = Checkpoint(node, (pending,), v.Restart(1, 0, h.LOG))
    tape.forget(2)
    shown = Observed("follower", 1, 0, 2, h.THIRD, v.ZERO, h.ALL)
    tape.records.append(Recorded(2, 40, checkpoint, None, None, shown))
    assert tape.found() == []
    tape.records.append(Recorded(2, 41, v.ElectionTimeout(), None, (pending,), shown))
    assert tape.found() == []
    wrong = shown._replace(commit_index=1)
    tape.records.append(Recorded(2, 42, v.ElectionTimeout(), None, (), wrong))
    assert tape.found() == [("CommitMonotonic", 2, 42)]
