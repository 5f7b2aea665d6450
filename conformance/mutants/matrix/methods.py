"""The methods: random schedules, exploration, proofs, audits of recordings, virtual time."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import zip_longest
from pathlib import Path
from types import ModuleType
from typing import Final

from conformance.audit.run import audit
from conformance.explore.search.run import Options as Exploring
from conformance.explore.search.run import explore
from conformance.mutants.matrix.trial import Budget, Method, Trial
from conformance.network.clock import MILLISECOND
from conformance.network.run import measure
from conformance.network.scenarios import SCENARIOS
from conformance.observe.finding import describe, name_of
from conformance.observe.recorded import Recorder
from conformance.observe.verdicts import AuditLevel
from conformance.prove.runner.obligation import Obligation, Subjects
from conformance.prove.step import equivalence
from conformance.prove.step import server_invariants as invariants
from conformance.simulation.check import Options, against_library, check, live
from conformance.simulation.episode import play
from conformance.simulation.live import Live
from conformance.simulation.schedule.simulate import Schedule
from conformance.subjects.as_rule import rule_of
from conformance.subjects.library import LibrarySubject
from conformance.symbolic.paths import BudgetError, RepeatError
from conformance.trace.save import save


def compared_on_schedules(library: ModuleType, budget: Budget, trial: Trial) -> None:
    """Lockstep: specification and mutant, event by event."""
    run = against_library(library)
    _check(Options(budget.seed, budget.events, shrink_seconds=0.0, run=run), trial)


def judged_on_schedules(library: ModuleType, budget: Budget, trial: Trial) -> None:
    """A cluster of the mutant's own nodes."""
    run = live(library)
    _check(Options(budget.seed, budget.events, shrink_seconds=0.0, run=run), trial)


def _check(options: Options, trial: Trial) -> None:
    report = check(options)
    trial.work, trial.unit = report.events, "events"
    if report.found is not None:
        finding = report.found.finding
        trial.killed_by, trial.detail = name_of(finding), describe(finding)
        trial.show(report.found.recorder.records, report.found.nodes)


def compared_in_exploration(library: ModuleType, budget: Budget, trial: Trial) -> None:
    """Every state within bounds, and from each the mutant's step beside the specified one."""
    _explore(Exploring(library=library, workers=1, eventually=False), budget, trial)


def judged_in_exploration(library: ModuleType, budget: Budget, trial: Trial) -> None:
    """Every state that the mutant's own steps lead to."""
    options = Exploring(
        rule=rule_of(library), library=None, workers=1, eventually=budget.eventually
    )
    _explore(options, budget, trial)


def _explore(options: Exploring, budget: Budget, trial: Trial) -> None:
    trial.unit = "states"
    for bounds in budget.bounds:
        report = explore(replace(options, bounds=bounds))
        trial.work += report.distinct
        if report.found is not None:
            trial.killed_by = name_of(report.found.finding)
            trial.detail = describe(report.found.finding)
            trial.show(report.found.recorder.records, report.found.nodes)
            return


def compared_by_proof(library: ModuleType, budget: Budget, trial: Trial) -> None:
    """Step equivalence, for all numbers: all shapes of level quick, and then larger ones."""
    shapes = [*by_turns(equivalence.obligations("quick"))]
    shapes += by_turns(equivalence.obligations("full"))
    _prove(shapes, Subjects(library=library), budget.paths, trial)


def judged_by_proof(library: ModuleType, budget: Budget, trial: Trial) -> None:
    """The state invariants, that the mutant's own steps keep them, for all numbers."""
    rule = rule_of(library, reraise=(BudgetError, RepeatError))
    shapes = [*by_turns(invariants.obligations("quick"))]
    _prove(shapes, Subjects(rule, library), budget.paths_alone, trial)


def _prove(obligations: list[Obligation], subjects: Subjects, paths: int, trial: Trial) -> None:
    trial.unit = "paths"
    for obligation in obligations:
        if trial.work >= paths:
            return
        result = obligation.prove(subjects)
        trial.work += result.paths
        if result.result == "refuted":
            trial.killed_by, trial.detail = obligation.name, result.detail
            return


def by_turns(obligations: list[Obligation]) -> Iterator[Obligation]:
    """The first of every event, then the second, and so on: the events differ most, and of each
    the smallest shapes come first.
    """
    events: dict[str, list[Obligation]] = {}
    for obligation in obligations:
        events.setdefault("/".join(obligation.name.split("/")[:2]), []).append(obligation)
    for turn in zip_longest(*events.values()):
        yield from [obligation for obligation in turn if obligation is not None]


def audited_exactly(library: ModuleType, budget: Budget, trial: Trial) -> None:
    _audit(library, "exact", budget, trial)


def audited_for_safety(library: ModuleType, budget: Budget, trial: Trial) -> None:
    _audit(library, "safety", budget, trial)


def _audit(library: ModuleType, level: AuditLevel, budget: Budget, trial: Trial) -> None:
    """Recordings of the mutant's own clusters, one episode each."""
    trial.unit = "events"
    episode = 0
    with tempfile.TemporaryDirectory() as folder:
        while trial.work < budget.recorded:
            path = Path(folder) / f"{episode}.jsonl"
            trial.work += record_episode(library, episode, path, budget.seed)
            problems = audit([path], level, complete=True).problems
            if problems:
                trial.killed_by, trial.detail = problems[0].property, problems[0].detail
                return
            episode += 1


def measured(library: ModuleType, budget: Budget, trial: Trial) -> None:
    """The mutant in virtual time: the properties, and the figures against their bounds.

    It alone shows what loses nothing and sends too much, or too late.
    """
    trial.unit = "ms of virtual time"
    for name in budget.scenarios:
        scenario = SCENARIOS[name]
        found = measure(scenario, budget.seed, partial(LibrarySubject, library))
        trial.work += scenario.length // MILLISECOND
        for problem in found.problems:
            trial.killed_by, trial.detail = problem.property, f"{name}: {problem.detail}"
            trial.show(found.records, scenario.nodes)
            return
        for excess in found.excesses:
            most = excess.bound.most
            trial.killed_by = excess.bound.figure
            trial.detail = f"{name}: {excess.found:.2f}, at most {most:.2f} was expected"
            trial.show(found.records, scenario.nodes)
            return


def record_episode(library: ModuleType, episode: int, path: Path, seed: int = 0) -> int:
    """What a cluster of this library does in an episode, whatever may be wrong with it.

    It ends where a node is in a state that no schedule goes on from: a commit index past the log.
    """
    schedule = Schedule(seed, episode).honest()
    recorder = Recorder()
    cluster = Live(schedule.profile.nodes, library, recorder)
    with suppress(LookupError):
        for _, _, finding in play(schedule, cluster):
            if finding is not None and name_of(finding) == "Failure":
                break
    save(path, recorder.records, schedule.profile.nodes)
    return cluster.events


METHODS: Final = (
    Method("schedules", "comparison", compared_on_schedules),
    Method("exploration", "comparison", compared_in_exploration),
    Method("proofs", "comparison", compared_by_proof),
    Method("audit", "comparison", audited_exactly),
    Method("schedules alone", "properties", judged_on_schedules),
    Method("exploration alone", "properties", judged_in_exploration, ("full",)),
    Method("proofs alone", "properties", judged_by_proof),
    Method("audit alone", "properties", audited_for_safety),
    Method("measure", "properties", measured),
)
