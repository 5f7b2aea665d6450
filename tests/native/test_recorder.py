"""Recordings of the library's recorder, whose records tell what has changed, in many files."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest

from conformance.importers.etcd import Etcd
from conformance.importers.importer import Names
from conformance.observe.verdicts import AuditLevel
from tests.audit.recordings import Whole, broken, told, write
from tests.native.mutated import GOLDEN, lines_of, mutants
from tests.native.test_same_verdicts import LEVELS, said, said_of

WHOLE = Whole.of(5, 150)
MUTANTS = 20


def lines(whole: Whole) -> list[bytes]:
    """Without line feeds, the header first."""
    return [
        line.rstrip() for line in (told(), *(one for own in whole.lines.values() for one in own))
    ]


def put(path: Path, content: list[bytes]) -> Path:
    path.write_bytes(b"\n".join(content) + b"\n")
    return path


def test_they_go_by_the_fast_path(form: str, tmp_path: Path) -> None:
    path = put(tmp_path / "all.jsonl", lines(WHOLE))
    for level in LEVELS:
        (report, judged), without = said(path, level, True), said(path, level, False)[0]
        assert report == without
        assert report["verdict"] == "conforms"
        if level == "exact" or form != "sources":
            assert judged["fast_path"] > WHOLE.count / 3


def test_a_departure_among_them_is_found(form: str, tmp_path: Path) -> None:
    path = put(tmp_path / "all.jsonl", lines(broken(3)))
    for level in LEVELS:
        report = said(path, level, True)[0]
        assert report["verdict"] == "violation"
        assert report == said(path, level, False)[0]


def test_each_untold_change_is_found(form: str, tmp_path: Path) -> None:
    """One field of what has changed is left out, far enough in to be met by the fast path."""
    own = WHOLE.lines[1]
    numbers = [at for at, line in enumerate(own) if b'"changed":{"' in line][20::9]
    assert len(numbers) >= 3
    for at in numbers:
        record = json.loads(own[at])
        record["changed"].popitem()
        line = json.dumps(record, separators=(",", ":")).encode()
        changed = [told().rstrip(), *own[:at], line, *own[at + 1 :]]
        path = put(tmp_path / "one.jsonl", [one.rstrip() for one in changed])
        report = said(path, "exact", True)[0]
        assert report == said(path, "exact", False)[0]
        assert [problem["seq"] for problem in report["violations"]] == [at + 1]


@pytest.mark.parametrize("level", LEVELS)
def test_of_mutated_recordings(form: str, level: AuditLevel, tmp_path: Path) -> None:
    recordings = [[told().rstrip(), *(one.rstrip() for one in own)] for own in WHOLE.lines.values()]
    for number, content in enumerate(mutants(2, MUTANTS, 160, recordings)):
        path = put(tmp_path / "trace.jsonl", content)
        assert said(path, level, True)[0] == said(path, level, False)[0], number


def test_whole_states_among_changes(form: str, tmp_path: Path) -> None:
    """What is skipped with a state is what the next change is of, and the other way round."""
    whole = lines_of(next(path for path in GOLDEN if path.name.startswith("quiet")))[:400]
    before: dict[int, dict[str, object]] = {}
    content, changes = [whole[0]], 0
    for line in whole[1:]:
        record = json.loads(line)
        node, state = record["node"], record["state"]
        if node in before and record["seq"] % 5 in (0, 1) and b'"kind":"restart"' not in line:
            changed = {key: value for key, value in state.items() if before[node].get(key) != value}
            gone = before[node].keys() - state.keys()
            del record["state"]
            record["changed"] = changed | dict.fromkeys(gone)
            changes += 1
        before[node] = state
        content.append(json.dumps(record, separators=(",", ":")).encode())
    # Some are left to the models, whatever they are like, right after some that are skipped.
    for at in range(60, len(content), 7):
        content[at] = json.dumps(json.loads(content[at])).encode()
    path = put(tmp_path / "mixed.jsonl", content)
    assert changes > 50
    for level in LEVELS:
        report = said(path, level, True)[0]
        assert report == said(path, level, False)[0]
        assert not report["violations"]
        assert report["files"][0]["error"] is None


@pytest.mark.parametrize("level", LEVELS)
def test_of_segments(form: str, level: AuditLevel, tmp_path: Path) -> None:
    """Whole, with one missing, with a node missing, and with one that is cut."""
    paths = []
    for node, own in WHOLE.lines.items():
        cuts = [0, *WHOLE.starts(node)[3:40:6], len(own)]
        for number, (a, b) in enumerate(pairwise(cuts)):
            paths.append(write(tmp_path / f"{node}-{number}.jsonl", own[a:b]))
    missing = [path for path in paths if path.name != "1-1.jsonl"]
    unrecorded = [path for path in paths if not path.name.startswith("2")]
    told_missing, told_unrecorded = (
        said_of(some, level, True)[0] for some in (missing, unrecorded)
    )
    assert told_missing["missing"]
    assert told_unrecorded["unrecorded"]
    for some, report in ((missing, told_missing), (unrecorded, told_unrecorded)):
        assert report == said_of(some, level, False)[0]
    assert said_of(paths, level, True)[0] == said_of(paths, level, False)[0]
    cut = tmp_path / "0-1.jsonl"
    cut.write_bytes(cut.read_bytes()[:-20])
    report = said_of(paths, level, True)[0]
    assert report == said_of(paths, level, False)[0]
    assert any(file["cut"] for file in report["files"])


def test_the_limit_on_the_entries_of_a_file(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is met at the same line, though most lines that count towards it are skipped."""
    monkeypatch.setattr("conformance.trace.files.MAX_IN_FILE", 60)
    monkeypatch.setattr("conformance.trace.files.PER_BYTE", 0)
    path = put(tmp_path / "all.jsonl", lines(WHOLE))
    for level in LEVELS:
        report = said(path, level, True)[0]
        assert report == said(path, level, False)[0]
        assert "more than 60 entries" in report["files"][0]["error"]
        assert report["events"] > 30


def test_moments_beside_records(form: str, tmp_path: Path) -> None:
    """The compiled safety level knows none: all is judged by the sources."""
    header = json.loads(told())
    header["capabilities"] = Etcd(Etcd.NAME, Names()).capabilities.model_dump(
        mode="json", exclude_unset=True
    )
    moments = put(tmp_path / "moments.jsonl", [json.dumps(header).encode()])
    trace = put(tmp_path / "all.jsonl", lines(WHOLE))
    for paths in ([moments], [trace, moments]):
        report, judged = said_of(paths, "safety", True)
        assert report == said_of(paths, "safety", False)[0]
        assert judged["fast_path"] == 0
