"""The main job: the lockstep check, and traces whose verdicts are known."""

from __future__ import annotations

import io
import json
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from conformance.cli import terminal
from conformance.cli.report.verify import Saved, print_verified
from conformance.explore.search import run as run_module
from conformance.explore.states.bounds import Bounds
from conformance.mutants.planted.crate import IN_LIBRARY
from conformance.network import scenarios
from conformance.network.scenario import Bound
from conformance.prove import catalogue
from conformance.prove.runner import cache
from conformance.release import verify as module
from conformance.release.verify import VerifyReport, verify
from conformance.simulation import check
from conformance.simulation.check import SMALL, Options, against_library, live
from conformance.subjects.library import LibrarySubject
from conformance.subjects.patched import Patch, patched_library
from conformance.subjects.rebuild import Rebuilder
from conformance.workers.pool import Workers
from conformance.workers.processes import processes
from tests.cli.helpers import Ran, run, with_mutant
from tests.network.brief import BRIEF
from tests.prove.runner import sample
from tests.support.recordings import simulated, story, written

VIOLATION = {"verdict": "violation", "property": "SpecifiedActions", "what": "a vote too much"}
HEALTHY = {"verdict": "conforms", "what": "nothing"}


@pytest.fixture
def traces(tmp_path: Path) -> Path:
    """A collection of one golden trace and one violation."""
    directory = tmp_path / "traces"
    written(directory / "golden" / "healthy.jsonl.gz", simulated(3))
    with patched_library(*IN_LIBRARY["D1"]) as copy:
        written(directory / "violations" / "vote.jsonl", story("D1", LibrarySubject(copy)))
    expect(directory / "golden", {"healthy.jsonl.gz": HEALTHY})
    expect(directory / "violations", {"vote.jsonl": VIOLATION})
    return directory


def expect(directory: Path, expected: Any) -> None:
    (directory / "expected.json").write_text(json.dumps(expected), encoding="utf-8")


def verified(traces: Path) -> Ran:
    quickly = "--no-explore", "--no-prove", "--no-measure", "--events", 50
    return run("verify", *quickly, "--traces", traces, "--out", traces / "findings")


def test_all_is_as_expected(traces: Path) -> None:
    ran = verified(traces)
    assert (ran.code, ran.err) == (0, "")
    assert "2 of 2 traces judged as expected" in ran.out
    assert ran.out.splitlines()[-1] == "verified"
    report = verify(Options(events=50), traces, {})
    assert [trace.path.name for trace in report.traces] == ["healthy.jsonl.gz", "vote.jsonl"]
    assert [trace.as_expected for trace in report.traces] == [True, True]
    assert (report.complaints, report.verdict) == ([], "conforms")
    assert report.check.events >= 50


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ("violations", {"vote.jsonl": {"verdict": "conforms", "what": ""}}),
        ("violations", {"vote.jsonl": VIOLATION | {"property": "SpecifiedState"}}),
        ("violations", {"vote.jsonl": VIOLATION | {"level": "safety"}}),
        ("golden", {"healthy.jsonl.gz": VIOLATION}),
        ("golden", {"healthy.jsonl.gz": {"verdict": "bad_input", "what": ""}}),
    ],
)
def test_a_wrong_verdict(part: str, expected: Any, traces: Path) -> None:
    expect(traces / part, expected)
    ran = verified(traces)
    assert ran.code == 1
    assert "NOT as expected" in " ".join(ran.out.split())
    assert "1 of 2 traces" in ran.out
    assert ran.out.splitlines()[-1] == "NOT verified"


def test_a_trace_that_is_healthy_no_more(traces: Path) -> None:
    (traces / "golden" / "healthy.jsonl.gz").write_bytes(b"{")
    assert verified(traces).code == 1


def refused(traces: Path) -> str:
    """Before anything is checked."""
    ran = verified(traces)
    assert (ran.code, ran.out) == (2, "")
    return ran.err


@pytest.mark.parametrize("part", ["golden", "violations"])
def test_the_collection_itself_is_wrong(part: str, traces: Path) -> None:
    """A wrong collection is no verdict on the library, and still no success."""
    directory = traces / part
    expected = json.loads((directory / "expected.json").read_text())
    (name,) = expected

    def complaints() -> str:
        ran = verified(traces)
        assert ran.code == 2
        assert ran.out.splitlines()[-1] == "NOT verified"
        return "".join(ran.out.splitlines())

    (directory / "more.jsonl").write_bytes((directory / name).read_bytes())
    assert "more.jsonl: no verdict expected" in complaints()
    (directory / "more.jsonl").unlink()
    expect(directory, expected | {"gone.jsonl": HEALTHY})
    assert "gone.jsonl: is missing" in complaints()
    wrong: Any
    for wrong in ([], 7, {name: "conforms"}, {name: HEALTHY | {"color": "red"}}, {name: {}}):
        expect(directory, wrong)
        assert f"{directory / 'expected.json'}: " in refused(traces)
    expect(directory, {name: HEALTHY | {"verdict": "fine"}})
    assert f"expected.json: {name}: verdict: Input should be 'conforms'" in refused(traces)
    (directory / "expected.json").write_bytes(b"\xff{")
    assert "expected.json: cannot be read" in refused(traces)
    (directory / "expected.json").unlink()
    assert "expected.json: cannot be read" in refused(traces)


def test_an_empty_collection_is_none(traces: Path) -> None:
    for path in (traces / "golden").iterdir():
        path.unlink()
    expect(traces / "golden", {})
    ran = verified(traces)
    assert ran.code == 2
    assert "no traces" in ran.out
    assert verified(traces / "nowhere").code == 2


def test_a_library_that_differs(traces: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Found by the check, while the recorded traces are judged as ever."""
    with with_mutant(monkeypatch, "D2"):
        ran = run(
            "verify",
            "--no-explore",
            "--no-prove",
            "--no-measure",
            "--events",
            20_000,
            "--traces",
            traces,
            "--out",
            traces / "findings",
        )
    assert ran.code == 1
    assert "library    DISAGREES" in ran.out
    assert "2 of 2 traces" in ran.out
    (found,) = (traces / "findings").glob("*.jsonl")
    assert run("replay", found).code == 0
    assert run("audit", found).code == 1


def test_an_exploration_is_part_of_it(traces: Path) -> None:
    small = {"small": Bounds(nodes=2, terms=1)}
    report = verify(Options(events=50), traces, small)
    assert report.explored is not None
    assert report.explored.verdict == report.verdict == "conforms"
    with patched_library(*IN_LIBRARY["D1"]) as copy, pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_module, "Rebuilder", lambda _: Rebuilder(copy))
        broken = {"broken": Bounds(terms=3, log=4, in_flight=1)}
        report = verify(Options(events=50), traces, broken)
    assert report.check.found is None
    assert report.explored is not None
    assert report.explored.found is not None
    assert report.verdict == "violation"


def test_proofs_are_part_of_it(
    traces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "FILE", tmp_path / "results.json")
    for source, verdict in ((sample.on_rules, "conforms"), (sample.refuted, "violation")):
        monkeypatch.setattr(catalogue, "obligations", source)
        report = verify(Options(events=50), traces, {}, prove=True)
        assert report.proofs is not None
        assert report.proofs.verdict == report.verdict == verdict
    arguments = "verify", "--no-explore", "--no-measure", "--events", 50, "--traces", traces
    ran = run(*arguments, "--out", tmp_path / "findings")
    assert ran.code == 1
    assert "Proofs" in ran.out
    assert "proofs     violation: " in ran.out
    assert "refuted" in ran.out


def test_a_slot_that_nobody_knows_is_told_after_all_that_can_do_without(traces: Path) -> None:
    more = Patch("role", '__slots__ = ("leader",)', '__slots__ = ("leader", "since")')
    small = {"small": Bounds(nodes=2, terms=1)}
    with patched_library(more) as copy:
        options = Options(events=50, run=against_library(copy))
        report = verify(options, traces, small, prove=True, scenarios=[BRIEF])
    assert (report.explored, report.proofs) == (None, None)
    assert report.measured is not None
    assert [trace.as_expected for trace in report.traces] == [True, True]
    assert report.verdict == report.check.verdict == "inconclusive"
    told = Console(record=True, width=160, file=io.StringIO())
    print_verified(told, report, Saved(None, None, None, {}, {}))
    assert "not compared, explored or proved: role.Follower keeps since besides" in (
        told.export_text()
    )


def test_a_cluster_in_virtual_time_is_part_of_it(
    traces: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    within = replace(BRIEF, bounds=(Bound("entries", 1.0),))
    beyond = replace(BRIEF, bounds=(Bound("latency", 0.5),))
    for scenario, verdict in ((within, "conforms"), (beyond, "violation")):
        report = verify(Options(events=50), traces, {}, scenarios=[scenario])
        assert report.measured is not None
        assert report.measured.verdict == report.verdict == verdict
    arguments = "verify", "--no-explore", "--no-prove", "--events", 50
    for scenario, code in ((within, 0), (beyond, 1)):
        monkeypatch.setattr(scenarios, "QUICK", (scenario,))
        ran = run(*arguments, "--traces", traces)
        assert ran.code == code
        assert "Network: a cluster in virtual time" in ran.out
        assert f"network    {('conforms', 'violation')[code]}: 1 scenarios" in ran.out


def test_most_scenarios_are_part_of_it() -> None:
    names = {scenario.name for scenario in scenarios.QUICK}
    assert scenarios.SCENARIOS.keys() - names == scenarios.LEFT_OUT
    assert len(names) > 2 * len(scenarios.LEFT_OUT)


# Who does it


def told(report: VerifyReport) -> Any:
    """All of it as JSON, but for what the clock says."""

    def timeless(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: timeless(part) for name, part in value.items() if name != "seconds"}
        return [timeless(part) for part in value] if isinstance(value, list) else value

    return timeless(json.loads(json.dumps(report.as_json())))


BOUNDS = {"small": Bounds(nodes=2, terms=1), "one": Bounds(nodes=1), "two": Bounds(nodes=2)}


def test_workers_report_what_one_process_does(traces: Path) -> None:
    arguments = Options(events=SMALL), traces, BOUNDS
    alone = verify(*arguments, scenarios=[BRIEF])
    assert alone.explored is not None
    assert alone.live is not None
    assert (alone.verdict, list(alone.explored.runs)) == ("conforms", list(BOUNDS))
    assert SMALL > alone.live.events >= SMALL // 10
    with processes(2) as workers:
        assert told(verify(*arguments, scenarios=[BRIEF], workers=workers)) == told(alone)


def test_what_workers_find_is_the_first_of_the_bounds(
    traces: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And it can be sent: all of the finding, and the way there."""
    with patched_library(*IN_LIBRARY["D1"]) as copy, ThreadPoolExecutor(2) as pool:
        monkeypatch.setattr(run_module, "Rebuilder", lambda _: Rebuilder(copy))
        broken = Bounds(terms=3, log=4, in_flight=1)
        bounds = {"small": BOUNDS["small"], "broken": broken, "too": broken, "one": BOUNDS["one"]}
        arguments = Options(events=50), traces, bounds
        report = verify(*arguments, workers=Workers(pool, 2))
        assert told(report) == told(verify(*arguments))
        sent = pickle.loads(pickle.dumps(module._explored(broken)))
    assert report.explored is not None
    assert report.explored.found is not None
    assert list(report.explored.runs) == ["small", "broken"]
    assert report.verdict == "violation"
    assert sent.found.finding == report.explored.found.finding
    assert sent.found.recorder.records == report.explored.found.recorder.records


def test_what_live_nodes_break_is_found(
    traces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is compared there, and what takes longer is not begun."""
    with patched_library(*IN_LIBRARY["D1"]) as copy:
        monkeypatch.setattr(module, "LIVE", live(copy))
        report = verify(Options(events=100_000, shrink_seconds=0, episode=8), traces, BOUNDS)
        assert report.live is not None
        assert report.live.found is not None
        assert (report.check.found, report.explored, report.verdict) == (None, None, "violation")
        monkeypatch.setattr(check, "Options", partial(Options, shrink_seconds=0))
        quickly = "--no-explore", "--no-prove", "--no-measure", "--events", 100
        monkeypatch.setattr(module, "LIVE_SHARE", 1 / 300)
        ran = run("verify", *quickly, "--traces", traces, "--out", tmp_path / "findings")
    assert ran.code == 1
    assert "Live: the library's nodes alone" in ran.out
    assert "live       violation: " in ran.out
    (found,) = (tmp_path / "findings").glob("*.jsonl")
    assert found.name.startswith("live-seed0-episode")


# What is told


def test_verify_as_json(traces: Path) -> None:
    quickly = "--no-explore", "--no-prove", "--no-measure", "--events", 50
    ran = run("verify", *quickly, "--traces", traces, "--out", traces / "findings", "--json")
    assert (ran.code, ran.err) == (0, "")
    report = ran.json
    assert (report["verdict"], report["findings"], report["complaints"]) == ("conforms", [], [])
    assert report["check"]["verdict"] == report["live"]["verdict"] == "conforms"
    assert [report[part] for part in ("explored", "proofs", "measured")] == [None] * 3
    assert [trace["as_expected"] for trace in report["traces"]] == [True, True]
    assert report["traces"][1]["problems"] == ["SpecifiedActions"]
    gone = run("verify", "--traces", traces / "nowhere", "--json")
    assert (gone.code, gone.json["verdict"]) == (2, "bad_input")


def test_it_says_what_else_looks_for_bugs(traces: Path) -> None:
    assert "make test finds more: lint" in verified(traces).out


def test_a_log_shows_that_something_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    shown = threading.Event()

    class Log(io.StringIO):
        def write(self, text: str) -> int:
            written.extend(text.splitlines())
            if "half of it" in text:
                shown.set()
            return len(text)

    monkeypatch.setattr(terminal, "errors", lambda: Console(file=Log()))
    monkeypatch.setattr(terminal, "LINE_EVERY", 0.001)
    with terminal.progress("verifying", lines=True) as tell:
        tell("half of it")
        assert shown.wait(60)
    lines = len(written)
    assert lines >= 1
    assert all(line.endswith((" s  verifying", " s  half of it")) for line in written)
    for as_json in (True, False):
        with terminal.progress("verifying", as_json=True, lines=as_json):
            pass
    assert len(written) == lines  # it has ended, and nothing is told beside JSON
