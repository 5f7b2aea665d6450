"""Campaigns: what comes of one depends on nobody who works at it, and a seeded bug is found."""

from __future__ import annotations

import io
import json
import os
import shlex
import signal
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from conformance.campaign import run as module
from conformance.campaign import work
from conformance.campaign.corpus import BadCorpus
from conformance.campaign.run import Options, Report, campaign
from conformance.campaign.work import Plan
from conformance.cli.report.campaign import LiveTable
from conformance.observe.recorded import Recorder
from conformance.simulation.check import LIBRARY, against, live
from conformance.simulation.run import Run
from conformance.workers.pool import Workers
from conformance.workers.processes import processes
from tests.cli.helpers import ROOT, run
from tests.workers.test_check import broken

SMALL = Options(tasks=6, round=2)


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tasks of two cases each."""
    monkeypatch.setattr(module, "CASES", 2)


def told(report: Report) -> dict[str, Any]:
    """All but what depends on the machine, and on what was done before."""
    plain = report.as_json()
    for name in ("seconds", "cpu_seconds", "resumed"):
        del plain[name]
    return plain


@pytest.fixture(scope="module")
def alone() -> dict[str, Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "CASES", 2)
        return told(campaign(SMALL))


def kills_once(flag: str, size: int, recorder: Recorder | None = None, episode: int = 0) -> Run:
    """In the fourth episode its worker is killed, as by the machine; not again."""
    if episode == 4 and not Path(flag).exists():
        Path(flag).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return LIBRARY(size, recorder, episode)


def kills(size: int, recorder: Recorder | None = None, episode: int = 0) -> Run:
    if episode == 4:
        os._exit(9)
    return LIBRARY(size, recorder, episode)


def test_two_workers_of_which_one_is_killed_report_what_one_process_does(
    alone: dict[str, Any], tmp_path: Path
) -> None:
    assert (alone["verdict"], alone["cases"]) == ("conforms", 12)
    plan = Plan(run=partial(kills_once, str(tmp_path / "flag")))
    with processes(2) as workers:
        report = campaign(replace(SMALL, plan=plan), workers=workers)
    assert (tmp_path / "flag").exists()
    assert told(report) == alone


def test_a_task_that_kills_its_workers_is_not_judged_and_the_others_are() -> None:
    options = replace(SMALL, tasks=4, plan=Plan(run=kills), kinds=("lockstep",))
    with processes(1) as workers:
        report = campaign(options, workers=workers)
    assert report.verdict == "inconclusive"
    assert report.not_judged == ["task 2: a worker died (exit code 9)"]
    assert (report.tasks, report.cases) == (4, 6)


# The corpus


def test_a_campaign_goes_on_where_it_was_stopped(alone: dict[str, Any], tmp_path: Path) -> None:
    options = replace(SMALL, corpus=tmp_path)
    assert campaign(replace(options, tasks=3)).resumed == 0
    (path,) = tmp_path.iterdir()
    with path.open("a", encoding="utf-8") as file:
        file.write('{"task":3,"cas')  # it was killed over this
    report = campaign(options)
    assert (report.resumed, report.tasks) == (3, 6)
    assert told(report) == alone
    assert campaign(options).resumed == 6  # and nothing is done twice
    assert [json.loads(line).get("task") for line in path.read_text().splitlines()] == [
        None,
        *range(6),
    ]


def test_an_interrupt_keeps_what_was_done(tmp_path: Path) -> None:
    options = replace(SMALL, corpus=tmp_path)

    def interrupted(now: Report) -> None:
        if now.tasks == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        campaign(options, interrupted)
    assert campaign(replace(options, tasks=4)).resumed == 3


def test_another_campaign_begins_with_what_was_reached(tmp_path: Path) -> None:
    first = campaign(replace(SMALL, corpus=tmp_path))
    assert first.inherited == 0
    other = replace(SMALL, corpus=tmp_path, plan=Plan(seed=7), tasks=2)
    second = campaign(other)
    reached = {name for name, count in first.seen.items() if count}
    assert second.inherited == len(reached)
    assert second.resumed == 0
    assert len(list(tmp_path.iterdir())) == 2
    assert told(second) != told(campaign(replace(other, corpus=None)))


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda text: text.replace('"task":1,', '"task":"one",'), ":3: task: "),
        (lambda text: "[1]\n" + text, ":1: "),
        (lambda text: text.replace("campaign-1", "campaign-0"), ":1: no raftbare-campaign-1"),
    ],
)
def test_a_corpus_that_cannot_be_read_is_told(
    spoil: Callable[[str], str], why: str, tmp_path: Path
) -> None:
    options = replace(SMALL, corpus=tmp_path, tasks=2)
    campaign(options)
    (path,) = tmp_path.iterdir()
    path.write_text(spoil(path.read_text()))
    with pytest.raises(BadCorpus, match=f"{path.name}{why}.*expected a line of a campaign"):
        campaign(options)
    ran = run("campaign", "--tasks", 1, "--workers", 1, "--corpus", tmp_path)
    assert (ran.code, len(ran.err.splitlines())) == (2, 1)


def test_two_do_not_note_into_one_file(tmp_path: Path) -> None:
    options = replace(SMALL, corpus=tmp_path, tasks=2)

    def again(_: Report) -> None:
        with pytest.raises(BadCorpus, match="another process is at this campaign"):
            campaign(options)

    assert campaign(options, again).tasks == 2


# What is found


def test_a_seeded_bug_is_found_told_apart_and_shrunk() -> None:
    plan = Plan(run=against(broken), shrink_seconds=1e9)
    options = Options(plan, tasks=4, round=2, kinds=("lockstep",))
    report = campaign(options)
    assert report.verdict == "violation"
    for one in report.findings:
        assert one.shortest is not None
        assert len(one.shortest.choices) < one.shortest.length_before
        assert report.times(one) >= 1
    assert len({one.signature for one in report.findings}) == len(report.findings)
    assert sum(map(report.times, report.findings)) == sum(n for _, n in report.found.values())
    with processes(2) as workers:
        assert told(campaign(options, workers=workers)) == told(report)


def test_more_findings_than_are_shrunk_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_SHRUNK", 0)
    report = campaign(Options(Plan(run=against(broken)), tasks=4, round=2, kinds=("lockstep",)))
    assert report.verdict == "violation"
    assert report.findings == []
    assert {found.signature for found in report.not_shrunk} == set(report.found)


def test_the_command_writes_what_it_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "Plan", partial(Plan, run=against(broken), shrink_seconds=1e9))
    given = ("--tasks", 3, "--only", "lockstep", "--workers", 1, "--out", tmp_path)
    ran = run("campaign", *given, "--json")
    assert ran.code == 1
    first, trace = ran.json["findings"][0], ran.json["traces"][0]
    assert first["steps"] <= first["steps_before_shrinking"]
    assert Path(trace).name == f"campaign-seed0-case{first['case']}.jsonl"
    page = Path(ran.json["page"]).read_text(encoding="utf-8")
    assert first["property"] in page
    assert Path(trace).with_suffix(".html").name in page
    shown = run("campaign", *given)
    assert (shown.code, shown.out.splitlines()[-1]) == (1, "violation")
    assert f"first in case {first['case']} (lockstep)" in shown.out
    again = "Reproduce: conformance campaign --seed 0 --tasks 3 --round 16 --only lockstep\n"
    assert again in shown.out


def test_the_command_of_what_conforms(tmp_path: Path) -> None:
    given = ("--tasks", 2, "--workers", 1, "--out", tmp_path)
    ran = run("campaign", *given)
    assert (ran.code, ran.out.splitlines()[-1]) == (0, "conforms")
    assert "4 cases" in ran.out
    stopped = run("campaign", *given, "--minutes", 0, "--json", "--no-page")
    assert (stopped.code, stopped.json["verdict"]) == (3, "inconclusive")
    assert (stopped.json["stopped"], stopped.json["tasks"]) == (True, 1)


def test_on_a_terminal_a_table_shows_how_far_it_is() -> None:
    shown = Console(file=io.StringIO(), force_terminal=True, width=60, legacy_windows=False)
    table = LiveTable()
    with table(shown, "campaign", False) as tell:
        table.report = Report(SMALL, tasks=3, cases=6)
        tell("told", 3, 6)
    assert isinstance(shown.file, io.StringIO)
    text = shown.file.getvalue()
    assert "3 of 6" in text
    with table(shown, "campaign", True) as tell:
        tell("nothing", 4, 6)
    assert shown.file.getvalue() == text


# Programs that speak the subject protocol


OURS = shlex.join([sys.executable, "-m", "conformance.cli.app", "subject"])


def test_a_subject_with_a_seeded_bug_is_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    mutant = f"{OURS} spec --mutant vote-not-persisted"
    given = ("--tasks", 1, "--subject", mutant, "--nodes", 3, "--json", "--out", tmp_path)
    bad = run("campaign", *given, "--workers", 2)
    assert bad.code == 1
    names = {one["property"] for one in bad.json["findings"]}
    assert "VotePersistedBeforeReply" in names
    good = run(
        "campaign",
        "--tasks",
        1,
        "--workers",
        1,
        "--subject",
        f"{OURS} raftbare",
        "--json",
        "--level",
        "exact",
        "--out",
        tmp_path,
    )
    assert (good.code, good.json["verdict"]) == (0, "conforms")


def test_what_does_not_go_together_is_refused() -> None:
    for given in (
        ("--level", "exact"),
        ("--subject", "cat", "--only", "network"),
        ("--subject", "/nowhere/at/all"),
        ("--tasks", 0),
    ):
        ran = run("campaign", *given)
        assert (ran.code, ran.out) == (2, "")


def test_workers_of_any_kind_do() -> None:
    """The properties judge the library's own nodes as well."""
    report = campaign(Options(Plan(run=live()), tasks=2, kinds=("lockstep",)))
    assert report.verdict == "conforms"


def test_no_worker_is_asked_for_more_than_a_round(alone: dict[str, Any]) -> None:
    """Else tasks would be drawn before what they are drawn from is known."""
    with ThreadPoolExecutor(1) as executor:
        assert told(campaign(SMALL, workers=Workers(executor, 50))) == alone
