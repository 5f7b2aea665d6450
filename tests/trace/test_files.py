"""Traces that are as they should be: recorded ones, and those that the writer makes."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest

from conformance.observe.observed import Observed
from conformance.trace import translate as tr
from conformance.trace.files import MAX_LINE, TraceWriter, read
from conformance.trace.model import Record
from conformance.trace.plain import record_line
from conformance.trace.records import records
from spec import rules
from spec import values as v
from spec.pending import NOTHING, owe
from tests.support.recordings import CRATE
from tests.trace.lines import HEADER, STATE, record, text

RECORDS = {
    "crate-3n-double-vote.jsonl": 31,
    "crate-3n-lost-commit-random.jsonl.gz": 313,
    "crate-3n-lost-commit.jsonl": 47,
    "crate-3n-quiet.jsonl.gz": 5992,
    "crate-3n-restarts.jsonl.gz": 10189,
    "crate-5n-lossy.jsonl.gz": 12255,
    "crate-5n-members.jsonl.gz": 9769,
}

FOLLOWER = Observed("follower", 0, None, 0, v.ZERO, v.ZERO, v.NO_CONFIG)
START = record_line(0, 1, v.Start(), None, (), FOLLOWER)


def told_of_acceptance(plain: Any) -> Any:
    """Replies of the crate do not say whether they accept, which is read as that they do."""
    if isinstance(plain, list):
        return [told_of_acceptance(one) for one in plain]
    if not isinstance(plain, dict):
        return plain
    told = {name: told_of_acceptance(value) for name, value in plain.items()}
    return told | {"accepted": True} if plain.get("type") == "append_entries_reply" else told


@pytest.mark.skipif(not CRATE.is_dir(), reason="no shared/traces beside the repository")
@pytest.mark.parametrize("name", RECORDS)
def test_a_recording_is_read_translated_and_written_in_full(name: str) -> None:
    path = CRATE / name
    content = path.read_bytes()
    lines = (gzip.decompress(content) if name.endswith(".gz") else content).splitlines()
    count = 0
    with read(path) as reader:
        assert reader.header.implementation == "raftbare (Rust) 0.2.2"
        for line, record in zip(lines[1:], reader, strict=True):
            assert record.state is not None
            again = record_line(
                record.node,
                record.seq,
                tr.event_to_spec(record.event),
                tr.outcome_to_spec(record.event, record.outcome),
                tr.actions_to_spec(record.actions),
                tr.state_to_spec(record.state),
            )
            assert told_of_acceptance(json.loads(line)) == json.loads(again)
            count += 1
            assert reader.line == count + 1
    assert count == RECORDS[name]


@pytest.mark.parametrize("name", ["trace.jsonl", "trace.jsonl.gz", "trace.JSONL.ZST"])
def test_what_a_file_is_can_be_told_without_its_name(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    with TraceWriter(path, implementation="test", nodes=1) as writer:
        writer.write_line(START)
    magic = {"l": b'{"fo', "z": b"\x1f\x8b\x08\x00", "T": b"\x28\xb5\x2f\xfd"}[name[-1]]
    assert path.read_bytes()[:4] == magic
    renamed = path.rename(tmp_path / "anything.gz")
    assert len(list(read(renamed))) == 1


def test_a_trace_appears_only_when_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "trace"
    path.write_bytes(b"before")
    with TraceWriter(path, implementation="test", nodes=1) as writer:
        writer.write(Record.model_validate_json(START))
        assert path.read_bytes() == b"before"
        assert len(list(tmp_path.iterdir())) == 2
    assert [one.name for one in tmp_path.iterdir()] == ["trace"]
    assert len(list(read(path))) == 1
    writer.close()  # again, to no effect


@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
def test_an_error_leaves_nothing_behind(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"trace{suffix}"
    with (
        pytest.raises(KeyError),
        TraceWriter(path, implementation="test", nodes=1) as writer,
    ):
        writer.write_line(START)
        raise KeyError
    assert not list(tmp_path.iterdir())


def test_a_failure_at_the_end_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*paths: object) -> None:
        raise OSError("full")

    monkeypatch.setattr(os, "replace", fail)
    writer = TraceWriter(tmp_path / "trace", implementation="test", nodes=1)
    with pytest.raises(OSError, match="full"):
        writer.close()
    assert not list(tmp_path.iterdir())


def test_what_no_reader_takes_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="nodes"):
        TraceWriter(tmp_path / "trace", implementation="test", nodes=0)
    with TraceWriter(tmp_path / "trace", implementation="test", nodes=1) as writer:
        with pytest.raises(ValueError, match="no reader takes more"):
            writer.write_line(bytes(MAX_LINE + 1))
        writer.write_line(START)
    assert len(list(read(tmp_path / "trace"))) == 1


def test_a_directory_is_not_replaced(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no regular file"):
        TraceWriter(tmp_path, implementation="test", nodes=1)


def test_the_specification_can_be_recorded_and_read_again(tmp_path: Path) -> None:
    """A node founds a cluster of its own: the shortest life with an outcome and actions."""
    path = tmp_path / "trace"
    before = rules.start(0).node
    event = v.CreateCluster(frozenset({0}))
    step = rules.step(before, event)
    actions, _ = rules.take_all(step.node, owe(NOTHING, step.owed))
    log = step.node.log
    observed = Observed("leader", 1, 0, 0, log.last_position, v.ZERO, log.config, step.node.leader)
    with TraceWriter(path, implementation="spec", nodes=1) as writer:
        writer.write_line(START)
        writer.write_line(record_line(0, 2, event, step.outcome, actions, observed, 0.5))
    _, founded = read(path)
    assert tr.event_to_spec(founded.event) == event
    assert tr.outcome_to_spec(founded.event, founded.outcome) == step.outcome == v.Position(0, 1)
    assert tr.actions_to_spec(founded.actions) == actions
    assert founded.state is not None
    assert tr.state_to_spec(founded.state) == observed


def test_what_has_not_changed_is_as_in_the_record_before(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    leads = {**STATE, "role": "leader", "current_term": 7, "leader": 3, "confirmed": 4}
    changes: list[dict[str, Any]] = [
        {},
        {"commit_index": 2, "last_position": {"term": 7, "index": 2}},
        {"role": "follower", "leader": None, "voted_for": 5, "confirmed": None},
    ]
    lines = [record(3, 1), record(3, 2, "heartbeat", outcome=True, state=leads)]
    for seq, change in enumerate(changes, 3):
        line = record(3, seq, "heartbeat", outcome=True, changed=change)
        del line["state"]
        lines += [line, record(2 * seq, 1)]  # what other nodes show does not matter
    path.write_bytes(text(HEADER, *lines))
    with read(path) as reader:
        states = [found.state for found in records(reader) if found.node == 3]
    shown = states[1]
    assert states[2] == shown
    moved = shown._replace(commit_index=2, last_position=v.Position(7, 2))
    assert states[3] == moved
    follower = moved._replace(role="follower", leader=None, voted_for=5, confirmed=None)
    assert states[4] == follower
