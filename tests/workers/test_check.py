"""Episodes that other processes play: the report is the one of this process alone."""

from __future__ import annotations

import os
import pickle
import re
import signal
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from typing import Any, NoReturn

import pytest

from conformance.mutants.planted.crate import IN_LIBRARY
from conformance.simulation import check as module
from conformance.simulation.check import (
    LIBRARY,
    Options,
    Report,
    against,
    against_library,
    check,
    live,
)
from conformance.simulation.run import Run
from conformance.subjects.library import LibrarySubject
from conformance.subjects.patched import patched_library
from conformance.subjects.subject import Subject
from conformance.workers.pool import WorkerError, Workers, without_interrupts
from conformance.workers.processes import processes
from tests.cli.helpers import run

EVENTS = 1_500


@pytest.fixture(autouse=True)
def little(monkeypatch: pytest.MonkeyPatch) -> None:
    """So few events would else be checked in this process."""
    monkeypatch.setattr(module, "SMALL", EVENTS)


def told(report: Report) -> object:
    """All of a report but its seconds."""
    found = report.found
    shown: tuple[object, ...] = ()
    if found is not None:
        shown = found.finding, found.episode, found.choices, found.length_before
        shown += found.events_before, found.recorder.records
    return report.episodes, report.events, report.steps, report.witnesses, shown


@cache
def broken_copy() -> Any:
    """It stays imported, since the worker ends with its process."""
    return patched_library(*IN_LIBRARY["D2"]).__enter__()


def broken() -> Subject:
    return LibrarySubject(broken_copy())


DIFFERS = Options(events=20_000, run=against(broken), shrink_seconds=1e9)


def test_any_number_of_workers_reports_the_same() -> None:
    options = Options(events=EVENTS)
    alone = check(options)
    assert alone.found is None
    for count in (1, 3):
        with ThreadPoolExecutor(count) as pool:
            assert told(check(options, workers=Workers(pool, count))) == told(alone)
    with processes(2) as workers:
        assert told(check(options, workers=workers)) == told(alone)


def test_what_workers_find_is_what_is_found_first_in_the_order_of_episodes() -> None:
    alone = check(DIFFERS)
    assert alone.found is not None
    with processes(2) as workers:
        assert told(check(DIFFERS, workers=workers)) == told(alone)


def test_live_nodes_are_played_by_workers_too() -> None:
    options = Options(events=EVENTS, run=live())
    with processes(2) as workers:
        assert told(check(options, workers=workers)) == told(check(options))


class Unused(Executor):
    def submit(self, *_: Any, **__: Any) -> NoReturn:
        raise AssertionError("it was asked to do something")


def test_what_is_short_or_cannot_be_sent_is_played_here() -> None:
    unused = Workers(Unused(), 2)
    assert check(Options(events=100), workers=unused).events >= 100
    assert check(Options(events=EVENTS, episode=1), workers=unused).episodes == 1
    with patched_library() as copy:
        options = Options(events=EVENTS, run=against_library(copy))
        assert told(check(options, workers=unused)) == told(check(Options(events=EVENTS)))
    with pytest.raises(AssertionError, match="asked to do something"):
        check(Options(events=EVENTS), workers=unused)


def dying(_size: int, _recorder: object = None, _episode: int = 0) -> Run:
    os._exit(7)


def raising(_size: int, _recorder: object = None, _episode: int = 0) -> Run:
    raise ZeroDivisionError("by zero")


@pytest.mark.parametrize(
    ("fails", "why"),
    [
        (dying, "a worker died (exit code 7)"),
        (raising, "a worker raised ZeroDivisionError: by zero"),
    ],
)
def test_a_worker_that_fails_is_no_finding(
    fails: Callable[..., Run], why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with processes(2) as workers, pytest.raises(WorkerError, match=re.escape(why)):
        check(Options(run=fails), workers=workers)

    def failing(options: Options, *more: Any) -> Report:
        return check(replace(options, run=fails), *more)

    monkeypatch.setattr(module, "check", failing)
    ran = run("check", "--workers", 2)
    assert (ran.code, ran.out, ran.err) == (3, "", f"inconclusive: {why}\n")
    told = run("check", "--workers", 2, "--json")
    assert (told.code, told.json) == (3, {"verdict": "inconclusive", "error": why})


def test_the_options_of_the_command_are_sent() -> None:
    assert Options().run is LIBRARY
    reports = [
        run("check", "--events", EVENTS, "--seed", 4, "--json", "--workers", n).json for n in (1, 2)
    ]
    for report in reports:
        del report["seconds"]
    assert reports[0] == reports[1]


def test_what_the_command_runs_can_be_sent() -> None:
    """Else all of it would silently be played here."""
    for takes in (LIBRARY, live()):
        assert pickle.dumps(Options(run=takes))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_waits_until_a_process_has_begun(number: signal.Signals) -> None:
    """Or the process, of what it is to begin with, would get half."""
    before = signal.signal(number, signal.default_int_handler)
    done = []
    try:
        with pytest.raises(KeyboardInterrupt), without_interrupts():
            signal.raise_signal(number)
            done.append(True)
        assert done
        assert signal.getsignal(number) is signal.default_int_handler
        with without_interrupts():
            done.append(True)
    finally:
        signal.signal(number, before)
    assert len(done) == 2
