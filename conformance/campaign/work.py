"""What a worker does: the cases of a task, and a finding once more, as short as it can be made."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Final

from conformance.campaign.case import Case, Kind, scenario_of
from conformance.campaign.features import Features
from conformance.campaign.finding import Found, Signature, found_by, signature_of
from conformance.network.run import measure
from conformance.observe.verdicts import AuditLevel
from conformance.simulation import check as checking
from conformance.simulation.check import LIBRARY, play_one, schedule_of
from conformance.simulation.compiled import NewRun
from conformance.simulation.foreign.judging import judging
from conformance.simulation.schedule.profile import Profile
from conformance.subjects.foreign.host import Host


@dataclass(frozen=True, slots=True)
class Foreign:
    """A program that speaks the subject protocol, and how it is judged."""

    command: str
    level: AuditLevel
    answer_seconds: float


@dataclass(frozen=True, slots=True)
class Plan:
    """What all tasks have in common; it goes to the workers.

    `run`: what takes the steps of an episode; `foreign`: another program that does.
    """

    seed: int = 0
    nodes: int | None = None
    run: NewRun = LIBRARY
    foreign: Foreign | None = None
    shrink_seconds: float = 30.0


@dataclass(slots=True)
class Done:
    """What came of a task.

    `kinds`: how many of its cases are of each kind.  `states`: those that slices have.
    `hunters`: how many mutants each method found.
    `seen`: how many of its cases came by each feature.  `first`: the place of the first that did.
    `profiles`: of each case; None for one that is not in lockstep.
    """

    cases: int = 0
    kinds: Counter[Kind] = field(default_factory=Counter)
    events: int = 0
    states: int = 0
    hunters: Counter[str] = field(default_factory=Counter)
    seen: Counter[str] = field(default_factory=Counter)
    first: dict[str, int] = field(default_factory=dict)
    profiles: list[Profile | None] = field(default_factory=list)
    found: list[Found] = field(default_factory=list)
    unread: tuple[str, ...] = ()
    cpu_seconds: float = 0.0


def do(plan: Plan, cases: Sequence[Case]) -> Done:
    """All cases of a task, each up to its first finding."""
    begun, done = time.process_time(), Done()
    with options_of(plan) as options:
        for place, case in enumerate(cases):
            done.cases += 1
            done.kinds[case.kind] += 1
            if case.kind == "lockstep":
                _in_lockstep(replace(options, profile=case.profile), case, place, done)
                continue
            done.profiles.append(None)
            _OTHERS[case.kind](plan, case, done)
    done.cpu_seconds = time.process_time() - begun
    return done


def _in_lockstep(options: checking.Options, case: Case, place: int, done: Done) -> None:
    played = play_one(options, case.number)
    done.events += played.events
    done.profiles.append(schedule_of(options, case.number).profile)
    done.seen.update(played.situations.keys())
    for feature in played.situations:
        done.first.setdefault(feature, place)
    if played.finding is not None:
        done.found.append(found_by(case.number, case.kind, played.finding))
    done.unread = done.unread or played.unread


def _in_virtual_time(plan: Plan, case: Case, done: Done) -> None:
    """Its events are not counted: they are not compared one by one."""
    for problem in measure(scenario_of(case, plan.seed), case.number).problems:
        done.found.append(found_by(case.number, case.kind, problem))


def _in_a_slice(plan: Plan, case: Case, done: Done) -> None:
    from conformance.campaign.slices import explored

    report = explored(case, plan.seed)
    done.states += report.distinct
    if report.found is not None:
        done.found.append(found_by(case.number, case.kind, report.found.finding))


def _in_a_hunt(plan: Plan, case: Case, done: Done) -> None:
    """A mutant that survives is found, unless a method was stopped: then it is not judged."""
    from conformance.campaign.hunts import SURVIVED, hunted

    trials = list(hunted(case, plan.seed))
    stopped = [f"{one.method} by {one.stopped}" for one in trials if one.stopped is not None]
    if trials[-1].killed:
        done.hunters[trials[-1].method] += 1
    elif stopped:
        done.unread += (f"mutant {case.name}: stopped, {', '.join(stopped)}",)
    else:
        detail = f"no method finds the mutant with seed {plan.seed + case.number}"
        done.found.append(Found(case.number, case.kind, (SURVIVED, case.name), None, detail))


_OTHERS: Final[dict[Kind, Callable[[Plan, Case, Done], None]]] = {
    "network": _in_virtual_time,
    "explore": _in_a_slice,
    "mutants": _in_a_hunt,
}
"""Of the kinds of cases that are not in lockstep."""


@contextmanager
def options_of(plan: Plan) -> Iterator[checking.Options]:
    """How its episodes are played; a subject is started, and ends with the block."""
    options = checking.Options(
        seed=plan.seed,
        nodes=plan.nodes,
        run=plan.run,
        coverage=plan.foreign is None,
        counting=Features,
        shrink_seconds=plan.shrink_seconds,
    )
    if plan.foreign is None:
        yield options
    else:
        with Host(plan.foreign.command, plan.foreign.answer_seconds) as host:
            yield judging(options, host, plan.foreign.level)


@dataclass(frozen=True, slots=True)
class Shown:
    """A finding, and the shortest schedule that shows it.

    `shortest`: None where it did not come again, of a run in virtual time, and of a mutant that
    nothing finds.  `again`: the command that finds it alone; none of what a campaign has steered
    to.
    """

    found: Found
    signature: Signature
    shortest: checking.Found | None = None
    again: str = ""


def show(plan: Plan, given: tuple[Found, Case]) -> Shown:
    """The case once more, shrunk."""
    found, case = given
    match case.kind:
        case "network":
            return Shown(found, found.signature)
        case "explore":
            return _show_slice(plan, found, case)
        case "mutants":
            from conformance.campaign.hunts import again

            return Shown(found, found.signature, again=again(case.name))
    with options_of(plan) as options:
        options = replace(options, profile=case.profile, episode=case.number)
        shortest = checking.check(options).found
    signature = found.signature if shortest is None else signature_of(shortest.finding)
    return Shown(found, signature, shortest)


def _show_slice(plan: Plan, found: Found, case: Case) -> Shown:
    from conformance.campaign.slices import again, explored, shortened

    counterexample = explored(case, plan.seed).found
    if counterexample is None:
        return Shown(found, found.signature)
    shortest = shortened(case, counterexample, plan.shrink_seconds)
    return Shown(found, signature_of(shortest.finding), shortest, again(case, plan.seed))
