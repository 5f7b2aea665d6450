"""§5.3 log replication."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.audit.decisions import D6, D9, as_in_crate
from spec import rules
from spec import values as v
from spec.cluster import Rule
from spec.rules import Effect, commit_status, step
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
    sent_out = v.AppendEntriesCall(0, 2, 1, 0, v.Position(1, 2), commands(2))
    assert v.BroadcastMessage(sent_out) in taken.owed
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
    assert reply == v.AppendEntriesReply(1, 9, 1, taken.node.log.last_position)
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


def reply(term: int, seqno: int, last: v.Position) -> v.AppendEntriesReply:
    return v.AppendEntriesReply(1, term, seqno, last)


def test_5_3_a_reply_says_how_far_the_logs_match_and_a_quorum_of_them_commits() -> None:
    leader = leading(0, 2, log_of(1, 2, 2))
    taken = receive(leader, reply(2, 1, v.Position(2, 2)))
    assert taken.node.commit_index == 2
    assert isinstance(taken.node.role, v.Leader)
    assert taken.node.role.peers[0] == v.Progress(1, 2, 1)
    sent_on = sent(taken.owed, 1)
    assert isinstance(sent_on, v.AppendEntriesCall)
    assert (sent_on.prev_position, sent_on.entries) == (v.Position(2, 2), commands(2))


def test_5_3_a_stale_reply_is_ignored() -> None:
    leader = leading(0, 2, log_of(1, 2, 2), v.Progress(1, 1, 5))
    for stale in (reply(2, 5, v.Position(2, 3)), reply(1, 6, v.Position(2, 3))):
        assert receive(leader, stale) == Effect(leader)
    stranger = v.AppendEntriesReply(7, 2, 6, v.Position(2, 3))
    assert receive(leader, stranger) == Effect(leader)


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
    beat = rule(leader, v.Heartbeat())
    (broadcast,) = (a for a in beat.owed if isinstance(a, v.BroadcastMessage))
    leader, message = beat.node, broadcast.message
    for trips in range(1, 200):
        answered = rule(peer, v.Receive(message))
        peer = answered.node
        learned = rule(leader, v.Receive(sent(answered.owed, 0)))
        leader = learned.node
        if peer.log == leader.log:
            return trips
        message = sent(learned.owed, 1)
    raise AssertionError("the logs never agree")


@settings(max_examples=200, deadline=None, derandomize=True)
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
