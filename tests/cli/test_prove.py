"""`conformance prove` as its users meet it."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conformance.cli.terminal import INTERRUPTED
from conformance.prove import catalogue
from conformance.prove.runner import cache as cache_module
from conformance.prove.runner import run as run_module
from conformance.prove.runner.run import Progress, progress_line
from conformance.prove.runner.sources import CHECKOUT
from conformance.prove.runner.worker import Source
from tests.cli.helpers import Ran, run
from tests.prove.runner import sample

Prove = Callable[..., Ran]


@pytest.fixture
def proving(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Prove:
    """The command with obligations of the tests', and a cache and findings of its own."""

    def prove(source: Source, *args: object) -> Ran:
        monkeypatch.setattr(catalogue, "obligations", source)
        monkeypatch.setattr(cache_module, "FILE", tmp_path / "cache" / "results.json")
        return run("prove", "--workers", 1, "--out", tmp_path / "findings", *args)

    return prove


def rows(ran: Ran) -> dict[str, list[str]]:
    """The table, each row by its first cell; cells are divided by two spaces or more."""
    lines = ran.out.split("\n\n")[0].splitlines()[1:]
    cells = [[cell for cell in line.split("  ") if cell.strip()] for line in lines]
    return {row[0].strip(): [cell.strip() for cell in row[1:]] for row in cells if row}


def test_what_it_prints(proving: Prove) -> None:
    ran = proving(sample.on_rules)
    assert (ran.code, ran.err) == (0, "")
    told = rows(ran)
    assert list(told) == ["rules/timeout", "rules/proposal"]
    assert all(row[0] == "1" and row[-1] == "proved" for row in told.values())
    last = ran.out.splitlines()[-1]
    assert last.startswith("proved: 2 obligations, ")
    assert "for all terms and indices" in last


def test_groups_are_added_up(proving: Prove) -> None:
    told = rows(proving(sample.of_all_kinds))
    assert told["kinds/fine"] == ["2", "0", "6", "4", "10", "0.0", "proved"]
    assert told["kinds/witness"][-1] == "witnessed"
    assert told["kinds/refuted"][-1] == "1 refuted"
    assert told["kinds/dies"][-1] == "1 unknown"


def test_json(proving: Prove) -> None:
    ran = proving(sample.on_rules, "--level", "full", "--json")
    said = ran.json
    assert (ran.code, ran.err, said["verdict"], said["level"]) == (0, "", "conforms", "full")
    assert [one["name"] for one in said["obligations"]] == [
        one.name for one in sample.on_rules("full")
    ]
    for one in said["obligations"]:
        assert set(one) == {
            *("name", "bounds", "paths", "live", "queries", "seconds", "result", "cached"),
            *("detail", "work", "hardest", "counterexample"),
        }
        assert (one["bounds"], one["result"], one["cached"]) == ({"servers": 3}, "proved", False)
    for sum_ in ("paths", "live", "queries"):
        assert said["totals"][sum_] == sum(one[sum_] for one in said["obligations"]) > 0
    assert said["totals"]["obligations"] == said["totals"]["proved"] == 3
    assert said["seconds"] > 0
    assert (said["stopped_by"], said["vacuous"], said["traces"]) == (None, [], {})


def test_what_was_proved_is_said_to_be(proving: Prove) -> None:
    def cached(*args: object) -> list[bool]:
        said: Any = proving(sample.on_rules, "--json", *args).json
        return [one["cached"] for one in said["obligations"]]

    assert cached() == [False, False]
    assert cached() == [True, True]
    assert cached("--no-cache") == [False, False]
    assert cached("--level", "full") == [False] * 3
    last = proving(sample.on_rules).out.splitlines()[-1]
    assert "2 of them in earlier runs" in last


def test_a_refutation_is_told_written_and_reproduced(proving: Prove, tmp_path: Path) -> None:
    ran = proving(sample.refuted)
    assert ran.code == 1
    text = " ".join(ran.out.split())
    assert "refuted: kinds/refuted/[1, 2] (log 3)" in text
    assert "node 2 is follower in term 5, no vote given, log []" in text
    assert "node 1 leads term 7" in text
    assert "it takes RequestVoteCall(sender 1, term 7, seqno 3, last_position t4i9)" in text
    assert "then it is follower of" in text or "then it is follower in term 7" in text
    assert "two leaders in term 7" in text
    assert "Node 2 before and after that, as specified:" in ran.out
    states = [line for line in map(str.rstrip, ran.out.splitlines()) if line.startswith("term ")]
    assert [line.split() for line in states] == [["term", "5", "7", "changed"]]
    assert "it is wrong as well" in text
    assert ran.out.splitlines()[-1].startswith("violation: 1 of 3 obligations")
    (trace,) = (tmp_path / "findings").glob("*.jsonl")
    assert trace.name == "prove-kinds-refuted-1-2.jsonl"
    assert f"The trace: {trace}" in ran.out
    assert run("audit", trace).code == 0  # it is what the specification says
    (line,) = [line for line in ran.out.splitlines() if line.startswith("Reproduce: ")]
    assert line == "Reproduce: conformance prove --level quick --only 'kinds/refuted/[1, 2]'"
    again = proving(sample.refuted, *shlex.split(line)[3:])
    assert again.code == 1
    assert list(rows(again)) == ["kinds/refuted"]


def test_a_refutation_as_json(proving: Prove, tmp_path: Path) -> None:
    ran = proving(sample.refuted, "--json")
    said = ran.json
    assert (ran.code, said["verdict"]) == (1, "violation")
    (found,) = [one["counterexample"] for one in said["obligations"] if one["counterexample"]]
    assert found["what"] == "two leaders in term 7"
    assert found["others"] == ["node 1 leads term 7"]
    assert (found["node"], found["replays"]) == (2, True)
    assert said["traces"] == {
        "kinds/refuted/[1, 2]": str(tmp_path / "findings" / "prove-kinds-refuted-1-2.jsonl")
    }


def test_a_trace_that_cannot_be_written_is_a_warning(proving: Prove, tmp_path: Path) -> None:
    (tmp_path / "findings").write_text("")
    ran = proving(sample.refuted)
    assert ran.code == 1
    assert "warning: the trace was not written" in ran.err
    assert "The trace" not in ran.out


def test_a_refutation_outweighs_what_is_unknown(proving: Prove) -> None:
    ran = proving(sample.of_all_kinds)
    assert ran.code == 1
    text = " ".join(ran.out.split())
    assert "unknown: kinds/dies: a worker died" in text
    assert "unknown: kinds/raises: ZeroDivisionError: one by none" in text


def test_what_is_unknown_is_inconclusive(proving: Prove) -> None:
    ran = proving(sample.unknown)
    assert ran.code == 3
    assert "unknown: kinds/gives up: too hard" in ran.out
    assert ran.out.splitlines()[-1].startswith("inconclusive: 2 of 3 obligations")
    assert proving(sample.unknown, "--only", "fine").code == 0


def test_past_its_time_it_is_inconclusive(proving: Prove) -> None:
    ran = proving(sample.on_rules, "--seconds", 0)
    assert ran.code == 3
    assert "and 1 more: not ended before the budget of 0 s was spent" in ran.out
    assert proving(sample.on_rules, "--seconds", 0, "--json").json["stopped_by"] is not None


def test_a_vacuous_group_fails(proving: Prove) -> None:
    ran = proving(sample.vacuous)
    assert ran.code == 3
    told = rows(ran)
    assert [told[f"some/{name}"][-1] for name in ("live", "dead", "half")] == [
        "proved",
        "vacuous",
        "proved",
    ]
    assert "vacuous: some/dead: no numbers meet its hypotheses" in ran.out
    assert proving(sample.vacuous, "--json").json["vacuous"] == ["some/dead"]
    assert proving(sample.vacuous, "--only", "some/live").code == 0


def test_a_broken_cache_is_a_warning(proving: Prove, tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "results.json").write_text("{")
    ran = proving(sample.on_rules)
    assert ran.code == 0
    assert "warning: " in ran.out
    assert "results.json: ignored, it cannot be read" in ran.out
    assert "warning" not in proving(sample.on_rules).out


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--only", "none"), "--only none: expected part of a name; there are rules/timeout/..."),
        (("--level", "most"), "--level"),
        (("--workers", -1), "--workers"),
    ],
)
def test_bad_input(args: tuple[object, ...], said: str, proving: Prove) -> None:
    ran = proving(sample.on_rules, *args)
    assert ran.code == 2
    assert said in ran.err
    if args[0] == "--only":
        told = proving(sample.on_rules, *args, "--json").json
        assert told["verdict"] == "bad_input"
        assert said in told["error"]


@pytest.mark.parametrize("when", ["building", "proving"])
def test_an_interrupt_is_inconclusive(
    when: str, proving: Prove, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> Any:
        raise KeyboardInterrupt

    if when == "building":
        monkeypatch.setattr(run_module, "selected", interrupt)
    else:
        monkeypatch.setattr(run_module._Run, "_tell", interrupt)
    ran = proving(sample.on_rules)
    assert ran.code == {"building": INTERRUPTED, "proving": 3}[when]  # which `run` makes the same
    assert ("an interrupt" in ran.out) == (when == "proving")


def test_the_line_of_a_run_that_goes_on() -> None:
    line = progress_line(Progress(1_200, 17, 3, ("rules/timeout", "rules/" + "x" * 90)))
    assert line.startswith("proving: 17 of 1,200 rules/timeout; rules/xxx")
    assert line.endswith("...")


def test_an_audit_does_without_z3() -> None:
    """And so does all of the command line but what proves."""
    program = (
        "import sys\n"
        "sys.modules['z3'] = sys.modules['numpy'] = None\n"
        "from conformance.cli.app import app\n"
        "app(['audit', 'traces/violations/index-only-vote.jsonl', '--json'])\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=CHECKOUT, check=False
    )
    assert (ran.returncode, ran.stderr) == (1, "")
    assert json.loads(ran.stdout)["verdict"] == "violation"
