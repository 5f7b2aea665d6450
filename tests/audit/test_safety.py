"""The safety audit on recordings written by hand: each check catches its fault and nothing else.

Every test goes on from the same short story: node 0 founds a cluster of three, is elected by node
1, and commits; node 2 hears nothing of it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from conformance.audit.safety import CHECKS, SafetyAudit
from conformance.record import Checkpoint, Observed, Recorded
from spec.values import (
    COMMAND,
    NO_CONFIG,
    TERM,
    ZERO,
    Action,
    AppendEntriesCall,
    AppendEntriesReply,
    AppendLogEntries,
    BroadcastMessage,
    Config,
    CreateCluster,
    ElectionTimeout,
    Entry,
    Event,
    Follower,
    Heartbeat,
    Log,
    Message,
    Node,
    NodeId,
    Outcome,
    Position,
    ProposeCommand,
    Receive,
    RequestVoteCall,
    RequestVoteReply,
    Restart,
    SaveCurrentTerm,
    SaveVotedFor,
    SendMessage,
    SnapshotInstalled,
    Start,
    new_log,
)

ALL = Config(frozenset({0, 1, 2}))
FOUNDING, OPENING, COMMANDED = Entry(0, ALL), Entry(1, TERM), Entry(1, COMMAND)
FIRST, SECOND, THIRD = Position(0, 1), Position(1, 2), Position(1, 3)
LOG = new_log(entries=(FOUNDING, OPENING))
NEW = Observed("follower", 0, None, 0, ZERO, ZERO, NO_CONFIG)


class Tape:
    """A recording as it is being made; a state is what the node showed before, with changes."""

    def __init__(self) -> None:
        self.records: list[Recorded] = []
        self.states: dict[NodeId, Observed] = {}

    def add(
        self,
        node: NodeId,
        event: Event | Checkpoint,
        *actions: Action,
        outcome: Outcome = None,
        drained: bool = True,
        **changes: Any,
    ) -> Tape:
        state = self.states.get(node, NEW)._replace(**changes)
        seq = 1 + sum(record.node == node for record in self.records)
        executed = actions if drained else None
        self.records.append(Recorded(node, seq, event, outcome, executed, state))
        self.states[node] = state
        return self

    def receive(self, node: NodeId, message: Message, *actions: Action, **changes: Any) -> Tape:
        return self.add(node, Receive(message), *actions, **changes)

    def found(self, complete: bool = True) -> list[tuple[str, NodeId | None, int | None]]:
        audit = SafetyAudit(complete)
        for record in self.records:
            audit.add(record)
        return [(found.property, found.node, found.seq) for found in audit.finish()]


def told(node: NodeId, to: NodeId, term: int, granted: bool = True) -> SendMessage:
    return SendMessage(to, RequestVoteReply(node, term, 1, granted))


def reported(
    node: NodeId, to: NodeId, last: Position, seqno: int = 2, term: int = 1
) -> SendMessage:
    return SendMessage(to, AppendEntriesReply(node, term, seqno, last))


ASKED = RequestVoteCall(0, 1, 1, FIRST)
OPENED = AppendEntriesCall(0, 1, 2, 0, ZERO, (FOUNDING, OPENING))
BEAT = AppendEntriesCall(0, 1, 3, 2, SECOND, ())


@pytest.fixture
def tape() -> Tape:
    """Ends with node 0 at seq 5 and node 1 at seq 4, both with index 2 committed; node 2 at 1."""
    tape = Tape()
    for node in range(3):
        tape.add(node, Start())
    tape.add(
        0,
        CreateCluster(ALL.voters),
        SaveCurrentTerm(1),
        SaveVotedFor(0),
        BroadcastMessage(ASKED, (1, 2)),
        AppendLogEntries(ZERO, (FOUNDING,)),
        outcome=FIRST,
        role="candidate",
        current_term=1,
        voted_for=0,
        last_position=FIRST,
        config=ALL,
    )
    vote = (SaveCurrentTerm(1), SaveVotedFor(0), told(1, 0, 1))
    tape.receive(1, ASKED, *vote, current_term=1, voted_for=0)
    tape.receive(
        0,
        RequestVoteReply(1, 1, 1, True),
        BroadcastMessage(OPENED, (1, 2)),
        AppendLogEntries(FIRST, (OPENING,)),
        role="leader",
        last_position=SECOND,
    )
    tape.receive(
        1,
        OPENED,
        AppendLogEntries(ZERO, (FOUNDING, OPENING)),
        reported(1, 0, SECOND),
        last_position=SECOND,
        config=ALL,
    )
    tape.receive(0, AppendEntriesReply(1, 1, 2, SECOND), commit_index=2)
    tape.add(0, Heartbeat(), BroadcastMessage(BEAT, (1, 2)), outcome=True)
    return tape.receive(1, BEAT, reported(1, 0, SECOND, 3), commit_index=2)


def restart(tape: Tape, node: NodeId, disk: Restart, **changes: Any) -> Tape:
    shown: dict[str, Any] = {
        "role": "follower",
        "current_term": disk.current_term,
        "voted_for": disk.voted_for,
        "commit_index": disk.log.snapshot_position.index,
        "last_position": disk.log.last_position,
        "snapshot_position": disk.log.snapshot_position,
        "config": disk.log.config,
    }
    return tape.add(node, disk, **(shown | changes))


def lead(tape: Tape, node: NodeId, term: int, prev: Position, *before: Action) -> Tape:
    """The node becomes leader of a term, without any vote being recorded."""
    opening = (Entry(term, TERM),)
    last = Position(term, prev.index + 1)
    tape.add(node, ElectionTimeout(), SaveCurrentTerm(term), SaveVotedFor(node), *before,
             AppendLogEntries(prev, opening), role="leader", current_term=term, voted_for=node,
             last_position=last)  # fmt: skip
    return tape


def test_a_correct_recording_conforms(tape: Tape) -> None:
    assert tape.found() == []


def test_what_was_compared_is_counted(tape: Tape) -> None:
    restart(tape, 1, Restart(1, 0, LOG))
    lead(tape, 0, 2, SECOND)
    audit = SafetyAudit()
    assert not any(audit.checked.values())
    for record in tape.records:
        audit.add(record)
    assert audit.finish() == []
    assert [name for name in CHECKS if not audit.checked[name]] == []
    assert audit.unjudged == {}


def test_a_node_that_never_started_is_refused() -> None:
    with pytest.raises(ValueError, match="never started"):
        SafetyAudit().add(Recorded(0, 1, Heartbeat(), False, (), NEW))


# One node: term, vote, commit index


def test_term_falls(tape: Tape) -> None:
    assert ("TermMonotonic", 2, 3) in (
        tape.add(2, ElectionTimeout(), SaveCurrentTerm(1), current_term=1)
        .add(2, ElectionTimeout(), current_term=0)
        .found()
    )


def test_saved_term_falls(tape: Tape) -> None:
    assert tape.add(1, ElectionTimeout(), SaveCurrentTerm(0)).found() == [("TermMonotonic", 1, 5)]


def test_restart_with_an_earlier_term(tape: Tape) -> None:
    assert restart(tape, 0, Restart(0, None, LOG)).found() == [
        ("RestartFromDisk", 0, 6),
        ("TermMonotonic", 0, 6),
    ]


def test_commit_index_falls(tape: Tape) -> None:
    assert tape.add(1, ElectionTimeout(), commit_index=1).found() == [("CommitMonotonic", 1, 5)]


def test_commit_index_after_a_restart_is_at_least_the_snapshots(tape: Tape) -> None:
    tape.add(1, SnapshotInstalled(SECOND, ALL), outcome=True, snapshot_position=SECOND)
    disk = Restart(1, 0, new_log(SECOND, ALL))
    assert restart(tape, 1, disk).found() == []
    assert restart(tape, 1, disk, commit_index=0).found() == [("CommitMonotonic", 1, 7)]


def test_two_votes_in_a_term_are_told_where_the_second_is_given(tape: Tape) -> None:
    tape.add(1, ElectionTimeout(), SaveVotedFor(None), voted_for=None)
    assert tape.found() == [("VoteKeptInTerm", 1, 5)]
    tape.add(1, ElectionTimeout(), SaveVotedFor(2), told(1, 2, 1), voted_for=2)
    assert tape.found() == [("VoteOncePerTerm", 1, 6)]


def test_two_votes_with_a_restart_between(tape: Tape) -> None:
    restart(tape, 1, Restart(1, None, LOG))
    tape.add(1, ElectionTimeout(), SaveVotedFor(2), told(1, 2, 1), voted_for=2)
    assert tape.found() == [("RestartFromDisk", 1, 5), ("VoteOncePerTerm", 1, 6)]


def test_campaigning_is_a_vote_for_oneself(tape: Tape) -> None:
    campaign = BroadcastMessage(RequestVoteCall(1, 1, 1, SECOND), (0, 2))
    tape.add(1, ElectionTimeout(), SaveVotedFor(1), campaign, voted_for=1)
    assert ("VoteOncePerTerm", 1, 5) in tape.found()


def test_a_vote_again_for_the_same_candidate(tape: Tape) -> None:
    assert tape.receive(1, ASKED, told(1, 0, 1)).found() == []


def test_a_leader_that_voted_for_another(tape: Tape) -> None:
    tape.add(1, ElectionTimeout(), role="leader")
    assert ("VoteOncePerTerm", 1, 5) in tape.found()


# One node: persisted before told (Figure 2)


def test_vote_told_before_it_is_persisted(tape: Tape) -> None:
    tape.receive(
        2, ASKED, SaveCurrentTerm(1), told(2, 0, 1), SaveVotedFor(0), current_term=1, voted_for=0
    )
    assert tape.found() == [("VotePersistedBeforeReply", 2, 2)]


def test_campaign_before_the_own_vote_is_persisted(tape: Tape) -> None:
    campaign = BroadcastMessage(RequestVoteCall(2, 2, 1, ZERO), (0, 1))
    tape.add(
        2, ElectionTimeout(), SaveCurrentTerm(2), campaign, SaveVotedFor(2),
        role="candidate", current_term=2, voted_for=2,
    )  # fmt: skip
    assert tape.found() == [("VotePersistedBeforeReply", 2, 2)]


def test_message_before_its_term_is_persisted(tape: Tape) -> None:
    refusal = told(2, 0, 1, granted=False)
    tape.receive(2, ASKED, refusal, SaveCurrentTerm(1), current_term=1)
    assert tape.found() == [("TermPersistedBeforeMessage", 2, 2)]


def test_entries_reported_before_they_are_persisted(tape: Tape) -> None:
    append = AppendLogEntries(ZERO, (FOUNDING, OPENING))
    tape.receive(
        2, OPENED, SaveCurrentTerm(1), reported(2, 0, SECOND), append,
        current_term=1, last_position=SECOND, config=ALL,
    )  # fmt: skip
    assert tape.found() == [("EntriesPersistedBeforeReply", 2, 2)]


def test_the_same_fault_in_every_record_is_told_once(tape: Tape) -> None:
    for seqno in range(5):
        tape.add(2, ElectionTimeout(), reported(2, 0, THIRD, seqno, term=0))
    assert tape.found() == [("EntriesPersistedBeforeReply", 2, 2)]


def test_truncation_without_an_action_leaves_a_longer_disk(tape: Tape) -> None:
    """So the original crate does it: what is reported is a prefix of what the disk holds."""
    longer = AppendLogEntries(SECOND, (COMMANDED, COMMANDED))
    tape.add(1, ElectionTimeout(), longer, last_position=Position(1, 4))
    tape.add(1, ElectionTimeout(), reported(1, 0, THIRD, 4), last_position=THIRD)
    assert tape.found() == []
    restart(tape, 1, Restart(1, 0, new_log(entries=(FOUNDING, OPENING, COMMANDED))))
    assert tape.found() == []


def test_a_reply_of_before_a_truncation_may_leave_after_it(tape: Tape) -> None:
    """Nothing was drained in between, so it is as if the reply had been on its way for long."""
    append = AppendLogEntries(SECOND, (COMMANDED,))
    late = reported(1, 0, Position(1, 4), 4)
    tape.add(1, ElectionTimeout(), drained=False, last_position=Position(1, 4))
    tape.add(1, ElectionTimeout(), append, late, last_position=THIRD)
    assert tape.found() == []


# One node: restarts


def test_restart_without_a_vote(tape: Tape) -> None:
    assert restart(tape, 1, Restart(1, None, LOG)).found() == [("RestartFromDisk", 1, 5)]


@pytest.mark.parametrize(
    "log", [new_log(entries=(FOUNDING,)), new_log(entries=(FOUNDING, Entry(2, TERM))), Log()]
)
def test_restart_without_an_entry(tape: Tape, log: Log) -> None:
    assert ("RestartFromDisk", 1, 5) in restart(tape, 1, Restart(2, 0, log)).found()


def test_start_of_a_node_that_had_a_disk(tape: Tape) -> None:
    assert tape.add(1, Start(), **NEW._asdict()).found() == [
        ("RestartFromDisk", 1, 5),
        ("TermMonotonic", 1, 5),
    ]


def test_restart_with_more_than_was_seen_to_be_persisted(tape: Tape) -> None:
    """The action was executed, and the crash came before it was recorded."""
    longer = new_log(entries=(FOUNDING, OPENING, COMMANDED))
    assert restart(tape, 1, Restart(2, 2, longer)).found() == []


def test_restart_that_is_not_followed(tape: Tape) -> None:
    assert restart(tape, 1, Restart(1, 0, LOG), voted_for=None).found() == [
        ("RestartFromDisk", 1, 5)
    ]


# One node: its log


def test_log_in_memory_is_not_on_the_disk(tape: Tape) -> None:
    tape.add(0, ProposeCommand(), outcome=THIRD, last_position=THIRD)
    assert tape.found() == []  # a crash may have cut the drain short
    tape.add(0, Heartbeat(), outcome=True)
    assert tape.found() == [("LogConsistent", 0, 6)]


def test_a_crash_cuts_a_drain_short(tape: Tape) -> None:
    tape.add(0, ProposeCommand(), outcome=THIRD, last_position=THIRD)
    assert restart(tape, 0, Restart(1, 0, LOG)).found() == []


@pytest.mark.parametrize(
    "changes", [{"config": NO_CONFIG}, {"snapshot_position": FIRST}], ids=["config", "snapshot"]
)
def test_state_is_not_the_logs(tape: Tape, changes: dict[str, Any]) -> None:
    tape.add(0, Heartbeat(), outcome=True, **changes).add(0, Heartbeat(), outcome=True)
    assert tape.found() == [("LogConsistent", 0, 6)]


def test_append_after_a_gap(tape: Tape) -> None:
    last = Position(1, 9)
    tape.add(
        1, ElectionTimeout(), AppendLogEntries(Position(1, 8), (COMMANDED,)), last_position=last
    )
    assert tape.found() == [("WriteContinuesLog", 1, 5)]


def test_committed_entry_is_dropped(tape: Tape) -> None:
    tape.add(1, ElectionTimeout(), last_position=FIRST)
    assert tape.found() == [("CommittedEntriesStay", 1, 5)]


def test_committed_entry_is_overwritten(tape: Tape) -> None:
    other = Position(2, 2)
    write = AppendLogEntries(FIRST, (Entry(2, TERM),))
    tape.add(1, ElectionTimeout(), SaveCurrentTerm(2), write, current_term=2, last_position=other)
    assert tape.found() == [("CommittedEntriesStay", 1, 5), ("StateMachineSafety", 1, 5)]


def test_uncommitted_entries_may_go(tape: Tape) -> None:
    write = AppendLogEntries(SECOND, (COMMANDED,))
    tape.add(1, ElectionTimeout(), write, last_position=THIRD)
    write = AppendLogEntries(SECOND, (Entry(2, TERM),))
    tape.add(
        1, ElectionTimeout(), SaveCurrentTerm(2), SaveVotedFor(None), write,
        current_term=2, voted_for=None, last_position=Position(2, 3),
    )  # fmt: skip
    assert tape.found() == []


def test_leader_drops_an_entry(tape: Tape) -> None:
    append = AppendLogEntries(SECOND, (COMMANDED,))
    tape.add(0, ProposeCommand(), append, outcome=THIRD, last_position=THIRD)
    tape.add(0, Heartbeat(), outcome=True, last_position=SECOND)
    assert tape.found() == [("LeaderAppendOnly", 0, 7)]


def test_leader_overwrites_an_entry(tape: Tape) -> None:
    lead(tape, 0, 3, SECOND)
    write = AppendLogEntries(SECOND, (Entry(2, TERM),))
    tape.add(0, Heartbeat(), write, outcome=True, last_position=Position(2, 3))
    assert tape.found() == [("LeaderAppendOnly", 0, 7)]


def test_a_log_that_has_not_been_drained(tape: Tape) -> None:
    """What a leader was told is in its log, and committed entries are known, before any drain."""
    tape.add(0, ProposeCommand(), drained=False, outcome=THIRD, last_position=THIRD)
    fourth = Position(1, 4)
    tape.add(0, ProposeCommand(), drained=False, outcome=fourth, last_position=fourth)
    tape.add(0, Heartbeat(), drained=False, outcome=True, commit_index=3)
    assert tape.found() == []
    write = AppendLogEntries(SECOND, (Entry(1, ALL),))
    tape.add(0, Heartbeat(), write, outcome=True, last_position=THIRD)
    assert ("StateMachineSafety", 0, 9) in tape.found()


# Several nodes


def test_two_leaders_in_a_term(tape: Tape) -> None:
    tape.receive(2, OPENED, AppendLogEntries(ZERO, (FOUNDING,)), last_position=FIRST, config=ALL)
    lead(tape, 2, 1, FIRST)
    assert tape.found() == [("ElectionSafety", 2, 3)]


def test_two_senders_of_append_entries_in_a_term(tape: Tape) -> None:
    beat = AppendEntriesCall(1, 1, 1, 0, ZERO, ())
    tape.add(1, ElectionTimeout(), BroadcastMessage(beat, (0, 2)))
    assert tape.found() == [("ElectionSafety", 1, 5)]


def test_append_entries_received_from_two_nodes_in_a_term(tape: Tape) -> None:
    tape.receive(2, AppendEntriesCall(7, 1, 1, 0, ZERO, ()))
    assert tape.found() == [("ElectionSafety", 2, 2)]


def test_different_entries_are_committed(tape: Tape) -> None:
    entries = (FOUNDING, Entry(2, TERM))
    other = Position(2, 2)
    tape.add(2, ElectionTimeout(), SaveCurrentTerm(2), AppendLogEntries(ZERO, entries),
             current_term=2, last_position=other, config=ALL, commit_index=2)  # fmt: skip
    assert tape.found() == [("StateMachineSafety", 2, 2)]


def test_the_lowest_index_that_differs_is_told(tape: Tape) -> None:
    """By any node, in whatever order the differences come."""
    for node, term in ((0, 2), (1, 3)):
        lead(tape, node, term, SECOND)
        tape.add(node, Heartbeat(), outcome=True, commit_index=3)
    entries = (FOUNDING, Entry(2, TERM))
    tape.add(2, ElectionTimeout(), AppendLogEntries(ZERO, entries), last_position=Position(2, 2),
             config=ALL, commit_index=2)  # fmt: skip
    audit = SafetyAudit()
    for record in tape.records:
        audit.add(record)
    details = [one.detail for one in audit.finish() if one.property == "StateMachineSafety"]
    assert len(details) == 1
    assert details[0].startswith("index 2: ")


def test_a_snapshot_of_something_else_than_was_committed(tape: Tape) -> None:
    position = Position(2, 2)
    tape.add(2, ElectionTimeout(), SaveCurrentTerm(2), current_term=2)
    tape.add(2, SnapshotInstalled(position, ALL), outcome=True, commit_index=2,
             snapshot_position=position, last_position=position, config=ALL)  # fmt: skip
    assert tape.found() == [("StateMachineSafety", 2, 3)]


@pytest.mark.parametrize(
    "entries", [(FOUNDING, COMMANDED), (FOUNDING, Entry(0, COMMAND), OPENING)], ids=["kind", "prev"]
)
def test_index_and_term_do_not_determine_the_entry(tape: Tape, entries: tuple[Entry, ...]) -> None:
    if len(entries) == 3:  # the same entry in both logs, after one of another term
        append = AppendLogEntries(SECOND, (OPENING,))
        tape.add(1, ElectionTimeout(), append, last_position=THIRD)
    last = Position(1, len(entries))
    write = AppendLogEntries(ZERO, entries)
    tape.add(2, ElectionTimeout(), SaveCurrentTerm(2), write,
             current_term=2, last_position=last, config=ALL)  # fmt: skip
    assert tape.found() == [("LogMatching", 2, 2)]


def test_an_append_call_that_is_no_part_of_the_log(tape: Tape) -> None:
    call = AppendEntriesCall(0, 1, 9, 2, FIRST, (COMMANDED,))
    tape.add(0, Heartbeat(), SendMessage(2, call), outcome=True)
    assert tape.found() == [("LogMatching", 0, 6)]


def test_leader_without_a_committed_entry(tape: Tape) -> None:
    assert lead(tape, 2, 2, ZERO).found() == [("LeaderCompleteness", 2, 2)]


def test_leader_with_another_entry_where_one_is_committed(tape: Tape) -> None:
    write = AppendLogEntries(ZERO, (FOUNDING, Entry(0, COMMAND)))
    assert lead(tape, 2, 2, Position(0, 2), write).found() == [("LeaderCompleteness", 2, 2)]


def test_leader_of_an_earlier_term_needs_no_later_entries(tape: Tape) -> None:
    """Node 2 leads term 2 after, in the file, node 0 committed in term 3."""
    lead(tape, 0, 3, SECOND).add(0, Heartbeat(), outcome=True, commit_index=3)
    write = AppendLogEntries(ZERO, (FOUNDING, OPENING))
    assert lead(tape, 2, 2, SECOND, write).found() == []


# Messages


def test_message_that_was_not_sent(tape: Tape) -> None:
    tape.receive(2, replace(BEAT, commit_index=1))
    assert tape.found() == [("EveryMessageWasSent", 2, 2)]


def test_message_to_another_node(tape: Tape) -> None:
    tape.receive(2, RequestVoteReply(1, 1, 1, True))
    audit = SafetyAudit()
    for record in tape.records:
        audit.add(record)
    # Node 1 sent nothing to node 2, in any case not before its recording ends.
    assert audit.finish() == []
    assert audit.unjudged == {"EveryMessageWasSent": 1}


def test_reply_that_says_something_else(tape: Tape) -> None:
    tape.receive(0, RequestVoteReply(1, 1, 1, False))
    assert tape.found() == [("EveryMessageWasSent", 0, 6)]


def test_duplicates_and_shortened_calls(tape: Tape) -> None:
    short = replace(OPENED, entries=(FOUNDING,))
    tape.receive(2, short).receive(2, short).receive(2, OPENED).receive(2, BEAT).receive(2, BEAT)
    assert tape.found() == []


def test_entries_that_are_not_the_first_of_those_sent(tape: Tape) -> None:
    tape.receive(2, replace(OPENED, entries=(OPENING,)))
    assert tape.found() == [("EveryMessageWasSent", 2, 2)]


def test_sender_without_records(tape: Tape) -> None:
    tape.receive(2, RequestVoteCall(9, 5, 1, ZERO))
    assert tape.found() == []


def test_message_of_after_the_senders_recording_ends(tape: Tape) -> None:
    """It has a higher number or term than all that the recording has."""
    tape.receive(2, replace(BEAT, seqno=4)).receive(2, RequestVoteCall(1, 2, 1, SECOND))
    assert tape.found() == []


def test_recordings_that_do_not_end_together(tape: Tape) -> None:
    tape.receive(2, replace(BEAT, commit_index=1))
    assert tape.found(complete=False) == []
    tape.add(0, ElectionTimeout(), SaveCurrentTerm(2), SaveVotedFor(None), role="follower",
             current_term=2, voted_for=None)  # fmt: skip
    assert tape.found(complete=False) == [("EveryMessageWasSent", 2, 2)]


# Recordings that begin in the middle


def test_recording_that_begins_with_a_restart(tape: Tape) -> None:
    tape.records = [record for record in tape.records if record.node != 2]
    del tape.states[2]
    restart(tape, 2, Restart(1, 0, LOG))
    tape.receive(0, AppendEntriesReply(2, 1, 2, SECOND))  # sent before the recording begins
    assert tape.found() == []
    tape.add(2, ElectionTimeout(), SaveVotedFor(1), told(2, 1, 1), voted_for=1)
    tape.add(2, ElectionTimeout(), last_position=FIRST)
    tape.add(2, ElectionTimeout(), SaveVotedFor(2), told(2, 2, 1), voted_for=2)
    assert tape.found() == [("VoteOncePerTerm", 2, 4)]


def test_recording_that_begins_with_a_checkpoint(tape: Tape) -> None:
    log = new_log(entries=(FOUNDING, OPENING, COMMANDED))
    node = Node(2, Follower(0), 1, 0, log, 2)
    pending = AppendLogEntries(SECOND, (COMMANDED,))
    checkpoint = Checkpoint(node, (pending,), Restart(1, 0, LOG))
    tape.records = [record for record in tape.records if record.node != 2]
    shown = Observed("follower", 1, 0, 2, THIRD, ZERO, ALL)
    tape.records.append(Recorded(2, 40, checkpoint, None, None, shown))
    tape.states[2] = shown
    assert tape.found() == []
    tape.records.append(Recorded(2, 41, ElectionTimeout(), None, (pending,), shown))
    assert tape.found() == []
    wrong = shown._replace(commit_index=1)
    tape.records.append(Recorded(2, 42, ElectionTimeout(), None, (), wrong))
    assert tape.found() == [("CommitMonotonic", 2, 42)]
