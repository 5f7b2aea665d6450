"""§7 log compaction."""

from __future__ import annotations

import pytest

import raftbare as rb

from .helpers import (
    COMMAND,
    Cluster,
    acknowledge,
    after,
    append_call,
    append_reply,
    calls,
    config,
    node_with,
    opening,
    owed,
    position,
    refuse,
    refused,
)


def busy(size: int, commands: int) -> Cluster:
    cluster = Cluster.of(size)
    for _ in range(commands):
        cluster.nodes[0].propose_command()
    cluster.settle()
    cluster.heartbeat()
    return cluster


def test_a_snapshot_takes_the_place_of_the_prefix() -> None:
    cluster = busy(3, 5)
    node = cluster.nodes[1]
    cluster.compact(1, 4)
    assert node.log.snapshot_position == position(1, 4)
    assert node.log.snapshot_config == node.config == config([0, 1, 2])
    assert list(node.log.entries) == [COMMAND] * 3
    assert (node.commit_index, node.log.last_position) == (7, position(1, 7))
    assert not node.actions


def test_the_term_is_saved_before_a_snapshot_is_taken() -> None:
    """A snapshot on the disk without the term by which it was committed would survive a crash."""
    node = busy(3, 5).nodes[1]
    node.handle_message(append_call(2, 4, after((1, 7), opening(4)), commit=8))
    assert node.commit_index == 8
    with refused(node, rb.InvalidSnapshotError, "term 4 is yet to be saved"):
        node.handle_snapshot_installed(position(4, 8), config([0, 1, 2]))
    owed(node)
    node.handle_snapshot_installed(position(4, 8), config([0, 1, 2]))
    assert node.log.snapshot_position == position(4, 8)


def test_a_node_restarts_from_its_snapshot() -> None:
    cluster = busy(3, 5)
    cluster.compact(1, 7)
    node = cluster.restart(1)
    assert (node.commit_index, node.peers) == (7, (0, 2))
    cluster.nodes[0].propose_command()
    cluster.settle()
    assert node.log.last_position == position(1, 8)


def test_a_lagging_follower_is_brought_the_snapshot() -> None:
    cluster = Cluster.of(3)
    cluster.isolate(2)
    for _ in range(5):
        cluster.nodes[0].propose_command()
    cluster.settle()
    cluster.compact(0, 6)
    cluster.heal()
    cluster.heartbeat()
    assert cluster.snapshots_asked == [(0, 2)]
    log = cluster.nodes[0].log
    cluster.install(2, log.snapshot_position, log.snapshot_config)
    assert cluster.nodes[2].commit_index == 6  # D4
    cluster.heartbeat()
    assert cluster.nodes[2].log == cluster.nodes[0].log


def test_a_peer_is_owed_one_snapshot_however_often_it_asks() -> None:
    leader = Cluster.newly_led(3, 5, snapshot=6).nodes[0]
    for peer in (2, 1):
        refuse(leader, peer, (0, 1))
        refuse(leader, peer, (0, 0))
    assert owed(leader) == [rb.InstallSnapshot(rb.NodeId(1)), rb.InstallSnapshot(rb.NodeId(2))]


def test_a_snapshot_is_owed_again_once_as_many_calls_were_made_as_the_limit_says() -> None:
    leader = Cluster.newly_led(2, snapshot=2, limits=rb.Limits(ask_again=3)).nodes[0]
    asked = []
    for _ in range(7):
        leader.heartbeat()
        (call,) = calls(leader)
        leader.handle_message(append_reply(1, 2, (0, 1), call.seqno, accepted=False))
        asked.append(rb.InstallSnapshot(rb.NodeId(1)) in owed(leader))
    assert asked == [True, False, False, True, False, False, True]


def test_a_snapshot_is_owed_again_at_once_after_a_later_one_was_taken() -> None:
    """The one that is under way may end before the log begins now."""
    cluster = Cluster.newly_led(3, 5, snapshot=4)
    leader = cluster.nodes[0]
    acknowledge(leader, 1, (2, 8))
    leader.handle_message(append_reply(2, 2, (0, 1), 2, accepted=False))
    assert owed(leader) == [rb.InstallSnapshot(rb.NodeId(2))]
    leader.handle_message(append_reply(2, 2, (0, 1), 9, accepted=False))
    assert owed(leader) == []
    cluster.compact(0, 7)
    leader.handle_message(append_reply(2, 2, (1, 4), 9, accepted=False))
    assert owed(leader) == [rb.InstallSnapshot(rb.NodeId(2))]


def test_a_peer_that_waits_for_a_snapshot_is_sent_nothing_for_a_late_answer() -> None:
    """Nor is the snapshot asked for, be it that or a later one: a refusal will do that."""
    cluster = Cluster.newly_led(3, 5, snapshot=4)
    leader = cluster.nodes[0]
    acknowledge(leader, 1, (2, 8))
    refuse(leader, 2, (0, 1))
    assert owed(leader) == [rb.InstallSnapshot(rb.NodeId(2))]
    for snapshot in (4, 7):
        cluster.compact(0, snapshot)
        acknowledge(leader, 2, (0, 1))
        assert owed(leader) == []


def test_a_peer_that_has_installed_the_snapshot_is_sent_what_follows() -> None:
    cluster = Cluster.of(3)
    cluster.isolate(2)
    leader = cluster.nodes[0]
    for _ in range(5):
        leader.propose_command()
    cluster.settle()
    cluster.compact(0, 6)
    refuse(leader, 2, (1, 2))
    leader.propose_command()
    owed(leader)
    acknowledge(leader, 2, (1, 2))  # late: it says nothing
    assert owed(leader) == []
    refuse(leader, 2, (1, 6))
    (call,) = calls(leader)
    assert call.entries.prev_position == position(1, 6)
    assert call.entries.last_position == leader.log.last_position


def test_a_peer_whose_next_entry_was_compacted_is_owed_the_snapshot() -> None:
    cluster = Cluster.newly_led(3, 5, snapshot=2)
    leader = cluster.nodes[0]
    acknowledge(leader, 1, (2, 8))
    refuse(leader, 2, (1, 3))
    cluster.compact(0, 6)
    assert owed(leader) == [rb.InstallSnapshot(rb.NodeId(2))]


def test_a_snapshot_beyond_the_log_replaces_it_and_is_committed() -> None:
    """D4."""
    node = node_with(1, after((0, 0), opening(1), COMMAND), term=3)
    node.handle_snapshot_installed(position(2, 9), config([0, 1]))
    assert (node.commit_index, node.log.last_position) == (9, position(2, 9))
    assert node.log.entries.is_empty
    assert node.config == config([0, 1])


def test_a_snapshot_that_contradicts_uncommitted_entries_replaces_them() -> None:
    node = node_with(1, after((0, 0), opening(1), COMMAND, COMMAND), term=3)
    node.handle_snapshot_installed(position(2, 2), config([0, 1]))
    assert (node.commit_index, node.log.last_position) == (2, position(2, 2))


def test_configurations_after_the_snapshot_stay_in_force() -> None:
    entries = after((0, 0), rb.ConfigEntry(config([0, 1])), opening(1), rb.ConfigEntry(config([1])))
    node = node_with(1, entries, term=1)
    node.handle_snapshot_installed(position(1, 2), config([0, 1]))
    assert (node.config, node.log.latest_config_index) == (config([1]), 3)


def test_a_write_that_is_owed_keeps_what_lies_after_the_snapshot() -> None:
    node = node_with(1, after((0, 0), opening(1)), term=1)
    node.handle_message(append_call(0, 1, after((1, 1), COMMAND, COMMAND, COMMAND), commit=3))
    node.handle_snapshot_installed(position(1, 3), config([0, 1, 2]))
    assert owed(node)[1] == rb.AppendLogEntries(after((1, 3), COMMAND))


def test_a_broadcast_that_is_owed_begins_after_the_snapshot() -> None:
    cluster = busy(3, 0)
    leader = cluster.nodes[0]
    for _ in range(3):
        leader.propose_command()
    for peer in (1, 2):
        acknowledge(leader, peer, (1, 4))
    leader.handle_snapshot_installed(position(1, 4), config([0, 1, 2]))
    assert [call.entries for call in calls(leader)] == [after((1, 4), COMMAND)]


@pytest.mark.parametrize(
    ("at", "members", "why"),
    [
        ((1, 3), [0, 1, 2], "before the snapshot"),
        ((4, 9), [0, 1, 2], "later term"),
        ((1, 5), [1], "the log has"),
        ((1, 6), [0, 1, 2], "another entry"),
        ((2, 5), [0, 1, 2], "another entry"),
        ((1, 8), [0, 1, 2], "earlier term"),
    ],
)
def test_snapshots_that_cannot_be_are_refused(
    at: tuple[int, int], members: list[int], why: str
) -> None:
    follower = node_with(1, after((1, 4), COMMAND, opening(2), COMMAND), term=3)
    follower.handle_message(append_call(0, 3, after((2, 7)), commit=6))
    with refused(follower, rb.InvalidSnapshotError, why):
        follower.handle_snapshot_installed(position(*at), config(members))


def test_a_leader_takes_no_snapshot_beyond_what_it_has_committed() -> None:
    leader = Cluster.of(3).nodes[0]
    leader.propose_command()
    for at, why in ((position(1, 3), "not committed"), (position(1, 9), "not in the log")):
        with refused(leader, rb.InvalidSnapshotError, why):
            leader.handle_snapshot_installed(at, config([0, 1, 2]))


def test_the_empty_snapshot_is_always_there() -> None:
    node = rb.Node.start(rb.NodeId(0))
    node.handle_snapshot_installed(rb.LogPosition.ZERO, config())
    assert node.log.last_position == rb.LogPosition.ZERO


def test_a_leaders_snapshot_ends_a_candidacy_and_a_compaction_does_not() -> None:
    cluster = busy(3, 5)
    candidate = cluster.nodes[1]
    candidate.handle_election_timeout()
    cluster.drain(1)
    cluster.compact(1, 4)
    assert candidate.role.is_candidate
    cluster.install(1, position(1, 9), config([0, 1, 2]))
    assert candidate.role.is_follower
    assert (candidate.leader, candidate.voted_for, candidate.current_term) == (None, 1, 2)
    candidate.handle_election_timeout()
    assert (candidate.role.is_candidate, candidate.current_term) == (True, 3)


def test_a_snapshot_in_the_place_of_conflicting_entries_ends_a_candidacy_too() -> None:
    node = node_with(1, after((0, 0), opening(1), COMMAND, COMMAND), term=3)
    node.handle_election_timeout()
    owed(node)
    node.handle_snapshot_installed(position(2, 2), config([0, 1, 2]))
    assert node.role.is_follower
    assert node.log.last_position == position(2, 2)


def test_a_follower_that_takes_a_snapshot_still_knows_its_leader() -> None:
    cluster = busy(3, 5)
    node = cluster.nodes[1]
    cluster.install(1, position(1, 9), config([0, 1, 2]))
    assert node.leader == 0
