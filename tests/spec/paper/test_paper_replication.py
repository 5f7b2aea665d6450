"""§5.3 log replication."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.audit.decisions import D6, D9, as_in_crate
from spec import rules
from spec import values as v
from spec.cluster import Rule
from spec.pending import NOTHING, owe
from spec.rules import Effect, commit_status, step, take_all
from spec.rules.servers import receive
from tests.support.scenario import commands, leading, log_of, sent, voters


def follower(log: v.Log, term: int = 9, commit: int = 0) -> v.Node:
    return v.Node(1, v.Follower(0), term, None, log, commit)


def call(prev: v.Position, *terms: int, commit: int = 0, term: int = 9) -> v.AppendEntriesCall:
    return v.AppendEntriesCall(0, term, 1, commit, prev, commands(*terms))


def test_5_3_a_leader_appends_a_command_and_sends_it_to_the_others() -> None:
    taken = step(leading(0, 2, log_of(1, 1)), v.ProposeCommand())
    assert taken.outcome == v.Position(2, 3)
    assert taken.node.log.entry(3) == v.Entry(2, v.COMMAND)
    assert v.AppendLogEntries(v.Position(1, 2), commands(2)) in taken.owed
    assert v.CallAll() in taken.owed
    actions, _ = take_all(taken.node, owe(NOTHING, taken.owed))
    sent_out = v.AppendEntriesCall(0, 2, 1, 0, v.Position(1, 2), commands(2))
    assert v.BroadcastMessage(sent_out, (1, 2)) in actions
    refused = step(follower(log_of(1)), v.ProposeCommand())
    assert (refused.outcome, refused.owed) == (v.Refused("not_leader"), ())


@pytest.mark.parametrize(
    ("mine", "prev", "sent_terms", "becomes"),
    [
        ((1, 1), (1, 2), (2,), (1, 1, 2)),  # what follows the own last entry is appended
        ((1, 1), (1, 1), (1,), (1, 1)),  # what is there already stays
        ((1, 1, 1), (1, 1), (1,), (1, 1, 1)),  # and so does what follows it: it may be newer
        ((1, 1, 1), (1, 1), (2,), (1, 2)),  # a conflict, and all that follows it, gives way
        ((1,), (1, 3), (2,), (1,)),  # a gap is left alone
        ((1, 4, 4), (2, 2), (5,), (1,)),  # terms that the leader cannot have there go
        ((1, 2, 2, 4), (3, 4), (5,), (1, 2, 2)),
        ((), (0, 0), (1, 2), (1, 2)),
    ],
)
def test_5_3_a_follower_makes_its_log_agree_with_the_leaders(
    mine: tuple[int, ...], prev: tuple[int, int], sent_terms: tuple[int, ...], becomes: object
) -> None:
    taken = receive(follower(log_of(*mine)), call(v.Position(*prev), *sent_terms))
    assert tuple(entry.term for entry in taken.node.log.entries) == becomes
    reply = sent(taken.owed, 0)
    found = log_of(*mine).contains(v.Position(*prev)) or prev == (0, 0)
    assert reply == v.AppendEntriesReply(1, 9, 1, taken.node.log.last_position, found)
    written = [action for action in taken.owed if isinstance(action, v.AppendLogEntries)]
    assert bool(written) == (becomes != mine)


@pytest.mark.parametrize(
    ("leader_commit", "known"),
    [(1, 1), (2, 2), (3, 2)],  # never more than what this call has shown to agree
)
def test_5_3_a_follower_learns_what_is_committed_as_far_as_it_agrees(
    leader_commit: int, known: int
) -> None:
    taken = receive(
        follower(log_of(1, 1, 1)), call(v.Position(1, 1), 1, commit=leader_commit, term=9)
    )
    assert taken.node.commit_index == known


@pytest.mark.parametrize("contradiction", [call(v.Position(1, 1), 2), call(v.Position(2, 2))])
def test_d9_what_contradicts_committed_entries_is_refused(
    contradiction: v.AppendEntriesCall,
) -> None:
    node = follower(log_of(1, 3, 3), commit=2)
    assert receive(node, contradiction) == Effect(node, outcome=v.Refused("invariant"))


def test_d9_without_it_committed_entries_are_lost() -> None:
    node = follower(log_of(1, 1, 1), commit=3)
    taken = as_in_crate(D9)(node, v.Receive(call(v.Position(1, 1), 2)))
    assert taken.node.log.last_index < node.commit_index


def reply(term: int, seqno: int, last: v.Position, accepted: bool = True) -> v.AppendEntriesReply:
    return v.AppendEntriesReply(1, term, seqno, last, accepted)


def progress(node: v.Node) -> v.Progress:
    """What a leader knows of node 1, but what it has answered."""
    assert isinstance(node.role, v.Leader)
    return node.role.peers[0]._replace(answered=0)


def answered(node: v.Node) -> v.SeqNo:
    assert isinstance(node.role, v.Leader)
    return node.role.peers[0].answered


def is_no_news(node: v.Node, reply: v.AppendEntriesReply) -> bool:
    """Nothing comes of it, but that the peer has answered a call with that number."""
    effect = receive(node, reply)
    assert isinstance(node.role, v.Leader)
    (peer, *others) = node.role.peers
    heard = peer._replace(answered=max(peer.answered, reply.seqno))
    return effect == Effect(node._replace(role=replace(node.role, peers=(heard, *others))))


def test_5_3_a_reply_says_how_far_the_logs_match_and_a_quorum_of_them_commits() -> None:
    leader = leading(0, 2, log_of(1, 2, 2))
    taken = receive(leader, reply(2, 1, v.Position(2, 2)))
    assert taken.node.commit_index == 2
    assert progress(taken.node) == v.Progress(1, 2)
    assert taken.owed == ()


def test_figure_2_a_leader_sends_from_next_index_on_after_a_failure() -> None:
    leader = leading(0, 2, log_of(1, 2, 2))._replace(seqno=8)
    taken = receive(leader, reply(2, 4, v.Position(1, 1), accepted=False))
    assert progress(taken.node) == v.Progress(1, 1, next=2, probe=9, probing=True)
    assert taken.owed == (v.CallOne(1),)
    (action,), after = take_all(taken.node, owe(NOTHING, taken.owed))
    call = v.AppendEntriesCall(0, 2, 9, 0, v.Position(1, 1), commands(2, 2))
    assert action == v.SendMessage(1, call)
    assert progress(after) == v.Progress(1, 1, None, 9, probing=True)
    assert progress(receive(after, reply(2, 9, v.Position(2, 2))).node).probing is False


def test_figure_2_a_failure_of_an_earlier_call_than_the_latest_to_the_peer_is_no_news() -> None:
    leader = leading(0, 2, log_of(1, 2, 2), v.Progress(1, 1, None, 9))._replace(seqno=12)
    assert is_no_news(leader, reply(2, 8, v.Position(1, 1), accepted=False))
    again = receive(leader, reply(2, 9, v.Position(1, 1), accepted=False))
    assert progress(again.node) == v.Progress(1, 1, next=2, probe=13, probing=True)


def test_figure_2_a_next_index_is_above_the_match_index() -> None:
    """A failure that tells of less than the peer is known to hold is older than that."""
    leader = leading(0, 2, log_of(1, 2, 2, 2), v.Progress(1, 3, None, 9))
    for lacking in (v.Position(1, 1), v.Position(2, 3)):
        taken = receive(leader, reply(2, 9, lacking, accepted=False))
        assert progress(taken.node).next == 4


def test_a_peer_that_lost_its_disk_is_not_sent_calls_for_ever() -> None:
    """§5.2 says that what it holds persists: it would refuse one call after another."""
    leader = leading(0, 2, log_of(1, 2, 2, 2), v.Progress(1, 3, None, 9))
    lost = reply(2, 12, v.Position(0, 0), accepted=False)
    probed = receive(leader, lost)
    assert probed.owed == (v.CallOne(1),)
    assert is_no_news(probed.node, lost)


def test_figure_2_a_success_sends_a_peer_more_that_was_not_sent_all() -> None:
    limits = v.Limits(entries=1, calls=2)
    leader = leading(0, 2, log_of(1, 2, 2, 2, 2), v.Progress(1, 1, 4, 9))._replace(
        seqno=9, limits=limits
    )
    more = receive(leader, reply(2, 9, v.Position(2, 2)))
    assert progress(more.node) == v.Progress(1, 2, 4, 10)
    assert more.owed == (v.CallOne(1),)
    doubled = receive(leader, reply(2, 9, v.Position(1, 1)))  # as much is under way as may be
    assert (progress(doubled.node), doubled.owed) == (v.Progress(1, 1, 4, 9), ())
    ahead = receive(leader, reply(2, 9, v.Position(2, 5)))  # it has all, from whatever call
    assert (progress(ahead.node), ahead.owed) == (v.Progress(1, 5, None, 9), ())


def test_6_4_what_a_peer_has_answered_only_grows() -> None:
    """Dissertation: by a refusal as well, for who refuses has not left the term."""
    leader = leading(0, 2, log_of(1, 2, 2))._replace(seqno=9)
    later = receive(leader, reply(2, 7, v.Position(1, 1), accepted=False)).node
    assert answered(later) == 7
    assert answered(receive(later, reply(2, 4, v.Position(2, 3))).node) == 7
    assert answered(receive(later, reply(2, 9, v.Position(2, 3))).node) == 9


def test_5_1_a_reply_that_says_nothing_is_ignored() -> None:
    leader = leading(0, 2, log_of(1, 2, 2), v.Progress(1, 1))
    for accepted in (True, False):
        earlier_term = reply(1, 6, v.Position(2, 3), accepted)
        to_an_earlier_life = reply(2, 0, v.Position(2, 3), accepted)
        stranger = v.AppendEntriesReply(7, 2, 6, v.Position(2, 3), accepted)
        for says_nothing in (earlier_term, to_an_earlier_life, stranger):
            assert receive(leader, says_nothing) == Effect(leader)


def test_7_a_snapshot_is_asked_for_once_in_so_many_calls() -> None:
    log = log_of(1, 1, 2, 2).compacted(v.Position(2, 3), voters(0, 1, 2))
    leader = leading(0, 2, log)._replace(seqno=5, limits=v.Limits(ask_again=2))
    lacking = v.Position(1, 1)
    taken = receive(leader, reply(2, 5, lacking, accepted=False))
    assert (progress(taken.node).next, taken.owed) == (1, (v.CallOne(1),))
    (action,), node = take_all(taken.node, owe(NOTHING, taken.owed))
    assert action == v.InstallSnapshot(1)
    assert progress(node).asked == 8
    assert is_no_news(node, reply(2, 7, lacking, accepted=False))
    accepted = receive(node, reply(2, 7, lacking))
    assert (progress(accepted.node).next, accepted.owed) == (1, ())
    assert receive(node, reply(2, 8, lacking, accepted=False)).owed == (v.CallOne(1),)
    installed = receive(node, reply(2, 7, v.Position(2, 3), accepted=False))
    assert progress(installed.node) == v.Progress(1, 3, 4, 7, 8, probing=True)


def test_commands_beyond_the_users_limit_are_refused() -> None:
    leader = leading(0, 2, log_of(1, 2, 2))._replace(commit_index=1, limits=v.Limits(uncommitted=2))
    refused = step(leader, v.ProposeCommand())
    assert refused == Effect(leader, outcome=v.Refused("too_many_uncommitted"))
    assert step(leader._replace(commit_index=2), v.ProposeCommand()).outcome == v.Position(2, 4)


def test_5_3_a_leader_counts_itself_for_what_is_on_its_disk() -> None:
    leader = leading(0, 2, log_of(1, 2, 2))
    leader = leader._replace(role=v.Leader((v.Progress(1), v.Progress(2)), 1))
    acknowledged = receive(leader, reply(2, 1, v.Position(2, 3))).node
    assert acknowledged.commit_index == 0
    assert rules.drained(acknowledged)[0].commit_index == 3


def test_what_is_known_of_a_proposal() -> None:
    log = log_of(1, 1, 2, 2).compacted(v.Position(1, 1), voters(0, 1, 2))
    node = follower(log, commit=3)
    assert commit_status(node, v.Position(0, 0)) == "unknown"
    assert commit_status(node, v.Position(1, 2)) == "committed"
    assert commit_status(node, v.Position(1, 3)) == "rejected"
    assert commit_status(node, v.Position(1, 4)) == "rejected"
    assert commit_status(node, v.Position(2, 4)) == "in_progress"


# D6: whole terms at a time


def round_trips(leader_log: v.Log, follower_log: v.Log, rule: Rule = rules.step) -> int:
    """Calls that a leader, from its first heartbeat on, needs until the follower has its log."""
    leader, peer = leading(0, 9, leader_log), follower(follower_log)
    taken = rule(leader, v.Heartbeat())
    for trips in range(1, 200):
        actions, leader = take_all(taken.node, owe(NOTHING, taken.owed))
        (message,) = (
            action.message
            for action in actions
            if isinstance(action, (v.BroadcastMessage, v.SendMessage))
        )
        answered = rule(peer, v.Receive(message))
        peer = answered.node
        taken = rule(leader, v.Receive(sent(answered.owed, 0)))
        leader = taken.node
        if peer.log == leader.log:
            return trips
    raise AssertionError("the logs never agree")


@settings(max_examples=200, derandomize=True)
@given(
    st.lists(st.integers(1, 3), max_size=4).map(sorted),
    st.lists(st.tuples(st.booleans(), st.integers(0, 4)), max_size=6),
)
def test_d6_one_round_trip_per_term_of_the_conflict(
    shared: list[int], further: list[tuple[bool, int]]
) -> None:
    """One more is the heartbeat that found the conflict.

    Behind what two logs share, no term is in both (Log Matching), and the leader's last entry is
    of its own term.
    """
    leaders, followers = [*shared], [*shared]
    for term, (leads, count) in enumerate(further, start=max(shared, default=1)):
        (leaders if leads else followers).extend([term] * count)
    leaders.append(9)
    conflicting = len(set(leaders[len(shared) :])) + len(set(followers[len(shared) :]))
    assert round_trips(log_of(*leaders), log_of(*followers)) <= conflicting + 1


def test_d6_a_long_conflict_of_one_term_takes_two_round_trips_and_not_one_per_entry() -> None:
    leader_log = log_of(1, *[5] * 40, 6)
    follower_log = log_of(1, *[4] * 40)
    assert round_trips(leader_log, follower_log) == 2
    assert round_trips(leader_log, follower_log, as_in_crate(D6)) >= 40
