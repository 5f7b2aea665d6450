"""Dissertation: §3.10, leadership transfer; §6.2, who is cut off; §9.6, what a pre-vote answers."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from spec import values as v
from spec.cluster import Drain, Input
from spec.pending import NOTHING, owe
from spec.rules import (
    Effect,
    change_status,
    could_be_disruptive,
    pre_vote_call,
    step,
    take_all,
    would_vote,
)
from tests.support.scenario import Scenario, leading, log_of, voters

LOG = log_of(1, 2)
LEADER = leading(0, 2, LOG)
HANDING = LEADER._replace(role=v.Leader((v.Progress(1), v.Progress(2)), 2, transfer=1))
FOLLOWER = v.Node(1, v.Follower(0), 2, 0, LOG, commit_index=2)
TIMER = v.SetElectionTimeout()


# §6.2


def test_6_2_a_leader_that_is_cut_off_follows_nobody_in_its_own_term() -> None:
    """Its vote stays given (D3), and it needs another timer."""
    assert step(LEADER, v.StepDown()) == Effect(
        LEADER._replace(role=v.Follower()), (TIMER,), outcome=True
    )


def test_6_2_what_it_has_appended_it_still_writes() -> None:
    cluster = Scenario(3)
    cluster.create(0, 1, 2)
    cluster.take(Input(0, v.ProposeCommand()))
    cluster.take(Input(0, v.StepDown()))
    owed = cluster.take(Drain(0)).turn
    assert owed is not None
    kinds = [type(done.action) for done in owed.executed]
    assert kinds == [v.SetElectionTimeout, v.AppendLogEntries]
    assert cluster.member(0).disk.log.last_index == 3


@pytest.mark.parametrize(
    "event", [v.StepDown(), v.TransferLeadership(2), v.CancelTransfer()], ids=str
)
@pytest.mark.parametrize("role", [v.Follower(0), v.Candidate(frozenset({1}))])
def test_only_a_leader_gives_up_its_leadership(event: v.Event, role: v.Role) -> None:
    node = FOLLOWER._replace(role=role, voted_for=1)
    assert step(node, event) == Effect(node, outcome=v.Refused("not_leader"))


# §3.10


@pytest.mark.parametrize("event", [v.ProposeCommand(), v.ProposeConfig(voters(0, 1, 2))], ids=str)
def test_3_10_1_the_prior_leader_stops_accepting_new_client_requests(event: v.Event) -> None:
    assert step(LEADER, v.TransferLeadership(1)) == Effect(HANDING, outcome=True)
    assert step(HANDING, event) == Effect(HANDING, outcome=v.Refused("transferring"))


@pytest.mark.parametrize("to", [0, 3, 9])
def test_3_10_leadership_goes_to_another_voter(to: v.NodeId) -> None:
    config = v.Config(frozenset({0, 1, 2}), frozenset(), frozenset({3}))
    leader = leading(0, 2, log_of(1, 2, config=config))
    refused = step(leader, v.TransferLeadership(to))
    assert refused == Effect(leader, outcome=v.Refused("invalid_transfer"))


@pytest.mark.parametrize("leader", [LEADER, HANDING])
def test_3_10_if_it_takes_too_long_the_prior_leader_aborts_it(leader: v.Node) -> None:
    cancelled = step(leader, v.CancelTransfer())
    assert cancelled == Effect(LEADER, outcome=True)
    assert isinstance(step(cancelled.node, v.ProposeCommand()).outcome, v.Position)


def test_3_10_2_meanwhile_it_leads_and_keeps_in_mind_to_whom_it_hands_over() -> None:
    reply = v.Receive(v.AppendEntriesReply(1, 2, 1, v.Position(2, 2)))
    for event in (v.Heartbeat(), reply, v.SnapshotInstalled(v.Position(1, 1), voters(0, 1, 2))):
        leader = HANDING._replace(commit_index=2, seqno=3)
        after = step(leader, event).node
        assert isinstance(after.role, v.Leader)
        assert after.role.transfer == 1


def test_3_10_3_the_target_campaigns_as_if_its_timer_had_elapsed() -> None:
    """But for the mark on its call."""
    told, elapsed = step(FOLLOWER, v.TimeoutNow(2)), step(FOLLOWER, v.ElectionTimeout())
    assert told.owed == elapsed.owed
    assert told.node._replace(role=v.Candidate(frozenset({1}))) == elapsed.node
    (call,) = calls(told)
    assert call == replace(*calls(elapsed), transfer=True)


def calls(effect: Effect) -> list[v.Message]:
    actions, _ = take_all(effect.node, owe(NOTHING, effect.owed))
    return [action.message for action in actions if isinstance(action, v.BroadcastMessage)]


def test_3_10_so_that_others_who_hear_the_leader_do_not_disregard_it() -> None:
    """§6, last paragraph: its user may drop a call that could be disruptive."""
    other = FOLLOWER._replace(id=2)
    for mark in (True, False):
        call = v.RequestVoteCall(1, 3, 1, LOG.last_position, mark)
        assert could_be_disruptive(other, call) is not mark
        assert would_vote(other, call)


def test_3_10_the_next_election_is_an_ordinary_one() -> None:
    campaigning = step(FOLLOWER, v.TimeoutNow(2)).node
    assert campaigning.role == v.Candidate(frozenset({1}), transfer=True)
    assert step(campaigning, v.ElectionTimeout()).node.role == v.Candidate(frozenset({1}))


@pytest.mark.parametrize(
    ("node", "term"),
    [
        (FOLLOWER, 1),  # the term of that leader is over
        (FOLLOWER, 3),
        (LEADER, 2),
        (FOLLOWER._replace(role=v.Candidate(frozenset({1})), voted_for=1), 2),
        (FOLLOWER._replace(id=3), 2),  # it has no vote
        (v.Node(1), 0),
    ],
)
def test_3_10_a_message_that_comes_late_or_to_the_wrong_node_is_nothing(
    node: v.Node, term: v.Term
) -> None:
    assert step(node, v.TimeoutNow(term)) == Effect(node)


def test_3_10_no_unavailability_but_for_one_round_of_votes() -> None:
    cluster = Scenario(3)
    cluster.create(0, 1, 2)
    cluster.input(0, v.TransferLeadership(1))
    cluster.input(1, v.TimeoutNow(1))
    cluster.exchange(1, 2)
    assert isinstance(cluster.node(1).role, v.Leader)
    cluster.settle()
    assert cluster.node(0).role == v.Follower(1)
    assert cluster.input(1, v.ProposeCommand()) == v.Position(2, 4)


# §9.6


def test_9_6_a_node_asks_for_a_vote_in_the_next_term() -> None:
    assert pre_vote_call(FOLLOWER) == v.RequestVoteCall(1, 3, 0, v.Position(2, 2))
    candidate = FOLLOWER._replace(role=v.Candidate(frozenset({1}), True), voted_for=1)
    assert pre_vote_call(candidate) == pre_vote_call(FOLLOWER)  # of its own will, unlike before
    for node in (LEADER, FOLLOWER._replace(id=3), v.Node(1)):
        assert pre_vote_call(node) is None


def test_9_6_the_answer_is_what_the_vote_would_be() -> None:
    """Of all cases about the term, the vote and the log of the node that is asked."""
    cases = product((None, 0, 2), (1, 2, 3), (0, 1, 2), ((1, 9), (2, 1), (2, 2), (3, 1)))
    granted = 0
    for voted_for, term, sender, last in cases:
        node = FOLLOWER._replace(voted_for=voted_for)
        call = v.RequestVoteCall(sender, term, 1, v.Position(*last))
        replies = [
            action.message
            for action in step(node, v.Receive(call)).owed
            if isinstance(action, v.SendMessage)
        ]
        votes = any(isinstance(one, v.RequestVoteReply) and one.vote_granted for one in replies)
        assert would_vote(node, call) is votes
        granted += votes
    assert granted > 10


# §6: is it complete?


def test_6_a_change_of_voters_is_complete_once_c_new_is_committed() -> None:
    joint = v.Config(frozenset({0, 1, 2}), frozenset({0, 1}), frozenset({2}))
    final = v.Config(frozenset({0, 1}), frozenset(), frozenset({2}))
    log = LOG.appended((v.Entry(2, joint), v.Entry(2, v.COMMAND), v.Entry(2, final)))
    at = v.Position(2, 3)
    known = [change_status(LEADER._replace(log=log, commit_index=index), at) for index in range(6)]
    assert known == ["in_progress"] * 5 + ["committed"]
    compacted = LEADER._replace(log=log.compacted(at, joint), commit_index=4)
    assert change_status(compacted, at) == "in_progress"
    assert change_status(compacted._replace(commit_index=5), at) == "committed"
    assert change_status(compacted, v.Position(2, 2)) == "unknown"
    assert change_status(LEADER._replace(log=log, commit_index=5), v.Position(1, 3)) == "rejected"
    alone = LOG.appended((v.Entry(2, v.Config(frozenset({0, 1, 2}), frozenset(), frozenset({3}))),))
    assert change_status(LEADER._replace(log=alone, commit_index=3), at) == "committed"
