"""`conformance verify`: the main job, a lockstep check and the traces whose verdicts are known."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from conformance.audit.run import AuditReport, Level, audit
from conformance.check import Options, Report, check

EVENTS = 200_000
EXPECTED = "expected.json"
"""In a directory of traces: what each file's audit has to say."""


class Expected(BaseModel):
    """The verdict on one file, and a line for people on what went wrong in it."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    verdict: str
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

    @property
    def exit_code(self) -> int:
        if self.check.found is not None or not all(t.as_expected for t in self.traces):
            return 1
        return 2 if self.complaints else 0


def verify(
    options: Options, directory: Path, progress: Callable[[Report], None] = lambda _: None
) -> VerifyReport:
    report = check(options, progress)
    traces: list[Verified] = []
    complaints: list[str] = []
    for part in ("golden", "violations"):
        verified, problems = verify_traces(directory / part)
        traces += verified
        complaints += problems
    return VerifyReport(report, traces, complaints)


def verify_traces(directory: Path) -> tuple[list[Verified], list[str]]:
    """Audit every trace of a directory; none may lack an expectation, nor the other way round."""
    path = directory / EXPECTED
    try:
        expectations = {
            name: Expected.model_validate(value)
            for name, value in json.loads(path.read_text(encoding="utf-8")).items()
        }
    except (OSError, ValueError, AttributeError, ValidationError) as error:
        return [], [f"{path}: cannot be read: {str(error).splitlines()[0]}"]
    files = {file.name for file in directory.iterdir() if ".jsonl" in file.name}
    complaints = [f"{directory / name}: no verdict expected" for name in files - set(expectations)]
    complaints += [f"{directory / name}: is missing" for name in set(expectations) - files]
    if not expectations:
        complaints.append(f"{path}: no traces")
    verified = [
        Verified(directory / name, expected, audit([directory / name], expected.level))
        for name, expected in sorted(expectations.items())
        if name in files
    ]
    return verified, sorted(complaints)
