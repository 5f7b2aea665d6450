"""What the user limits: entries of a call, calls under way to a peer, what is uncommitted."""

from __future__ import annotations

import pytest

import raftbare as rb

from .helpers import (
    COMMAND,
    Cluster,
    acknowledge,
    after,
    calls,
    leader_with,
    opening,
    owed,
    refuse,
    refused,
    vote,
)


def limited(size: int, **limits: int) -> Cluster:
    """A cluster whose nodes have these limits; node 0 leads."""
    cluster = Cluster(size)
    cluster.nodes = [
        rb.Node.start(rb.NodeId(node_id), limits=rb.Limits(**limits)) for node_id in range(size)
    ]
    cluster.nodes[0].create_cluster(map(rb.NodeId, range(size)))
    cluster.settle()
    return cluster


def sizes(actions: list[rb.Action]) -> list[tuple[str, int]]:
    """How many entries each call among the actions carries, to all or to whom."""
    found = []
    for action in actions:
        match action:
            case rb.BroadcastMessage(rb.AppendEntriesCall(_, _, entries)):
                found.append(("all", len(entries)))
            case rb.SendMessage(to, rb.AppendEntriesCall(_, _, entries)):
                found.append((f"{to}", len(entries)))
    return found


def test_a_call_carries_no_more_than_the_limit() -> None:
    """What one broadcast has no room for follows at once, in calls to each peer."""
    cluster = limited(3, entries=3, calls=9)
    leader = cluster.nodes[0]
    for _ in range(8):
        leader.propose_command()
    sent = sizes(cluster.drain(0))
    assert sent == [("all", 3), ("1", 3), ("1", 2), ("2", 3), ("2", 2)]
    cluster.settle()
    assert [node.log for node in cluster.nodes] == [leader.log] * 3
    leader.propose_command()
    assert sizes(cluster.drain(0)) == [("all", 1)]


def test_no_more_calls_are_under_way_than_the_limit_and_each_reply_sends_on() -> None:
    cluster = limited(2, entries=2, calls=3)
    cluster.isolate(1)
    leader = cluster.nodes[0]
    for _ in range(20):
        leader.propose_command()
        cluster.drain(0)
    refuse(leader, 1, (1, 2))
    assert sizes(cluster.drain(0)) == [("1", 2)]  # it is probed
    acknowledge(leader, 1, (1, 4))
    assert sizes(cluster.drain(0)) == [("1", 2)] * 3
    acknowledge(leader, 1, (1, 4))
    assert sizes(cluster.drain(0)) == []
    acknowledge(leader, 1, (1, 8))
    assert sizes(cluster.drain(0)) == [("1", 2)] * 2
    refuse(leader, 1, (1, 8))  # the rest was lost
    assert sizes(cluster.drain(0)) == [("1", 2)]
    for last in (10, 16, 22):
        acknowledge(leader, 1, (1, last))
        cluster.drain(0)
    assert leader.commit_index == 22
    leader.propose_command()
    assert sizes(cluster.drain(0)) == [("all", 1)]


def test_the_first_call_from_a_guess_is_alone_where_little_is_known_of_the_peer() -> None:
    """One probe, until it is answered: nothing is known of what the peer's log has before it."""
    entries: list[rb.LogEntry] = [opening(1), *[COMMAND] * 8, opening(3), *[COMMAND] * 9]
    cluster = leader_with(*entries, term=5)
    leader = rb.Node.restart(
        rb.NodeId(0),
        current_term=rb.Term(5),
        voted_for=None,
        log=cluster.disks[0].log,
        limits=rb.Limits(entries=2, calls=3),
    )
    leader.handle_election_timeout()
    leader.handle_message(vote(1, 6))
    owed(leader)
    refuse(leader, 1, (2, 12))
    (probe,) = calls(leader)
    assert probe.entries == after((1, 9), opening(3), COMMAND)


def test_commands_beyond_the_uncommitted_limit_are_refused() -> None:
    cluster = limited(3, uncommitted=2)
    leader = cluster.nodes[0]
    leader.propose_command()
    leader.propose_command()
    with refused(leader, rb.TooManyUncommittedError, "fewer than 2"):
        leader.propose_command()
    cluster.settle()
    leader.propose_command()


@pytest.mark.parametrize("name", ["entries", "calls", "ask_again", "uncommitted"])
def test_a_limit_is_at_least_one(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name}=0"):
        rb.Limits(**{name: 0})


def test_a_node_tells_its_limits() -> None:
    limits = rb.Limits(entries=7)
    node = rb.Node.start(rb.NodeId(3), limits=limits)
    assert node.limits == limits
    assert Cluster(1).nodes[0].limits == rb.Limits()
