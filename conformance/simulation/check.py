"""`conformance check`: random schedules in lockstep, until something is wrong or the time is up."""

from __future__ import annotations

import gc
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import ModuleType

from conformance.observe.finding import Finding, describe, name_of
from conformance.observe.recorded import Recorder
from conformance.simulation.choices import Choice, choice_of
from conformance.simulation.live import Live
from conformance.simulation.lockstep import Lockstep, run
from conformance.simulation.shrink import shrink
from conformance.simulation.simulate import Schedule
from conformance.subjects.library import LibrarySubject
from conformance.subjects.subject import Subject
from spec import rules
from spec.cluster import Rule
from spec.witnesses import SOMETIMES

LONG_RUN = 100_000
"""Events after which a witness that was never seen is worth a warning."""


@dataclass(frozen=True, slots=True)
class Options:
    """What to check.  `events` are inputs to nodes, over all episodes."""

    seed: int = 0
    events: int = 20_000
    seconds: float | None = None
    nodes: int | None = None
    """The size of every cluster; None: 1 to 7, drawn for each episode."""
    episode: int | None = None
    """Only this episode."""
    shrink_seconds: float = 30.0
    honest: bool = False
    """Only messages that were sent; else also what a leader might send, or a broken node."""
    subject: Callable[[], Subject] | None = LibrarySubject
    """Makes what is compared with the specification; None: only the properties are checked."""
    rule: Rule = rules.step
    live: ModuleType | None = None
    """The library whose own nodes are the cluster, in the specification's place; then the
    properties alone judge, and `subject` and `rule` say nothing."""


@dataclass(frozen=True, slots=True)
class Found:
    """What was wrong, and a schedule that shows it, as short as it could be made."""

    episode: int
    nodes: int
    finding: Finding
    choices: list[Choice]
    length_before: int
    """How many steps the schedule had when it was found."""
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

    @property
    def never_seen(self) -> list[str]:
        return [witness.name for witness in SOMETIMES if not self.witnesses[witness.name]]

    def as_json(self) -> dict[str, object]:
        finding = self.found.finding if self.found else None
        return {
            "verdict": "violation" if self.found else "conforms",
            "seed": self.options.seed,
            "episodes": self.episodes,
            "events": self.events,
            "steps": self.steps,
            "seconds": round(self.seconds, 3),
            "witnesses": {witness.name: self.witnesses[witness.name] for witness in SOMETIMES},
            "never_seen": self.never_seen if self.events >= LONG_RUN else [],
            "finding": None
            if self.found is None or finding is None
            else {
                "property": name_of(finding),
                "node": finding.node,
                "detail": describe(finding),
                "episode": self.found.episode,
                "nodes": self.found.nodes,
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
        with _uncollected():
            report.found = _run_episode(options, episode, report)
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


def _fresh(options: Options, nodes: int, recorder: Recorder | None = None) -> Lockstep:
    if options.live is not None:
        return Live(nodes, options.live, recorder)
    subject = options.subject() if options.subject is not None else None
    return Lockstep(nodes, subject, options.rule, recorder)


def _schedule(options: Options, episode: int) -> Schedule:
    schedule = Schedule(options.seed, episode, options.nodes)
    return schedule.honest() if options.honest else schedule


def _run_episode(options: Options, episode: int, report: Report) -> Found | None:
    schedule = _schedule(options, episode)
    nodes = schedule.profile.nodes
    lockstep = _fresh(options, nodes)
    steps = 0
    finding: Finding | None = None
    for _ in range(schedule.profile.length):
        steps += 1
        finding = lockstep.take(schedule.next(lockstep.cluster))
        if finding is not None:
            break
    finding = finding or lockstep.compare_logs()
    report.events += lockstep.events
    report.steps += steps
    report.witnesses.update(lockstep.witnesses)
    if finding is None:
        return None
    choices = _choices(options, episode, steps)
    shortest, _ = shrink(choices, finding, lambda: _fresh(options, nodes), options.shrink_seconds)
    recorder = Recorder()
    shown, taken = run(_fresh(options, nodes, recorder), shortest)
    assert shown is not None, "the finding did not show again: a subject is not deterministic"
    return Found(episode, nodes, shown, taken, steps, report.events, recorder)


def _choices(options: Options, episode: int, steps: int) -> list[Choice]:
    """The first steps of an episode, named so that they survive the removal of others."""
    schedule = _schedule(options, episode)
    lockstep = _fresh(options, schedule.profile.nodes)
    choices: list[Choice] = []
    for _ in range(steps):
        step = schedule.next(lockstep.cluster)
        choices.append(choice_of(lockstep.cluster, step))
        lockstep.take(step)
    return choices
