"""`make mutate`: is the library changed anywhere, something notices.

A tool changes it at every place in every way that it knows (`generate`), and each of
these mutants has to be killed by a check (`kill`).  What survives shows that a check is
missing, or cannot be told from the library; then `survivors.toml` says why.
"""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing import active_children, get_context
from pathlib import Path
from tempfile import TemporaryDirectory

from conformance.mutants.mechanical.generate import Key, Mechanical, mutants
from conformance.mutants.mechanical.kill import (
    OF_CODEC,
    PROOFS,
    STAGES,
    Stage,
    Verdict,
    judge,
    prepare,
)
from conformance.mutants.mechanical.survivors import FILE, explanations
from conformance.observe.selection import SelectionError
from conformance.subjects.patched import library_sources
from conformance.workers.pool import without_interrupts


@dataclass(frozen=True, slots=True)
class Options:
    """`only`: modules, or functions of them (`rules`, `entries.Marks.cut`); none: all.

    `prove`: ask the proofs of all survivors; None: of those that are not explained; False: of none.
    `pick`: only these mutants.
    """

    only: tuple[str, ...] = ()
    workers: int = 0
    seconds: float | None = None
    prove: bool | None = None
    survivors: Path = FILE
    pick: Callable[[Key], bool] = lambda key: True


@dataclass(slots=True)
class Report:
    left_out: Counter[str] = field(default_factory=Counter)
    """Mutants that are none, by the rule (`generate`)."""
    killed: Counter[str] = field(default_factory=Counter)
    """How many, by the stage that noticed them."""
    verdicts: dict[Key, list[Verdict]] = field(default_factory=dict)
    explained: list[tuple[Key, str]] = field(default_factory=list)
    unexplained: list[Key] = field(default_factory=list)
    unjudged: list[Key] = field(default_factory=list)
    """The machine failed over them."""
    stale: list[Key] = field(default_factory=list)
    """Explained, and killed or not there any more."""
    seconds: float = 0.0
    stopped: bool = False

    @property
    def judged(self) -> int:
        return self.killed.total() + len(self.explained) + len(self.unexplained)

    @property
    def score(self) -> float:
        """The part that was killed."""
        return self.killed.total() / self.judged if self.judged else 0.0

    @property
    def verdict(self) -> str:
        if self.unexplained or self.stale:
            return "violation"
        if self.stopped or self.unjudged or not self.judged:
            return "inconclusive"
        return "conforms"

    def as_json(self) -> dict[str, object]:
        return {
            "verdict": self.verdict,
            "mutants": self.judged,
            "left_out": dict(self.left_out),
            "killed": dict(self.killed),
            "score": round(self.score, 4),
            "explained": [{**key._asdict(), "reason": why} for key, why in self.explained],
            "unexplained": [key._asdict() for key in self.unexplained],
            "unjudged": [key._asdict() for key in self.unjudged],
            "stale": [key._asdict() for key in self.stale],
            "stopped": self.stopped,
            "seconds": round(self.seconds, 1),
        }


def run(options: Options, progress: Callable[[Report], None] = lambda _: None) -> Report:
    """Raises BadSurvivors, and SelectionError also where the library as it is does not pass."""
    started = time.monotonic()
    explained = explanations(options.survivors)
    texts = library_sources()
    modules = [name for name in texts if _may_hold(name, options.only)]
    if not modules:
        raise SelectionError(f"raftbare has nothing in {', '.join(options.only)}")
    report = Report()

    def time_is_up() -> bool:
        report.seconds = time.monotonic() - started
        return options.seconds is not None and report.seconds >= options.seconds

    if time_is_up():
        report.stopped = True
        return report
    with _workers(options.workers) as pool:
        asked = {name for module in modules for name in _stages(module)}
        stages = tuple(name for name in STAGES | OF_CODEC if name in asked)
        limits = _limits(pool.judge(texts, stages, {}).result())
        running: dict[Future[Verdict], Mechanical] = {}
        waiting = _selection(texts, modules, options, report)
        while not report.stopped:
            while len(running) < 2 * _count(options.workers):
                mutant = next(waiting, None)
                if mutant is None:
                    break
                stages = tuple(_stages(mutant.key.module))
                if stages == tuple(STAGES) and (
                    options.prove or (options.prove is None and mutant.key not in explained)
                ):
                    stages += tuple(PROOFS)
                changed = {**texts, mutant.key.module: mutant.text}
                running[pool.judge(changed, stages, limits)] = mutant
            if not running:
                break
            for done in wait(running, timeout=1.0, return_when=FIRST_COMPLETED).done:
                note(report, running.pop(done).key, done.result(), explained)
            report.stopped = time_is_up()
            progress(report)
    if not report.verdicts and not report.stopped:
        raise SelectionError(f"there is no mutant of {', '.join(options.only) or 'raftbare'}")
    _find_stale(report, explained, options)
    time_is_up()
    return report


def _stages(module: str) -> dict[str, Stage]:
    """What may notice a change of that module, but for the proofs."""
    return OF_CODEC if _within(module, ("codec",)) else STAGES


def _may_hold(module: str, only: tuple[str, ...]) -> bool:
    """Whether some of these are in the module, or it is in one of them."""
    return _within(module, only) or any(_within(one, (module,)) for one in only)


def _within(place: str, only: tuple[str, ...]) -> bool:
    """Whether it is one of these, or in one of them."""
    return not only or any(f"{place}.".startswith(f"{one}.") for one in only)


def _chosen(key: Key, options: Options) -> bool:
    return _within(f"{key.module}.{key.function}", options.only) and options.pick(key)


def _selection(
    texts: dict[str, str], modules: list[str], options: Options, report: Report
) -> Iterator[Mechanical]:
    for module in modules:

        def wanted(function: str, module: str = module) -> bool:
            return _within(f"{module}.{function}", options.only)

        for mutant in mutants(module, texts[module], wanted):
            if not options.pick(mutant.key):
                continue
            if mutant.left_out is not None:
                report.left_out[mutant.left_out] += 1
            else:
                yield mutant


def _count(workers: int) -> int:
    return workers or os.cpu_count() or 1


class _Pool(ProcessPoolExecutor):
    """Processes without threads, since each forks for every mutant."""

    def judge(
        self, texts: dict[str, str], stages: tuple[str, ...], limits: dict[str, float]
    ) -> Future[Verdict]:
        with without_interrupts():
            return self.submit(judge, texts, stages, limits)

    def kill(self) -> None:
        """All processes, and the mutants that they have forked, which are of their group."""
        for worker in active_children():
            assert worker.pid is not None
            with suppress(ProcessLookupError):
                os.killpg(worker.pid, signal.SIGKILL)
            worker.kill()  # it may not have a group of its own yet


@contextmanager
def _workers(count: int) -> Iterator[_Pool]:
    before = os.environ.get("OPENBLAS_NUM_THREADS")
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    folder = TemporaryDirectory(prefix="raftbare-")  # for mutants, which are killed
    pool = _Pool(_count(count), get_context("spawn"), prepare, (folder.name,))
    try:
        yield pool
    except BrokenProcessPool as error:
        raise ChildProcessError("a worker died") from error
    except KeyboardInterrupt:
        pool.kill()
        raise
    finally:
        pool.shutdown(cancel_futures=True)
        folder.cleanup()
        if before is None:
            del os.environ["OPENBLAS_NUM_THREADS"]
        else:
            os.environ["OPENBLAS_NUM_THREADS"] = before


def _limits(unchanged: Verdict) -> dict[str, float]:
    """Five times what the library as it is takes, and a second."""
    if unchanged.failed:
        raise OSError(unchanged.detail)
    if unchanged.killed_by is not None:
        raise SelectionError(
            f"the library as it is does not pass: {unchanged.killed_by}, {unchanged.detail}"
        )
    return {stage: 1 + 5 * seconds for stage, seconds in unchanged.seconds.items()}


def note(report: Report, key: Key, verdict: Verdict, explained: dict[Key, str]) -> None:
    """Put what became of a mutant where it belongs."""
    report.verdicts.setdefault(key, []).append(verdict)
    if verdict.failed:
        report.unjudged.append(key)
    elif verdict.killed_by is not None:
        report.killed[verdict.killed_by] += 1
    elif key in explained:
        report.explained.append((key, explained[key]))
    else:
        report.unexplained.append(key)


def _find_stale(report: Report, explained: dict[Key, str], options: Options) -> None:
    for key in explained:
        judged = report.verdicts.get(key, [])
        if judged:
            is_stale = all(verdict.killed_by is not None for verdict in judged)
        else:
            is_stale = not report.stopped and _chosen(key, options)
        if is_stale:
            report.stale.append(key)


def progress_line(now: Report) -> str:
    survive = len(now.explained) + len(now.unexplained)
    return f"{now.judged:,} mutants, {survive} survive, {len(now.unexplained)} unexplained"
