"""The limits on what comes from outside: told when they refuse, and in the document."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import zstandard

from conformance.observe import limits
from conformance.trace.errors import BadTrace
from conformance.trace.files import TraceWriter, read
from tests.cli.helpers import ROOT, run
from tests.trace.lines import HEADER, consume, record, text

WRITTEN = {"2^64 - 1": 2**64 - 1}


def test_the_document_has_every_limit() -> None:
    table = (ROOT / "docs/limits.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| .* \| (.*) \| `(\w+)` \|$", table, re.MULTILINE)
    told = {name: WRITTEN.get(value) or int(value.replace(",", "")) for value, name in rows}
    assert told == {name: value for name, value in vars(limits).items() if name.isupper()}


def call(seq: int, index: int, commands: int) -> dict[str, Any]:
    position = {"term": 1 if index else 0, "index": index}
    message = {
        "type": "append_entries_call",
        "from": 1,
        "term": 1,
        "seqno": seq,
        "commit_index": 0,
        "prev_position": position,
        "entries": [{"commands": commands}],
    }
    return record(0, seq, "message", event={"kind": "message", "message": message})


def many(count: int, commands: int) -> bytes:
    return text(HEADER, record(), *[call(2 + i, 1 + i, commands) for i in range(count)])


def test_a_small_file_does_not_stand_for_any_number_of_entries(tmp_path: Path) -> None:
    path = tmp_path / "trace"
    for escaped in (False, True):
        content = many(20, limits.MAX_COMMANDS // 2)
        if escaped:
            content = content.replace(b'"commands"', b'"\\u0063ommands"')
        path.write_bytes(content)
        seen, error = consume(path)
        assert seen == 3  # the first two calls are the limit, and what their bytes add
        assert str(limits.MAX_IN_FILE) in error.problem


def test_each_byte_allows_for_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A leader may send ten thousand commands in every call for as long as it likes."""
    monkeypatch.setattr("conformance.trace.files.MAX_IN_FILE", 0)
    path = tmp_path / "trace"
    path.write_bytes(many(200, 10_000))
    assert len(list(read(path))) == 201
    path.write_bytes(many(200, 100_000))
    with pytest.raises(BadTrace, match="stands for more than"):
        list(read(path))


@pytest.mark.parametrize("command", [("audit", "--level", "exact"), ("audit",), ("replay",)])
def test_the_commands_refuse_it(
    command: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("conformance.trace.files.MAX_IN_FILE", 1000)
    monkeypatch.setattr("conformance.trace.files.PER_BYTE", 0)
    path = tmp_path / "trace"
    path.write_bytes(text(HEADER, record(), call(2, 0, 1001)))
    ran = run(*command, path)
    assert ran.code == 2
    assert f"{path}:3: the file stands for more than 1000 entries" in ran.out + ran.err


def test_help_names_them() -> None:
    for command in ("audit", "replay"):
        assert "docs/limits.md" in run(command, "--help").out
    assert f"at most {limits.MAX_EXPLORED}" in run("explore", "--help").out
    assert str(limits.MAX_NODES) in run("check", "--help").out


class Starved:
    """As zstandard where no memory is left."""

    def __init__(self, *_: object, **__: object) -> None:
        pass

    def fail(self, *_: object, **__: object) -> Any:
        raise zstandard.ZstdError("zstd error: Allocation error : not enough memory")

    decompressobj = fail
    stream_writer = property(lambda self: lambda *_, **__: self)
    write = fail

    def close(self) -> None:
        pass


def test_too_little_memory_is_no_fault_of_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "trace.jsonl.zst"
    path.write_bytes(zstandard.compress(text(HEADER, record())))
    assert len(list(read(path))) == 1
    with monkeypatch.context() as patch:
        patch.setattr("conformance.trace.files.zstandard.ZstdDecompressor", Starved)
        patch.setattr("conformance.trace.files.zstandard.ZstdCompressor", Starved)
        with pytest.raises(MemoryError):
            list(read(path))
        with pytest.raises(MemoryError):
            TraceWriter(path, implementation="test", nodes=1)
    assert len(list(read(path))) == 1
    assert [one.name for one in tmp_path.iterdir()] == ["trace.jsonl.zst"]
