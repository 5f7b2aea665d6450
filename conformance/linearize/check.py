"""Judge histories: each key by itself, and what is wrong where something is."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, TypeAlias

from conformance.linearize.errors import BadHistory
from conformance.linearize.explain import Explanation, explain
from conformance.linearize.history import History, read
from conformance.linearize.models import Operation
from conformance.linearize.search import BUDGET, search

Verdict: TypeAlias = Literal["conforms", "violation", "bad_input", "inconclusive"]

SHRINK_BUDGET: Final = 50_000
"""How many configurations each step may try that makes a finding smaller."""


@dataclass(frozen=True, slots=True)
class Violation:
    """A key on which no order explains what clients saw."""

    path: str
    key: str | None
    operations: tuple[Operation, ...]
    """All on that key."""
    explanation: Explanation


@dataclass(frozen=True, slots=True)
class Judged:
    """One file, and what was found in it."""

    path: str
    model: str = ""
    operations: int = 0
    unknown: int = 0
    """How many of them have no return."""
    keys: int = 0
    configurations: int = 0
    violations: tuple[Violation, ...] = ()
    unjudged: tuple[str | None, ...] = ()
    """The keys for which the budget did not suffice."""
    error: str | None = None
    """Why the file was not read; then nothing of it is judged."""

    @property
    def verdict(self) -> Verdict:
        if self.error is not None:
            return "bad_input"
        if self.violations:
            return "violation"
        return "inconclusive" if self.unjudged else "conforms"


@dataclass(slots=True)
class Report:
    files: list[Judged] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def verdict(self) -> Verdict:
        """A violation in one file stays one, whatever the others are."""
        verdicts = {file.verdict for file in self.files}
        for verdict in ("violation", "bad_input", "inconclusive"):
            if verdict in verdicts:
                return verdict
        return "conforms" if verdicts else "inconclusive"

    @property
    def violations(self) -> list[Violation]:
        return [violation for file in self.files for violation in file.violations]

    def as_json(self) -> dict[str, object]:
        return {
            "verdict": self.verdict,
            "files": [_file_as_json(file) for file in self.files],
            "seconds": round(self.seconds, 3),
        }


def check(
    paths: Iterable[Path],
    budget: int = BUDGET,
    progress: Callable[[str], None] = lambda path: None,
) -> Report:
    """Judge the histories of these files, each by itself.

    `budget` is how many configurations may be tried for each key, before it is left unjudged:
    `search` says what they cost.  A file that cannot be read is told of in the report.
    """
    report, started = Report(), time.monotonic()
    for path in paths:
        progress(str(path))
        try:
            report.files.append(judge(read(path), budget))
        except BadHistory as error:
            report.files.append(Judged(str(path), error=str(error)))
    report.seconds = time.monotonic() - started
    return report


def judge(history: History, budget: int = BUDGET) -> Judged:
    """Judge one history, and shrink what is wrong with it."""
    keys, model = history.keys(), history.model
    configurations, violations, unjudged = 0, [], []
    for key, operations in keys.items():
        found = search(operations, model, budget)
        configurations += found.configurations
        if found.verdict == "budget spent":
            unjudged.append(key)
        elif found.verdict == "not linearizable":
            why = explain(operations, model, found.reached, min(budget, SHRINK_BUDGET))
            violations.append(Violation(history.path, key, tuple(operations), why))
    return Judged(
        history.path,
        model.name,
        len(history.operations),
        sum(one.returned is None for one in history.operations),
        len(keys),
        configurations,
        tuple(violations),
        tuple(unjudged),
    )


def _file_as_json(file: Judged) -> dict[str, object]:
    return {
        "path": file.path,
        "verdict": file.verdict,
        "error": file.error,
        "model": file.model,
        "operations": file.operations,
        "unknown": file.unknown,
        "keys": file.keys,
        "configurations": file.configurations,
        "unjudged": list(file.unjudged),
        "violations": [_violation_as_json(violation) for violation in file.violations],
    }


def _violation_as_json(violation: Violation) -> dict[str, object]:
    why = violation.explanation
    return {
        "key": violation.key,
        "breaks_at_line": why.breaks_at,
        "is_least": why.is_least,
        "core": [_operation_as_json(one) for one in why.core],
        "order_before": [one.called for one in why.order],
    }


def _operation_as_json(one: Operation) -> dict[str, object]:
    return {
        "process": one.process,
        "operation": str(one.call),
        "called_line": one.called,
        "returned_line": one.returned,
    }
