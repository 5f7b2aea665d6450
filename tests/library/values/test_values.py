"""Positions, configurations, logs, messages and actions: by value, and open to `match`."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

import raftbare as rb

from ..helpers import COMMAND, after, append_call, append_reply, config, header, opening, position

NUMBERS = st.tuples(st.integers(0, 3), st.integers(0, 3))


@given(NUMBERS, NUMBERS)
def test_positions_are_ordered_by_term_then_index(
    one: tuple[int, int], two: tuple[int, int]
) -> None:
    a, b = position(*one), position(*two)
    assert (a < b, a <= b, a > b, a >= b) == (one < two, one <= two, one > two, one >= two)
    assert (a == b) == (one == two)
    assert a != b or hash(a) == hash(b)


def test_the_position_before_every_log() -> None:
    assert position(0, 0) == rb.LogPosition.ZERO
    assert repr(rb.LogPosition.ZERO) == "LogPosition(term=0, index=0)"
    assert rb.LogPosition.ZERO != (0, 0)


@pytest.mark.parametrize("member", [*rb.Role, *rb.CommitStatus])
def test_roles_and_statuses_answer_for_themselves(member: rb.Role | rb.CommitStatus) -> None:
    question = f"is_{member.value}"
    assert [one for one in type(member) if getattr(one, question)] == [member]


def test_a_configuration_says_who_belongs_and_who_votes() -> None:
    joint = config([2, 1], [3, 2], [5])
    assert joint.voters == {1, 2}
    assert joint.is_joint_consensus
    assert not config([1]).is_joint_consensus
    assert joint.unique_nodes() == (1, 2, 3, 5)
    assert (
        config([1], [2], [2, 1]).unique_nodes() == config([1], [1, 2], [1]).unique_nodes() == (1, 2)
    )
    assert [node for node in range(7) if joint.contains(rb.NodeId(node))] == [1, 2, 3, 5]
    assert [node for node in range(7) if joint.is_voter(rb.NodeId(node))] == [1, 2, 3]


def test_configurations_compare_by_value_and_do_not_change() -> None:
    assert config([1, 2]) == config([2, 1])
    assert len({config([1, 2]), config([2, 1]), config([1], [2])}) == 2
    assert config([1]) != config([], [1]) != config([], [], [1])
    with pytest.raises(AttributeError):
        config([1]).voters = frozenset()  # type: ignore[misc]


def test_to_joint_consensus_adds_and_removes_voters() -> None:
    old = config([0, 1, 2], non_voters=[3, 4])
    joint = old.to_joint_consensus(adding=[rb.NodeId(3)], removing=[rb.NodeId(0)])
    assert joint == config([0, 1, 2], [1, 2, 3], [4])
    assert old.to_joint_consensus() == config([0, 1, 2], [0, 1, 2], [3, 4])
    assert old.to_joint_consensus(removing=[rb.NodeId(4), rb.NodeId(9)]).new_voters == {0, 1, 2}
    assert old.to_joint_consensus(adding=[rb.NodeId(0), rb.NodeId(5)]).new_voters == {0, 1, 2, 5}
    with pytest.raises(rb.InvalidConfigError, match="no voter"):
        old.to_joint_consensus(removing=old.voters)


def test_log_knows_the_configuration_at_every_index() -> None:
    entries = after(
        (1, 4), COMMAND, rb.ConfigEntry(config([1])), opening(2), rb.ConfigEntry(config([2]))
    )
    log = rb.Log(config([0]), entries)
    found = [log.get_position_and_config(rb.LogIndex(index)) for index in range(3, 10)]
    assert found == [
        None,
        (position(1, 4), config([0])),
        (position(1, 5), config([0])),
        (position(1, 6), config([1])),
        (position(2, 7), config([1])),
        (position(2, 8), config([2])),
        None,
    ]
    assert (log.latest_config, log.latest_config_index) == (config([2]), 8)
    assert (log.snapshot_position, log.last_position) == (position(1, 4), position(2, 8))
    empty = rb.Log(config([0]), after((1, 4)))
    assert (empty.latest_config, empty.latest_config_index) == (config([0]), 4)


def test_a_copied_log_is_equal_and_apart() -> None:
    log = rb.Log(config([0]), after((0, 0), COMMAND))
    copy = log.copy()
    assert copy == log
    copy.entries.push(COMMAND)
    assert copy != log
    assert len(log.entries) == 1


MESSAGES: list[rb.Message] = [
    rb.RequestVoteCall(header(1, 2, 3), position(1, 5)),
    rb.RequestVoteReply(header(1, 2, 3), True),
    append_call(1, 2, after((1, 5), COMMAND), commit=4, seqno=3),
    append_reply(1, 2, (1, 5), 3),
]


@pytest.mark.parametrize("message", MESSAGES)
def test_every_message_has_its_header(message: rb.Message) -> None:
    assert (message.sender, message.term, message.seqno) == (1, 2, 3)
    assert message.header == header(1, 2, 3)
    assert [other for other in MESSAGES if other == message] == [message]
    shown = type(message).__name__ + "(header=MessageHeader(sender=1, term=2"
    assert repr(message).startswith(shown)


def different_values() -> list[object]:
    """No two alike; of each kind, some that differ in one thing only, and a few that are greater
    in one and less in another.
    """
    configs = [config([1]), config([2]), config([1, 2]), config([1], [2]), config([1], [1, 2])]
    configs += [config([1], [], [2]), config([1], [], [3])]
    entries = [after((1, 4)), after((1, 5)), after((2, 4)), after((1, 4), COMMAND)]
    entries += [after((1, 4), opening(2), COMMAND), after((1, 4), COMMAND, opening(2))]
    entries += [after((1, 4), opening(2), opening(4)), after((1, 4), opening(3), opening(4))]
    entries += [after((1, 4), rb.ConfigEntry(configs[0]), COMMAND)]
    entries += [after((1, 4), COMMAND, rb.ConfigEntry(configs[0]))]
    entries += [after((1, 4), COMMAND, rb.ConfigEntry(configs[1]))]
    places = [position(*at) for at in ((1, 2), (1, 3), (2, 1), (2, 2))]
    headers = [header(*of) for of in ((1, 2, 3), (2, 2, 3), (1, 3, 3), (1, 2, 4), (2, 1, 3))]
    return [
        *configs,
        *entries,
        *places,
        *headers,
        *(rb.Log(one, run) for one in configs[:2] for run in entries[:2]),
        *(rb.RequestVoteCall(of, at) for of in headers[:4] for at in places),
        *(rb.RequestVoteReply(of, granted) for of in headers[:4] for granted in (True, False)),
        *(
            rb.AppendEntriesCall(of, rb.LogIndex(commit), run)
            for of in headers[:4]
            for commit in (1, 2)
            for run in entries[:5]
        ),
        *(
            rb.AppendEntriesReply(of, at, accepted)
            for of in headers[:4]
            for at in places
            for accepted in (True, False)
        ),
        *(rb.Limits(*limits) for limits in product((1, 2), (1, 2), (1, 2), (None, 1))),
        *map(opening, (1, 2, 3)),
        *map(rb.ConfigEntry, configs),
        rb.CommandEntry(),
        *(rb.SetElectionTimeout(), rb.SaveCurrentTerm(), rb.SaveVotedFor()),
        *map(rb.BroadcastMessage, MESSAGES),
        *map(rb.AppendLogEntries, entries),
        *(rb.SendMessage(rb.NodeId(to), message) for to in (1, 2) for message in MESSAGES),
        *(rb.InstallSnapshot(rb.NodeId(to)) for to in (1, 2)),
    ]


def test_values_are_equal_only_where_nothing_in_them_differs() -> None:
    values, again = different_values(), different_values()
    for at, value in enumerate(values):
        assert [other for other, one in enumerate(again) if one == value] == [at]
        assert [other for other, one in enumerate(again) if one != value] == [
            other for other in range(len(again)) if other != at
        ]
        assert value != object()


def test_equal_values_have_equal_hashes_and_others_rarely() -> None:
    kinds = (rb.ClusterConfig, rb.LogPosition, rb.TermEntry, rb.ConfigEntry, rb.CommandEntry)
    values = [value for value in different_values() if isinstance(value, kinds)]
    again = [value for value in different_values() if isinstance(value, kinds)]
    assert [hash(value) for value in values] == [hash(value) for value in again]
    assert len({hash(value) for value in values}) > len(values) / 2


def test_a_value_has_its_fields_and_no_others() -> None:
    assert [value for value in different_values() if hasattr(value, "__dict__")] == []


def parts(value: rb.Message | rb.Action | rb.LogEntry) -> list[object]:
    match value:
        case rb.RequestVoteCall(rb.MessageHeader(sender, term, seqno), rb.LogPosition(at, index)):
            return [sender, term, seqno, at, index]
        case rb.RequestVoteReply(rb.MessageHeader(sender, term, seqno), granted):
            return [sender, term, seqno, granted]
        case rb.AppendEntriesCall(rb.MessageHeader(sender, term, seqno), commit_index, entries):
            return [sender, term, seqno, commit_index, entries]
        case rb.AppendEntriesReply(rb.MessageHeader(sender, term, seqno), last_position, accepted):
            return [sender, term, seqno, last_position, accepted]
        case rb.SetElectionTimeout() | rb.SaveCurrentTerm() | rb.SaveVotedFor() | rb.CommandEntry():
            return []
        case rb.BroadcastMessage(message):
            return [message]
        case rb.AppendLogEntries(entries):
            return [entries]
        case rb.SendMessage(to, message):
            return [to, message]
        case rb.InstallSnapshot(to):
            return [to]
        case rb.TermEntry(term):
            return [term]
        case rb.ConfigEntry(rb.ClusterConfig(voters, new_voters, non_voters)):
            return [voters, new_voters, non_voters]


def test_everything_can_be_matched() -> None:
    assert [parts(message) for message in MESSAGES] == [
        [1, 2, 3, 1, 5],
        [1, 2, 3, True],
        [1, 2, 3, 4, after((1, 5), COMMAND)],
        [1, 2, 3, position(1, 5), True],
    ]
    assert parts(rb.BroadcastMessage(MESSAGES[0])) == [MESSAGES[0]]
    assert parts(rb.SendMessage(rb.NodeId(4), MESSAGES[0])) == [4, MESSAGES[0]]
    assert parts(rb.AppendLogEntries(after((0, 0)))) == [after((0, 0))]
    assert parts(rb.InstallSnapshot(rb.NodeId(4))) == [4]
    assert parts(opening(3)) == [3]
    assert parts(rb.ConfigEntry(config([1], [2], [3]))) == [{1}, {2}, {3}]
    assert parts(rb.SetElectionTimeout()) == parts(rb.SaveVotedFor()) == parts(COMMAND) == []


def test_entries_can_be_hashed() -> None:
    entries = [opening(1), opening(1), COMMAND, rb.CommandEntry(), rb.ConfigEntry(config([1]))]
    assert len(set(entries)) == 3
    assert repr(entries[-1]).startswith("ConfigEntry(config=ClusterConfig(voters=[1]")


def test_all_public_names_are_there() -> None:
    assert all(hasattr(rb, name) for name in rb.__all__)
    assert rb.__version__
    assert rb.compiled != hasattr(rb.Node.handle_message, "__code__")
