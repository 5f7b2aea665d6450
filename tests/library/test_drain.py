"""How owed actions merge until they are taken, and what a drain means."""

from __future__ import annotations

from collections.abc import Iterator

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
    header,
    node_with,
    opening,
    owed,
    position,
    refuse,
    sent,
    state_of,
)


def owing_everything() -> rb.Node:
    """A leader that has not been drained since it restarted, and owes an action of each kind."""
    cluster = Cluster.of(3)
    cluster.nodes[0].propose_command()
    cluster.settle()
    cluster.compact(0, 3)
    leader = cluster.restart(0)
    leader.handle_election_timeout()
    leader.handle_message(rb.RequestVoteReply(header(1, 2), True))
    leader.handle_message(append_call(2, 1, after((1, 3)), seqno=4))
    leader.handle_message(append_reply(1, 2, (1, 3), 9, accepted=False))
    leader.handle_message(append_reply(2, 2, (1, 2), 9, accepted=False))
    return leader


def test_actions_come_in_priority_order() -> None:
    leader = owing_everything()
    assert [type(action) for action in leader.actions] == [
        rb.SetElectionTimeout,
        rb.SaveCurrentTerm,
        rb.SaveVotedFor,
        rb.SendMessage,
        rb.InstallSnapshot,
        rb.BroadcastMessage,
        rb.AppendLogEntries,
        rb.SendMessage,
    ]


def test_bool_peeks_and_next_takes_one() -> None:
    node = Cluster.of(3).nodes[0]
    assert isinstance(node.actions, rb.Actions)
    assert isinstance(node.actions, Iterator)
    assert not node.actions
    node.heartbeat()
    assert node.actions
    assert node.actions is node.actions
    assert next(node.actions) == rb.SetElectionTimeout()
    assert isinstance(next(node.actions), rb.BroadcastMessage)
    assert not node.actions
    with pytest.raises(StopIteration):
        next(node.actions)


@pytest.mark.skipif(rb.compiled, reason="a compiled class does not list its slots")
def test_a_peek_sees_each_kind_of_action() -> None:
    leader = owing_everything()
    pending, empty = leader._pending, Cluster(1).nodes[0]._pending
    for name in type(pending).__slots__:
        alone = Cluster(1).nodes[0]
        assert not alone.actions
        setattr(alone._pending, name, getattr(pending, name))
        assert getattr(pending, name) != getattr(empty, name)
        assert alone.actions


def test_a_drain_may_be_a_loop_over_bool_and_next() -> None:
    leader = Cluster.of(1).nodes[0]
    leader.propose_command()
    taken = []
    while leader.actions:
        assert leader.commit_index == 2
        taken.append(type(next(leader.actions)))
    assert taken == [rb.SetElectionTimeout, rb.AppendLogEntries]
    assert leader.commit_index == 3
    assert next(leader.actions, None) is None


def test_bool_takes_no_action_and_is_true_where_the_end_of_a_drain_owes_more() -> None:
    node = rb.Node.start(rb.NodeId(0))
    node.create_cluster([rb.NodeId(0)])
    assert node.actions
    assert node.actions
    first = next(node.actions)
    assert first == rb.SetElectionTimeout()
    while not node.role.is_leader:
        assert node.actions  # at the last of these the vote is durable
        if not node.role.is_leader:
            next(node.actions)
    assert [type(action) for action in node.actions] == [
        rb.SetElectionTimeout,
        rb.AppendLogEntries,
    ]
    assert not node.actions
    assert node.commit_index == 2


def test_no_message_overtakes_what_it_rests_on_though_an_input_comes_within_a_drain() -> None:
    """The obligations forbid such an input; no promise is broken where it comes all the same."""
    node = node_with(1, after((0, 0), opening(1)), term=1)
    node.handle_message(append_call(0, 1, after((1, 1), COMMAND)))
    drain = iter(node.actions)
    assert next(drain) == rb.SetElectionTimeout()
    assert isinstance(next(drain), rb.AppendLogEntries)
    node.handle_message(rb.RequestVoteCall(header(2, 5), position(1, 9)))
    assert [type(action) for action in drain] == [
        rb.SetElectionTimeout,
        rb.SaveCurrentTerm,
        rb.SaveVotedFor,
        rb.SendMessage,
    ]


def test_entries_handed_out_share_nothing() -> None:
    leader = Cluster.of(2).nodes[0]
    leader.propose_config(config([0, 1], non_voters=[5]))
    leader.propose_command()
    _, broadcast_action, write_action = leader.actions
    assert isinstance(broadcast_action, rb.BroadcastMessage)
    assert isinstance(broadcast_action.message, rb.AppendEntriesCall)
    assert isinstance(write_action, rb.AppendLogEntries)
    broadcast, write = broadcast_action.message.entries, write_action.entries
    assert broadcast == write
    whole = leader.log.copy()
    broadcast.truncate(1)
    assert len(write) == 2
    write.truncate(0)
    assert leader.log == whole
    leader.propose_command()
    assert len(broadcast) == 1
    assert len(write) == 0


def test_a_received_message_is_not_shared_with_the_log() -> None:
    node = node_with(1, after((0, 0)), term=1)
    call = append_call(0, 1, after((0, 0), opening(1), COMMAND))
    node.handle_message(call)
    call.entries.truncate(0)
    call.entries.push(opening(9))
    assert list(node.log.entries) == [opening(1), COMMAND]


def test_the_log_given_to_restart_is_copied() -> None:
    cluster = Cluster.of(1)
    node = cluster.restart(0)
    cluster.disks[0].log.entries.truncate(0)
    assert len(node.log.entries) == 2


def test_a_new_term_voids_what_was_to_be_sent() -> None:
    """But not what is to be written."""
    leader = Cluster.of(3).nodes[0]
    leader.handle_snapshot_installed(position(1, 2), config([0, 1, 2]))
    leader.propose_command()
    refuse(leader, 1, (1, 2))
    refuse(leader, 2, (1, 1))  # it needs the snapshot
    leader.handle_message(rb.RequestVoteReply(header(1, 4), False))
    assert owed(leader) == [
        rb.SetElectionTimeout(),
        rb.SaveCurrentTerm(),
        rb.SaveVotedFor(),
        rb.AppendLogEntries(after((1, 2), COMMAND)),
    ]


def test_what_is_proposed_before_a_drain_is_sent_as_one() -> None:
    """The commit index is that of the drain."""
    leader = Cluster.of(3).nodes[0]
    leader.heartbeat()
    (before,) = calls(leader)
    leader.propose_command()
    for peer in (1, 2):
        acknowledge(leader, peer, (1, 3))
    leader.propose_command()
    leader.heartbeat()
    entries = after((1, 2), COMMAND, COMMAND)
    assert calls(leader) == [append_call(0, 1, entries, commit=3, seqno=before.seqno + 1)]


def test_a_peer_is_called_from_its_latest_next_index_on() -> None:
    leader = Cluster.of(3).nodes[0]
    for _ in range(4):
        leader.propose_command()
    owed(leader)
    refuse(leader, 2, (1, 3))
    refuse(leader, 2, (1, 4))
    refuse(leader, 1, (1, 3))
    refuse(leader, 1, (1, 2))
    assert leader.commit_index == 4
    assert [
        (action.to, action.message.entries)
        for action in leader.actions
        if isinstance(action, rb.SendMessage) and isinstance(action.message, rb.AppendEntriesCall)
    ] == [
        (1, after((1, 3), COMMAND, COMMAND, COMMAND)),
        (2, after((1, 4), COMMAND, COMMAND)),
    ]


def test_a_later_reply_takes_the_earlier_ones_place() -> None:
    node = node_with(1, after((0, 0)), term=1)
    node.handle_message(append_call(0, 1, after((0, 0), opening(1)), seqno=1))
    node.handle_message(append_call(0, 1, after((1, 1), COMMAND), seqno=2))
    assert owed(node) == [
        rb.SetElectionTimeout(),
        rb.AppendLogEntries(after((0, 0), opening(1), COMMAND)),
        rb.SendMessage(rb.NodeId(0), append_reply(1, 1, (1, 2), 2)),
    ]


def test_a_leader_calls_a_peer_and_answers_it_in_one_drain() -> None:
    leader = Cluster.newly_led(2).nodes[0]
    leader.handle_message(append_call(1, 1, after((0, 1))))
    refuse(leader, 1, (0, 1))
    call, reply = sent(leader)
    entries = after((0, 1), opening(1), opening(2))
    assert call == append_call(0, 2, entries, commit=0, seqno=call.seqno)
    assert reply == append_reply(0, 2, (2, 3), seqno=0, accepted=False)


def test_a_write_that_begins_earlier_covers_the_one_before() -> None:
    node = node_with(1, after((0, 0), opening(1), COMMAND), term=1)
    node.handle_message(append_call(0, 1, after((1, 2), COMMAND)))
    node.handle_message(append_call(2, 3, after((1, 1), opening(3))))
    assert [action for action in node.actions if isinstance(action, rb.AppendLogEntries)] == [
        rb.AppendLogEntries(after((1, 1), opening(3)))
    ]


def test_a_write_of_entries_that_are_dropped_again_remains_a_write() -> None:
    """The disk may have entries that have to go."""
    node = node_with(1, after((0, 0), opening(1), COMMAND), term=1)
    node.handle_message(append_call(0, 1, after((1, 2), COMMAND)))
    node.handle_message(append_call(2, 3, after((2, 2))))
    assert list(node.log.entries) == [opening(1)]
    assert rb.AppendLogEntries(after((1, 1))) in owed(node)


def test_a_vote_request_gives_way_to_the_new_leaders_call() -> None:
    node = node_with(0, after((0, 0)), term=1)
    node.handle_election_timeout()
    node.handle_message(rb.RequestVoteReply(header(1, 2), True))
    assert sent(node) == [append_call(0, 2, after((0, 0), opening(2)), seqno=1)]


def test_a_candidate_that_gave_up_asks_for_no_votes() -> None:
    node = node_with(0, after((0, 0)), term=1)
    node.handle_election_timeout()
    node.handle_message(append_call(1, 2, after((0, 0))))
    assert [type(message) for message in sent(node)] == [rb.AppendEntriesReply]


def test_a_crash_within_a_drain_loses_what_was_not_taken() -> None:
    cluster = Cluster.of(3)
    leader = cluster.nodes[0]
    leader.propose_command()
    assert [type(next(leader.actions)) for _ in range(2)] == [
        rb.SetElectionTimeout,
        rb.BroadcastMessage,
    ]
    node = cluster.restart(0)
    assert node.log.last_position == position(1, 2)
    assert owed(node) == [rb.SetElectionTimeout()]


def test_equal_inputs_give_equal_states() -> None:
    one, two = (Cluster.of(3) for _ in range(2))
    for cluster in (one, two):
        cluster.nodes[0].propose_command()
        cluster.settle()
    assert [state_of(node) for node in one.nodes] == [state_of(node) for node in two.nodes]
