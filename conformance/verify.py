"""`conformance verify`: the main job, all checks that take less than minutes.

A lockstep check, an exploration, proofs, and the traces whose verdicts are known.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, ValidationError

from conformance.audit.run import AuditReport, Level, Verdict, audit
from conformance.check import Options, Report, check

if TYPE_CHECKING:  # an audit does without numpy and z3, which exploring and proving need
    from conformance.explore.bounds import Bounds
    from conformance.explore.suite import SuiteReport
    from conformance.prove.run import Report as Proofs

EVENTS = 200_000
PARTS = ("golden", "violations")
EXPECTED = "expected.json"
"""In a directory of traces: what each file's audit has to say."""


class Expected(BaseModel):
    """The verdict on one file, and a line for people on what went wrong in it."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    verdict: Verdict
    property: str | None = None
    """A property that has to be among those reported."""
    level: Level | None = None
    what: str


@dataclass(frozen=True, slots=True)
class Verified:
    path: Path
    expected: Expected
    report: AuditReport

    @property
    def as_expected(self) -> bool:
        found = {problem.property for problem in self.report.problems}
        return self.report.verdict == self.expected.verdict and (
            self.expected.property is None or self.expected.property in found
        )


@dataclass(frozen=True, slots=True)
class VerifyReport:
    check: Report
    traces: list[Verified]
    complaints: list[str]
    """What is wrong with the collection of traces itself."""
    explored: SuiteReport | None = None
    proofs: Proofs | None = None

    @property
    def exit_code(self) -> int:
        if self.check.found is not None or not all(t.as_expected for t in self.traces):
            return 1
        if self.explored is not None and self.explored.exit_code:
            return self.explored.exit_code
        if self.proofs is not None and self.proofs.exit_code:
            return self.proofs.exit_code
        return 2 if self.complaints else 0


def verify(
    options: Options,
    directory: Path,
    bounds: Mapping[str, Bounds],
    progress: Callable[[str], None] = lambda _: None,
    prove: bool = False,
) -> VerifyReport:
    """All of it.  Without bounds nothing is explored.  Raises `BadCollection` before anything."""
    for part in PARTS:
        expectations(directory / part)
    report = check(options, lambda now: progress(f"checking: {now.events:,} events"))
    explored: SuiteReport | None = None
    if bounds and report.found is None:
        explored = _explore(bounds, progress)
    proofs = _prove(progress) if prove and report.found is None else None
    traces: list[Verified] = []
    complaints: list[str] = []
    for part in PARTS:
        progress(f"auditing {directory / part}")
        verified, problems = verify_traces(directory / part)
        traces += verified
        complaints += problems
    return VerifyReport(report, traces, complaints, explored, proofs)


def _explore(bounds: Mapping[str, Bounds], progress: Callable[[str], None]) -> SuiteReport:
    from conformance.explore.run import Options as Exploring
    from conformance.explore.run import progress_line
    from conformance.explore.suite import explore_all

    return explore_all(
        bounds, Exploring(), lambda name, now: progress(f"exploring {progress_line(name, now)}")
    )


def _prove(progress: Callable[[str], None]) -> Proofs:
    from conformance.prove.cache import FILE
    from conformance.prove.command import catalogue
    from conformance.prove.console import progress_line
    from conformance.prove.run import Options as Proving
    from conformance.prove.run import run

    return run(Proving(cache=FILE), catalogue(), lambda now: progress(progress_line(now)))


class BadCollection(Exception):  # noqa: N818 (the collection is bad, the program is not)
    """It is not known what a directory of traces has to say."""


def expectations(directory: Path) -> dict[str, Expected]:
    """By the name of the trace.  Raises `BadCollection`."""
    path = directory / EXPECTED
    name = ""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(told, dict):
            raise ValueError("expected an object, with a field for each trace")
        known = {}
        for name, value in told.items():
            known[name] = Expected.model_validate(value)
    except ValidationError as error:
        fault = error.errors()[0]
        field = ".".join(map(str, fault["loc"])) or "it"
        raise BadCollection(f"{path}: {name}: {field}: {fault['msg']}") from None
    except (OSError, ValueError) as error:
        raise BadCollection(f"{path}: cannot be read: {error}") from None
    return known


def verify_traces(directory: Path) -> tuple[list[Verified], list[str]]:
    """Audit every trace of a directory; none may lack an expectation, nor the other way round."""
    try:
        known = expectations(directory)
    except BadCollection as error:
        return [], [str(error)]
    files = {file.name for file in directory.iterdir() if ".jsonl" in file.name}
    complaints = [f"{directory / name}: no verdict expected" for name in files - set(known)]
    complaints += [f"{directory / name}: is missing" for name in set(known) - files]
    if not known:
        complaints.append(f"{directory / EXPECTED}: no traces")
    verified = [
        Verified(
            directory / name,
            expected,
            audit([directory / name], expected.level, complete=True),
        )
        for name, expected in sorted(known.items())
        if name in files
    ]
    return verified, sorted(complaints)
