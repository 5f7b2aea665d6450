"""A recording in files: the only part of the recorder that opens any."""

from __future__ import annotations

import gzip
import json
import os
import re
import time
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Final, final

import raftbare
from raftbare.recorder.line import header
from raftbare.types import NodeId

MEBIBYTE: Final = 2**20

RETRY_AFTER: Final = 1.0
"""Seconds, on the writer's clock, from an error of the disk to the next attempt to go on."""

HELD: Final = 64 * 2**10
"""So many bytes are held at most, however long it is until a drain."""

NAME: Final = re.compile(r"node-(\d+)-(\d{20})\.jsonl(\.gz)?")
"""A segment's file: the node, the number of the first record, and whether it is compressed."""

NEVER, ROTATION, RECORD = "never", "rotation", "record"


class SegmentError(Exception):
    """A segment that the writer found in its folder is not as one is left.

    Move it away, and say at the audit that the recording begins after it.
    """


@final
class SegmentWriter:
    """Writes one node's recording to a folder, segment after segment.

    A segment is a file of the trace format, `node-<id>-<first seq>.jsonl`, which begins with a
    header and a record that says all of the node's state: it can be judged without those before it.
    A full one is compressed by a thread in the background, to `.jsonl.gz`, and the plain one goes
    when that is on the disk.  The writer deletes no recording: that is the user's.

    **What a crash costs.**  Records are handed to the operating system when a drain ends, those of
    inputs without one together with the next, and are then safe from the end of the process
    (`kill -9`).  Those since the last drain are lost, and of the line being written a part may
    stay: `traces/FORMAT.md` allows for both.  A crash of the machine
    costs what was not synced besides; with `sync="record"`, nothing.  With a `buffer`, either costs
    what is in it.  The next writer goes on in a new segment, numbered from the last whole record in
    the folder.  Where it had a buffer it leaves a number out: as many records as nobody knows are
    missing there.

    **What an error costs** (a full disk).  Without `on_error` it is raised, out of the node's input
    or drain, now and with every record that follows: the node stops with its recording.  With it,
    the function is called with the error once and the node goes on; its records are counted, in
    `lost` and in their numbers, and not kept.  A second later, and every second after that, the
    next drain begins a new segment if it can.  So the audit finds the gap, and how many records.
    Nothing else is ever left out.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        node_id: NodeId,
        *,
        max_bytes: int = 64 * MEBIBYTE,
        max_age: float = 3600.0,
        clock: Callable[[], float] = time.monotonic,
        compress: bool = True,
        sync: str = ROTATION,
        buffer: int = 0,
        cluster: str | None = None,
        on_error: Callable[[OSError], None] | None = None,
    ) -> None:
        """Look at what is in the folder, which is made where there is none.  Opens no segment yet.

        - `max_bytes`, `max_age`: a segment that has so many bytes, uncompressed, or was begun so
          many seconds ago on `clock`, ends with the next drain.
        - `sync`: when the file is synced to the disk: whenever a "record" is written, at each
          "rotation", or "never".  One that is compressed is synced when that is done, so that no
          drain waits.
        - `buffer`: so many bytes are held at most before they are written; see also `flush`.
        - `cluster`: a name, which an audit uses to refuse recordings of other clusters.

        Raises `ValueError` for a setting that cannot be, `OSError` where the folder cannot be read,
        and `SegmentError` where the last segment is none.  Reads the last segment.
        """
        if max_bytes < 1 or max_age <= 0 or buffer < 0 or sync not in (NEVER, ROTATION, RECORD):
            raise ValueError(
                f"max_bytes={max_bytes}, max_age={max_age}, buffer={buffer}, sync={sync!r}: "
                f"numbers above 0, no negative buffer, and {NEVER}, {ROTATION} or {RECORD} expected"
            )
        self.folder: Final = Path(folder)
        self._node_id = node_id
        self._max_bytes, self._max_age, self._clock = max_bytes, max_age, clock
        self._compress, self._sync, self._buffer = compress, sync, buffer
        self._most = max(buffer, HELD)
        self._cluster, self._on_error = cluster, on_error
        self.lost = 0
        """How many records this writer was given and could not keep."""
        self._file = -1  # of the segment that is open
        self._path = self.folder  # of the latest segment
        self._size = 0  # how much of it is written
        self._head = 0  # how much of that is the header
        self._began = 0.0
        self._held: list[bytes] = []  # records that are not written yet
        self._held_size = 0
        self._failed: OSError | None = None  # since then nothing is kept
        self._failed_at = 0.0
        self._retrying = False
        self._compressing: Thread | None = None
        self.folder.mkdir(parents=True, exist_ok=True)
        before = segments(self.folder, node_id)
        self.next_seq = 1
        """The number that the next record has."""
        if before:
            self.next_seq = _last_seq(before[-1]) + (1 if buffer == 0 else 2)
            begun = self._segment(self.next_seq)  # one without a record, which is begun anew
            self._compress_later([one for one in before if one.suffix != ".gz" and one != begun])

    def write(self, line: bytes) -> None:
        """Take a record; one that says all of the node's state where no segment is open.

        It is written with the end of its drain, which `settle` tells.  Raises `OSError` where it
        cannot be kept and there is no `on_error`.
        """
        seq = self.next_seq
        self.next_seq = seq + 1
        if self._failed is not None and not self._retrying:
            self.lost += 1
            if self._on_error is None:
                raise self._failed
            return
        self._held.append(line)
        self._held_size += len(line)
        try:
            if self._file < 0:
                self._open(seq)
            if self._held_size >= self._most:
                self._write_held()
        except OSError as error:
            self._fail(error)

    def settle(self) -> None:
        """The drain has ended: write what is held, unless the buffer has room for it.

        `RecordedNode` says so after each drain.  Raises as `write` does.
        """
        if self._held_size > 0 and self._held_size >= self._buffer:
            self.flush()

    def rotate(self) -> bool:
        """End the segment if it is full.  Where this is true, a checkpoint is to be written next.

        `RecordedNode` asks after each drain.  Raises as `write` does.
        """
        now = self._clock()
        if self._failed is not None:
            self._retrying = not 0 <= now - self._failed_at < RETRY_AFTER
            return self._retrying
        full = self._size + self._held_size >= self._max_bytes
        if self._file < 0 or (not full and now - self._began < self._max_age):
            return False
        try:
            self._end_segment()
        except OSError as error:
            self._fail(error)
        return self._failed is None

    def flush(self) -> None:
        """Hand what is in the buffer to the operating system.  Raises as `write` does."""
        try:
            self._write_held()
        except OSError as error:
            self._fail(error)

    def close(self) -> None:
        """End the recording: the node has stopped.  Waits for the compression.

        Raises as `write` does.
        """
        try:
            if self._file >= 0:
                self._end_segment()
        except OSError as error:
            self._fail(error)
        finally:
            if self._compressing is not None:
                self._compressing.join()

    def __enter__(self) -> SegmentWriter:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _segment(self, seq: int) -> Path:
        return self.folder / f"node-{self._node_id}-{seq:020}.jsonl"

    def _open(self, seq: int) -> None:
        self._path = self._segment(seq)
        # A file of this name has no whole record, or the number would be a later one.
        self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        self._size, self._began = 0, self._clock()
        first = header(f"raftbare (Python) {raftbare.__version__}", cluster=self._cluster)
        self._head = len(first)
        self._put(first)
        if self._sync != NEVER:
            _sync_folder(self.folder)

    def _write_held(self) -> None:
        if self._held:
            self._put(self._held[0] if len(self._held) == 1 else b"".join(self._held))
            self._held.clear()
            self._held_size = 0
            self._failed, self._retrying = None, False
            if self._sync == RECORD:
                os.fsync(self._file)

    def _put(self, data: bytes) -> None:
        at = os.write(self._file, data)
        while at < len(data):
            at += os.write(self._file, data[at:])
        self._size += len(data)

    def _end_segment(self) -> None:
        self._write_held()
        if self._sync != NEVER and not self._compress:
            os.fsync(self._file)  # else what it becomes is synced, by the thread that compresses
        os.close(self._file)
        self._file = -1
        self._compress_later([self._path])

    def _fail(self, error: OSError) -> None:
        """Keep nothing more, and leave no part of what could not be written whole."""
        self.lost += len(self._held)
        self._held.clear()
        self._held_size = 0
        if self._file >= 0:
            with suppress(OSError):
                os.ftruncate(self._file, self._size)
            with suppress(OSError):
                os.close(self._file)
            self._file = -1
            if self._size <= self._head:
                with suppress(OSError):
                    self._path.unlink()  # it has no record
        known, self._failed = self._failed, error
        self._failed_at, self._retrying = self._clock(), False
        if self._on_error is None:
            raise error
        if known is None:
            self._on_error(error)

    def _compress_later(self, paths: list[Path]) -> None:
        if self._compress and paths:
            self._compressing = Thread(target=_compress_all, args=(paths, self._compressing))
            self._compressing.start()


def segments(folder: Path, node_id: NodeId) -> list[Path]:
    """The segments of a node in a folder, in their order; of one in two forms the plain first."""
    found: list[tuple[int, str, Path]] = []
    for path in folder.iterdir():
        match = NAME.fullmatch(path.name)
        if match is not None and int(match[1]) == node_id:
            found.append((int(match[2]), path.name, path))
    return [path for _, _, path in sorted(found)]


def _sync_folder(folder: Path) -> None:
    """So that a new file is found after a crash of the machine.  Not every system can do that."""
    with suppress(OSError):
        opened = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


def _last_seq(path: Path) -> int:
    """The number of the last whole record in the segment; of none, the one before its name's."""
    match = NAME.fullmatch(path.name)
    last, count = b"", 0
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            for line in file:
                if line.endswith(b"\n"):
                    last, count = line, count + 1
        if count > 1:
            seq: int = json.loads(last)["seq"]
            return seq
    except (EOFError, ValueError, LookupError, TypeError, zlib.error, gzip.BadGzipFile) as error:
        raise SegmentError(
            f"{path}, line {count}: {error!r}; expected records of a trace, the last with a seq"
        ) from None
    return int(match[2]) - 1 if match is not None else 0


def _compress_all(paths: list[Path], before: Thread | None) -> None:
    """An error of the disk leaves the plain file, and nothing else."""
    if before is not None:
        before.join()
    for path in paths:
        target = path.with_name(path.name + ".gz")
        temporary = path.with_name(f".{target.name}.tmp")
        with suppress(OSError):
            try:
                _compress(path, temporary)
                os.replace(temporary, target)
                path.unlink()
            finally:
                temporary.unlink(missing_ok=True)


def _compress(path: Path, target: Path) -> None:
    """All whole lines: what a crash has left of one is no record."""
    with path.open("rb") as source, target.open("wb") as file:
        with gzip.GzipFile("", "wb", 6, file, 0) as archive:
            for line in source:
                if line.endswith(b"\n"):
                    archive.write(line)
        file.flush()
        os.fsync(file.fileno())
