"""`conformance check`: random schedules in lockstep, until something is wrong or the time is up."""

from __future__ import annotations

import gc
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from types import ModuleType
from typing import Final, Protocol

import raftbare
from conformance.observe.finding import Difference, Finding, describe, name_of, not_again
from conformance.observe.recorded import Recorder
from conformance.simulation.choices import Choice, choice_of, take_all
from conformance.simulation.coverage import Coverage
from conformance.simulation.episode import play
from conformance.simulation.healing import CONVERGENCE
from conformance.simulation.live import Live
from conformance.simulation.lockstep import Lockstep
from conformance.simulation.run import Run
from conformance.simulation.shrink import shrink
from conformance.simulation.simulate import Schedule
from conformance.subjects.hidden import library_subject
from conformance.subjects.questions import NAMES
from conformance.subjects.readback import UnreadableError
from conformance.subjects.subject import Subject
from spec import rules
from spec.cluster import Rule
from spec.witnesses import SOMETIMES

LONG_RUN = 100_000
"""Events after which a witness that was never seen is worth a warning."""


class NewRun(Protocol):
    """Makes a run of a cluster of that many nodes, which the recorder notes."""

    def __call__(self, size: int, recorder: Recorder | None = None, /) -> Run: ...


def against(subject: Callable[[], Subject]) -> NewRun:
    """The specification and a subject, compared after every event."""
    return lambda size, recorder=None: Lockstep(size, subject(), recorder=recorder)


def against_library(library: ModuleType) -> NewRun:
    return against(partial(library_subject, library))


def specified(rule: Rule = rules.step) -> NewRun:
    """The specification, or a variant of it, alone: the properties judge it."""
    return lambda size, recorder=None: Run(size, rule, recorder)


def live(library: ModuleType) -> NewRun:
    """The library's own nodes, in the specification's place: the properties judge them."""
    return lambda size, recorder=None: Live(size, library, recorder)


LIBRARY: Final = against_library(raftbare)


@dataclass(frozen=True, slots=True)
class Options:
    """What to check.  `events` are inputs to nodes, over all episodes."""

    seed: int = 0
    events: int = 20_000
    seconds: float | None = None
    nodes: int | None = None
    """The size of every cluster; None: drawn for each episode, 1 to 7 but for a few."""
    episode: int | None = None
    """Only this episode."""
    shrink_seconds: float = 30.0
    honest: bool = False
    """Only messages that were sent; else also what a leader might send, or a broken node."""
    coverage: bool = False
    """Whether the situations are counted that the schedules come by (`simulation.coverage`)."""
    run: NewRun = LIBRARY
    """Makes what takes an episode's steps: `against(...)`, `specified(...)` or `live(...)`."""


@dataclass(frozen=True, slots=True)
class Found:
    """What was wrong, and a schedule that shows it, as short as it could be made."""

    episode: int
    nodes: int
    finding: Finding
    choices: list[Choice]
    length_before: int
    """How many steps the schedule had when it was found."""
    nodes_before: int
    """How many nodes its cluster had."""
    events_before: int
    """How many events had been checked when it was found."""
    recorder: Recorder
    """The records of that schedule."""


@dataclass(slots=True)
class Report:
    options: Options
    episodes: int = 0
    events: int = 0
    steps: int = 0
    seconds: float = 0.0
    witnesses: Counter[str] = field(default_factory=Counter)
    found: Found | None = None
    coverage: Coverage = field(default_factory=Coverage)
    unread: tuple[str, ...] = ()
    """Slots of the library's classes that were not compared, for nobody knows them."""

    @property
    def never_seen(self) -> list[str]:
        return [witness.name for witness in SOMETIMES if not self.witnesses[witness.name]]

    @property
    def verdict(self) -> str:
        if self.found is not None:
            return "violation"
        return "inconclusive" if self.unread else "conforms"

    def as_json(self) -> dict[str, object]:
        finding = self.found.finding if self.found else None
        return {
            "verdict": self.verdict,
            "seed": self.options.seed,
            "episodes": self.episodes,
            "events": self.events,
            "steps": self.steps,
            "seconds": round(self.seconds, 3),
            "witnesses": {witness.name: self.witnesses[witness.name] for witness in SOMETIMES},
            "never_seen": self.never_seen if self.events >= LONG_RUN else [],
            "unread": list(self.unread),
            **({"coverage": self.coverage.as_json(self.events)} if self.options.coverage else {}),
            "finding": None
            if self.found is None or finding is None
            else {
                "property": name_of(finding),
                "node": finding.node,
                "detail": describe(finding),
                "episode": self.found.episode,
                "nodes": self.found.nodes,
                "nodes_before_shrinking": self.found.nodes_before,
                "steps": len(self.found.choices),
                "steps_before_shrinking": self.found.length_before,
                "events_to_find": self.found.events_before,
            },
        }


def check(options: Options, progress: Callable[[Report], None] = lambda _: None) -> Report:
    """Run episodes until the events are reached, the time is up, or something is wrong."""
    report = Report(options)
    started = time.monotonic()
    episode = options.episode or 0
    while report.found is None:
        try:
            with _uncollected():
                report.found = _run_episode(options, episode, report)
        except UnreadableError as error:
            report.unread = (str(error),)
            break
        report.episodes += 1
        report.seconds = time.monotonic() - started
        progress(report)
        episode += 1
        if options.episode is not None or report.events >= options.events:
            break
        if options.seconds is not None and report.seconds >= options.seconds:
            break
    return report


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the cycle collector, which finds nothing among immutable values (and costs 5 %)."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _schedule(options: Options, episode: int) -> Schedule:
    schedule = Schedule(options.seed, episode, options.nodes)
    return schedule.honest() if options.honest else schedule


def question_of(finding: Finding) -> str | None:
    """The question that was answered otherwise than specified, if that is what was found."""
    if isinstance(finding, Difference) and finding.what in NAMES:
        return finding.what
    return None


def _run_episode(options: Options, episode: int, report: Report) -> Found | None:
    schedule = _schedule(options, episode)
    nodes = schedule.profile.nodes
    run = options.run(nodes)
    run.coverage = report.coverage if options.coverage else None
    steps = 0
    finding: Finding | None = None
    for _, _, finding in play(schedule, run):
        steps += 1
        if finding is not None:
            break
    finding = finding or run.compare_logs()
    report.events += run.events
    report.steps += steps
    report.witnesses.update(run.witnesses)
    report.unread = run.unread
    if finding is None:
        return None
    # Once more, for the choices: naming each costs time, and seldom is anything found.
    again = islice(play(_schedule(options, episode), options.run(nodes)), steps)
    choices = [choice_of(before, step) for before, step, _ in again]
    heals = name_of(finding) == CONVERGENCE
    if heals:  # the steps that heal follow from the others
        choices = choices[: schedule.profile.length]

    def closer(size: int, recorder: Recorder | None = None) -> Run:
        run = options.run(size, recorder)
        run.begin(schedule.origin)
        run.closely = question_of(finding)
        run.heals = heals
        return run

    shortest, _, size = shrink(choices, finding, nodes, closer, options.shrink_seconds)
    recorder = Recorder()
    shown, taken = take_all(closer(size, recorder), shortest)
    if shown is None:
        recorder = Recorder()
        shown, taken, size = not_again(finding), choices, nodes
        take_all(closer(size, recorder), choices)
    return Found(episode, size, shown, taken, steps, nodes, report.events, recorder)
