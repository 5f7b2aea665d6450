"""What a node tells of itself to people and metrics."""

from __future__ import annotations

import raftbare as rb
from tests.library.helpers import (
    Cluster,
    acknowledge,
    append_reply,
    config,
    header,
    owed,
    position,
    refuse,
    state_of,
)

ONE, TWO = rb.NodeId(1), rb.NodeId(2)
ALIKE = (
    "id",
    "role",
    "current_term",
    "voted_for",
    "leader",
    "config",
    "commit_index",
    "confirmed",
    "transfer_target",
    "progress",
)


def test_a_status_has_all_that_the_properties_say() -> None:
    cluster = Cluster.of(3)
    cluster.nodes[0].propose_command()
    cluster.settle()
    cluster.compact(0, 2)
    cluster.nodes[0].transfer_leadership(ONE)
    cluster.nodes[2].handle_election_timeout()
    for node in cluster.nodes:
        status = node.status()
        for name in ALIKE:
            assert getattr(status, name) == getattr(node, name), name
        assert status.last_position == node.log.last_position
        assert status.snapshot_position == node.log.snapshot_position
    assert cluster.nodes[0].status().transfer_target == 1
    assert cluster.nodes[0].status().snapshot_position == position(1, 2)


def test_what_was_told_stays_as_it_was() -> None:
    cluster = Cluster.of(3)
    leader = cluster.nodes[0]
    status, before = leader.status(), state_of(leader)
    assert state_of(leader) == before
    assert status == leader.status()
    again = repr(status)
    leader.propose_command()
    cluster.settle()
    assert repr(status) == again
    assert status != leader.status()
    assert leader.status().counters.calls > status.counters.calls


def test_only_a_leader_knows_of_the_others() -> None:
    cluster = Cluster.of(3)
    assert list(cluster.nodes[0].progress) == [1, 2]
    assert cluster.nodes[1].progress == {}


def test_a_member_is_sent_to_or_probed_or_needs_a_snapshot() -> None:
    leader = Cluster.newly_led(3, commands=4, snapshot=3).nodes[0]
    last = leader.log.last_position
    first = leader.progress[ONE]
    assert first == rb.MemberProgress(
        rb.LogIndex(0), rb.LogIndex(last.index + 1), rb.MessageSeqNo(0), rb.MemberState.REPLICATE
    )
    refuse(leader, 1, (1, 4))
    probed = leader.progress[ONE]
    assert (probed.state, probed.match_index, probed.next_index) == (rb.MemberState.PROBE, 4, 5)
    refuse(leader, 2, (1, 2))
    behind = leader.progress[TWO]
    assert (behind.state, behind.match_index) == (rb.MemberState.SNAPSHOT, 0)
    assert behind.next_index <= leader.log.snapshot_position.index
    assert 0 < probed.answered < behind.answered
    acknowledge(leader, 1, (last.term, last.index))
    held = leader.progress[ONE]
    assert held.state is rb.MemberState.REPLICATE
    assert (held.match_index, held.next_index) == (last.index, last.index + 1)


def test_counters_count() -> None:
    cluster = Cluster.of(3)
    leader = cluster.nodes[0]
    counters = leader.status().counters
    assert (counters.elections, counters.leaderships) == (1, 1)
    assert counters.calls > 1
    assert counters.entries >= 2
    follower = cluster.nodes[1].status().counters
    assert (follower.elections, follower.calls) == (0, 0)

    def counted(name: str, message: rb.Message) -> int:
        before = getattr(leader.status().counters, name)
        leader.handle_message(message)
        return int(getattr(leader.status().counters, name)) - int(before)

    assert counted("refusals", append_reply(1, 1, (1, 1), 2, accepted=False)) == 1
    assert counted("refusals", append_reply(1, 1, (1, 2), 2)) == 0
    assert counted("late_replies", append_reply(1, 1, (1, 2), 0)) == 1
    assert counted("from_strangers", append_reply(7, 1, (1, 2), 2)) == 1
    assert counted("from_itself", rb.RequestVoteReply(header(0, 1), True)) == 1


def test_entries_and_snapshots_are_counted_as_they_are_sent() -> None:
    leader = Cluster.newly_led(3, commands=4, snapshot=3).nodes[0]
    before = leader.status().counters
    for _ in range(3):
        leader.propose_command()
    owed(leader)
    after = leader.status().counters
    assert (after.calls - before.calls, after.entries - before.entries) == (1, 3)
    refuse(leader, 2, (0, 0))
    owed(leader)
    assert leader.status().counters.snapshots - after.snapshots == 1
    assert leader.status().counters.refusals - after.refusals == 1


def test_a_configuration_that_changes_shows_at_once() -> None:
    leader = Cluster.of(3).nodes[0]
    leader.propose_config(config([0, 1, 2], (), [5]))
    assert list(leader.progress) == [1, 2, 5]
    assert leader.progress[rb.NodeId(5)].answered == 0
    assert leader.status().config == config([0, 1, 2], (), [5])
