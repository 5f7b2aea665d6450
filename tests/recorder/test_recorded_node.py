"""A recorded node is used as a node is, and its lines tell all of what it did."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

import raftbare as rb
from conformance.audit.run import AuditReport, audit
from raftbare import codec
from raftbare.recorder import RecordedNode, RecorderError, header
from tests.recorder.cluster import Cluster

ZERO, ONE = rb.NodeId(0), rb.NodeId(1)


class Recording:
    """Lines in memory."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.next_seq: dict[rb.NodeId, int] = {}

    def to(self, node_id: rb.NodeId) -> tuple[Callable[[bytes], None], int]:
        def write(line: bytes) -> None:
            self.lines.append(line)
            self.next_seq[node_id] = json.loads(line)["seq"] + 1

        return write, self.next_seq.get(node_id, 1)

    @property
    def plain(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines]

    def judged(self, path: Path, level: Any = None) -> AuditReport:
        path.write_bytes(header(f"raftbare (Python) {rb.__version__}", 3) + b"".join(self.lines))
        return audit([path], level)


def alone(node_id: int = 0) -> tuple[RecordedNode, Recording]:
    """The only server of a cluster, which leads."""
    recording = Recording()
    node = RecordedNode.start(rb.NodeId(node_id), to=recording.to(rb.NodeId(node_id))[0])
    node.create_cluster([rb.NodeId(node_id)])
    for _ in node.actions:
        pass
    assert node.role is rb.Role.LEADER
    return node, recording


def test_it_has_all_that_a_node_has() -> None:
    for name in dir(rb.Node):
        if name.startswith("_") or name in ("start", "restart"):
            continue
        theirs, ours = getattr(rb.Node, name), getattr(RecordedNode, name)
        assert callable(theirs) == callable(ours), name
        if callable(theirs) and not rb.compiled:
            assert inspect.signature(theirs) == inspect.signature(ours), name


@pytest.mark.parametrize("seed", range(6))
def test_whatever_happens_to_it_conforms_at_both_levels(seed: int, tmp_path: Path) -> None:
    random, recording = Random(seed), Recording()
    cluster = Cluster(recording.to)
    cluster.deliver()
    for _ in range(120):
        cluster.anything(random)
    kinds = {line["event"]["kind"] for line in recording.plain}
    assert len(kinds) >= 11, kinds
    assert any("actions" not in line for line in recording.plain)
    assert {"restart", "snapshot_installed", "message", "propose_config"} <= kinds
    exact = recording.judged(tmp_path / "trace.jsonl")
    assert (exact.verdict, exact.problems) == ("conforms", [])
    assert [file.level for file in exact.files] == ["exact"]
    assert exact.events == len(recording.lines)
    assert recording.judged(tmp_path / "trace.jsonl", "safety").problems == []


def test_lines_have_what_the_codec_makes_of_the_same_values() -> None:
    """The text is written at once; the codec's plain values are the format."""
    recording = Recording()
    cluster = Cluster(recording.to)
    cluster.deliver()
    before = {node_id: len(recording.lines) for node_id in cluster.nodes}
    node = cluster.nodes[ZERO]
    position = node.propose_command()
    owed = []
    for action in node.actions:
        owed.append(codec.ACTION.to_plain(codec.Executed.by(node.node, action)))
    line = recording.plain[before[ZERO]]
    assert line["outcome"] == codec.POSITION.to_plain(position)
    assert line["actions"] == owed
    node.checkpoint()
    disk = rb.Disk(node.current_term, node.voted_for, node.log)
    checkpoint = codec.CHECKPOINT.to_plain(codec.Checkpoint.of(node.node, disk))
    assert recording.plain[-1]["event"] == {"kind": "checkpoint", "snapshot": checkpoint}
    assert recording.plain[-1]["state"] == codec.plain_state(node.node)


def test_an_input_is_recorded_when_its_drain_ends_or_the_next_one_comes() -> None:
    node, recording = alone()
    before = len(recording.lines)
    node.propose_command()
    assert len(recording.lines) == before
    node.propose_command()
    assert len(recording.lines) == before + 1
    assert "actions" not in recording.plain[-1]
    assert node.next_seq == before + 2
    for _ in node.actions:
        assert len(recording.lines) == before + 1
    assert len(recording.lines) == before + 2
    assert [action["type"] for action in recording.plain[-1]["actions"]] == [
        "set_election_timeout",
        "append_log_entries",
    ]
    assert [line["seq"] for line in recording.plain] == list(range(1, before + 3))
    assert node.next_seq == before + 3


def test_a_drain_is_recorded_whichever_way_it_is_taken(tmp_path: Path) -> None:
    lines = []
    for way in ("for", "while", "next", "broken off"):
        node, recording = alone()
        node.propose_command()
        assert node.actions  # to ask whether there are any is not to begin
        node.propose_command()
        match way:
            case "for":
                list(node.actions)
            case "while":
                while node.actions:
                    next(node.actions)
            case "next":
                with pytest.raises(StopIteration):
                    while True:
                        next(node.actions)
            case _:
                for _ in node.actions:
                    break
                list(node.actions)
        lines.append(recording.lines)
        assert recording.judged(tmp_path / "trace.jsonl").verdict == "conforms"
    assert lines[0] == lines[1] == lines[2] == lines[3]


def test_a_refusal_is_recorded_and_raised() -> None:
    recording = Recording()
    node = RecordedNode.start(ZERO, to=recording.to(ZERO)[0])
    refused: list[tuple[Callable[[], object], object]] = [
        (node.propose_command, None),
        (lambda: node.propose_config(rb.ClusterConfig([ZERO])), None),
        (lambda: node.create_cluster([ONE]), None),
        (node.heartbeat, False),
        (node.step_down, False),
        (lambda: node.transfer_leadership(ONE), False),
        (node.cancel_transfer, False),
    ]
    for call, _ in refused:
        with pytest.raises(rb.RaftError):
            call()
    list(node.actions)
    assert [line["outcome"] for line in recording.plain[1:]] == [told for _, told in refused]


def test_what_is_no_input_is_not_recorded(tmp_path: Path) -> None:
    node, recording = alone()
    node.propose_command()
    for wrong in (None, 7, "message"):
        with pytest.raises(TypeError):
            node.handle_message(wrong)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        node.create_cluster([None])  # type: ignore[list-item]
    list(node.actions)
    assert recording.plain[-1]["event"] == {"kind": "propose_command"}
    assert recording.plain[-1]["actions"]
    assert recording.judged(tmp_path / "trace.jsonl").verdict == "conforms"


def test_what_no_recording_can_tell_is_refused() -> None:
    node, _ = alone()
    node.propose_command()
    with pytest.raises(RecorderError, match="a checkpoint comes after a drain"):
        node.checkpoint()
    for _ in node.actions:
        with pytest.raises(RecorderError, match="within a drain"):
            node.propose_command()
        with pytest.raises(RecorderError):
            node.checkpoint()
    last = node.log.last_position
    node.node.propose_command()
    with pytest.raises(RecorderError, match="past its recorder"):
        list(node.actions)
    assert node.log.last_position.index == last.index + 1


def test_a_recording_may_begin_at_a_node_that_runs(tmp_path: Path) -> None:
    node, before = alone()
    after = Recording()
    resumed = RecordedNode.resume(node.node, to=after.to(ZERO)[0], seq=node.next_seq)
    for _ in range(3):
        resumed.propose_command()
        list(resumed.actions)
    kinds = [line["event"]["kind"] for line in after.plain]
    assert kinds == ["checkpoint"] + 3 * ["propose_command"]
    assert after.plain[0]["seq"] == before.plain[-1]["seq"] + 1
    judged = after.judged(tmp_path / "trace.jsonl")
    assert (judged.problems, judged.events) == ([], 4)


def test_an_input_past_the_recorder_is_found(tmp_path: Path) -> None:
    """So that a conforming recording says something: one that lacks an input does not conform."""
    node, recording = alone()
    node.node.propose_command()
    list(node.node.actions)
    node.propose_command()
    list(node.actions)
    judged = recording.judged(tmp_path / "trace.jsonl")
    assert judged.verdict == "violation"


def test_the_time_of_a_record_is_the_clocks(tmp_path: Path) -> None:
    recording, times = Recording(), iter((1.5, 2.25))
    node = RecordedNode.start(ZERO, to=recording.to(ZERO)[0], clock=lambda: next(times))
    node.create_cluster([ZERO])
    list(node.actions)
    assert [line["time"] for line in recording.plain] == [1.5, 2.25]
    assert recording.judged(tmp_path / "trace.jsonl").verdict != "bad_input"
