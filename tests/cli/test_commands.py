"""The commands on what they are for: check, replay, audit, verify."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from conformance.cli.app import main
from conformance.subjects.library import LibrarySubject
from conformance.trace.files import read
from conformance.trace.records import records
from spec.witnesses import SOMETIMES
from tests.cli.helpers import run, with_mutant
from tests.support.recordings import simulated, story, written


def test_check_conforms(tmp_path: Path) -> None:
    ran = run("check", "--events", 500, "--seed", 3, "--json", "--out", tmp_path / "out")
    assert (ran.code, ran.err) == (0, "")
    report = ran.json
    assert set(report) == {
        "verdict",
        "seed",
        "episodes",
        "events",
        "steps",
        "seconds",
        "witnesses",
        "never_seen",
        "unread",
        "finding",
        "trace",
        "page",
    }
    assert (report["verdict"], report["seed"]) == ("conforms", 3)
    assert (report["finding"], report["trace"], report["page"]) == (None, None, None)
    assert report["events"] >= 500
    assert report["steps"] > report["events"]
    assert list(report["witnesses"]) == [witness.name for witness in SOMETIMES]
    assert sum(report["witnesses"].values()) > 0
    assert not (tmp_path / "out").exists()


def test_check_for_people(tmp_path: Path) -> None:
    ran = run("check", "--events", 200, "--out", tmp_path)
    assert (ran.code, ran.err) == (0, "")
    assert "conforms" in ran.out
    assert "\x1b" not in ran.out
    assert "Reproduce:" not in ran.out


def test_the_seed_decides(tmp_path: Path) -> None:
    reports = [run("check", "--events", 300, "--seed", seed, "--json").json for seed in (1, 1, 2)]
    for report in reports:
        del report["seconds"]
    assert reports[0] == reports[1]
    assert reports[0]["witnesses"] != reports[2]["witnesses"]


def test_one_episode_of_three_nodes() -> None:
    report = run("check", "--episode", 4, "--nodes", 3, "--json").json
    assert report["episodes"] == 1


def test_check_finds_a_mutant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The finding is written, and shows itself again: to an audit and to whoever reproduces it."""
    out = tmp_path / "not" / "yet there"
    with with_mutant(monkeypatch, "D2"):
        ran = run("check", "--nodes", 3, "--json", "--out", out)
        report = ran.json
        assert (ran.code, ran.err, report["verdict"]) == (1, "", "violation")
        finding = report["finding"]
        assert finding["property"] == "Difference"
        assert finding["nodes"] <= finding["nodes_before_shrinking"] == 3
        assert finding["steps"] <= finding["steps_before_shrinking"]
        assert "specified" in finding["detail"]
        trace = Path(report["trace"])
        assert trace.parent == out

        episode = str(finding["episode"])
        again = run("check", "--nodes", 3, "--episode", episode, "--out", tmp_path)
        assert again.code == 1
        assert f"Reproduce: conformance check --seed 0 --episode {episode} --nodes 3" in again.out
        assert "First difference" in again.out
        assert (tmp_path / trace.name).read_bytes() == trace.read_bytes()

    assert run("replay", trace).code == 0
    assert run("check", "--nodes", 3, "--episode", episode, "--out", out).code == 0
    audited = run("audit", "--json", trace)
    assert (audited.code, audited.json["files"][0]["level"]) == (1, "exact")
    (violation,) = audited.json["violations"]
    assert violation["node"] == finding["node"]
    assert violation["detail"].startswith("D2 (")
    with read(trace) as reader:
        last = [record for record in records(reader) if record.node == finding["node"]][-1]
    assert violation["seq"] == last.seq


def test_a_finding_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = tmp_path / "file"
    blocked.write_bytes(b"")
    with with_mutant(monkeypatch, "D2"):
        ran = run("check", "--nodes", 3, "--json", "--out", blocked)
    assert (ran.code, ran.json["trace"]) == (1, None)
    assert "the trace was not written" in ran.err


def test_replay_conforms(tmp_path: Path) -> None:
    path = written(tmp_path / "trace.jsonl.zst", simulated(3))
    ran = run("replay", "--json", path)
    assert (ran.code, ran.err) == (0, "")
    assert ran.json == {
        "verdict": "conforms",
        "events": len(simulated(3)),
        "difference": None,
    }
    assert "agree" in run("replay", path).out


def test_audit_for_people(tmp_path: Path) -> None:
    path = written(tmp_path / "trace.jsonl", simulated(3))
    ran = run("audit", path)
    assert (ran.code, ran.err) == (0, "")
    assert "exact level" in ran.out
    assert "conforms" in ran.out


def test_what_was_not_judged_is_told(tmp_path: Path) -> None:
    recording = [replace(record, actions=None) for record in story("D1", LibrarySubject())]
    path = written(tmp_path / "other.jsonl", recording, "another 1.0")
    ran, told = run("audit", path), run("audit", "--json", path).json["unjudged"]
    assert ran.code == 3
    assert "never compared: LogMatching, LeaderCompleteness, StateMachineSafety" in ran.out
    for name, reasons in told.items():
        for reason, count in reasons.items():
            assert f"{name}: {count} not judged: {reason}" in ran.out
    assert told


def test_the_level_follows_the_implementation(tmp_path: Path) -> None:
    recording = story("D1", LibrarySubject())
    ours = written(tmp_path / "ours.jsonl", recording)
    other = written(tmp_path / "other.jsonl", recording, "another 1.0")
    for path, expected in ((ours, "exact"), (other, "safety")):
        assert run("audit", "--json", path).json["files"][0]["level"] == expected
        for level in ("exact", "safety"):
            ran = run("audit", "--level", level, "--json", path)
            assert ran.json["files"][0]["level"] == level
            # Nobody leads in it, and nothing is committed.
            never = ["LeaderCompleteness", "StateMachineSafety"] if level == "safety" else []
            assert (ran.code, ran.json["never_compared"]) == (3 if never else 0, never)


def test_many_departures_are_counted(tmp_path: Path) -> None:
    (start, *_) = story("D1", LibrarySubject())
    state = start.state._replace(commit_index=9)
    recording = [replace(start, node=node, state=state) for node in range(25)]
    path = written(tmp_path / "trace.jsonl", recording)
    ran = run("audit", path)
    assert ran.code == 1
    assert ran.out.count("SpecifiedState node") == 20
    assert "... and 5 more" in ran.out
    assert len(run("audit", "--json", path).json["violations"]) == 25


def test_main_is_the_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["conformance", "check", "--nodes", "99"])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
