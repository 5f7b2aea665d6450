"""Audit recordings: which level each gets, what is wrong with them, and the verdict on all."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeAlias

from conformance.audit.exact import ExactAudit
from conformance.audit.safety.audit import SafetyAudit
from conformance.audit.segments import Segment, apart, arrange, current, found
from conformance.importers.importer import Names
from conformance.importers.recording import Recording
from conformance.native.handing import ExactHanding, SafetyHanding, copy_of, is_compiled
from conformance.observe.finding import Problem
from conformance.observe.recorded import Recorded
from conformance.observe.verdicts import AuditLevel, Format, Verdict
from conformance.trace.errors import BadTrace, TruncatedTrace
from conformance.trace.moments import Moment
from conformance.trace.save import IMPLEMENTATION
from conformance.workers.pool import Workers
from spec.values import Config, NodeId

Handing: TypeAlias = ExactHanding | SafetyHanding


@dataclass(slots=True)
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
    continued: bool = False
    """Of one that is cut: no record is missing between it and the next files of its nodes."""


@dataclass(frozen=True, slots=True)
class Missing:
    """Records of a node that are in no file."""

    node: NodeId
    first: int
    last: int
    between: bool
    """There are some before them.  If there are none, the recording just begins later."""


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
    missing: list[Missing] = field(default_factory=list)
    unrecorded: list[NodeId] = field(default_factory=list)
    """Members, by what nodes showed last, of which there is no record."""
    judged: dict[str, int] = field(default_factory=dict)
    """How many records the fast path took, and how many went by the specification as written."""
    seconds: float = 0.0

    @property
    def events(self) -> int:
        return sum(file.events for file in self.files)

    @property
    def verdict(self) -> Verdict:
        """What came before the end of an unreadable file is judged all the same.

        What was recorded and cannot be judged, or is missing within the recording, keeps it from
        conforming; where it begins, and whose recordings there are, does not.
        """
        if self.problems:
            return "violation"
        if any(file.error is not None and not file.cut for file in self.files):
            return "bad_input"
        cut = any(file.cut and not file.continued for file in self.files)
        missing = any(missing.between for missing in self.missing)
        if cut or missing or self.never_compared or not self.events:
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
            "missing": [asdict(missing) for missing in self.missing],
            "unrecorded": self.unrecorded,
            "judged": self.judged,
            "seconds": round(self.seconds, 3),
            "violations": [asdict(problem) for problem in self.problems],
        }


def audit(
    paths: Iterable[Path],
    level: AuditLevel | None = None,
    progress: Callable[[int], None] = lambda done: None,
    complete: bool = False,
    form: Format = "auto",
    workers: Workers | None = None,
    fast: bool = True,
) -> AuditReport:
    """Judge recordings together: they are of one cluster, and each record is in one of them.

    `paths`: files, folders and patterns, in any order; `conformance.audit.segments` says which
    files that is.  `level`: None for exact where a file's implementation is this library, and
    safety otherwise.  `progress` gets how many bytes of the files have been read.  `complete`: the
    recordings end together and lack nothing.  A file that cannot be read to its end shows that they
    do not, and so do records that are missing.  `form`: of the files; auto for what their first
    lines say.

    `workers`: who judges nodes at the exact level, each with all of its files; None for this
    process.  The safety level takes all nodes at once.

    `fast`: records may be found to conform by the fast path (`conformance.native`).

    Raises `WorkerError` where a worker fails.
    """
    started, paths = time.monotonic(), list(paths)
    try:
        segments = found(map(Path, paths))
    except BadTrace as error:
        return AuditReport([AuditedFile(error.path, level or "safety", "", 0, str(error))])
    files: dict[int, AuditedFile] = {}
    order, done = arrange(segments), 0
    compiled = fast and form in ("auto", "raftbare") and _may_be_compiled(segments)
    judging = _Judging(level, complete, form, fast, compiled)
    groups: list[list[Segment]] = []
    elsewhere: Iterable[_Judging] = ()
    if workers is not None and form in ("auto", "raftbare"):
        groups = [group for group in apart(order) if all(_is_exact(one, level) for one in group)]
        elsewhere = workers.in_order(partial(_judge_all, level, fast), groups)
        taken = {id(segment) for group in groups for segment in group}
        order = [segment for segment in order if id(segment) not in taken]
    for segment in order:
        files[id(segment)] = judging.judge(segment, partial(_advance, progress, done))
        done += size(segment.path)
        progress(done)
    for group, judged in zip(groups, elsewhere, strict=True):
        judging.merge(judged)
        files |= {id(one): file for one, file in zip(group, judged.files, strict=True)}
        done += sum(size(segment.path) for segment in group)
        progress(done)
    report = judging.report([files[id(segment)] for segment in segments])
    if judging.again:
        report = audit(paths, level, progress, complete, form, workers, fast=False)
    report.seconds = time.monotonic() - started
    return report


def found_size(paths: Iterable[Path]) -> int:
    """Of all the files that are meant, in bytes, as far as it can be told."""
    with suppress(BadTrace):  # which the audit reports
        return sum(size(segment.path) for segment in found(map(Path, paths)))
    return 0


def size(path: Path) -> int:
    """In bytes; 0 for what is no file, or none that can be looked at."""
    try:
        return path.stat().st_size if path.is_file() else 0
    except OSError:  # which reading it reports
        return 0


def _advance(progress: Callable[[int], None], before: int, at: int) -> None:
    progress(before + at)


def _chosen(level: AuditLevel | None, implementation: str, has_moments: bool) -> AuditLevel:
    """The level that is asked for; else exact for records of this library."""
    if level is not None:
        return level
    return "exact" if implementation.startswith(IMPLEMENTATION) and not has_moments else "safety"


def _is_exact(segment: Segment, level: AuditLevel | None) -> bool:
    """Whether it is judged, and at the exact level."""
    if segment.error is not None or not segment.spans or segment.has_moments:
        return False
    return _chosen(level, segment.implementation, segment.has_moments) == "exact"


def _may_be_compiled(segments: list[Segment]) -> bool:
    """Whether the compiled copy of the safety audit may judge them.

    What it finds is looked for again, which no pipe allows; and it knows nothing of moments.
    """
    return is_compiled() and all(
        os.path.isfile(current(one.path)) and not one.has_moments for one in segments
    )


def _judge_all(level: AuditLevel | None, fast: bool, segments: list[Segment]) -> _Judging:
    """In whatever process: files of nodes that are in no others."""
    judging = _Judging(level, True, "raftbare", fast)
    for segment in segments:
        judging.judge(segment, lambda done: None)
    judging.forget()
    return judging


class _Judging:
    """Files, one after the other, each node's in the order of its records."""

    def __init__(
        self,
        level: AuditLevel | None,
        complete: bool,
        form: Format,
        fast: bool,
        compiled: bool = False,
    ) -> None:
        """`fast`: the exact level has its fast path.  `compiled`: the safety level has it, too."""
        self._level = level
        self._compiled = compiled
        self._form: Format = form
        self._names = Names()
        self._exact = ExactAudit()
        self._safety = (copy_of(SafetyAudit) if compiled else SafetyAudit)(complete)
        self._handing: dict[AuditLevel, Handing] = {}
        if fast:
            self._handing["exact"] = ExactHanding(self._exact)
        if compiled:
            self._handing["safety"] = SafetyHanding(self._safety)
        self.again = False
        """The compiled safety level found something, or cannot tell: the sources have to judge."""
        self._skipped = 0
        """How many records the fast path took."""
        self._missing: list[Missing] = []
        self._seqs: dict[NodeId, int] = {}
        """Of each node the latest record."""
        self._configs: dict[NodeId, Config] = {}
        self._cut: dict[NodeId, list[AuditedFile]] = {}
        """Files that are cut, and no record of the node has come since."""
        self.files: list[AuditedFile] = []

    def forget(self) -> None:
        """Drop what only more records would need: what was found can be sent elsewhere."""
        for handing in self._handing.values():
            self._skipped += handing.events
            if isinstance(handing, ExactHanding):
                handing.count_into(self._exact.checked)
        self._handing.clear()
        self._exact.nodes.clear()
        for file in (file for cut in self._cut.values() for file in cut):
            file.continued = False
        self._cut.clear()

    def merge(self, other: _Judging) -> None:
        """Add what was found in files of other nodes, at the exact level."""
        self._exact.problems += other._exact.problems
        for name, count in other._exact.checked.items():
            self._exact.checked[name] += count
        self._missing += other._missing
        self._skipped += other._skipped
        self._configs |= other._configs
        self._safety.complete = self._safety.complete and other._safety.complete

    def judge(self, segment: Segment, progress: Callable[[int], None]) -> AuditedFile:
        path, level = segment.path, self._level
        judged = AuditedFile(str(path), level or "safety", "", 0)
        self.files.append(judged)
        nodes: set[NodeId] = set()
        try:
            if segment.error is not None:
                raise segment.error
            with Recording(current(path), self._form, self._names) as recording:
                judged.implementation = recording.implementation
                has_moments = recording.capabilities is not None
                judged.level = _chosen(level, recording.implementation, has_moments)
                with self._skipping(recording, judged, nodes) as handing:
                    for one in self._read(recording, judged.level, handing):
                        if one.node not in nodes:
                            nodes.add(one.node)
                            self._begin(one, path, recording.line)
                        self._seqs[one.node] = one.seq
                        judged.events += 1
                        if judged.events % 64 == 0:
                            progress(recording.position)
                judged.names = recording.names
        except BadTrace as error:
            self._safety.complete = False  # what was sent last may lie after the recording's end
            judged.error = str(error)
            is_empty = segment.in_folder and not size(current(path))
            if isinstance(error, TruncatedTrace) or is_empty:
                judged.error += " (all before is judged)"
                # Of a header that is cut off nothing can be judged.
                judged.cut = bool(judged.implementation) or segment.in_folder
                judged.continued = bool(nodes) or not judged.implementation
                for node in nodes:
                    self._cut.setdefault(node, []).append(judged)
        return judged

    @contextmanager
    def _skipping(
        self, recording: Recording, judged: AuditedFile, nodes: set[NodeId]
    ) -> Iterator[Handing | None]:
        """What skips records of a file, if anything does.  In the end it tells of these.

        `nodes`: those that have a record in it.  The first one of each is never skipped.
        """
        handing, trace = self._handing.get(judged.level), recording.trace
        if handing is None or trace is None:
            yield None
            return
        handing.open(trace)
        before = handing.events
        try:
            yield handing
        finally:
            judged.events += handing.events - before
            for node in nodes:
                self._seqs[node] = max(self._seqs.get(node, 0), trace.latest.get(node, 0))
                state = handing.shown(node)
                if state is not None:
                    self._configs[node] = state.config

    def _read(
        self, recording: Recording, level: AuditLevel, handing: Handing | None
    ) -> Iterator[Recorded | Moment]:
        """Each record or moment that is not skipped, which is judged once it was taken."""
        capabilities = recording.capabilities
        if level == "safety" and capabilities is not None:
            if self._compiled:
                self.again = True
                return
            for moment in recording.moments():
                yield moment
                self._safety.add_moment(moment, capabilities, str(recording.path))
            return
        take = self._exact.add if level == "exact" else self._safety.add
        shown = None
        if handing is not None:
            take, shown = handing.add, handing.shown
        for record in recording.records(shown):
            yield record
            self._configs[record.node] = record.state.config
            take(record)

    def _begin(self, record: Recorded | Moment, path: Path, line: int) -> None:
        """A node's first record in a file."""
        node, seq, before = record.node, record.seq, self._seqs.get(record.node)
        if before is not None and seq <= before:  # since the files were looked at
            problem = f"seq {seq} of node {node}, of which {before} was in another file"
            raise BadTrace(path, line, problem, "a later one")
        if seq == (before or 0) + 1:
            self._cut.pop(node, None)
        else:
            self._missing.append(Missing(node, (before or 0) + 1, seq - 1, before is not None))
            self._safety.complete = False

    def report(self, files: list[AuditedFile]) -> AuditReport:
        report = AuditReport(files)
        self.forget()
        levels = {file.level for file in files}
        if "exact" in levels:
            problems = self._exact.finish()
            if len(files) > 1:  # in one file they are in the order in which things happened
                problems = sorted(problems, key=lambda one: (one.node, one.seq))
            report.problems += problems
            counts = self._exact.checked.items()
            report.checked |= {f"exact {name}": count for name, count in counts}
        if "safety" in levels:
            problems = self._safety.finish()
            self.again = self.again or (self._compiled and bool(problems))
            report.problems += problems
            counts = self._safety.checked.items()
            report.checked |= {f"safety {name}": count for name, count in counts}
            report.unjudged |= dict(self._safety.unjudged)
            report.never_compared += self._safety.never_compared
        report.missing = sorted(self._missing, key=lambda missing: (missing.node, missing.first))
        members = {node for config in self._configs.values() for node in config.members}
        report.unrecorded = sorted(members - self._configs.keys())
        report.judged = {"fast_path": self._skipped, "specification": report.events - self._skipped}
        return report
