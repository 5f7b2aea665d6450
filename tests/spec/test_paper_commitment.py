"""§6: the end of one drain may commit a joint configuration, and the one that follows it."""

from __future__ import annotations

import pytest

from spec.cluster import Change, Cluster, Deliver, Drain, Input, Step, apply, new_cluster
from spec.properties import Violation, check
from spec.values import (
    AppendEntriesCall,
    Config,
    CreateCluster,
    Leader,
    ProposeConfig,
    Receive,
)

FIRST, SECOND = frozenset({0}), frozenset({1})


def take(cluster: Cluster, step: Step) -> Change:
    change = apply(cluster, step)
    assert check(change) is None
    return change


def settled(cluster: Cluster) -> Cluster:
    """Everything that is owed and under way, until there is nothing more."""
    for node in (0, 1):
        cluster = take(cluster, Drain(node)).after
    while cluster.network:
        to = cluster.network[0].to
        cluster = take(take(cluster, Deliver(0)).after, Drain(to)).after
    return cluster


@pytest.fixture
def owing() -> Cluster:
    """Leader 0 is to hand over to node 1, takes the leadership back meanwhile, and owes its write.

    Node 1 has replied already: it was brought those entries in another call.
    """
    cluster = settled(take(new_cluster(2), Input(0, CreateCluster(FIRST | SECOND))).after)
    cluster = take(cluster, Input(0, ProposeConfig(Config(FIRST | SECOND, SECOND)))).after
    for step in (Drain(0), Deliver(0), Drain(1), Deliver(0)):
        cluster = take(cluster, step).after
    leader = cluster.members[0].node
    assert isinstance(leader.role, Leader)
    assert leader.config == Config(SECOND)
    cluster = take(cluster, Drain(0)).after
    cluster = cluster._replace(network=())
    cluster = take(cluster, Input(0, ProposeConfig(Config(SECOND, FIRST)))).after
    leader = cluster.members[0].node
    call = AppendEntriesCall(
        0,
        leader.current_term,
        leader.seqno,
        leader.commit_index,
        leader.log.position(3),
        leader.log.after(3),
    )
    cluster = take(cluster, Input(1, Receive(call))).after
    cluster = take(cluster, Drain(1)).after
    return take(cluster, Deliver(0)).after


def test_both_are_on_the_quorums_that_they_need(owing: Cluster) -> None:
    joint = owing.members[0].node.log.last_index
    assert owing.members[0].node.commit_index < joint
    change = take(owing, Drain(0))
    leader = change.after.members[0].node
    assert leader.commit_index == joint + 1
    assert leader.config == Config(FIRST)


def test_the_joint_one_still_has_to_be_on_both_its_majorities(owing: Cluster) -> None:
    """Where node 1 has lost what it replied, neither may be committed."""
    change = apply(owing, Drain(0))
    forgetful = change.after.members[1]
    disk = forgetful.disk._replace(log=forgetful.disk.log.truncated(3))
    members = (change.after.members[0], forgetful._replace(disk=disk))
    broken = check(change._replace(after=change.after._replace(members=members)))
    assert isinstance(broken, Violation)
    assert broken.property == "CommittedOnQuorum"
