"""A real scheduler and two workers: the reports are those of this process alone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import Executor, Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from distributed import KilledWorker

from conformance.audit.run import audit
from conformance.campaign.run import Options as CampaignOptions
from conformance.campaign.run import Report as Campaigned
from conformance.campaign.run import campaign
from conformance.mutants.matrix import run as matrix
from conformance.mutants.planted.catalogue import CATALOGUE
from conformance.prove.runner import run as proving
from conformance.simulation import check as check_module
from conformance.simulation.check import Options, Report, check
from conformance.workers import cluster as module
from conformance.workers.cluster import SchedulerError, _do, _same_sources, cluster
from conformance.workers.pool import TaskFailedError, WorkerDiedError, WorkerError, Workers
from conformance.workers.processes import processes
from conformance.workers.sources import sources
from tests.audit.recordings import Whole, broken, write
from tests.cli.helpers import run
from tests.prove.runner import sample
from tests.workers.dask import Dask, dask
from tests.workers.test_check import told

pytestmark = pytest.mark.xdist_group("dask")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dask]:
    with dask(tmp_path_factory.mktemp("dask")) as begun:
        yield begun


def negative(number: int) -> int:
    return -number


def failing(_: int) -> None:
    raise ZeroDivisionError("by zero")


def test_equal_tasks_are_each_done_and_come_in_their_order(running: Dask, tmp_path: Path) -> None:
    """Dask takes equal calls for one, unless it is told that they are not."""
    with cluster(running.address) as workers:
        assert workers.count == 2
        numbers = [3, 1, 2] * 5
        assert list(workers.in_order(negative, numbers)) == [-3, -1, -2] * 5
        assert sum(workers.in_order(counted, [str(tmp_path)] * 9)) == 9
        assert len(list(tmp_path.iterdir())) == 9
        with pytest.raises(TaskFailedError, match="a worker raised ZeroDivisionError: by zero"):
            list(workers.in_order(failing, [1]))


def counted(folder: str) -> int:
    """Leaves a file."""
    path = Path(folder)
    (path / f"{time.monotonic_ns()}").touch(exist_ok=False)
    return 1


@pytest.mark.parametrize("whole", [Whole.of(3), broken(3)], ids=["good", "broken"])
def test_a_recording_is_judged_alike_by_whoever_does_it(
    whole: Whole, running: Dask, tmp_path: Path
) -> None:
    for node, lines in whole.lines.items():
        write(tmp_path / f"{node}.jsonl", lines)
    alone = audit([tmp_path]).as_json()
    with cluster(running.address) as them, processes(2) as here:
        for workers in (them, here):
            elsewhere = audit([tmp_path], workers=workers).as_json()
            assert {**elsewhere, "seconds": 0} == {**alone, "seconds": 0}


def test_obligations_are_proved_alike(running: Dask) -> None:
    alone = proving.run(proving.Options(workers=1), sample.on_rules)
    with cluster(running.address) as workers:
        report = proving.run(proving.Options(), sample.on_rules, workers=workers)
    assert proved(report) == proved(alone)
    assert report.verdict == "conforms"


def test_mutants_are_tried_alike(running: Dask) -> None:
    """Each in a process of its own, wherever that is."""
    (mutant,) = (one for one in CATALOGUE if one.name == "earlier-term-commit")
    methods = matrix.methods_at("quick", "audit")
    alone = matrix.run(matrix.Options(workers=1), [mutant], methods)
    with cluster(running.address) as workers:
        report = matrix.run(matrix.Options(), [mutant], methods, workers=workers)
    (trial,), (same,) = report.fates[0].trials, alone.fates[0].trials
    assert replace(trial, seconds=0.0) == replace(same, seconds=0.0)
    assert trial.killed


def proved(report: proving.Report) -> list[object]:
    """All but the seconds."""
    return [{**one.as_json(), "seconds": 0} for one in report.proved]


def waiting(path: str) -> None:
    while not Path(path).exists():
        time.sleep(0.01)


def test_an_interrupt_waits_for_no_task(running: Dask, tmp_path: Path) -> None:
    go = tmp_path / "go"
    with pytest.raises(KeyboardInterrupt), cluster(running.address) as workers:
        begun = [workers.submit(waiting, str(go)) for _ in range(4)]
        raise KeyboardInterrupt
    assert not any(one.done() and not one.cancelled() for one in begun)
    go.touch()  # or the workers would wait for ever
    with cluster(running.address) as workers:  # and they are free again
        assert list(workers.in_order(negative, [1])) == [-1]


def plain(report: Campaigned) -> dict[str, object]:
    return {**report.as_json(), "seconds": 0, "cpu_seconds": 0}


EVENTS = 1_000
TASKS = CampaignOptions(tasks=2, kinds=("lockstep",))


@pytest.fixture
def little(monkeypatch: pytest.MonkeyPatch) -> None:
    """So few events would else be checked in this process."""
    monkeypatch.setattr(check_module, "SMALL", EVENTS)


@pytest.mark.usefixtures("little")
def test_the_command_takes_a_scheduler(running: Dask) -> None:
    options = ("check", "--events", EVENTS, "--json")
    alone = run(*options, "--workers", 1).json
    elsewhere = run(*options, "--scheduler", running.address)
    assert elsewhere.code == 0
    assert {**elsewhere.json, "seconds": 0} == {**alone, "seconds": 0}


@pytest.mark.usefixtures("little")
def test_a_worker_that_is_killed_half_way_changes_nothing(running: Dask, tmp_path: Path) -> None:
    """The last one: it leaves nobody who works."""
    options, played = Options(events=EVENTS), list[int]()
    with cluster(running.address) as workers:

        def kill(now: Report) -> None:
            played.append(now.episodes)
            if now.episodes == 3:
                running.workers[0].kill()
                running.workers[0].wait()

        report = check(options, kill, workers)
        assert running.workers[0].returncode is not None
        assert running.workers[1].poll() is None
        again = campaign(TASKS, workers=workers)  # by the one that is left
        left = workers.in_order(waiting, [str(tmp_path / "never")] * 2)
        running.scheduler.kill()
        with pytest.raises(WorkerError, match="the workers are gone"):
            next(left)
    assert told(report) == told(check(options))
    assert plain(again) == plain(campaign(TASKS))
    assert played == list(range(1, report.episodes + 1))


# What is no cluster


class Killing(Executor):
    """Says what a scheduler does of a task that has killed each worker that it came to."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_exception(KilledWorker("task", None, 3))  # type: ignore[arg-type]
        return future


def test_a_task_that_kills_its_workers_is_told_from_one_that_fails() -> None:
    workers = Workers(Killing(), 2, (KilledWorker,))
    with pytest.raises(WorkerDiedError):
        list(workers.in_order(negative, [1]))


class Cluster:
    """A client whose workers say this of their sources."""

    def __init__(self, said: dict[str, object]) -> None:
        self.said = said

    def run(self, _: object, on_error: str) -> dict[str, object]:
        return self.said


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({}, "has no worker"),
        ({"w": ModuleNotFoundError("No module named 'conformance'")}, "w cannot run this: No mod"),
        ({"v": sources(), "w": "other"}, "w has other sources than this process"),
    ],
)
def test_workers_that_would_not_do_the_same_are_refused(said: dict[str, object], why: str) -> None:
    client: Any = Cluster(said)
    with pytest.raises(SchedulerError, match=why):
        _same_sources(client, "tcp://here:1")
    both: Any = Cluster({"v": sources(), "w": sources()})
    assert _same_sources(both, "tcp://here:1") == 2


def test_a_worker_that_joins_later_with_other_sources_does_nothing() -> None:
    assert _do(sources(), negative, (1,), {}) == -1
    with pytest.raises(SchedulerError, match="other sources"):
        _do("other", negative, (1,), {})


def test_where_nobody_answers_the_command_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CONNECT_SECONDS", 0.2)
    for address in ("tcp://127.0.0.1:1", "nonsense"):
        ran = run("check", "--scheduler", address)
        assert (ran.code, ran.out) == (2, "")
        assert ran.err.startswith(f"error: no scheduler answers at {address}: ")
        assert len(ran.err.splitlines()) == 1
