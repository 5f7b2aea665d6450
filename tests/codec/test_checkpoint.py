"""All of a node's state, as it is written: that of the specification after the same events."""

from __future__ import annotations

import json
from collections import Counter

import pytest

import raftbare as rb
from conformance.observe.observed import Checkpoint
from conformance.simulation.episode import play
from conformance.simulation.lockstep import Lockstep
from conformance.simulation.schedule.origin import Origin
from conformance.simulation.schedule.simulate import Schedule
from conformance.subjects.library import LibrarySubject
from conformance.trace import plain as p
from raftbare import codec
from spec import values as v
from spec.pending import NOTHING
from tests.codec.values import SUBJECT
from tests.library.helpers import Cluster, Disk, config

EMPTY = codec.Disk(rb.Term(0), None, Disk().log)


def test_checkpoints_are_those_of_the_specified_nodes() -> None:
    """Of random schedules with all faults, after every step that leaves nothing owed."""
    seen: Counter[str] = Counter()
    for episode in range(12):
        schedule, subject = Schedule(0, episode), LibrarySubject(rb)
        schedule.origin = Origin()  # so that nodes are named by their places
        lockstep = Lockstep(schedule.profile.nodes, subject)
        for played in play(schedule, lockstep):
            assert played.finding is None
            for node, (member, before) in enumerate(
                zip(lockstep.cluster.members, played.before.members, strict=True)
            ):
                if member is before or not member.up:
                    continue
                live, saved = subject.nodes[node], member.disk
                assert codec.plain_state(live) == listed(p.plain_state(subject.observe(node)))
                vote = None if saved.voted_for is None else rb.NodeId(saved.voted_for)
                log = SUBJECT.log_from_spec(saved.log)
                disk = codec.Disk(rb.Term(saved.current_term), vote, log)
                if member.pending != NOTHING:
                    seen["owing"] += 1
                    with pytest.raises(codec.CodecError, match=f"node {node} owes actions"):
                        codec.Checkpoint.of(live, disk)
                    continue
                made = codec.Checkpoint.of(live, disk)
                restart = v.Restart(saved.current_term, saved.voted_for, saved.log)
                plain = codec.CHECKPOINT.to_plain(made)
                assert plain == listed(p.plain_snapshot(Checkpoint(member.node, (), restart)))
                assert codec.CHECKPOINT.decode(codec.CHECKPOINT.encode(made)) == made
                seen[made.role.value] += 1
                seen["probing"] += any(peer.probing for peer in made.peers)
                seen["catching up"] += any(peer.next_index is not None for peer in made.peers)
    assert min(seen.values()) >= 10, seen
    assert seen.keys() == {"owing", "follower", "candidate", "leader", "probing", "catching up"}


def listed(plain: p.Plain) -> p.Plain:
    """With lists in place of tuples, as JSON gives it."""
    read: p.Plain = json.loads(json.dumps(plain))
    return read


def test_a_checkpoint_shows_a_transfer_on_either_side() -> None:
    cluster = Cluster.of(3)
    leader, target = cluster.nodes[0], cluster.nodes[1]
    leader.transfer_leadership(target.id)
    shown = codec.Checkpoint.of(leader, EMPTY)
    assert (shown.transfer_target, shown.leader, shown.transfer) == (target.id, leader.id, False)
    assert codec.CHECKPOINT.to_plain(shown)["transfer"] == 1
    target.handle_timeout_now(leader.current_term)
    cluster.drain(1)
    shown = codec.Checkpoint.of(target, EMPTY)
    assert (shown.transfer, shown.granted_votes) == (True, frozenset([target.id]))
    assert codec.CHECKPOINT.to_plain(shown)["transfer"] is True


def test_a_follower_has_nothing_of_the_other_roles() -> None:
    shown = codec.Checkpoint.of(Cluster.of(3).nodes[1], EMPTY)
    assert (shown.role, shown.granted_votes, shown.transfer) == (
        rb.Role.FOLLOWER,
        frozenset(),
        False,
    )
    assert (shown.peers, shown.durable, shown.transfer_target) == ((), 0, None)


def test_a_checkpoint_does_not_change_with_the_node() -> None:
    cluster = Cluster.of(3).grown_to(4)
    leader = cluster.nodes[0]
    shown = codec.Checkpoint.of(leader, EMPTY)
    before = codec.CHECKPOINT.encode(shown)
    leader.propose_command()
    leader.propose_config(config([0, 1, 2], [0, 1, 2], [3]))
    cluster.settle()
    assert codec.CHECKPOINT.encode(shown) == before
    assert codec.CHECKPOINT.encode(codec.Checkpoint.of(leader, EMPTY)) != before


def test_to_look_at_a_node_takes_none_of_its_actions() -> None:
    node = rb.Node.start(rb.NodeId(0))
    node.create_cluster([node.id])
    before = repr(node), repr(node.actions)
    with pytest.raises(codec.CodecError):
        codec.Checkpoint.of(node, EMPTY)
    codec.plain_state(node)
    assert (repr(node), repr(node.actions)) == before
    assert len([*node.actions]) == 6


def test_an_action_is_told_with_what_the_node_has_when_it_is_executed() -> None:
    node = rb.Node.start(rb.NodeId(0))
    node.create_cluster(map(rb.NodeId, range(3)))
    told = [codec.ACTION.to_plain(codec.Executed.by(node, action)) for action in node.actions]
    assert [action["type"] for action in told] == [
        "set_election_timeout",
        "save_current_term",
        "save_voted_for",
        "broadcast_message",
        "append_log_entries",
    ]
    assert (told[1]["term"], told[2]["voted_for"], told[3]["to"]) == (1, 0, [1, 2])
