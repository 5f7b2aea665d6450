"""Histories in files: both formats, published verdicts, and whatever may be wrong with a file."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from conformance.linearize import KEY_VALUE, REGISTER, UNKNOWN, BadHistory, Call, check, read
from conformance.linearize.history import MAX_LINE

PUBLISHED = Path(__file__).resolve().parents[3] / "shared" / "histories"
"""Histories of etcd with their verdicts, which lie beside the repository and are no part of it."""

HEADER = '{"format":"raftbare-history","version":1,"model":"key-value"}'
OF_REGISTER = HEADER.replace("key-value", "register")
PUT = '{"type":"invoke","process":0,"f":"put","key":"x","value":1}'
GET = '{"type":"invoke","process":0,"f":"get","key":"x"}'
CAS = '{"type":"invoke","process":0,"f":"cas","key":"x","expected":1,"value":2}'
OK = '{"type":"ok","process":0}'
READ = "INFO  jepsen.util - 0\t:invoke\t:read\tnil"


def written(tmp_path: Path, *lines: str | bytes) -> Path:
    path = tmp_path / "history"
    path.write_bytes(
        b"".join((one if isinstance(one, bytes) else one.encode()) + b"\n" for one in lines)
    )
    return path


@pytest.mark.skipif(not PUBLISHED.is_dir(), reason="no shared/histories beside the repository")
def test_published_verdicts() -> None:
    verdicts: dict[str, bool] = json.loads((PUBLISHED / "verdicts.json").read_text())
    assert len(verdicts) == 50
    report = check(PUBLISHED / name for name in verdicts)
    for file in report.files:
        expected = "conforms" if verdicts[Path(file.path).name] else "violation"
        assert file.verdict == expected, file.path
        assert all(found.explanation.is_least for found in file.violations)


def test_a_log_of_jepsen(tmp_path: Path) -> None:
    history = read(
        written(
            tmp_path,
            READ,
            "INFO  jepsen.util - :nemesis\t:info\t:start\tnil",
            "INFO  jepsen.util - 1\t:invoke\t:write\t3",
            "WARN  jepsen.core - process 1 was slow",
            "INFO  jepsen.util - 0\t:ok\t:read\tnil",
            "INFO  jepsen.util - 1\t:info\t:write\t:timed-out",
            "INFO  jepsen.util - 0\t:invoke\t:cas\t[3 4]",
            "INFO  jepsen.util - 0\t:fail\t:cas\t[3 4]",
            "INFO  jepsen.util - 0\t:invoke\t:cas\t[3 4]",
            "INFO  jepsen.util - 0\t:ok\t:cas\t[3 4]\r",
            "INFO  jepsen.util - 0\t:invoke\t:write\t5",
            "INFO  jepsen.util - 0\t:fail\t:write\t:not-leader",
            "INFO  jepsen.util - 0\t:invoke\t:read\tnil",
            "INFO  jepsen.util - 0\t:fail\t:read\t:timed-out",
            "INFO  jepsen.util - 2\t:invoke\t:read\tnil",
        )
    )
    assert history.model is REGISTER
    assert [(one.process, one.call, one.called, one.returned) for one in history.operations] == [
        ("0", Call("read", (), "null"), 1, 5),
        ("1", Call("write", ("3",), UNKNOWN), 3, None),
        ("0", Call("cas", ("3", "4"), False), 7, 8),
        ("0", Call("cas", ("3", "4"), True), 9, 10),
        ("2", Call("read", (), UNKNOWN), 15, None),
    ]


def test_lines_of_our_own(tmp_path: Path) -> None:
    history = read(
        written(
            tmp_path,
            HEADER,
            PUT.replace("1", '"é"'),
            GET.replace("0", "1"),
            '{"type":"ok","process":1,"value":null,"time":1.5}',
            OK,
            CAS,
            '{"type":"ok","process":0,"swapped":false}',
            '{"type":"invoke","process":0,"f":"delete","key":"x"}',
            '{"type":"fail","process":0}',
            '{"type":"invoke","process":2,"f":"delete","key":"y"}',
            '{"type":"info","process":2}',
        )
    )
    assert history.model is KEY_VALUE
    assert [(one.key, one.call, one.called, one.returned) for one in history.operations] == [
        ("x", Call("put", ('"é"',), None), 2, 5),
        ("x", Call("get", (), "null"), 3, 4),
        ("x", Call("cas", ("1", "2"), False), 6, 7),
        ("y", Call("delete", (), UNKNOWN), 10, None),
    ]
    assert list(history.keys()) == ["x", "y"]


def test_values_that_python_calls_equal_are_not(tmp_path: Path) -> None:
    path = written(tmp_path, HEADER, PUT, OK, GET, '{"type":"ok","process":0,"value":true}')
    assert check([path]).verdict == "violation"


def test_keys_are_judged_by_themselves(tmp_path: Path) -> None:
    elsewhere = GET.replace('"x"', '"y"')
    path = written(tmp_path, HEADER, PUT, OK, elsewhere, '{"type":"ok","process":0,"value":1}', GET)
    report = check([path])
    assert [(found.key, found.explanation.breaks_at) for found in report.violations] == [("y", 5)]


def test_a_deleted_key_is_null(tmp_path: Path) -> None:
    delete = '{"type":"invoke","process":0,"f":"delete","key":"x"}'
    lines = (HEADER, PUT, OK, delete, OK, GET)
    assert check([written(tmp_path, *lines, OK[:-1] + ',"value":null}')]).verdict == "conforms"
    assert check([written(tmp_path, *lines, OK[:-1] + ',"value":1}')]).verdict == "violation"


BAD: dict[str, tuple[list[str | bytes], int | None, str]] = {
    "empty": ([], None, "empty"),
    "no operation": ([HEADER], None, "no operation"),
    "binary": ([bytes(range(128, 256))], 1, "not UTF-8"),
    "prose": (["Dear reader,"], 1, "no line of a log"),
    "not JSON": ([HEADER, "{type: 1}"], 2, "not JSON"),
    "an empty line": ([HEADER, PUT, ""], 3, "not JSON"),
    "not UTF-8": ([HEADER, b'{"type":"\xff"}'], 2, "not JSON"),
    "deep": ([HEADER, "[" * 100_000], 2, "not JSON"),
    "deep header": (['{"a":' * 100_000], 1, "not JSON"),
    "too long": ([HEADER, "x" * (MAX_LINE + 1)], 2, "bytes"),
    "another format": ([HEADER.replace("raftbare-history", "raftbare-trace")], 1, "format is"),
    "another version": ([HEADER.replace("1", "2")], 1, "version is 2"),
    "another model": ([HEADER.replace("key-value", "queue")], 1, "model is"),
    "no type": ([HEADER, '{"process":0}'], 2, "type is missing"),
    "another type": ([HEADER, '{"type":"call","process":0}'], 2, 'type is "call"'),
    "no process": ([HEADER, '{"type":"ok"}'], 2, "process is missing"),
    "a process by name": ([HEADER, PUT.replace("0", '"a"')], 2, "process is"),
    "an unknown field": ([HEADER, PUT.replace("value", "valeu")], 2, "valeu"),
    "another function": ([HEADER, PUT.replace("put", "push")], 2, "f is"),
    "a function of another model": ([HEADER, PUT.replace("put", "write")], 2, "f is"),
    "no key": ([HEADER, PUT.replace('"key":"x",', "")], 2, "without key"),
    "a key of a register": ([OF_REGISTER, PUT.replace("put", "write")], 2, "with key"),
    "no value": ([HEADER, PUT.replace(',"value":1', "")], 2, "without value"),
    "a list for a value": ([HEADER, PUT.replace("1", "[]")], 2, "value"),
    "no number": ([HEADER, PUT.replace("1", "NaN")], 2, "value is NaN"),
    "a get that found nothing told": ([HEADER, GET, OK], 3, "without value"),
    "a cas that tells no end": ([HEADER, CAS, OK], 3, "without swapped"),
    "a put with a result": ([HEADER, PUT, OK[:-1] + ',"value":1}'], 3, "with value"),
    "a return without a call": ([HEADER, OK], 2, "called nothing"),
    "two returns": ([HEADER, PUT, OK, OK], 4, "called nothing"),
    "two calls": ([HEADER, PUT, PUT], 3, "has not returned"),
    "a cut line": ([HEADER, PUT, OK[:-4]], 3, "not JSON"),
    "a log with another function": ([READ, READ.replace(":read", ":push")], 2, "function is"),
    "a log without a type": ([READ, READ.replace(":invoke", ":start")], 2, "no event"),
    "a log with a word for a value": (
        [READ, "INFO  jepsen.util - 0\t:ok\t:read\tten"],
        2,
        "value is",
    ),
    "a log that answers another call": (
        [READ, "INFO  jepsen.util - 0\t:ok\t:write\t3"],
        2,
        "ok of write",
    ),
    "a log that answers with other values": (
        ["INFO  jepsen.util - 0\t:invoke\t:write\t3", "INFO  jepsen.util - 0\t:ok\t:write\t4"],
        2,
        "ok of write 4",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_whatever_is_wrong_is_told_with_its_line(tmp_path: Path, name: str) -> None:
    lines, line, problem = BAD[name]
    path = written(tmp_path, *lines)
    with pytest.raises(BadHistory) as raised:
        read(path)
    assert raised.value.line == line
    assert problem in raised.value.problem
    assert len(str(raised.value)) < 400
    assert "\n" not in str(raised.value)


def test_what_is_no_file(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nothing", "/dev/zero" if os.name == "posix" else tmp_path):
        with pytest.raises(BadHistory):
            read(path)
