"""What holds of every public value, in either build: by value, in order, shown, copied, kept."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from enum import Enum
from functools import partial
from itertools import pairwise, product
from random import Random
from types import FunctionType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import raftbare as rb

from ..helpers import (
    COMMAND,
    Cluster,
    after,
    config,
    header,
    opening,
    position,
    situations,
    state_of,
)

ENTRIES = after((2, 7), opening(3), COMMAND, COMMAND, rb.ConfigEntry(config([1, 2])), COMMAND)
LONG = rb.LogEntries(position(0, 0), [opening(term) for term in range(1, 400)])
LOG = rb.Log(config([1, 2, 3]), ENTRIES)
CALL = rb.AppendEntriesCall(header(1, 3, 4), rb.LogIndex(8), ENTRIES)
REPLY = rb.AppendEntriesReply(header(1, 3, 4), position(3, 9), False)
VOTES = (
    rb.RequestVoteCall(header(1, 3, 4), position(2, 7), True),
    rb.RequestVoteReply(header(1, 3, 4), True),
)
PROGRESS = rb.MemberProgress(
    rb.LogIndex(4), rb.LogIndex(9), rb.MessageSeqNo(2), rb.MemberState.SNAPSHOT
)


def status() -> rb.Status:
    cluster = Cluster.of(3)
    return cluster.nodes[0].status()


VALUES: dict[str, list[Any]] = {
    "AppendEntriesCall": [CALL],
    "AppendEntriesReply": [REPLY],
    "AppendLogEntries": [rb.AppendLogEntries(ENTRIES)],
    "BroadcastMessage": [rb.BroadcastMessage(CALL), rb.BroadcastMessage(VOTES[0])],
    "Certificate": [rb.Certificate("1", "quick", {}, {}, (), (), ())],
    "Claim": [rb.Claim("one", "all", {"seed": 0}, {"events": 3}, 1.5, "conforms")],
    "ClusterConfig": [config(), config([3, 1, 2], [4], [0]), config(range(2**40, 2**40 + 9))],
    "CommandEntry": [COMMAND],
    "CommitStatus": list(rb.CommitStatus),
    "ConfigEntry": [rb.ConfigEntry(config([1, 2]))],
    "Counters": [rb.Counters(), rb.Counters(1, 2, 3, 4, 5, 6, 7, 8, 9)],
    "Disk": [rb.Disk(rb.Term(3), None, LOG), rb.Disk(rb.Term(3), rb.NodeId(1), LOG)],
    "InstallSnapshot": [rb.InstallSnapshot(rb.NodeId(4))],
    "Limits": [rb.Limits(), rb.Limits(1, 2, 3, 4)],
    "Log": [LOG, rb.Log(config(), LONG)],
    "LogEntries": [ENTRIES, LONG, after((0, 0))],
    "LogPosition": [rb.LogPosition.ZERO, position(3, 9), position(2**70, 2**64)],
    "MemberProgress": [PROGRESS],
    "MemberState": list(rb.MemberState),
    "MessageHeader": [header(1, 3, 4)],
    "ReadIndex": [rb.ReadIndex(rb.Term(1), rb.MessageSeqNo(2), rb.LogIndex(3))],
    "RequestVoteCall": [VOTES[0]],
    "RequestVoteReply": [VOTES[1]],
    "Role": list(rb.Role),
    "SaveCurrentTerm": [rb.SaveCurrentTerm()],
    "SaveVotedFor": [rb.SaveVotedFor()],
    "SendMessage": [rb.SendMessage(rb.NodeId(4), message) for message in (*VOTES, CALL, REPLY)],
    "SetElectionTimeout": [rb.SetElectionTimeout()],
    "Status": [rb.Node.start(rb.NodeId(2)).status(), status()],
    "TermEntry": [opening(3)],
}
"""One or more of each public class whose objects are values."""

ERRORS = [
    getattr(rb, name)("why", *more)
    for name, more in {
        "ClusterExistsError": (),
        "InvalidConfigError": (),
        "InvalidSnapshotError": (),
        "InvalidTransferError": (),
        "InvariantError": (),
        "NotLeaderError": (2,),
        "RaftError": (),
        "RecoveryError": (),
        "TooManyUncommittedError": (),
        "TransferringError": (2,),
    }.items()
]
NO_VALUES = {"Node", "Actions"}

ALL = [value for values in VALUES.values() for value in values]


def _pickled(value: Any, protocol: int) -> Any:
    return pickle.loads(pickle.dumps(value, protocol))


COPIES: dict[str, Callable[[Any], Any]] = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    **{
        f"pickle {protocol}": partial(_pickled, protocol=protocol)
        for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1)
    },
}


def name_of(value: object) -> str:
    return type(value).__name__


def kind_of(value: object) -> type:
    """Uncompiled, the position that all nodes share is of a type of its own."""
    return rb.LogPosition if isinstance(value, rb.LogPosition) else type(value)


def test_every_public_class_is_here() -> None:
    kinds = {name for name in rb.__all__ if isinstance(getattr(rb, name), type)}
    assert kinds == {*VALUES, *map(name_of, ERRORS), *NO_VALUES}
    assert {name: {name_of(one) for one in ones} for name, ones in VALUES.items()} == {
        name: {name} for name in VALUES
    }


@pytest.mark.parametrize("how", COPIES)
@pytest.mark.parametrize("value", ALL, ids=name_of)
def test_a_copy_is_equal_and_of_the_same_kind(value: Any, how: str) -> None:
    made = COPIES[how](value)
    assert made == value
    assert value == made
    assert kind_of(made) is kind_of(value)
    assert repr(made) == repr(value)
    if isinstance(value, Enum):
        assert made is value


@pytest.mark.parametrize("value", ALL, ids=name_of)
def test_what_is_shown_is_how_it_is_made(value: Any) -> None:
    made = eval(repr(value), {name: getattr(rb, name) for name in rb.__all__})
    assert made == value
    assert repr(made) == repr(value)


@pytest.mark.parametrize("value", ALL, ids=name_of)
def test_equal_values_have_equal_hashes_or_none(value: Any) -> None:
    made = copy.deepcopy(value)
    try:
        found = hash(value)
    except TypeError:
        with pytest.raises(TypeError):
            hash(made)
    else:
        assert hash(made) == found
        assert {value: 1}[made] == 1


def test_what_has_hashes_is_what_cannot_change() -> None:
    def hashes(value: object) -> bool:
        try:
            hash(value)
        except TypeError:
            return False
        return True

    without = {name_of(value) for value in ALL if not hashes(value)}
    assert without == {
        *("Log", "LogEntries", "Disk", "Status", "Certificate", "Claim"),
        *("AppendEntriesCall", "AppendLogEntries", "BroadcastMessage", "SendMessage"),
    }


def test_others_are_not_equal() -> None:
    for (at, one), (place, other) in product(enumerate(ALL), repeat=2):
        assert (one == other) == (at == place), (one, other)
        assert (one != other) == (at != place), (one, other)


FOREIGN = [5, 1.5, "x", None, (0, 0), [], object(), header(1, 3, 4), config([1])]


@pytest.mark.parametrize("value", ALL, ids=name_of)
def test_nothing_foreign_is_equal(value: Any) -> None:
    assert [one for one in FOREIGN if value == one and type(one) is not type(value)] == []
    assert all(value != one for one in FOREIGN if type(one) is not type(value))


@pytest.mark.parametrize("other", FOREIGN, ids=lambda other: type(other).__name__)
def test_a_position_is_ordered_with_positions_only(other: Any) -> None:
    here = position(0, 0)
    questions: tuple[Callable[[], object], ...] = (
        lambda: here < other,
        lambda: here <= other,
        lambda: here > other,
        lambda: here >= other,
        lambda: other < here,
        lambda: other <= here,
        lambda: other > here,
        lambda: other >= here,
    )
    for compared in questions:
        with pytest.raises(TypeError, match="not supported between instances"):
            compared()
    with pytest.raises(TypeError):
        sorted([here, other])


POSITIONS = st.builds(position, *[st.one_of(st.integers(0, 3), st.integers(0, 2**70))] * 2)


@given(st.lists(POSITIONS, max_size=5))
def test_positions_have_one_order(positions: list[rb.LogPosition]) -> None:
    ordered = sorted(positions)
    assert ordered == sorted(positions, key=lambda one: (one.term, one.index))
    assert all(not one > other for one, other in pairwise(ordered))


IDS = st.lists(st.one_of(st.integers(0, 9), st.integers(0, 2**63)), max_size=9)


@given(IDS, IDS, IDS, st.randoms())
def test_a_configuration_has_one_hash_in_whatever_order_it_was_given(
    voters: list[int], new_voters: list[int], non_voters: list[int], random: Random
) -> None:
    one = config(voters, new_voters, non_voters)
    for part in (voters, new_voters, non_voters):
        random.shuffle(part)
    other = config(iter(voters * 2), (name for name in new_voters), dict.fromkeys(non_voters))
    assert one == other
    assert hash(one) == hash(other)
    assert repr(one) == repr(other)
    assert one.unique_nodes() == other.unique_nodes()


def test_an_iterator_will_do_for_entries() -> None:
    runs = list(ENTRIES.runs())
    assert rb.LogEntries(ENTRIES.prev_position, iter(ENTRIES)) == ENTRIES
    assert rb.LogEntries.from_runs(ENTRIES.prev_position, (run for run in runs)) == ENTRIES


def test_what_is_done_to_an_argument_afterwards_is_not_seen() -> None:
    voters, more = [rb.NodeId(0), rb.NodeId(1)], [rb.NodeId(2)]
    members = rb.ClusterConfig(voters, more, more)
    joint = members.to_joint_consensus(more)
    entries, runs = [opening(1)], [(COMMAND, 3)]
    made = rb.LogEntries(position(0, 0), entries), rb.LogEntries.from_runs(position(0, 0), runs)
    node = rb.Node.start(rb.NodeId(0))
    node.create_cluster(voters)
    before = [repr(one) for one in (members, joint, *made, node)]
    for given_list in (voters, more, entries, runs):
        given_list.clear()
    assert [repr(one) for one in (members, joint, *made, node)] == before


def test_a_copy_of_a_log_shares_nothing() -> None:
    for how, entries in product(COPIES, (ENTRIES, LONG)):
        log = rb.Log(config([1]), entries.copy())
        before = repr(log)
        of_log, of_entries = COPIES[how](log), COPIES[how](log.entries)
        of_log.entries.push(opening(2**65))
        of_log.entries.push(rb.ConfigEntry(config([9])))
        of_entries.truncate(1)
        for one in (of_log.entries, of_entries, log.entries):
            one._check()
        assert repr(log) == before


SHARED = [
    (rb.LogPosition.ZERO, ("term", "index")),
    (rb.Limits(), ("entries", "calls", "ask_again", "uncommitted", "in_flight")),
    (rb.Node.start(rb.NodeId(0)).limits, ("entries", "calls", "ask_again", "uncommitted")),
    (opening(3), ("term",)),
    (rb.ConfigEntry(config([1])), ("config",)),
    (config([1]), ("voters", "new_voters", "non_voters")),
]
"""What is handed to many, and what of it could be assigned."""


@pytest.mark.parametrize(("value", "fields"), SHARED, ids=lambda one: name_of(one))
def test_what_all_nodes_share_cannot_be_changed(value: Any, fields: tuple[str, ...]) -> None:
    before = repr(value)
    for field in fields:
        with pytest.raises(AttributeError):
            setattr(value, field, getattr(value, field))
        with pytest.raises(AttributeError):
            delattr(value, field)
    with pytest.raises(AttributeError):
        value.another = 1
    assert repr(value) == before


def test_no_position_can_be_changed_when_compiled() -> None:
    """Uncompiled it would make every step slower: there it is a convention."""
    here = position(1, 2)
    if rb.compiled:
        with pytest.raises(AttributeError):
            here.index = rb.LogIndex(5)  # type: ignore[misc]
    assert here == position(1, 2)


@pytest.mark.parametrize("how", COPIES)
@pytest.mark.parametrize("error", ERRORS, ids=name_of)
def test_an_error_is_copied_with_what_it_says(error: rb.RaftError, how: str) -> None:
    made = COPIES[how](error)
    assert type(made) is type(error)
    assert str(made) == str(error) == "why"
    assert [getattr(made, name, None) for name in ("leader", "to")] == [
        getattr(error, name, None) for name in ("leader", "to")
    ]


# Nodes


def go_on(node: rb.Node) -> list[object]:
    """What comes of all that may happen to it next."""
    seen: list[object] = []
    for step in (
        lambda: list(node.actions),
        lambda: node.handle_message(
            rb.AppendEntriesReply(header(1, node.current_term, 9), node.log.last_position)
        ),
        lambda: node.handle_message(
            rb.AppendEntriesReply(header(7, node.current_term, 9), position(0, 0), False)
        ),
        lambda: node.handle_message(rb.RequestVoteReply(header(2, node.current_term), True)),
        lambda: list(node.actions),
        lambda: node.handle_election_timeout(),
        lambda: node.status(),
        lambda: list(node.actions),
        lambda: node.handle_message(rb.RequestVoteCall(header(2, 50), position(49, 99))),
        lambda: list(node.actions),
    ):
        try:
            seen.append(repr(step()))
        except rb.RaftError as error:
            seen.append(repr(error))
        seen.append(state_of(node))
        seen.append(node.status())
    return seen


PLACES = [name for name, _ in situations()]


@pytest.mark.parametrize("how", COPIES)
@pytest.mark.parametrize("place", PLACES)
def test_a_copied_node_goes_on_as_the_other_would_and_shares_nothing(place: str, how: str) -> None:
    node = next(node for name, node in situations() if name == place)
    before, shown = state_of(node), node.status()
    first, second = COPIES[how](node), COPIES[how](node)
    assert state_of(first) == state_of(second) == before
    assert first.status() == shown
    assert first.actions is not node.actions
    went = go_on(first)
    assert state_of(node) == state_of(second) == before
    assert node.status() == shown
    assert go_on(second) == went
    assert go_on(node) == went


def test_a_drain_belongs_to_its_node() -> None:
    node = rb.Node.start(rb.NodeId(0))
    node.create_cluster([node.id])
    assert copy.copy(node.actions) is node.actions
    other = copy.deepcopy(node.actions)
    assert len(list(other)) == 6
    assert not other
    assert next(node.actions) == rb.SetElectionTimeout()


def test_a_class_that_keeps_its_fields_is_no_slower_when_compiled() -> None:
    """`sealed` and `constant` are for the pure build, and leave the compiled one alone."""
    assert isinstance(rb.Limits.__setattr__, FunctionType) == (not rb.compiled)
    assert (type(rb.LogPosition.ZERO) is rb.LogPosition) == rb.compiled
