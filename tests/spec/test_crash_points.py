"""A crash between any two actions of a drain: the restart sees just what was persisted."""

from __future__ import annotations

from collections import Counter

import pytest

from conformance.simulation.episode import changes
from conformance.simulation.schedule.simulate import Schedule
from spec import cluster as c
from spec import values as v
from spec.properties import check, check_cluster
from spec.rules.snapshots import TERM_FIRST
from tests.support.scenario import Scenario, voters


def written(disk: c.Disk, executed: tuple[v.Action, ...]) -> c.Disk:
    """By hand: what these actions leave on the disk."""
    term, vote, log = disk
    for action in executed:
        if isinstance(action, v.SaveCurrentTerm):
            term = action.term
        elif isinstance(action, v.SaveVotedFor):
            vote = action.voted_for
        elif isinstance(action, v.AppendLogEntries):
            start = log.snapshot_position.index
            kept = tuple(log.entries)[: action.prev_position.index - start]
            assert len(kept) == action.prev_position.index - start
            entries = kept + tuple(action.entries)
            log = v.new_log(log.snapshot_position, log.snapshot_config, entries)
    return c.Disk(term, vote, log)


def crash_everywhere(cluster: c.Cluster, node: int) -> list[v.Action]:
    """All crash points of one drain; the actions that it owes."""
    drained = c.execute(cluster.members[node])
    owed = drained.owed or ()
    whole = c.apply(cluster, c.Drain(node))
    assert whole.turn == drained
    assert [done.action for done in drained.executed] == list(owed)
    for crash_after in range(len(owed) + 1):
        crashed = c.apply(cluster, c.Drain(node, crash_after))
        member = crashed.after.members[node]
        assert not member.up
        assert crashed.turn is not None
        assert [done.action for done in crashed.turn.executed] == list(owed[:crash_after])
        assert member.disk == written(cluster.members[node].disk, owed[:crash_after])
        sent = len(crashed.after.network) - len(cluster.network)
        assert crashed.after.network == whole.after.network[: len(cluster.network) + sent]
        back = c.apply(crashed.after, c.Comeback(node))
        term, vote, log = member.disk
        commit = log.snapshot_position.index
        limits = member.node.limits
        assert back.after.members[node].node == v.Node(
            node, v.Follower(), term, vote, log, commit, limits=limits
        )
        for change in (crashed, back):
            assert (check(change), check_cluster(change.after)) == (None, None)
    return list(owed)


@pytest.mark.parametrize("episode", range(8))
def test_a_drain_may_stop_after_any_of_its_actions(episode: int) -> None:
    kinds: Counter[str] = Counter()
    for step, change in changes(Schedule(3, episode), length=150):
        if isinstance(step, c.Drain):
            kinds.update(type(a).__name__ for a in crash_everywhere(change.before, step.node))
    assert {"SaveCurrentTerm", "SaveVotedFor", "AppendLogEntries"} <= set(kinds)


def test_what_was_not_yet_executed_is_gone() -> None:
    cluster = Scenario(2)
    cluster.take(c.Input(0, v.CreateCluster(frozenset({0, 1}))))
    before = cluster.cluster
    owed = crash_everywhere(before, 0)
    save_vote = next(at for at, action in enumerate(owed) if isinstance(action, v.SaveVotedFor))
    cluster.take(c.Drain(0, crash_after=save_vote))
    assert (cluster.member(0).disk, cluster.cluster.network) == (c.Disk(1), ())
    cluster.comeback(0)
    assert (cluster.node(0).voted_for, cluster.node(0).log) == (None, v.Log())


def test_a_snapshot_waits_for_the_term_in_which_it_was_learnt() -> None:
    """Else a crash leaves a log that is ahead of the saved term, and no restart is possible."""
    entries = (v.Entry(0, voters(0, 1, 2)), v.Entry(1, v.TERM))
    follower = c.Member(v.Node(1))
    follower = c.take(follower, v.Receive(v.AppendEntriesCall(0, 1, 1, 2, v.ZERO, entries))).after
    follower = c.execute(follower).after
    call = v.AppendEntriesCall(2, 3, 5, 3, v.Position(1, 2), (v.Entry(3, v.TERM),))
    follower = c.take(follower, v.Receive(call)).after
    assert follower.node.commit_index == 3
    snapshot = v.SnapshotInstalled(v.Position(3, 3), follower.node.config)
    early = c.take(follower, snapshot)
    assert (early.outcome, early.after) == (TERM_FIRST, follower)
    unsaved = follower.disk._replace(log=v.new_log(snapshot.position, snapshot.config))
    restarted = c.come_back(c.crash(follower._replace(disk=unsaved)).after)
    assert restarted.outcome == v.Refused("invariant")
    drained = c.execute(follower).after
    taken = c.take(drained, snapshot)
    assert taken.outcome is True
    assert c.come_back(c.crash(taken.after).after).outcome is None


def test_the_network_loses_duplicates_and_shortens() -> None:
    cluster = Scenario(2)
    cluster.create(0, 1)
    cluster.input(0, v.Heartbeat())
    assert len(cluster.cluster.network) == 1
    cluster.take(c.Duplicate(0))
    assert len(set(cluster.cluster.network)) == 1
    assert len(cluster.cluster.network) == 2
    assert cluster.take(c.Lose(0)).turn is None
    assert len(cluster.cluster.network) == 1
    cluster.crash(1)
    assert not c.is_enabled(cluster.cluster, c.Deliver(0))
    assert c.is_enabled(cluster.cluster, c.Lose(0))
    assert not c.is_enabled(cluster.cluster, c.Lose(1))
    assert not any(
        c.is_enabled(cluster.cluster, step) for step in (c.Crash(1), c.Drain(1), c.Comeback(0))
    )


def test_a_drain_that_sends_before_it_saves_is_caught() -> None:
    """The properties of actions look at the disk as it was just before each."""
    cluster = Scenario(3)
    cluster.create(0, 1, 2)
    cluster.lose_all()
    cluster.take(c.Input(1, v.ElectionTimeout()))
    cluster.take(c.Drain(1))
    at = cluster.between(1, 2)
    assert at is not None
    cluster.take(c.Deliver(at))
    change = c.apply(cluster.cluster, c.Drain(2))
    assert check(change) is None
    turn = change.turn
    assert turn is not None
    early = tuple(done._replace(disk=turn.before.disk) for done in turn.executed)
    broken = check(change._replace(turn=turn._replace(executed=early)))
    assert broken is not None
    assert broken.property == "VotePersistedBeforeReply"
