"""`conformance verify`: the main job, two to four minutes of checks.

A lockstep check, the library's nodes alone under the properties, an exploration, proofs, a cluster
in virtual time, and the traces whose verdicts are known.

The parts follow one another, and each uses all cores: so the report does not depend on timing, and
what is found first is told before the longer parts begin.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from conformance.network.run import Measured, MeasureReport, measure
from conformance.network.scenario import Scenario
from conformance.release.collection import PARTS, Verified, expectations, verify_traces
from conformance.simulation.check import LIVE, Options, Report, check
from conformance.workers.pool import Workers

if TYPE_CHECKING:  # who neither explores nor proves does without numpy and z3
    from conformance.explore.search.run import Report as Explored
    from conformance.explore.search.suite import SuiteReport
    from conformance.explore.states.bounds import Bounds
    from conformance.prove.runner.run import Report as Proofs

Tell = Callable[[str], None]

LIVE_SHARE: Final = 10
"""Of this many events in lockstep one more is of live nodes, which are read in full after each."""

FOUND_BY_TESTS: Final = (
    "lint, types and import contracts, the examples of each rule, the codec, long logs, the "
    "compiled build, and whether the checks find bugs that are planted"
)
"""What `make test` looks at and this does not."""


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """A part is None where it was not asked for, or where one before it had a finding."""

    check: Report
    traces: list[Verified]
    complaints: list[str]
    """What is wrong with the collection of traces itself."""
    live: Report | None = None
    explored: SuiteReport | None = None
    proofs: Proofs | None = None
    measured: MeasureReport | None = None

    @property
    def verdict(self) -> str:
        """A violation wherever there is one; else the first part that does not conform decides."""
        parts = (self.check, self.live, self.explored, self.proofs, self.measured)
        verdicts = [part.verdict for part in parts if part is not None]
        if "violation" in verdicts or not all(t.as_expected for t in self.traces):
            return "violation"
        verdicts.append("bad_input" if self.complaints else "conforms")
        return next((verdict for verdict in verdicts if verdict != "conforms"), "conforms")

    def as_json(self) -> dict[str, object]:
        parts = {
            "live": self.live,
            "explored": self.explored,
            "proofs": self.proofs,
            "measured": self.measured,
        }
        return {
            "verdict": self.verdict,
            "check": self.check.as_json(),
            **{name: None if part is None else part.as_json() for name, part in parts.items()},
            "traces": [trace.as_json() for trace in self.traces],
            "complaints": self.complaints,
            "found_by_tests": FOUND_BY_TESTS,
        }


def verify(
    options: Options,
    directory: Path,
    bounds: Mapping[str, Bounds],
    progress: Tell = lambda _: None,
    prove: bool = False,
    scenarios: Sequence[Scenario] = (),
    workers: Workers | None = None,
) -> VerifyReport:
    """All of it.  Without bounds nothing is explored, without scenarios nothing measured.

    `workers`: who does it, or None for this process, whose explorations have threads.

    Raises `BadCollection` before anything, and `WorkerError`.
    """
    for part in PARTS:
        expectations(directory / part)
    report = check(options, lambda now: progress(f"checking: {now.events:,} events"), workers)
    live = explored = proofs = measured = None
    if report.verdict == "conforms":  # of what cannot be read no more can be judged
        alone = replace(options, run=LIVE, events=max(1, options.events // LIVE_SHARE))
        live = check(alone, lambda now: progress(f"live nodes: {now.events:,} events"), workers)
        if bounds and live.found is None:
            explored = _explore(bounds, progress, workers)
    if scenarios and report.found is None and (live is None or live.found is None):
        measured = _measure(scenarios, options.seed, progress, workers)
    if prove and live is not None and live.found is None:
        proofs = _prove(progress, workers)
    traces: list[Verified] = []
    complaints: list[str] = []
    for part in PARTS:
        progress(f"auditing {directory / part}")
        verified, problems = verify_traces(directory / part)
        traces += verified
        complaints += problems
    return VerifyReport(report, traces, complaints, live, explored, proofs, measured)


def _measure(
    scenarios: Sequence[Scenario], seed: int, progress: Tell, workers: Workers | None
) -> MeasureReport:
    report = MeasureReport(seed)
    one = partial(_measured, seed)
    results = map(one, scenarios) if workers is None else workers.in_order(one, scenarios)
    for scenario in scenarios:
        progress(f"measuring {scenario.name}")
        report.measured.append(next(results))
    return report


def _measured(seed: int, scenario: Scenario) -> Measured:
    return measure(scenario, seed)


def _explore(bounds: Mapping[str, Bounds], progress: Tell, workers: Workers | None) -> SuiteReport:
    from conformance.explore.search.run import Options as Exploring
    from conformance.explore.search.run import progress_line
    from conformance.explore.search.suite import SuiteReport, explore_all

    if workers is None:
        return explore_all(
            bounds,
            Exploring(),
            lambda name, now: progress(f"exploring {progress_line(name, now)}"),
        )
    suite = SuiteReport(planned=len(bounds))
    results: Iterator[Explored] = workers.in_order(_explored, bounds.values())
    for name, own in bounds.items():
        progress(f"exploring: {len(suite.runs)} of {suite.planned}, {name}")
        run = next(results)
        suite.runs[name] = replace(run, options=Exploring(own))
        if suite.found is not None:
            break
    return suite


def _explored(bounds: Bounds) -> Explored:
    """In a worker, on one thread; what cannot be sent from there is left out of its options."""
    from conformance.explore.search.run import Options as Exploring
    from conformance.explore.search.run import explore

    report = explore(Exploring(bounds, workers=1))
    report.options = replace(report.options, library=None)
    return report


def _prove(progress: Tell, workers: Workers | None) -> Proofs:
    from conformance.prove.catalogue import obligations
    from conformance.prove.runner.cache import FILE
    from conformance.prove.runner.run import Options as Proving
    from conformance.prove.runner.run import progress_line, run

    options = Proving(cache=FILE)
    return run(options, obligations, lambda now: progress(progress_line(now)), workers)
