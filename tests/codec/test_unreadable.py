"""What cannot be read raises one error, which says where; memory is in proportion to the input."""

from __future__ import annotations

import pickle
import sys
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import raftbare as rb
from raftbare import codec
from tests.codec.fuzz import mutated, outcome, varint
from tests.codec.golden import GOLDEN, LEADER
from tests.codec.values import KINDS, Kind
from tests.library.helpers import COMMAND, after, append_call, config, opening, position

every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)

PLAIN = {
    "message": codec.MESSAGE.to_plain(append_call(1, 5, after((2, 7), COMMAND, opening(5)))),
    "config": codec.CONFIG.to_plain(config([1, 2, 3])),
    "limits": codec.LIMITS.to_plain(rb.Limits()),
    "action": codec.ACTION.to_plain(codec.Executed(rb.SaveVotedFor())),
    "checkpoint": codec.CHECKPOINT.to_plain(LEADER),
}
INTEGER = "an integer from 0 to 18446744073709551615"

FAULTS: list[tuple[str, str, object, str, str, str]] = [
    ("message", "term", "5", "message.term", "'5'", INTEGER),
    ("message", "term", True, "message.term", "true", INTEGER),
    ("message", "term", 5.0, "message.term", "5.0", INTEGER),
    ("message", "term", -1, "message.term", "-1", INTEGER),
    ("message", "seqno", 2**64, "message.seqno", "18446744073709551616", INTEGER),
    ("message", "seqno", 2**200, "message.seqno", "an integer of 201 bits", INTEGER),
    ("message", "from", None, "message.from", "null", INTEGER),
    ("message", "type", "vote", "message.type", "'vote'", "one of request_vote_call, "),
    ("message", "type", {}, "message.type", "an object", "one of request_vote_call, "),
    ("message", "type", "x" * 999, "message.type", repr("x" * 40), "one of request_vote_call, "),
    ("message", "commit_index", ..., "message", "no 'commit_index'", "that field"),
    ("message", "time", 1, "message", "an unknown field, 'time'", "no other fields"),
    ("message", "transfer", True, "message", "an unknown field, 'transfer'", "no other fields"),
    ("message", "prev_position", [2, 7], "message.prev_position", "a list", "an object"),
    ("message", "prev_position.index", -7, "message.prev_position.index", "-7", INTEGER),
    ("message", "prev_position.seq", 7, "message.prev_position", "an unknown field, 'seq'", "no "),
    ("message", "entries", {}, "message.entries", "an object", "a list"),
    ("message", "entries.1", 5, "message.entries[1]", "5", "an object"),
    ("message", "entries.0", "config", "message.entries[0]", "'config'", "an object"),
    ("message", "entries.0", {}, "message.entries[0]", "an entry of no kind", "one of commands, "),
    ("message", "entries.0.commands", 0, "message.entries[0].commands", "0", "an integer from 1 "),
    (
        "message",
        "entries.0.commands",
        2**24,
        "message.entries[1].term",
        "16777217 entries",
        "at most 16777216",
    ),
    ("message", "entries.1.term", 1, "message.entries[1].term", "1 after term 2", "terms that "),
    ("message", "entries.1.commands", 1, "message.entries[1]", "an unknown field, 'term'", "no "),
    ("config", "voters", [1, 3, 2], "config.voters", "2", "an integer from 4 to "),
    ("config", "voters", [1, 1], "config.voters", "1", "an integer from 2 to "),
    ("config", "voters", [1, True], "config.voters", "true", "an integer from 2 to "),
    ("config", "voters", {1: 2}, "config.voters", "an object", "a list"),
    ("config", "voters", [*range(10_001)], "config.voters", "a list of 10001", "at most 10000"),
    ("limits", "entries", 0, "limits.entries", "0", "an integer from 1 to "),
    ("limits", "uncommitted", 0, "limits.uncommitted", "0", "an integer from 1 to "),
    ("action", "type", "save", "action.type", "'save'", "one of set_election_timeout, "),
    ("action", "voted_for", False, "action.voted_for", "false", INTEGER),
    ("checkpoint", "role", 1, "checkpoint.role", "1", "one of follower, candidate, leader"),
    ("checkpoint", "role", "follower", "checkpoint", "an unknown field, 'peers'", "no other fi"),
    ("checkpoint", "role", "candidate", "checkpoint.leader", "1", "null: a candidate knows of no"),
    ("checkpoint", "leader", None, "checkpoint.leader", "null", "the node itself"),
    (
        "checkpoint",
        "commit_index",
        554,
        "checkpoint.commit_index",
        "554",
        "an integer from 0 to 553",
    ),
    ("checkpoint", "durable", 554, "checkpoint.durable", "554", "an integer from 0 to 553"),
    (
        "checkpoint",
        "peers.0.match",
        554,
        "checkpoint.peers[0].match",
        "554",
        "an integer from 0 to",
    ),
    ("checkpoint", "peers.1.next", 554, "checkpoint.peers[1].next", "554", "an integer from 0 to "),
    ("checkpoint", "peers.1.node", 2, "checkpoint.peers[1].node", "2", "an integer from 3 to "),
    ("checkpoint", "peers.0.probing", 0, "checkpoint.peers[0].probing", "0", "true or false"),
    ("checkpoint", "pending.1.to", "3", "checkpoint.pending[1].to", "'3'", INTEGER),
    ("checkpoint", "pending.0", "command", "checkpoint.pending[0]", "'command'", "an object"),
    ("checkpoint", "disk.log.entries", None, "checkpoint.disk.log.entries", "null", "a list"),
]


@pytest.mark.parametrize(("kind", "path", "found", "where", "problem", "expected"), FAULTS)
def test_a_fault_in_a_plain_value_is_told_by_its_path(
    kind: str, path: str, found: object, where: str, problem: str, expected: str
) -> None:
    plain = changed(PLAIN[kind], path.split("."), found)
    with pytest.raises(codec.CodecError) as raised:
        KINDS[kind].codec.from_plain(plain)
    error = raised.value
    assert (error.where, error.problem) == (where, problem)
    assert error.expected.startswith(expected)
    assert str(error) == f"{where}: {problem}; expected {error.expected}"


def changed(plain: Any, path: list[str], found: object) -> Any:
    """A copy with something else at this place, or nothing (...)."""
    made = [*plain] if isinstance(plain, list) else {**plain}
    first: Any = int(path[0]) if isinstance(plain, list) else path[0]
    if path[1:]:
        made[first] = changed(plain[first], path[1:], found)
    elif found is ...:
        del made[first]
    else:
        made[first] = found
    return made


def test_an_integer_that_python_does_not_print_is_told_by_its_length() -> None:
    huge = 1 << 4 * sys.get_int_max_str_digits()
    with pytest.raises(codec.CodecError, match=f"an integer of {huge.bit_length()} bits"):
        codec.POSITION.from_plain({"term": huge, "index": 0})


@every_kind
@pytest.mark.parametrize("found", [None, 1, "message", [], [1], b"\x11", object()])
def test_what_is_no_object_at_all_is_refused(kind: Kind, found: object) -> None:
    with pytest.raises(codec.CodecError, match="expected an object") as raised:
        kind.codec.from_plain(found)
    assert KINDS[raised.value.where] is kind


def test_fields_that_the_format_calls_optional_may_be_missing() -> None:
    plain = {
        "type": "append_entries_reply",
        "from": 1,
        "term": 2,
        "seqno": 3,
        "last_position": {"term": 2, "index": 4},
    }
    read: Any = codec.MESSAGE.from_plain(plain)
    assert read.accepted is True
    call = changed(PLAIN["message"], ["entries"], ["command", {"commands": 2}, "command"])
    read = codec.MESSAGE.from_plain(call)
    assert [*read.entries.runs()] == [(COMMAND, 4)]
    peers = [{"node": 2, "match": 3}]
    checkpoint = codec.CHECKPOINT.from_plain(changed(PLAIN["checkpoint"], ["peers"], peers))
    known = codec.Peer(rb.NodeId(2), rb.LogIndex(3))
    assert (checkpoint.peers, checkpoint.limits) == ((known,), rb.Limits())


# Bytes


UNREADABLE: list[tuple[str, codec.Codec[Any], str, str, str, str]] = [
    ("nothing", codec.MESSAGE, "", "byte 0", "no bytes", "message in version 1"),
    ("no fields", codec.MESSAGE, "11", "byte 1 (type)", "the end of the bytes", "another byte"),
    ("an unknown type", codec.MESSAGE, "11 04", "byte 1 (type)", "4", "an integer from 0 to 3"),
    ("half an integer", codec.POSITION, "12 80", "byte 2 (term)", "the end of the bytes", "anoth"),
    ("a long zero", codec.POSITION, "12 80 00 00", "byte 1 (term)", "more bytes than", INTEGER),
    (
        "eleven bytes",
        codec.POSITION,
        "12 00 ff ff ff ff ff ff ff ff ff ff 00",
        "byte 2 (index)",
        "more bytes than it takes",
        INTEGER,
    ),
    (
        "2**64",
        codec.POSITION,
        "12 80 80 80 80 80 80 80 80 80 02 00",
        "byte 1 (term)",
        "18446744073709551616",
        INTEGER,
    ),
    ("a byte more", codec.POSITION, "12 00 00 00", "byte 3", "1 bytes after the value", "the end"),
    (
        "no such flag",
        codec.MESSAGE,
        "11 01 02 05 09 02",
        "byte 5 (vote_granted)",
        "2",
        "an integer",
    ),
    (
        "a name twice",
        codec.CONFIG,
        "13 02 05 05 00 00",
        "byte 3 (voters)",
        "5",
        "an integer from 6",
    ),
    (
        "too long",
        codec.CONFIG,
        "13 03 05 06",
        "byte 1 (voters)",
        "a list of 3",
        "as many as bytes ",
    ),
    (
        "too many",
        codec.CONFIG,
        "13 91 4e",
        "byte 1 (voters)",
        "10001",
        "an integer from 0 to 10000",
    ),
    (
        "no such entry",
        codec.ENTRIES,
        "14 00 00 04",
        "byte 3 (entry)",
        "4",
        "an integer from 0 to 3",
    ),
    (
        "no commands",
        codec.ENTRIES,
        "14 00 00 01 00",
        "byte 4 (commands)",
        "0",
        "an integer from 1 ",
    ),
    (
        "two runs",
        codec.ENTRIES,
        "14 00 00 01 05 01 05 00",
        "byte 5 (entry)",
        "a run of commands after another",
        "one for both",
    ),
    (
        "a falling term",
        codec.ENTRIES,
        "14 05 00 02 05 02 04 00",
        "byte 6 (term)",
        "4 after term 5",
        "terms that never fall",
    ),
    (
        "many commands",
        codec.ENTRIES,
        "14 00 00 01 80 80 80 08 02 05 01 01 00",
        "byte 9 (term)",
        "16777217 entries",
        "at most 16777216",
    ),
    ("no end", codec.ENTRIES, "14 00 00 02 05", "byte 5 (entry)", "the end of the bytes", "anoth"),
    ("no limit", codec.LIMITS, "16 00 01 01 00", "byte 1 (entries)", "0", "an integer from 1 to "),
    ("a wrong null", codec.ACTION, "17 02 02", "byte 2 (voted_for)", "2", "an integer from 0 to 1"),
]


@pytest.mark.parametrize(
    ("its", "data", "where", "problem", "expected"),
    [case[1:] for case in UNREADABLE],
    ids=[case[0] for case in UNREADABLE],
)
def test_a_fault_in_bytes_is_told_by_its_offset(
    its: codec.Codec[Any], data: str, where: str, problem: str, expected: str
) -> None:
    with pytest.raises(codec.CodecError) as raised:
        its.decode(bytes.fromhex(data))
    assert raised.value.where == where
    assert raised.value.problem.startswith(problem)
    assert raised.value.expected.startswith(expected)


@pytest.mark.parametrize("name", GOLDEN)
def test_what_is_cut_short_is_refused_wherever_it_ends(name: str) -> None:
    its, _, golden = GOLDEN[name]
    encoded = bytes.fromhex(golden)
    for length in range(1, len(encoded)):
        with pytest.raises(codec.CodecError) as raised:
            its.decode(encoded[:length])
        assert raised.value.problem.startswith(("the end of the bytes", "a list of "))
    with pytest.raises(codec.CodecError, match="after the value"):
        its.decode(encoded + b"\0")


def test_mutated_encodings_raise_nothing_else() -> None:
    """Some can be read: those are written as they were."""
    outcomes = [outcome(its, data) for its, data in mutated(20_000)]
    assert 1_000 < outcomes.count("read") < 10_000
    assert len(set(outcomes)) > 20


@every_kind
@given(st.data(), st.binary(max_size=40))
def test_any_bytes_after_a_header_raise_nothing_else(
    kind: Kind, data: st.DataObject, more: bytes
) -> None:
    header = kind.codec.encode(data.draw(kind.values))[:1]
    outcome(kind.codec, header + more)


# Memory


def taken(read: Callable[[], object]) -> int:
    """The most bytes that are held while something is read, which may be refused."""
    tracemalloc.start()
    try:
        read()
    except codec.CodecError:
        pass
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    return peak


MANY_NAMES = b"\x13" + varint(10_000)
LARGE = {
    "terms": b"\x14\x00\x00" + b"\x02\x05" * 50_000 + b"\x00",
    "configurations": b"\x14\x00\x00" + b"\x03\x00\x00\x00" * 25_000 + b"\x00",
    "names": MANY_NAMES + b"".join(map(varint, range(10_000))) + b"\x00\x00",
    "actions": b"\x19\x00\x00\x00\x00" + b"\x00" * 6 + b"\x00\x00" + b"\x01\x00" * 10_000,
}


@pytest.mark.parametrize("data", LARGE.values(), ids=LARGE)
def test_memory_is_in_proportion_to_what_is_read(data: bytes) -> None:
    its: codec.Codec[Any] = [kind.codec for kind in KINDS.values()][(data[0] & 15) - 1]
    assert taken(lambda: its.decode(data)) < 200 * len(data)


CLAIMS = {
    "names": MANY_NAMES + b"\x01\x02",
    "commands": b"\x14\x00\x00\x01" + varint(2**24) + b"\x00",
    "too many commands": b"\x14\x00\x00\x01" + varint(2**64 - 1) + b"\x00",
}


@pytest.mark.parametrize("data", CLAIMS.values(), ids=CLAIMS)
def test_what_only_claims_to_be_long_takes_no_memory(data: bytes) -> None:
    its: codec.Codec[Any] = [kind.codec for kind in KINDS.values()][(data[0] & 15) - 1]
    assert taken(lambda: its.decode(data)) < 10_000


# Writing


@pytest.mark.parametrize(
    ("its", "value", "where", "problem", "expected"),
    [
        (codec.POSITION, position(2**64, 0), "term", str(2**64), INTEGER),
        (codec.POSITION, position(0, -1), "index", "-1", INTEGER),
        (codec.CONFIG, config([2**64]), "voters", f"{2**64} to {2**64}", INTEGER),
        (codec.CONFIG, config([], [1, 2**64]), "new_voters", f"1 to {2**64}", INTEGER),
        (codec.CONFIG, config([], [], range(10_001)), "non_voters", "a list of 10001", "at most"),
        (
            codec.ENTRIES,
            rb.LogEntries.from_runs(position(0, 0), [(COMMAND, 2**24 + 1)]),
            "entries",
            "a list of 16777217",
            "at most 16777216",
        ),
        (
            codec.ACTION,
            codec.Executed(rb.SaveVotedFor(), voted_for=rb.NodeId(-1)),
            "voted_for",
            "-1",
            INTEGER,
        ),
    ],
)
def test_what_could_not_be_read_is_not_written(
    its: codec.Codec[Any], value: object, where: str, problem: str, expected: str
) -> None:
    for write in (its.encode, its.to_plain):
        with pytest.raises(codec.CodecError) as raised:
            write(value)
        assert (raised.value.where, raised.value.problem) == (where, problem)
        assert raised.value.expected.startswith(expected)


def test_the_error_is_a_value_error_and_goes_from_process_to_process() -> None:
    assert issubclass(codec.CodecError, ValueError)
    again = pickle.loads(pickle.dumps(codec.CodecError("byte 3 (term)", "4", "5")))
    assert (again.where, str(again)) == ("byte 3 (term)", "byte 3 (term): 4; expected 5")


@pytest.mark.parametrize("found", [{1: 2}, "text", bytearray(b"x"), None, [0]])
def test_what_is_no_bytes_is_refused_alike_in_both_builds(found: Any) -> None:
    for kind in KINDS.values():
        with pytest.raises(TypeError, match="bytes object expected; got "):
            kind.codec.decode(found)
