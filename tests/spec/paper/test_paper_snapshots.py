"""§7 log compaction and snapshots."""

from __future__ import annotations

import pytest

from conformance.audit.decisions import D4, D5, as_in_crate
from spec import values as v
from spec.pending import NOTHING, owe
from spec.rules import Effect, step, take_all
from spec.rules.servers import receive
from tests.support.scenario import Scenario, commands, leading, log_of, sent, voters

CONFIG = voters(0, 1, 2)
FOLLOWER = v.Node(1, v.Follower(0), 3, None, log_of(1, 1, 2, 2), 3)


def installed(term: int, index: int) -> v.SnapshotInstalled:
    return v.SnapshotInstalled(v.Position(term, index), CONFIG)


def test_7_a_node_compacts_what_it_knows_to_be_committed_and_keeps_the_rest() -> None:
    taken = step(FOLLOWER, installed(1, 2))
    assert taken.outcome is True
    assert taken.owed == ()
    assert taken.node.log == v.new_log(v.Position(1, 2), CONFIG, commands(2, 2))
    assert (taken.node.log.last_position, taken.node.commit_index) == (v.Position(2, 4), 3)


def test_7_d4_a_snapshot_ahead_of_the_commit_index_takes_it_along() -> None:
    for ahead in (installed(2, 4), installed(3, 9)):
        taken = step(FOLLOWER, ahead)
        assert taken.node.commit_index == ahead.position.index
        assert taken.node.log == v.new_log(ahead.position, CONFIG)
        left = as_in_crate(D4)(FOLLOWER, ahead).node
        assert left.commit_index < left.log.snapshot_position.index


@pytest.mark.parametrize(
    ("node", "snapshot"),
    [
        (FOLLOWER._replace(log=v.new_log(v.Position(1, 2), CONFIG)), installed(1, 1)),
        (FOLLOWER, installed(4, 9)),  # of a term to come
        (FOLLOWER, installed(2, 2)),  # another entry is committed there
        (FOLLOWER, installed(1, 9)),  # terms never fall
        (FOLLOWER, v.SnapshotInstalled(v.Position(1, 2), voters(7))),
        (leading(0, 3, log_of(1, 2)), installed(2, 2)),  # not committed yet
        (leading(0, 3, log_of(1, 2)), installed(3, 3)),
    ],
)
def test_7_any_other_snapshot_is_refused(node: v.Node, snapshot: v.SnapshotInstalled) -> None:
    assert step(node, snapshot) == Effect(node, outcome=v.Refused("invalid_snapshot"))


COMPACTED = FOLLOWER._replace(log=v.new_log(v.Position(1, 2), CONFIG, commands(2)), commit_index=2)


def test_7_d5_what_the_snapshot_covers_is_known_to_match_and_is_skipped() -> None:
    call = v.AppendEntriesCall(0, 3, 1, 4, v.Position(1, 1), commands(1, 2, 3))
    taken = receive(COMPACTED, call)
    assert taken.node.log == v.new_log(v.Position(1, 2), CONFIG, commands(2, 3))
    assert taken.node.commit_index == 4
    assert as_in_crate(D5)(COMPACTED, v.Receive(call)).node.log == COMPACTED.log


def test_7_d5_even_where_the_whole_call_is_covered() -> None:
    taken = receive(COMPACTED, v.AppendEntriesCall(0, 3, 1, 1, v.Position(0, 0), commands(1)))
    assert taken.node == COMPACTED
    assert sent(taken.owed, 0) == v.AppendEntriesReply(1, 3, 1, v.Position(2, 3))


def test_7_what_contradicts_the_snapshot_is_refused() -> None:
    call = v.AppendEntriesCall(0, 3, 1, 1, v.Position(1, 1), commands(3))
    assert receive(COMPACTED, call) == Effect(COMPACTED, outcome=v.Refused("invariant"))


def test_7_a_follower_behind_the_leaders_snapshot_is_sent_it() -> None:
    leader = leading(0, 3, v.new_log(v.Position(2, 5), CONFIG, commands(3)))
    taken = receive(leader, v.AppendEntriesReply(1, 3, 1, v.Position(2, 4), accepted=False))
    assert take_all(taken.node, owe(NOTHING, taken.owed))[0] == (v.InstallSnapshot(1),)


def test_7_a_lagging_node_is_brought_up_by_a_snapshot_and_what_follows_it() -> None:
    cluster = Scenario(3)
    cluster.crash(2)
    cluster.create(0, 1, 2)
    for _ in range(3):
        cluster.input(0, v.ProposeCommand())
    cluster.settle()
    node = cluster.node(0)
    assert node.commit_index == 5
    cluster.input(0, v.SnapshotInstalled(node.log.position(4), node.config))
    cluster.comeback(2)
    cluster.lose_all()
    cluster.input(0, v.ProposeCommand())
    cluster.settle()
    assert cluster.node(2).log.last_position == v.Position(1, 4)
    cluster.input(0, v.Heartbeat())
    cluster.settle()
    assert cluster.node(2).log == cluster.node(0).log
    assert cluster.node(2).log.snapshot_position == v.Position(1, 4)
    assert cluster.member(2).disk.log == cluster.node(2).log


def test_7_a_restart_goes_on_from_the_snapshot_and_its_configuration() -> None:
    cluster = Scenario(2)
    cluster.input(0, v.CreateCluster(frozenset({0})))
    config = cluster.node(0).config
    cluster.input(0, v.ProposeConfig(type(config)(config.voters, non_voters=frozenset({1}))))
    cluster.settle()
    log = cluster.node(0).log
    cluster.input(0, v.SnapshotInstalled(log.last_position, log.config))
    cluster.crash(0)
    cluster.comeback(0)
    assert cluster.node(0).config == log.config
    assert cluster.node(0).commit_index == log.last_index
