"""§6 cluster membership changes."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

import raftbare as rb

from .helpers import (
    COMMAND,
    Cluster,
    acknowledge,
    after,
    append_call,
    config,
    header,
    node_with,
    opening,
    owed,
    position,
    refuse,
    refused,
    sent,
)


def change(
    cluster: Cluster, adding: Sequence[int] = (), removing: Sequence[int] = ()
) -> rb.ClusterConfig:
    """The leader is asked for a change of voters."""
    leader = next(node for node in cluster.nodes if node.role.is_leader)
    joint = leader.config.to_joint_consensus(map(rb.NodeId, adding), map(rb.NodeId, removing))
    leader.propose_config(joint)
    return joint


def configs_of(cluster: Cluster, node_id: int) -> list[rb.ClusterConfig]:
    entries = cluster.nodes[node_id].log.entries
    return [entry.config for entry in entries if isinstance(entry, rb.ConfigEntry)]


def test_nodes_are_added_through_a_joint_configuration() -> None:
    cluster = Cluster.of(1).grown_to(3)
    joint = change(cluster, adding=[1, 2])
    assert cluster.nodes[0].config == joint  # in force at once
    assert cluster.nodes[0].peers == (1, 2)
    cluster.settle()
    cluster.heartbeat()
    final = config([0, 1, 2])
    assert configs_of(cluster, 2) == [config([0]), joint, final]
    assert [node.config for node in cluster.nodes] == [final] * 3
    assert cluster.commit_indices() == [4, 4, 4]


def test_a_joint_configuration_needs_both_majorities() -> None:
    cluster = Cluster.of(1).grown_to(3)
    cluster.isolate(1, 2)
    change(cluster, adding=[1, 2])
    cluster.settle()
    assert cluster.nodes[0].commit_index == 2  # all old voters, and a minority of the new
    cluster.isolate(2)
    cluster.heartbeat()
    assert cluster.nodes[0].commit_index == 4
    assert cluster.nodes[0].config == config([0, 1, 2])


def test_an_election_in_a_joint_configuration_needs_both_majorities() -> None:
    cluster = Cluster.of(3)
    cluster.isolate(0, 2)
    cluster.nodes[1].handle_message(
        append_call(0, 1, after((1, 2), rb.ConfigEntry(config([0, 1, 2], [1]))), commit=2, seqno=50)
    )
    node = cluster.nodes[1]
    owed(node)
    node.handle_election_timeout()
    assert node.role.is_candidate  # alone it is the majority of the new voters only


def test_a_removed_follower_is_left_behind() -> None:
    cluster = Cluster.of(3)
    change(cluster, removing=[2])
    cluster.settle()
    cluster.heartbeat()
    assert cluster.nodes[0].config == cluster.nodes[1].config == config([0, 1])
    assert cluster.nodes[0].peers == (1,)
    assert cluster.commit_indices()[:2] == [4, 4]
    assert cluster.nodes[2].config.is_joint_consensus  # nobody tells it of the end


def test_a_removed_leader_steps_down_once_it_has_committed_its_removal() -> None:
    """Its vote stays given (D3)."""
    cluster = Cluster.of(3)
    change(cluster, removing=[0])
    cluster.settle()
    removed = cluster.nodes[0]
    assert (removed.role, removed.current_term) == (rb.Role.FOLLOWER, 1)
    assert (removed.voted_for, removed.leader) == (0, None)
    assert (removed.config, removed.commit_index) == (config([1, 2]), 4)
    removed.handle_message(rb.RequestVoteCall(header(1, 1), position(9, 9)))
    assert sent(removed) == []  # no second vote in this term
    removed.handle_election_timeout()
    assert removed.role.is_follower  # and no campaign any more
    cluster.elect(1)
    assert cluster.nodes[2].leader == 1
    assert cluster.nodes[0].current_term == 1


def test_who_is_removed_may_campaign_until_that_is_known_to_be_committed() -> None:
    """Dissertation, §4.2.2: no other log may be able to win."""
    configs = config([0, 1]), config([0, 1], [1]), config([1])
    first, joint, last = [rb.ConfigEntry(one) for one in configs]
    runs: list[tuple[rb.LogEntry, int]] = [(first, 1), (opening(1), 1), (joint, 1), (last, 1)]
    log = rb.Log(rb.ClusterConfig(), rb.LogEntries.from_runs(rb.LogPosition.ZERO, runs))
    leaving = rb.Node.restart(rb.NodeId(0), current_term=rb.Term(1), voted_for=None, log=log)
    leaving.handle_election_timeout()
    assert leaving.role.is_candidate
    aware = rb.Node.restart(rb.NodeId(0), current_term=rb.Term(1), voted_for=None, log=log)
    aware.handle_snapshot_installed(position(1, 4), config([1]))
    aware.handle_election_timeout()
    assert aware.role.is_follower


@pytest.mark.parametrize("committed", [2, 3, 4, 5])
def test_a_later_configuration_does_not_take_that_away(committed: int) -> None:
    """The removal is the last but one: who did not see it yet cannot win against this log."""
    observer = rb.ClusterConfig([rb.NodeId(1)], (), [rb.NodeId(0)])
    configs = config([0, 1]), config([0, 1], [1]), config([1]), observer
    first, joint, left, again = [rb.ConfigEntry(one) for one in configs]
    runs: list[tuple[rb.LogEntry, int]] = [(first, 1), (opening(1), 1)]
    runs += [(joint, 1), (left, 1), (again, 1)]
    log = rb.Log(rb.ClusterConfig(), rb.LogEntries.from_runs(rb.LogPosition.ZERO, runs))
    node = rb.Node.restart(rb.NodeId(0), current_term=rb.Term(1), voted_for=None, log=log)
    known = log.get_position_and_config(rb.LogIndex(committed))
    assert known is not None
    node.handle_snapshot_installed(*known)
    node.handle_election_timeout()
    assert node.role.is_candidate == (committed < 4)


def test_a_removed_leader_leads_on_without_counting_itself() -> None:
    cluster = Cluster.of(2)
    change(cluster, removing=[0])
    cluster.isolate(1)
    cluster.settle()
    assert cluster.nodes[0].role.is_leader
    assert cluster.nodes[0].commit_index == 2
    cluster.heal()
    cluster.heartbeat()
    assert cluster.nodes[0].role.is_follower
    assert cluster.nodes[0].commit_index == 4


def test_a_sole_voter_commits_both_configurations_within_one_drain() -> None:
    """The drain ends only when the final configuration has been executed, too."""
    cluster = Cluster.of(1)
    leader = cluster.nodes[0]
    leader.propose_config(config([0], [0]))
    cluster.drain(0)
    assert leader.config == config([0])
    assert leader.commit_index == leader.log.last_position.index == 4
    assert cluster.disks[0].log == leader.log
    assert not leader.actions


def test_non_voters_get_the_log_and_have_no_say() -> None:
    cluster = Cluster.of(1).grown_to(2)
    cluster.isolate(1)
    proposed = cluster.nodes[0].propose_config(config([0], non_voters=[1]))
    cluster.settle()
    assert cluster.nodes[0].get_commit_status(proposed) is rb.CommitStatus.COMMITTED
    cluster.heal()
    cluster.heartbeat()
    assert cluster.nodes[1].log == cluster.nodes[0].log
    cluster.nodes[1].handle_election_timeout()
    assert cluster.nodes[1].role.is_follower
    assert owed(cluster.nodes[1]) == [rb.SetElectionTimeout()]


def test_a_joint_configuration_is_left_only_once_it_is_committed_itself() -> None:
    cluster = Cluster.of(3)
    leader = cluster.nodes[0]
    leader.propose_command()
    joint = change(cluster, removing=[2])
    owed(leader)
    acknowledge(leader, 1, (1, 3))
    assert (leader.commit_index, leader.config) == (3, joint)
    acknowledge(leader, 1, (1, 4))
    assert (leader.commit_index, leader.config) == (4, config([0, 1]))


def test_a_joint_configuration_is_left_too_when_later_entries_are_committed_with_it() -> None:
    cluster = Cluster.of(3)
    leader = cluster.nodes[0]
    change(cluster, removing=[2])
    leader.propose_command()
    owed(leader)
    acknowledge(leader, 1, (1, 4))
    assert (leader.commit_index, leader.config) == (4, config([0, 1]))


def test_a_leader_that_has_stepped_down_brings_nothing_more() -> None:
    cluster = Cluster.of(3)
    leader = cluster.nodes[0]
    change(cluster, removing=[0])
    for index in (3, 4):
        if index == 4:
            leader.propose_command()
        owed(leader)
        for peer in (1, 2):
            acknowledge(leader, peer, (1, index))
    assert (leader.role, leader.commit_index) == (rb.Role.FOLLOWER, 4)
    assert leader.log.last_position == position(1, 5)
    assert [type(action) for action in leader.actions] == [rb.SetElectionTimeout]


def test_a_leader_that_steps_down_owes_no_calls_any_more() -> None:
    cluster = Cluster.of(3)
    leader = cluster.nodes[0]
    change(cluster, removing=[0])
    owed(leader)
    for peer in (1, 2):
        acknowledge(leader, peer, (1, 3))
    owed(leader)
    refuse(leader, 2, (0, 1))
    leader.propose_command()
    for peer in (1, 2):
        acknowledge(leader, peer, (1, 4))
    assert (leader.role, leader.commit_index) == (rb.Role.FOLLOWER, 4)
    assert [type(action) for action in leader.actions] == [
        rb.SetElectionTimeout,
        rb.AppendLogEntries,
    ]
    assert not leader.actions


def test_a_member_that_is_removed_by_its_own_reply_is_called_no_more() -> None:
    """With its reply the joint configuration is committed, and the next one is without it."""
    cluster = Cluster.of(3)
    leader = cluster.nodes[0]
    change(cluster, removing=[1])
    leader.propose_command()
    leader.propose_command()
    owed(leader)
    acknowledge(leader, 2, (1, 3))
    refuse(leader, 1, (1, 4))
    assert leader.config == config([0, 2])
    assert [type(action) for action in leader.actions] == [
        rb.SetElectionTimeout,
        rb.BroadcastMessage,
        rb.AppendLogEntries,
    ]


def test_the_known_progress_of_members_stays_known() -> None:
    leader = Cluster.of(3).nodes[0]
    leader.propose_config(config([0, 1, 2], non_voters=[3]))
    assert repr(leader).count("Progress(match_index=2") == 2
    assert repr(leader).count("Progress(match_index=0") == 1


def test_a_node_that_returns_is_known_nothing_of() -> None:
    cluster = Cluster.of(1)
    leader = cluster.nodes[0]
    leader.propose_config(config([0], non_voters=[1]))
    acknowledge(leader, 1, (1, 3))
    leader.propose_config(config([0]))
    leader.propose_config(config([0], non_voters=[1]))
    assert leader.progress[rb.NodeId(1)].match_index == 0
    assert leader.progress[rb.NodeId(1)].answered == 0


@pytest.mark.parametrize(
    ("proposed", "why"),
    [
        (config([0, 1]), "new_voters only"),
        (config([0, 1, 2, 3]), "new_voters only"),
        (config([0, 1, 2], [3], [3]), r"has \[3\] as voters and non-voters"),
        (config([0, 1, 2], [], [2]), r"has \[2\] as voters and non-voters"),
    ],
)
def test_configurations_that_cannot_follow_are_refused(
    proposed: rb.ClusterConfig, why: str
) -> None:
    leader = Cluster.of(3).nodes[0]
    leader.propose_command()
    with refused(leader, rb.InvalidConfigError, why):
        leader.propose_config(proposed)


def test_one_change_of_voters_at_a_time() -> None:
    cluster = Cluster.of(3)
    joint = change(cluster, removing=[2])
    with refused(cluster.nodes[0], rb.InvalidConfigError, "in progress"):
        cluster.nodes[0].propose_config(joint)


def test_a_former_voter_that_knows_what_was_committed_since_does_not_campaign() -> None:
    """§6: it stays a non-voter, and goes on to learn what is committed."""
    entries = after((1, 1), rb.ConfigEntry(config([0, 1], non_voters=[2])), COMMAND, COMMAND)
    for commit, campaigns in ((1, True), (2, False), (3, False), (4, False)):
        node = node_with(2, entries, term=1, members=config([0, 1], [0, 1, 2]))
        node.handle_message(append_call(0, 1, after((1, 4)), commit=commit))
        node.handle_election_timeout()
        assert node.role.is_candidate == campaigns


def test_a_voter_until_the_snapshot_may_campaign_while_its_removal_is_not_committed() -> None:
    """Dissertation, §4.2.2: the configuration before the latest one is the snapshot's."""
    entries = after((1, 4), rb.ConfigEntry(config([1, 2])))
    node = node_with(0, entries, term=1, members=config([0, 1, 2], [1, 2]))
    node.handle_election_timeout()
    assert node.role.is_candidate
