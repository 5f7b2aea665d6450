"""§5.3 log replication: pipelining, conflicts by whole terms (D6), what a snapshot covers (D5)."""

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
    header,
    leader_with,
    node_with,
    opening,
    owed,
    position,
    refuse,
    refused,
    sent,
    state_of,
)


def test_a_proposal_reaches_every_log() -> None:
    cluster = Cluster.of(3)
    assert cluster.nodes[0].propose_command() == position(1, 3)
    cluster.settle()
    assert all(node.log == cluster.nodes[0].log for node in cluster.nodes)
    assert all(disk.log == cluster.nodes[0].log for disk in cluster.disks)
    assert cluster.commit_indices() == [3, 2, 2]


def test_several_proposals_are_one_write_and_one_broadcast() -> None:
    cluster = Cluster.of(3)
    leader = cluster.nodes[0]
    proposed = [leader.propose_command() for _ in range(3)]
    assert proposed == [position(1, index) for index in (3, 4, 5)]
    entries = after((1, 2), COMMAND, COMMAND, COMMAND)
    actions = cluster.drain(0)
    (_, message), *_ = cluster.under_way
    assert actions == [
        rb.SetElectionTimeout(),
        rb.BroadcastMessage(append_call(0, 1, entries, commit=2, seqno=message.seqno)),
        rb.AppendLogEntries(entries),
    ]
    cluster.settle()
    assert cluster.commit_indices() == [5, 2, 2]


def test_heartbeats_spread_the_commit_index() -> None:
    cluster = Cluster.of(3)
    cluster.nodes[0].propose_command()
    cluster.settle()
    cluster.heartbeat()
    assert cluster.commit_indices() == [3, 3, 3]


def test_a_leaders_timeout_is_a_heartbeat() -> None:
    leader = Cluster.of(3).nodes[0]
    leader.handle_election_timeout()
    assert next(leader.actions) == rb.SetElectionTimeout()
    (call,) = calls(leader)
    assert call == append_call(0, 1, after((1, 2)), commit=2, seqno=call.seqno)


def test_a_follower_writes_before_it_replies() -> None:
    node = node_with(1, after((0, 0), opening(1)), term=1)
    node.handle_message(append_call(0, 1, after((1, 1), COMMAND), commit=1, seqno=8))
    assert owed(node) == [
        rb.SetElectionTimeout(),
        rb.AppendLogEntries(after((1, 1), COMMAND)),
        rb.SendMessage(rb.NodeId(0), append_reply(1, 1, (1, 2), 8)),
    ]
    assert node.commit_index == 1


def test_a_follower_learns_of_no_commitment_beyond_what_it_verified() -> None:
    """Figure 2, AppendEntries receiver 5: entries after the call's last may be another leader's."""
    node = node_with(1, after((0, 0), opening(1), COMMAND, COMMAND), term=1)
    node.handle_message(append_call(0, 2, after((1, 1), COMMAND), commit=9))
    assert (node.commit_index, node.log.last_position) == (2, position(1, 3))
    node.handle_message(append_call(0, 2, after((1, 1)), commit=0, seqno=2))
    assert node.commit_index == 2


def test_a_call_of_an_earlier_term_is_answered_and_ignored() -> None:
    node = node_with(1, after((0, 0), opening(1)), term=3)
    node.handle_message(append_call(0, 2, after((1, 1), opening(2)), commit=2, seqno=7))
    told = append_reply(1, 3, (1, 1), seqno=0, accepted=False)
    assert owed(node) == [rb.SendMessage(rb.NodeId(0), told)]
    assert node.leader is None


def test_the_answer_to_a_call_of_an_earlier_life_says_nothing_of_later_calls() -> None:
    """Node 0 led term 1, and leads term 2 after a restart; a call of term 1 comes late."""
    cluster = Cluster.of(3)
    for _ in range(5):
        cluster.heartbeat()
    cluster.nodes[0].heartbeat()
    (late,) = calls(cluster.nodes[0])
    cluster.restart(0)
    cluster.elect(0)
    leader = cluster.nodes[0]
    leader.propose_command()
    (call,) = calls(leader)
    assert call.seqno < late.seqno
    cluster.nodes[1].handle_message(late)
    for reply in sent(cluster.nodes[1]):
        leader.handle_message(reply)
    cluster.nodes[1].handle_message(call)
    for reply in sent(cluster.nodes[1]):
        leader.handle_message(reply)
    assert leader.commit_index == leader.log.last_position.index


def test_a_call_of_an_earlier_term_takes_no_owed_votes_place() -> None:
    node = node_with(1, after((0, 0), opening(1)), term=1)
    node.handle_message(rb.RequestVoteCall(header(0, 5, 7), position(1, 1)))
    node.handle_message(append_call(0, 1, after((1, 1)), seqno=99))
    node.handle_message(rb.RequestVoteCall(header(0, 2, 6), position(1, 1)))
    assert sent(node) == [rb.RequestVoteReply(header(1, 5, 7), True)]


def test_a_call_that_brings_nothing_new_is_answered_without_a_write() -> None:
    node = node_with(1, after((0, 0), opening(1), COMMAND), term=1)
    node.handle_message(append_call(0, 1, after((0, 0), opening(1))))
    assert owed(node) == [
        rb.SetElectionTimeout(),
        rb.SendMessage(rb.NodeId(0), append_reply(1, 1, (1, 2))),
    ]


def test_entries_from_the_first_other_term_on_are_replaced() -> None:
    node = node_with(1, after((0, 0), opening(1), COMMAND, opening(2), COMMAND), term=3)
    node.handle_message(append_call(0, 3, after((0, 0), opening(1), COMMAND, opening(3))))
    assert list(node.log.entries) == [opening(1), COMMAND, opening(3)]
    assert owed(node)[1] == rb.AppendLogEntries(after((1, 2), opening(3)))


def test_entries_of_a_higher_term_than_the_leaders_are_replaced_as_well() -> None:
    """What was not committed gives way to a leader of a later term, whatever its own term was."""
    node = node_with(1, after((0, 0), opening(1), opening(3), COMMAND), term=4)
    node.handle_message(append_call(0, 4, after((0, 0), opening(1), COMMAND, COMMAND, opening(4))))
    assert list(node.log.entries) == [opening(1), COMMAND, COMMAND, opening(4)]


def test_a_gap_is_answered_with_the_last_position() -> None:
    node = node_with(1, after((0, 0), opening(1)), term=1)
    node.handle_message(append_call(0, 1, after((1, 5), COMMAND)))
    assert owed(node) == [
        rb.SetElectionTimeout(),
        rb.SendMessage(rb.NodeId(0), append_reply(1, 1, (1, 1), accepted=False)),
    ]
    assert list(node.log.entries) == [opening(1)]


def test_an_earlier_entry_of_the_same_term_is_replaced_where_the_leaders_term_ends() -> None:
    node = node_with(1, after((0, 0), opening(1), COMMAND, COMMAND, COMMAND), term=1)
    node.handle_message(append_call(0, 2, after((0, 0), opening(1), COMMAND, opening(2))))
    assert list(node.log.entries) == [opening(1), COMMAND, opening(2)]


def test_entries_that_are_there_already_are_not_appended_again() -> None:
    node = node_with(1, after((0, 0), opening(1)), term=1)
    node.handle_message(append_call(0, 2, after((0, 0), opening(1), opening(2), COMMAND)))
    node.log.entries._check()
    assert list(node.log.entries) == [opening(1), opening(2), COMMAND]


def test_a_follower_drops_whole_terms_that_the_leader_cannot_have() -> None:
    """§5.3, D6: the leader has nothing of a term above 2 before its (2, 6)."""
    entries = after((0, 0), opening(1), COMMAND, opening(3), COMMAND, opening(4), COMMAND)
    node = node_with(1, entries, term=5)
    node.handle_message(append_call(0, 5, after((2, 6), opening(5))))
    assert list(node.log.entries) == [opening(1), COMMAND]
    assert owed(node) == [
        rb.SetElectionTimeout(),
        rb.AppendLogEntries(after((1, 2))),
        rb.SendMessage(rb.NodeId(0), append_reply(1, 5, (1, 2), accepted=False)),
    ]


def test_a_leader_probes_at_its_last_entry_whose_term_the_peer_may_have() -> None:
    """§5.3, D6: above index 2 it has no entry of a term that a log ending with (2, 9) may have."""
    cluster = leader_with(opening(1), COMMAND, opening(3), COMMAND, opening(4), term=5)
    leader = cluster.nodes[0]
    owed(leader)
    refuse(leader, 1, (2, 9))
    (call,) = calls(leader)
    expected = after((1, 2), opening(3), COMMAND, opening(4), opening(6))
    assert call == append_call(0, 6, expected, seqno=call.seqno)


@pytest.mark.parametrize("terms", [1, 2, 5])
def test_conflicts_are_repaired_within_a_round_trip_a_term(terms: int) -> None:
    """D6: the two logs have as many terms in conflict each, alternating, of 20 entries each."""
    mine: list[rb.LogEntry] = [opening(1)]
    theirs: list[rb.LogEntry] = [opening(1)]
    for nth in range(terms):
        mine += [opening(2 + 2 * nth)] + [COMMAND] * 19
        theirs += [opening(3 + 2 * nth)] + [COMMAND] * 19
    cluster = leader_with(*mine, term=50)
    cluster.nodes[1] = node_with(1, after((0, 0), *theirs), term=50, members=config([0, 1]))
    cluster.disks[1].log = cluster.nodes[1].log.copy()
    cluster.settle()
    assert cluster.nodes[1].log == cluster.nodes[0].log == cluster.disks[1].log
    round_trips = cluster.delivered // 2
    assert round_trips <= 2 * terms + 2
    assert cluster.nodes[0].commit_index == cluster.nodes[0].log.last_position.index


def test_replies_that_say_nothing_are_discarded() -> None:
    leader = Cluster.of(3).nodes[0]
    before = state_of(leader)
    leader.handle_message(append_reply(1, 0, (0, 0), 99, accepted=False))
    leader.handle_message(append_reply(7, 1, (0, 0), 99, accepted=False))  # of no member
    leader.handle_message(append_reply(1, 1, (0, 0), 0, accepted=False))  # of an earlier term
    assert state_of(leader) == before


def test_that_an_earlier_call_was_refused_is_no_news_once_the_peer_was_called_alone() -> None:
    leader = Cluster.newly_led(3).nodes[0]
    leader.heartbeat()
    (heartbeat,) = calls(leader)
    leader.handle_message(append_reply(1, 2, (0, 1), heartbeat.seqno, accepted=False))
    (probe,) = calls(leader)
    entries = after((0, 1), opening(1), opening(2))
    assert probe == append_call(0, 2, entries, commit=0, seqno=probe.seqno)
    before = state_of(leader)
    leader.handle_message(append_reply(1, 2, (0, 1), heartbeat.seqno, accepted=False))
    assert state_of(leader) == before
    leader.handle_message(append_reply(1, 2, (0, 1), probe.seqno, accepted=False))
    (again,) = calls(leader)
    assert again.entries == probe.entries
    assert again.seqno > probe.seqno


def test_what_a_peer_is_known_to_hold_is_not_sent_again() -> None:
    """A refusal may come after the reply to a later call."""
    leader = Cluster.of(3).nodes[0]
    for _ in range(3):
        leader.propose_command()
    owed(leader)
    acknowledge(leader, 1, (1, 4))
    for last in (2, 4):
        refuse(leader, 1, (1, last))
        (call,) = calls(leader)
        assert call.entries == after((1, 4), COMMAND)


def test_a_peer_that_lost_its_disk_is_not_sent_calls_for_ever() -> None:
    """It holds no longer what it has acknowledged, and refuses whatever comes after that."""
    leader = Cluster.of(3).nodes[0]
    leader.propose_command()
    owed(leader)
    acknowledge(leader, 1, (1, 2))
    refuse(leader, 1, (0, 0))
    assert len(calls(leader)) == 1
    before = leader.progress
    refuse(leader, 1, (0, 0))
    assert calls(leader) == []
    assert leader.progress[rb.NodeId(1)].state is rb.MemberState.PROBE
    assert leader.progress[rb.NodeId(1)].next_index == before[rb.NodeId(1)].next_index


def test_what_is_under_way_is_not_sent_again() -> None:
    """Replies that end before the log does say that more is under way, if they accept."""
    leader = Cluster.of(3).nodes[0]
    for _ in range(3):
        leader.propose_command()
        assert len(calls(leader)) == 1
    for last in (3, 4, 5):
        for peer in (1, 2):
            acknowledge(leader, peer, (1, last))
            assert calls(leader) == []
    assert leader.commit_index == 5


def test_an_entry_of_another_term_at_the_same_index_is_no_match() -> None:
    cluster = leader_with(opening(1), COMMAND, opening(3), term=5)
    leader = cluster.nodes[0]
    leader.handle_message(append_reply(1, 6, (2, 2), 9))
    assert "Progress(match_index=0, " in repr(leader)


@pytest.mark.parametrize("last", [(6, 9), (7, 4)], ids=["a higher index", "a higher term"])
def test_what_is_ahead_of_the_leader_is_no_match(last: tuple[int, int]) -> None:
    """No honest peer says so; there is nothing to be sent to it."""
    cluster = leader_with(opening(1), COMMAND, opening(3), term=5)
    leader = cluster.nodes[0]
    owed(leader)
    assert leader.log.last_position == position(6, 4)
    refuse(leader, 1, last)
    assert leader.commit_index == 0
    assert calls(leader) == []


def test_an_entry_of_another_term_at_the_last_index_is_no_match_either() -> None:
    leader = leader_with(opening(1), COMMAND, term=2).nodes[0]
    owed(leader)
    refuse(leader, 1, (1, 3))
    assert leader.commit_index == 0
    (call,) = calls(leader)
    assert call.entries == after((1, 2), opening(3))


def test_a_match_index_never_falls() -> None:
    """A later reply may tell of less: its call was handled before an earlier one's."""
    leader = Cluster.of(5).nodes[0]
    for _ in range(3):
        leader.propose_command()
    owed(leader)
    acknowledge(leader, 1, (1, 5))
    acknowledge(leader, 1, (1, 3))
    acknowledge(leader, 2, (1, 5))
    assert leader.commit_index == 5


def test_a_lost_call_is_made_up_for_by_the_next() -> None:
    cluster = Cluster.of(3)
    cluster.isolate(2)
    for _ in range(4):
        cluster.nodes[0].propose_command()
        cluster.settle()
    assert cluster.commit_indices() == [6, 5, 0]
    cluster.heal()
    cluster.heartbeat()
    assert cluster.nodes[2].log == cluster.nodes[0].log


def test_shortened_calls_are_continued_once_the_next_one_is_refused() -> None:
    """The user may send less than all that a message holds."""
    cluster = Cluster.of(2)
    leader, follower = cluster.nodes
    for _ in range(5):
        leader.propose_command()
    (call,) = calls(leader)
    call.entries.truncate(2)
    follower.handle_message(call)
    (reply,) = sent(follower)
    leader.handle_message(reply)
    assert leader.commit_index == 4
    assert calls(leader) == []
    leader.heartbeat()
    (heartbeat,) = calls(leader)
    follower.handle_message(heartbeat)
    (refusal,) = sent(follower)
    leader.handle_message(refusal)
    (rest,) = calls(leader)
    assert rest.entries == after((1, 4), COMMAND, COMMAND, COMMAND)


def test_what_the_own_snapshot_covers_is_skipped() -> None:
    """D5."""
    node = node_with(1, after((2, 5), COMMAND), term=2)
    node.handle_message(
        append_call(0, 2, after((1, 3), opening(2), COMMAND, COMMAND, COMMAND), commit=7)
    )
    assert list(node.log.entries) == [COMMAND, COMMAND]
    assert node.commit_index == 7
    assert owed(node)[1] == rb.AppendLogEntries(after((2, 6), COMMAND))
    node.handle_message(append_call(0, 2, after((1, 3), opening(2)), commit=9, seqno=2))
    assert (node.commit_index, node.log.last_position) == (7, position(2, 7))


def test_a_leader_that_contradicts_the_snapshot_is_refused() -> None:
    """D5, D9."""
    node = node_with(1, after((2, 5), COMMAND), term=2)
    for entries in (
        after((1, 3), COMMAND, opening(3)),
        after((1, 3), COMMAND, opening(3), COMMAND),
        after((1, 3), COMMAND, COMMAND),
        after((1, 3), COMMAND, COMMAND, COMMAND),
    ):
        with refused(node, rb.InvariantError, "snapshot"):
            node.handle_message(append_call(0, 4, entries))
    with refused(node, rb.InvariantError, "committed"):
        node.handle_message(append_call(0, 4, after((1, 5), COMMAND)))


def test_removing_committed_entries_is_refused() -> None:
    """D9: not even the call's higher term is taken over."""
    node = node_with(1, after((0, 0), opening(1), COMMAND), term=1)
    node.handle_message(append_call(0, 1, after((1, 2)), commit=2))
    for entries in (after((0, 0), opening(3)), after((3, 2), opening(4))):
        with refused(node, rb.InvariantError, "committed"):
            node.handle_message(append_call(2, 4, entries))
    assert node.actions  # what it owed before is owed still


def test_two_leaders_in_one_term_are_refused() -> None:
    leader = Cluster.of(3).nodes[0]
    with refused(leader, rb.InvariantError, "Election Safety"):
        leader.handle_message(append_call(1, 1, after((1, 2))))


def test_a_second_leader_of_a_term_is_refused_by_who_follows_the_first() -> None:
    """Two clusters with a server in common, each created by itself, show like this."""
    node = node_with(2, after((0, 0)), term=0)
    node.handle_message(append_call(0, 1, after((0, 0), opening(1))))
    with refused(node, rb.InvariantError, "node 1 claims to lead term 1, as node 0 did"):
        node.handle_message(append_call(1, 1, after((0, 0), opening(1), COMMAND)))
    assert node.leader == 0
    node.handle_message(append_call(1, 2, after((1, 1), opening(2))))  # of a later term
    assert node.leader == 1
    with refused(node, rb.InvariantError, "node 0 claims to lead term 2, as node 1 did"):
        node.handle_message(append_call(0, 2, after((1, 1), opening(2))))
