"""The matrix: who kills whom, within which budget, and what is said of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import raftbare
from conformance.cli.app import app
from conformance.cli.mutants import shortest_runs
from conformance.explore.states.bounds import Bounds
from conformance.mutants.matrix.kept import CHECKOUT, SOURCES, Kept, sources
from conformance.mutants.matrix.methods import METHODS
from conformance.mutants.matrix.run import (
    Fate,
    Options,
    Report,
    methods_at,
    run,
)
from conformance.mutants.matrix.trial import Budget, Trial, tried
from conformance.mutants.planted.catalogue import CATALOGUE, by_name
from conformance.observe.selection import SelectionError, selected
from conformance.subjects.mutant import Mutant
from conformance.subjects.patched import Patch
from tests.cli.helpers import run as run_command
from tests.cli.helpers import shown

SMALL = Budget(
    events=12_000,
    recorded=3_000,
    bounds=(Bounds(terms=1, log=3, in_flight=1), Bounds(terms=2, log=4, in_flight=1)),
    eventually=False,
    paths=100_000,
    paths_alone=100_000,
    scenarios=("merged",),
    seconds=120.0,
)


def of_rules(name: str, old: str, new: str) -> Mutant:
    return Mutant(name, "for a test", in_library=(Patch("rules", old, new),))


UNSEEN = of_rules("unseen", "    def _log_saved", "    unseen = True\n\n    def _log_saved")
DRAINED = "    def _log_saved(self, role: Leader) -> None:\n"
ENDLESS = of_rules("endless", DRAINED, f"{DRAINED}        while True:\n            pass\n")


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_the_library_as_it_is_survives(method: Any) -> None:
    """What kills the library kills any mutant.  `conformance verify` has the same random schedules,
    and the scenarios, beyond the end of the largest budget.
    """
    if "proofs" in method.name:
        pytest.skip("that the proofs hold of it is shown by tests/prove")
    trial = tried("none", raftbare, method, SMALL)
    assert trial.killed_by is None, trial.detail
    assert trial.work > 100


@pytest.mark.parametrize(
    ("method", "name"),
    [
        ("schedules", "earlier-term-commit"),
        ("exploration", "earlier-term-commit"),
        ("proofs", "commit-past-verified"),
        ("audit", "earlier-term-commit"),
        ("schedules alone", "earlier-term-commit"),
        ("schedules alone", "late-answer-numbered"),  # by a call that comes once more
        ("exploration alone", "earlier-term-commit"),
        ("proofs alone", "commit-index-back"),
        ("audit alone", "vote-not-persisted"),
        ("measure", "every-reply-answered"),
    ],
)
def test_each_method_kills(method: str, name: str) -> None:
    chosen = next(one for one in METHODS if one.name == method)
    mutant = by_name(name)
    with mutant.planted() as broken:
        trial = tried(name, broken, chosen, SMALL)
    assert trial.killed, trial
    assert trial.unit in ("events", "states", "paths", "ms of virtual time")
    if method in ("schedules alone", "exploration alone", "audit alone"):
        assert trial.killed_by == mutant.breaks


def test_there_is_no_other_method() -> None:
    assert len({method.name for method in METHODS}) == len(METHODS) == 9


def test_what_raises_is_killed_by_its_failure() -> None:
    falls = of_rules("falls-over", "follower.match_index = theirs.index", "follower.at = theirs")
    with falls.planted() as broken:
        trials = [tried(falls.name, broken, METHODS[number], SMALL) for number in (0, 4)]
    assert [trial.killed_by for trial in trials] == ["Failure", "Failure"]


def test_a_run_tells_survivors_and_ends_what_never_ends() -> None:
    methods = methods_at("quick", "schedules")
    report = run(Options(seconds=2.0), [by_name("earlier-term-commit"), UNSEEN, ENDLESS], methods)
    killed, unseen, endless = report.fates
    assert (killed.verdict, unseen.verdict, endless.verdict)[0] == "conforms"
    assert [fate.mutant.name for fate in report.survivors] == ["unseen", "endless"]
    assert endless.verdict == "inconclusive"
    assert endless.trials[0].stopped == "the time of 2 s"
    assert report.killed_by_at_least(1) == 1
    assert report.median_seconds == killed.trials[0].seconds
    assert report.verdict != "conforms"


def test_what_was_kept_is_not_tried_again(tmp_path: Path) -> None:
    """Of the same sources, and the same budget."""
    file = tmp_path / "kept" / "trials.jsonl"
    methods = methods_at("quick", "schedules")
    options = Options(kept=file)
    first = run(options, [by_name("earlier-term-commit")], methods).fates[0].trials[0]
    assert first.killed_by == "Difference"
    seconds = first.seconds
    again = run(options, [by_name("earlier-term-commit")], methods)
    assert again.fates[0].trials[0].seconds == seconds
    assert again.warnings == []
    Kept(file, options.budget).add(Trial("unseen", "schedules", "Another"))
    Kept(file, options.budget).add(Trial("endless", "schedules", stopped="the time"))
    assert [trial.killed_by for trial in Kept(file, options.budget).trials.values()] == [
        "Difference",
        "Another",
    ]
    assert Kept(file, SMALL).trials == {}
    assert Kept(file, SMALL, lambda: "of other sources").trials == {}


def test_a_line_that_was_cut_off_or_edited_is_told_and_is_no_trial(tmp_path: Path) -> None:
    file = tmp_path / "trials.jsonl"
    mutant, methods = by_name("earlier-term-commit"), methods_at("quick", "schedules")
    run(Options(kept=file), [mutant], methods)
    file.write_text(file.read_text().replace("Difference", "Edited") + '{"sum": "0", "tri')
    again = run(Options(kept=file), [mutant], methods)
    assert again.fates[0].trials[0].killed_by == "Difference"
    assert [warning.startswith(f"{file}: 2 of its lines") for warning in again.warnings] == [True]
    assert Kept(file, again.options.budget).trials.keys() == {(mutant.name, "schedules")}


def test_no_other_file_is_written_over(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("keep me\n")
    result = CliRunner().invoke(app, ["mutants", "--kept", str(file), "--json"])
    assert result.exit_code == 2
    assert "expected a file of kept trials" in json.loads(result.output)["error"]
    assert file.read_text() == "keep me\n"


def test_the_kept_trials_are_of_all_sources() -> None:
    """The library's, the specification's, the methods' and the mutants' own."""
    assert set(SOURCES) == {"spec", "raftbare", "conformance"}
    assert sources() == sources()
    assert sources(CHECKOUT / "tests") != sources()


@pytest.mark.parametrize(
    ("trials", "verdict"),
    [
        ([Trial("m", "a", killed_by="X"), Trial("m", "b", stopped="the time")], "conforms"),
        ([Trial("m", "a"), Trial("m", "b")], "violation"),
        ([Trial("m", "a"), Trial("m", "b", stopped="the time")], "inconclusive"),
        ([], "inconclusive"),
    ],
)
def test_a_mutant_survives_only_what_has_looked_to_its_end(
    trials: list[Trial], verdict: str
) -> None:
    fate = Fate(UNSEEN, trials)
    report = Report(Options(), (), [fate])
    assert fate.verdict == report.verdict == verdict


def test_names_select() -> None:
    assert selected(CATALOGUE, None) == list(CATALOGUE)
    assert [mutant.name for mutant in selected(CATALOGUE, "index-only-vote")] == ["index-only-vote"]
    assert len(selected(CATALOGUE, "*vote*")) > 5
    with pytest.raises(SelectionError, match="expected one of 'schedules'"):
        methods_at("quick", "no such")


def test_the_command_prints_a_matrix_and_tells_machines_the_same() -> None:
    arguments = ["mutants", "--only", "earlier-term-commit", "--method", "schedules"]
    printed = CliRunner().invoke(app, arguments)
    assert printed.exit_code == 0, printed.output
    assert "1 of 1 mutants killed" in printed.output
    told = CliRunner().invoke(app, [*arguments, "--json"])
    value = json.loads(told.output)
    assert value["verdict"] == "conforms"
    assert value["matrix"][0]["trials"][0]["killed_by"] == "Difference"


def test_the_shortest_run_that_shows_a_mutant_is_kept_with_its_page(tmp_path: Path) -> None:
    methods = [one for one in METHODS if one.name in ("schedules alone", "measure")]
    report = run(Options(out=tmp_path), [by_name("term-not-persisted")], methods)
    written = [Path(trial.trace or "") for trial in report.fates[0].trials]
    assert set(tmp_path.iterdir()) == set(written)
    shortest = min(written, key=lambda path: path.stat().st_size)
    assert shortest_runs(report) == {"term-not-persisted": shortest}
    assert set(tmp_path.iterdir()) == {shortest, shortest.with_suffix(".html")}
    found = shown(shortest.with_suffix(".html"))
    killed_by = {trial.killed_by for trial in report.fates[0].trials if trial.trace}
    assert killed_by & {one["name"] for one in found["wrong"]}
    assert "deliberately broken: term-not-persisted" in found["sources"][0]


def test_the_command_tells_where_runs_are(tmp_path: Path) -> None:
    arguments = ("--only", "term-not-persisted", "--method", "schedules", "--out", tmp_path)
    ran = run_command("mutants", *arguments, "--no-page")
    (trace,) = tmp_path.iterdir()
    assert ran.code == 0
    assert f"The trace: {trace}" in ran.out
    assert "The page: " not in ran.out


def test_a_name_that_is_none_is_a_mistake() -> None:
    result = CliRunner().invoke(app, ["mutants", "--only", "no such", "--json"])
    assert result.exit_code == 2
    said = json.loads(result.output)
    assert said["verdict"] == "bad_input"
    assert said["error"].startswith("--only no such: expected part of a mutant's name; there are ")
