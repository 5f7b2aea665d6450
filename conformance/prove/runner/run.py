"""Proves obligations, on all cores, within a budget; what was proved before is not proved again.

Whatever goes wrong with one of them (an exception, a worker that dies, the end of the budget) is
its result, `unknown`, and no affair of the others.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence, Sized
from contextlib import closing, nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Final, get_args

from conformance.observe.selection import selected
from conformance.observe.show import show
from conformance.prove.runner.cache import Cache
from conformance.prove.runner.obligation import (
    Counterexample,
    Level,
    Obligation,
    Result,
    Subjects,
    Verdict,
)
from conformance.prove.runner.sources import read
from conformance.prove.runner.worker import Answer, Job, Source, answer, name_of, prove
from conformance.workers.pool import TaskError, WorkerError, Workers
from conformance.workers.processes import processes

SAVED_EVERY: Final = 30.0
"""Seconds."""
LOOK_EVERY: Final = 1.0
"""Seconds after which it is looked whether the budget is spent, if nothing is proved meanwhile."""
INTERRUPT: Final = "an interrupt"


@dataclass(frozen=True, slots=True)
class Options:
    """`only`: part of a name, or a pattern with * and ?.  `workers`: processes, 0 for one per core.

    `seconds`: the budget.  `cache`: the file of earlier results, None for proving everything.
    `subjects`: what is proved in place of the specification and the library, in this process.
    """

    level: Level = "quick"
    only: str | None = None
    workers: int = 0
    seconds: float | None = None
    cache: Path | None = None
    subjects: Subjects | None = None


NEAREST: Final = 10
"""So many of the queries that come nearest to what z3 may do are told."""


@dataclass(frozen=True, slots=True)
class Proved:
    """An obligation with its result, from an earlier run if it is `cached`."""

    obligation: Obligation
    result: Result
    cached: bool = False

    @property
    def group(self) -> str:
        return "/".join(self.obligation.name.split("/")[:2])

    def as_json(self) -> dict[str, object]:
        result = self.result
        return {
            "name": self.obligation.name,
            "bounds": dict(self.obligation.bounds),
            "paths": result.paths,
            "live": result.live,
            "queries": result.queries,
            "seconds": round(result.seconds, 3),
            "result": result.result,
            "cached": self.cached,
            "detail": result.detail,
            "work": round(result.work, 4),
            "hardest": result.hardest,
            "counterexample": None if result.found is None else told(result.found),
        }


@dataclass(slots=True)
class Report:
    """`proved`: in the order of the obligations.  `seconds`: by the clock."""

    options: Options
    proved: list[Proved] = field(default_factory=list)
    seconds: float = 0.0
    stopped_by: str | None = None
    warnings: list[str] = field(default_factory=list)

    @property
    def verdict(self) -> str:
        results = {one.result.result for one in self.proved}
        if "refuted" in results:
            return "violation"
        if not results or "unknown" in results or self.vacuous:
            return "inconclusive"
        return "conforms"

    @property
    def groups(self) -> dict[str, list[Proved]]:
        groups: dict[str, list[Proved]] = {}
        for one in self.proved:
            groups.setdefault(one.group, []).append(one)
        return groups

    @property
    def vacuous(self) -> list[str]:
        """The groups that are true of nothing: no numbers take a path with all hypotheses."""
        return [name for name, group in self.groups.items() if is_vacuous(group)]

    @property
    def found(self) -> list[tuple[Proved, Counterexample]]:
        return [(one, one.result.found) for one in self.proved if one.result.found is not None]

    @property
    def nearest(self) -> list[Proved]:
        """The obligations with a query that came nearest to its limit, the nearest first."""
        measured = [one for one in self.proved if one.result.work > 0]
        return sorted(measured, key=lambda one: -one.result.work)[:NEAREST]

    def totals(self) -> dict[str, int]:
        counts = Counter(one.result.result for one in self.proved)
        return {
            "obligations": len(self.proved),
            **{name: counts[name] for name in get_args(Verdict)},
            "cached": sum(one.cached for one in self.proved),
            "paths": sum(one.result.paths for one in self.proved),
            "live": sum(one.result.live for one in self.proved),
            "queries": sum(one.result.queries for one in self.proved),
        }

    def as_json(self) -> dict[str, object]:
        return {
            "verdict": self.verdict,
            "level": self.options.level,
            "totals": self.totals(),
            "seconds": round(self.seconds, 3),
            "stopped_by": self.stopped_by,
            "vacuous": self.vacuous,
            "nearest": [
                {"name": one.obligation.name, "work": round(one.result.work, 4)}
                for one in self.nearest
            ],
            "obligations": [one.as_json() for one in self.proved],
        }


def told(found: Counterexample) -> dict[str, object]:
    """A counterexample as text."""
    turn = found.turn
    return {
        "what": found.what,
        "node": turn.node,
        "before": show(turn.before),
        "event": None if turn.event is None else show(turn.event),
        "executed": [show(done.action) for done in turn.executed],
        "after": show(turn.after),
        "others": list(found.others),
        "wrong": list(found.wrong),
        "replays": found.replays,
    }


def is_vacuous(group: Sequence[Proved]) -> bool:
    return all(
        one.result.live == 0 and one.result.result in ("proved", "witnessed") for one in group
    )


class Interrupted(KeyboardInterrupt):
    """The user has stopped a run; what had come of it is kept, and told."""

    def __init__(self, report: Report) -> None:
        super().__init__()
        self.report = report


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is; `current`: what the workers are at."""

    planned: int
    done: int
    cached: int
    current: tuple[str, ...]


def run(
    options: Options,
    source: Source,
    progress: Callable[[Progress], None] = lambda _: None,
    workers: Workers | None = None,
) -> Report:
    """Prove what `source` gives.  Raises `Interrupted`.

    `workers`: who does it; None for processes of this machine, so many as the options say.
    """
    return _Run(options, source, progress, workers).run()


def _groups(names: Iterable[str]) -> Iterable[str]:
    return dict.fromkeys("/".join(name.split("/")[:2]) + "/..." for name in names)


@dataclass(slots=True)
class _Run:
    options: Options
    source: Source
    progress: Callable[[Progress], None]
    workers: Workers | None = None
    results: dict[str, Proved] = field(default_factory=dict)
    cache: Cache | None = None
    started: float = field(default_factory=monotonic)
    saved: float = 0.0

    def run(self) -> Report:
        options, report = self.options, Report(self.options)
        every = self.source(options.level)
        names = Counter(one.name for one in every)
        if len(names) < len(every):
            raise ValueError(f"two obligations are named {names.most_common(1)[0][0]}")
        obligations = selected(every, options.only, listed=_groups)
        if options.cache is not None and options.subjects is None:
            sources = read(self.source.__module__)
            self.cache = Cache(options.cache, sources, report.warnings.append)
        for one in obligations:
            known = self.cache.get(options.level, one) if self.cache is not None else None
            if known is not None:
                self.results[one.name] = Proved(one, known, cached=True)
        left = {one.name: one for one in obligations if one.name not in self.results}
        try:
            if options.subjects is not None:
                report.stopped_by = self._here(left, options.subjects)
            elif left:
                report.stopped_by = self._elsewhere(left)
        except KeyboardInterrupt:
            report.stopped_by = INTERRUPT
        if self.cache is not None:
            if options.only is None:
                self.cache.forget_others(options.level, every)
            self._save(report.warnings)
        detail = f"not ended before {report.stopped_by}"
        report.proved = [
            self.results.get(one.name, Proved(one, Result("unknown", detail=detail)))
            for one in obligations
        ]
        report.seconds = monotonic() - self.started
        if report.stopped_by == INTERRUPT:
            raise Interrupted(report)
        return report

    def _here(self, left: dict[str, Obligation], subjects: Subjects) -> str | None:
        for one in left.values():
            if self._over():
                return self._budget()
            self._tell(len(left), (one.name,))
            self.results[one.name] = Proved(one, prove(one, subjects))
        return None

    def _elsewhere(self, left: dict[str, Obligation]) -> str | None:
        units = () if self.cache is None else tuple(self.cache.sources.functions)
        job = Job(name_of(self.source), self.options.level, units)
        with nullcontext(self.workers) if self.workers else processes(self._count(left)) as workers:
            try:
                return self._by(workers, job, left)
            except WorkerError as error:
                return str(error)

    def _count(self, left: Sized) -> int:
        return min(self.options.workers or _cores(), len(left))

    def _by(self, workers: Workers, job: Job, left: dict[str, Obligation]) -> str | None:
        planned, names = len(self.results) + len(left), self._longest_first(left)
        budget = self.options.seconds
        every = LOOK_EVERY if budget is None else min(LOOK_EVERY, max(0.01, budget / 10))
        self._tell(planned, tuple(names[: workers.count]))
        with closing(workers.as_completed(partial(answer, job), tuple(names), every)) as ended:
            for one in ended:
                if one is not None:
                    names.remove(one.given)
                    self._take(left[one.given], one.made)
                if self._over() and names:
                    return self._budget()
                self._tell(planned, tuple(names[: workers.count]))  # tasks begin in their order
        return None

    def _take(self, obligation: Obligation, answer: Answer | TaskError) -> None:
        if isinstance(answer, TaskError):
            answer = Answer(obligation.name, Result("unknown", detail=str(answer)))
        self.results[obligation.name] = Proved(obligation, answer.result)
        if self.cache is not None:
            self.cache.put(self.options.level, obligation, answer.result, answer.called)
            if monotonic() - max(self.started, self.saved) > SAVED_EVERY:
                self._save([])

    def _save(self, warnings: list[str]) -> None:
        """What was edited meanwhile, some worker may have read before and another one after."""
        assert self.cache is not None
        self.saved = monotonic()
        if read(self.source.__module__).texts == self.cache.sources.texts:
            self.cache.save()
        else:
            warnings.append("the sources were edited meanwhile, so no result is kept")

    def _longest_first(self, left: dict[str, Obligation]) -> list[str]:
        """So that no core waits for a long one at the end; of what is not known, nothing is."""

        def seconds(one: Obligation) -> float:
            known = None
            if self.cache is not None:
                known = self.cache.seconds(self.options.level, one)
            return float("inf") if known is None else known

        return [one.name for one in sorted(left.values(), key=seconds, reverse=True)]

    def _tell(self, planned: int, current: tuple[str, ...]) -> None:
        cached = sum(one.cached for one in self.results.values())
        self.progress(Progress(planned, len(self.results), cached, current))

    def _over(self) -> bool:
        budget = self.options.seconds
        return budget is not None and monotonic() - self.started >= budget

    def _budget(self) -> str:
        return f"the budget of {self.options.seconds:g} s was spent"


def _cores() -> int:
    return os.cpu_count() or 1


def progress_line(now: Progress) -> str:
    at = "; ".join(now.current)
    at = at if len(at) <= 60 else at[:57] + "..."
    return f"proving: {now.done:,} of {now.planned:,} {at}"
