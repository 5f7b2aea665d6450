"""§5.2 leader election, and §5.4.1 the election restriction."""

from __future__ import annotations

import pytest

import raftbare as rb

from .helpers import (
    COMMAND,
    Cluster,
    after,
    append_call,
    config,
    header,
    node_with,
    opening,
    owed,
    position,
    sent,
    state_of,
)


@pytest.mark.parametrize("size", [1, 2, 3])
def test_creating_a_cluster_elects_its_creator(size: int) -> None:
    cluster = Cluster(size)
    voters = [rb.NodeId(node_id) for node_id in range(size)]
    assert cluster.nodes[0].create_cluster(voters) == position(0, 1)
    cluster.settle()
    for node in cluster.nodes:
        assert list(node.log.entries) == [rb.ConfigEntry(config(voters)), opening(1)]
        assert (node.current_term, node.leader) == (1, 0)
        assert node.peers == tuple(other for other in voters if other != node.id)
    assert [node.role.is_leader for node in cluster.nodes] == [True] + [False] * (size - 1)
    assert cluster.nodes[0].commit_index == 2


def test_a_new_node_owes_nothing_and_waits() -> None:
    node = rb.Node.start(rb.NodeId(7))
    assert (node.id, node.role, node.current_term, node.voted_for) == (7, rb.Role.FOLLOWER, 0, None)
    assert (node.leader, node.commit_index, node.peers) == (None, 0, ())
    assert node.log.last_position == rb.LogPosition.ZERO
    assert not node.actions
    node.handle_election_timeout()  # it belongs to no cluster, and does not campaign
    assert node.role.is_follower
    assert owed(node) == [rb.SetElectionTimeout()]


def test_a_timeout_makes_a_follower_a_candidate_that_asks_for_votes() -> None:
    node = node_with(1, after((0, 0), opening(1), COMMAND), term=1)
    node.handle_election_timeout()
    assert (node.role, node.current_term, node.voted_for) == (rb.Role.CANDIDATE, 2, 1)
    assert node.leader is None
    assert owed(node) == [
        rb.SetElectionTimeout(),
        rb.SaveCurrentTerm(),
        rb.SaveVotedFor(),
        rb.BroadcastMessage(rb.RequestVoteCall(header(1, 2), position(1, 2))),
    ]


def test_a_candidate_needs_a_majority_of_its_own_term() -> None:
    node = node_with(0, after((0, 0), opening(1)), term=1, members=config(range(5)))
    node.handle_election_timeout()
    node.handle_message(rb.RequestVoteReply(header(1, 2), True))
    node.handle_message(rb.RequestVoteReply(header(1, 2), True))  # doubled on its way
    node.handle_message(rb.RequestVoteReply(header(2, 1), True))  # of an earlier term
    node.handle_message(rb.RequestVoteReply(header(3, 2), False))
    assert node.role.is_candidate
    node.handle_message(rb.RequestVoteReply(header(4, 2), True))
    assert node.role.is_leader
    assert node.leader == 0
    assert list(node.log.entries) == [opening(1), opening(2)]


def test_a_vote_is_given_once_a_term_first_come_first_served() -> None:
    node = node_with(0, after((0, 0)), term=1)
    node.handle_message(rb.RequestVoteCall(header(1, 2), position(0, 0)))
    assert owed(node) == [
        rb.SetElectionTimeout(),
        rb.SaveCurrentTerm(),
        rb.SaveVotedFor(),
        rb.SendMessage(rb.NodeId(1), rb.RequestVoteReply(header(0, 2), True)),
    ]
    node.handle_message(rb.RequestVoteCall(header(2, 2), position(0, 0)))
    assert owed(node) == []
    node.handle_message(rb.RequestVoteCall(header(1, 2, 9), position(0, 0)))  # asked again
    assert sent(node) == [rb.RequestVoteReply(header(0, 2, 9), True)]
    assert node.voted_for == 1


def test_a_candidate_of_an_earlier_term_is_told_of_the_later_one() -> None:
    node = node_with(0, after((0, 0)), term=5)
    node.handle_message(rb.RequestVoteCall(header(1, 4), position(3, 9)))
    assert owed(node) == [rb.SendMessage(rb.NodeId(1), rb.RequestVoteReply(header(0, 5), False))]
    assert node.voted_for is None


@pytest.mark.parametrize(
    ("last", "granted"),
    [((3, 3), True), ((3, 2), False), ((2, 9), False), ((4, 1), True), ((3, 4), True)],
)
def test_a_vote_goes_to_a_log_that_is_not_behind(last: tuple[int, int], granted: bool) -> None:
    """§5.4.1, D1: a longer log of an earlier term is behind."""
    node = node_with(0, after((0, 0), opening(1), opening(2), opening(3)), term=3)
    node.handle_message(rb.RequestVoteCall(header(1, 5), position(*last)))
    assert sent(node) == ([rb.RequestVoteReply(header(0, 5), True)] if granted else [])
    assert node.current_term == 5


def test_a_higher_term_makes_anyone_a_follower() -> None:
    cluster = Cluster.of(3)
    leader = cluster.nodes[0]
    leader.handle_message(rb.RequestVoteReply(header(1, 7), False))
    assert (leader.role, leader.current_term, leader.voted_for) == (rb.Role.FOLLOWER, 7, None)
    assert owed(leader) == [rb.SetElectionTimeout(), rb.SaveCurrentTerm(), rb.SaveVotedFor()]


def test_a_higher_term_does_not_put_off_a_followers_election() -> None:
    """Figure 2, followers: only a call of the leader and a granted vote do."""
    node = node_with(0, after((0, 0), opening(1), COMMAND), term=1)
    for term in range(2, 9):  # a candidate that cannot win goes on asking
        node.handle_message(rb.RequestVoteCall(header(1, term), position(1, 1)))
        assert owed(node) == [rb.SaveCurrentTerm(), rb.SaveVotedFor()]
    node.handle_message(rb.RequestVoteCall(header(1, 9), position(1, 2)))
    assert rb.SetElectionTimeout() in owed(node)


def test_nor_that_of_a_candidate_whose_timer_runs() -> None:
    node = node_with(0, after((0, 0), opening(1)), term=1)
    node.handle_election_timeout()
    assert rb.SetElectionTimeout() in owed(node)
    node.handle_message(rb.RequestVoteReply(header(1, 3), False))
    assert node.role.is_follower
    assert owed(node) == [rb.SaveCurrentTerm(), rb.SaveVotedFor()]


def test_a_server_that_a_snapshot_gives_a_vote_has_a_timer() -> None:
    """It ran out while there was nothing to campaign for, and may be the only one that can win."""
    node = rb.Node.start(rb.NodeId(0))
    node.handle_message(rb.AppendEntriesCall(header(1, 1), rb.LogIndex(0), after((1, 9))))
    assert rb.SetElectionTimeout() in owed(node)
    node.handle_election_timeout()
    assert owed(node) == [rb.SetElectionTimeout()]
    node.handle_snapshot_installed(position(1, 9), config(range(3)))
    node.handle_message(rb.RequestVoteCall(header(2, 2), position(1, 8)))
    assert owed(node) == [rb.SaveCurrentTerm(), rb.SaveVotedFor()]
    node.handle_election_timeout()
    assert node.role.is_candidate


def test_a_candidate_follows_the_leader_of_its_term() -> None:
    """§5.2, D2; its vote for itself stays."""
    node = node_with(0, after((0, 0)), term=1)
    node.handle_election_timeout()
    assert node.role.is_candidate
    node.handle_message(append_call(1, 2, after((0, 0), opening(2))))
    assert (node.role, node.leader, node.voted_for) == (rb.Role.FOLLOWER, 1, 0)
    assert list(node.log.entries) == [opening(2)]


def test_a_follower_that_voted_for_another_follows_the_leader() -> None:
    """D2."""
    node = node_with(0, after((0, 0)), term=2, voted_for=2)
    node.handle_message(append_call(1, 2, after((0, 0), opening(2))))
    assert (node.leader, node.voted_for) == (1, 2)
    assert list(node.log.entries) == [opening(2)]


def test_own_messages_are_ignored() -> None:
    """D8: not even their term counts."""
    cluster = Cluster.of(3)
    for node in cluster.nodes:
        before = state_of(node)
        node.handle_message(rb.RequestVoteCall(header(node.id, 9), position(9, 9)))
        node.handle_message(rb.RequestVoteReply(header(node.id, 9), True))
        node.handle_message(append_call(node.id, 9, after((9, 9))))
        assert state_of(node) == before


def test_a_split_vote_ends_with_the_next_timeout() -> None:
    cluster = Cluster.of(2)
    for node in cluster.nodes:
        node.handle_message(rb.RequestVoteReply(header(1 - node.id, 3), False))
    cluster.settle()
    for node in cluster.nodes:
        node.handle_election_timeout()
    cluster.settle()
    assert [node.role for node in cluster.nodes] == [rb.Role.CANDIDATE] * 2
    cluster.elect(1)
    assert [node.leader for node in cluster.nodes] == [1, 1]


def test_a_restarted_node_remembers_its_term_and_vote() -> None:
    cluster = Cluster.of(3)
    cluster.nodes[1].handle_election_timeout()
    cluster.drain(1)
    node = cluster.restart(1)
    assert (node.role, node.current_term, node.voted_for) == (rb.Role.FOLLOWER, 2, 1)
    assert owed(node) == [rb.SetElectionTimeout()]
    node.handle_message(rb.RequestVoteCall(header(2, 2), position(9, 9)))
    assert sent(node) == []


def test_a_vote_request_may_disrupt_where_a_leader_is_known() -> None:
    """§6, D7: such a request is handled; the predicate is for the user."""
    cluster = Cluster.of(3)
    follower = cluster.nodes[1]
    call = rb.RequestVoteCall(header(2, 2), position(1, 2))
    before = state_of(follower)
    assert follower.could_be_disruptive(call)
    assert cluster.nodes[0].could_be_disruptive(call)
    for term in (0, 1):
        earlier = rb.RequestVoteCall(header(2, term), position(1, 2))
        assert not follower.could_be_disruptive(earlier)
    assert not follower.could_be_disruptive(rb.RequestVoteCall(header(0, 2), position(1, 2)))
    assert not follower.could_be_disruptive(append_call(2, 2, after((0, 0), rb.CommandEntry())))
    assert not cluster.restart(2).could_be_disruptive(
        rb.RequestVoteCall(header(1, 2), position(1, 2))
    )
    assert state_of(follower) == before
    follower.handle_message(call)
    assert follower.voted_for == 2
    cluster.settle()
    cluster.elect(2)
    assert cluster.nodes[0].could_be_disruptive(rb.RequestVoteCall(header(1, 9), position(1, 2)))
