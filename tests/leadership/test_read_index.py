"""§8; dissertation, §6.2 to 6.4: who has answered a leader, and reads that rest on it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import raftbare as rb
from tests.library.helpers import (
    Cluster,
    after,
    append_reply,
    calls,
    config,
    node_with,
    opening,
    owed,
    position,
    refuse,
    refused,
    vote,
)


def take(leader: rb.Node) -> rb.ReadIndex:
    read = leader.read_index()
    assert read is not None
    return read


def answer(leader: rb.Node, sender: int, seqno: int, accepted: bool = True) -> None:
    """A member that holds all of the log answers the call of that number."""
    last = leader.log.last_position
    leader.handle_message(
        append_reply(sender, leader.current_term, (last.term, last.index), seqno, accepted)
    )


def leading(members: rb.ClusterConfig, *voters: int) -> rb.Node:
    """Node 0 under that configuration, elected by these; its own entry is committed."""
    node = node_with(0, after((0, 0), rb.ConfigEntry(members), opening(1)), term=1)
    node.handle_election_timeout()
    owed(node)
    for voter in voters:
        node.handle_message(vote(voter, 2))
    owed(node)
    last = node.log.last_position
    for voter in voters:
        node.handle_message(append_reply(voter, 2, (last.term, last.index), seqno=1))
    owed(node)
    assert node.commit_index >= 3
    return node


# Taking a read


def test_a_leader_takes_no_read_before_it_has_committed_an_entry_of_its_own_term() -> None:
    """§8: until then it does not know which entries are committed."""
    cluster = Cluster.newly_led(3, commands=2)
    leader = cluster.nodes[0]
    assert leader.read_index() is None
    assert leader.log.last_position == position(2, 5)
    cluster.heartbeat()
    assert take(leader).index == leader.commit_index == 5


def test_a_read_is_of_what_is_committed_when_it_is_taken() -> None:
    cluster = Cluster.of(3)
    leader = cluster.nodes[0]
    leader.propose_command()
    read = take(leader)
    assert (read.term, read.index) == (leader.current_term, leader.commit_index)
    cluster.settle()
    assert read.index < leader.commit_index
    assert take(leader).index == leader.commit_index


def test_to_take_a_read_changes_nothing() -> None:
    leader = Cluster.of(3).nodes[0]
    assert take(leader) == take(leader)
    assert owed(leader) == []


@pytest.mark.parametrize("known", [True, False])
def test_who_does_not_lead_takes_no_read_and_names_the_leader(known: bool) -> None:
    cluster = Cluster.of(3)
    node = cluster.nodes[1] if known else cluster.restart(1)
    owed(node)
    with refused(node, rb.NotLeaderError, "a read is asked") as raised:
        node.read_index()
    assert isinstance(raised.value, rb.NotLeaderError)
    assert raised.value.leader == (0 if known else None)
    assert node.confirmed == 0


# Confirming it


def test_one_round_of_calls_confirms_all_reads_before_it() -> None:
    cluster = Cluster.of(3)
    leader = cluster.nodes[0]
    reads = [take(leader)]
    leader.propose_command()
    reads.append(take(leader))
    assert not any(map(leader.is_confirmed, reads))
    cluster.settle()
    assert all(map(leader.is_confirmed, reads))
    late = take(leader)
    assert not leader.is_confirmed(late)
    cluster.heartbeat()
    assert leader.is_confirmed(late)


def test_a_heartbeat_tells_the_number_of_its_call() -> None:
    leader = Cluster.of(3).nodes[0]
    read, number = take(leader), leader.heartbeat()
    assert leader.heartbeat() == number  # one broadcast for both
    (call,) = calls(leader)
    assert call.seqno == number == read.seqno
    assert take(leader).seqno == leader.heartbeat() == number + 1


def test_one_answer_of_two_is_enough_and_a_refusal_is_one() -> None:
    for accepted in (True, False):
        leader = Cluster.of(3).nodes[0]
        number = leader.heartbeat()
        owed(leader)
        assert leader.confirmed < number
        answer(leader, 2, number, accepted)
        assert leader.confirmed == number


def test_a_late_answer_takes_nothing_back() -> None:
    leader = Cluster.of(3).nodes[0]
    numbers = []
    for _ in range(3):
        numbers.append(leader.heartbeat())
        owed(leader)
    answer(leader, 1, numbers[2])
    answer(leader, 1, numbers[0])
    assert leader.confirmed == numbers[2]


NOTHING: dict[str, Callable[[rb.Node, int], rb.AppendEntriesReply]] = {
    "of an earlier call": lambda leader, number: append_reply(1, 2, (2, 3), number - 1),
    "of a call of an earlier term": lambda leader, number: append_reply(1, 2, (2, 3), 0),
    "in an earlier term, with a number of an earlier life": lambda leader, number: append_reply(
        1, 1, (2, 3), number + 5
    ),
    "of a non-voter": lambda leader, number: append_reply(3, 2, (2, 3), number),
    "of who is no member": lambda leader, number: append_reply(4, 2, (2, 3), number),
}


@pytest.mark.parametrize("reply", NOTHING)
def test_a_reply_that_confirms_nothing(reply: str) -> None:
    leader = leading(config([0, 1, 2], (), [3]), 1, 2)
    read, number = take(leader), leader.heartbeat()
    owed(leader)
    leader.handle_message(NOTHING[reply](leader, number))
    assert not leader.is_confirmed(read)
    answer(leader, 1, number)
    assert leader.is_confirmed(read)


def test_numbers_begin_anew_with_a_life_and_what_was_confirmed_with_a_term() -> None:
    cluster = Cluster.of(3)
    for _ in range(5):
        cluster.heartbeat()
    before = cluster.nodes[0].confirmed
    leader = cluster.restart(0)
    cluster.drain(0)
    cluster.elect(0)
    assert 0 < leader.confirmed < before
    cluster.elect(1)
    assert cluster.nodes[1].confirmed > leader.confirmed == 0


@pytest.mark.parametrize(
    ("members", "enough", "too_few"),
    [
        (config([0, 1, 2], [0, 3, 4]), (1, 3), (1, 2)),
        (config([0, 1, 2], [0, 3, 4]), (2, 4), (3, 4)),
        (config([0, 1, 2], [1, 2], [0]), (1, 2), (1,)),  # it becomes a non-voter
        (config([0, 1, 2, 3, 4]), (1, 4), (3,)),
    ],
)
def test_a_quorum_is_of_both_memberships(
    members: rb.ClusterConfig, enough: tuple[int, ...], too_few: tuple[int, ...]
) -> None:
    """§6, while the configuration is joint."""
    node = node_with(0, after((0, 0), opening(1), rb.ConfigEntry(members)), term=1)
    node.handle_election_timeout()
    owed(node)
    for voter in (1, 2, 3, 4):
        node.handle_message(vote(voter, 2))
    number = node.heartbeat()
    owed(node)
    for answering, confirmed in ((too_few, False), (enough, True)):
        for sender in answering:  # what they hold matters for commitment alone
            node.handle_message(append_reply(sender, 2, (0, 0), number, accepted=False))
        assert (node.confirmed >= number) is confirmed


def test_a_leader_that_is_no_voter_does_not_count_itself() -> None:
    """§6: it manages a cluster that does not include it."""
    joint = config([0, 1, 2], [1, 2])
    node = node_with(0, after((0, 0), opening(1), rb.ConfigEntry(joint)), term=1)
    node.handle_election_timeout()
    owed(node)
    for voter in (1, 2):
        node.handle_message(vote(voter, 2))
    owed(node)
    for voter in (1, 2):
        node.handle_message(append_reply(voter, 2, (2, 3), 2))
    assert node.config == config([1, 2])
    owed(node)
    number = node.heartbeat()
    owed(node)
    answer_of_one = append_reply(1, 2, (2, 3), number)
    node.handle_message(answer_of_one)
    assert node.confirmed < number
    node.handle_message(append_reply(2, 2, (2, 3), number))
    assert node.confirmed == number


def test_an_only_voter_needs_nobody() -> None:
    leader = Cluster.of(1).nodes[0]
    assert leader.is_confirmed(take(leader))


# What it is good for


def test_a_leader_that_was_replaced_confirms_no_read() -> None:
    """Else the read would miss what the others have committed."""
    cluster = Cluster.of(3)
    cluster.isolate(0)
    cluster.elect(1)
    cluster.nodes[1].propose_command()
    cluster.settle()
    old = cluster.nodes[0]
    read, number = take(old), old.heartbeat()
    cluster.settle()
    assert read.index < cluster.nodes[1].commit_index
    assert old.confirmed < number
    cluster.heal()
    cluster.heartbeat(0)
    cluster.heartbeat(1)
    with refused(old, rb.NotLeaderError, "a read of term 1 is asked") as raised:
        old.is_confirmed(read)
    assert isinstance(raised.value, rb.NotLeaderError)
    assert raised.value.leader == 1


def test_a_read_of_an_earlier_term_is_never_confirmed() -> None:
    cluster = Cluster.of(3)
    read = take(cluster.nodes[0])
    cluster.elect(1)
    cluster.elect(0)
    cluster.heartbeat()
    assert cluster.nodes[0].confirmed >= read.seqno
    with pytest.raises(
        rb.NotLeaderError, match="a read of term 1 is asked for of node 0, a leader"
    ):
        cluster.nodes[0].is_confirmed(read)


def test_a_leader_that_only_a_minority_answers_sees_it() -> None:
    """Dissertation, §6.2: it steps down if that lasts for an election timeout."""
    cluster = Cluster.of(5)
    cluster.isolate(2, 3, 4)
    leader = cluster.nodes[0]
    number = leader.heartbeat()
    cluster.settle()
    for _ in range(10):
        cluster.heartbeat()
    assert leader.confirmed < number
    assert leader.progress[rb.NodeId(1)].answered > number
    cluster.heal()
    cluster.heartbeat()
    assert leader.confirmed > number


def test_who_lags_and_is_probed_answers_as_well() -> None:
    leader = Cluster.newly_led(3, commands=3).nodes[0]
    number = leader.heartbeat()
    owed(leader)
    refuse(leader, 1, (1, 1))
    assert leader.confirmed > number
    assert leader.read_index() is None  # yet its own entry is not committed


def test_a_read_is_a_value() -> None:
    read = rb.ReadIndex(rb.Term(2), rb.MessageSeqNo(3), rb.LogIndex(4))
    assert read == rb.ReadIndex(rb.Term(2), rb.MessageSeqNo(3), rb.LogIndex(4))
    assert hash(read) == hash(rb.ReadIndex(rb.Term(2), rb.MessageSeqNo(3), rb.LogIndex(4)))
    assert read != rb.ReadIndex(rb.Term(2), rb.MessageSeqNo(4), rb.LogIndex(4))
    assert repr(read) == "ReadIndex(term=2, seqno=3, index=4)"
