"""`conformance explore` as its users meet it."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from conformance.explore.search import run as run_module
from conformance.explore.search.run import Report, progress_line
from conformance.explore.states.bounds import PRESETS, Bounds, of_bounds
from conformance.mutants.planted.crate import IN_LIBRARY
from conformance.subjects.patched import patched_library
from conformance.subjects.rebuild import Rebuilder
from tests.cli.helpers import run

SMALL = ("--nodes", 2, "--terms", 1, "--log", 3)


def test_what_it_prints() -> None:
    ran = run("explore", *SMALL)
    assert (ran.code, ran.err) == (0, "")
    assert "conforms: every state within the bounds was visited" in ran.out
    assert "never seen (SOMETIMES): " in ran.out
    (unfired,) = [line for line in ran.out.splitlines() if line.startswith("never fired (rules of")]
    assert {"restart", "propose_config"} <= set(unfired.partition(": ")[2].split(", "))


def test_json() -> None:
    ran = run("explore", *SMALL, "--json")
    said = json.loads(ran.out)
    assert (ran.code, said["verdict"], said["complete"]) == (0, "conforms", True)
    assert said["distinct_states"] == sum(said["runs"]["bounds"]["layers"]) > 50
    assert said["generated_states"] >= said["distinct_states"] - 1
    assert said["depth"] == len(said["runs"]["bounds"]["layers"]) - 1
    assert said["node_transitions"] > 50
    assert said["seconds"] > 0
    assert said["witnesses"]["LeaderElected"] > 0
    assert said["rules"]["become_leader"] > 0
    assert said["rules"]["propose_config"] == 0
    assert "propose_config" in said["never_fired"]
    assert said["runs"]["bounds"]["bounds"]["terms"] == 1
    assert said["finding"] is None


def test_a_finding_is_told_written_and_reproduced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with patched_library(*IN_LIBRARY["D1"]) as broken:
        monkeypatch.setattr(run_module, "Rebuilder", lambda _: Rebuilder(broken))
        bounds = ("--terms", 3, "--log", 4, "--in-flight", 1)
        ran = run("explore", *bounds, "--out", tmp_path)
        assert ran.code == 1
        assert "violation: Difference in 14 moves, and in no fewer" in ran.out
        assert "  1. node 0: CreateCluster(voters {0,1,2})" in ran.out
        assert "before and after the last move, as specified:" in ran.out
        changed = [line.split()[0] for line in ran.out.splitlines() if line.endswith("  changed")]
        assert "term" in changed
        assert "members" not in changed
        assert "Reproduce: conformance explore --terms 3 --log 4 --in-flight 1" in ran.out
        trace = tmp_path / "explore-bounds.jsonl"
        assert str(trace) in ran.out
        said = json.loads(run("explore", *bounds, "--out", tmp_path, "--json").out)
        assert (said["verdict"], said["trace"]) == ("violation", str(trace))
        assert said["finding"]["moves"] == 14
        assert said["complete"] is False
    assert run("audit", trace).code in (0, 1)
    assert run("replay", trace).code == 0


def test_past_its_time_it_is_inconclusive() -> None:
    ran = run("explore", *SMALL, "--seconds", 0)
    assert ran.code == 3
    assert "stopped by the time given" in ran.out
    assert "inconclusive" in ran.out


def test_a_preset_and_one_of_its_bounds() -> None:
    said = json.loads(run("explore", "--preset", "quick", "--only", "joining", "--json").out)
    assert list(said["runs"]) == ["joining"]
    assert said["runs"]["joining"]["bounds"] == PRESETS["quick"]["joining"].as_json()


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--preset", "quick", "--terms", 2), "--terms: expected either --preset or bounds"),
        (("--preset", "quick", "--only", "all"), "--only all: expected one of elections, "),
        (("--only", "elections"), "--only: expected --preset with it"),
        (("--losses", "few"), "--losses few: expected a number or 'any'"),
        (("--nodes", 9), "--nodes 9: expected 7 at most"),
        (("--checkpoint", "/nowhere/at/all"), "its directory does not exist"),
    ],
)
def test_bad_input(args: tuple[object, ...], said: str) -> None:
    ran = run("explore", *args)
    assert ran.code == 2
    assert said in ran.err
    assert "Traceback" not in ran.err
    told = json.loads(run("explore", *args, "--json").out)
    assert told["verdict"] == "bad_input"
    assert said in told["error"]


def test_a_checkpoint_of_something_else_is_bad_input(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint"
    assert run("explore", *SMALL, "--checkpoint", path).code == 0
    ran = run("explore", "--checkpoint", path)
    assert ran.code == 2
    assert "made with bounds" in ran.err


def test_a_checkpoint_from_before_the_first_layer(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint"
    whole = run("explore", *SMALL, "--json").json
    assert run("explore", *SMALL, "--checkpoint", path, "--seconds", 0).code == 3
    for _ in range(2):  # goes on from it, and then from what that has left
        again = run("explore", *SMALL, "--checkpoint", path, "--json").json
        assert again["distinct_states"] == whole["distinct_states"]
        assert again["runs"]["bounds"]["layers"] == whole["runs"]["bounds"]["layers"]


def test_a_checkpoint_that_another_run_holds(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint"
    run("explore", *SMALL, "--checkpoint", path, "--seconds", 0)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        ran = run("explore", *SMALL, "--checkpoint", path, "--json")
    assert (ran.code, ran.json["verdict"]) == (2, "bad_input")
    assert "locked" in ran.json["error"]


def test_a_damaged_counter_is_told(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint"
    run("explore", *SMALL, "--checkpoint", path)
    with closing(sqlite3.connect(path, isolation_level=None)) as file:
        file.execute("UPDATE about SET value = '{\"depth\": 3}' WHERE key = 'counters'")
    ran = run("explore", *SMALL, "--checkpoint", path)
    assert ran.code == 2
    assert "the file is damaged" in ran.err


@pytest.mark.parametrize("nodes", [6, 7])
def test_more_renamings_than_are_kept_apart(nodes: int) -> None:
    ran = run("explore", "--nodes", nodes, "--seconds", 0)
    assert ran.code == 2
    assert "expected 5 at most, or --no-symmetry" in ran.err
    assert run("explore", "--nodes", nodes, "--no-symmetry", "--seconds", 0).code == 3
    assert run("explore", "--nodes", nodes, "--voters", 5, "--seconds", 0).code == 3


def test_each_of_several_bounds_has_a_checkpoint_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint"
    run("explore", "--preset", "quick", "--only", "joining", "--checkpoint", path)
    assert path.exists()
    ran = run("explore", "--preset", "quick", "--seconds", 0, "--checkpoint", tmp_path / "many")
    assert ran.code == 3
    assert {f"many.{name}" for name in PRESETS["quick"]} <= {
        file.name for file in tmp_path.iterdir()
    }


def test_options_that_name_bounds() -> None:
    assert of_bounds(Bounds()) == ""
    assert of_bounds(Bounds(terms=3, in_flight=1, losses=0)) == "--terms 3 --in-flight 1 --losses 0"


def test_the_line_of_a_run_that_goes_on() -> None:
    report = Report(run_module.Options(), depth=3, generated=12_345, distinct=6_000, queue=17)
    report.seconds = 2.0
    line = progress_line("bounds", report)
    assert line.startswith(
        "bounds: depth 3, 12,345 generated, 6,000 distinct, 17 queued, 3,000/s, "
    )
    assert line.endswith(" MB")


def test_a_slice_is_the_same_for_a_seed_and_says_that_it_is_one() -> None:
    given = ("explore", "--width", 2, "--json", "--seed")
    first, again, other = (run(*given, seed).json for seed in (1, 1, 2))
    assert first | {"seconds": 0, "runs": 0} == again | {"seconds": 0, "runs": 0}
    assert first["distinct_states"] != other["distinct_states"]
    shown = run(*given[:3], "--seed", 1)
    assert shown.code == 3
    assert "stopped by the width of 2 states" in shown.out
    assert run("explore", "--width", 2, "--checkpoint", "here").code == 2
