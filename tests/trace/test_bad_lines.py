"""Whatever is wrong with a trace is said in one line: where, what was found, what was expected."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from conformance.trace.errors import BadTrace, TruncatedTrace
from conformance.trace.files import read
from conformance.trace.model import Record
from tests.trace.lines import HEADER, NO_CONFIG, STATE, ZERO, consume, record, text

EMPTY_LOG = {"snapshot_position": ZERO, "snapshot_config": NO_CONFIG, "entries": []}
SNAPSHOT = {
    "role": "follower",
    "current_term": 0,
    "voted_for": None,
    "leader": None,
    "log": EMPTY_LOG,
    "commit_index": 0,
    "seqno": 0,
    "pending": [],
    "disk": {"current_term": 0, "voted_for": None, "log": EMPTY_LOG},
}


def append(*entries: Any, term: int = 0, node: Any = 1) -> dict[str, Any]:
    prev = {"term": term, "index": 9}
    call = {"commit_index": 0, "prev_position": prev, "entries": list(entries), "from": node}
    return received(message("append_entries_call", **call))


def message(kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": kind, "from": 1, "term": 1, "seqno": 1} | fields


def received(content: dict[str, Any]) -> dict[str, Any]:
    return record(0, 2, event={"kind": "message", "message": content})


def replace_state(**fields: Any) -> dict[str, Any]:
    return record(0, 2, "heartbeat", outcome=True, state=STATE | fields)


def without_state(kind: str = "start", **fields: Any) -> dict[str, Any]:
    line = record(0, 2, kind, **fields)
    del line["state"]
    return line


def checkpoint(**fields: Any) -> dict[str, Any]:
    return record(0, 2, event={"kind": "checkpoint", "snapshot": SNAPSHOT | fields})


def sent(*runs: int) -> list[dict[str, Any]]:
    return [
        {"type": "append_log_entries", "prev_position": ZERO, "entries": [{"commands": run}]}
        for run in runs
    ]


# The line after a header and the start of node 0: what is found in it, and what was expected.
RECORDS: dict[str, tuple[Any, str, str]] = {
    "not JSON": (b'{"node":0,}', "not JSON: ", "a JSON object"),
    "not UTF-8": (b'{"node":"\xff"}', "not UTF-8: byte 0xff at column 10", "UTF-8"),
    "an empty line": (b"  ", "an empty line", "a JSON object"),
    "not an object": (b"[]", "the line is []", "an object"),
    "nested deeply": (b"[" * 100_000, "not JSON: recursion limit", "a JSON object"),
    "a second header": (HEADER, "node is missing", "that field"),
    "an unknown field": (record(0, 2, colour=1), "unknown field colour", "only the fields"),
    "an unknown field within": (replace_state(x=1), "unknown field state.x", "only the fields"),
    "the name in Python": (
        received(message("request_vote_reply", sender=1, vote_granted=True)),
        "unknown field event.message.sender",
        "only the fields",
    ),
    "an unknown event": (record(0, 2, "stop"), 'event.kind is "stop"', "one of start, restart"),
    "no event kind": (record(0, 2, event={}), "event.kind is missing", "that field"),
    "an unknown message": (
        received({"type": "ping"}),
        'event.message.type is "ping"',
        "one of request_vote_call",
    ),
    "an unknown action": (
        record(0, 2, actions=[{"type": "x"}]),
        'actions[0].type is "x"',
        "one of",
    ),
    "a fault deep in an action": (
        record(
            0,
            2,
            actions=[
                {
                    "type": "send_message",
                    "to": 1,
                    "message": message("append_entries_reply", last_position=ZERO | {"index": -1}),
                }
            ],
        ),
        "actions[0].message.last_position.index is -1",
        "not below 0",
    ),
    "a fault deep in an entry": (
        append({"config": NO_CONFIG | {"voters": "x"}}),
        'event.message.entries[0].config.voters is "x"',
        "a list",
    ),
    "a fault deep in a checkpoint": (
        checkpoint(pending=[{"type": "install_snapshot", "to": None}]),
        "event.snapshot.pending[0].to is null",
        "an integer",
    ),
    "a leader in words": (
        replace_state(role="leader", leader="me"),
        'state.leader is "me"',
        "an integer",
    ),
    "an unknown role": (
        replace_state(role="king"),
        'state.role is "king"',
        "follower, candidate or leader",
    ),
    "a missing field": (
        record(0, 2, event={"kind": "restart", "voted_for": None, "log": EMPTY_LOG}),
        "event.current_term is missing",
        "that field",
    ),
    "a missing outcome": (
        {key: value for key, value in record(0, 2).items() if key != "outcome"},
        "outcome is missing",
        "that field",
    ),
    "an integer as string": (record("0", 2), 'node is "0"', "an integer"),
    "an integer as float": (record(0, 2.0), "seq is 2.0", "an integer"),
    "an integer as bool": (append(node=True), "event.message.from is true", "an integer"),
    "NaN": (replace_state(commit_index=float("nan")), "state.commit_index is NaN", "an integer"),
    "time NaN": (record(0, 2, time=float("nan")), "time is NaN", "a finite number"),
    "time infinite": (record(0, 2, time=float("-inf")), "time is -Infinity", "a finite number"),
    "time too large": (
        json.dumps(record(0, 2, time=1)).replace('"time": 1', '"time": 1e999').encode(),
        "time is Infinity",
        "a finite number",
    ),
    "time null": (record(0, 2, time=None), "time is null", "a value, or no such field"),
    "a negative number": (
        replace_state(commit_index=-1),
        "state.commit_index is -1",
        "not below 0",
    ),
    "more than 64 bits": (
        replace_state(current_term=2**64),
        "state.current_term is 18446744073709551616",
        "not above",
    ),
    "very many bits": (
        replace_state(current_term=10**4000),
        "an integer of 13288 bits",
        "not above",
    ),
    "too many digits": (
        json.dumps(record(0, 2)).replace('"seq": 2', '"seq": 2' + "0" * 5000).encode(),
        "not JSON: number out of range",
        "a JSON object",
    ),
    "seq 0": (record(0, 0), "seq is 0", "an integer not below 1"),
    "an outcome as string": (record(0, 2, outcome="ok"), 'outcome is "ok"', "a position, true"),
    "an outcome in part": (
        record(0, 2, outcome={"term": 1}),
        "outcome.index is missing",
        "that field",
    ),
    "an impossible outcome": (
        record(0, 2, "election_timeout", outcome=True),
        "the outcome of election_timeout is true",
        "null",
    ),
    "a heartbeat's null": (
        record(0, 2, "heartbeat"),
        "the outcome of heartbeat is null",
        "true or false",
    ),
    "actions null": (record(0, 2, actions=None), "actions is null", "a value, or no such field"),
    "actions as object": (record(0, 2, actions={}), "actions is {}", "a list"),
    "vote as bool": (
        received(message("request_vote_reply", vote_granted=1)),
        "event.message.vote_granted is 1",
        "true or false",
    ),
    "ids not ascending": (
        record(0, 2, event={"kind": "create_cluster", "voters": [1, 0]}),
        "event.voters: node 0 after node 1",
        "ids in ascending order",
    ),
    "an id twice": (
        replace_state(config=NO_CONFIG | {"new_voters": [4, 4]}),
        "state.config.new_voters: node 4 twice",
        "each id once",
    ),
    "no such entry": (append("commands"), 'event.message.entries[0] is "commands"', "command"),
    "no entry": (append({"commands": 1}, 3), "event.message.entries[1] is 3", "an entry"),
    "an entry of nothing": (append({}), "event.message.entries[0] is {}", "an entry"),
    "an entry of two kinds": (
        append({"commands": 1, "term": 2}),
        "unknown field event.message.entries[0].term",
        "only the fields",
    ),
    "no commands": (
        append({"commands": 0}),
        "event.message.entries[0].commands is 0",
        "not below 1",
    ),
    "a vast run of commands": (
        append({"commands": 10**18}),
        "event.message.entries[0].commands is 1000000000000000000",
        "not above 16777216",
    ),
    "vast runs in one list": (
        append({"commands": 2**24}, {"commands": 1}),
        "event.message: 16777217 entries",
        "at most 16777216",
    ),
    "vast runs in one record": (
        record(0, 2, actions=sent(2**23, 2**23, 1)),
        "16777217 entries",
        "at most 16777216",
    ),
    "a falling term": (
        append({"term": 3}, {"term": 2}, term=1),
        "event.message: an entry of term 2 after one of term 3",
        "terms that never fall",
    ),
    "a term below the position's": (
        append({"term": 3}, term=4),
        "an entry of term 3 after one of term 4",
        "terms that never fall",
    ),
    "a gap in seq": (record(0, 3), "seq 3 of node 0", "seq 2"),
    "seq again": (record(0, 1), "seq 1 of node 0", "seq 2"),
    "a gap at a checkpoint": (checkpoint() | {"seq": 5}, "seq 5 of node 0", "seq 2"),
    "no state": (
        without_state(),
        "no state",
        "state, or changed",
    ),
    "two states": (record(0, 2, changed={}), "state and changed", "one of them"),
    "a state that is null": (record(0, 2, state=None), "state is null", "a value"),
    "a start that tells changes": (
        without_state(changed={}),
        "changed after a start",
        "state",
    ),
    "a change to null": (
        without_state(changed={"commit_index": None}, kind="heartbeat", outcome=True),
        "changed.commit_index is null",
        "a value, or no such field",
    ),
    "never started": (
        record(1, 1, "heartbeat", outcome=True),
        "node 1 never started: its first event is heartbeat",
        "start, restart or checkpoint",
    ),
    "a commit beyond the log": (
        checkpoint(commit_index=1),
        "event.snapshot: commit_index is 1",
        "at most the log's last index, 0",
    ),
    "a match beyond the log": (
        checkpoint(role="leader", leader=0, durable=0, peers=[{"node": 1, "match": 7, "seqno": 0}]),
        "match of peer 1 is 7",
        "at most the log's last index, 0",
    ),
    "peers twice": (
        checkpoint(
            role="leader", leader=0, durable=0, peers=[{"node": 1, "match": 0, "seqno": 0}] * 2
        ),
        "event.snapshot: peers [1, 1]",
        "each peer once",
    ),
    "another's leadership": (
        checkpoint(role="leader", leader=9, durable=0, peers=[]),
        "leader 9 at node 0",
        "the node itself",
    ),
    "a follower with votes": (
        checkpoint(granted=[]),
        "unknown field event.snapshot.granted",
        "only the fields",
    ),
    "no role": (
        record(0, 2, event={"kind": "checkpoint", "snapshot": {}}),
        "event.snapshot.role is missing",
        "that",
    ),
    "a long value": (record("x" * 10**6, 2), 'node is "' + "x" * 56 + "...", "an integer"),
    "a million faults": (
        b"{" + b",".join(b'"%d":1' % n for n in range(100_000)) + b"}",
        "faults in one line",
        "a record",
    ),
}


@pytest.mark.parametrize("name", RECORDS)
def test_a_bad_record(name: str, tmp_path: Path) -> None:
    line, problem, expected = RECORDS[name]
    path = tmp_path / "trace.jsonl"
    path.write_bytes(text(HEADER, record(), line, record(2)))
    seen, error = consume(path)
    assert seen == 1
    check(error, path, 3, problem, expected)


def check(error: BadTrace, path: Path, line: int | None, problem: str, expected: str) -> None:
    assert not isinstance(error, TruncatedTrace)
    assert error.line == line
    assert problem in error.problem
    assert expected in error.expected
    assert str(error) == f"{path}:{line}: {error.problem}; expected {error.expected}"
    assert "\n" not in str(error)
    assert len(str(error)) < 450


def test_the_cases_differ_from_a_good_trace_by_their_fault_alone(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    good = [record(), append({"commands": 2**24}), checkpoint() | {"seq": 3}, record(1)]
    path.write_bytes(text(HEADER, *good))
    assert [one.seq for one in read(path)] == [1, 2, 3, 1]


@pytest.mark.parametrize("first", [checkpoint(), record()])
def test_a_trace_may_begin_anywhere_with_all_of_a_state(
    first: dict[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / "trace.jsonl"
    path.write_bytes(text(HEADER, first | {"seq": 1000}, record(0, 1001)))
    assert [one.seq for one in read(path)] == [1000, 1001]
    path.write_bytes(text(HEADER, first | {"seq": 1000}, record(0, 1002)))
    _, error = consume(path)
    check(error, path, 3, "seq 1002 of node 0", "seq 1001")


def test_a_vast_run_takes_no_memory() -> None:
    line = json.dumps(append({"commands": 10**18})).encode()
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="commands"):
            Record.model_validate_json(line)
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()
