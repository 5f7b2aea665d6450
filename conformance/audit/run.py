"""Audit recordings: which level each gets, what is wrong with them, and the verdict on all."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

from conformance.audit.exact import ExactAudit
from conformance.audit.safety.audit import SafetyAudit
from conformance.importers.importer import Names
from conformance.importers.recording import Recording
from conformance.observe.finding import Problem
from conformance.observe.recorded import Recorded
from conformance.observe.verdicts import AuditLevel, Format, Verdict
from conformance.trace.errors import BadTrace, TruncatedTrace
from conformance.trace.moments import Moment
from conformance.trace.save import IMPLEMENTATION
from spec.values import NodeId


@dataclass(frozen=True, slots=True)
class AuditedFile:
    """One file that was read: judged by which level, and how far."""

    path: str
    level: AuditLevel
    implementation: str
    events: int
    error: str | None = None
    """Why it could not be read to its end."""
    cut: bool = False
    """That is only because it ends early, as a recorder that dies leaves it."""
    names: dict[str, NodeId] = field(default_factory=dict)
    """The ids of nodes that the recorded system calls by names."""


@dataclass(slots=True)
class AuditReport:
    files: list[AuditedFile] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    checked: dict[str, int] = field(default_factory=dict)
    """How often each check compared something."""
    unjudged: dict[str, dict[str, int]] = field(default_factory=dict)
    """How many questions each had to leave open, by the reason."""
    never_compared: list[str] = field(default_factory=list)
    """Of the four safety properties (Figure 3) those that the safety level never came by."""
    seconds: float = 0.0

    @property
    def events(self) -> int:
        return sum(file.events for file in self.files)

    @property
    def verdict(self) -> Verdict:
        """What came before the end of an unreadable file is judged all the same."""
        if self.problems:
            return "violation"
        if any(file.error is not None and not file.cut for file in self.files):
            return "bad_input"
        if any(file.cut for file in self.files) or self.never_compared or not self.events:
            return "inconclusive"
        return "conforms"

    def as_json(self) -> dict[str, object]:
        return {
            "verdict": self.verdict,
            "files": [asdict(file) for file in self.files],
            "events": self.events,
            "checked": self.checked,
            "unjudged": self.unjudged,
            "never_compared": self.never_compared,
            "seconds": round(self.seconds, 3),
            "violations": [asdict(problem) for problem in self.problems],
        }


def audit(
    paths: Iterable[Path],
    level: AuditLevel | None = None,
    progress: Callable[[int], None] = lambda done: None,
    complete: bool = False,
    form: Format = "auto",
) -> AuditReport:
    """Judge recordings together: they are of one cluster, and no node is in two of them.

    `level`: None for exact where a file's implementation is this library, and safety otherwise.
    `progress` gets how many bytes of the files have been read.  `complete`: the recordings end
    together and lack nothing.  A file that cannot be read to its end shows that they do not.
    `form`: of the files; auto for what their first lines say.
    """
    report = AuditReport()
    exact, safety = ExactAudit(), SafetyAudit(complete)
    homes: dict[NodeId, Path] = {}
    names = Names()
    started = time.monotonic()
    done = 0
    for path in map(Path, paths):  # each its own object, the same file named twice too
        report.files.append(
            _judge(
                path, form, names, level, exact, safety, homes, partial(_advance, progress, done)
            )
        )
        done += size(path)
    levels = {file.level for file in report.files}
    if "exact" in levels:
        report.problems += exact.finish()
        report.checked |= {f"exact {name}": count for name, count in exact.checked.items()}
    if "safety" in levels:
        report.problems += safety.finish()
        report.checked |= {f"safety {name}": count for name, count in safety.checked.items()}
        report.unjudged |= dict(safety.unjudged)
        report.never_compared += safety.never_compared
    report.seconds = time.monotonic() - started
    return report


def size(path: Path) -> int:
    """In bytes; 0 for what is no file, or none that can be looked at."""
    try:
        return path.stat().st_size if path.is_file() else 0
    except OSError:  # which reading it reports
        return 0


def _advance(progress: Callable[[int], None], before: int, at: int) -> None:
    progress(before + at)


def _judge(
    path: Path,
    form: Format,
    names: Names,
    level: AuditLevel | None,
    exact: ExactAudit,
    safety: SafetyAudit,
    homes: dict[NodeId, Path],
    progress: Callable[[int], None],
) -> AuditedFile:
    events = 0
    chosen: AuditLevel = level or "safety"
    implementation, failed, cut = "", None, False
    spoken: dict[str, NodeId] = {}
    try:
        with Recording(path, form, names) as recording:
            implementation = recording.implementation
            capabilities, spoken = recording.capabilities, recording.names
            if level is None and capabilities is None and implementation.startswith(IMPLEMENTATION):
                chosen = "exact"
            take = exact.add if chosen == "exact" else safety.add
            if capabilities is None or chosen == "exact":
                told: Iterator[Recorded | Moment] = recording.records()
            else:
                told = recording.moments()
            for one in told:
                home = homes.setdefault(one.node, path)
                if home is not path:
                    problem = f"node {one.node} is in {home} too"
                    raise BadTrace(path, recording.line, problem, "each node's records in one file")
                if isinstance(one, Recorded):
                    take(one)
                elif capabilities is not None:
                    safety.add_moment(one, capabilities, str(path))
                events += 1
                if events % 256 == 0:
                    progress(recording.position)
            spoken = recording.names
    except BadTrace as error:
        safety.complete = False  # what was sent last may lie after the recording's end
        failed = str(error)
        if isinstance(error, TruncatedTrace):
            failed += " (all before is judged)"
            cut = bool(implementation)  # of a header that is cut off nothing can be judged
    return AuditedFile(str(path), chosen, implementation, events, failed, cut, spoken)
