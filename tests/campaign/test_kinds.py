"""Slices of explorations and hunts for planted bugs, as cases of a campaign."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from conformance.campaign import hunts, slices
from conformance.campaign import run as module
from conformance.campaign.case import Case
from conformance.campaign.run import Options, campaign
from conformance.campaign.work import Plan
from conformance.mutants.planted.crate import IN_LIBRARY
from conformance.observe.finding import name_of
from conformance.subjects.mutant import Mutant
from conformance.subjects.patched import patched_library
from tests.campaign.test_campaign import told
from tests.cli.helpers import run
from tests.mutants.test_matrix import ENDLESS, UNSEEN

SLICES = Options(Plan(shrink_seconds=1e9), tasks=1, round=1, kinds=("explore",))
HUNTS = replace(SLICES, kinds=("mutants",))


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tasks of two cases each, and thin slices."""
    monkeypatch.setattr(module, "CASES", 2)
    monkeypatch.setattr(slices, "WIDTH", 2)


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with patched_library(*IN_LIBRARY["D2"]) as copy:
        monkeypatch.setattr(slices, "PURE", copy)
        yield


def only(monkeypatch: pytest.MonkeyPatch, mutant: Mutant, seconds: float) -> None:
    """Every hunt is for this one, by one method."""
    monkeypatch.setattr(hunts, "by_name", lambda name: replace(mutant, name=name))
    monkeypatch.setattr(hunts, "QUICKEST_FIRST", ("schedules",))
    monkeypatch.setattr(hunts, "BUDGET", replace(hunts.BUDGET, events=1, seconds=seconds))


def test_slices_that_conform_are_the_same_again_and_go_on_from_a_corpus(tmp_path: Path) -> None:
    options = replace(SLICES, corpus=tmp_path)
    first = campaign(options)
    assert (first.verdict, first.kinds) == ("conforms", {"explore": 2})
    assert first.states > 20
    again = campaign(options)
    assert again.resumed == 1
    assert told(again) == told(first) == told(campaign(SLICES))


def test_a_bug_is_found_in_slices_told_apart_and_shortened(broken: None) -> None:
    report = campaign(SLICES)
    (found,) = report.findings
    assert (report.verdict, found.found.kind, report.times(found)) == ("violation", "explore", 2)
    shortest = found.shortest
    assert shortest is not None
    assert len(shortest.choices) < shortest.length_before
    assert shortest.recorder.records
    case = Case(found.found.case, "explore", slices_of(found.again))
    once_more = slices.explored(case, 0).found
    assert once_more is not None
    assert name_of(once_more.finding) == found.found.signature[0]


def slices_of(again: str) -> str:
    """The bounds that a reproducing line names."""
    words = again.split()
    return f"{words[words.index('--preset') + 1]}/{words[words.index('--only') + 1]}"


def test_planted_bugs_are_hunted_down() -> None:
    report = campaign(HUNTS)
    assert (report.verdict, report.kinds) == ("conforms", {"mutants": 2})
    assert sum(report.hunters.values()) == 2


def test_a_mutant_that_survives_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, UNSEEN, 60.0)
    report = campaign(HUNTS)
    assert report.verdict == "violation"
    assert len(report.findings) == 2
    for one in report.findings:
        survived, name = one.signature
        assert (survived, one.shortest) == ("Survived", None)
        assert one.again == f"mutants --only {name}"


def test_a_mutant_that_never_ends_is_not_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, ENDLESS, 0.3)
    report = campaign(HUNTS)
    assert (report.verdict, report.found) == ("inconclusive", {})
    assert report.not_judged[0].endswith(": stopped, schedules by the time of 0.3 s")


def test_the_command_takes_several_kinds(tmp_path: Path, broken: None) -> None:
    kinds = ("--only", "explore", "--only", "mutants")
    ran = run("campaign", *kinds, "--tasks", 2, "--workers", 1, "--out", tmp_path)
    assert ran.code == 1
    assert " states explored, " in ran.out
    assert " hunts for mutants, " in ran.out
    assert "mutants found, by the first method that did: schedules" in ran.out
    assert "Reproduce: conformance explore --preset " in ran.out
    page = (tmp_path / "campaign-seed0.html").read_text(encoding="utf-8")
    assert "Mutants found" in page


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (("--only", "proofs"), "--only proofs; expected one of lockstep, network, explore"),
        (("--only", "explore", "--subject", "cat"), "--subject with --only explore"),
    ],
)
def test_what_is_no_kind_is_refused(given: tuple[str, ...], told: str) -> None:
    ran = run("campaign", *given)
    assert (ran.code, ran.out) == (2, "")
    assert told in ran.err
