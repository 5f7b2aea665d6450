"""Mechanical mutants: what becomes of a handful of them, each for another reason."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from conformance.cli.app import app
from conformance.mutants.mechanical.generate import ANNOTATION, MESSAGE, Key, mutants
from conformance.mutants.mechanical.run import Options, Report, note, run
from conformance.mutants.mechanical.survivors import FILE, BadSurvivors, explanations
from conformance.subjects.patched import library_sources

VOTE = Key(
    "rules",
    "Rules._become_follower",
    "ReplaceTrueWithFalse",
    "self._pending.save_voted_for = True",
    "self._pending.save_voted_for = False",
)
"""Forgets to save that no vote is given yet: any schedule shows it."""

BELOW_0 = Key(
    "arguments",
    "natural",
    "NumberReplacer",
    "if isinstance(number, int) and number < 0:",
    "if isinstance(number, int) and number < -1:",
)
"""No run has such a number: only a test of the interface notices."""

LOOP = Key(
    "log",
    "_agreed",
    "ReplaceBinaryOperator_Add_FloorDiv",
    "index = LogIndex(agreed + 1)",
    "index = LogIndex(agreed // 1)",
)
"""Never gets on to the next index."""

TO_THE_END = Key(
    "entries",
    "LogEntries.truncate",
    "ReplaceComparisonOperator_Lt_LtE",
    "if index < self.last_position.index:",
    "if index <= self.last_position.index:",
)
"""Truncates to all entries, which leaves them all: no different."""

BYTES = Key(
    "codec.binary",
    "BytesSink.integer",
    "NumberReplacer",
    "self.made.append(value & 127 | 128)",
    "self.made.append(value & 126 | 128)",
)
"""An integer of several bytes loses a bit."""

GONE = Key("log", "no_such_function", "AddNot", "if one:", "if not one:")


def written(path: Path, *keys: Key) -> Path:
    """A file that explains these."""
    lines = []
    for key in keys:
        lines += ["[[survivor]]"]
        lines += [f"{name} = {getattr(key, name)!r}" for name in ("module", "function", "before")]
        lines += [f"changes = [[{key.operator!r}, {key.after!r}]]", "reason = 'for a test'"]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


in_one_worker = pytest.mark.xdist_group("report")
"""They share `report`, which takes half a minute."""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """Five mutants, one of which is rightly explained, one of which wrongly."""
    picked = (VOTE, BELOW_0, LOOP, TO_THE_END, BYTES)
    path = tmp_path_factory.mktemp("mutants") / "survivors.toml"
    return run(
        Options(
            only=tuple(sorted({f"{key.module}.{key.function}" for key in picked})),
            workers=1,
            prove=False,
            survivors=written(path, TO_THE_END, VOTE),
            pick=lambda key: key in picked,
        )
    )


def killed_by(report: Report, key: Key) -> str | None:
    (verdict,) = report.verdicts[key]
    return verdict.killed_by


@in_one_worker
def test_a_broken_rule_is_noticed_by_lockstep(report: Report) -> None:
    assert killed_by(report, VOTE) == "lockstep"


@in_one_worker
def test_a_broken_interface_is_noticed_by_the_tests_of_the_library(report: Report) -> None:
    assert killed_by(report, BELOW_0) == "library tests"
    (verdict,) = report.verdicts[BELOW_0]
    assert "test_wrong_arguments" in verdict.detail


@in_one_worker
def test_a_codec_that_writes_other_bytes_is_noticed_by_its_tests(report: Report) -> None:
    assert killed_by(report, BYTES) == "codec tests"


@in_one_worker
def test_an_endless_loop_is_ended(report: Report) -> None:
    assert killed_by(report, LOOP) == "time limit"


@in_one_worker
def test_what_makes_no_difference_survives_all_stages(report: Report) -> None:
    assert killed_by(report, TO_THE_END) is None
    (verdict,) = report.verdicts[TO_THE_END]
    assert len(verdict.seconds) == 5
    assert report.explained == [(TO_THE_END, "for a test")]


@in_one_worker
def test_the_score_counts_what_was_killed(report: Report) -> None:
    assert (report.judged, report.killed.total(), report.score) == (5, 4, 4 / 5)
    assert report.as_json()["mutants"] == 5


@in_one_worker
def test_a_survivor_that_is_not_explained_is_a_finding(report: Report) -> None:
    """The one that survives, noted once more where nothing explains it."""
    (survived,) = report.verdicts[TO_THE_END]
    assert report.unexplained == []
    other = Report()
    note(other, TO_THE_END, survived, explained={})
    assert other.unexplained == [TO_THE_END]
    assert other.verdict == "violation"


@in_one_worker
def test_an_explanation_of_a_mutant_that_was_killed_is_stale(report: Report) -> None:
    assert report.stale == [VOTE]
    assert report.verdict == "violation"
    assert replace(report, stale=[]).verdict == "conforms"


def test_each_mutant_differs_from_the_library_in_its_own_way() -> None:
    texts = library_sources()
    found = [one for name in ("quorum", "role") for one in mutants(name, texts[name])]
    assert len({one.text for one in found}) == len(found) > 100
    assert all(one.text != texts[one.key.module] for one in found)
    assert {one.left_out for one in found} == {None, ANNOTATION}
    assert all(
        one.key.before in texts[one.key.module] for one in found if "\n" not in one.key.before
    )


def test_messages_of_exceptions_and_annotations_are_left_out() -> None:
    text = (
        "from __future__ import annotations\n"
        "def f(x: int | None) -> int | None:\n"
        "    if x == 1:\n"
        "        raise ValueError(f'{x + 1}')\n"
        "    return x + 2\n"
        "Both: TypeAlias = (int | str)\n"
    )
    found = list(mutants("made", text))
    for rule, before in (
        (ANNOTATION, "def f(x: int | None) -> int | None:"),
        (MESSAGE, "raise ValueError(f'{x + 1}')"),
        (ANNOTATION, "Both: TypeAlias = (int | str)"),
        (None, "if x == 1:"),
        (None, "return x + 2"),
    ):
        assert {one.left_out for one in found if one.key.before == before} == {rule}


def test_the_modules_of_a_package_within_are_changed_too() -> None:
    texts = library_sources()
    assert {"log", "codec.__init__", "codec.binary"} <= set(texts)
    assert texts["codec.__init__"] != texts["__init__"]


def test_only_what_is_asked_for_is_changed() -> None:
    found = list(mutants("log", library_sources()["log"], lambda function: function == "_agreed"))
    assert {one.key.function for one in found} == {"_agreed"}


def test_every_explanation_is_of_a_line_that_is_there() -> None:
    texts = library_sources()
    for key in explanations(FILE):
        lines = {line.strip() for line in texts[key.module].splitlines()}
        assert set(key.before.splitlines()) <= lines, key


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("no toml", "cannot be read"),
        ("[[survivor]]\nmodule = 'log'", "cannot be read"),
    ],
)
def test_a_file_of_explanations_that_cannot_be_read_is_refused(
    tmp_path: Path, text: str, message: str
) -> None:
    path = tmp_path / "survivors.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadSurvivors, match=message):
        explanations(path)


def test_one_explanation_is_enough(tmp_path: Path) -> None:
    path = written(tmp_path / "survivors.toml", GONE, VOTE, GONE)
    with pytest.raises(BadSurvivors, match="explained twice"):
        explanations(path)


def test_the_command_refuses_a_place_that_is_none() -> None:
    result = CliRunner().invoke(app, ["mutate", "no_such_module", "--json"])
    assert result.exit_code == 2
    assert json.loads(result.stdout)["verdict"] == "bad_input"


def test_the_command_that_has_no_time_says_nothing() -> None:
    result = CliRunner().invoke(app, ["mutate", "--seconds", "0", "--json"])
    assert result.exit_code == 3
    said = json.loads(result.stdout)
    assert (said["verdict"], said["stopped"], said["mutants"]) == ("inconclusive", True, 0)
