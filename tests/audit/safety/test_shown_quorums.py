"""The safety audit on what elections and commitments rest on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from conformance.audit.safety import quorum, steps
from conformance.audit.safety.messages import NOT_COVERED
from conformance.observe.observed import Checkpoint, Observed
from conformance.observe.recorded import Recorded
from spec import values as v
from spec.quorums import is_quorum
from spec.rules import has_quorum
from tests.audit import by_hand as h
from tests.support.tape import Tape

FIVE = v.Config(frozenset(range(5)))
JOINT = v.Config(frozenset({0, 1, 2}), frozenset({0, 3, 4}))
AFTER = v.Config(frozenset({0, 3, 4}))
FOURTH = v.Position(1, 4)


def acknowledged(tape: Tape, last: v.Position, *nodes: v.NodeId, **changes: Any) -> Tape:
    """Node 0 receives acknowledgements, with the last of which it shows these changes."""
    for node in nodes:
        reply = v.AppendEntriesReply(node, last.term, 90, last)
        tape.receive(0, reply, **(changes if node == nodes[-1] else {}))
    return tape


def proposed(tape: Tape, payload: v.Payload, last: v.Position, **changes: Any) -> Tape:
    """Node 0 leads term 1, and has one entry more on its disk."""
    write = v.AppendLogEntries(v.Position(1, last.index - 1), (v.Entry(1, payload),))
    event = v.ProposeConfig(payload) if isinstance(payload, v.Config) else v.ProposeCommand()
    return tape.add(0, event, write, outcome=last, last_position=last, **changes)


@pytest.mark.parametrize(
    "config", [h.ALL, FIVE, JOINT, v.NO_CONFIG, replace(JOINT, voters=AFTER.voters)]
)
def test_a_quorum_is_what_the_specification_takes_for_one(config: v.Config) -> None:
    """Counted twice, independently."""
    for bits in range(2**5):
        members = frozenset(node for node in range(5) if bits >> node & 1)
        if config.voters:
            assert is_quorum(config, members) == has_quorum(config, members)
        else:
            assert not is_quorum(config, members)


# Elections


def campaign(tape: Tape, term: int = 2) -> Tape:
    return tape.add(0, v.ElectionTimeout(), v.SaveCurrentTerm(term), v.SaveVotedFor(0),
                    role="candidate", current_term=term, voted_for=0)  # fmt: skip


def elect(tape: Tape, event: v.Event, term: int = 2) -> Tape:
    opening = v.AppendLogEntries(h.SECOND, (v.Entry(term, v.TERM),))
    return tape.add(0, event, opening, role="leader", last_position=v.Position(term, 3))


@pytest.mark.parametrize(
    "event",
    [
        v.ElectionTimeout(),
        v.Receive(v.RequestVoteReply(1, 2, 1, False)),
        v.Receive(v.RequestVoteReply(1, 1, 1, True)),
        v.Receive(v.RequestVoteReply(7, 2, 1, True)),
        v.Receive(v.RequestVoteReply(0, 2, 1, True)),
    ],
    ids=["no_vote", "refusal", "vote_of_another_term", "no_voter", "itself"],
)
def test_a_leader_without_votes(tape: Tape, event: v.Event) -> None:
    found = elect(campaign(tape), event).found(complete=False)
    assert ("ElectedByQuorum", 0, 7) in found


def test_a_leader_with_a_vote_conforms(tape: Tape) -> None:
    vote = v.Receive(v.RequestVoteReply(1, 2, 1, True))
    audit = elect(campaign(tape), vote).audit()
    assert audit.finish() == []
    assert audit.checked["ElectedByQuorum"] == 2


def test_one_vote_received_twice_is_one(tape: Tape) -> None:
    tape.states[0] = tape.states[0]._replace(config=FIVE)
    vote = v.Receive(v.RequestVoteReply(1, 2, 1, True))
    tape = elect(campaign(tape).add(0, vote), vote)
    assert ("ElectedByQuorum", 0, 8) in tape.found()


def test_the_votes_of_one_membership_do_not_elect_in_both(tape: Tape) -> None:
    tape.states[0] = tape.states[0]._replace(config=JOINT)
    vote = v.Receive(v.RequestVoteReply(1, 2, 1, True))
    assert ("ElectedByQuorum", 0, 7) in elect(campaign(tape), vote).found()


def test_votes_are_lost_in_a_crash(tape: Tape) -> None:
    campaign(tape).receive(0, v.RequestVoteReply(1, 2, 1, True))
    h.restart(tape, 0, v.Restart(2, 0, h.LOG))
    assert ("ElectedByQuorum", 0, 9) in elect(tape, v.ElectionTimeout()).found()


def test_its_own_vote_counts_once_it_is_on_the_disk(tape: Tape) -> None:
    vote = v.Receive(v.RequestVoteReply(1, 2, 1, True))
    tape.add(0, v.ElectionTimeout(), drained=False, role="candidate", current_term=2)
    tape.add(0, vote, drained=False, role="leader", last_position=v.Position(2, 3))
    assert ("ElectedByQuorum", 0, 7) in tape.found()


def test_elected_by_the_event_that_began_the_campaign() -> None:
    """No vote can have come in between, whether or not receipts are recorded."""
    tape = Tape().add(0, v.Start())
    tape.add(0, v.CreateCluster(h.ALL.voters), outcome=h.FIRST, drained=False, role="leader",
             current_term=1, voted_for=0, last_position=h.SECOND, config=h.ALL)  # fmt: skip
    assert tape.found() == [("ElectedByQuorum", 0, 2)]


# Commitments


def test_a_commitment_with_a_quorum_conforms(tape: Tape) -> None:
    proposed(tape, v.COMMAND, h.THIRD)
    assert acknowledged(tape, h.THIRD, 1, commit_index=3).found() == []


@pytest.mark.parametrize(
    "reply",
    [
        v.AppendEntriesReply(1, 1, 90, h.SECOND),
        v.AppendEntriesReply(7, 1, 90, h.THIRD),
        v.AppendEntriesReply(1, 0, 90, h.THIRD),
        v.AppendEntriesReply(1, 1, 90, v.Position(0, 3), accepted=False),
    ],
    ids=["of_less", "of_no_voter", "of_an_earlier_term", "of_another_entry"],
)
def test_a_commitment_without_a_quorum(tape: Tape, reply: v.AppendEntriesReply) -> None:
    proposed(tape, v.COMMAND, h.THIRD).receive(0, reply, commit_index=3)
    assert ("CommittedOnQuorum", 0, 7) in tape.found(complete=False)


def test_a_commitment_before_it_is_on_the_leaders_own_disk(tape: Tape) -> None:
    tape.add(0, v.ProposeCommand(), drained=False, outcome=h.THIRD, last_position=h.THIRD)
    reply = v.AppendEntriesReply(1, 1, 90, h.THIRD)
    tape.receive(0, reply, drained=False, commit_index=3)
    assert tape.found() == [("CommittedOnQuorum", 0, 7)]


def test_an_entry_of_an_earlier_term_is_counted(tape: Tape) -> None:
    proposed(tape, v.COMMAND, h.THIRD)
    h.lead(tape, 0, 2, h.THIRD)
    last = v.Position(1, 3)
    reply = v.AppendEntriesReply(1, 2, 90, last)
    tape.receive(0, reply, commit_index=3)
    assert tape.found() == [("NeverCommitEarlierTermDirectly", 0, 9)]


def test_a_joint_configuration_needs_both_majorities(tape: Tape) -> None:
    proposed(tape, JOINT, h.THIRD, config=JOINT)
    acknowledged(tape, h.THIRD, 1, commit_index=3)
    assert tape.found() == [("CommittedOnQuorum", 0, 7)]
    tape.records[-1].state = tape.records[-2].state
    acknowledged(tape, h.THIRD, 3, commit_index=3)
    assert tape.found() == []


def test_what_a_follower_was_not_told(tape: Tape) -> None:
    beat = replace(h.BEAT, seqno=4)
    tape.add(0, v.Heartbeat(), v.BroadcastMessage(beat, (1, 2)), outcome=True)
    append = v.AppendLogEntries(h.SECOND, (h.COMMANDED,))
    tape.receive(1, beat, append, last_position=h.THIRD, commit_index=3)
    assert tape.found() == [("CommittedOnQuorum", 1, 5)]


def test_a_commit_index_beyond_the_log(tape: Tape) -> None:
    beat = replace(h.BEAT, commit_index=9, seqno=4)
    tape.receive(1, beat, commit_index=9)
    assert ("SnapshotWithinCommit", 1, 5) in tape.found()


# What the recording does not show


def test_receipts_that_are_not_recorded(tape: Tape) -> None:
    """None at all, or some, where events stand for others."""
    for record in tape.records:
        if isinstance(record.event, v.Receive):
            record.event, record.outcome = v.Heartbeat(), False
    audit = tape.audit()
    assert audit.finish() == []
    assert audit.unjudged == {
        "CommittedOnQuorum": {quorum.NO_RECEIPTS: 2},
        "ElectedByQuorum": {quorum.NO_RECEIPTS: 1},
    }
    tape.receive(0, v.RequestVoteCall(9, 1, 1, v.ZERO))
    audit = tape.audit()
    assert audit.finish() == []
    assert audit.unjudged["ElectedByQuorum"] == {quorum.SOME_RECEIPTS: 1}


def test_actions_that_are_not_recorded(tape: Tape) -> None:
    for record in tape.records:
        record.actions = None
    audit = tape.audit()
    assert audit.finish() == []
    assert audit.unjudged["ElectedByQuorum"] == {quorum.NO_ACTIONS: 1}
    assert audit.unjudged["CommittedOnQuorum"] == {quorum.NO_ACTIONS: 1}


def test_configurations_that_are_not_recorded(tape: Tape) -> None:
    for record in tape.records:
        record.state = record.state._replace(config=v.NO_CONFIG)
    audit = tape.audit()
    audit.finish()
    assert audit.unjudged["ElectedByQuorum"] == {quorum.NO_CONFIG: 1}
    assert audit.unjudged["CommittedOnQuorum"] == {quorum.NO_CONFIG: 1}


def test_an_acknowledgement_of_more_than_the_leader_has(tape: Tape) -> None:
    """It accepts a call and has entries of its own after that."""
    proposed(tape, v.COMMAND, h.THIRD)
    reply = v.AppendEntriesReply(1, 1, 90, v.Position(0, 9))
    audit = tape.receive(0, reply, commit_index=3).audit()
    assert audit.finish() == []
    assert audit.unjudged["CommittedOnQuorum"] == {quorum.UNKNOWN_ACK: 1}


def test_what_a_checkpoint_says_was_received() -> None:
    log = v.new_log(entries=(h.FOUNDING, h.OPENING, h.COMMANDED))
    disk = v.Restart(1, 0, log)
    for match, expected in ((3, []), (2, [("CommittedOnQuorum", 0, 41)])):
        role = v.Leader((v.Progress(1, match), v.Progress(2)), 3)
        node = v.Node(0, role, 1, 0, log, 2)
        shown = Observed("leader", 1, 0, 2, h.THIRD, v.ZERO, h.ALL)
        tape = Tape()
        tape.records.append(Recorded(0, 40, Checkpoint(node, (), disk), None, None, shown))
        beat = v.Receive(v.AppendEntriesReply(2, 1, 1, h.FIRST))
        shown = shown._replace(commit_index=3)
        tape.records.append(Recorded(0, 41, beat, None, (), shown))
        assert tape.found() == expected


# Configurations


def test_a_change_through_a_joint_configuration(tape: Tape) -> None:
    proposed(tape, JOINT, h.THIRD, config=JOINT)
    acknowledged(tape, h.THIRD, 1, 3, commit_index=3)
    audit = proposed(tape, AFTER, FOURTH, config=AFTER).audit()
    assert audit.finish() == []
    assert audit.checked["ConfigChangeThroughJoint"] == 2


@pytest.mark.parametrize(
    "config",
    [
        v.Config(frozenset({1, 2}), frozenset({0, 1})),
        replace(JOINT, non_voters=frozenset({3})),
    ],
    ids=["other_voters", "voter_and_non_voter"],
)
def test_a_change_from_something_else(tape: Tape, config: v.Config) -> None:
    proposed(tape, config, h.THIRD, config=config)
    assert tape.found() == [("ConfigChangeThroughJoint", 0, 6)]


def test_a_joint_configuration_is_left_before_it_is_committed(tape: Tape) -> None:
    proposed(tape, JOINT, h.THIRD, config=JOINT)
    proposed(tape, AFTER, FOURTH, config=AFTER)
    assert tape.found() == [("ConfigChangeThroughJoint", 0, 7)]


def test_a_change_of_several_voters_at_once(tape: Tape) -> None:
    """That is a violation where the implementation has joint configurations."""
    proposed(tape, AFTER, h.THIRD, config=AFTER)
    audit = tape.audit()
    assert audit.finish() == []
    assert audit.unjudged == {"ConfigChangeThroughJoint": {steps.NO_STEPS: 1}}
    h.restart(tape, 2, v.Restart(1, 0, v.new_log(entries=(h.FOUNDING, v.Entry(1, JOINT)))))
    assert ("ConfigChangeThroughJoint", 0, 6) in tape.found()


# One voter at a time (dissertation, §4.1): node 0 leads term 1 in a cluster of three

FEWER = v.Config(frozenset({0, 1}))
FEWEST = v.Config(frozenset({0}))


def test_a_change_of_one_voter_at_a_time(tape: Tape) -> None:
    """Each once an entry of the term, and the change before, is committed."""
    proposed(tape, FEWER, h.THIRD, config=FEWER)
    acknowledged(tape, h.THIRD, 1, commit_index=3)
    audit = proposed(tape, FEWEST, FOURTH, config=FEWEST).audit()
    assert audit.finish() == []
    assert audit.checked["OneChangeAtATime"] == 1
    assert audit.checked["ChangeAfterCommitInTerm"] == 2


def test_a_second_change_before_the_first_is_committed(tape: Tape) -> None:
    proposed(tape, FEWER, h.THIRD, config=FEWER)
    proposed(tape, FEWEST, FOURTH, config=FEWEST)
    assert ("OneChangeAtATime", 0, 7) in tape.found()


def test_several_voters_at_once_where_others_came_one_by_one(tape: Tape) -> None:
    """Who shows single steps would have shown the one in between."""
    proposed(tape, FEWER, h.THIRD, config=FEWER)
    acknowledged(tape, h.THIRD, 1, commit_index=3)
    proposed(tape, AFTER, FOURTH, config=AFTER)
    assert tape.found() == [("ConfigChangeThroughJoint", 0, 8)]


def test_non_voters_come_and_go_freely(tape: Tape) -> None:
    spare = replace(FEWER, non_voters=frozenset({7}))
    proposed(tape, FEWER, h.THIRD, config=FEWER)
    proposed(tape, spare, FOURTH, config=spare)
    assert tape.found() == []


def test_a_change_before_anything_of_the_term_is_committed(tape: Tape) -> None:
    """The flaw of 2015: leaders of two terms change what neither of them has committed."""
    h.lead(tape, 0, 2, h.SECOND)
    write = v.AppendLogEntries(v.Position(2, 3), (v.Entry(2, FEWER),))
    last = v.Position(2, 4)
    tape.add(0, v.ProposeConfig(FEWER), write, outcome=last, last_position=last, config=FEWER)
    assert [name for name, _, _ in tape.found()] == ["ChangeAfterCommitInTerm"]


# Terms and votes


def test_a_log_of_a_later_term(tape: Tape) -> None:
    write = v.AppendLogEntries(v.ZERO, (v.Entry(7, v.COMMAND),))
    last = v.Position(7, 1)
    tape.add(2, v.ElectionTimeout(), v.SaveCurrentTerm(1), write, current_term=1,
             last_position=last)  # fmt: skip
    assert tape.found() == [("TermNotBelowLog", 2, 2)]


def test_a_recording_may_begin_with_a_log_of_a_later_term(tape: Tape) -> None:
    tape.forget(2)
    audit = h.restart(tape, 2, v.Restart(0, None, h.LOG)).audit()
    assert audit.finish() == []
    assert audit.unjudged == {"TermNotBelowLog": {steps.GIVEN: 1}}


def test_a_vote_for_a_log_that_lacks_entries(tape: Tape) -> None:
    call = v.RequestVoteCall(2, 2, 1, h.FIRST)
    audit = tape.receive(1, call, current_term=2, voted_for=2, drained=False).audit()
    assert [one.property for one in audit.finish()] == ["VoteForUpToDateLog"]
    assert audit.unjudged == {"EveryMessageWasSent": {NOT_COVERED: 1}}


def test_a_vote_that_goes_to_another(tape: Tape) -> None:
    tape.add(1, v.ElectionTimeout(), drained=False, current_term=2, voted_for=1)
    tape.add(1, v.ElectionTimeout(), drained=False, voted_for=2)
    assert tape.found() == [("VoteKeptInTerm", 1, 6)]


def test_a_call_of_an_earlier_term_is_obeyed(tape: Tape) -> None:
    tape.add(1, v.ElectionTimeout(), v.SaveCurrentTerm(2), current_term=2, voted_for=None)
    write = v.AppendLogEntries(h.SECOND, (h.COMMANDED,))
    tape.receive(1, replace(h.BEAT, seqno=9), write, last_position=h.THIRD)
    assert tape.found(complete=False) == [("StaleCallRejected", 1, 6)]


def test_a_vote_of_an_earlier_term_that_was_never_shown(tape: Tape) -> None:
    """A reply may be late, if it is owed from before the term rose; else it is granted too late."""
    late = h.vote_reply(1, 2, 2)
    saved = v.SaveCurrentTerm(3), v.SaveVotedFor(None), late
    tape.add(1, v.ElectionTimeout(), *saved, current_term=3, voted_for=None)
    assert tape.found() == [("VotePersistedBeforeReply", 1, 5)]
    tape.records.pop()
    tape.seqs[1] = 4
    tape.add(1, v.ElectionTimeout(), drained=False, current_term=2, voted_for=2)
    tape.add(1, v.ElectionTimeout(), *saved, current_term=3, voted_for=None)
    assert tape.found() == []


def test_another_vote_is_saved_before_the_next_term_is(tape: Tape) -> None:
    """A crash in between would leave it in the term in which the node told of another."""
    saved = v.SaveVotedFor(2), v.SaveCurrentTerm(2)
    tape.add(1, v.ElectionTimeout(), *saved, current_term=2, voted_for=2)
    assert tape.found() == [("VoteKeptInTerm", 1, 5)]


# What a term's entries and reads rest on


def test_a_follower_drops_an_entry_of_its_term(tape: Tape) -> None:
    append = v.AppendLogEntries(h.SECOND, (h.COMMANDED,))
    tape.add(1, v.ElectionTimeout(), append, last_position=h.THIRD)
    drop = v.AppendLogEntries(h.SECOND, ())
    tape.add(1, v.ElectionTimeout(), drop, last_position=h.SECOND)
    assert tape.found() == [("EntriesKeptInTerm", 1, 6)]


def test_terms_fall_after_a_snapshot(tape: Tape) -> None:
    tape.add(1, v.SnapshotInstalled(h.SECOND, h.ALL), outcome=True, snapshot_position=h.SECOND,
             last_position=v.Position(0, 3))  # fmt: skip
    assert ("TermsMonotonicInLog", 1, 5) in tape.found()


@pytest.mark.parametrize(("number", "config"), [(4, h.ALL), (3, JOINT)], ids=["late", "joint"])
def test_calls_that_no_quorum_has_answered(tape: Tape, number: int, config: v.Config) -> None:
    """Node 0 has the answer of node 1 to call 3 in term 1."""
    tape.states[0] = tape.states[0]._replace(config=config)
    reply = v.AppendEntriesReply(1, 1, 3, h.SECOND)
    assert ("ConfirmedByQuorum", 0, 6) in tape.receive(0, reply, confirmed=number).found()


def test_calls_that_a_quorum_has_answered(tape: Tape) -> None:
    reply = v.AppendEntriesReply(1, 1, 3, h.SECOND)
    audit = tape.receive(0, reply, confirmed=3).audit()
    assert audit.finish() == []
    assert audit.checked["ConfirmedByQuorum"] == 1


def test_a_crash_may_have_cut_off_the_write_that_a_commitment_rests_on() -> None:
    """The state is that after the drain; with another event after it, the write is missing."""
    tape = Tape().drive(v.Start(), v.CreateCluster(frozenset({1})), v.ProposeCommand())
    tape.records[-1].actions = ()
    audit = tape.audit()
    assert audit.finish() == []
    assert audit.unjudged["CommittedOnQuorum"] == {quorum.MAYBE_CUT: 1}
    tape.drive(v.Heartbeat())
    assert ("CommittedOnQuorum", 1, 3) in tape.found()


def test_a_leader_tells_to_commit_more_than_it_has(tape: Tape) -> None:
    """Figure 2: leaderCommit is its commit index; its followers do not count again."""
    beat = v.AppendEntriesCall(0, 1, 4, 3, h.SECOND, ())
    tape.add(0, v.Heartbeat(), v.BroadcastMessage(beat, (1, 2)), outcome=True)
    assert tape.found(complete=False) == [("CommittedOnQuorum", 0, 6)]


@pytest.mark.parametrize(
    ("match", "expected"), [(4, []), (3, [("CommittedOnQuorum", 0, 41)])], ids=["own", "earlier"]
)
def test_a_joint_configuration_of_an_earlier_term(
    match: int, expected: list[tuple[str, int, int]]
) -> None:
    """§5.4.2: it is committed by an entry of the leader's own term, under both majorities; the new
    one alone, which is the leader, commits what follows.
    """
    joint, final = v.Config(h.ALL.voters, frozenset({0})), v.Config(frozenset({0}))
    entries = (h.FOUNDING, h.OPENING, v.Entry(1, joint), v.Entry(3, v.TERM))
    log, last = v.new_log(entries=entries), v.Position(3, 5)
    node = v.Node(0, v.Leader((v.Progress(1, match), v.Progress(2)), 4), 3, 0, log, 2)
    shown = Observed("leader", 3, 0, 2, v.Position(3, 4), v.ZERO, joint)
    tape = Tape()
    checkpoint = Checkpoint(node, (), v.Restart(3, 0, log))
    tape.records.append(Recorded(0, 40, checkpoint, None, None, shown))
    write = v.AppendLogEntries(v.Position(3, 4), (v.Entry(3, final),))
    shown = shown._replace(commit_index=5, last_position=last, config=final)
    reply = v.Receive(v.AppendEntriesReply(2, 3, 9, h.FIRST))
    tape.records.append(Recorded(0, 41, reply, None, (write,), shown))
    assert tape.found() == expected
