"""`conformance measure`: what it prints of a run in virtual time, and how it ends."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from xml.etree import ElementTree

import pytest

from conformance.cli.measure import save_measured
from conformance.mutants.planted.catalogue import by_name
from conformance.network import scenarios
from conformance.network.run import MeasureReport, measure
from conformance.network.scenario import Bound
from conformance.subjects.library import LibrarySubject
from tests.cli.helpers import run, shown
from tests.network.brief import BRIEF

WITHIN = replace(BRIEF, bounds=(Bound("entries", 1.0), Bound("latency", 1.0)))
BEYOND = replace(BRIEF, name="beyond", bounds=(Bound("latency", 0.5),))


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two short scenarios in the table's place."""
    table = {scenario.name: scenario for scenario in (WITHIN, BEYOND)}
    monkeypatch.setattr(scenarios, "SCENARIOS", table)


def test_within_its_bounds() -> None:
    ran = run("measure", "--only", "brief")
    assert (ran.code, ran.err) == (0, "")
    assert "conforms: 1 scenarios, all in bounds" in ran.out
    assert "exceeded" not in ran.out


def test_an_excess_is_told_with_its_timeline_and_its_reproducing_line(tmp_path: Path) -> None:
    ran = run("measure", "--seed", 3, "--no-page", "--out", tmp_path)
    assert ran.code == 1
    assert "beyond: latency is 1.00, at most 0.50 was expected, first at 102 ms" in ran.out
    assert "node 1  send to 0: AppendEntriesReply(" in ran.out
    assert "Reproduce: conformance measure --only beyond --seed 3" in ran.out
    assert "violation: 1 figures beyond their bounds, 0 properties broken" in ran.out


def test_json(tmp_path: Path) -> None:
    ran = run("measure", "--json", "--no-page", "--out", tmp_path)
    assert (ran.code, ran.json["verdict"]) == (1, "violation")
    within, beyond = ran.json["scenarios"]
    assert (within["verdict"], within["excesses"], within["problems"]) == ("conforms", [], [])
    assert within["figures"]["entries"] == 1.0
    assert [excess["figure"] for excess in beyond["excesses"]] == ["latency"]


def test_the_run_of_the_first_excess_is_shown(tmp_path: Path) -> None:
    ran = run("measure", "--json", "--out", tmp_path)
    assert set(ran.json["traces"]) == set(ran.json["pages"]) == {"beyond"}
    trace, page = Path(ran.json["traces"]["beyond"]), Path(ran.json["pages"]["beyond"])
    assert {trace, page} == set(tmp_path.iterdir())
    found = shown(page)
    wrong = found["wrong"][found["first"]]
    assert (wrong["name"], wrong["place"]) == ("latency", len(found["moments"]))
    assert wrong["detail"].endswith("1.00, at most 0.50 was expected, first at 102 ms")
    assert len(found["wrong"]) == 1, "all else in the run is as specified"
    printed = run("measure", "--out", tmp_path)
    assert f"The trace: {trace}" in printed.out
    assert f"The page: {page}" in printed.out
    assert run("measure", "--no-page", "--out", tmp_path, "--json").json["pages"] == {
        "beyond": None
    }
    assert list(tmp_path.iterdir()) == [trace], "no page of another run"


def test_a_run_in_which_a_property_breaks_is_shown_whole(tmp_path: Path) -> None:
    with by_name("term-not-persisted").planted() as broken:
        measured = measure(BEYOND, subject=partial(LibrarySubject, broken))
    (trace,) = save_measured(MeasureReport(0, [measured]), tmp_path).values()
    found = shown(trace.with_suffix(".html"))
    names = {one["name"] for one in found["wrong"] if not one["departure"]}
    assert "TermPersistedBeforeMessage" in names
    assert len(found["moments"]) == len(measured.broken)


def test_the_picture_has_a_bar_for_every_bound(tmp_path: Path) -> None:
    path = tmp_path / "figures.svg"
    assert run("measure", "--plot", path, "--out", tmp_path).code == 1
    drawn = ElementTree.parse(path).getroot()
    space = "{http://www.w3.org/2000/svg}"
    assert len(drawn.findall(f"{space}rect")) == 1 + 3  # the ground, and the bars
    texts = [text.text for text in drawn.iter(f"{space}text")]
    assert "beyond: latency" in texts


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--only", "none"), "--only none: expected part of a name; there are brief, beyond"),
        (("--plot", "/no/such/folder/a.svg"), "its directory does not exist"),
    ],
)
def test_bad_input(arguments: tuple[str, ...], told: str) -> None:
    ran = run("measure", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert told in ran.err


def test_a_picture_is_written_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "figures.svg"
    path.write_text("before", encoding="utf-8")
    with monkeypatch.context() as patch:
        patch.setattr("conformance.cli.report.measure.draw", lambda _: "half\udcff")
        with pytest.raises(UnicodeEncodeError):
            run("measure", "--plot", path)
    assert path.read_text(encoding="utf-8") == "before"
    assert [one.name for one in tmp_path.iterdir()] == ["figures.svg"]
