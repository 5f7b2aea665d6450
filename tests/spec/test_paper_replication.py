"""§5.3 log replication, §5.4.2 commitment of entries of earlier terms (Figure 8)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.audit.decisions import D6, D9, as_in_crate
from conformance.subjects.patched import in_rules, rule
from spec import rules
from spec.cluster import Rule
from spec.rules import Effect, commit_status, step
from spec.rules.servers import receive
from spec.values import (
    COMMAND,
    TERM,
    AppendEntriesCall,
    AppendEntriesReply,
    AppendLogEntries,
    BroadcastMessage,
    ElectionTimeout,
    Entry,
    Follower,
    Heartbeat,
    Leader,
    Log,
    Node,
    Position,
    Progress,
    ProposeCommand,
    Receive,
    Refused,
)
from tests.support.scenario import Scenario, commands, leading, log_of, sent, voters


def follower(log: Log, term: int = 9, commit: int = 0) -> Node:
    return Node(1, Follower(0), term, None, log, commit)


def call(prev: Position, *terms: int, commit: int = 0, term: int = 9) -> AppendEntriesCall:
    return AppendEntriesCall(0, term, 1, commit, prev, commands(*terms))


def test_5_3_a_leader_appends_a_command_and_sends_it_to_the_others() -> None:
    taken = step(leading(0, 2, log_of(1, 1)), ProposeCommand())
    assert taken.outcome == Position(2, 3)
    assert taken.node.log.entry(3) == Entry(2, COMMAND)
    assert AppendLogEntries(Position(1, 2), commands(2)) in taken.owed
    sent_out = AppendEntriesCall(0, 2, 1, 0, Position(1, 2), commands(2))
    assert BroadcastMessage(sent_out) in taken.owed
    refused = step(follower(log_of(1)), ProposeCommand())
    assert (refused.outcome, refused.owed) == (Refused("not_leader"), ())


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
    taken = receive(follower(log_of(*mine)), call(Position(*prev), *sent_terms))
    assert tuple(entry.term for entry in taken.node.log.entries) == becomes
    reply = sent(taken.owed, 0)
    assert reply == AppendEntriesReply(1, 9, 1, taken.node.log.last_position)
    written = [action for action in taken.owed if isinstance(action, AppendLogEntries)]
    assert bool(written) == (becomes != mine)


@pytest.mark.parametrize(
    ("leader_commit", "known"),
    [(1, 1), (2, 2), (3, 2)],  # never more than what this call has shown to agree
)
def test_5_3_a_follower_learns_what_is_committed_as_far_as_it_agrees(
    leader_commit: int, known: int
) -> None:
    taken = receive(
        follower(log_of(1, 1, 1)), call(Position(1, 1), 1, commit=leader_commit, term=9)
    )
    assert taken.node.commit_index == known


@pytest.mark.parametrize("contradiction", [call(Position(1, 1), 2), call(Position(2, 2))])
def test_d9_what_contradicts_committed_entries_is_refused(contradiction: AppendEntriesCall) -> None:
    node = follower(log_of(1, 3, 3), commit=2)
    assert receive(node, contradiction) == Effect(node, outcome=Refused("invariant"))


def test_d9_without_it_committed_entries_are_lost() -> None:
    node = follower(log_of(1, 1, 1), commit=3)
    taken = as_in_crate(D9)(node, Receive(call(Position(1, 1), 2)))
    assert taken.node.log.last_index < node.commit_index


def reply(term: int, seqno: int, last: Position) -> AppendEntriesReply:
    return AppendEntriesReply(1, term, seqno, last)


def test_5_3_a_reply_says_how_far_the_logs_match_and_a_quorum_of_them_commits() -> None:
    leader = leading(0, 2, log_of(1, 2, 2))
    taken = receive(leader, reply(2, 1, Position(2, 2)))
    assert taken.node.commit_index == 2
    assert isinstance(taken.node.role, Leader)
    assert taken.node.role.peers[0] == Progress(1, 2, 1)
    sent_on = sent(taken.owed, 1)
    assert isinstance(sent_on, AppendEntriesCall)
    assert (sent_on.prev_position, sent_on.entries) == (Position(2, 2), commands(2))


def test_5_3_a_stale_reply_is_ignored() -> None:
    leader = leading(0, 2, log_of(1, 2, 2), Progress(1, 1, 5))
    for stale in (reply(2, 5, Position(2, 3)), reply(1, 6, Position(2, 3))):
        assert receive(leader, stale) == Effect(leader)
    stranger = AppendEntriesReply(7, 2, 6, Position(2, 3))
    assert receive(leader, stranger) == Effect(leader)


def test_5_3_a_leader_counts_itself_for_what_is_on_its_disk() -> None:
    leader = leading(0, 2, log_of(1, 2, 2))
    leader = leader._replace(role=Leader((Progress(1), Progress(2)), 1))
    acknowledged = receive(leader, reply(2, 1, Position(2, 3))).node
    assert acknowledged.commit_index == 0
    assert rules.drained(acknowledged)[0].commit_index == 3


def test_what_is_known_of_a_proposal() -> None:
    log = log_of(1, 1, 2, 2).compacted(Position(1, 1), voters(0, 1, 2))
    node = follower(log, commit=3)
    assert commit_status(node, Position(0, 0)) == "unknown"
    assert commit_status(node, Position(1, 2)) == "committed"
    assert commit_status(node, Position(1, 3)) == "rejected"
    assert commit_status(node, Position(1, 4)) == "rejected"
    assert commit_status(node, Position(2, 4)) == "in_progress"


# D6: whole terms at a time


def round_trips(leader_log: Log, follower_log: Log, rule: Rule = rules.step) -> int:
    """Calls that a leader, from its first heartbeat on, needs until the follower has its log."""
    leader, peer = leading(0, 9, leader_log), follower(follower_log)
    beat = rule(leader, Heartbeat())
    (broadcast,) = (a for a in beat.owed if isinstance(a, BroadcastMessage))
    leader, message = beat.node, broadcast.message
    for trips in range(1, 200):
        answered = rule(peer, Receive(message))
        peer = answered.node
        learned = rule(leader, Receive(sent(answered.owed, 0)))
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


# Figure 8


def figure_8(rule: Rule = rules.step, collect: bool = False) -> Scenario:
    """(a) to (c); index 3 of term 1 takes the place of the figure's index 2 of term 2."""
    cluster = Scenario(5, rule, collect)
    cluster.create(0, 1, 2, 3, 4)
    # (a) S1 leads, and its entry at index 3 reaches S2 only.
    cluster.input(0, ProposeCommand())
    cluster.deliver(0, 1)
    cluster.lose_all()
    assert [cluster.terms(node) for node in range(5)] == [[0, 1, 1]] * 2 + [[0, 1]] * 3
    # (b) S1 crashes; S5 is elected by S3, S4 and itself and has another entry at index 3.
    cluster.crash(0)
    cluster.elect(4, 2, 3)
    cluster.lose_all()
    assert cluster.terms(4) == [0, 1, 2]
    # (c) S5 crashes; S1 comes back, is elected, and goes on replicating index 3, to a majority.
    cluster.crash(4)
    cluster.comeback(0)
    cluster.elect(0, 1, 2)
    assert cluster.node(0).current_term == 3
    cluster.exchange(0, 1, keep=0)
    cluster.exchange(0, 2)
    cluster.exchange(0, 2, keep=1)
    assert [cluster.terms(node) for node in (0, 1, 2)] == [[0, 1, 1, 3], [0, 1, 1], [0, 1, 1]]
    return cluster


def test_5_4_2_figure_8_c_an_entry_of_an_earlier_term_is_not_committed_by_counting() -> None:
    assert figure_8().node(0).commit_index < 3


def test_5_4_2_figure_8_d_it_may_still_be_overwritten() -> None:
    cluster = figure_8()
    cluster.crash(0)
    cluster.comeback(4)
    cluster.elect(4, 1, 2, 3)
    cluster.settle()
    cluster.input(4, Heartbeat())
    cluster.settle()
    for node in (1, 2, 3, 4):
        assert cluster.node(node).log.entry(3) == Entry(2, TERM)
        assert cluster.node(node).commit_index == 4 == cluster.node(node).log.last_index


def test_5_4_2_figure_8_e_an_entry_of_the_own_term_commits_it_and_s5_cannot_win() -> None:
    cluster = figure_8()
    cluster.exchange(0, 1)
    cluster.exchange(0, 2)
    assert cluster.node(0).commit_index == 4
    assert cluster.cluster.history.committed[2] == Entry(1, COMMAND)
    cluster.crash(0)
    cluster.comeback(4)
    cluster.lose_all()
    for _ in range(5):
        cluster.input(4, ElectionTimeout())
        cluster.settle()
    assert not isinstance(cluster.node(4).role, Leader)
    cluster.elect(1, 2, 3)
    cluster.settle()
    assert [cluster.node(node).log.entry(3) for node in (1, 2, 3, 4)] == [Entry(1, COMMAND)] * 4


def test_5_4_2_a_leader_that_counts_entries_of_earlier_terms_loses_one() -> None:
    counting_all = rule(
        in_rules(
            "if index <= node.commit_index or node.log.term(index) != node.current_term:",
            "if index <= node.commit_index:",
        )
    )
    cluster = figure_8(counting_all, collect=True)
    assert cluster.node(0).commit_index == 3
    names = {broken.property for broken in cluster.violations}
    assert names == {"NeverCommitEarlierTermDirectly"}
    cluster.crash(0)
    cluster.comeback(4)
    cluster.elect(4, 1, 2, 3)
    assert "LeaderCompleteness" in {broken.property for broken in cluster.violations}
