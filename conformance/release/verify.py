"""`conformance verify`: the main job, two to four minutes of checks.

A lockstep check, an exploration, proofs, a cluster in virtual time, and the traces whose verdicts
are known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.network.run import MeasureReport, measure_all
from conformance.network.scenario import Scenario
from conformance.release.collection import PARTS, Verified, expectations, verify_traces
from conformance.simulation.check import Options, Report, check

if TYPE_CHECKING:  # who neither explores nor proves does without numpy and z3
    from conformance.explore.search.suite import SuiteReport
    from conformance.explore.states.bounds import Bounds
    from conformance.prove.runner.run import Report as Proofs


@dataclass(frozen=True, slots=True)
class VerifyReport:
    check: Report
    traces: list[Verified]
    complaints: list[str]
    """What is wrong with the collection of traces itself."""
    explored: SuiteReport | None = None
    proofs: Proofs | None = None
    measured: MeasureReport | None = None

    @property
    def verdict(self) -> str:
        """A violation wherever there is one; else the first part that does not conform decides."""
        parts = (self.check, self.explored, self.proofs, self.measured)
        verdicts = [part.verdict for part in parts if part is not None]
        if "violation" in verdicts or not all(t.as_expected for t in self.traces):
            return "violation"
        verdicts.append("bad_input" if self.complaints else "conforms")
        return next((verdict for verdict in verdicts if verdict != "conforms"), "conforms")


def verify(
    options: Options,
    directory: Path,
    bounds: Mapping[str, Bounds],
    progress: Callable[[str], None] = lambda _: None,
    prove: bool = False,
    scenarios: Sequence[Scenario] = (),
) -> VerifyReport:
    """All of it.  Without bounds nothing is explored, without scenarios nothing measured.

    Raises `BadCollection` before anything.
    """
    for part in PARTS:
        expectations(directory / part)
    report = check(options, lambda now: progress(f"checking: {now.events:,} events"))
    fine = report.verdict == "conforms"  # what cannot be read can neither be explored nor proved
    explored = _explore(bounds, progress) if bounds and fine else None
    proofs = _prove(progress) if prove and fine else None
    measured = None
    if scenarios and report.found is None:
        measured = measure_all(
            scenarios, options.seed, progress=lambda name, _: progress(f"measuring {name}")
        )
    traces: list[Verified] = []
    complaints: list[str] = []
    for part in PARTS:
        progress(f"auditing {directory / part}")
        verified, problems = verify_traces(directory / part)
        traces += verified
        complaints += problems
    return VerifyReport(report, traces, complaints, explored, proofs, measured)


def _explore(bounds: Mapping[str, Bounds], progress: Callable[[str], None]) -> SuiteReport:
    from conformance.explore.search.run import Options as Exploring
    from conformance.explore.search.run import progress_line
    from conformance.explore.search.suite import explore_all

    return explore_all(
        bounds, Exploring(), lambda name, now: progress(f"exploring {progress_line(name, now)}")
    )


def _prove(progress: Callable[[str], None]) -> Proofs:
    from conformance.prove.catalogue import obligations
    from conformance.prove.runner.cache import FILE
    from conformance.prove.runner.run import Options as Proving
    from conformance.prove.runner.run import progress_line, run

    return run(Proving(cache=FILE), obligations, lambda now: progress(progress_line(now)))
