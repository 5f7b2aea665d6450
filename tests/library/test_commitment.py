"""§5.3 and §5.4.2: what is committed, and when a node knows it."""

from __future__ import annotations

from itertools import product

from raftbare import CommitStatus, LogIndex, NodeId
from raftbare.quorum import Progress, Quorum

from .helpers import (
    COMMAND,
    Cluster,
    acknowledge,
    after,
    append_call,
    config,
    node_with,
    opening,
    owed,
    position,
    vote,
)


def test_a_sole_voter_commits_only_when_its_drain_is_over() -> None:
    cluster = Cluster.of(1)
    leader = cluster.nodes[0]
    leader.propose_command()
    assert leader.commit_index == 2
    for _ in leader.actions:
        assert leader.commit_index == 2  # taken, but not yet known to be executed
    assert leader.commit_index == 3
    assert not leader.actions


def test_the_leaders_own_copy_counts_only_when_its_drain_is_over() -> None:
    leader = Cluster.of(3).nodes[0]
    leader.propose_command()
    acknowledge(leader, 1, (1, 3))
    assert leader.commit_index == 2
    owed(leader)
    assert leader.commit_index == 3


def test_a_quorum_of_followers_commits_without_the_leaders_disk() -> None:
    """Dissertation, §10.2.1."""
    leader = Cluster.of(3).nodes[0]
    leader.propose_command()
    for follower in (1, 2):
        assert leader.commit_index == 2
        acknowledge(leader, follower, (1, 3))
    assert leader.commit_index == 3


def test_a_majority_is_counted_of_any_number_of_voters() -> None:
    for size in range(1, 8):
        cluster = Cluster.of(size)
        leader = cluster.nodes[0]
        leader.propose_command()
        owed(leader)
        acknowledged = 1
        for follower in range(1, size):
            assert (leader.commit_index == 3) == (acknowledged > size // 2)
            acknowledge(leader, follower, (1, 3))
            acknowledged += 1
        assert leader.commit_index == 3


def test_a_quorum_holds_what_more_than_half_do() -> None:
    for size in range(1, 5):
        for indices in product(range(4), repeat=size):
            voters = [NodeId(number) for number in range(size)]
            quorum = Quorum(config(voters), {voter: Progress() for voter in voters})
            for voter, index in zip(voters, indices, strict=True):
                half = LogIndex(index // 2)
                quorum.update_match(voter, LogIndex(0), half)
                held = quorum.update_match(voter, half, LogIndex(index))
            by_most = [n for n in range(4) if sum(index >= n for index in indices) > size // 2]
            assert held == max(by_most)


def test_a_joint_quorum_holds_what_both_memberships_do() -> None:
    """§6; who is a voter of both counts in both, who is of none in none."""
    joint = config([0, 1, 2], [2, 3, 4], [5])
    quorum = Quorum(joint, {member: Progress() for member in joint.unique_nodes()})
    for voter, index, agreed in ((5, 9, 0), (0, 4, 0), (2, 3, 0), (3, 2, 2), (4, 7, 3), (1, 8, 3)):
        assert quorum.update_match(NodeId(voter), LogIndex(0), LogIndex(index)) == agreed


def test_entries_of_earlier_terms_are_committed_only_with_one_of_the_own_term() -> None:
    """§5.4.2, Figure 8: a majority that holds them is not enough."""
    cluster = Cluster.of(3)
    cluster.isolate(0)
    cluster.nodes[0].propose_command()
    cluster.settle()
    cluster.nodes[0].handle_message(append_call(1, 3, after((1, 2))))
    cluster.drain(0)
    cluster.under_way.clear()
    cluster.heal()
    leader = cluster.nodes[0]
    leader.handle_election_timeout()
    leader.handle_message(vote(1, 4))
    assert leader.role.is_leader
    cluster.drain(0)
    acknowledge(leader, 1, (1, 3))
    assert leader.commit_index == 2
    cluster.settle()
    assert leader.commit_index == 4


def test_a_reply_that_tells_nothing_new_commits_nothing() -> None:
    """What the final configuration alone would commit waits for news, as all else does."""
    cluster = Cluster.of(2)
    leader = cluster.nodes[0]
    leader.propose_config(config([0, 1], non_voters=[2]))
    cluster.grown_to(3).settle()
    leader.propose_config(config([0, 1], [0], [2]))
    leader.propose_command()
    owed(leader)
    joint = leader.log.last_position.index - 1
    acknowledge(leader, 2, (1, joint))
    acknowledge(leader, 1, (1, joint))
    assert leader.commit_index == joint
    assert not leader.config.is_joint_consensus
    acknowledge(leader, 2, (1, joint))
    assert leader.commit_index == joint
    owed(leader)
    assert leader.commit_index == joint + 2


def test_a_commit_index_never_falls() -> None:
    cluster = Cluster.of(3)
    follower = cluster.nodes[1]
    follower.handle_message(append_call(0, 1, after((1, 2)), commit=2, seqno=50))
    follower.handle_message(append_call(0, 1, after((1, 2)), commit=1, seqno=51))
    assert follower.commit_index == 2


def test_what_becomes_of_a_proposal() -> None:
    cluster = Cluster.of(3)
    leader = cluster.nodes[0]
    proposed = leader.propose_command()
    assert leader.get_commit_status(proposed) is CommitStatus.IN_PROGRESS
    cluster.settle()
    assert leader.get_commit_status(proposed) is CommitStatus.COMMITTED
    assert leader.get_commit_status(position(1, 2)) is CommitStatus.COMMITTED
    assert leader.get_commit_status(position(2, 3)) is CommitStatus.REJECTED
    assert leader.get_commit_status(position(2, 2)) is CommitStatus.REJECTED
    assert leader.get_commit_status(position(0, 4)) is CommitStatus.REJECTED
    assert leader.get_commit_status(position(1, 9)) is CommitStatus.IN_PROGRESS
    assert leader.get_commit_status(position(3, 9)) is CommitStatus.IN_PROGRESS
    cluster.compact(0, 3)
    assert leader.get_commit_status(position(1, 2)) is CommitStatus.UNKNOWN
    assert leader.get_commit_status(proposed) is CommitStatus.COMMITTED


def test_a_proposal_of_a_deposed_leader_is_rejected() -> None:
    cluster = Cluster.of(3)
    old = cluster.nodes[0]
    cluster.isolate(0)
    lost = [old.propose_command() for _ in range(3)]
    cluster.settle()
    cluster.elect(1)
    cluster.heal()
    cluster.heartbeat(1)
    cluster.heartbeat(1)
    assert [old.get_commit_status(one) for one in lost] == [CommitStatus.REJECTED] * 3
    assert old.log == cluster.nodes[1].log


def test_a_restarted_node_knows_its_snapshot_to_be_committed_and_no_more() -> None:
    node = node_with(0, after((1, 4), COMMAND, opening(2)), term=2, members=config([0, 1]))
    assert node.commit_index == 4
