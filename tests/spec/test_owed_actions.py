"""How owed actions merge until a drain (`spec.pending`), and what a drain makes of them, in order
(`spec.rules.drain`).
"""

from __future__ import annotations

import pytest

from spec import values as v
from spec.pending import (
    NOTHING,
    Pending,
    callers_only,
    compact,
    merge_appends,
    merge_sends,
    owe,
    owed_in,
)
from spec.rules import step, take_all
from tests.support.scenario import commands, leading, log_of, voters

P = v.Position


def reply(seqno: int) -> v.AppendEntriesReply:
    return v.AppendEntriesReply(1, 2, seqno, P(1, 1))


def calls_in(actions: tuple[v.Action, ...]) -> list[tuple[object, v.AppendEntriesCall]]:
    """To whom the calls among the actions go, and the calls."""
    found: list[tuple[object, v.AppendEntriesCall]] = []
    for action in actions:
        match action:
            case v.BroadcastMessage(v.AppendEntriesCall() as call, to):
                found.append((to, call))
            case v.SendMessage(to, v.AppendEntriesCall() as call):
                found.append((to, call))
    return found


def with_progress(node: v.Node, *peers: v.Progress) -> v.Node:
    assert isinstance(node.role, v.Leader)
    return node._replace(role=v.Leader(peers, node.role.durable))


# How owed actions merge


def test_writes_join_and_one_that_begins_earlier_covers_the_other() -> None:
    first = v.AppendLogEntries(P(1, 1), commands(2))
    assert merge_appends(None, first) == first
    joined = v.AppendLogEntries(P(1, 1), commands(2, 2))
    assert merge_appends(first, v.AppendLogEntries(P(2, 2), commands(2))) == joined
    assert merge_appends(first, v.AppendLogEntries(P(1, 1), ())) == v.AppendLogEntries(P(1, 1), ())
    earlier = v.AppendLogEntries(v.ZERO, commands(3))
    assert merge_appends(first, earlier) == earlier


def test_each_peer_is_sent_one_reply_in_the_order_of_the_peers() -> None:
    sends: tuple[v.SendMessage, ...] = ()
    for to, message in ((2, reply(1)), (1, reply(2)), (2, reply(3))):
        sends = merge_sends(sends, v.SendMessage(to, message))
    assert sends == (v.SendMessage(1, reply(2)), v.SendMessage(2, reply(3)))


@pytest.mark.parametrize(
    "late", [v.AppendEntriesReply(1, 2, 0, P(1, 1), False), v.RequestVoteReply(1, 2, 7, False)]
)
def test_what_only_tells_the_term_takes_no_other_replys_place(late: v.Message) -> None:
    vote = v.SendMessage(0, v.RequestVoteReply(1, 2, 5, True))
    assert merge_sends((vote,), v.SendMessage(0, late)) == (vote,)
    assert merge_sends((v.SendMessage(0, late),), vote) == (vote,)
    assert merge_sends((), v.SendMessage(0, late)) == (v.SendMessage(0, late),)


def test_a_new_term_voids_what_was_to_be_sent_and_nothing_else() -> None:
    write = v.AppendLogEntries(v.ZERO, commands(1))
    before = Pending(True, False, True, (1, 2), True, write, (v.SendMessage(1, reply(1)),))
    assert owe(before, (v.SaveCurrentTerm(3),)) == Pending(True, True, True, (), False, write)
    after = owe(before, (v.SaveCurrentTerm(3), v.SendMessage(1, reply(2)), v.CallOne(2)))
    assert (after.sends, after.calls) == ((v.SendMessage(1, reply(2)),), (2,))


def test_nothing_new_changes_nothing() -> None:
    pending = owe(NOTHING, (v.SetElectionTimeout(), v.CallOne(2), v.CallOne(1), v.CallAll()))
    assert owe(pending, ()) == pending
    assert owe(pending, (v.CallOne(1), v.CallAll())) == pending
    assert pending == Pending(set_election_timeout=True, calls=(1, 2), broadcast=True)


def test_what_is_pending_can_be_owed_again() -> None:
    write = v.AppendLogEntries(v.ZERO, commands(1))
    pending = Pending(True, True, True, (1, 2), True, write, (v.SendMessage(1, reply(1)),))
    assert owe(NOTHING, owed_in(pending)) == pending


def test_a_checkpoints_actions_are_what_was_owed() -> None:
    """A call that was to be made stands for that it is owed."""
    node = leading(0, 2, log_of(1, 2))
    node = with_progress(node, v.Progress(1, next=1, probe=4), v.Progress(2))
    write = v.AppendLogEntries(P(1, 1), commands(2))
    pending = Pending(True, True, True, (1,), True, write, (v.SendMessage(1, reply(1)),))
    actions, _ = take_all(node, pending)
    assert owe(NOTHING, actions) == pending


def test_who_follows_owes_no_calls_and_a_leader_only_to_its_peers() -> None:
    pending = Pending(calls=(1, 2, 3), broadcast=True)
    leader = leading(0, 2, log_of(1, 2))
    assert callers_only(pending, leader) == pending._replace(calls=(1, 2))
    assert callers_only(pending, leader._replace(role=v.Follower())) == NOTHING


def test_a_snapshot_cuts_a_pending_write_to_what_follows_it() -> None:
    log = log_of(1, 1, 1, 2).compacted(P(1, 3), voters(0, 1, 2))
    after = v.AppendLogEntries(P(1, 3), commands(2))
    pending = Pending(append=v.AppendLogEntries(P(1, 1), commands(1, 1, 2)))
    assert compact(pending, log).append == after
    assert compact(Pending(append=after), log).append == after
    discarded = log_of(1, 1).compacted(P(3, 9), voters(0, 1, 2))
    lost = Pending(append=v.AppendLogEntries(P(1, 1), commands(1)))
    assert compact(lost, discarded).append == v.AppendLogEntries(P(3, 9), ())


# What a drain makes of them


def test_the_order_of_execution_and_the_latest_term_and_vote() -> None:
    node = leading(0, 3, log_of(1, 3))._replace(voted_for=2)
    node = with_progress(node, v.Progress(1, 1, next=2, probe=6), v.Progress(2))
    owed: tuple[v.Owed, ...] = (
        v.SendMessage(1, reply(1)),
        v.AppendLogEntries(P(1, 1), commands(3)),
        v.CallOne(1),
        v.SaveVotedFor(1),
        v.SetElectionTimeout(),
    )
    pending = owe(owe(NOTHING, (v.SaveCurrentTerm(2), v.CallAll())), owed)
    actions, after = take_all(node, pending)
    to_one = v.AppendEntriesCall(0, 3, 6, 0, P(1, 1), commands(3))
    to_all = v.AppendEntriesCall(0, 3, node.seqno + 1, 0, P(1, 1), commands(3))
    assert actions == (
        v.SetElectionTimeout(),
        v.SaveCurrentTerm(3),
        v.SaveVotedFor(2),
        v.SendMessage(1, to_one),
        v.BroadcastMessage(to_all, (1, 2)),
        v.AppendLogEntries(P(1, 1), commands(3)),
        v.SendMessage(1, reply(1)),
    )
    assert after.role == v.Leader((v.Progress(1, 1, None, 6), v.Progress(2)), durable=2)


def test_a_candidates_call_asks_for_votes() -> None:
    node = v.Node(0, v.Candidate(frozenset({0})), 3, 0, log_of(1), seqno=4)
    actions, after = take_all(node, Pending(broadcast=True))
    call = v.RequestVoteCall(0, 3, 5, P(1, 1))
    assert actions == (v.BroadcastMessage(call, (1, 2)),)
    assert after.seqno == 5


def test_pipelined_proposals_are_one_write_and_one_broadcast() -> None:
    node, pending = leading(0, 2, log_of(1, 2)), NOTHING
    for _ in range(3):
        taken = step(node, v.ProposeCommand())
        node, pending = taken.node, owe(pending, taken.owed)
    actions, _ = take_all(node, pending)
    sent_out = v.AppendEntriesCall(0, 2, node.seqno + 1, 0, P(2, 2), commands(2, 2, 2))
    assert actions == (
        v.SetElectionTimeout(),
        v.BroadcastMessage(sent_out, (1, 2)),
        v.AppendLogEntries(P(2, 2), commands(2, 2, 2)),
    )


def test_a_heartbeat_follows_on_the_last_entry() -> None:
    node = leading(0, 2, log_of(1, 2))
    ((to, call),) = calls_in(take_all(node, Pending(broadcast=True))[0])
    assert to == (1, 2)
    assert (call.prev_position, call.entries) == (P(2, 2), ())


def test_what_a_broadcast_has_no_room_for_follows_in_calls_to_each() -> None:
    """But not to a peer that was not sent all before: that is sent more when it replies."""
    node = leading(0, 2, log_of(1, 2, 2, 2, 2))._replace(limits=v.Limits(entries=2, calls=2))
    waiting = v.Progress(2, next=1, probe=1)
    node = with_progress(node, v.Progress(1, 1), waiting)
    write = v.AppendLogEntries(P(1, 1), commands(2, 2, 2, 2))
    actions, after = take_all(node, Pending(broadcast=True, append=write))
    assert [
        (to, call.prev_position.index, len(call.entries)) for to, call in calls_in(actions)
    ] == [
        ((1, 2), 1, 2),
        (1, 3, 2),
    ]
    assert isinstance(after.role, v.Leader)
    assert after.role.peers == (v.Progress(1, 1, None, after.seqno), waiting)


def test_calls_follow_one_another_until_as_much_is_under_way_as_is_allowed() -> None:
    node = leading(0, 2, log_of(1, 2, 2, 2, 2))._replace(limits=v.Limits(entries=1, calls=2))
    node = with_progress(node, v.Progress(1, 1, 2, 7), v.Progress(2))
    actions, after = take_all(node, Pending(calls=(1,)))
    assert [(call.seqno, call.prev_position.index) for _, call in calls_in(actions)] == [
        (7, 1),
        (7, 2),
    ]
    assert isinstance(after.role, v.Leader)
    assert after.role.peers[0] == v.Progress(1, 1, 4, 7)


def test_where_the_next_entry_is_compacted_the_snapshot_is_asked_for() -> None:
    log = log_of(1, 1, 1, 2).compacted(P(1, 3), voters(0, 1, 2))
    node = leading(0, 2, log)._replace(seqno=5, limits=v.Limits(ask_again=3))
    node = with_progress(node, v.Progress(1, 1, 3, 5), v.Progress(2))
    actions, after = take_all(node, Pending(calls=(1,)))
    assert actions == (v.InstallSnapshot(1),)
    assert isinstance(after.role, v.Leader)
    assert after.role.peers[0] == v.Progress(1, 1, 3, 5, asked=8)
