"""Every mutant against every method, on all cores."""

from __future__ import annotations

import math
import os
import resource
import signal
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from multiprocessing import active_children, get_context
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from threading import Thread, current_thread, main_thread
from types import FrameType
from typing import NoReturn

from conformance.mutants.matrix import methods as methods_module
from conformance.mutants.matrix.kept import Kept
from conformance.mutants.matrix.methods import METHODS
from conformance.mutants.matrix.trial import BUDGETS, Budget, Method, Trial, tried
from conformance.observe.selection import SelectionError
from conformance.observe.verdicts import Level
from conformance.subjects.mutant import Mutant
from conformance.workers.pool import TaskError, Workers


@dataclass(frozen=True, slots=True)
class Options:
    """`seconds`: what one trial may take at the most, in place of the level's.

    `workers`: processes; 0 for one for each core.
    `kept`: a file of trials that ended earlier, which are not made again; those made now go there.
    `out`: a directory where runs are written that kill a mutant.
    """

    level: Level = "quick"
    seconds: float | None = None
    workers: int = 0
    kept: Path | None = None
    out: Path | None = None

    @property
    def budget(self) -> Budget:
        budget = BUDGETS[self.level]
        return budget if self.seconds is None else replace(budget, seconds=self.seconds)


@dataclass(slots=True)
class Fate:
    """What all methods made of one mutant, in the order of the methods."""

    mutant: Mutant
    trials: list[Trial]

    @property
    def kills(self) -> list[Trial]:
        return [trial for trial in self.trials if trial.killed]

    @property
    def fastest(self) -> Trial | None:
        return min(self.kills, key=lambda trial: trial.seconds, default=None)

    @property
    def verdict(self) -> str:
        """A mutant survives only what has looked to the end of its budget."""
        if self.kills:
            return "conforms"
        stopped = any(trial.stopped is not None for trial in self.trials)
        return "inconclusive" if stopped or not self.trials else "violation"


@dataclass(slots=True)
class Report:
    """`fates`: in the order of the catalogue.  It conforms where every mutant dies."""

    options: Options
    methods: tuple[Method, ...]
    fates: list[Fate] = field(default_factory=list)
    seconds: float = 0.0
    warnings: list[str] = field(default_factory=list)

    @property
    def verdict(self) -> str:
        verdicts = {fate.verdict for fate in self.fates}
        for verdict in ("violation", "inconclusive"):
            if verdict in verdicts:
                return verdict
        return "conforms" if self.fates else "inconclusive"

    @property
    def survivors(self) -> list[Fate]:
        return [fate for fate in self.fates if not fate.kills]

    def killed_by_at_least(self, methods: int) -> int:
        return sum(len(fate.kills) >= methods for fate in self.fates)

    @property
    def median_seconds(self) -> float | None:
        """The median, over the mutants that died, of the time of the fastest method."""
        fastest = [fate.fastest.seconds for fate in self.fates if fate.fastest is not None]
        return median(fastest) if fastest else None

    def kills_of(self, method: Method) -> int:
        return sum(
            trial.killed
            for fate in self.fates
            for trial in fate.trials
            if trial.method == method.name
        )

    def as_json(self) -> dict[str, object]:
        return {
            "verdict": self.verdict,
            "level": self.options.level,
            "mutants": len(self.fates),
            "killed": len(self.fates) - len(self.survivors),
            "killed_by_two": self.killed_by_at_least(2),
            "killed_by_three": self.killed_by_at_least(3),
            "median_seconds": self.median_seconds,
            "seconds": round(self.seconds, 3),
            "methods": {method.name: self.kills_of(method) for method in self.methods},
            "survivors": [fate.mutant.name for fate in self.survivors],
            "warnings": self.warnings,
            "matrix": [
                {
                    "name": fate.mutant.name,
                    "what": fate.mutant.what,
                    "breaks": fate.mutant.breaks,
                    "source": fate.mutant.source,
                    "trials": [trial.as_json() for trial in fate.trials],
                }
                for fate in self.fates
            ],
        }


@dataclass(frozen=True, slots=True)
class Progress:
    planned: int
    done: int
    latest: str


def methods_at(level: Level, only: str | None = None) -> tuple[Method, ...]:
    methods = tuple(method for method in METHODS if level in method.levels)
    if only is None:
        return methods
    found = tuple(method for method in methods if method.name == only)
    if not found:
        names = ", ".join(repr(method.name) for method in methods)
        raise SelectionError(f"--method {only}: expected one of {names}")
    return found


def run(
    options: Options,
    mutants: Sequence[Mutant],
    methods: Sequence[Method],
    progress: Callable[[Progress], None] = lambda _: None,
    workers: Workers | None = None,
) -> Report:
    """`workers`: who makes the trials; None for processes of this machine."""
    report = Report(options, tuple(methods))
    started = time.monotonic()
    jobs = [(mutant, method.name) for mutant in mutants for method in methods]
    kept = Kept(options.kept, options.budget) if options.kept is not None else None
    known = kept.trials if kept is not None else {}
    if kept is not None and kept.set_aside:
        report.warnings.append(
            f"{kept.path}: {kept.set_aside} of its lines are not what was written there, by their "
            "checksums: those trials are made again"
        )
    trials: dict[tuple[str, str], Trial] = {
        (mutant.name, method): known[mutant.name, method]
        for mutant, method in jobs
        if (mutant.name, method) in known
    }
    left = [(mutant, method) for mutant, method in jobs if (mutant.name, method) not in trials]
    here = _here(options.workers or os.cpu_count() or 1)
    with nullcontext(workers) if workers is not None else here as them:
        out = options.out if workers is None else None  # other machines have other files
        for trial in _tried(left, options.budget, out, them):
            trials[trial.mutant, trial.method] = trial
            if kept is not None:
                kept.add(trial)
            progress(Progress(len(jobs), len(trials), f"{trial.mutant}, {trial.method}"))
    report.fates = [
        Fate(mutant, [trials[mutant.name, method.name] for method in methods]) for mutant in mutants
    ]
    report.seconds = time.monotonic() - started
    return report


# A process for each trial: a mutant may never return, and then its process is ended.


@contextmanager
def _here(count: int) -> Iterator[Workers]:
    """Threads of this process, each of which waits for the process of a trial."""
    begun, pool = set(active_children()), ThreadPoolExecutor(count)
    try:
        yield Workers(pool, count)
    finally:
        ending = Thread(target=pool.shutdown, kwargs={"cancel_futures": True})
        ending.start()
        while ending.is_alive():  # a thread may be about to begin one
            for one in set(active_children()) - begun:
                one.kill()
            ending.join(0.05)


def _tried(
    jobs: Sequence[tuple[Mutant, str]], budget: Budget, out: Path | None, workers: Workers
) -> Iterator[Trial]:
    """The trials as they end."""
    trial = partial(tried_apart, budget, out)
    with closing(workers.as_completed(trial, jobs)) as ended:
        for one in ended:
            if one is None:
                continue
            made, (mutant, method) = one.made, one.given
            if isinstance(made, TaskError):
                made = Trial(mutant.name, method, stopped=str(made))
            yield made


def tried_apart(budget: Budget, out: Path | None, job: tuple[Mutant, str]) -> Trial:
    """A trial in a process of its own, which is ended when its time is up."""
    mutant, method = job
    context = get_context("forkserver")
    context.set_forkserver_preload([methods_module.__name__])
    ours, theirs = context.Pipe(duplex=False)
    with ours, TemporaryDirectory(prefix="raftbare-") as folder:  # of one that may be killed
        process = context.Process(
            target=_try, args=(mutant, method, budget, theirs, folder, out), daemon=True
        )
        process.start()
        theirs.close()
        try:
            trial: Trial | None = ours.recv()
        except EOFError:
            trial = None
        process.join()
    if trial is not None:
        return trial
    if process.exitcode == -signal.SIGXCPU:
        return _out_of_time(mutant, method, budget)
    return Trial(mutant.name, method, stopped="the end of its process")


class _OverTimeError(BaseException):
    """Nobody who catches what a mutant raises catches this."""


def tried_within(budget: Budget, mutant: Mutant, method: Method) -> Trial:
    """A trial in this process, up to its time; in one of its own where only that can be ended.

    That is where this is no process's main thread, which alone is interrupted.
    """
    if current_thread() is not main_thread():
        return tried_apart(budget, None, (mutant, method.name))
    handler = signal.signal(signal.SIGVTALRM, _over_time)
    try:
        with mutant.planted() as broken:
            signal.setitimer(signal.ITIMER_VIRTUAL, budget.seconds)
            try:
                return tried(mutant.name, broken, method, budget)
            finally:
                signal.setitimer(signal.ITIMER_VIRTUAL, 0.0)
    except _OverTimeError:
        return _out_of_time(mutant, method.name, budget)
    finally:
        signal.signal(signal.SIGVTALRM, handler)


def _over_time(_number: int, _frame: FrameType | None) -> NoReturn:
    raise _OverTimeError


def _out_of_time(mutant: Mutant, method: str, budget: Budget) -> Trial:
    stopped = f"the time of {budget.seconds:g} s"
    return Trial(mutant.name, method, seconds=budget.seconds, stopped=stopped)


def _try(
    mutant: Mutant, method: str, budget: Budget, to: Connection, folder: str, out: Path | None
) -> None:
    tempfile.tempdir = folder
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is ended by who began it
    limit = math.ceil(budget.seconds)
    resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 5))
    by_name = {method.name: method for method in METHODS}
    with mutant.planted() as broken:
        to.send(tried(mutant.name, broken, by_name[method], budget, out))
