"""Whatever is wrong with a file or with the usage: exit code 2, one clear line, no traceback."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import zstandard

from conformance.mutants.planted.crate import IN_LIBRARY
from conformance.simulation import replay
from conformance.subjects.library import LibrarySubject
from conformance.subjects.patched import patched_library
from tests.cli.helpers import process, run
from tests.support.recordings import simulated, story, written

COMMANDS = ["audit", "replay"]


def good(tmp_path: Path) -> list[dict[str, Any]]:
    """A header and the records of node 1: start, a call, a call for its vote, a heartbeat."""
    path = written(tmp_path / "good.jsonl", story("D1", LibrarySubject()))
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def text(lines: list[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def changed(line: int, *path: str | int, to: object) -> Callable[[list[dict[str, Any]]], bytes]:
    """The file with one value in one line set."""

    def change(lines: list[dict[str, Any]]) -> bytes:
        place: Any = lines[line]
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = to
        return text(lines)

    return change


CALL = ("event", "message")
DEEP = b"[" * 100_000

BAD: dict[str, tuple[Callable[[list[dict[str, Any]]], bytes], str]] = {
    "empty": (lambda lines: b"", "empty"),
    "an empty line": (lambda lines: text(lines) + b"\n", "empty line"),
    "not UTF-8": (lambda lines: text(lines[:2]) + b'{"\xff":1}\n', "not UTF-8"),
    "binary": (lambda lines: bytes(range(256)) * 9, "not"),
    "not JSON": (lambda lines: text(lines[:2]) + b"{node: 1}\n", "not JSON"),
    "deep JSON": (lambda lines: text(lines[:2]) + DEEP + b"\n", "not JSON"),
    "deep header": (lambda lines: DEEP + b"\n", ":1: "),
    "NaN": (lambda lines: text(lines[:2]) + b'{"node":NaN}\n', "NaN"),
    "no object": (lambda lines: text(lines[:2]) + b"7\n", "an object"),
    "no header": (lambda lines: text(lines[1:]), "not a header"),
    "other format": (changed(0, "format", to="etcd-trace"), "etcd-trace"),
    "other version": (changed(0, "version", to=2), "version 2"),
    "version as text": (changed(0, "version", to="1"), "version"),
    "no implementation": (changed(0, "implementation", to=None), "implementation"),
    "no nodes": (changed(0, "nodes", to=0), "nodes"),
    "unknown field": (changed(2, "color", to="red"), "color"),
    "unknown field within": (changed(2, *CALL, "color", to="red"), "color"),
    "unknown event": (changed(2, "event", to={"kind": "earthquake"}), "earthquake"),
    "unknown message": (changed(2, *CALL, "type", to="earthquake"), "earthquake"),
    "unknown action": (changed(2, "actions", to=[{"type": "explode"}]), "explode"),
    "unknown role": (changed(2, "state", "role", to="king"), "king"),
    "text for a node": (changed(2, "node", to="one"), "node"),
    "fraction": (changed(2, "node", to=1.5), "node"),
    "true for an integer": (changed(2, "node", to=True), "node"),
    "object for a list": (changed(2, "actions", to={}), "actions"),
    "null for actions": (changed(2, "actions", to=None), "actions"),
    "outcome of another event": (changed(2, "outcome", to={"term": 1, "index": 1}), "outcome"),
    "negative": (changed(2, *CALL, "term", to=-1), "-1"),
    "over 64 bit": (changed(2, *CALL, "term", to=2**64), "18446744073709551616"),
    "far over 64 bit": (changed(2, *CALL, "term", to=10**4000), "term"),
    "digits without end": (
        lambda lines: text(lines[:2]) + b'{"node":' + b"9" * 100_000 + b"}\n",
        "",
    ),
    "too many commands": (changed(2, *CALL, "entries", to=[{"commands": 10**18}]), "commands"),
    "many times many commands": (
        changed(2, *CALL, "entries", to=[{"commands": 2**24}] * 1000),
        "entries",
    ),
    "falling terms": (changed(2, *CALL, "entries", to=[{"term": 5}, {"term": 4}]), "term"),
    "gap": (changed(3, "seq", to=4), "seq 4"),
    "repetition": (changed(3, "seq", to=2), "seq 2"),
    "seq 0": (changed(1, "seq", to=0), "seq"),
    "seq from 2": (lambda lines: text([lines[0], lines[1] | {"seq": 2}, lines[2]]), "seq 2"),
    "never started": (lambda lines: text([lines[0], lines[2] | {"seq": 1}]), "never started"),
    "other node never started": (changed(3, "node", to=7), "node 7 never started"),
    "cut header": (lambda lines: text(lines)[:20], "cut off"),
    "cut zstandard": (lambda lines: zstandard.compress(text(lines))[:-9], "too early"),
    "damaged gzip": (lambda lines: gzip.compress(text(lines))[:30] + b"x" * 200, "damaged"),
    "damaged zstandard": (lambda lines: zstandard.compress(text(lines))[:8] + b"x" * 99, "d"),
}


def refused(command: str, path: Path, hint: str) -> None:
    """Exit code 2 and one line with the reason; the same under --json."""
    plain, as_json = run(command, path), run(command, "--json", path)
    assert (plain.code, as_json.code) == (2, 2)
    assert as_json.err == ""
    report = as_json.json
    assert report["verdict"] == "bad_input"
    error = report["files"][0]["error"] if command == "audit" else report["error"]
    assert "\n" not in error
    assert error.startswith(str(path))
    assert hint in error
    assert len(error) < 600 + len(str(path))
    said = (plain.out + plain.err).splitlines()
    assert [line for line in said if error in line] != []
    assert len(said) <= 3


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_bad_file(command: str, name: str, tmp_path: Path) -> None:
    make, hint = BAD[name]
    path = tmp_path / "bad.jsonl"
    path.write_bytes(make(good(tmp_path)))
    refused(command, path, hint)


@pytest.mark.parametrize("cut", ["line", "gzip"])
def test_a_file_that_a_crash_cut_off(cut: str, tmp_path: Path) -> None:
    """An audit judges what is there; to play it again, all of it is needed."""
    whole = text(good(tmp_path))
    path = tmp_path / "cut.jsonl"
    path.write_bytes(whole[:-20] if cut == "line" else gzip.compress(whole)[:-9])
    hint = "cut off" if cut == "line" else "too early"
    refused("replay", path, hint)
    ran, plain = run("audit", "--json", path), run("audit", path)
    assert (ran.code, plain.code, ran.json["verdict"]) == (3, 3, "inconclusive")
    (file,) = ran.json["files"]
    assert file["cut"]
    assert file["events"] >= 3
    assert hint in file["error"]
    assert file["error"] in plain.out


@pytest.mark.parametrize("command", COMMANDS)
def test_no_file(command: str, tmp_path: Path) -> None:
    refused(command, tmp_path / "missing.jsonl", "no such file")
    refused(command, tmp_path, "directory")


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("header", [False, True])
def test_a_line_without_end(command: str, header: bool, tmp_path: Path) -> None:
    path = tmp_path / "sparse.jsonl"
    path.write_bytes(text(good(tmp_path)[:2]) if header else b"{")
    with path.open("r+b") as file:
        file.truncate(100 * 2**20)
    refused(command, path, "a line of more than")


@pytest.mark.parametrize("command", COMMANDS)
def test_the_good_file_is_good(command: str, tmp_path: Path) -> None:
    good(tmp_path)
    assert run(command, tmp_path / "good.jsonl").code == 0


def test_a_checkpoint_that_the_library_cannot_be_in_is_not_replayed(tmp_path: Path) -> None:
    """An owed write ends where the log does; an audit sees that the state is not that."""
    disk = {"current_term": 0, "voted_for": None}
    header, record, *_ = good(tmp_path)
    position = {"term": 0, "index": 0}
    config: dict[str, Any] = {"voters": [], "new_voters": [], "non_voters": []}
    log = {"snapshot_position": position, "snapshot_config": config, "entries": []}
    snapshot: dict[str, Any] = {
        **disk,
        "role": "follower",
        "leader": None,
        "log": log,
        "commit_index": 0,
        "seqno": 0,
        "pending": [],
        "disk": {**disk, "log": log},
    }
    write = {
        "type": "append_log_entries",
        "prev_position": position,
        "entries": [{"commands": 1}],
    }
    path = tmp_path / "checkpoint.jsonl"
    for pending, code in (([], 3), ([write], 2)):
        event = {"kind": "checkpoint", "snapshot": {**snapshot, "pending": pending}}
        path.write_bytes(text([header, record | {"event": event}]))
        assert run("replay", path).code == code
    refused("replay", path, "a write that is not the end of the log")


# What came before is judged


def cut_line(content: bytes) -> bytes:
    return content[:-20]


def cut_gzip(content: bytes) -> bytes:
    return gzip.compress(content)[:-4]


def cut_zstandard(content: bytes) -> bytes:
    """A whole frame and a part of another."""
    return zstandard.compress(content) + zstandard.compress(content)[:20]


def bad_line(content: bytes) -> bytes:
    return content + b"what?\n"


CUTS = [cut_line, cut_gzip, cut_zstandard, bad_line]


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("level", ["exact", "safety"])
def test_a_violation_before_the_end_of_what_can_be_read(
    cut: Callable[[bytes], bytes], level: str, tmp_path: Path
) -> None:
    lines = good(tmp_path)
    lines[2]["state"]["commit_index"] = 2
    lines[2]["state"]["current_term"] = 0
    lines[2]["state"]["last_position"] = {"term": 0, "index": 0}
    lines.append(lines[4] | {"seq": 5})
    path = tmp_path / "cut"
    path.write_bytes(cut(text(lines)))
    ran = run("audit", "--level", level, "--json", path)
    assert (ran.code, ran.json["verdict"]) == (1, "violation")
    assert ran.json["files"][0]["events"] >= 3
    assert "expected" in ran.json["files"][0]["error"]
    assert any((one["node"], one["seq"]) == (1, 2) for one in ran.json["violations"])


@pytest.mark.parametrize("cut", CUTS)
def test_a_difference_before_the_end_of_what_can_be_read(
    cut: Callable[[bytes], bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = good(tmp_path)
    lines.append(lines[4] | {"seq": 5})
    path = tmp_path / "cut"
    path.write_bytes(cut(text(lines)))
    assert run("replay", path).code == 2
    with patched_library(*IN_LIBRARY["D1"]) as copy:
        subject = partial(replay.replay, subject=LibrarySubject(copy))
        monkeypatch.setattr(replay, "replay", subject)
        ran = run("replay", "--json", path)
    assert (ran.code, ran.json["difference"]["seq"]) == (1, 3)


# Several files


def test_each_node_in_one_file(tmp_path: Path) -> None:
    recording = simulated(3)
    nodes = sorted({record.node for record in recording})
    paths = [
        written(tmp_path / f"{node}.jsonl", [one for one in recording if one.node == node])
        for node in nodes
    ]
    ran = run("audit", "--json", *paths)
    assert (ran.code, ran.json["events"]) == (0, len(recording))
    copy = tmp_path / "copy.jsonl"
    copy.write_bytes(paths[0].read_bytes())
    ran = run("audit", "--json", *paths, copy)
    assert (ran.code, ran.json["verdict"]) == (2, "bad_input")
    error = ran.json["files"][-1]["error"]
    assert f"node {nodes[0]} is in {paths[0]} too" in error
    assert [file["error"] for file in ran.json["files"][:-1]] == [None] * len(nodes)


def test_the_same_file_twice(tmp_path: Path) -> None:
    path = written(tmp_path / "trace.jsonl", story("D1", LibrarySubject()))
    assert run("audit", path, path).code == 2


def test_one_bad_file_among_good_ones(tmp_path: Path) -> None:
    path = written(tmp_path / "good.jsonl", story("D1", LibrarySubject()))
    ran = run("audit", "--json", tmp_path / "missing", path)
    assert (ran.code, ran.json["verdict"], ran.json["events"]) == (2, "bad_input", 4)


def test_nothing_but_a_header_says_nothing(tmp_path: Path) -> None:
    path = tmp_path / "header.jsonl"
    path.write_bytes(text(good(tmp_path)[:1]))
    for command in COMMANDS:
        ran = run(command, "--json", path)
        assert (ran.code, ran.json["verdict"]) == (3, "inconclusive")
        assert run(command, path).code == 3


# Names that mean something to the console


@pytest.mark.parametrize("command", COMMANDS)
def test_a_name_with_brackets(command: str, tmp_path: Path) -> None:
    for name in ("[x].jsonl", "[0].jsonl"):
        path = written(tmp_path / name, story("D1", LibrarySubject()))
        assert str(path) in run(command, path).out.replace("\n", "")


@pytest.mark.parametrize("name", ["[/red].jsonl", "[bold].jsonl"])
def test_an_error_about_a_name_with_brackets(name: str, tmp_path: Path) -> None:
    refused("replay", tmp_path / name, "no such file")


def test_a_refused_restart_is_replayed(tmp_path: Path) -> None:
    lines = good(tmp_path)
    lines = lines[:2]
    config = {"voters": [1], "new_voters": [], "non_voters": []}
    none: dict[str, Any] = {"voters": [], "new_voters": [], "non_voters": []}
    position = {"term": 0, "index": 0}
    log = {
        "snapshot_position": position,
        "snapshot_config": none,
        "entries": [{"config": config}, {"term": 5}],
    }
    lines[1]["event"] = {"kind": "restart", "current_term": 1, "voted_for": None, "log": log}
    lines[1]["outcome"] = False
    path = tmp_path / "refused.jsonl"
    path.write_bytes(text(lines))
    assert run("replay", path).code in (0, 2)


# Usage


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("nonsense",),
        ("audit",),
        ("audit", "--nonsense", "x"),
        ("audit", "--level", "nonsense", "x"),
        ("replay",),
        ("replay", "a", "b"),
        ("replay", "--nonsense", "x"),
        ("check", "--nonsense"),
        ("check", "--nodes", "99"),
        ("check", "--nodes", "0"),
        ("check", "--nodes", "three"),
        ("check", "--events", "0"),
        ("check", "--seed", "-1"),
        ("check", "--seconds", "-1"),
        ("check", "surplus"),
        ("verify", "--nonsense"),
        ("verify", "--events", "-5"),
    ],
    ids=" ".join,
)
def test_usage(arguments: tuple[str, ...]) -> None:
    ran = run(*arguments)
    assert ran.code == 2
    assert "Usage:" in ran.out + ran.err


def test_help() -> None:
    assert run("--help").code == 0
    for command in ("audit", "check", "replay", "verify"):
        assert run(command, "--help").code == 0
        assert command in run("--help").out


# As a process of its own


def test_exit_codes_of_a_process(tmp_path: Path) -> None:
    """No bar, no color and no cursor's way up where there is no terminal."""
    lines = good(tmp_path)
    path = tmp_path / "good.jsonl"
    ran = process("audit", path)
    assert (ran.code, ran.err) == (0, "")
    assert "\x1b" not in ran.out
    ran = process("replay", tmp_path / "missing.jsonl")
    assert (ran.code, ran.out, len(ran.err.splitlines())) == (2, "", 1)
    lines[2]["state"]["commit_index"] = 2
    path.write_bytes(cut_line(text(lines)))
    ran = process("audit", "--json", path)
    assert (ran.code, ran.err, ran.json["verdict"]) == (1, "", "violation")
    ran = process("check", "--events", 200, "--json", "--out", tmp_path)
    assert (ran.code, ran.err, ran.json["verdict"]) == (0, "", "conforms")
    assert process("check", "--nodes", 99).code == 2
