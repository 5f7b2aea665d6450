"""Dissertation, §6.2: a leader that may be cut off leads no more, because its user says so."""

from __future__ import annotations

import pytest

import raftbare as rb
from tests.library.helpers import Cluster, header, owed, position, refused, sent, state_of


def test_it_is_a_follower_of_nobody_in_its_own_term_and_has_a_timer() -> None:
    leader = Cluster.of(3).nodes[0]
    leader.step_down()
    assert (leader.role, leader.current_term, leader.leader) == (rb.Role.FOLLOWER, 1, None)
    assert owed(leader) == [rb.SetElectionTimeout()]


def test_its_vote_stays_given() -> None:
    """D3: nobody else gets it in this term."""
    leader = Cluster.of(3).nodes[0]
    leader.step_down()
    owed(leader)
    assert leader.voted_for == 0
    leader.handle_message(rb.RequestVoteCall(header(1, 1), position(9, 9)))
    assert sent(leader) == []
    leader.handle_message(rb.RequestVoteCall(header(1, 2), position(9, 9)))
    assert [message.vote_granted for message in sent(leader)] == [True]  # type: ignore[union-attr]


def test_it_still_writes_what_it_appended_and_calls_nobody() -> None:
    cluster = Cluster.of(3)
    leader = cluster.nodes[0]
    leader.propose_command()
    leader.step_down()
    taken = cluster.drain(0)
    assert [type(action) for action in taken] == [rb.SetElectionTimeout, rb.AppendLogEntries]
    assert cluster.disks[0].log.last_position == leader.log.last_position == position(1, 3)
    assert leader.commit_index == 2


def test_what_it_appended_may_still_be_committed_by_the_next_leader() -> None:
    cluster = Cluster.of(3)
    at = cluster.nodes[0].propose_command()
    cluster.drain(0)  # it calls the others
    cluster.nodes[0].step_down()
    cluster.settle()
    cluster.elect(1)
    cluster.heartbeat(1)
    assert [node.get_commit_status(at) for node in cluster.nodes] == [rb.CommitStatus.COMMITTED] * 3


def test_answers_to_it_and_its_reads_are_of_no_use_any_more() -> None:
    cluster = Cluster.of(3)
    leader = cluster.nodes[0]
    read = leader.read_index()
    assert read is not None
    leader.heartbeat()
    cluster.drain(0)
    leader.step_down()
    before = state_of(leader)
    cluster.drain(0)
    cluster.settle()
    assert leader.status().counters.late_replies == 2
    assert state_of(leader) == (*before[:2], state_of(leader)[2])
    with pytest.raises(rb.NotLeaderError):
        leader.is_confirmed(read)


def test_it_may_be_elected_again() -> None:
    cluster = Cluster.of(3)
    cluster.nodes[0].step_down()
    cluster.elect(0)
    assert [node.leader for node in cluster.nodes] == [0, 0, 0]
    assert cluster.nodes[0].current_term == 2


def test_an_only_voter_leads_again_after_its_timer() -> None:
    cluster = Cluster.of(1)
    cluster.nodes[0].step_down()
    cluster.settle()
    assert cluster.nodes[0].role.is_follower
    cluster.elect(0)


@pytest.mark.parametrize("campaigning", [False, True])
def test_who_does_not_lead_cannot(campaigning: bool) -> None:
    node = Cluster.of(3).nodes[1]
    if campaigning:
        node.handle_election_timeout()
    owed(node)
    with refused(node, rb.NotLeaderError, "to step down is asked of node 1") as raised:
        node.step_down()
    assert isinstance(raised.value, rb.NotLeaderError)
    assert raised.value.leader == (None if campaigning else 0)
