"""Traces in files: read record by record in bounded memory, written all or not at all.

A file is JSON Lines, plain or compressed with gzip or zstandard.  Whatever is wrong with one is
reported by `BadTrace`; a file that merely ends early by `TruncatedTrace`, after its last complete
record.
"""

from __future__ import annotations

import gzip
import io
import os
import re
import secrets
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, BinaryIO, Final, Self, TypeVar, cast

import zstandard
from pydantic import ValidationError
from pydantic_core import from_json

from conformance.observe.limits import MAX_IN_FILE, PER_BYTE
from conformance.observe.limits import MAX_LINE as MAX_LINE
from conformance.trace.errors import BadTrace, NoHeader, TruncatedTrace, explain, is_json, shown
from conformance.trace.model import (
    FORMAT,
    VERSION,
    Checkpoint,
    Header,
    Record,
    Restart,
    Start,
    entries_in,
)
from conformance.trace.moments import Moment

M = TypeVar("M", Record, Moment)

CHUNK: Final = 2**16
"""How many bytes are taken at a time from a file, or out of a gzip archive."""

ZSTD_CHUNK: Final = 2**10
"""How many bytes of a zstandard archive are decompressed at a time.

All they expand to is in memory at once.  Four of them may stand for 128 KiB, so these for 32 MiB.
"""

BEGINNING: Final = re.compile(rb'\{"node":(\d{1,20}),"seq":(\d{1,20}),')
"""How most lines begin."""

GZIP_MAGIC: Final = b"\x1f\x8b"
ZSTD_MAGIC: Final = b"\x28\xb5\x2f\xfd"

ENTRY: Final = re.compile(
    rb'[\[,]\{(?:"commands":([0-9]{1,20})\}|"term":[0-9]{1,20}\}|"config":\{)'
)
"""An item of a list of entries.  No position has a term alone, no configuration is in a list."""

GZIP_FORMAT: Final = 16 + zlib.MAX_WBITS
"""As zlib is told that it is to expect gzip's header and checksum."""


class _CutError(Exception):
    """An archive ends before its end."""


class _DamagedError(Exception):
    """An archive is not what it should be."""


def read(path: str | os.PathLike[str]) -> TraceReader:
    """Open a trace.  Its header is read at once, its records as the reader is iterated."""
    return TraceReader(path)


class LineReader:
    """A file of lines, plain or compressed.

    `line` is the number of the line that was read last.  `lines`, to be iterated once, gives each
    line, and whether it is the last one and has no line feed.  The end of a `with` block closes the
    file.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path: Final = os.fspath(path)
        self.line = 0
        try:
            self._file = open(self.path, "rb")  # noqa: SIM115 (closed by `close`)
        except OSError as error:
            raise self._unreadable(error) from None
        self.lines = self._read_lines()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        self._file.close()

    @property
    def position(self) -> int:
        """How many bytes of the file have been taken in; 0 of a pipe."""
        return 0 if self._file.closed or not self._file.seekable() else self._file.tell()

    def cut_line(self) -> TruncatedTrace:
        """To be raised where the line that was read last is the file's last, and no JSON."""
        return TruncatedTrace(
            self.path, self.line, "the last line is cut off", "a whole line and a line feed"
        )

    def spans(self) -> dict[int, tuple[int, int]]:
        """The first and last `seq` of each node, by a look at the lines that are left.

        What is wrong with one ends it: that is for who reads the records.
        """
        spans: dict[int, tuple[int, int]] = {}
        try:
            for line, _ in self.lines:
                found = BEGINNING.match(line)
                if found is not None:
                    node, seq = int(found[1]), int(found[2])
                else:
                    record = from_json(line)
                    node, seq = int(record["node"]), int(record["seq"])
                spans[node] = spans.get(node, (seq, seq))[0], seq
        except (BadTrace, ValueError, LookupError, TypeError):
            pass
        finally:
            self.close()
        return spans

    # Lines

    def _read_lines(self) -> Iterator[tuple[bytes, bool]]:
        """Each line, and whether it is a last one without a line feed."""
        held = bytearray()
        chunks = _decompressed(self._file, self.path)
        while True:
            try:
                chunk = next(chunks, None)
            except _CutError:
                raise TruncatedTrace(
                    self.path, self.line + 1, "the archive ends too early", "the rest of it"
                ) from None
            except _DamagedError as error:
                raise BadTrace(
                    self.path, self.line + 1, f"the archive is damaged: {error}", "an intact one"
                ) from None
            except OSError as error:
                raise self._unreadable(error) from None
            if chunk is None:
                break
            searched = len(held)
            held += chunk
            end = held.find(b"\n", searched)
            start = 0
            while end >= 0:
                yield self._line(held, start, end), False
                start = end + 1
                end = held.find(b"\n", start)
            del held[:start]
            if len(held) > MAX_LINE:
                self._line(held, 0, len(held))
        if held:
            yield self._line(held, 0, len(held)), True

    def _line(self, held: bytearray, start: int, end: int) -> bytes:
        self.line += 1
        if end - start > MAX_LINE:
            raise BadTrace(
                self.path, self.line, f"a line of more than {MAX_LINE} bytes", "a shorter one"
            )
        return bytes(held[start:end])

    def _unreadable(self, error: OSError) -> BadTrace:
        reason = (error.strerror or str(error)).lower()
        return BadTrace(self.path, None, f"cannot be read: {reason}", "a readable trace file")


class TraceReader(LineReader):
    """The header of a trace and, by iterating once, its records; or its `moments`.

    The file is closed at the end of the iteration as well.

    `latest` has the seq of each node's latest record.  `skips` may take a record's line in the
    reader's place: it says whether that was a good one as `conformance.trace.plain` writes it, has
    noted its seq then, and it is not handed out.
    """

    header: Header
    skips: Callable[[bytes], bool] | None = None

    def __init__(self, path: str | os.PathLike[str]) -> None:
        super().__init__(path)
        self.latest: dict[int, int] = {}
        self._allowed = MAX_IN_FILE
        self._records = self._read_records()
        try:
            self.header = self._read_header()
        except BaseException:
            self.close()
            raise

    def __iter__(self) -> Iterator[Record]:
        return self._records

    def moments(self) -> Iterator[Moment]:
        """Of a trace whose header has `capabilities`: what stands there instead of records."""
        return self._parsed(Moment, self._check_moment)

    def _read_header(self) -> Header:
        line, is_last = next(self.lines, (None, False))
        if line is None:
            raise BadTrace(self.path, None, "the file is empty", f"a header of {FORMAT}")
        if is_last and not is_json(line):
            raise self.cut_line()
        kind = BadTrace
        try:
            data = from_json(line)
        except ValueError:
            kind = NoHeader  # the model tells what is wrong with it
        else:
            self._check_format(data)
        try:
            return Header.model_validate_json(line)
        except ValidationError as error:
            raise kind(self.path, self.line, *explain(line, error)) from None

    def _check_format(self, data: Any) -> None:
        """Another format or version is no fault of the file: the reader is the wrong one."""
        expected = f'a header: {{"format":"{FORMAT}","version":{VERSION},...}}'
        if not isinstance(data, dict) or "format" not in data:
            raise NoHeader(self.path, 1, "the first line is not a header", expected)
        if data["format"] != FORMAT:
            found = f"the format is {shown(data['format'])}"
            raise BadTrace(self.path, 1, found, f'"{FORMAT}"')
        version = data.get("version")
        if type(version) is int and version != VERSION:
            found = f"version {shown(version)} of the format"
            raise BadTrace(self.path, 1, found, f"version {VERSION}, all that this reader knows")

    def _read_records(self) -> Iterator[Record]:
        if self.header.capabilities is not None:
            found = f"a recording of another implementation, {shown(self.header.implementation)}"
            raise BadTrace(self.path, 1, found, "records of this format")
        yield from self._parsed(Record, self._check_record)

    def _parsed(self, model: type[M], check: Callable[[M, bytes], None]) -> Iterator[M]:
        try:
            for line, is_last in self.lines:
                if self.skips is not None and self._skip(line, self.skips):
                    continue
                try:
                    record = model.model_validate_json(line)
                except ValidationError as error:
                    if is_last and not is_json(line):
                        raise self.cut_line() from None
                    raise BadTrace(self.path, self.line, *explain(line, error)) from None
                check(record, line)
                yield record
        finally:
            self.close()

    def _check_record(self, record: Record, line: bytes) -> None:
        self._check_sequence(record)
        self._check_entries(record, line)
        self.latest[record.node] = record.seq

    def _check_moment(self, moment: Moment, _: bytes) -> None:
        expected = self.latest.get(moment.node, 0) + 1
        if moment.seq != expected:
            found = f"seq {moment.seq} of node {moment.node}"
            raise BadTrace(self.path, self.line, found, f"seq {expected}")
        self.latest[moment.node] = moment.seq

    def _skip(self, line: bytes, skips: Callable[[bytes], bool]) -> bool:
        """Whether it was taken, and is within the limit."""
        allowed = self._allowed + PER_BYTE * len(line) - entries_in_line(line)
        taken = allowed >= 0 and skips(line)
        if taken:
            self._allowed = allowed
        return taken

    def _check_entries(self, record: Record, line: bytes) -> None:
        """What has no run of commands has fewer entries than bytes.  A key may be escaped."""
        self._allowed += PER_BYTE * len(line)
        if b'"commands"' in line or b"\\" in line:
            self._allowed -= entries_in(record)
            if self._allowed < 0:
                problem = f"the file stands for more than {MAX_IN_FILE} entries up to here"
                expected = f"at most {MAX_IN_FILE}, and {PER_BYTE} for each of its bytes"
                raise BadTrace(self.path, self.line, problem, expected)

    def _check_sequence(self, record: Record) -> None:
        node, seq = record.node, record.seq
        latest = self.latest.get(node)
        if latest is None:
            if not isinstance(record.event, (Start, Restart, Checkpoint)):
                raise BadTrace(
                    self.path,
                    self.line,
                    f"node {node} never started: its first event is {record.event.kind}",
                    "start, restart or checkpoint",
                )
            expected = seq  # the records before it are in other files
        else:
            expected = latest + 1
        if seq != expected:
            raise BadTrace(self.path, self.line, f"seq {seq} of node {node}", f"seq {expected}")


def entries_in_line(line: bytes) -> int:
    """What `_check_entries` counts of a line, if it is as `conformance.trace.plain` writes it."""
    if b'"commands"' not in line:
        return 0
    return sum(int(found[1] or 1) for found in ENTRY.finditer(line))


def lines_from(path: str | os.PathLike[str], offset: int) -> Iterator[bytes]:
    """The whole lines of a file that may still grow, from this offset in what it expands to.

    Each with its line feed.  What follows the last line feed is left for another time, and so is
    what an archive lacks.  Raises `BadTrace` for a file that cannot be read or a damaged archive.
    """
    name, held = os.fspath(path), bytearray()
    try:
        with open(path, "rb") as file:
            if not file.peek(2).startswith((GZIP_MAGIC, ZSTD_MAGIC[:2])):
                file.seek(offset)
                offset = 0
            for chunk in _decompressed(file, name):
                held += chunk[offset:]
                offset = max(0, offset - len(chunk))
                *lines, rest = held.split(b"\n")
                for line in lines:
                    yield bytes(line) + b"\n"
                held = rest
                if len(held) > MAX_LINE:
                    problem = f"a line of more than {MAX_LINE} bytes"
                    raise BadTrace(name, None, problem, "a shorter one")
    except _CutError:
        pass
    except _DamagedError as error:
        problem = f"the archive is damaged: {error}"
        raise BadTrace(name, None, problem, "an intact one") from None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise BadTrace(name, None, f"cannot be read: {reason}", "a readable trace file") from None


def _decompressed(file: io.BufferedReader, path: str) -> Iterator[bytes]:
    """The contents of a file in pieces: as its first bytes say, or else its name."""
    head = file.peek(4)[:4]
    kind = {GZIP_MAGIC: ".gz", ZSTD_MAGIC[:2]: ".zst"}.get(head[:2])
    if kind is None and head and not head.startswith(b"{"):
        kind = Path(path).suffix.lower()
    if kind == ".gz":
        yield from _gunzipped(file)
    elif kind == ".zst":
        yield from _unzstandarded(file)
    else:
        while chunk := file.read1(CHUNK):
            yield chunk


def _gunzipped(file: io.BufferedReader) -> Iterator[bytes]:
    """`gzip` takes a member that is cut in its first two bytes for one that is damaged."""
    member: Any = None
    while data := file.read1(CHUNK):
        while data:
            if member is None:
                data = data.lstrip(b"\0")  # padding, as tapes have it
                if not data:
                    break
                member = zlib.decompressobj(GZIP_FORMAT)
            try:
                chunk = member.decompress(data, CHUNK)
            except zlib.error as error:
                raise _DamagedError(str(error)) from None
            if chunk:
                yield chunk
            data = member.unconsumed_tail
            if member.eof:
                data, member = member.unused_data, None
    if member is not None:
        while chunk := member.decompress(b"", CHUNK):  # what it holds back of a piece that is full
            yield chunk
        if not member.eof:
            raise _CutError


def _unzstandarded(file: BinaryIO) -> Iterator[bytes]:
    """zstandard's own stream reader takes a truncated archive for a complete one."""
    frame: Any = None
    while data := file.read(ZSTD_CHUNK):
        while data:
            try:
                frame = frame or zstandard.ZstdDecompressor().decompressobj()
                chunk = frame.decompress(data)
            except zstandard.ZstdError as error:
                if "not enough memory" in str(error):  # that is no fault of the file
                    raise MemoryError(str(error)) from None
                raise _DamagedError(str(error)) from None
            if chunk:
                yield chunk
            data = b""
            if frame.eof:
                data, frame = frame.unused_data, None
    if frame is not None:
        raise _CutError


class TraceWriter:
    """Writes a trace to a temporary file beside its target and puts it there when closed.

    Leaving a `with` block by an exception leaves nothing behind, and what was at the target before
    stays.  The same records give the same bytes.  The name says how to compress: `.gz`, `.zst`.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        implementation: str,
        nodes: int,
        **more: Any,
    ) -> None:
        """`more`: further fields of the header."""
        self.path: Final = Path(path)
        if self.path.exists() and not self.path.is_file():
            raise ValueError(f"{self.path} is no regular file and cannot be replaced")
        header = Header(
            format=FORMAT, version=VERSION, implementation=implementation, nodes=nodes, **more
        )
        self._temporary = self.path.with_name(f".{self.path.name}.{secrets.token_hex(4)}.tmp")
        self._file = open(self._temporary, "xb")  # noqa: SIM115 (closed by `close`)
        self._out = _compressing(self._file, self.path.name)
        try:
            self.write_line(header.model_dump_json(exclude_unset=True).encode())
        except BaseException:
            self.discard()
            raise

    def write(self, record: Record | Moment) -> None:
        self.write_line(record.model_dump_json(exclude_unset=True).encode())

    def write_line(self, line: bytes) -> None:
        """Write a line as `plain.record_line` makes it, without its line feed."""
        if len(line) > MAX_LINE:
            raise ValueError(f"a line of {len(line)} bytes; no reader takes more than {MAX_LINE}")
        try:
            self._out.write(line + b"\n")
        except zstandard.ZstdError as error:  # nothing else can be wrong with what is compressed
            raise MemoryError(str(error)) from None

    def close(self) -> None:
        """Complete the file and put it in its place."""
        if self._file.closed:
            return
        try:
            self._out.close()
            self._file.close()
            os.replace(self._temporary, self.path)
        except BaseException:
            self.discard()
            raise

    def discard(self) -> None:
        """Give up: what was written is removed."""
        with suppress(Exception):  # such as a full disk, which was reported before
            self._out.close()
            self._file.close()
        self._temporary.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *error: object) -> None:
        if kind is None:
            self.close()
        else:
            self.discard()


def _compressing(file: io.BufferedWriter, name: str) -> IO[bytes]:
    name = name.lower()
    if name.endswith(".gz"):
        # Neither the time nor the temporary name may get into the bytes.
        return cast(IO[bytes], gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0))
    if name.endswith(".zst"):
        return cast(IO[bytes], zstandard.ZstdCompressor().stream_writer(file, closefd=False))
    return file
