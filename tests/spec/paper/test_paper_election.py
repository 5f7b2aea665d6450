"""§5.1 terms, §5.2 leader election, §5.4.1 the election restriction."""

from __future__ import annotations

import pytest

from conformance.audit.decisions import D1, D2, D7, D8, as_in_crate
from spec import values as v
from spec.rules import Effect, could_be_disruptive, drained, start, step
from spec.rules.servers import receive
from spec.rules.start import restart
from tests.support.scenario import Scenario, commands, leading, log_of, sent

LOG = log_of(1, 1)
FOLLOWER = v.Node(1, v.Follower(0), 2, None, LOG)


def test_a_new_node_knows_nothing_and_owes_nothing() -> None:
    assert start(3) == Effect(v.Node(3))
    assert step(v.Node(3, current_term=9), v.Start()).node == v.Node(3)


@pytest.mark.parametrize("role", [v.Follower(0), v.Candidate(frozenset({1})), v.Leader(())])
@pytest.mark.parametrize(
    "message",
    [
        v.RequestVoteCall(0, 5, 1, v.Position(0, 0)),
        v.RequestVoteReply(0, 5, 1, True),
        v.AppendEntriesReply(0, 5, 1, v.Position(0, 0)),
    ],
)
def test_5_1_a_higher_term_makes_anyone_a_follower(role: v.Role, message: v.Message) -> None:
    taken = receive(v.Node(1, role, 2, 1, LOG), message)
    assert (taken.node.role, taken.node.current_term) == (v.Follower(), 5)
    assert taken.node.voted_for is None
    assert taken.owed[:2] == (v.SaveCurrentTerm(5), v.SaveVotedFor(None))
    # Figure 2, followers: no message here puts off an election.  A leader had another timer.
    assert (v.SetElectionTimeout() in taken.owed) == isinstance(role, v.Leader)


def test_5_1_stale_calls_are_answered_with_the_current_term() -> None:
    vote = receive(FOLLOWER, v.RequestVoteCall(0, 1, 7, v.Position(9, 9)))
    assert vote.node == FOLLOWER
    assert sent(vote.owed, 0) == v.RequestVoteReply(1, 2, 7, False)
    append = receive(FOLLOWER, v.AppendEntriesCall(0, 1, 7, 9, v.Position(1, 1), commands(1)))
    assert append.node == FOLLOWER
    assert sent(append.owed, 0) == v.AppendEntriesReply(1, 2, 0, v.Position(1, 2), False)


def test_5_2_a_campaign_increments_the_term_votes_for_itself_and_asks_the_others() -> None:
    taken = step(FOLLOWER, v.ElectionTimeout())
    assert taken.node.role == v.Candidate(frozenset({1}))
    assert (taken.node.current_term, taken.node.voted_for) == (3, 1)
    assert taken.owed == (
        v.SaveCurrentTerm(3),
        v.SaveVotedFor(1),
        v.SetElectionTimeout(),
        v.CallAll(),
    )


def test_5_2_an_only_voter_elects_itself() -> None:
    taken = step(v.Node(0), v.CreateCluster(frozenset({0})))
    assert taken.node.role == v.Candidate(frozenset({0}))
    assert v.CallAll() not in taken.owed
    taken = drained(taken.node)  # term and vote are on its disk
    assert isinstance(taken.node.role, v.Leader)
    assert [entry.payload for entry in taken.node.log.entries] == [v.Config(frozenset({0})), v.TERM]


def test_5_2_a_majority_of_votes_elects_and_the_leader_opens_its_term() -> None:
    config = v.Config(frozenset(range(5)))
    node = v.Node(1, v.Candidate(frozenset({1})), 2, 1, log_of(1, 1, config=config))
    node = receive(node, v.RequestVoteReply(0, 2, 1, True)).node
    node = receive(node, v.RequestVoteReply(0, 2, 1, True)).node  # twice is once
    node = receive(node, v.RequestVoteReply(2, 2, 1, False)).node  # none at all
    node = receive(node, v.RequestVoteReply(3, 1, 1, True)).node  # of an earlier election
    assert node.role == v.Candidate(frozenset({0, 1}))
    node = receive(node, v.RequestVoteReply(4, 2, 1, True)).node
    assert isinstance(node.role, v.Leader)
    assert node.log.entry(3) == v.Entry(2, v.TERM)


def test_5_2_a_vote_goes_to_the_first_who_asks_and_to_nobody_else() -> None:
    asked = receive(FOLLOWER, v.RequestVoteCall(0, 2, 3, v.Position(1, 2)))
    assert asked.node.voted_for == 0
    assert sent(asked.owed, 0) == v.RequestVoteReply(1, 2, 3, True)
    assert asked.owed[0] == v.SaveVotedFor(0)
    again = receive(asked.node, v.RequestVoteCall(0, 2, 4, v.Position(1, 2)))
    assert sent(again.owed, 0) == v.RequestVoteReply(1, 2, 4, True)
    other = receive(asked.node, v.RequestVoteCall(2, 2, 5, v.Position(1, 2)))
    assert (other.node, other.owed) == (asked.node, ())


@pytest.mark.parametrize(
    ("last", "granted"),
    [
        (v.Position(1, 9), False),  # longer, and of an earlier term
        (v.Position(2, 1), False),  # of the same term, and shorter
        (v.Position(2, 3), True),
        (v.Position(2, 4), True),
        (v.Position(3, 1), True),  # of a later term, and shorter
    ],
)
def test_5_4_1_a_vote_goes_to_a_log_that_is_not_behind(last: v.Position, granted: bool) -> None:
    voter = v.Node(1, v.Follower(), 3, None, log_of(1, 2, 2))
    call = v.RequestVoteCall(0, 3, 1, last)
    assert (receive(voter, call).node.voted_for == 0) is granted


def test_d1_comparing_the_index_alone_would_grant_a_vote_to_a_log_behind() -> None:
    voter = v.Node(1, v.Follower(), 3, None, log_of(1, 2, 2))
    call = v.Receive(v.RequestVoteCall(0, 3, 1, v.Position(1, 9)))
    assert as_in_crate(D1)(voter, call).node.voted_for == 0
    assert step(voter, call).node.voted_for is None


@pytest.mark.parametrize(
    "node",
    [
        v.Node(1, v.Candidate(frozenset({1})), 2, 1, LOG),
        v.Node(1, v.Follower(), 2, 2, LOG),  # it voted for someone who did not win
        v.Node(1, v.Follower(), 2, None, LOG),
    ],
)
def test_d2_the_leader_of_the_own_term_is_always_followed(node: v.Node) -> None:
    call = v.AppendEntriesCall(0, 2, 1, 0, v.Position(1, 2), commands(2))
    taken = receive(node, call)
    assert (taken.node.role, taken.node.leader) == (v.Follower(0), 0)
    assert taken.node.voted_for == node.voted_for
    assert taken.node.log.last_position == v.Position(2, 3)
    assert as_in_crate(D2)(node, v.Receive(call)).node != taken.node


def test_two_leaders_of_one_term_are_refused_and_change_nothing() -> None:
    leader = leading(0, 2, LOG)
    taken = receive(leader, v.AppendEntriesCall(1, 2, 1, 0, v.Position(1, 2), ()))
    assert (taken.outcome, taken.owed) == (v.Refused("invariant"), ())
    assert taken.node is leader


def test_d7_a_vote_request_of_a_higher_term_is_handled_and_can_be_told_apart() -> None:
    voter = v.Node(1, v.Follower(2), 2, 2, LOG)
    call = v.RequestVoteCall(0, 3, 1, v.Position(1, 2))
    assert receive(voter, call).node.voted_for == 0
    assert as_in_crate(D7)(voter, v.Receive(call)).node == voter
    assert could_be_disruptive(voter, call)
    assert not could_be_disruptive(voter._replace(role=v.Follower()), call)
    assert not could_be_disruptive(voter._replace(role=v.Follower(0)), call)
    assert not could_be_disruptive(voter, v.RequestVoteCall(0, 2, 1, v.Position(1, 2)))
    assert not could_be_disruptive(voter, v.AppendEntriesReply(0, 3, 1, v.Position(1, 2)))


def test_d8_nothing_comes_of_ones_own_message() -> None:
    call = v.Receive(v.RequestVoteCall(1, 9, 1, v.Position(9, 9)))
    assert step(FOLLOWER, call) == Effect(FOLLOWER)
    assert as_in_crate(D8)(FOLLOWER, call).node != FOLLOWER


def test_a_leaders_timeout_is_a_heartbeat_and_nobody_elses_is() -> None:
    leader = leading(0, 2, LOG)
    assert step(leader, v.ElectionTimeout()).owed[:1] == step(leader, v.Heartbeat()).owed[:1]
    assert step(FOLLOWER, v.Heartbeat()) == Effect(FOLLOWER, outcome=v.Refused("not_leader"))


def test_a_cluster_is_created_once_and_by_one_of_its_voters() -> None:
    assert step(v.Node(0), v.CreateCluster(frozenset({1}))).outcome == v.Refused("invalid_config")
    assert step(FOLLOWER, v.CreateCluster(frozenset({1}))).outcome == v.Refused("cluster_exists")


def test_figure_2_a_restart_knows_term_vote_and_log_and_of_commitment_the_snapshot_only() -> None:
    taken = restart(1, v.Restart(4, 2, LOG))
    assert taken.node == v.Node(1, v.Follower(), 4, 2, LOG, 0)
    assert taken.owed == (v.SetElectionTimeout(),)


@pytest.mark.parametrize(("term", "terms"), [(1, (1, 2)), (3, (2, 1))])
def test_a_disk_that_lost_a_term_is_refused(term: int, terms: tuple[int, ...]) -> None:
    assert restart(1, v.Restart(term, None, log_of(*terms))).outcome == v.Refused("invariant")


def test_5_2_a_split_vote_elects_nobody_and_the_next_campaign_does() -> None:
    cluster = Scenario(4)
    cluster.create(0, 1, 2, 3)
    cluster.crash(0)
    for candidate, voter in ((1, 3), (2, 2)):
        cluster.input(candidate, v.ElectionTimeout())
        if candidate != voter:
            cluster.exchange(candidate, voter)
    cluster.settle()
    assert not any(isinstance(cluster.node(node).role, v.Leader) for node in (1, 2, 3))
    cluster.input(1, v.ElectionTimeout())
    cluster.settle()
    assert isinstance(cluster.node(1).role, v.Leader)
    assert [cluster.node(node).leader for node in (1, 2, 3)] == [1, 1, 1]
