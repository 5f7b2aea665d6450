"""Segments on the disk: rotated, compressed, continued after a crash; and a full disk."""

from __future__ import annotations

import errno
import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest

import raftbare as rb
from conformance.audit.run import audit
from raftbare.recorder import RecordedNode, SegmentError, SegmentWriter

ZERO = rb.NodeId(0)


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def lines(path: Path) -> list[dict[str, Any]]:
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return [json.loads(line) for line in data.splitlines()]


def records(folder: Path) -> list[dict[str, Any]]:
    return [line for path in sorted(folder.iterdir()) for line in lines(path)[1:]]


def leader(writer: SegmentWriter) -> RecordedNode:
    node = RecordedNode.start(ZERO, to=writer)
    node.create_cluster([ZERO])
    drain(node)
    return node


def restarted(node: RecordedNode, writer: SegmentWriter) -> RecordedNode:
    log, term, vote = node.log, node.current_term, node.voted_for
    again = RecordedNode.restart(ZERO, current_term=term, voted_for=vote, log=log, to=writer)
    drain(again)
    again.handle_election_timeout()
    drain(again)
    return again


def drain(node: RecordedNode) -> None:
    for _ in node.actions:
        pass


def propose(node: RecordedNode, times: int = 1) -> None:
    for _ in range(times):
        node.propose_command()
        drain(node)


@pytest.mark.parametrize("compress", [True, False])
def test_a_full_segment_ends_and_the_next_begins_with_a_checkpoint(
    compress: bool, tmp_path: Path
) -> None:
    with SegmentWriter(tmp_path / "new", ZERO, max_bytes=2000, compress=compress) as writer:
        propose(leader(writer), 40)
    paths = sorted((tmp_path / "new").iterdir())
    assert len(paths) > 4
    ends = ".jsonl.gz" if compress else ".jsonl"
    assert all(path.name.endswith(ends) for path in paths)
    for path in paths[1:]:
        head, first, *_ = lines(path)
        assert head["format"] == "raftbare-trace"
        assert first["event"]["kind"] == "checkpoint"
        assert path.name == f"node-0-{first['seq']:020}{ends}"
        assert audit([path]).problems == []
        assert len(lines(path)) < 12
    seqs = [record["seq"] for record in records(tmp_path / "new")]
    assert seqs == list(range(1, len(seqs) + 1))
    assert writer.lost == 0


def test_a_segment_ends_with_its_time(tmp_path: Path) -> None:
    clock = Clock()
    with SegmentWriter(tmp_path, ZERO, max_age=60, clock=clock, cluster="orders") as writer:
        node = leader(writer)
        propose(node, 3)
        assert len(list(tmp_path.iterdir())) == 1
        clock.now -= 1000  # a clock that goes backwards puts it off, and no more
        propose(node)
        clock.now += 1060
        propose(node, 2)
    one, two = sorted(tmp_path.iterdir())
    assert lines(one)[0]["cluster"] == "orders"
    assert [line["event"]["kind"] for line in lines(two)[1:]] == ["checkpoint", "propose_command"]


@pytest.mark.parametrize("torn", [b"", b'{"node":0,"se', b'{"node":0,"seq":9}'])
@pytest.mark.parametrize("compress", [True, False])
def test_a_restart_goes_on_where_the_file_ended(
    torn: bytes, compress: bool, tmp_path: Path
) -> None:
    writer = SegmentWriter(tmp_path, ZERO, compress=compress)
    node = leader(writer)
    propose(node, 3)
    [path] = tmp_path.iterdir()
    last = records(tmp_path)[-1]["seq"]
    with path.open("ab") as file:  # the process has died, which is what no writer can tell
        file.write(torn)
    with SegmentWriter(tmp_path, ZERO, compress=compress) as writer:
        propose(restarted(node, writer))
    one, two = sorted(tmp_path.iterdir())
    found = lines(two)[1:]
    assert [line["event"]["kind"] for line in found] == [
        "restart",
        "election_timeout",
        "propose_command",
    ]
    assert found[0]["seq"] == last + 1
    assert "state" in found[0]
    assert audit([two]).problems == []
    if compress:
        assert lines(one)[-1]["seq"] == last  # without what was torn


def test_a_crash_before_the_first_record_leaves_no_number_out(tmp_path: Path) -> None:
    for torn in (b"", b'{"format":"raftba', b'{"format":"raftbare-trace"}\n{"node"'):
        (tmp_path / f"node-0-{7:020}.jsonl").write_bytes(torn)
        (tmp_path / f"node-1-{9:020}.jsonl").write_bytes(torn)  # another's
        assert SegmentWriter(tmp_path, ZERO, compress=False).next_seq == 7


def test_a_segment_without_a_record_is_begun_anew(tmp_path: Path) -> None:
    with SegmentWriter(tmp_path, ZERO) as writer:
        node = leader(writer)
    begun = tmp_path / f"node-0-{writer.next_seq:020}.jsonl"
    begun.write_bytes(b'{"format":"raftbare-trace","version":1}\n{"node":0,')
    with SegmentWriter(tmp_path, ZERO) as writer:
        propose(restarted(node, writer), 5)
    seqs = [record["seq"] for record in records(tmp_path)]
    assert seqs == list(range(1, writer.next_seq))
    assert audit([tmp_path]).verdict == "conforms"


def test_what_was_held_in_a_buffer_is_a_gap_after_a_crash(tmp_path: Path) -> None:
    node = leader(SegmentWriter(tmp_path, ZERO, buffer=1500, compress=False))
    propose(node, 12)
    kept = records(tmp_path)
    assert 0 < len(kept) < 14
    with SegmentWriter(tmp_path, ZERO, buffer=1500, compress=False) as writer:
        again = restarted(node, writer)
        writer.flush()
        assert records(tmp_path)[len(kept)]["seq"] == kept[-1]["seq"] + 2
        propose(again)
    assert records(tmp_path)[-1]["seq"] == again.next_seq - 1
    assert audit([sorted(tmp_path.iterdir())[1]]).problems == []


@pytest.mark.parametrize(
    "content", [b'{"format":1}\nnonsense\n', b"{}\n{}\n", b"{}\n[]\n", b"{}\n\xff\n"]
)
def test_a_segment_that_is_none_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / f"node-0-{7:020}.jsonl").write_bytes(content)
    with pytest.raises(SegmentError, match=r"node-0-0*7\.jsonl, line 2: .*expected records"):
        SegmentWriter(tmp_path, ZERO)
    (tmp_path / f"node-0-{8:020}.jsonl.gz").write_bytes(gzip.compress(b"{}\n")[:-9])
    with pytest.raises(SegmentError, match=r"node-0-0*8\.jsonl\.gz"):
        SegmentWriter(tmp_path, ZERO)


@pytest.mark.parametrize(
    "wrong", [{"max_bytes": 0}, {"max_age": 0}, {"buffer": -1}, {"sync": "sometimes"}]
)
def test_settings_that_cannot_be_are_refused(wrong: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(wrong))}="):
        SegmentWriter(tmp_path / "none", ZERO, **wrong)
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("sync", ["never", "rotation", "record"])
def test_files_are_synced_as_often_as_is_asked(
    sync: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced = []
    monkeypatch.setattr(os, "fsync", lambda file: synced.append(os.fstat(file).st_ino))
    with SegmentWriter(tmp_path, ZERO, sync=sync, compress=False) as writer:
        propose(leader(writer), 5)
        [path] = tmp_path.iterdir()
        before = synced.count(path.stat().st_ino)
    after = synced.count(path.stat().st_ino)
    assert (before, after) == {"never": (0, 0), "rotation": (0, 1), "record": (6, 7)}[sync]


def test_inputs_without_a_drain_are_written_with_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with SegmentWriter(tmp_path, ZERO) as writer:
        node = leader(writer)
        [path] = tmp_path.iterdir()
        before, log = path.stat().st_size, node.log.copy()
        for _ in range(3):
            node.propose_command()
        assert path.stat().st_size == before
        next(node.actions)
        written = next(node.actions)
        assert isinstance(written, rb.AppendLogEntries)
        for entry in written.entries:  # and here the process dies, which costs three records
            log.entries.push(entry)
    with SegmentWriter(tmp_path, ZERO) as writer:
        term, vote = node.current_term, node.voted_for
        again = RecordedNode.restart(ZERO, current_term=term, voted_for=vote, log=log, to=writer)
        drain(again)
        again.handle_election_timeout()
        drain(again)
        writes, real = [], os.write

        def noted(file: int, data: bytes) -> int:
            writes.append(data)
            return real(file, data)

        monkeypatch.setattr(os, "write", noted)
        for _ in range(3):
            again.propose_command()
        drain(again)
        assert [data.count(b"\n") for data in writes] == [3]
        for _ in range(1000):  # no more is held than some
            again.propose_command()
        assert 64 * 2**10 < len(writes[1]) < 70 * 2**10
    for level in ("exact", "safety"):
        report = audit([tmp_path], level)
        assert (report.problems, report.missing, report.verdict) == ([], [], "conforms")


class Disk:
    """A disk that takes so many more bytes, and then is full."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, room: int) -> None:
        self.room = room
        self.real = os.write
        monkeypatch.setattr(os, "write", self.write)

    def write(self, file: int, data: bytes) -> int:
        if self.room <= 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        written = self.real(file, bytes(data[: self.room]))
        self.room -= written
        return written


def test_on_a_full_disk_the_node_stops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = Disk(monkeypatch, 3000)
    writer = SegmentWriter(tmp_path, ZERO, compress=False)
    node = leader(writer)
    with pytest.raises(OSError, match="No space left"):
        propose(node, 20)
    taken = node.log.last_position
    with pytest.raises(OSError, match="No space left"):  # whoever goes on is told again
        propose(node)
    disk.room = 10**6
    kept = records(tmp_path)  # each line is whole
    assert [record["seq"] for record in kept] == list(range(1, len(kept) + 1))
    assert audit(tmp_path.iterdir()).problems == []
    with SegmentWriter(tmp_path, ZERO, compress=False) as writer:
        again = restarted(node, writer)
    assert again.log.last_position.index >= taken.index
    assert records(tmp_path)[len(kept)]["seq"] == kept[-1]["seq"] + 1


def test_on_a_full_disk_the_node_goes_on_unrecorded_and_the_gap_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk, clock = Disk(monkeypatch, 3000), Clock()
    told: list[OSError] = []
    with SegmentWriter(tmp_path, ZERO, clock=clock, on_error=told.append) as writer:
        node = leader(writer)
        propose(node, 20)
        assert [error.errno for error in told] == [errno.ENOSPC]
        lost = writer.lost
        clock.now += 0.5
        propose(node, 2)
        assert writer.lost == lost + 2
        clock.now += 0.6
        propose(node)  # a second later it tries again, in vain
        assert writer.lost == lost + 4  # the checkpoint, too
        assert len(told) == 1
        disk.room = 10**6
        clock.now += 1.1
        propose(node, 3)
        assert writer.lost == lost + 5
    found = records(tmp_path)
    at = next(at for at, record in enumerate(found) if record["event"]["kind"] == "checkpoint")
    assert found[at]["seq"] == found[at - 1]["seq"] + writer.lost + 1
    assert [record["event"]["kind"] for record in found[at + 1 :]] == 2 * ["propose_command"]
    assert [audit([path]).problems for path in sorted(tmp_path.iterdir())] == [[], []]


def test_a_full_disk_leaves_what_could_not_be_compressed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:

        def full(*_: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        patched.setattr(os, "replace", full)
        with SegmentWriter(tmp_path, ZERO) as writer:
            propose(leader(writer), 3)
    [path] = tmp_path.iterdir()
    assert path.suffix == ".jsonl"
    before = lines(path)
    SegmentWriter(tmp_path, ZERO).close()  # the next one does it
    [path] = tmp_path.iterdir()
    assert path.name.endswith(".jsonl.gz")
    assert lines(path) == before
