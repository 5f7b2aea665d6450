"""Files that are missing, broken, cut off or too long; and what is read of them before that."""

from __future__ import annotations

import gzip
import os
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from conformance.trace.errors import BadTrace, TruncatedTrace
from conformance.trace.files import MAX_LINE, TraceReader, read
from tests.trace.lines import HEADER, consume, record, text

HEADERS = {
    "a record instead": (record(), "the first line is not a header", '{"format":"raftbare-trace"'),
    "not an object": (b"[1]", "the first line is not a header", "a header"),
    "not JSON": (b"hello", "not JSON: expected value", "a JSON object"),
    "an empty line": (b"", "an empty line", "a JSON object"),
    "another format": (HEADER | {"format": "etcd"}, 'the format is "etcd"', '"raftbare-trace"'),
    "another version": (HEADER | {"version": 2, "x": 1}, "version 2 of the format", "version 1"),
    "no version": ({"format": "raftbare-trace"}, "version is missing", "that field"),
    "version true": (HEADER | {"version": True}, "version is true", "1"),
    "version 1.0": (HEADER | {"version": 1.0}, "version is 1.0", "1"),
    "no nodes": (HEADER | {"nodes": 0}, "nodes is 0", "an integer not below 1"),
    "an unknown field": (HEADER | {"colour": 1}, "unknown field colour", "only the fields"),
    "implementation null": (
        HEADER | {"implementation": None},
        "implementation is null",
        "a string",
    ),
}


@pytest.mark.parametrize("name", HEADERS)
def test_a_bad_header(name: str, tmp_path: Path) -> None:
    line, problem, expected = HEADERS[name]
    path = tmp_path / "trace.jsonl"
    path.write_bytes(text(line, record()))
    with pytest.raises(BadTrace) as caught:
        read(path)
    error = caught.value
    assert not isinstance(error, TruncatedTrace)
    assert error.line == 1
    assert problem in error.problem
    assert expected in error.expected


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(BadTrace, match="cannot be read: no such file or directory; expected"):
        read(tmp_path / "none")


def test_a_directory(tmp_path: Path) -> None:
    with pytest.raises(BadTrace, match="cannot be read: is a directory"):
        read(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission(tmp_path: Path) -> None:
    path = tmp_path / "trace"
    path.write_bytes(text(HEADER))
    path.chmod(0)
    with pytest.raises(BadTrace, match="cannot be read: permission denied"):
        read(path)


def test_a_file_that_fails_while_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "trace"
    path.write_bytes(text(HEADER, *(record(node) for node in range(1000))))
    reader = read(path)

    class Failing:
        def read1(self, size: int) -> bytes:
            raise OSError(5, "Input/output error")

        def peek(self, size: int) -> bytes:
            return b"{"

        def close(self) -> None:
            pass

    reader.close()
    reader._file = Failing()  # type: ignore[assignment]
    with pytest.raises(BadTrace, match="cannot be read: input/output error"):
        next(reader._read_lines())


@pytest.mark.parametrize(
    "content", [b"", gzip.compress(b""), zstandard.compress(b"")], ids=["plain", "gzip", "zstd"]
)
def test_an_empty_file(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "trace"
    path.write_bytes(content)
    with pytest.raises(BadTrace, match="the file is empty; expected a header"):
        read(path)


@pytest.mark.parametrize("name", ["trace.gz", "trace.zst"])
def test_a_name_that_promises_an_archive(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(b"no archive at all")
    with pytest.raises(BadTrace, match=":1: the archive is damaged: "):
        read(path)
    path.write_bytes(text(HEADER, record()))
    assert len(list(read(path))) == 1


MANY = text(HEADER, *(record(0, seq) for seq in range(1, 3000)))


def archive(kind: str) -> bytes:
    """An archive of 3000 lines, with noise that keeps it from shrinking to a few bytes."""
    noise = Random(1).randbytes
    lines = [HEADER | {"implementation": noise(4000).hex()}, record()]
    lines += [record(0, seq, time=float(int.from_bytes(noise(6)))) for seq in range(2, 3000)]
    content = text(*lines)
    return gzip.compress(content) if kind == "gzip" else zstandard.compress(content)


@pytest.mark.parametrize("kind", ["gzip", "zstd"])
def test_an_archive_cut_off_gives_its_complete_records_first(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "trace"
    whole = archive(kind)
    path.write_bytes(whole)
    assert len(list(read(path))) == 2999
    path.write_bytes(whole[: len(whole) * 3 // 4])
    seen, error = consume(path)
    assert 0 < seen < 2999
    assert isinstance(error, TruncatedTrace)
    assert error.problem == "the archive ends too early"
    assert error.line == seen + 2
    path.write_bytes(whole[:-1])
    seen, error = consume(path)
    assert isinstance(error, TruncatedTrace)
    assert kind == "zstd" or seen == 2999


@pytest.mark.parametrize("kind", ["gzip", "zstd"])
def test_an_archive_cut_off_anywhere_is_cut_and_not_damaged(kind: str, tmp_path: Path) -> None:
    """In its second member too, and in what tells that it is one."""
    compress = gzip.compress if kind == "gzip" else zstandard.compress
    first, second = compress(text(HEADER, record())), compress(text(record(0, 2)))
    path = tmp_path / ("trace.gz" if kind == "gzip" else "trace.zst")
    for length in range(1, len(first + second)):
        path.write_bytes((first + second)[:length])
        if length == len(first):
            assert len(list(read(path))) == 1
            continue
        with pytest.raises(TruncatedTrace):
            list(read(path))
    path.write_bytes(first + bytes(1024 * (kind == "gzip")))
    assert len(list(read(path))) == 1


@pytest.mark.parametrize("level", [0, 1, 9])
def test_an_archive_whose_end_stands_for_more_than_a_piece(level: int, tmp_path: Path) -> None:
    for length in range(2**17 - 300, 2**17 - 200):
        header = HEADER | {"implementation": "x" * length}
        (tmp_path / "trace").write_bytes(gzip.compress(text(header, record()), level))
        assert len(list(read(tmp_path / "trace"))) == 1


@pytest.mark.parametrize("kind", ["gzip", "zstd"])
def test_a_damaged_archive(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "trace"
    whole = bytearray(archive(kind))
    path.write_bytes(whole + b"and more")
    seen, error = consume(path)
    assert seen == 2999
    assert "the archive is damaged" in error.problem
    for place in range(len(whole) // 2, len(whole) // 2 + 200):
        whole[place] ^= 0xFF
    path.write_bytes(whole)
    _, error = consume(path)
    assert "\n" not in str(error)


@given(
    compress=st.sampled_from([bytes, gzip.compress, zstandard.compress]),
    place=st.integers(0, 2000),
    inserted=st.binary(max_size=4),
    removed=st.integers(0, 4),
)
def test_no_fault_is_told_in_any_other_way(
    compress: Callable[[bytes], bytes],
    place: int,
    inserted: bytes,
    removed: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    content = compress(text(HEADER, *(record(0, seq) for seq in range(1, 6))))
    place %= len(content)
    path = tmp_path_factory.mktemp("fault") / "trace"
    path.write_bytes(content[:place] + inserted + content[place + removed :])
    with suppress(BadTrace):
        assert len(list(read(path))) <= 5


@pytest.mark.parametrize("compress", [gzip.compress, zstandard.compress], ids=["gzip", "zstd"])
def test_archives_may_be_joined(compress: Callable[[bytes], bytes], tmp_path: Path) -> None:
    path = tmp_path / "trace"
    path.write_bytes(compress(MANY) + compress(text(record(1))))
    assert len(list(read(path))) == 3000


@pytest.mark.parametrize("cut", [b'{"node":0,"seq":3000', b"{", b" ", b"\0" * 50, b'{"node":"\xc3'])
def test_a_last_line_cut_off_comes_after_the_complete_records(cut: bytes, tmp_path: Path) -> None:
    path = tmp_path / "trace"
    path.write_bytes(MANY + cut)
    seen, error = consume(path)
    assert (seen, error.line) == (2999, 3001)
    assert isinstance(error, TruncatedTrace)
    assert error.problem == "the last line is cut off"


def test_a_header_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "trace"
    path.write_bytes(MANY[:20])
    with pytest.raises(TruncatedTrace, match="trace:1: the last line is cut off"):
        read(path)


def test_a_last_line_without_line_feed_is_a_line(tmp_path: Path) -> None:
    path = tmp_path / "trace"
    path.write_bytes(MANY[:-1])
    assert len(list(read(path))) == 2999
    path.write_bytes(MANY + b'{"node":1}')
    _, error = consume(path)
    assert not isinstance(error, TruncatedTrace)


@pytest.mark.parametrize("kind", ["plain", "gzip", "zstd"])
def test_a_line_of_100_mb_is_refused_unread(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "trace"
    start, size = text(HEADER, record()), 100 * 2**20
    if kind == "plain":
        with path.open("wb") as file:
            file.write(start)
            file.truncate(size)
    else:
        long = start + bytes(size)
        path.write_bytes(gzip.compress(long, 1) if kind == "gzip" else zstandard.compress(long))
        del long
    tracemalloc.start()
    try:
        seen, error = consume(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (seen, error.line) == (1, 3)
    assert error.problem == f"a line of more than {MAX_LINE} bytes"
    assert peak < 4 * MAX_LINE


def test_the_file_is_closed_whatever_happens(tmp_path: Path) -> None:
    path = tmp_path / "trace"
    path.write_bytes(MANY)

    def is_closed(reader: TraceReader) -> bool:
        return reader._file.closed

    finished = read(path)
    assert len(list(finished)) == 2999
    assert is_closed(finished)
    with read(path) as left:
        next(iter(left))
    assert is_closed(left)
    path.write_bytes(text(HEADER, b"x"))
    failed = read(path)
    with pytest.raises(BadTrace):
        list(failed)
    assert is_closed(failed)
