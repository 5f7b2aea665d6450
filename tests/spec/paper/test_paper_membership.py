"""§6 cluster membership changes: joint consensus, non-voters, the removed leader."""

from __future__ import annotations

import pytest

from conformance.audit.decisions import D3, as_in_crate
from spec import values as v
from spec.properties import Violation
from spec.rules import Effect, step
from spec.rules.leaders import advance_commit
from spec.rules.servers import receive
from tests.support.scenario import Scenario, leading, log_of, voters

OLD, NEW = frozenset({0, 1, 2}), frozenset({2, 3, 4})
JOINT = v.Config(OLD, NEW)


def configs(cluster: Scenario, node: int) -> list[v.Config]:
    entries = cluster.node(node).log.entries
    return [entry.payload for entry in entries if isinstance(entry.payload, v.Config)]


def test_6_a_change_goes_through_a_joint_configuration_and_is_completed_by_itself() -> None:
    cluster = Scenario(4)
    cluster.create(0, 1, 2)
    change = v.Config(OLD, frozenset({0, 1, 2, 3}))
    assert cluster.input(0, v.ProposeConfig(change)) == v.Position(1, 3)
    assert cluster.node(0).config == change  # in force as soon as it is in the log
    cluster.settle()
    for node in range(4):
        assert configs(cluster, node) == [voters(0, 1, 2), change, voters(0, 1, 2, 3)]
    assert cluster.node(0).commit_index == 4
    assert cluster.node(0).peers == (1, 2, 3)


@pytest.mark.parametrize(
    ("granted", "elected"),
    [
        ({0, 1, 2}, False),  # a majority of the old voters, not of the new ones
        ({0, 3, 4}, False),  # of the new ones, not of the old
        ({0, 1, 3, 4}, True),
        ({0, 2, 3}, True),  # one node may count in both
    ],
)
def test_6_under_a_joint_configuration_a_leader_needs_both_majorities(
    granted: set[int], elected: bool
) -> None:
    node = v.Node(0, v.Candidate(frozenset({0})), 2, 0, log_of(1, config=JOINT))
    for voter in sorted(granted - {0}):
        node = receive(node, v.RequestVoteReply(voter, 2, 1, True)).node
    assert isinstance(node.role, v.Leader) is elected


@pytest.mark.parametrize(
    ("holders", "committed"), [((1,), 0), ((3, 4), 0), ((1, 3, 4), 1), ((2, 3), 1)]
)
def test_6_and_so_does_commitment(holders: tuple[int, ...], committed: int) -> None:
    leader = leading(0, 1, log_of(1, config=JOINT), *(v.Progress(node, 1) for node in holders))
    assert min(1, advance_commit(leader)[0].commit_index) == committed


def test_6_a_configuration_in_force_can_be_rolled_back() -> None:
    cluster = Scenario(4)
    cluster.create(0, 1, 2)
    cluster.input(0, v.ProposeConfig(v.Config(OLD, frozenset({0, 3}))))
    cluster.crash(0)
    cluster.elect(1, 2)
    cluster.comeback(0)
    assert cluster.node(0).config.is_joint
    cluster.settle()
    assert cluster.node(0).config == voters(0, 1, 2)
    assert cluster.node(0).leader == 1


@pytest.mark.parametrize(
    ("before", "proposed"),
    [
        (voters(0, 1, 2), voters(0, 1)),  # not through a joint one
        (voters(0, 1, 2), v.Config(OLD, NEW, frozenset({4}))),
        (voters(0, 1, 2), v.Config(OLD, frozenset(), frozenset({2}))),
        (JOINT, v.Config(OLD, frozenset({0, 1}))),  # one at a time
        (JOINT, v.Config(OLD)),
    ],
)
def test_6_any_other_change_is_refused(before: v.Config, proposed: v.Config) -> None:
    leader = leading(0, 1, log_of(1, config=before))
    refused = Effect(leader, outcome=v.Refused("invalid_config"))
    assert step(leader, v.ProposeConfig(proposed)) == refused


def test_6_only_a_leader_accepts_a_change() -> None:
    node = v.Node(0, v.Follower(), 1, None, log_of(1))
    assert step(node, v.ProposeConfig(JOINT)).outcome == v.Refused("not_leader")


@pytest.mark.parametrize(
    "config", [voters(1, 2), v.Config(frozenset({1}), non_voters=frozenset({0}))]
)
def test_6_a_non_voter_and_a_removed_node_do_not_campaign(config: v.Config) -> None:
    node = v.Node(0, v.Follower(), 1, None, log_of(1, config=config))
    assert step(node, v.ElectionTimeout()) == Effect(node, (v.SetElectionTimeout(),))


def test_6_who_is_removed_may_campaign_until_that_is_known_to_be_committed() -> None:
    """Dissertation, §4.2.2."""
    log = log_of(1, config=voters(0, 1))
    joint = v.Config(frozenset({0, 1}), frozenset({1}))
    log = log.appended((v.Entry(1, joint), v.Entry(1, voters(1))))
    removed = v.Node(0, v.Follower(), 1, None, log, log.last_index - 1)
    assert isinstance(step(removed, v.ElectionTimeout()).node.role, v.Candidate)
    aware = removed._replace(commit_index=log.last_index)
    assert step(aware, v.ElectionTimeout()).node is aware
    compacted = removed._replace(log=log.compacted(log.position(log.last_index - 1), joint))
    assert isinstance(step(compacted, v.ElectionTimeout()).node.role, v.Candidate)
    restarted = aware._replace(log=log.compacted(log.last_position, voters(1)))
    assert step(restarted, v.ElectionTimeout()).node is restarted


def test_6_who_is_removed_may_campaign_although_another_configuration_follows() -> None:
    """Node 1 has the joint configuration alone, and needs node 0's vote, whose log is ahead."""
    log = log_of(1, config=voters(0, 1))
    joint = v.Config(frozenset({0, 1}), frozenset({1}))
    again = v.Config(frozenset({1}), non_voters=frozenset({0}))
    log = log.appended((v.Entry(1, joint), v.Entry(1, voters(1)), v.Entry(1, again)))
    nodes = [v.Node(0, v.Follower(), 1, None, log, known) for known in range(log.last_index + 1)]
    after = [step(node, v.ElectionTimeout()).node for node in nodes]
    campaigns = [isinstance(node.role, v.Candidate) for node in after]
    assert campaigns == [True] * (log.last_index - 1) + [False] * 2
    compacted = log.compacted(log.position(log.last_index - 2), joint)
    node = v.Node(0, v.Follower(), 1, None, compacted, log.last_index - 2)
    assert isinstance(step(node, v.ElectionTimeout()).node.role, v.Candidate)


def test_6_a_leader_that_removes_itself_is_not_the_end() -> None:
    """Node 1 has a joint configuration, and needs the vote of node 0, whose log is ahead.

    So none but node 0 can be elected, which then leads until its removal is committed.
    """
    cluster = Scenario(2)
    cluster.create(0, 1)
    cluster.input(0, v.ProposeConfig(v.Config(frozenset({0, 1}), frozenset({1}))))
    cluster.deliver(0, 1)
    cluster.input(1, v.ElectionTimeout())
    cluster.deliver(1, 0)  # the reply of term 1: the joint configuration is committed
    assert cluster.node(0).config == voters(1)
    cluster.lose_all()
    cluster.input(1, v.ElectionTimeout())
    cluster.settle()
    assert cluster.node(0).config == voters(1)
    assert cluster.node(1).config.is_joint
    assert not isinstance(cluster.node(1).role, v.Leader)  # node 0 does not vote for it
    cluster.input(0, v.ElectionTimeout())
    cluster.settle()
    assert cluster.node(1).config == voters(1)
    assert not isinstance(cluster.node(0).role, v.Leader)  # it has stepped down
    cluster.input(1, v.ElectionTimeout())
    assert isinstance(cluster.node(1).role, v.Leader)


def test_6_a_non_voter_is_brought_up_and_counts_for_nothing() -> None:
    cluster = Scenario(3)
    cluster.create(0, 1)
    cluster.crash(1)
    cluster.input(0, v.ProposeConfig(v.Config(frozenset({0, 1}), frozenset(), frozenset({2}))))
    cluster.settle()
    assert cluster.node(2).log == cluster.node(0).log
    assert cluster.node(0).commit_index == 2
    cluster.comeback(1)
    cluster.input(0, v.ElectionTimeout())
    cluster.settle()
    assert cluster.node(0).commit_index == 3


def removed_leader(cluster: Scenario) -> None:
    cluster.create(0, 1, 2)
    cluster.input(0, v.ProposeConfig(v.Config(OLD, frozenset({1, 2}))))
    cluster.settle()


def test_6_d3_a_removed_leader_leads_until_the_change_is_committed_and_keeps_its_vote() -> None:
    cluster = Scenario(3)
    removed_leader(cluster)
    node = cluster.node(0)
    assert node.config == voters(1, 2)
    assert node.commit_index == node.log.config_index
    assert (node.role, node.current_term, node.voted_for) == (v.Follower(), 1, 0)
    asked = step(node, v.Receive(v.RequestVoteCall(1, 1, 9, v.Position(9, 9))))
    assert (asked.node, asked.owed) == (node, ())
    cluster.input(1, v.ElectionTimeout())
    cluster.settle()
    role = cluster.node(1).role
    assert isinstance(role, v.Leader)
    assert [(peer.node, peer.match) for peer in role.peers] == [(2, 5)]
    assert role.durable == 5


def test_6_d3_one_that_clears_its_vote_might_vote_twice() -> None:
    cluster = Scenario(3, as_in_crate(D3), collect=True)
    removed_leader(cluster)
    assert cluster.violations == [
        Violation("VoteKeptInTerm", 0, "from 0 to None in term 1"),
    ]
