"""The safety audit on one node's records: each check catches its fault and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from conformance.audit.safety.audit import CHECKS, SafetyAudit
from conformance.audit.safety.messages import NOT_COVERED
from conformance.observe.recorded import Recorded
from spec import values as v
from tests.audit import by_hand as h
from tests.support.tape import NEW, Tape


def test_a_correct_recording_conforms(tape: Tape) -> None:
    assert tape.found() == []


def test_what_was_compared_is_counted(tape: Tape) -> None:
    h.restart(tape, 1, v.Restart(1, 0, h.LOG))
    h.lead(tape, 0, 2, h.SECOND)
    audit = SafetyAudit()
    assert not any(audit.checked.values())
    for record in tape.records:
        audit.add(record)
    assert audit.finish() == []
    seldom = [
        "ChangeAfterCommitInTerm",
        "ConfigChangeThroughJoint",
        "ConfirmedByQuorum",
        "OneChangeAtATime",
        "StaleCallRejected",
    ]
    assert [name for name in CHECKS if not audit.checked[name]] == seldom
    assert audit.unjudged == {"EveryMessageWasSent": {NOT_COVERED: 1}}


def test_a_node_that_never_started_is_refused() -> None:
    with pytest.raises(ValueError, match="never started"):
        SafetyAudit().add(Recorded(0, 1, v.Heartbeat(), False, (), NEW))


# One node: term, vote, commit index


def test_term_falls(tape: Tape) -> None:
    assert ("TermMonotonic", 2, 3) in (
        tape.add(2, v.ElectionTimeout(), v.SaveCurrentTerm(1), current_term=1)
        .add(2, v.ElectionTimeout(), current_term=0)
        .found()
    )


def test_saved_term_falls(tape: Tape) -> None:
    assert tape.add(1, v.ElectionTimeout(), v.SaveCurrentTerm(0)).found() == [
        ("TermMonotonic", 1, 5)
    ]


def test_restart_with_an_earlier_term(tape: Tape) -> None:
    assert h.restart(tape, 0, v.Restart(0, None, h.LOG)).found() == [
        ("RestartFromDisk", 0, 6),
        ("TermMonotonic", 0, 6),
        ("TermNotBelowLog", 0, 6),
    ]


def test_commit_index_falls(tape: Tape) -> None:
    assert tape.add(1, v.ElectionTimeout(), commit_index=1).found() == [("CommitMonotonic", 1, 5)]


def test_commit_index_after_a_restart_is_at_least_the_snapshots(tape: Tape) -> None:
    tape.add(1, v.SnapshotInstalled(h.SECOND, h.ALL), outcome=True, snapshot_position=h.SECOND)
    disk = v.Restart(1, 0, v.new_log(h.SECOND, h.ALL))
    assert h.restart(tape, 1, disk).found() == []
    assert h.restart(tape, 1, disk, commit_index=0).found() == [("CommitMonotonic", 1, 7)]


def test_two_votes_in_a_term_are_told_where_the_second_is_given(tape: Tape) -> None:
    tape.add(1, v.ElectionTimeout(), v.SaveVotedFor(None), voted_for=None)
    assert tape.found() == [("VoteKeptInTerm", 1, 5)]
    tape.add(1, v.ElectionTimeout(), v.SaveVotedFor(2), h.vote_reply(1, 2, 1), voted_for=2)
    assert tape.found() == [("VoteOncePerTerm", 1, 6)]


def test_two_votes_with_a_restart_between(tape: Tape) -> None:
    h.restart(tape, 1, v.Restart(1, None, h.LOG))
    tape.add(1, v.ElectionTimeout(), v.SaveVotedFor(2), h.vote_reply(1, 2, 1), voted_for=2)
    assert tape.found() == [("RestartFromDisk", 1, 5), ("VoteOncePerTerm", 1, 6)]


def test_campaigning_is_a_vote_for_oneself(tape: Tape) -> None:
    campaign = v.BroadcastMessage(v.RequestVoteCall(1, 1, 1, h.SECOND), (0, 2))
    tape.add(1, v.ElectionTimeout(), v.SaveVotedFor(1), campaign, voted_for=1)
    assert ("VoteOncePerTerm", 1, 5) in tape.found()


def test_a_vote_again_for_the_same_candidate(tape: Tape) -> None:
    assert tape.receive(1, h.ASKED, h.vote_reply(1, 0, 1)).found() == []


def test_a_leader_that_voted_for_another(tape: Tape) -> None:
    tape.add(1, v.ElectionTimeout(), role="leader")
    assert ("VoteOncePerTerm", 1, 5) in tape.found()


# One node: persisted before told (Figure 2)


def test_vote_told_before_it_is_persisted(tape: Tape) -> None:
    tape.receive(
        2,
        h.ASKED,
        v.SaveCurrentTerm(1),
        h.vote_reply(2, 0, 1),
        v.SaveVotedFor(0),
        current_term=1,
        voted_for=0,
    )
    assert tape.found() == [("VotePersistedBeforeReply", 2, 2)]


def test_campaign_before_the_own_vote_is_persisted(tape: Tape) -> None:
    campaign = v.BroadcastMessage(v.RequestVoteCall(2, 2, 1, v.ZERO), (0, 1))
    tape.add(
        2, v.ElectionTimeout(), v.SaveCurrentTerm(2), campaign, v.SaveVotedFor(2),
        role="candidate", current_term=2, voted_for=2,
    )  # fmt: skip
    assert tape.found() == [("VotePersistedBeforeReply", 2, 2)]


def test_message_before_its_term_is_persisted(tape: Tape) -> None:
    refusal = h.vote_reply(2, 0, 1, granted=False)
    tape.receive(2, h.ASKED, refusal, v.SaveCurrentTerm(1), current_term=1)
    assert tape.found() == [("TermPersistedBeforeMessage", 2, 2)]


def test_entries_reported_before_they_are_persisted(tape: Tape) -> None:
    append = v.AppendLogEntries(v.ZERO, (h.FOUNDING, h.OPENING))
    tape.receive(
        2, h.OPENED, v.SaveCurrentTerm(1), h.append_reply(2, 0, h.SECOND), append,
        current_term=1, last_position=h.SECOND, config=h.ALL,
    )  # fmt: skip
    assert tape.found() == [("EntriesPersistedBeforeReply", 2, 2)]


def test_the_same_fault_in_every_record_is_told_once(tape: Tape) -> None:
    for seqno in range(5):
        tape.add(2, v.ElectionTimeout(), h.append_reply(2, 0, h.THIRD, seqno, term=0))
    assert tape.found() == [("EntriesPersistedBeforeReply", 2, 2)]


def test_truncation_without_an_action_leaves_a_longer_disk(tape: Tape) -> None:
    """So the original crate does it: what is reported is a prefix of what the disk holds."""
    longer = v.AppendLogEntries(h.SECOND, (h.COMMANDED, h.COMMANDED))
    tape.add(1, v.ElectionTimeout(), longer, last_position=v.Position(1, 4))
    saved = v.SaveCurrentTerm(2), v.SaveVotedFor(None)
    tape.add(1, v.ElectionTimeout(), *saved, h.append_reply(1, 0, h.THIRD, 4, term=2),
             last_position=h.THIRD, current_term=2, voted_for=None)  # fmt: skip
    assert tape.found() == []
    h.restart(tape, 1, v.Restart(2, None, v.new_log(entries=(h.FOUNDING, h.OPENING, h.COMMANDED))))
    assert tape.found() == []


def test_a_reply_of_before_a_truncation_may_leave_after_it(tape: Tape) -> None:
    """Nothing was drained in between, so it is as if the reply had been on its way for long."""
    append = v.AppendLogEntries(h.SECOND, (h.COMMANDED,))
    late = h.append_reply(1, 0, v.Position(1, 4), 4)
    tape.add(1, v.ElectionTimeout(), drained=False, last_position=v.Position(1, 4))
    saved = v.SaveCurrentTerm(2), v.SaveVotedFor(None)
    tape.add(1, v.ElectionTimeout(), *saved, append, late, last_position=h.THIRD,
             current_term=2, voted_for=None)  # fmt: skip
    assert tape.found() == []


# One node: restarts


def test_restart_without_a_vote(tape: Tape) -> None:
    assert h.restart(tape, 1, v.Restart(1, None, h.LOG)).found() == [("RestartFromDisk", 1, 5)]


@pytest.mark.parametrize(
    "log",
    [
        v.new_log(entries=(h.FOUNDING,)),
        v.new_log(entries=(h.FOUNDING, v.Entry(2, v.TERM))),
        v.Log(),
    ],
)
def test_restart_without_an_entry(tape: Tape, log: v.Log) -> None:
    assert ("RestartFromDisk", 1, 5) in h.restart(tape, 1, v.Restart(2, 0, log)).found()


def test_start_of_a_node_that_had_a_disk(tape: Tape) -> None:
    assert tape.add(1, v.Start(), **NEW._asdict()).found() == [
        ("RestartFromDisk", 1, 5),
        ("TermMonotonic", 1, 5),
    ]


def test_restart_with_more_than_was_seen_to_be_persisted(tape: Tape) -> None:
    """The action was executed, and the crash came before it was recorded."""
    longer = v.new_log(entries=(h.FOUNDING, h.OPENING, h.COMMANDED))
    assert h.restart(tape, 1, v.Restart(2, 2, longer)).found() == []


def test_restart_that_is_not_followed(tape: Tape) -> None:
    assert h.restart(tape, 1, v.Restart(1, 0, h.LOG), voted_for=None).found() == [
        ("RestartFromDisk", 1, 5)
    ]


# One node: its log


def test_log_in_memory_is_not_on_the_disk(tape: Tape) -> None:
    tape.add(0, v.ProposeCommand(), outcome=h.THIRD, last_position=h.THIRD)
    assert tape.found() == []  # a crash may have cut the drain short
    tape.add(0, v.Heartbeat(), outcome=True)
    assert tape.found() == [("LogConsistent", 0, 6)]


def test_a_crash_cuts_a_drain_short(tape: Tape) -> None:
    tape.add(0, v.ProposeCommand(), outcome=h.THIRD, last_position=h.THIRD)
    assert h.restart(tape, 0, v.Restart(1, 0, h.LOG)).found() == []


@pytest.mark.parametrize(
    "changes", [{"config": v.NO_CONFIG}, {"snapshot_position": h.FIRST}], ids=["config", "snapshot"]
)
def test_state_is_not_the_logs(tape: Tape, changes: dict[str, Any]) -> None:
    tape.add(0, v.Heartbeat(), outcome=True, **changes).add(0, v.Heartbeat(), outcome=True)
    assert tape.found() == [("LogConsistent", 0, 6)]


def test_append_after_a_gap(tape: Tape) -> None:
    last = v.Position(1, 9)
    tape.add(
        1,
        v.ElectionTimeout(),
        v.AppendLogEntries(v.Position(1, 8), (h.COMMANDED,)),
        last_position=last,
    )
    assert tape.found() == [("WriteContinuesLog", 1, 5)]


def test_committed_entry_is_dropped(tape: Tape) -> None:
    tape.add(1, v.ElectionTimeout(), last_position=h.FIRST)
    assert tape.found() == [("CommittedEntriesStay", 1, 5)]


def test_committed_entry_is_overwritten(tape: Tape) -> None:
    other = v.Position(2, 2)
    write = v.AppendLogEntries(h.FIRST, (v.Entry(2, v.TERM),))
    tape.add(
        1, v.ElectionTimeout(), v.SaveCurrentTerm(2), write, current_term=2, last_position=other
    )
    assert tape.found() == [("CommittedEntriesStay", 1, 5), ("StateMachineSafety", 1, 5)]


def test_uncommitted_entries_may_go(tape: Tape) -> None:
    write = v.AppendLogEntries(h.SECOND, (h.COMMANDED,))
    tape.add(1, v.ElectionTimeout(), write, last_position=h.THIRD)
    write = v.AppendLogEntries(h.SECOND, (v.Entry(2, v.TERM),))
    tape.add(
        1, v.ElectionTimeout(), v.SaveCurrentTerm(2), v.SaveVotedFor(None), write,
        current_term=2, voted_for=None, last_position=v.Position(2, 3),
    )  # fmt: skip
    assert tape.found() == []


def test_leader_drops_an_entry(tape: Tape) -> None:
    append = v.AppendLogEntries(h.SECOND, (h.COMMANDED,))
    tape.add(0, v.ProposeCommand(), append, outcome=h.THIRD, last_position=h.THIRD)
    tape.add(0, v.Heartbeat(), outcome=True, last_position=h.SECOND)
    assert tape.found() == [("LeaderAppendOnly", 0, 7)]


def test_leader_overwrites_an_entry(tape: Tape) -> None:
    h.lead(tape, 0, 3, h.SECOND)
    write = v.AppendLogEntries(h.SECOND, (v.Entry(2, v.TERM),))
    tape.add(0, v.Heartbeat(), write, outcome=True, last_position=v.Position(2, 3))
    assert tape.found() == [("LeaderAppendOnly", 0, 8)]


def test_a_log_that_has_not_been_drained(tape: Tape) -> None:
    """What a leader was told is in its log, and committed entries are known, before any drain."""
    tape.add(0, v.ProposeCommand(), drained=False, outcome=h.THIRD, last_position=h.THIRD)
    fourth = v.Position(1, 4)
    tape.add(0, v.ProposeCommand(), drained=False, outcome=fourth, last_position=fourth)
    for node in (1, 2):  # both, since the leader's own disk does not have it yet
        reply = v.AppendEntriesReply(node, 1, 9, h.THIRD)
        tape.receive(0, reply, drained=False, commit_index=node + 1)
    assert tape.found() == []
    write = v.AppendLogEntries(h.SECOND, (v.Entry(1, h.ALL),))
    tape.add(0, v.Heartbeat(), write, outcome=True, last_position=h.THIRD)
    assert ("StateMachineSafety", 0, 10) in tape.found()
