"""Traces with known verdicts: what each file's audit has to say."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError

from conformance.audit.run import AuditReport, audit
from conformance.observe.verdicts import AuditLevel, Verdict

PARTS: Final = ("golden", "violations")
"""The directories of a collection: recordings of healthy clusters, and of broken ones."""
INSTALLED: Final = Path(__file__).parents[1] / "traces"
"""Where the installed package has the recordings; a checkout has none there."""


def collection() -> Path:
    """Where recordings with known verdicts are: in a checkout, which is the current directory."""
    return INSTALLED if INSTALLED.is_dir() else Path("traces")


EXPECTED: Final = "expected.json"
"""In each of them: what each file's audit has to say."""


class Expected(BaseModel):
    """The verdict on one file, and a line for people on what went wrong in it."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    verdict: Verdict
    property: str | None = None
    """A property that has to be among those reported."""
    level: AuditLevel | None = None
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

    def as_json(self) -> dict[str, object]:
        return {
            "trace": str(self.path),
            "as_expected": self.as_expected,
            "expected": self.expected.model_dump(),
            "verdict": self.report.verdict,
            "events": self.report.events,
            "problems": sorted({problem.property for problem in self.report.problems}),
        }


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
