"""Recordings in many files: any split of them, in any order, is judged as the whole is."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterable
from concurrent.futures import Executor, Future
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.audit.run import AuditReport, Missing, audit
from conformance.observe.verdicts import AuditLevel
from conformance.workers.pool import Workers
from tests.audit.recordings import NODES, Whole, broken, told, write

WHOLE = Whole.of(3)
WHOLES = {"good": WHOLE, "broken": broken(3)}


def judgement(report: AuditReport) -> dict[str, object]:
    plain = report.as_json()
    return {name: plain[name] for name in plain if name not in ("files", "judged", "seconds")}


@pytest.fixture(scope="module", params=WHOLES)
def whole(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    recording = WHOLES[request.param]
    path = tmp_path_factory.mktemp("whole") / "all.jsonl"
    write(path, (line for own in recording.lines.values() for line in own))
    judged = {level: judgement(audit([path], level)) for level in ("exact", "safety")}
    expected = "conforms" if request.param == "good" else "violation"
    assert judged["exact"]["verdict"] == expected
    if expected == "violation":
        assert judged["safety"]["verdict"] == expected
    return recording, judged


class Elsewhere(Executor):
    """Another process, as far as what goes there and comes back is concerned."""

    def __init__(self) -> None:
        self.tasks = 0

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.tasks += 1
        future: Future[Any] = Future()
        there = pickle.loads(pickle.dumps((fn, args, kwargs)))
        future.set_result(pickle.loads(pickle.dumps(there[0](*there[1], **there[2]))))
        return future


@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_no_split_and_no_order_changes_what_is_found(
    whole: Any, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    recording, judged = whole
    folder = tmp_path_factory.mktemp("split")
    pieces: list[list[bytes]] = []
    for node, own in recording.lines.items():
        cuts = sorted(data.draw(st.sets(st.sampled_from(recording.starts(node)), max_size=4)))
        pieces += [own[a:b] for a, b in zip([0, *cuts], [*cuts, len(own)], strict=True)]
    suffixes = st.sampled_from(("", ".gz", ".zst"))
    paths = [
        write(folder / f"{at}.jsonl{data.draw(suffixes)}", piece)
        for at, piece in enumerate(data.draw(st.permutations(pieces)))
    ]
    given_paths = [folder] if data.draw(st.booleans()) else data.draw(st.permutations(paths))
    levels: tuple[AuditLevel, ...] = ("exact", "safety")
    level = data.draw(st.sampled_from(levels))
    elsewhere = data.draw(st.none() | st.builds(Elsewhere))
    workers = None if elsewhere is None else Workers(elsewhere, 1)
    report = audit(given_paths, level, workers=workers)
    assert judgement(report) == judged[level]
    if elsewhere is not None and len(paths) > 1:
        assert elsewhere.tasks == (NODES if level == "exact" else 0)
    assert len(report.files) == len(paths)


def split(folder: Path, node: int, at: Iterable[int] = (), suffix: str = ".jsonl") -> list[Path]:
    """The segments of a node, begun at some of the records at which one may."""
    own, starts = WHOLE.lines[node], WHOLE.starts(node)
    cuts = [0, *(starts[place] for place in at), len(own)]
    return [write(folder / f"node-{node}-{a + 1:020}{suffix}", own[a:b]) for a, b in pairwise(cuts)]


def test_what_is_missing_between_is_told_and_keeps_it_from_conforming(tmp_path: Path) -> None:
    for node in (0, 2):
        split(tmp_path, node)
    one, two, three = split(tmp_path, 1, (0, 2))
    first, last = (int(path.name.split("-")[2].split(".")[0]) for path in (two, three))
    two.unlink()
    for level in ("exact", "safety"):
        report = audit([tmp_path], level)
        assert report.missing == [Missing(1, first, last - 1, True)]
        assert (report.verdict, report.problems) == ("inconclusive", [])
        assert report.events == sum(map(len, WHOLE.lines.values())) - (last - first)
    one.unlink()
    report = audit([tmp_path])
    assert report.missing == [Missing(1, 1, last - 1, False)]
    assert report.verdict == "conforms"  # it begins later, and all of it is judged


def test_what_was_durable_before_a_gap_is_durable_after_it(tmp_path: Path) -> None:
    """Of what lies between nothing is known, but no crash explains this."""
    first = WHOLE.lines[1][: WHOLE.starts(1)[3]]
    lines = list(first)
    restart = next(line for line in WHOLE.lines[1][1:] if b'"kind":"restart"' in line)
    record = json.loads(restart)
    record["seq"] = len(lines) + 5
    record["event"] |= {"current_term": 0, "voted_for": None}
    record["event"]["log"] |= {"entries": [], "snapshot_position": {"term": 0, "index": 0}}
    lost = write(tmp_path / "later.jsonl", [json.dumps(record).encode() + b"\n"])
    report = audit([lost, write(tmp_path / "first.jsonl", lines)])
    assert report.verdict == "violation"
    assert [(one.property, one.seq) for one in report.problems] == [
        ("RestartFromDisk", record["seq"])
    ]


def test_a_member_that_is_not_recorded_is_told(tmp_path: Path) -> None:
    split(tmp_path, 0)
    split(tmp_path, 1)
    report = audit([tmp_path])
    assert set(report.unrecorded) - {9} == {2}
    assert report.verdict == "conforms"


@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz"])
def test_what_is_cut_off_and_follows_is_no_gap(suffix: str, tmp_path: Path) -> None:
    """A writer that was killed leaves half a line, and the next one goes on after it."""
    one, two = split(tmp_path, 0, (1,), suffix)
    if suffix == ".jsonl":
        one.write_bytes(one.read_bytes() + b'{"node":0,"se')
    else:
        one.write_bytes(one.read_bytes()[:-4])  # all lines are there, the check sum is not
    report = audit([tmp_path])
    assert [(file.cut, file.continued) for file in report.files] == [(True, True), (False, False)]
    assert report.verdict == "conforms"
    two.unlink()
    assert audit([tmp_path]).verdict == "inconclusive"


def test_a_segment_that_is_just_begun_says_nothing_yet(tmp_path: Path) -> None:
    split(tmp_path, 0)
    begun = tmp_path / "node-0-00000000000000009999.jsonl"
    for content in (b"", told()[:30], told()):
        begun.write_bytes(content)
        assert audit([tmp_path]).verdict == "conforms"
    begun.write_bytes(b"")
    assert audit([begun]).verdict == "bad_input"  # who names it means it


def test_a_compressed_segment_takes_the_place_of_the_plain_one(tmp_path: Path) -> None:
    [plain] = split(tmp_path, 0)
    write(tmp_path / (plain.name + ".gz"), WHOLE.lines[0])
    write(tmp_path / f".{plain.name}.gz.tmp", WHOLE.lines[0][:2])
    [file] = audit([tmp_path]).files
    assert file.path.endswith(".gz")
    plain.unlink()
    [file] = audit([plain]).files  # as it does while an audit runs
    assert (file.events, file.error) == (len(WHOLE.lines[0]), None)


def test_patterns_and_folders_within(tmp_path: Path) -> None:
    for node in range(NODES):
        (tmp_path / f"host{node}").mkdir()
        split(tmp_path / f"host{node}", node, (0,))
    (tmp_path / "host0" / "notes.txt").write_text("not a recording")
    for meant in (tmp_path, tmp_path / "host*" / "*.jsonl"):
        report = audit([meant])
        assert (len(report.files), report.verdict) == (2 * NODES, "conforms")
    report = audit([tmp_path / "*.none"])
    assert (report.verdict, len(report.files)) == ("bad_input", 1)
    (tmp_path / "empty").mkdir()
    report = audit([tmp_path / "empty"])
    assert report.verdict == "bad_input"
    assert "without recordings" in str(report.files[0].error)


def test_two_recorders_of_one_node_are_refused(tmp_path: Path) -> None:
    """In whatever order they are given, and only the one that is too many."""
    split(tmp_path, 0)
    paths = split(tmp_path, 1, (1, 3))
    start = WHOLE.starts(1)[1]
    other = write(tmp_path / "other.jsonl", WHOLE.lines[1][start : start + 4])
    for given_paths in ([*paths, other], [other, *paths]):
        report = audit(given_paths)
        assert report.verdict == "bad_input"
        [error] = [file.error for file in report.files if file.error is not None]
        assert "node 1 is in " in error
        assert error.startswith(str(other))
        assert report.events == len(WHOLE.lines[1])


def test_a_segment_of_another_cluster_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", WHOLE.lines[0], "orders")
    write(tmp_path / "b.jsonl", WHOLE.lines[1], "orders")
    write(tmp_path / "c.jsonl", WHOLE.lines[2])  # not said
    assert audit([tmp_path]).verdict == "conforms"
    (tmp_path / "other").mkdir()
    write(tmp_path / "other" / "a.jsonl", WHOLE.lines[2][:1], "payments")
    report = audit([tmp_path])
    assert report.verdict == "bad_input"
    [error] = [file.error for file in report.files if file.error is not None]
    assert error.endswith(
        'other/a.jsonl:1: cluster is "payments"; expected "orders", as in other files'
    )


def test_files_that_cannot_be_put_in_order_are_refused(tmp_path: Path) -> None:
    parts = {}
    for node in (0, 1):
        own, at = WHOLE.lines[node], WHOLE.starts(node)[1]
        parts[node] = own[:at], own[at:]
    write(tmp_path / "a.jsonl", parts[0][0] + parts[1][1])
    write(tmp_path / "b.jsonl", parts[0][1] + parts[1][0])
    report = audit([tmp_path])
    assert report.verdict == "bad_input"
    [error] = [file.error for file in report.files if file.error is not None]
    assert "earlier records than" in error


def test_what_was_found_elsewhere_counts_as_if_it_was_found_here(tmp_path: Path) -> None:
    """A gap, half a line and nodes that are judged at the other level: nothing is lost between."""
    split(tmp_path, 0, (0, 2))[1].unlink()
    [cut] = split(tmp_path, 1)
    cut.write_bytes(cut.read_bytes() + b'{"node":1,"se')
    foreign = told().replace(b"raftbare (Python)", b"another") + b"".join(WHOLE.lines[2])
    (tmp_path / "foreign.jsonl").write_bytes(foreign)
    elsewhere = Elsewhere()
    here, there = audit([tmp_path]), audit([tmp_path], workers=Workers(elsewhere, 1))
    assert elsewhere.tasks == 2
    assert judgement(here) == judgement(there)
    assert here.files == there.files
    assert (len(here.missing), here.verdict) == (1, "inconclusive")
    assert {file.level for file in here.files} == {"exact", "safety"}
