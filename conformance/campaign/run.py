"""A campaign: tasks are drawn, done by workers, and what came of them is put together in order.

The tasks of a round are drawn from what was known two rounds before.  So the workers are busy with
one round while the results of the last one come in, and what is drawn does not depend on how many
they are, or on who is faster.
"""

from __future__ import annotations

import hashlib
import pickle
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from conformance.campaign.case import USUAL, Case, Kind, Known, draw
from conformance.campaign.corpus import Line, Notes, inherited, notes
from conformance.campaign.features import is_situation
from conformance.campaign.finding import Found, Signature
from conformance.campaign.work import Done, Plan, Shown, do, show
from conformance.observe.verdicts import Verdict
from conformance.simulation.coverage import LEAST
from conformance.simulation.schedule.profile import Profile
from conformance.workers.pool import AHEAD, TaskError, Workers
from conformance.workers.sources import sources

CASES: Final = 8
"""Of a task: about a second of work in lockstep."""

MOST_SHRUNK: Final = 20
"""So many findings are shrunk; of others it is told which case has them."""


@dataclass(frozen=True, slots=True)
class Options:
    """`tasks`: how many, of CASES cases each.  `round`: so many are drawn from the same knowledge.

    `minutes`: no result is awaited after that time, as if the campaign was stopped.
    `corpus`: a folder in which results are noted, and found again.
    """

    plan: Plan = field(default_factory=Plan)
    tasks: int = 100
    round: int = 16
    kinds: tuple[Kind, ...] = USUAL
    corpus: Path | None = None
    minutes: float | None = None


class Growth(NamedTuple):
    """How far a campaign was at the end of a round."""

    tasks: int
    events: int
    situations: int
    transitions: int


@dataclass(slots=True)
class Report:
    """`resumed`: how many tasks were done before, in another run of the same campaign.

    `seen`: how many cases came by each feature.  `found`: of each signature the first case, and
    how many cases had it.
    """

    options: Options
    resumed: int = 0
    inherited: int = 0
    """Features that other campaigns of the corpus have reached."""
    tasks: int = 0
    cases: int = 0
    kinds: Counter[Kind] = field(default_factory=Counter)
    events: int = 0
    states: int = 0
    hunters: Counter[str] = field(default_factory=Counter)
    """By the method: how many mutants it found, and none before it."""
    seen: Counter[str] = field(default_factory=Counter)
    growth: list[Growth] = field(default_factory=list)
    found: dict[Signature, tuple[Found, int]] = field(default_factory=dict)
    shown: list[Shown] = field(default_factory=list)
    not_judged: list[str] = field(default_factory=list)
    stopped: bool = False
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    """What the tasks took, wherever they were done."""

    @property
    def verdict(self) -> Verdict:
        if self.found:
            return "violation"
        if self.stopped or self.not_judged or not self.cases:
            return "inconclusive"
        return "conforms"

    @property
    def situations(self) -> int:
        return sum(map(is_situation, self.seen))

    @property
    def transitions(self) -> int:
        return len(self.seen) - self.situations

    def times(self, shown: Shown) -> int:
        """How many cases had the finding, in any of the forms that shrink to this one."""
        same = {one.found.signature for one in self.shown if one.signature == shown.signature}
        return sum(self.found[signature][1] for signature in same)

    @property
    def findings(self) -> list[Shown]:
        """Those that differ once they are shrunk, the first of each."""
        return list({one.signature: one for one in reversed(self.shown)}.values())[::-1]

    @property
    def not_shrunk(self) -> list[Found]:
        known = {one.found.signature for one in self.shown}
        return [found for signature, (found, _) in self.found.items() if signature not in known]

    def as_json(self) -> dict[str, object]:
        return {
            "verdict": self.verdict,
            "seed": self.options.plan.seed,
            "round": self.options.round,
            "tasks": self.tasks,
            "cases": self.cases,
            "kinds": dict(self.kinds),
            "events": self.events,
            "states": self.states,
            "hunters": dict(self.hunters),
            "situations": {name: self.seen[name] for name in LEAST},
            "transitions": {
                name: self.seen[name] for name in sorted(self.seen) if not is_situation(name)
            },
            "growth": [one._asdict() for one in self.growth],
            "findings": [self._shown_as_json(one) for one in self.findings],
            "not_shrunk": [_found_as_json(one) for one in self.not_shrunk],
            "not_judged": self.not_judged,
            "stopped": self.stopped,
            "resumed": self.resumed,
            "inherited": self.inherited,
            "seconds": round(self.seconds, 3),
            "cpu_seconds": round(self.cpu_seconds, 3),
        }

    def _shown_as_json(self, one: Shown) -> dict[str, object]:
        shortest = one.shortest
        return {
            **_found_as_json(one.found),
            "signature": list(one.signature),
            "times": self.times(one),
            "steps": None if shortest is None else len(shortest.choices),
            "steps_before_shrinking": None if shortest is None else shortest.length_before,
            "nodes": None if shortest is None else shortest.nodes,
            "again": one.again,
        }


def _found_as_json(found: Found) -> dict[str, object]:
    return {
        "property": found.signature[0],
        "case": found.case,
        "kind": found.kind,
        "node": found.node,
        "detail": found.detail,
    }


def campaign(
    options: Options,
    progress: Callable[[Report], None] = lambda _: None,
    workers: Workers | None = None,
) -> Report:
    """All tasks, and each finding once more, shrunk.

    `workers`: who does them; None for this process.  Raises `BadCorpus`, and `OSError` where the
    corpus cannot be written, and `WorkerError` where there are no workers any more.  Who dies over
    its task each time leaves that one not judged.
    """
    base = _header(options)
    known = inherited(options.corpus, base)
    header = {**base, "inherited": _digest(sorted(known))}
    with notes(options.corpus, header) as kept:
        return _Campaign(options, known, kept, progress, workers).run()


def _header(options: Options) -> dict[str, object]:
    """All that decides what comes of a campaign, but for how long it is."""
    return {
        "plan": _digest(options.plan) if options.corpus is not None else "",
        "round": options.round,
        "kinds": list(options.kinds),
        "sources": sources(),
    }


def _digest(value: object) -> str:
    return hashlib.sha256(pickle.dumps(value, 4)).hexdigest()


class _Campaign:
    def __init__(
        self,
        options: Options,
        first: dict[str, Profile],
        kept: Notes,
        progress: Callable[[Report], None],
        workers: Workers | None,
    ) -> None:
        self.options, self.kept, self.progress, self.workers = options, kept, progress, workers
        self.report = Report(options, inherited=len(first))
        self.first = dict(first)
        self.names: list[str] = []
        self.numbers: dict[str, int] = {}
        self.known = {0: Known({}, dict(first))}
        """By how many rounds were over: what was known then.  Of those that are drawn from yet."""
        self.cases: dict[Signature, Case] = {}
        """Of each finding the first case."""
        self.begun = time.monotonic()

    def run(self) -> Report:
        report, tasks = self.report, self.options.tasks
        for line in self.kept.lines[:tasks]:
            self._merge(line)
        report.resumed = report.tasks
        for task, outcome in enumerate(self._outcomes(report.tasks), report.tasks):
            line = self._line(task, outcome)
            self.kept.add(line)
            self._merge(line)
            self._tell()
            if self._over() and report.tasks < tasks:
                report.stopped = True
                break
        if not report.growth or report.growth[-1].tasks != report.tasks:
            self._note_growth()
        self._show()
        return report

    def _over(self) -> bool:
        minutes = self.options.minutes
        return minutes is not None and self.report.seconds >= 60 * minutes

    def _tell(self) -> None:
        self.report.seconds = time.monotonic() - self.begun
        self.progress(self.report)

    # Tasks

    def _outcomes(self, first: int) -> Iterator[Done | TaskError]:
        given = (self._cases(task) for task in range(first, self.options.tasks))
        one = partial(do, self.options.plan)
        if self.workers is None:
            return map(one, given)
        # No more than a round, so that the one before the last is over when a task is drawn.
        return self.workers.outcomes(
            one, given, min(AHEAD * self.workers.count, self.options.round)
        )

    def _cases(self, task: int) -> list[Case]:
        known = self.known[max(task // self.options.round - 1, 0)]
        seed, numbers = self.options.plan.seed, range(task * CASES, (task + 1) * CASES)
        return [draw(seed, number, known, self.options.kinds) for number in numbers]

    # Results, in the order of the tasks

    def _line(self, task: int, done: Done | TaskError) -> Line:
        if isinstance(done, TaskError):
            return Line(task, 0, 0, not_judged=f"task {task}: {done}")
        new = sorted(name for name in done.seen if name not in self.numbers)
        number = {name: len(self.names) + at for at, name in enumerate(new)}
        seen = sorted(
            (number[name] if name in number else self.numbers[name], count)
            for name, count in done.seen.items()
        )
        places = sorted({done.first[name] for name in new})
        profiles = [profile for place in places if (profile := done.profiles[place]) is not None]
        return Line(
            task,
            done.cases,
            done.events,
            new,
            seen,
            [places.index(done.first[name]) for name in new],
            profiles,
            done.found,
            list(done.unread),
            kinds=dict(done.kinds),
            states=done.states,
            hunters=dict(done.hunters),
            cpu_seconds=done.cpu_seconds,
        )

    def _merge(self, line: Line) -> None:
        report = self.report
        for name, place in zip(line.new, line.first, strict=True):
            self.numbers[name] = len(self.names)
            self.names.append(name)
            self.first[name] = line.profiles[place]
        for number, count in line.seen:
            report.seen[self.names[number]] += count
        for found in line.found:
            if found.signature not in report.found:
                self.cases[found.signature] = self._cases(line.task)[found.case % CASES]
            earlier, times = report.found.get(found.signature, (found, 0))
            report.found[found.signature] = earlier, times + 1
        for why in (*line.unread, *([line.not_judged] if line.not_judged else [])):
            if why not in report.not_judged:
                report.not_judged.append(why)
        report.tasks += 1
        report.cases += line.cases
        report.kinds.update(line.kinds)
        report.states += line.states
        report.hunters.update(line.hunters)
        report.events += line.events
        report.cpu_seconds += line.cpu_seconds
        if report.tasks % self.options.round == 0:
            self._note_growth()
            over = report.tasks // self.options.round
            self.known[over] = Known(dict(report.seen), dict(self.first))
            self.known.pop(over - 3, None)

    def _note_growth(self) -> None:
        now = self.report
        now.growth.append(Growth(now.tasks, now.events, now.situations, now.transitions))

    # Findings

    def _show(self) -> None:
        first = list(self.report.found.values())[:MOST_SHRUNK]
        given = [(found, self.cases[found.signature]) for found, _ in first]
        one = partial(show, self.options.plan)
        shown: Iterator[Shown | TaskError]
        shown = map(one, given) if self.workers is None else self.workers.outcomes(one, given)
        for (found, _), each in zip(given, shown, strict=True):
            if isinstance(each, TaskError):
                each = Shown(found, found.signature)
            self.report.shown.append(each)
            self._tell()
