"""Odd and hostile foreign files: code 2, and one line: where, what, and what was expected."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from conformance.importers.importer import MAX_NODES, Names, Refused
from conformance.importers.recording import KNOWN
from tests.cli.helpers import run
from tests.importers.stories import ccf, etcd, etcd_line, hashicorp

NESTED = '{"tag":"trace","event":' + "[" * 100_000 + "]" * 100_000 + "}"


def changed(line: dict[str, Any], *path: str, value: Any) -> dict[str, Any]:
    copy: dict[str, Any] = json.loads(json.dumps(line))
    at = copy
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    return copy


def state(name: str, value: Any) -> list[Any]:
    first, second, *_ = etcd()
    return [first, changed(second, "event", "state", name, value=value)]


ODD: dict[str, tuple[list[Any], str, str]] = {
    # what: its lines, and what is said from the number of the line on, and at its end
    "a term in a string": (
        state("term", "5"),
        ':2: event.state.term is "5"',
        "an integer",
    ),
    "a fraction": (state("commit", 2.0), ":2: event.state.commit is 2.0", "an integer"),
    "a negative term": (state("term", -1), ":2: event.state.term is -1", "not below 0"),
    "a number of 65 bits": (
        state("term", 2**64),
        f":2: event.state.term is {2**64}",
        f"an integer not above {2**64 - 1}",
    ),
    "another role": (
        [changed(etcd()[0], "event", "role", value="StateKing")],
        ':1: event.role is "StateKing"',
        "one of StateFollower, StatePreCandidate, StateCandidate, StateLeader",
    ),
    "ids that are numbers": (
        [changed(etcd()[0], "event", "conf", value=[[1, 2, 3], []])],
        ":1: event.conf[0][0] is 1",
        "a string",
    ),
    "no event": ([etcd()[0], {"tag": "trace"}], ":2: event is missing", "that field"),
    "another tag": ([etcd()[0], {"tag": "log"}], ':2: tag is "log"', "trace or config"),
    "a list": ([etcd()[0], [1]], ":2: the line is [1]", "an object"),
    "nested without end": ([etcd()[0], NESTED], ":2: not JSON", "a JSON object on every line"),
    "an id of a million characters": (
        [changed(etcd()[0], "event", "nid", value="x" * 10**6)],
        ":1: a node's name of 1000000 characters",
        "1 to 256",
    ),
    "too many nodes": (
        [etcd_line("InitState", str(node), 0) for node in range(MAX_NODES + 1)],
        f":{MAX_NODES + 1}: more than {MAX_NODES} nodes",
        "the recording of one cluster",
    ),
    "a message of somebody else": (
        [*etcd()[:4], changed(etcd()[4], "event", "msg", "from", value="3")],
        ':5: event.msg.from is "3"',
        "the event's node",
    ),
    "a call that ends before it begins": (
        [*ccf()[:9], changed(ccf()[10], "msg", "packet", "prev_idx", value=9)],
        ":10: msg.packet.idx is 1",
        "not below prev_idx, 9",
    ),
    "a packet without its term": (
        [ccf()[0], changed(ccf()[4], "msg", "packet", value={"msg": "raft_request_vote"})],
        ":2: msg.packet.term is missing",
        "that field",
    ),
    "servers in a string": (
        [changed(hashicorp()[0], "config", "servers", value="s1")],
        ':1: config.servers is "s1"',
        "a list",
    ),
}


@pytest.mark.parametrize("what", ODD)
@pytest.mark.parametrize("command", ["audit", "convert"])
def test_an_odd_file_is_refused(command: str, what: str, tmp_path: Path) -> None:
    lines, found, expected = ODD[what]
    path, out = tmp_path / "odd.ndjson", tmp_path / "out.jsonl"
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    path.write_text("\n".join(texts) + "\n", "utf-8")
    ran = run(command, path, *(["-o", out] if command == "convert" else []))
    said = [line for line in (ran.out + ran.err).splitlines() if f"{path}:" in line]
    assert ran.code == 2
    fault = said[-1].split(str(path))[1]
    assert fault.startswith(found)
    assert fault.endswith(expected)
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


ETCD = "".join(json.dumps(line) + "\n" for line in etcd()).encode()
WHOLE: dict[str, tuple[bytes, str, str, str]] = {
    # what: the file, the format that is asked for, what is said after its name, and at the end
    "empty": (b"", "etcd", ": the file is empty", "a recording of etcd"),
    "of no format": (b'{"x":1}\n', "auto", ":1: the first line is not a header", KNOWN),
    "a list of all lines": (b"[" + ETCD[:-1] + b"]\n", "auto", ":1: not JSON", KNOWN),
    "text": (b"campaign 1\n----\nok\n", "auto", ":1: not JSON", KNOWN),
    "a byte order mark": (b"\xef\xbb\xbf" + ETCD, "auto", ":1: not JSON", KNOWN),
    "two bytes a letter": (ETCD.decode().encode("utf-16"), "auto", ":1: not UTF-8", KNOWN),
    "zeros": (bytes(100), "etcd", ":1: the line is of another format", "one of etcd"),
    "all in one line": (
        ETCD.replace(b"\n", b" "),
        "etcd",
        ":1: the line is of another format",
        "one of etcd",
    ),
    "compressed twice": (gzip.compress(gzip.compress(ETCD)), "etcd", ":1: not UTF-8", "UTF-8"),
    "no transcript": (b"campaign 1\n", "rafttest", ":1: no command", "interaction tests"),
    "another format further on": (
        ETCD + json.dumps(ccf()[0]).encode() + b"\n",
        "auto",
        f':{len(etcd()) + 1}: tag is "raft_trace"',
        "trace or config",
    ),
    "a million servers": (
        json.dumps({"tag": "config", "config": {"servers": [*map(str, range(10**6))]}}).encode()
        + b"\n",
        "hashicorp",
        f":1: more than {MAX_NODES} nodes",
        "the recording of one cluster",
    ),
}


@pytest.mark.parametrize("what", WHOLE)
def test_an_odd_file_is_refused_as_a_whole(what: str, tmp_path: Path) -> None:
    content, form, found, expected = WHOLE[what]
    path = tmp_path / "odd.ndjson"
    path.write_bytes(content)
    ran = run("audit", path, "--format", form, "--no-page")
    (said,) = [line for line in ran.out.splitlines() if line.startswith(f"{path}{found}")]
    assert ran.code == 2
    assert said.endswith(expected)


@pytest.mark.parametrize("size", [2**63, 2**64 - 1])
def test_numbers_cost_nothing(size: int, tmp_path: Path) -> None:
    """A log or a call may be said to be of any length."""
    path = tmp_path / "long.ndjson"
    lines = [changed(line, "event", "log", value=size) for line in etcd()]
    lines = [
        changed(line, "event", "msg", "entries", value=size) if "msg" in line["event"] else line
        for line in lines
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    assert run("audit", path).code in (0, 1, 3)


def test_names_are_not_confused() -> None:
    names = Names()
    said = ["s1", "1", "01", "7", str(2**64), "é"]
    assert [names.id_of(name) for name in said] == [1, 2, 3, 7, 4, 5]
    assert [names.id_of(name) for name in said] == [1, 2, 3, 7, 4, 5]
    assert names.spoken() == {"s1": 1, "1": 2, "01": 3, str(2**64): 4, "é": 5}
    with pytest.raises(Refused, match="0 characters"):
        names.id_of("")


def test_what_a_name_holds_is_escaped(tmp_path: Path) -> None:
    path = tmp_path / "names.ndjson"
    named = changed(hashicorp()[0], "config", "servers", value=["[red]\x1b[31m\u202e", "b"])
    path.write_text("".join(json.dumps(line) + "\n" for line in (named, *hashicorp()[1:])), "utf-8")
    out = run("audit", path).out
    assert "[red]" in out
    assert "\x1b" not in out
    assert "\u202e" not in out


def test_a_trace_of_this_format_is_not_converted(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    path.write_text('{"format":"raftbare-trace","version":1,"implementation":"x","nodes":1}\n')
    ran = run("convert", path, "-o", tmp_path / "out.jsonl")
    assert ran.code == 2
    assert "expected a recording of another one" in ran.err


def test_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    path = tmp_path / "etcd.ndjson"
    path.write_text("".join(json.dumps(line) + "\n" for line in etcd()), "utf-8")
    ran = run("convert", path, "-o", tmp_path / "nowhere" / "out.jsonl")
    assert ran.code == 2
    assert "cannot be written" in ran.err
    ran = run("convert", path, "-o", tmp_path)
    assert ran.code == 2
    assert "no regular file" in ran.err


def test_a_recording_that_is_cut_is_not_converted(tmp_path: Path) -> None:
    path = tmp_path / "cut.ndjson"
    path.write_text("".join(json.dumps(line) + "\n" for line in etcd())[:-20], "utf-8")
    ran = run("convert", path, "-o", tmp_path / "out.jsonl")
    assert ran.code == 2
    assert "the last line is cut off" in ran.err
    assert not (tmp_path / "out.jsonl").exists()
