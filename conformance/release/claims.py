"""What a certificate claims: every method run at a level, and what it found, in counts.

The counts follow from the sources and the seed, and are the same on any machine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from conformance.explore.search.run import Options as Exploring
from conformance.explore.search.suite import explore_all
from conformance.explore.states.bounds import PRESETS
from conformance.mutants.matrix import run as matrix
from conformance.mutants.matrix.kept import FILE as TRIALS
from conformance.mutants.planted.catalogue import CATALOGUE
from conformance.observe.verdicts import Level
from conformance.prove.catalogue import obligations
from conformance.prove.runner import run as runner
from conformance.prove.runner.cache import FILE
from conformance.release.collection import PARTS, collection, expectations, verify_traces
from conformance.release.levels import EVENTS, EXPLORED
from conformance.simulation.check import Options, check
from conformance.workers.processes import processes
from raftbare import Claim

Tell: TypeAlias = Callable[[str], None]

SEED: Final = 0


class FailedError(Exception):
    """A check did not conform, so there is nothing to certify; `verdict`: what it came to."""

    def __init__(self, why: str, verdict: str = "violation") -> None:
        super().__init__(why)
        self.verdict = verdict


COMMANDS: Final = {
    "lockstep": "check",
    "exploration": "explore",
    "proofs": "prove",
    "mutants": "mutants",
    "audits": "verify",
}


def _claim(
    name: str,
    what: str,
    bounds: Mapping[str, int | str],
    counts: Mapping[str, int],
    seconds: float,
    verdict: str,
) -> Claim:
    if verdict != "conforms":
        raise FailedError(f"{name}: {verdict}; conformance {COMMANDS[name]} tells more", verdict)
    return Claim(name, what, bounds, counts, round(seconds, 1), verdict)


def lockstep(level: Level, tell: Tell) -> Claim:
    with processes(0) as workers:
        report = check(
            Options(seed=SEED, events=EVENTS[level], fast=False),
            lambda now: tell(f"lockstep: {now.events:,} events"),
            workers,
        )
    return _claim(
        "lockstep",
        "the library answers random schedules as the specification does, and breaks no property",
        {"seed": SEED, "nodes": "1 to 15, as a rule to 7"},
        {
            "events": report.events,
            "episodes": report.episodes,
            "steps": report.steps,
            "witnesses never seen": len(report.never_seen),
        },
        report.seconds,
        "conforms" if report.found is None else "violation",
    )


def exploration(level: Level, tell: Tell) -> Claim:
    bounds = PRESETS[EXPLORED[level]]
    report = explore_all(
        bounds,
        Exploring(),
        lambda name, now: tell(f"exploration: {name}, {now.distinct:,} states"),
    )
    return _claim(
        "exploration",
        "in every state within bounds the library steps as specified, no property is broken, and "
        "there is a fair way on to an elected leader and a commit",
        {"preset": EXPLORED[level]},
        {
            "distinct states": sum(run.distinct for run in report.runs.values()),
            "generated states": sum(run.generated for run in report.runs.values()),
            "transitions of a node": sum(run.transitions for run in report.runs.values()),
            **{f"states of {name}": run.distinct for name, run in report.runs.items()},
        },
        sum(run.seconds for run in report.runs.values()),
        report.verdict,
    )


def proofs(level: Level, tell: Tell) -> Claim:
    report = runner.run(
        runner.Options(level=level, cache=FILE),
        obligations,
        lambda now: tell(f"proofs: {now.done} of {now.planned}"),
    )
    totals = report.totals()
    return _claim(
        "proofs",
        "for all terms and indices the library steps as specified, and every step keeps the "
        "invariants from which Election Safety, Log Matching, Leader Completeness and State "
        "Machine Safety follow",
        {"level": level},
        {name: totals[name] for name in ("obligations", "proved", "witnessed", "paths", "live")},
        report.seconds,
        report.verdict,
    )


def mutants(level: Level, tell: Tell) -> Claim:
    report = matrix.run(
        matrix.Options(level, kept=TRIALS),
        CATALOGUE,
        matrix.methods_at(level),
        lambda now: tell(f"mutants: {now.done} of {now.planned} trials"),
    )
    return _claim(
        "mutants",
        "every known bug that is planted in the library is found",
        {"level": level, "methods": len(report.methods)},
        {
            "mutants": len(report.fates),
            "killed": len(report.fates) - len(report.survivors),
            "killed by two methods or more": report.killed_by_at_least(2),
            "killed by three methods or more": report.killed_by_at_least(3),
            **{f"killed by {method.name}": report.kills_of(method) for method in report.methods},
        },
        report.seconds,
        report.verdict,
    )


def audits(level: Level, tell: Tell) -> Claim:
    tell("audits")
    counts: dict[str, int] = {}
    right, seconds = True, 0.0
    traces = collection()
    for part in PARTS:
        expectations(traces / part)  # else what cannot be read would be a violation
    for part, kind in zip(PARTS, ("healthy", "broken"), strict=True):
        verified, complaints = verify_traces(traces / part)
        right &= not complaints and all(one.as_expected for one in verified)
        counts[f"{kind} recordings"] = len(verified)
        counts[f"events of {kind} recordings"] = sum(one.report.events for one in verified)
        seconds += sum(one.report.seconds for one in verified)
    return _claim(
        "audits",
        "recordings of healthy clusters conform, recordings of broken ones are found out",
        {"traces": "golden and violations"},
        counts,
        seconds,
        "conforms" if right else "violation",
    )


_MINUTES: Final = (audits, lockstep, exploration, proofs)

CLAIMS: Final[dict[Level, tuple[Callable[[Level, Tell], Claim], ...]]] = {
    "quick": _MINUTES,
    "full": (*_MINUTES, mutants),
}
"""The mutants take longer than all the rest."""

_NEVER_COVERED: Final = (
    "the induction with joint membership: proved are fixed clusters, of two voters or more",
    "clusters of more than seven nodes, but by the proofs: of fixed clusters, of quorums, and of "
    "one node's step, which has no size but that of the configuration",
    "the user's side: disks that lie, messages altered, actions executed out of order",
    "a compiled build: the proofs, explorations and mutants are of the Python sources; the "
    "compiled ones are only tested and run in lockstep",
    "the interpreter, z3, and the harness itself, but for the bugs that it is shown to find",
)

NOT_COVERED: Final[dict[Level, tuple[str, ...]]] = {
    "quick": (
        *_NEVER_COVERED,
        "whether the checks find the known bugs, which level full asks: conformance mutants",
    ),
    "full": _NEVER_COVERED,
}
"""What no claim speaks of."""
