"""A finding comes with a page beside its trace, which opens at it."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.observe.finding import Difference
from conformance.show import read
from conformance.show.model import Wrong
from conformance.show.page.data import plain
from conformance.show.read import finding_picture, wrong_of
from conformance.trace.save import save
from spec import values as v
from spec.properties import Violation
from tests.cli.helpers import run, shown, with_mutant
from tests.support.recordings import written
from tests.support.tape import NEW, Tape

VOTE = Path("traces/violations/index-only-vote.jsonl")


def test_a_check_shows_what_it_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = ("check", "--episode", 8, "--workers", 1, "--out", tmp_path)
    with with_mutant(monkeypatch, "D1"):
        ran = run(*arguments, "--json")
        without = run(*arguments, "--no-page")
    page = ran.json["page"]
    assert Path(page) == Path(ran.json["trace"]).with_suffix(".html")
    assert "The trace: " in without.out
    assert "The page: " not in without.out
    assert [path.suffix for path in tmp_path.iterdir()] == [".jsonl"], "no page of another trace"


def test_the_finding_is_shown_where_its_node_was_last(tmp_path: Path) -> None:
    tape = Tape().drive(v.Start(), v.ElectionTimeout(), node=0).drive(v.Start(), node=1)
    path = written(tmp_path / "x.jsonl", tape.records)
    picture = finding_picture(path, wrong_of(Violation("ElectionSafety", 0, "two of them")))
    first = picture.first_wrong
    assert first is not None
    assert (first.name, first.place, first.departure) == ("ElectionSafety", 2, False)
    assert picture.verdict == "violation"
    picture = finding_picture(path, wrong_of(Difference(1, None, "log", 1, 2)))
    assert [(one.name, one.place, one.departure) for one in picture.wrong] == [
        ("Difference", 3, True)
    ]


def test_where_an_audit_knows_the_reason_of_a_difference_it_has_the_word() -> None:
    one, other = NEW, NEW._replace(voted_for=1)
    wrong = wrong_of(Difference(2, None, "state", one, other))
    assert wrong.detail == "vote: specified nobody, found 1"
    (shown_wrong,) = finding_picture(VOTE, wrong).wrong
    assert shown_wrong.detail.startswith("D1 (a vote compares the index")


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        (True, "accepted"),
        (False, "refused"),
        (v.Refused("not_leader"), "refused (not_leader)"),
        (v.Position(1, 2), "accepted at t1i2"),
        (v.Called(3), "call #3"),
    ],
)
def test_an_outcome_is_told_in_words(outcome: v.Outcome, said: str) -> None:
    wrong = wrong_of(Difference(2, None, "outcome", outcome, None))
    assert wrong.detail == f"outcome: specified {said}, found none"


def test_records_that_an_audit_names_are_events_of_the_picture(tmp_path: Path) -> None:
    """An audit numbers each node's records; a picture has one row of numbers."""
    tape = Tape().add(0, v.Start()).add(1, v.Start()).add(1, v.Start())
    for node in (0, 1):
        tape.add(node, v.ElectionTimeout(), role="leader", current_term=1)
    path = tmp_path / "x.jsonl"
    save(path, tape.records, 2, "another one")
    found = {one.name: one.detail for one in read.read_picture([path]).wrong}
    assert "(node 0, event 4)" in found["ElectionSafety"]
    assert "(node 1, event 5)" in found["ElectionSafety"]


def test_of_a_departure_the_page_tells_what_differs_as_the_server_shows_it() -> None:
    (one,) = plain(read.read_picture([VOTE]))["wrong"]
    assert one["detail"] == (
        "by a rule of its own: a vote compares the index of the last entries only"
    )
    assert ["vote", "1", "nobody"] in one["rows"]


def test_a_counterexample_of_a_proof_is_read_as_what_is_specified(tmp_path: Path) -> None:
    path = written(tmp_path / "x.jsonl", Tape().drive(v.Start()).records)
    found = Wrong("equivalence/start", "role: ...", 1, None, departure=True, note="as specified")
    (one,) = plain(finding_picture(path, found))["wrong"]
    assert (one["place"], one["note"], one["rows"]) == (1, "as specified", [])


def test_an_audit_shows_what_it_found(tmp_path: Path) -> None:
    ran = run("audit", VOTE, "--out", tmp_path, "--json")
    assert ran.code == 1
    page = shown(ran.json["page"])
    assert page["wrong"][page["first"]]["place"] == 28
    printed = run("audit", VOTE, "--out", tmp_path / "more")
    assert f"The page: {tmp_path / 'more' / 'index-only-vote.html'}" in printed.out
    assert (
        run("audit", VOTE, "--out", tmp_path / "none", "--no-page", "--json").json["page"] is None
    )
    assert not (tmp_path / "none").exists()


def test_an_audit_of_a_folder_shows_what_it_found_there(tmp_path: Path) -> None:
    folder = tmp_path / "recordings"
    folder.mkdir()
    (folder / "node.jsonl").write_bytes(VOTE.read_bytes())
    ran = run("audit", folder, "--out", tmp_path / "out", "--json")
    assert (ran.code, ran.json["page"]) == (1, str(tmp_path / "out" / "recordings.html"))
    assert shown(ran.json["page"])["wrong"][0]["place"] == 28


def test_where_nothing_is_wrong_there_is_no_page(tmp_path: Path) -> None:
    ran = run("audit", "traces/golden/single-1n.jsonl.gz", "--out", tmp_path, "--json")
    assert (ran.code, ran.json["page"]) == (0, None)
    assert list(tmp_path.iterdir()) == []


def test_a_fault_of_the_page_hides_no_finding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise KeyError

    monkeypatch.setattr(read, "read_picture", fails)
    ran = run("audit", VOTE, "--out", tmp_path)
    assert ran.code == 1
    assert "SpecifiedState" in ran.out
    assert "the page was not written: KeyError" in ran.err
