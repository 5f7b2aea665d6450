"""Audit recordings: which level each gets, what is wrong with them, and the verdict on all."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

from conformance.audit.exact import ExactAudit
from conformance.audit.safety.audit import SafetyAudit
from conformance.audit.segments import Segment, apart, arrange, current, found
from conformance.importers.importer import Names
from conformance.importers.recording import Recording
from conformance.observe.finding import Problem
from conformance.observe.recorded import Recorded
from conformance.observe.verdicts import AuditLevel, Format, Verdict
from conformance.trace.errors import BadTrace, TruncatedTrace
from conformance.trace.moments import Moment
from conformance.trace.save import IMPLEMENTATION
from spec.values import Config, NodeId


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
            "seconds": round(self.seconds, 3),
            "violations": [asdict(problem) for problem in self.problems],
        }


def audit(
    paths: Iterable[Path],
    level: AuditLevel | None = None,
    progress: Callable[[int], None] = lambda done: None,
    complete: bool = False,
    form: Format = "auto",
    executor: Executor | None = None,
) -> AuditReport:
    """Judge recordings together: they are of one cluster, and each record is in one of them.

    `paths`: files, folders and patterns, in any order; `conformance.audit.segments` says which
    files that is.  `level`: None for exact where a file's implementation is this library, and
    safety otherwise.  `progress` gets how many bytes of the files have been read.  `complete`: the
    recordings end together and lack nothing.  A file that cannot be read to its end shows that they
    do not, and so do records that are missing.  `form`: of the files; auto for what their first
    lines say.

    `executor`: where nodes that are judged at the exact level are judged, each with all of its
    files; None for here.  The safety level takes all nodes at once.
    """
    started = time.monotonic()
    try:
        segments = found(map(Path, paths))
    except BadTrace as error:
        return AuditReport([AuditedFile(error.path, level or "safety", "", 0, str(error))])
    judging = _Judging(level, complete, form)
    files: dict[int, AuditedFile] = {}
    order, done = arrange(segments), 0
    elsewhere: list[tuple[list[Segment], Future[_Judging]]] = []
    if executor is not None and form in ("auto", "raftbare"):
        groups = [group for group in apart(order) if all(_is_exact(one, level) for one in group)]
        elsewhere = [(group, executor.submit(_judge_all, group, level)) for group in groups]
        taken = {id(segment) for group in groups for segment in group}
        order = [segment for segment in order if id(segment) not in taken]
    for segment in order:
        files[id(segment)] = judging.judge(segment, partial(_advance, progress, done))
        done += size(segment.path)
    for group, future in elsewhere:
        judged = future.result()
        judging.merge(judged)
        files |= {id(one): file for one, file in zip(group, judged.files, strict=True)}
        done += sum(size(segment.path) for segment in group)
        progress(done)
    report = judging.report([files[id(segment)] for segment in segments])
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


def _is_exact(segment: Segment, level: AuditLevel | None) -> bool:
    """Whether it is judged, and at the exact level."""
    if segment.error is not None or not segment.spans or segment.has_moments:
        return False
    return level == "exact" or (level is None and segment.implementation.startswith(IMPLEMENTATION))


def _judge_all(segments: list[Segment], level: AuditLevel | None) -> _Judging:
    """In whatever process: files of nodes that are in no others."""
    judging = _Judging(level, True, "raftbare")
    for segment in segments:
        judging.judge(segment, lambda done: None)
    judging.forget()
    return judging


class _Judging:
    """Files, one after the other, each node's in the order of its records."""

    def __init__(self, level: AuditLevel | None, complete: bool, form: Format) -> None:
        self._level = level
        self._form: Format = form
        self._names = Names()
        self._exact, self._safety = ExactAudit(), SafetyAudit(complete)
        self._missing: list[Missing] = []
        self._seqs: dict[NodeId, int] = {}
        """Of each node the latest record."""
        self._configs: dict[NodeId, Config] = {}
        self._cut: dict[NodeId, list[AuditedFile]] = {}
        """Files that are cut, and no record of the node has come since."""
        self.files: list[AuditedFile] = []

    def forget(self) -> None:
        """Drop what only more records would need: what was found can be sent elsewhere."""
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
                ours = judged.implementation.startswith(IMPLEMENTATION)
                if level is None and recording.capabilities is None and ours:
                    judged.level = "exact"
                for one in self._read(recording, judged.level):
                    if one.node not in nodes:
                        nodes.add(one.node)
                        self._begin(one, path, recording.line)
                    self._seqs[one.node] = one.seq
                    judged.events += 1
                    if judged.events % 256 == 0:
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

    def _read(self, recording: Recording, level: AuditLevel) -> Iterator[Recorded | Moment]:
        """Each record or moment, which is judged once it was taken."""
        capabilities = recording.capabilities
        if level == "safety" and capabilities is not None:
            for moment in recording.moments():
                yield moment
                self._safety.add_moment(moment, capabilities, str(recording.path))
            return
        take = self._exact.add if level == "exact" else self._safety.add
        for record in recording.records():
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
            report.problems += self._safety.finish()
            counts = self._safety.checked.items()
            report.checked |= {f"safety {name}": count for name, count in counts}
            report.unjudged |= dict(self._safety.unjudged)
            report.never_compared += self._safety.never_compared
        report.missing = sorted(self._missing, key=lambda missing: (missing.node, missing.first))
        members = {node for config in self._configs.values() for node in config.members}
        report.unrecorded = sorted(members - self._configs.keys())
        return report
