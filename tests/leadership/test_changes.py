"""§6: when a change of membership is complete, and who leaves or joins how."""

from __future__ import annotations

import pytest

import raftbare as rb
from tests.library.helpers import (
    Cluster,
    after,
    append_reply,
    config,
    node_with,
    opening,
    owed,
    position,
    refused,
    state_of,
    vote,
)

DONE, OPEN = rb.CommitStatus.COMMITTED, rb.CommitStatus.IN_PROGRESS
LOST, UNKNOWN = rb.CommitStatus.REJECTED, rb.CommitStatus.UNKNOWN


def nodes(*names: int) -> list[rb.NodeId]:
    return [rb.NodeId(name) for name in names]


# A finished change


def test_a_change_of_voters_is_complete_when_the_final_configuration_is_committed() -> None:
    """`propose_config` returns the joint one's position, and to that the question is put."""
    leader = node_with(
        0, after((0, 0), rb.ConfigEntry(config([0, 1])), opening(1)), term=1, members=config([0, 1])
    )
    leader.handle_election_timeout()
    owed(leader)
    leader.handle_message(vote(1, 2))
    owed(leader)
    at = leader.propose_config(leader.config.to_joint_consensus(adding=nodes(2)))
    owed(leader)

    def held(*by: int) -> tuple[rb.CommitStatus, rb.CommitStatus]:
        last = leader.log.last_position
        for peer in by:
            leader.handle_message(append_reply(peer, 2, (last.term, last.index), 9))
        owed(leader)
        return leader.get_commit_status(at), leader.get_change_status(at)

    assert held() == (OPEN, OPEN)
    assert held(1) == (DONE, OPEN)  # the final one follows
    assert leader.config == config([0, 1, 2])
    assert held(2) == (DONE, DONE)


def test_every_node_can_be_asked() -> None:
    cluster = Cluster.of(3)
    at = cluster.nodes[0].propose_config(
        cluster.nodes[0].config.to_joint_consensus(removing=nodes(2))
    )
    assert cluster.nodes[0].get_change_status(at) is OPEN
    assert cluster.nodes[1].get_change_status(at) is OPEN
    cluster.settle()
    cluster.heartbeat()
    assert [node.get_change_status(at) for node in cluster.nodes[:2]] == [DONE, DONE]


def test_a_leader_that_leaves_and_is_switched_off_then_leaves_a_cluster_that_works() -> None:
    """By the position that `propose_config` returns alone, it would be too soon."""
    for complete in (True, False):
        cluster = Cluster.of(2)
        leader = cluster.nodes[0]
        at = leader.propose_config(leader.config.to_joint_consensus(removing=nodes(0)))
        asked = leader.get_change_status if complete else leader.get_commit_status
        while not asked(at).is_committed:
            cluster.drain(0)
            to, message = cluster.under_way.pop(0)
            cluster.nodes[to].handle_message(message)
            if to:
                cluster.drain(to)
        cluster.isolate(0)  # it is switched off
        cluster.under_way.clear()
        cluster.nodes[1].handle_election_timeout()
        cluster.settle()
        assert cluster.nodes[1].role.is_leader is complete


def test_a_change_of_non_voters_is_complete_with_its_entry() -> None:
    cluster = Cluster.of(3).grown_to(4)
    leader = cluster.nodes[0]
    at = leader.propose_config(config([0, 1, 2], (), [3]))
    assert leader.get_change_status(at) is OPEN
    cluster.settle()
    assert leader.get_change_status(at) is DONE


def test_a_change_that_another_leader_never_got_is_lost() -> None:
    cluster = Cluster.of(3)
    cluster.isolate(0)
    leader = cluster.nodes[0]
    at = leader.propose_config(leader.config.to_joint_consensus(removing=nodes(2)))
    cluster.settle()
    cluster.elect(1)
    cluster.nodes[1].propose_command()
    cluster.settle()
    cluster.heal()
    cluster.heartbeat(1)
    assert leader.config == config([0, 1, 2])
    assert [node.get_change_status(at) for node in cluster.nodes] == [LOST] * 3


def test_behind_a_snapshot_nothing_is_known_of_it() -> None:
    cluster = Cluster.of(3)
    leader = cluster.nodes[0]
    at = leader.propose_config(leader.config.to_joint_consensus(removing=nodes(2)))
    cluster.settle()
    cluster.compact(0, at.index)
    assert leader.get_change_status(at) is DONE  # the snapshot ends with it, what follows is there
    cluster.compact(0, leader.commit_index)
    assert leader.get_change_status(at) is UNKNOWN


# Voter to non-voter


def test_a_voter_becomes_a_non_voter_in_one_change() -> None:
    cluster = Cluster.of(3)
    leader = cluster.nodes[0]
    joint = leader.config.to_joint_consensus(demoting=nodes(2))
    assert joint == config([0, 1, 2], [0, 1], [2])
    at = leader.propose_config(joint)
    cluster.settle()
    cluster.heartbeat()
    assert leader.get_change_status(at) is DONE
    demoted = cluster.nodes[2]
    assert demoted.config == leader.config == config([0, 1], (), [2])
    assert demoted.log.last_position == leader.log.last_position
    leader.propose_command()
    cluster.settle()
    assert leader.progress[rb.NodeId(2)].match_index == leader.log.last_position.index
    before = demoted.current_term
    demoted.handle_election_timeout()
    assert (demoted.role, demoted.current_term) == (rb.Role.FOLLOWER, before)


def test_until_then_it_has_its_say() -> None:
    """§6: a joint configuration needs a majority of the old voters too."""
    joint = config([0, 1, 2], [0], [1, 2])
    leader = node_with(0, after((0, 0), opening(1), rb.ConfigEntry(joint)), term=1)
    leader.handle_election_timeout()
    owed(leader)
    assert leader.role.is_candidate  # its own vote is a majority of the new voters alone
    leader.handle_message(vote(2, 2))
    owed(leader)
    assert leader.role.is_leader
    assert leader.commit_index == 0
    leader.handle_message(append_reply(1, 2, (2, 3), 9))
    assert leader.commit_index == 3
    leaving = node_with(2, after((0, 0), opening(1), rb.ConfigEntry(joint)), term=1)
    leaving.handle_election_timeout()
    assert leaving.role.is_candidate


def test_a_leader_may_become_a_non_voter() -> None:
    """It leads until that is committed, and follows then."""
    cluster = Cluster.of(3)
    leader = cluster.nodes[0]
    leader.propose_config(leader.config.to_joint_consensus(demoting=nodes(0)))
    cluster.settle()
    assert leader.role.is_follower
    cluster.elect(1)
    cluster.heartbeat(1)
    assert leader.leader == 1
    assert leader.config == config([1, 2], (), [0])


def test_who_is_a_non_voter_first_and_removed_then_never_campaigns() -> None:
    """One that is removed at once may never hear of it, and campaigns for ever."""
    for demoted_first in (True, False):
        cluster = Cluster.of(3)
        leader, leaving = cluster.nodes[0], cluster.nodes[2]
        if demoted_first:
            leader.propose_config(leader.config.to_joint_consensus(demoting=nodes(2)))
            cluster.settle()
            cluster.heartbeat()
            leader.propose_config(config([0, 1]))
        else:
            leader.propose_config(leader.config.to_joint_consensus(removing=nodes(2)))
        cluster.settle()
        cluster.heartbeat()
        terms = leaving.current_term
        for _ in range(40):
            leaving.handle_election_timeout()
            owed(leaving)
        assert leaving.current_term - terms == (0 if demoted_first else 40)


def test_a_node_that_is_both_after_the_change_is_refused() -> None:
    leader = Cluster.of(3).nodes[0]
    for wrong in (config([0, 1, 2], [0, 1], [0]), config([0, 1, 2], (), [2])):
        with refused(leader, rb.InvalidConfigError, "as voters and non-voters"):
            leader.propose_config(wrong)


# A member that never comes


def test_a_voter_that_never_comes_halts_the_cluster_and_cannot_be_withdrawn() -> None:
    cluster = Cluster.of(1)
    leader = cluster.nodes[0]
    at = leader.propose_config(leader.config.to_joint_consensus(adding=nodes(9)))
    command = leader.propose_command()
    owed(leader)
    assert leader.get_change_status(at) is leader.get_commit_status(command) is OPEN
    with refused(leader, rb.InvalidConfigError, "another change of voters is in progress"):
        leader.propose_config(leader.config)
    assert leader.progress[rb.NodeId(9)].match_index == 0


def test_a_non_voter_first_shows_whether_it_comes_and_can_be_withdrawn() -> None:
    cluster = Cluster.of(1)
    leader = cluster.nodes[0]
    leader.propose_config(config([0], (), [9]))
    command = leader.propose_command()
    owed(leader)
    assert leader.get_commit_status(command) is DONE
    assert leader.progress[rb.NodeId(9)].answered == 0
    back = leader.propose_config(config([0]))
    owed(leader)
    assert leader.get_change_status(back) is DONE
    assert leader.progress == {}


def test_one_that_has_caught_up_is_promoted() -> None:
    cluster = Cluster.of(1).grown_to(2)
    leader = cluster.nodes[0]
    leader.propose_config(config([0], (), [1]))
    cluster.settle()
    assert leader.progress[rb.NodeId(1)].match_index == leader.log.last_position.index
    at = leader.propose_config(leader.config.to_joint_consensus(adding=nodes(1)))
    cluster.settle()
    assert leader.get_change_status(at) is DONE
    assert leader.config == config([0, 1])


# The configurations


@pytest.mark.parametrize(
    ("adding", "removing", "demoting", "joint"),
    [
        ((), (), (2,), config([0, 1, 2], [0, 1], [2, 3])),
        ((3,), (), (2,), config([0, 1, 2], [0, 1, 3], [2])),  # one for another
        ((), (1,), (2,), config([0, 1, 2], [0], [2, 3])),
        ((), (2,), (2,), config([0, 1, 2], [0, 1], [2, 3])),
        ((2,), (), (2,), config([0, 1, 2], [0, 1], [2, 3])),
    ],
)
def test_who_is_demoted_is_a_non_voter_of_the_joint_configuration(
    adding: tuple[int, ...],
    removing: tuple[int, ...],
    demoting: tuple[int, ...],
    joint: rb.ClusterConfig,
) -> None:
    now = config([0, 1, 2], (), [3])
    assert now.to_joint_consensus(nodes(*adding), nodes(*removing), nodes(*demoting)) == joint


def test_one_voter_has_to_be_left() -> None:
    with pytest.raises(rb.InvalidConfigError, match="no voter would be left"):
        config([0, 1]).to_joint_consensus(removing=nodes(0), demoting=nodes(1))


def test_a_question_changes_nothing() -> None:
    leader = Cluster.of(3).nodes[0]
    at = leader.propose_config(leader.config.to_joint_consensus(demoting=nodes(2)))
    before = state_of(leader)
    for status in (leader.get_change_status(at), leader.get_change_status(position(7, 99))):
        assert status is OPEN
    assert state_of(leader) == before
