"""The safety audit on positions: what a node shows of its log without showing the entries."""

from __future__ import annotations

from array import array
from dataclasses import replace
from typing import Any

import pytest

from conformance.audit.safety.sightings import Compared, Sightings, seen_at
from spec import values as v
from tests.audit import by_hand as h
from tests.support.tape import Tape

OTHER = v.Position(2, 2)
"""Where the short story has committed `h.SECOND`."""


def shown(term: int, index: int, commit: int | None = None) -> dict[str, Any]:
    position = v.Position(term, index)
    commit = index if commit is None else commit
    return {"current_term": 3, "last_position": position, "commit_index": commit}


def test_two_nodes_show_committed_positions() -> None:
    """States alone: of their logs nothing but the ends is known."""
    tape = Tape()
    for node, term in ((0, 1), (1, 2)):
        tape.add(node, v.Start(), drained=False)
        tape.states[node] = tape.states[node]._replace(**shown(term, 8))
        tape.add(node, v.Heartbeat(), outcome=False, drained=False)
    assert tape.found() == [("StateMachineSafety", 1, 2)]


def test_one_node_shows_two_committed_positions() -> None:
    tape = Tape().add(0, v.Start(), drained=False)
    for term in (1, 2):
        tape.states[0] = tape.states[0]._replace(**shown(term, 8))
        tape.add(0, v.Heartbeat(), outcome=False, drained=False)
    assert tape.found() == [("CommittedEntriesStay", 0, 3), ("StateMachineSafety", 0, 3)]


def test_positions_that_are_not_committed() -> None:
    tape = Tape()
    for node, term in ((0, 1), (1, 2)):
        tape.add(node, v.Start(), drained=False)
        tape.states[node] = tape.states[node]._replace(**shown(term, 8, commit=7))
        tape.add(node, v.Heartbeat(), outcome=False, drained=False)
    assert tape.found() == []


@pytest.mark.parametrize(
    "message",
    [
        v.RequestVoteCall(0, 3, 9, OTHER),
        v.AppendEntriesCall(0, 3, 9, 2, OTHER, ()),
        v.AppendEntriesReply(0, 3, 9, OTHER),
    ],
    ids=["vote_call", "previous_position", "acknowledgement"],
)
@pytest.mark.parametrize("commit", [0, 2])
def test_a_message_that_shows_another_term(message: v.Message, commit: int) -> None:
    """It contradicts what node 0 committed, if it is within what node 1 knows to be committed."""
    tape = h.short_story()
    message = replace(message, sender=1)
    tape.add(1, v.ElectionTimeout(), v.SaveCurrentTerm(3), v.SaveVotedFor(1),
             v.SendMessage(0, message), current_term=3, voted_for=1)  # fmt: skip
    tape.records = [one for one in tape.records if one.node != 1 or one.seq in (1, 5)]
    start, sends = (one for one in tape.records if one.node == 1)
    tape.records[tape.records.index(sends)] = replace(
        sends, seq=2, state=sends.state._replace(commit_index=commit)
    )
    found = [name for name, _, _ in tape.found(complete=False)]
    assert ("StateMachineSafety" in found) == bool(commit)
    assert start.seq == 1


def test_an_acknowledgement_from_before_the_entry_was_overwritten(tape: Tape) -> None:
    """It is owed from before the log was cut, and what took its place is committed since."""
    old, last = v.Position(1, 3), v.Position(2, 3)
    tape.add(1, v.ElectionTimeout(), drained=False, last_position=old)
    call = v.AppendEntriesCall(2, 2, 1, 3, h.SECOND, (v.Entry(2, v.TERM),))
    write = v.AppendLogEntries(h.SECOND, call.entries)
    late = h.append_reply(1, 0, old, 4)
    tape.receive(1, call, v.SaveCurrentTerm(2), v.SaveVotedFor(None), write, late,
                 current_term=2, voted_for=None, last_position=last, commit_index=3)  # fmt: skip
    assert tape.found(complete=False) == []


def test_a_leader_tells_of_another_term(tape: Tape) -> None:
    """Node 1 knows what is committed at index 2; node 7, of which there is no recording, too."""
    call = v.AppendEntriesCall(7, 3, 1, 2, OTHER, ())
    tape.receive(1, call, v.SaveCurrentTerm(3), v.SaveVotedFor(None), current_term=3,
                 voted_for=None)  # fmt: skip
    assert tape.found() == [("StateMachineSafety", 1, 5)]


def test_nothing_is_taken_from_a_call_that_changes_nothing(tape: Tape) -> None:
    """A node may ignore entries that would fit: its log is as long as before."""
    tape.states[2] = tape.states[2]._replace(**shown(1, 2, commit=0))
    tape.add(2, v.Heartbeat(), outcome=False, drained=False)
    call = v.AppendEntriesCall(7, 3, 1, 2, v.ZERO, (h.FOUNDING, h.OPENING, h.COMMANDED))
    tape.receive(2, call, drained=False)
    beat = v.AppendEntriesCall(7, 3, 1, 2, v.ZERO, ())
    audit = tape.receive(2, beat, drained=False, commit_index=2).audit()
    assert audit.finish() == []


def test_a_leader_whose_log_ends_before_what_is_committed() -> None:
    """By the ends of the logs alone: node 0 commits index 8 in term 2, node 1 leads term 3."""
    for ends, lacks in (((2, 7), True), ((1, 9), True), ((2, 8), False), ((3, 8), True)):
        tape = Tape()
        for node, (term, index), role in ((0, (2, 8), "follower"), (1, ends, "leader")):
            tape.add(node, v.Start(), drained=False)
            state = shown(term, index, commit=8 if node == 0 else 0)
            state |= {"role": role, "current_term": 2 + node}
            tape.states[node] = tape.states[node]._replace(**state)
            tape.add(node, v.Heartbeat(), outcome=False, drained=False)
        assert tape.found() == ([("LeaderCompleteness", 1, 2)] if lacks else [])


def test_many_sightings_are_compared_once_each() -> None:
    """Not each with each other: as many comparisons as sightings but the first."""
    nodes = {node: Sightings() for node in range(50)}
    for node, sightings in nodes.items():
        sightings.note(100, array("I", [1, 2, 9 if node == 30 else 3]), 7)
    compared = Compared(nodes)
    assert compared.count == 49 * 3
    assert compared.differing == {103}
    seen = seen_at(nodes, compared.differing)[103]
    assert len(seen) == 50
    assert (30, 7, 9) in seen


@pytest.mark.parametrize("commit", [2, 3])
def test_a_snapshot_of_what_nobody_committed(commit: int, tape: Tape) -> None:
    """Node 1 takes one of index 3; whether that is committed node 0 knows."""
    append = v.AppendLogEntries(h.SECOND, (h.COMMANDED,))
    tape.add(0, v.ProposeCommand(), append, outcome=h.THIRD, last_position=h.THIRD)
    tape.receive(0, v.AppendEntriesReply(1, 1, 90, h.THIRD), commit_index=commit)
    tape.add(1, v.ElectionTimeout(), append, last_position=h.THIRD)
    tape.add(1, v.SnapshotInstalled(h.THIRD, h.ALL), outcome=True, snapshot_position=h.THIRD,
             commit_index=3)  # fmt: skip
    found = [("SnapshotWithinCommit", 1, 6)] if commit == 2 else []
    assert tape.found() == found
    audit = tape.audit(complete=False)
    assert audit.finish() == []
    assert ("SnapshotWithinCommit" in audit.unjudged) == bool(found)
