"""Dissertation, §9.6: what a node asks before it campaigns, and what the others answer."""

from __future__ import annotations

from itertools import product

import pytest

import raftbare as rb
from tests.library.helpers import (
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

LOG = after((0, 0), rb.ConfigEntry(config([0, 1, 2])), opening(1), opening(2))


def follower(voted_for: int | None = None, leader: int | None = None) -> rb.Node:
    """Node 0 in term 3, whose log ends with index 3 of term 2."""
    node = node_with(0, LOG, term=3, voted_for=voted_for)
    if leader is not None:
        node.handle_message(append_call(leader, 3, after((2, 3))))
    owed(node)
    return node


def test_a_node_asks_for_votes_in_the_next_term_and_stays_as_it_is() -> None:
    node = follower(voted_for=1)
    before = state_of(node)
    call = node.pre_vote_call()
    assert call == rb.RequestVoteCall(header(0, 4, seqno=0), position(2, 3))
    assert state_of(node) == before
    node.handle_election_timeout()
    (asked,) = sent(node)
    assert isinstance(asked, rb.RequestVoteCall)
    assert (asked.term, asked.last_position) == (call.term, call.last_position)


def test_so_does_a_candidate_whose_election_failed() -> None:
    node = follower()
    node.handle_election_timeout()
    call = node.pre_vote_call()
    assert call is not None
    assert call.term == 5


def test_who_would_not_campaign_asks_nobody() -> None:
    cluster = Cluster.of(3).grown_to(4)
    cluster.nodes[0].propose_config(config([0, 1, 2], (), [3]))
    cluster.settle()
    cluster.heartbeat()
    leader, non_voter = cluster.nodes[0], cluster.nodes[3]
    unaware = rb.Node.start(rb.NodeId(5))
    assert [node.pre_vote_call() for node in (leader, non_voter, unaware)] == [None] * 3


@pytest.mark.parametrize(
    ("term", "last", "sender", "granted"),
    [
        (4, (2, 3), 1, True),
        (4, (2, 4), 1, True),
        (4, (3, 1), 1, True),
        (4, (2, 2), 1, False),  # its log is behind (§5.4.1)
        (4, (1, 9), 1, False),
        (3, (2, 3), 2, True),  # the vote of term 3 is 2's
        (3, (2, 3), 1, False),
        (2, (9, 9), 2, False),  # of an earlier term
        (4, (9, 9), 0, False),  # its own
    ],
)
def test_a_pre_vote_is_granted_where_the_vote_would_be(
    term: int, last: tuple[int, int], sender: int, granted: bool
) -> None:
    node = follower(voted_for=2)
    assert node.would_vote(rb.RequestVoteCall(header(sender, term), position(*last))) is granted


def test_the_answer_is_what_the_message_would_get_and_changes_nothing() -> None:
    """For followers, candidates and leaders alike."""
    cases = product((None, 1, 2), (2, 3, 4, 5), (1, 2), ((1, 9), (2, 2), (2, 3), (2, 4)))
    for voted_for, term, sender, last in cases:
        for campaigns in (False, True):
            node = follower(voted_for)
            if campaigns:
                node.handle_election_timeout()
                owed(node)
            call = rb.RequestVoteCall(header(sender, term), position(*last))
            before = state_of(node)
            answer = node.would_vote(call)
            assert state_of(node) == before
            node.handle_message(call)
            replies = [one for one in sent(node) if isinstance(one, rb.RequestVoteReply)]
            assert answer is any(reply.vote_granted for reply in replies)


def test_a_leader_answers_too() -> None:
    leader = Cluster.of(3).nodes[0]
    assert leader.would_vote(rb.RequestVoteCall(header(1, 2), position(1, 2)))
    assert not leader.would_vote(rb.RequestVoteCall(header(1, 1), position(1, 2)))


# What it is good for: as a driver does it


def polled(cluster: Cluster, candidate: int, reach: set[int], hear: set[int]) -> bool:
    """Whether a node may campaign: it asks those that it reaches; `hear`: who hears a leader."""
    node = cluster.nodes[candidate]
    call = node.pre_vote_call()
    assert call is not None
    granted = {node.id}
    for other in reach:
        asked = cluster.nodes[other]
        alive = other in hear and asked.could_be_disruptive(call)
        if asked.would_vote(call) and not alive:
            granted.add(asked.id)
    return node.config.has_quorum(granted)


def test_who_comes_back_after_long_isolation_deposes_nobody() -> None:
    cluster = Cluster.of(3)
    cluster.isolate(2)
    for _ in range(20):
        assert not polled(cluster, 2, set(), {0, 1})
    assert cluster.nodes[2].current_term == 1  # without pre-vote: 21
    cluster.nodes[0].propose_command()
    cluster.settle()
    cluster.heal()
    assert not polled(cluster, 2, {0, 1}, {0, 1})
    cluster.heartbeat()
    assert cluster.nodes[2].leader == 0
    assert cluster.nodes[2].commit_index == cluster.nodes[0].commit_index


def test_a_node_that_hears_some_but_not_the_leader_deposes_nobody() -> None:
    cluster = Cluster.of(3)
    assert not polled(cluster, 2, {1}, {1})


def test_once_the_leader_is_gone_somebody_is_elected() -> None:
    cluster = Cluster.of(3)
    cluster.isolate(0)
    assert polled(cluster, 2, {1}, set())
    cluster.elect(2)


def test_a_quorum_is_of_both_memberships() -> None:
    """§6, while the configuration is joint."""
    joint = config([0, 1, 2], [0, 3, 4], [5])
    few, enough = [{0, 1, 5}, {0, 3}, {1, 2}, set[int]()], [{0, 1, 3}, {1, 2, 3, 4}]
    assert not any(joint.has_quorum({rb.NodeId(one) for one in some}) for some in few)
    assert all(joint.has_quorum({rb.NodeId(one) for one in some}) for some in enough)
    even = config([0, 1, 2, 3])
    assert not even.has_quorum({rb.NodeId(0), rb.NodeId(1)})
    assert even.has_quorum({rb.NodeId(0), rb.NodeId(1), rb.NodeId(3)})
