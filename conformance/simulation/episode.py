"""An episode: what a schedule draws, step by step, and what comes of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from conformance.observe.finding import Finding, name_of
from conformance.simulation.healing import heal
from conformance.simulation.run import Run
from conformance.simulation.schedule.simulate import Schedule
from spec import rules
from spec.cluster import Change, Cluster, Rule, Step, apply


class Played(NamedTuple):
    """A step that was taken, the cluster before it, and what was wrong with it."""

    before: Cluster
    step: Step
    finding: Finding | None


@dataclass(frozen=True, slots=True)
class Episode:
    """What came of an episode, up to the first finding."""

    number: int
    steps: int
    events: int
    witnesses: Counter[str]
    finding: Finding | None
    unread: tuple[str, ...] = ()
    """What was not compared, though it was to be."""
    situations: Counter[str] = field(default_factory=Counter)


def play(schedule: Schedule, run: Run, length: int | None = None) -> Iterator[Played]:
    """The steps of an episode, each taken as it is asked for; it goes on after a finding.

    `length`: how many; None for as many as the schedule's profile has, and those that heal the
    cluster then, if that is its end.
    """
    run.begin(schedule.origin)
    for _ in range(schedule.profile.length if length is None else length):
        before = run.cluster
        step = schedule.next(before)
        yield Played(before, step, run.take(step))
    if length is None and schedule.heals:
        yield from (Played(*healing) for healing in heal(run))


def play_through(number: int, schedule: Schedule, run: Run, length: int | None = None) -> Episode:
    """Play an episode up to the first finding; at its end the logs are compared in full.

    One that is ignored ends it, if the nodes cannot go on from it, and is no finding.  `length`: as
    for `play`.
    """
    steps = 0
    finding: Finding | None = None
    for step in play(schedule, run, length):
        steps += 1
        finding = step.finding
        if finding is not None:
            break
    finding = finding or run.compare_logs()
    if finding is not None and run.events and name_of(finding) in run.ignored:
        finding = None
    situations = Counter[str]() if run.coverage is None else run.coverage.counts
    return Episode(number, steps, run.events, run.witnesses, finding, run.unread, situations)


def first_finding(schedule: Schedule, run: Run, length: int | None = None) -> Finding | None:
    """What an episode ends with, where nothing else of it is of interest."""
    return play_through(0, schedule, run, length).finding


def changes(
    schedule: Schedule, rule: Rule = rules.step, length: int | None = None
) -> Iterator[tuple[Step, Change]]:
    """The steps of an episode of the specified cluster, of which nothing is checked."""
    cluster = schedule.origin.cluster(schedule.profile.nodes)
    for _ in range(schedule.profile.length if length is None else length):
        step = schedule.next(cluster)
        change = apply(cluster, step, rule)
        yield step, change
        cluster = change.after
