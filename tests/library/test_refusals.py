"""What cannot be is refused, with the right error, and has changed nothing."""

from __future__ import annotations

import pytest

import raftbare as rb

from .helpers import Cluster, after, append_call, config, node_with, opening, refused


def test_only_a_leader_takes_proposals_and_sends_heartbeats() -> None:
    cluster = Cluster.of(3)
    candidate = cluster.nodes[2]
    candidate.handle_election_timeout()
    for node, leader in ((cluster.nodes[1], 0), (candidate, None)):
        hint = "none is known" if leader is None else "node 0 is known to be it"
        for ask in (
            node.propose_command,
            node.heartbeat,
            lambda node=node: node.propose_config(config([0, 1, 2])),
        ):
            with refused(node, rb.NotLeaderError, f"leader was expected, {hint}") as raised:
                ask()
            assert isinstance(raised.value, rb.NotLeaderError)
            assert raised.value.leader == leader


def test_a_cluster_is_created_once() -> None:
    for node in Cluster.of(3).nodes:
        with refused(node, rb.ClusterExistsError, "has a log up to"):
            node.create_cluster([node.id])


@pytest.mark.parametrize(
    ("entries", "members"),
    [(after((0, 0)), [1]), (after((0, 0), opening(1)), [])],
    ids=["a configuration", "a log"],
)
def test_a_cluster_is_not_created_by_a_node_that_has_something(
    entries: rb.LogEntries, members: list[int]
) -> None:
    node = node_with(0, entries, term=1, members=config(members))
    with refused(node, rb.ClusterExistsError):
        node.create_cluster([rb.NodeId(0)])


def test_what_a_disk_holds_is_handed_over_by_name() -> None:
    log = rb.Log(config([0]), after((0, 0)))
    with pytest.raises(TypeError):
        rb.Node.restart(rb.NodeId(0), rb.Term(1), None, log)  # type: ignore[call-arg]
    node = rb.Node.restart(node_id=rb.NodeId(0), current_term=rb.Term(1), voted_for=None, log=log)
    assert node.id == 0


def test_a_cluster_is_created_by_one_of_its_voters() -> None:
    node = rb.Node.start(rb.NodeId(0))
    for voters in ([], [rb.NodeId(1), rb.NodeId(2)]):
        with refused(node, rb.InvalidConfigError, "a voter of was expected"):
            node.create_cluster(voters)


@pytest.mark.parametrize(
    ("entries", "term"),
    [(after((0, 0), opening(3)), 2), (after((5, 9)), 4)],
)
def test_a_disk_that_lost_its_term_is_refused(entries: rb.LogEntries, term: int) -> None:
    with pytest.raises(rb.InvariantError, match="never fall"):
        rb.Node.restart(
            rb.NodeId(0),
            current_term=rb.Term(term),
            voted_for=None,
            log=rb.Log(config([0]), entries),
        )


def test_a_refused_message_leaves_what_is_owed() -> None:
    node = node_with(1, after((0, 0), opening(1)), term=1)
    node.handle_message(append_call(0, 1, after((1, 1)), commit=1))
    with refused(node, rb.InvariantError):
        node.handle_message(append_call(2, 5, after((0, 0), opening(4))))
    assert len(list(node.actions)) == 2


def test_all_errors_are_raft_errors() -> None:
    for error in (
        rb.NotLeaderError,
        rb.InvalidConfigError,
        rb.ClusterExistsError,
        rb.InvalidSnapshotError,
        rb.InvariantError,
    ):
        assert issubclass(error, rb.RaftError)
