"""The verdict on recordings: what was not compared is no "conforms"."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.audit.run import audit
from spec import values as v
from tests.support.recordings import foreign, written
from tests.support.tape import Tape

FOUR = ["ElectionSafety", "LogMatching", "LeaderCompleteness", "StateMachineSafety"]
GOLDEN = sorted((Path(__file__).resolve().parents[2] / "traces" / "golden").glob("*.jsonl*"))


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.name)
def test_the_golden_traces_conform_at_the_safety_level(path: Path) -> None:
    for complete in (False, True):
        report = audit([path], "safety", complete=complete)
        assert (report.problems, report.unjudged) == ([], {})
        # In some of them nothing is ever committed.
        assert set(report.never_compared) <= {"StateMachineSafety"}
        assert report.verdict == ("inconclusive" if report.never_compared else "conforms")


def test_where_nothing_happens_nothing_is_compared(tmp_path: Path) -> None:
    path = written(tmp_path / "trace.jsonl", Tape().add(0, v.Start()).records, "another 1.0")
    report = audit([path])
    assert (report.verdict, report.never_compared) == ("inconclusive", FOUR)


def test_one_follower_alone(tmp_path: Path, tape: Tape) -> None:
    """No log of a leader is in its recording: LeaderCompleteness is not judged."""
    own = [record for record in tape.records if record.node == 1]
    report = audit([written(tmp_path / "1.jsonl", own, "another 1.0")])
    assert (report.verdict, report.never_compared) == ("inconclusive", ["LeaderCompleteness"])
    rest = [record for record in tape.records if record.node != 1]
    report = audit([tmp_path / "1.jsonl", written(tmp_path / "2.jsonl", rest, "another 1.0")])
    assert (report.verdict, report.never_compared) == ("conforms", [])


def test_the_only_server_of_a_cluster(tmp_path: Path) -> None:
    """Its log is compared with what it was asked for."""
    tape = Tape().drive(v.Start(), v.CreateCluster(frozenset({1})), v.ProposeCommand())
    tape.drive(v.Heartbeat())
    report = audit([written(tmp_path / "trace.jsonl", tape.records, "another 1.0")])
    assert (report.verdict, report.never_compared) == ("conforms", [])
    assert report.checked["safety LogMatching"] == 2


def test_a_violation_stays_one_where_something_was_not_compared(tmp_path: Path) -> None:
    records = Tape().add(0, v.Start(), current_term=5, commit_index=7).records
    report = audit([written(tmp_path / "trace.jsonl", records, "another 1.0")])
    assert (report.verdict, report.never_compared) == ("violation", FOUR)


def test_the_exact_level_compares_all(tmp_path: Path) -> None:
    path = written(tmp_path / "trace.jsonl", Tape().drive(v.Start()).records)
    report = audit([path])
    assert (report.verdict, report.never_compared) == ("conforms", [])


@pytest.mark.parametrize("level", ["exact", "safety"])
def test_a_cut_file_is_inconclusive_and_violations_stay(level: str, tmp_path: Path) -> None:
    tape = Tape().drive(v.Start(), v.CreateCluster(frozenset({1})), v.ProposeCommand())
    for wrong, verdict in ((False, "inconclusive"), (True, "violation")):
        if wrong:
            tape.drive(v.Heartbeat())
            tape.records[1].state = tape.records[1].state._replace(commit_index=1, current_term=0)
        path = written(tmp_path / "trace.jsonl", tape.records)
        path.write_bytes(path.read_bytes()[:-9])
        report = audit([path], "exact" if level == "exact" else "safety")
        assert (report.verdict, report.files[0].cut) == (verdict, True)


def test_states_alone_show_three_committed_entries_at_one_index() -> None:
    report = audit([foreign("three-committed-entries-at-one-index.jsonl")])
    found = [(problem.property, problem.node, problem.seq) for problem in report.problems]
    assert report.verdict == "violation"
    assert found == [("CommittedEntriesStay", 0, 3), ("StateMachineSafety", 1, 2)]


def test_what_was_left_open_is_told_with_its_reason(tmp_path: Path, tape: Tape) -> None:
    for record in tape.records:
        record.actions = None
    report = audit([written(tmp_path / "trace.jsonl", tape.records, "another 1.0")])
    told = report.as_json()["unjudged"]
    assert (report.verdict, report.never_compared) == ("conforms", [])
    assert isinstance(told, dict)
    assert {"CommittedOnQuorum", "ElectedByQuorum"} <= set(told)
