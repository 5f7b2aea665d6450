"""How owed actions merge until a drain, and in which order they come then (`spec.pending`)."""

from __future__ import annotations

import pytest

from spec import values as v
from spec.pending import (
    NOTHING,
    Pending,
    actions,
    compact,
    join,
    merge_appends,
    merge_messages,
    merge_sends,
    owe,
)
from spec.rules import step
from tests.support.scenario import commands, leading, log_of, voters

P = v.Position


def call(prev: v.Position, *terms: int, term: int = 2, seqno: int = 1) -> v.AppendEntriesCall:
    return v.AppendEntriesCall(0, term, seqno, seqno, prev, commands(*terms))


def reply(seqno: int) -> v.AppendEntriesReply:
    return v.AppendEntriesReply(1, 2, seqno, P(1, 1))


@pytest.mark.parametrize(
    ("prev", "entries", "later_prev", "later", "joined"),
    [
        (P(1, 1), (1, 2), P(2, 3), (2,), (1, 2, 2)),  # end to end
        (P(1, 1), (1, 2), P(1, 2), (3,), (1, 3)),  # the later one covers the end
        (P(1, 1), (1, 2), P(1, 1), (3,), (3,)),  # and all of it
        (P(1, 1), (1, 2), P(1, 2), (), (1,)),  # a cut
        (P(1, 1), (), P(1, 1), (2,), (2,)),
        (P(1, 1), (1, 2), P(2, 4), (2,), None),  # a gap
        (P(1, 2), (1, 2), P(1, 1), (3,), None),  # the later one begins before
        (P(1, 1), (1, 2), P(1, 3), (3,), None),  # it follows another entry there
        (P(1, 1), (1, 2), P(2, 1), (3,), None),
    ],
)
def test_entries_join_where_the_later_ones_follow_one_of_the_earlier(
    prev: v.Position,
    entries: tuple[int, ...],
    later_prev: v.Position,
    later: tuple[int, ...],
    joined: tuple[int, ...] | None,
) -> None:
    expected = None if joined is None else commands(*joined)
    assert join(prev, commands(*entries), later_prev, commands(*later)) == expected


def test_calls_that_join_are_one_call_and_otherwise_the_later_one_is_sent() -> None:
    first = call(P(1, 1), 2, seqno=1)
    assert merge_messages(None, first) == first
    assert merge_messages(first, call(P(2, 2), 2, seqno=2)) == call(P(1, 1), 2, 2, seqno=2)
    gap = call(P(2, 3), 2, seqno=2)
    assert merge_messages(first, gap) == gap
    newer_term = call(P(2, 2), 3, term=3)
    assert merge_messages(first, newer_term) == newer_term
    assert merge_messages(first, reply(3)) == reply(3)
    assert merge_messages(reply(3), first) == first


def test_writes_join_and_one_that_begins_earlier_covers_the_other() -> None:
    first = v.AppendLogEntries(P(1, 1), commands(2))
    assert merge_appends(None, first) == first
    joined = v.AppendLogEntries(P(1, 1), commands(2, 2))
    assert merge_appends(first, v.AppendLogEntries(P(2, 2), commands(2))) == joined
    earlier = v.AppendLogEntries(v.ZERO, commands(3))
    assert merge_appends(first, earlier) == earlier


def test_each_peer_is_sent_one_message_in_the_order_of_the_peers() -> None:
    sends: tuple[v.SendMessage, ...] = ()
    for to, message in ((2, reply(1)), (1, reply(2)), (2, reply(3))):
        sends = merge_sends(sends, v.SendMessage(to, message))
    assert sends == (v.SendMessage(1, reply(2)), v.SendMessage(2, reply(3)))


def test_a_new_term_voids_what_was_to_be_sent_and_nothing_else() -> None:
    write = v.AppendLogEntries(v.ZERO, commands(1))
    before = Pending(
        True, False, True, call(v.ZERO, 1), write, (v.SendMessage(1, reply(1)),), (1, 2)
    )
    assert owe(before, (v.SaveCurrentTerm(3),)) == Pending(True, True, True, None, write)
    after = owe(before, (v.SaveCurrentTerm(3), v.SendMessage(1, reply(2)), v.InstallSnapshot(2)))
    assert (after.sends, after.installs) == ((v.SendMessage(1, reply(2)),), (2,))


def test_nothing_new_changes_nothing() -> None:
    pending = owe(NOTHING, (v.SetElectionTimeout(), v.InstallSnapshot(2), v.InstallSnapshot(1)))
    assert owe(pending, ()) == pending
    assert owe(pending, (v.InstallSnapshot(1),)) == pending
    assert pending.installs == (1, 2)


def test_the_order_of_execution_and_the_latest_term_and_vote() -> None:
    node = v.Node(0, current_term=3, voted_for=2, log=log_of(1))
    owed: tuple[v.Action, ...] = (
        v.InstallSnapshot(2),
        v.SendMessage(1, reply(1)),
        v.AppendLogEntries(v.ZERO, commands(1)),
        v.SaveVotedFor(1),
        v.SetElectionTimeout(),
    )
    pending = owe(owe(NOTHING, (v.SaveCurrentTerm(2), v.BroadcastMessage(call(v.ZERO, 1)))), owed)
    assert actions(pending, node) == (
        v.SetElectionTimeout(),
        v.SaveCurrentTerm(3),
        v.SaveVotedFor(2),
        v.BroadcastMessage(call(v.ZERO, 1), (1, 2)),
        v.AppendLogEntries(v.ZERO, commands(1)),
        v.SendMessage(1, reply(1)),
        v.InstallSnapshot(2),
    )


def test_pipelined_proposals_are_one_write_and_one_broadcast() -> None:
    node, pending = leading(0, 2, log_of(1, 2)), NOTHING
    for _ in range(3):
        taken = step(node, v.ProposeCommand())
        node, pending = taken.node, owe(pending, taken.owed)
    sent_out = v.AppendEntriesCall(0, 2, 3, 0, P(2, 2), commands(2, 2, 2))
    assert actions(pending, node) == (
        v.SetElectionTimeout(),
        v.BroadcastMessage(sent_out, (1, 2)),
        v.AppendLogEntries(P(2, 2), commands(2, 2, 2)),
    )


@pytest.mark.parametrize(
    ("prev", "entries", "new_prev", "new_entries"),
    [
        (P(1, 1), (1, 1, 2), P(1, 3), (2,)),  # what the snapshot does not cover
        (P(1, 1), (1, 1), P(1, 3), ()),
        (P(1, 3), (2,), P(1, 3), (2,)),  # nothing covered
        (P(1, 1), (1,), P(1, 1), ()),  # all covered: as true as before
        (P(1, 1), (), P(1, 1), ()),
    ],
)
def test_a_snapshot_takes_what_it_covers_out_of_pending_calls(
    prev: v.Position, entries: tuple[int, ...], new_prev: v.Position, new_entries: tuple[int, ...]
) -> None:
    log = log_of(1, 1, 1, 2).compacted(P(1, 3), voters(0, 1, 2))
    before, after = call(prev, *entries), call(new_prev, *new_entries)
    send, kept = v.SendMessage(1, before), v.SendMessage(2, reply(1))
    pending = Pending(broadcast=before, sends=(send, kept))
    assert compact(pending, log) == Pending(broadcast=after, sends=(v.SendMessage(1, after), kept))


def test_a_snapshot_cuts_a_pending_write_to_what_follows_it() -> None:
    log = log_of(1, 1, 1, 2).compacted(P(1, 3), voters(0, 1, 2))
    after = v.AppendLogEntries(P(1, 3), commands(2))
    pending = Pending(append=v.AppendLogEntries(P(1, 1), commands(1, 1, 2)))
    assert compact(pending, log).append == after
    assert compact(Pending(append=after), log).append == after
    discarded = log_of(1, 1).compacted(P(3, 9), voters(0, 1, 2))
    lost = Pending(append=v.AppendLogEntries(P(1, 1), commands(1)))
    assert compact(lost, discarded).append == v.AppendLogEntries(P(3, 9), ())
