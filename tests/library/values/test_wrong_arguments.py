"""Arguments of a wrong type, and numbers below 0, are refused where they enter, in either build.

In the same words, and before anything is changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest

import raftbare as rb

from ..helpers import COMMAND, after, config, header, opening, position, situations, state_of

ENTRIES = after((2, 7), opening(3), COMMAND)
MESSAGE_TYPES = (
    "RequestVoteCall",
    "RequestVoteReply",
    "AppendEntriesCall",
    "AppendEntriesReply",
)


class Kind(NamedTuple):
    """What an argument may be: what is refused instead, in these words."""

    expected: str | None
    wrong: tuple[Any, ...]
    below: tuple[Any, ...] = ()
    """Numbers below 0, or with one among them."""


class Like:
    """Has what a message has, and is none."""

    sender, term, seqno = 1, 99, 3


FOREIGN: tuple[Any, ...] = (1.5, "x", (1, 2), [], b"", config, object(), Like(), 1j)
EMPTY = (None, *FOREIGN)


def _kind(name: str, module: str, *also: Any) -> Kind:
    return Kind(f"raftbare.{module}.{name}", (5, *EMPTY, *also))


NUMBER = Kind("int", EMPTY)
NATURAL = Kind("int", EMPTY, (-1, -(2**70)))
MAYBE = Kind("int or None", FOREIGN)
MAYBE_NATURAL = Kind("int or None", FOREIGN, (-1,))
FLAG = Kind("bool", (0, 1, *EMPTY))
HEADER = _kind("Headed", "message", position(1, 1))
if not rb.compiled:  # there a header is what has a header's fields
    HEADER = HEADER._replace(wrong=tuple(one for one in HEADER.wrong if type(one) is not Like))
MESSAGE = Kind(
    f"union[{', '.join(f'raftbare.message.{name}' for name in MESSAGE_TYPES)}]",
    (5, *EMPTY, header(1, 99, 3), position(1, 1)),
)
ENTRY = Kind(
    "union[raftbare.entries.TermEntry, raftbare.entries.ConfigEntry, "
    "raftbare.entries.CommandEntry]",
    (5, *EMPTY, config()),
)
POSITION = _kind("LogPosition", "types", header(1, 1))
CONFIG = _kind("ClusterConfig", "config")
OF_ENTRIES = _kind("LogEntries", "entries", rb.Log(config(), ENTRIES))
LOG = _kind("Log", "log", ENTRIES)
LIMITS = _kind("Limits", "limits")
READ = _kind("ReadIndex", "status")
VOTE_CALL = _kind("RequestVoteCall", "message", header(1, 1))
STATE = _kind("MemberState", "status", "probe")
ITEMS: tuple[Any, ...] = ([1.5], ["x"], [None], [1, "x"], {"x": 1}, [[1]], [1, 1j])
NAMES = Kind(None, (5, None, 1.5, object(), *ITEMS), ([-1], (3, -2)))
UNCHECKED = Kind(None, (5, None, [[1]]))
SET = Kind(None, (5, None, [1], iter([1])))
ENTRY_LIST = Kind(None, (5, [5], [COMMAND, None], [config()], object()))
RUNS = Kind(None, (5, [5], [(COMMAND, 1.5)], [(COMMAND, "x")], [(5, 1)], [(COMMAND,)], None))

VOTE = rb.RequestVoteCall(header(1, 3), position(2, 7))
CALL = rb.AppendEntriesCall(header(1, 3), rb.LogIndex(7), ENTRIES)


class Call(NamedTuple):
    """A call with arguments that are as they should be, and what each of them may be."""

    made: Callable[..., Any]
    given: tuple[Any, ...]
    kinds: tuple[Kind, ...]


OF_NODE: dict[str, Call] = {
    "create_cluster": Call(rb.Node.create_cluster, ([0, 3],), (NAMES,)),
    "propose_config": Call(rb.Node.propose_config, (config([0, 1, 2]),), (CONFIG,)),
    "transfer_leadership": Call(rb.Node.transfer_leadership, (1,), (NUMBER,)),
    "handle_timeout_now": Call(rb.Node.handle_timeout_now, (1,), (NUMBER,)),
    "handle_message": Call(rb.Node.handle_message, (CALL,), (MESSAGE,)),
    "handle_snapshot_installed": Call(
        rb.Node.handle_snapshot_installed, (position(1, 2), config()), (POSITION, CONFIG)
    ),
    "get_commit_status": Call(rb.Node.get_commit_status, (position(1, 2),), (POSITION,)),
    "get_change_status": Call(rb.Node.get_change_status, (position(1, 2),), (POSITION,)),
    "is_confirmed": Call(rb.Node.is_confirmed, (rb.ReadIndex(1, 2, 3),), (READ,)),  # type: ignore[arg-type]
    "would_vote": Call(rb.Node.would_vote, (VOTE,), (VOTE_CALL,)),
    "could_be_disruptive": Call(rb.Node.could_be_disruptive, (VOTE,), (MESSAGE,)),
}
WITHOUT_ARGUMENTS = {
    *("propose_command", "heartbeat", "step_down", "cancel_transfer", "handle_election_timeout"),
    *("read_index", "pre_vote_call", "status"),
}


def start(node_id: Any, limits: Any) -> rb.Node:
    return rb.Node.start(node_id, limits=limits)


def restart(node_id: Any, term: Any, vote: Any, log: Any, limits: Any) -> rb.Node:
    return rb.Node.restart(node_id, current_term=term, voted_for=vote, log=log, limits=limits)


def force(node_id: Any, term: Any, log: Any, survivors: Any) -> rb.Disk:
    return rb.force_new_cluster(node_id, current_term=term, log=log, survivors=survivors)


HELD = rb.Log(config([0, 1, 2]), ENTRIES)
OF_VALUES: dict[str, Call] = {
    "Node.start": Call(start, (0, rb.Limits()), (NATURAL, LIMITS)),
    "Node.restart": Call(
        restart,
        (0, 3, None, HELD, rb.Limits()),
        (NATURAL, NATURAL, MAYBE_NATURAL, LOG, LIMITS),
    ),
    "force_new_cluster": Call(force, (0, 3, HELD, [0]), (NATURAL, NUMBER, LOG, NAMES)),
    "LogPosition": Call(rb.LogPosition, (1, 2), (NUMBER, NUMBER)),
    "ClusterConfig": Call(rb.ClusterConfig, ([1], [2], [3]), (NAMES, NAMES, NAMES)),
    "to_joint_consensus": Call(
        config([1, 2]).to_joint_consensus, ([3], [1], [2]), (NAMES, UNCHECKED, UNCHECKED)
    ),
    "has_quorum": Call(config([1, 2]).has_quorum, ({1},), (SET,)),
    "contains": Call(config([1, 2]).contains, (1,), (NUMBER,)),
    "is_voter": Call(config([1, 2]).is_voter, (1,), (NUMBER,)),
    "Limits": Call(rb.Limits, (1, 2, 3, 4), (NUMBER, NUMBER, NUMBER, MAYBE)),
    "TermEntry": Call(rb.TermEntry, (1,), (NUMBER,)),
    "ConfigEntry": Call(rb.ConfigEntry, (config(),), (CONFIG,)),
    "LogEntries": Call(rb.LogEntries, (position(1, 2), [COMMAND]), (POSITION, ENTRY_LIST)),
    "from_runs": Call(rb.LogEntries.from_runs, (position(1, 2), [(COMMAND, 3)]), (POSITION, RUNS)),
    "Log": Call(rb.Log, (config(), ENTRIES), (CONFIG, OF_ENTRIES)),
    "MessageHeader": Call(rb.MessageHeader, (1, 2, 3), (NATURAL, NATURAL, NATURAL)),
    "RequestVoteCall": Call(
        rb.RequestVoteCall, (header(1, 2), position(1, 2), True), (HEADER, POSITION, FLAG)
    ),
    "RequestVoteReply": Call(rb.RequestVoteReply, (header(1, 2), True), (HEADER, FLAG)),
    "AppendEntriesCall": Call(
        rb.AppendEntriesCall, (header(1, 2), 3, ENTRIES), (HEADER, NUMBER, OF_ENTRIES)
    ),
    "AppendEntriesReply": Call(
        rb.AppendEntriesReply, (header(1, 2), position(1, 2), True), (HEADER, POSITION, FLAG)
    ),
    "InstallSnapshot": Call(rb.InstallSnapshot, (1,), (NUMBER,)),
    "ReadIndex": Call(rb.ReadIndex, (1, 2, 3), (NATURAL, NATURAL, NATURAL)),
    "MemberProgress": Call(
        rb.MemberProgress, (1, 2, 3, rb.MemberState.PROBE), (NUMBER, NUMBER, NUMBER, STATE)
    ),
    "Counters": Call(rb.Counters, (1,) * 9, (NUMBER,) * 9),
}
OF_ACTIONS: dict[str, Call] = {
    "BroadcastMessage": Call(rb.BroadcastMessage, (CALL,), (MESSAGE,)),
    "AppendLogEntries": Call(rb.AppendLogEntries, (ENTRIES,), (OF_ENTRIES,)),
    "SendMessage": Call(rb.SendMessage, (1, CALL), (NUMBER, MESSAGE)),
}
"""Of these only the compiled build asks what they are made of: no node is handed one."""
if rb.compiled:
    OF_VALUES |= OF_ACTIONS

OF_LOG: dict[str, Call] = {
    "contains": Call(rb.LogEntries.contains, (position(2, 7),), (POSITION,)),
    "since": Call(rb.LogEntries.since, (position(2, 7),), (POSITION,)),
    "contains_index": Call(rb.LogEntries.contains_index, (7,), (NUMBER,)),
    "get_term": Call(rb.LogEntries.get_term, (7,), (NUMBER,)),
    "get_entry": Call(rb.LogEntries.get_entry, (7,), (NUMBER,)),
    "push": Call(rb.LogEntries.push, (COMMAND,), (ENTRY,)),
    "truncate": Call(rb.LogEntries.truncate, (1,), (Kind("int", EMPTY, (-1,)),)),
}


def shown(value: object) -> str:
    """A value's type, as an error names it."""
    if value is None:
        return "None"
    kind = type(value)
    if kind is tuple:
        return "tuple[int, int]"
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"


def wrong_calls(call: Call) -> Iterator[tuple[tuple[Any, ...], type[Exception], str | None]]:
    """Its arguments with one of them wrong, and what is to be raised."""
    for at, kind in enumerate(call.kinds):
        for value in (*kind.wrong, *kind.below):
            given = (*call.given[:at], value, *call.given[at + 1 :])
            if value in kind.below:
                yield given, ValueError, None
            elif kind.expected is None:
                yield given, TypeError, None
            else:
                yield given, TypeError, f"{kind.expected} object expected; got {shown(value)}"


def is_refused(made: Callable[[], Any], error: type[Exception], words: str | None) -> None:
    with pytest.raises(error) as raised:
        made()
    assert type(raised.value) is error
    assert words in (None, str(raised.value))


def methods(kind: type) -> set[str]:
    return {
        name
        for name in dir(kind)
        if not name.startswith("_") and callable(getattr(kind, name)) and name != "actions"
    }


def test_every_public_call_is_here() -> None:
    assert methods(rb.Node) == {*OF_NODE, *WITHOUT_ARGUMENTS, "start", "restart"}
    without = {"iter_with_positions", "runs", "copy"}
    assert methods(rb.LogEntries) == {*OF_LOG, *without, "from_runs"}
    assert methods(rb.ClusterConfig) <= {*OF_VALUES, "unique_nodes"}
    made = {name for name in rb.__all__ if isinstance(getattr(rb, name), type)}
    errors = {name for name in made if name.endswith("Error")}
    enums = {"Role", "CommitStatus", "MemberState"}
    others = {
        *("Certificate", "Claim", "Disk", "Status"),  # the library's own, or tuples
        *("CommandEntry", "SaveCurrentTerm", "SaveVotedFor", "SetElectionTimeout"),  # no fields
        *("Node", "Actions"),
    }
    assert made - errors - enums - others <= OF_VALUES.keys() | OF_ACTIONS.keys()


PLACES = [name for name, _ in situations()]


@pytest.mark.parametrize("name", OF_NODE)
@pytest.mark.parametrize("place", PLACES)
def test_a_node_refuses_it_and_is_as_it_was(place: str, name: str) -> None:
    node = next(node for at, node in situations() if at == place)
    before, told = state_of(node), node.status()
    for given, error, words in wrong_calls(OF_NODE[name]):
        is_refused(lambda given=given: OF_NODE[name].made(node, *given), error, words)  # type: ignore[misc]
        assert state_of(node) == before
        assert node.status() == told


@pytest.mark.parametrize("name", OF_VALUES)
def test_nothing_is_made_of_it(name: str) -> None:
    call, before = OF_VALUES[name], repr(HELD)
    for given, error, words in wrong_calls(call):
        is_refused(lambda given=given: call.made(*given), error, words)  # type: ignore[misc]
    assert repr(HELD) == before


@pytest.mark.parametrize("name", OF_LOG)
def test_entries_refuse_it_and_are_as_they_were(name: str) -> None:
    entries = ENTRIES.copy()
    for given, error, words in wrong_calls(OF_LOG[name]):
        is_refused(lambda given=given: OF_LOG[name].made(entries, *given), error, words)  # type: ignore[misc]
        assert entries == ENTRIES
        entries._check()


def test_a_log_refuses_an_index_that_is_none() -> None:
    for given, error, words in wrong_calls(Call(HELD.get_position_and_config, (7,), (NUMBER,))):
        is_refused(lambda given=given: HELD.get_position_and_config(*given), error, words)  # type: ignore[misc]


def test_what_is_right_is_taken() -> None:
    """So what is refused above is refused for its one wrong argument."""
    for call in OF_VALUES.values():
        if call.made is not force:  # which refuses for other reasons, where none is wrong
            call.made(*call.given)
    for call in OF_LOG.values():
        call.made(ENTRIES.copy(), *call.given)
    for name, call in OF_NODE.items():
        for place in PLACES:
            node = next(node for at, node in situations() if at == place)
            try:
                call.made(node, *call.given)
            except rb.RaftError:
                assert name in {
                    *("create_cluster", "propose_config", "transfer_leadership"),
                    *("handle_snapshot_installed", "is_confirmed", "handle_message"),
                }


def test_named_arguments_are_no_less_looked_at() -> None:
    for made in (
        lambda: rb.Limits(uncommitted=1.5),  # type: ignore[arg-type]
        lambda: rb.MessageHeader(sender="x", term=1, seqno=1),  # type: ignore[arg-type]
        lambda: rb.Node.start(node_id=None),  # type: ignore[arg-type]
        lambda: rb.LogEntries(prev_position=5),  # type: ignore[arg-type]
    ):
        with pytest.raises(TypeError, match="object expected; got"):
            made()
