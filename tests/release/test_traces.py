"""The traces that are kept: healthy ones conform, broken ones show what they are kept for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from conformance.audit.run import audit
from conformance.mutants.planted.catalogue import CATALOGUE, UNRECORDED
from conformance.release.collection import EXPECTED, verify_traces
from conformance.release.golden import GOLDEN, record_golden
from conformance.simulation.replay import replay

TRACES = Path(__file__).parents[2] / "traces"


@pytest.mark.parametrize("part", ["golden", "violations"])
def test_every_trace_is_judged_as_expected(part: str) -> None:
    verified, complaints = verify_traces(TRACES / part)
    assert complaints == []
    assert len(verified) >= 7
    wrong = [
        f"{trace.path}: {trace.report.problems}" for trace in verified if not trace.as_expected
    ]
    assert wrong == []


def test_there_is_a_trace_of_each_healthy_profile_and_of_each_mutant() -> None:
    assert {mutant.name for mutant in CATALOGUE} > UNRECORDED
    for part, names in (
        ("golden", set(GOLDEN)),
        ("violations", {mutant.name for mutant in CATALOGUE} - UNRECORDED),
    ):
        expected = json.loads((TRACES / part / EXPECTED).read_text(encoding="utf-8"))
        assert {name.split(".")[0] for name in expected} == names


@pytest.mark.parametrize(
    "path", sorted((TRACES / "golden").glob("*.jsonl.gz")), ids=lambda p: p.name
)
def test_specification_and_library_still_agree_on_golden_events(path: Path) -> None:
    report = replay(path)
    assert report.difference is None
    assert report.events > 100


@pytest.mark.parametrize("name", GOLDEN)
def test_a_golden_trace_is_made_anew_byte_by_byte(name: str, tmp_path: Path) -> None:
    """So it has seen what it is kept for."""
    path = tmp_path / f"{name}.jsonl.gz"
    record_golden(path, name)
    assert path.read_bytes() == (TRACES / "golden" / path.name).read_bytes()


@pytest.mark.parametrize("name", GOLDEN)
def test_a_golden_trace_is_enough_for_the_safety_level(name: str) -> None:
    """It commits, so that each of the four safety properties has something to compare."""
    report = audit([TRACES / "golden" / f"{name}.jsonl.gz"], "safety", complete=True)
    assert report.problems == []
    assert report.verdict == "conforms"
