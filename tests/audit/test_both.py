"""`--level both`: the two levels over all kept recordings, and a disagreement that is planted."""

from __future__ import annotations

import json
import os
from functools import cache, partial
from pathlib import Path

import pytest
from typer.testing import CliRunner

from conformance.audit import run
from conformance.audit.both import BothReport, audit_both
from conformance.audit.exact import ExactAudit
from conformance.cli.app import app
from conformance.mutants.planted.in_both import IN_BOTH
from tests.support.recordings import CRATE, crate, foreign

TRACES = Path(__file__).parents[2] / "traces"
GOLDEN = sorted((TRACES / "golden").glob("*.jsonl.gz"))
VIOLATIONS = sorted((TRACES / "violations").glob("*.jsonl"))
CRATES = sorted(path.name for path in CRATE.glob("crate-*"))
HEALTHY, DEPARTS = GOLDEN[0], TRACES / "violations" / "index-only-vote.jsonl"
BROKEN = TRACES / "violations" / "vote-not-persisted.jsonl"


@cache
def judged(path: Path) -> BothReport:
    return audit_both([path], complete=True)


def short(path: Path) -> str:
    return path.name.partition(".")[0]


@pytest.mark.parametrize("path", GOLDEN, ids=short)
def test_what_is_healthy_is_so_at_both(path: Path) -> None:
    report = judged(path)
    assert (report.exact.verdict, report.safety.verdict) == ("conforms", "conforms")
    assert (report.agreement, report.verdict) == ("agree", "conforms")


@pytest.mark.parametrize("path", VIOLATIONS, ids=short)
def test_what_is_broken_departs_and_may_be_ruled_out_by_raft(path: Path) -> None:
    report = judged(path)
    assert report.agreement == ("agree" if report.safety.problems else "departure_only")
    assert report.verdict == "violation"


@pytest.mark.parametrize("name", CRATES)
def test_recordings_of_the_original_crate(name: str) -> None:
    assert judged(crate(name)).agreement != "disagree"


def test_both_ways_of_departing_are_among_the_kept_ones() -> None:
    found = {judged(path).agreement for path in VIOLATIONS}
    assert found == {"agree", "departure_only"}


def test_a_specification_that_is_wrong_is_a_disagreement(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes the same mistake for right that the recorded library makes."""
    rule = IN_BOTH["vote-not-persisted"].rule()
    monkeypatch.setattr(run, "ExactAudit", partial(ExactAudit, rule))
    report = audit_both([BROKEN], fast=False)
    assert (report.exact.verdict, report.safety.verdict) == ("conforms", "violation")
    assert (report.agreement, report.verdict) == ("disagree", "violation")
    result = CliRunner().invoke(
        app, ["audit", "--level", "both", "--no-fast-path", "--no-page", str(BROKEN)]
    )
    assert result.exit_code == 1
    assert "the levels DISAGREE" in result.output


def test_another_format_has_no_exact_level() -> None:
    report = audit_both([foreign("etcd-basic-election.ndjson")])
    assert (report.exact.verdict, report.safety.verdict) == ("bad_input", "conforms")
    assert (report.agreement, report.verdict) == ("not_compared", "bad_input")


@pytest.mark.parametrize(
    ("path", "code", "said"),
    [
        (HEALTHY, 0, "the levels agree"),
        (DEPARTS, 1, "no disagreement"),
        (TRACES / "none.jsonl", 2, "could not judge"),
    ],
    ids=["healthy", "departs", "missing"],
)
def test_what_the_command_says(path: Path, code: int, said: str) -> None:
    result = CliRunner().invoke(app, ["audit", "--level", "both", "--no-page", str(path)])
    assert result.exit_code == code
    assert said in result.output


def test_the_worse_of_both_is_the_verdict(tmp_path: Path) -> None:
    """Two records of which the safety level has nothing to compare."""
    short = tmp_path / "short.jsonl"
    short.write_text("".join(DEPARTS.read_text().splitlines(keepends=True)[:3]))
    report = audit_both([short])
    assert (report.exact.verdict, report.safety.verdict) == ("conforms", "inconclusive")
    assert (report.agreement, report.verdict) == ("agree", "inconclusive")


def test_json_has_both_reports() -> None:
    result = CliRunner().invoke(app, ["audit", "--level", "both", "--json", str(HEALTHY)])
    told = json.loads(result.output)
    assert (told["verdict"], told["agreement"]) == ("conforms", "agree")
    for level in ("exact", "safety"):
        assert {file["level"] for file in told[level]["files"]} == {level}


def test_bytes_of_both_passes_are_told() -> None:
    told: list[int] = []
    audit_both([HEALTHY], told.append)
    assert told == sorted(told)
    assert told[-1] > HEALTHY.stat().st_size


def test_a_pipe_is_refused(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    result = CliRunner().invoke(app, ["audit", "--level", "both", str(pipe)])
    assert result.exit_code == 2
    assert "cannot be read twice" in result.output
