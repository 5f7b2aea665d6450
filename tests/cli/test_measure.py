"""`conformance measure`: what it prints of a run in virtual time, and how it ends."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from conformance.network import scenarios
from conformance.network.scenario import Bound
from tests.cli.helpers import run
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


def test_an_excess_is_told_with_its_timeline_and_its_reproducing_line() -> None:
    ran = run("measure", "--seed", 3)
    assert ran.code == 1
    assert "beyond: latency is 1.00, at most 0.50 was expected, first at 102 ms" in ran.out
    assert "node 1  send to 0: AppendEntriesReply(" in ran.out
    assert "Reproduce: conformance measure --only beyond --seed 3" in ran.out
    assert "violation: 1 figures beyond their bounds, 0 properties broken" in ran.out


def test_json() -> None:
    ran = run("measure", "--json")
    assert (ran.code, ran.json["verdict"]) == (1, "violation")
    within, beyond = ran.json["scenarios"]
    assert (within["verdict"], within["excesses"], within["problems"]) == ("conforms", [], [])
    assert within["figures"]["entries"] == 1.0
    assert [excess["figure"] for excess in beyond["excesses"]] == ["latency"]


def test_the_picture_has_a_bar_for_every_bound(tmp_path: Path) -> None:
    path = tmp_path / "figures.svg"
    assert run("measure", "--plot", path).code == 1
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
