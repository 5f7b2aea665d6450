"""Dissertation, §3.10: leadership is handed over to a node of choice."""

from __future__ import annotations

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
    refused,
    sent,
    state_of,
)

ONE, TWO = rb.NodeId(1), rb.NodeId(2)


def asked_for_votes(node: rb.Node) -> rb.RequestVoteCall:
    (call,) = sent(node)
    assert isinstance(call, rb.RequestVoteCall)
    return call


# The prior leader


def test_a_leader_that_hands_over_takes_no_proposals() -> None:
    """1. The prior leader stops accepting new client requests."""
    leader = Cluster.of(3).nodes[0]
    leader.transfer_leadership(ONE)
    assert leader.transfer_target == 1
    for propose in (leader.propose_command, lambda: leader.propose_config(leader.config)):
        with refused(leader, rb.TransferringError, "hands over to node 1") as raised:
            propose()
        assert isinstance(raised.value, rb.TransferringError)
        assert raised.value.to == 1
    assert owed(leader) == []


def test_it_goes_on_leading_and_brings_the_target_its_log() -> None:
    """2. It replicates its log to the target."""
    cluster = Cluster.of(3)
    cluster.isolate(1)
    leader = cluster.nodes[0]
    for _ in range(3):
        leader.propose_command()
        cluster.settle()
    leader.transfer_leadership(ONE)
    last = leader.log.last_position.index
    assert leader.progress[ONE].match_index < last == leader.commit_index
    cluster.heal()
    cluster.heartbeat()
    assert leader.progress[ONE].match_index == last
    assert leader.read_index() is not None


def test_if_that_takes_too_long_it_takes_proposals_again() -> None:
    leader = Cluster.of(3).nodes[0]
    leader.transfer_leadership(ONE)
    leader.cancel_transfer()
    assert leader.transfer_target is None
    assert leader.propose_command() == position(1, 3)
    leader.cancel_transfer()  # whether or not it was handing over
    assert leader.transfer_target is None


def test_another_target_replaces_the_one_before() -> None:
    leader = Cluster.of(3).nodes[0]
    leader.transfer_leadership(ONE)
    leader.transfer_leadership(TWO)
    assert leader.transfer_target == 2


@pytest.mark.parametrize("to", [0, 3, 7], ids=["itself", "a non-voter", "a stranger"])
def test_leadership_goes_to_another_voter(to: int) -> None:
    cluster = Cluster.of(3).grown_to(4)
    leader = cluster.nodes[0]
    leader.propose_config(config([0, 1, 2], (), [3]))
    cluster.settle()
    with refused(leader, rb.InvalidTransferError, f"to node {to}: another voter"):
        leader.transfer_leadership(rb.NodeId(to))
    assert leader.transfer_target is None


def test_it_may_go_to_a_new_voter_of_a_joint_configuration() -> None:
    leader = Cluster.of(3).nodes[0]
    leader.propose_config(config([0, 1, 2], [0, 1, 5]))
    leader.transfer_leadership(rb.NodeId(5))
    assert leader.transfer_target == 5


def test_only_a_leader_hands_over() -> None:
    node = Cluster.of(3).nodes[1]
    with refused(node, rb.NotLeaderError, "to hand over is asked of node 1"):
        node.transfer_leadership(TWO)
    with refused(node, rb.NotLeaderError, "not to hand over is asked of node 1"):
        node.cancel_transfer()
    assert node.transfer_target is None


def test_a_handover_ends_with_the_leadership() -> None:
    cluster = Cluster.of(3)
    leader = cluster.nodes[0]
    leader.transfer_leadership(ONE)
    cluster.elect(2)
    assert leader.transfer_target is None
    cluster.elect(0)
    assert leader.transfer_target is None
    leader.propose_command()


# The target


def test_the_target_leads_after_one_round_of_votes() -> None:
    """3. It starts an election, as if its timer had elapsed."""
    cluster = Cluster.of(3)
    leader, target = cluster.nodes[0], cluster.nodes[1]
    leader.transfer_leadership(ONE)
    target.handle_timeout_now(leader.current_term)
    assert (target.role, target.current_term) == (rb.Role.CANDIDATE, 2)
    cluster.settle()
    assert [node.leader for node in cluster.nodes] == [1, 1, 1]
    assert leader.transfer_target is None
    target.propose_command()


def test_its_call_for_votes_is_not_to_be_dropped() -> None:
    """Elsewhere a leader is known that is alive: that leader wants to be replaced."""
    for told in (True, False):
        cluster = Cluster.of(3)
        target, other = cluster.nodes[1], cluster.nodes[2]
        if told:
            target.handle_timeout_now(target.current_term)
        else:
            target.handle_election_timeout()
        call = asked_for_votes(target)
        assert call.transfer is told
        assert other.could_be_disruptive(call) is not told
        assert cluster.nodes[0].could_be_disruptive(call) is not told


def test_the_next_election_is_an_ordinary_one() -> None:
    target = Cluster.of(3).nodes[1]
    target.handle_timeout_now(target.current_term)
    assert asked_for_votes(target).transfer
    target.handle_election_timeout()
    assert not asked_for_votes(target).transfer


def test_an_only_voter_that_is_told_leads_at_once() -> None:
    cluster = Cluster.of(1)
    cluster.restart(0)
    cluster.nodes[0].handle_timeout_now(rb.Term(1))
    cluster.settle()
    assert cluster.nodes[0].role.is_leader


@pytest.mark.parametrize("late", ["of an earlier term", "of a later term"])
def test_what_comes_late_does_nothing(late: str) -> None:
    cluster = Cluster.of(3)
    cluster.elect(1)
    node, term = cluster.nodes[2], 1 if late == "of an earlier term" else 3
    before = state_of(node)
    node.handle_timeout_now(rb.Term(term))
    assert state_of(node) == before


def test_who_leads_or_campaigns_goes_on_with_that() -> None:
    cluster = Cluster.of(3)
    cluster.nodes[1].handle_election_timeout()
    for node in cluster.nodes[:2]:
        owed(node)
        before = state_of(node)
        node.handle_timeout_now(node.current_term)
        assert state_of(node) == before


def test_who_has_no_vote_does_nothing() -> None:
    non_voter = node_with(
        3, after((0, 0), rb.ConfigEntry(config([0, 1], (), [3])), opening(1)), term=1
    )
    non_voter.handle_message(append_call(0, 1, after((1, 2)), commit=2))
    unaware = rb.Node.start(rb.NodeId(5))
    for node in (non_voter, unaware):
        owed(node)
        before = state_of(node)
        node.handle_timeout_now(node.current_term)
        assert state_of(node) == before


def test_a_target_that_lags_loses_and_the_leader_that_was_may_lead_again() -> None:
    """A user that does not wait for the target loses no entry: §5.4.1 keeps it from winning."""
    cluster = Cluster.of(3)
    cluster.isolate(1)
    leader, target = cluster.nodes[0], cluster.nodes[1]
    at = leader.propose_command()
    cluster.settle()
    leader.transfer_leadership(ONE)
    cluster.heal()
    target.handle_timeout_now(target.current_term)
    cluster.settle()
    assert target.role.is_candidate
    assert leader.role.is_follower  # deposed by the higher term
    cluster.elect(0)
    cluster.heartbeat()
    assert all(node.get_commit_status(at).is_committed for node in cluster.nodes)


def test_the_mark_is_a_part_of_the_call() -> None:
    plain = rb.RequestVoteCall(header(1, 2), position(1, 2))
    marked = rb.RequestVoteCall(header(1, 2), position(1, 2), True)
    assert plain == rb.RequestVoteCall(header(1, 2), position(1, 2), False) != marked
    assert "transfer=True" in repr(marked)
