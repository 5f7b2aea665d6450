"""Recordings in a folder, judged while they grow: at the exact level, each record once.

Nodes may come late, files may be rotated and compressed meanwhile, and the auditor may come up
again with what it has saved (`conformance.audit.progress`).  Memory: what the nodes' logs need, and
some hundred bytes for each file in the folder.  What is found is told once.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from conformance.audit.exact import ExactAudit
from conformance.audit.segments import COMPRESSED, current, recordings
from conformance.observe.observed import Observed
from conformance.observe.verdicts import Verdict
from conformance.trace.errors import BadTrace, TruncatedTrace, explain
from conformance.trace.files import lines_from, read
from conformance.trace.model import BEGINNINGS, Record
from conformance.trace.records import recorded
from conformance.trace.save import IMPLEMENTATION
from spec.values import NodeId

PATIENCE: Final = 2
"""After so many looks in which nothing else came of a node, records before its next ones are taken
for missing: files may be brought here in any order."""


@dataclass(frozen=True, slots=True)
class Told:
    """Something to be told in one line.

    `kind` is node, violation, missing, bad_input or verdict.
    """

    kind: str
    text: str
    node: NodeId | None = None
    seq: int | None = None
    property: str | None = None

    def as_json(self) -> dict[str, object]:
        return {name: value for name, value in asdict(self).items() if value is not None}


@dataclass(slots=True)
class Followed:
    """A file, by the name that it has while it is plain."""

    path: Path
    offset: int = 0
    """How much of what it expands to has been taken."""
    line: int = 0
    begins: tuple[NodeId, int] | None = None
    """The node and number of its first record, once it has one."""
    taken: int = 0
    """How many of its records were taken."""
    inode: int | None = None
    """Of the plain file, to tell one that was replaced."""
    refused: bool = False


@dataclass(slots=True)
class Totals:
    """What has been found so far, in counts."""

    events: int = 0
    violations: int = 0
    missing: int = 0
    bad_input: int = 0


@dataclass(slots=True)
class Follower:
    """`poll` judges what has come since; `verdict` is that on all of it so far."""

    folder: Path
    exact: ExactAudit = field(default_factory=ExactAudit)
    files: dict[Path, Followed] = field(default_factory=dict)
    states: dict[NodeId, Observed] = field(default_factory=dict)
    """What each node showed last."""
    seqs: dict[NodeId, int] = field(default_factory=dict)
    """Of each node the latest record."""
    reading: dict[NodeId, Path] = field(default_factory=dict)
    """Of each node the file that its latest record is in."""
    waited: dict[NodeId, int] = field(default_factory=dict)
    """In how many looks nothing came of a node that has later records."""
    cluster: str | None = None
    totals: Totals = field(default_factory=Totals)

    @property
    def verdict(self) -> Verdict:
        if self.totals.violations:
            return "violation"
        if self.totals.bad_input:
            return "bad_input"
        if self.totals.missing or not self.totals.events:
            return "inconclusive"
        return "conforms"

    def conclusion(self) -> Told:
        """The verdict, as the last line."""
        return Told("verdict", f"{self.verdict}: {self.totals.events:,} events so far")

    def poll(self) -> Iterator[Told]:
        """Look at the folder once."""
        found = set()
        for path in recordings(self.folder):
            plain = path.with_suffix("") if path.suffix.lower() in COMPRESSED else path
            found.add(plain)
            self.files.setdefault(plain, Followed(plain))
        for file in list(self.files.values()):
            if file.path not in found and self._is_over(file):
                if not current(file.path).exists():
                    del self.files[file.path]  # its user has removed it
            elif not file.refused and file.begins is None:
                yield from self._begin(file)
        before = dict(self.seqs)
        yield from self._advance()
        for node, file in self._waiting().items():
            came = self.seqs[node] != before.get(node)
            self.waited[node] = 0 if came else self.waited.get(node, 0) + 1
            if self.waited[node] >= PATIENCE:
                self.waited[node] = 0
                yield from self._take(file)
        yield from self._advance()

    def _advance(self) -> Iterator[Told]:
        """Take what comes next of each node, file after file."""
        progress = True
        while progress:
            events = self.totals.events
            for file in self._in_order():
                if self._is_next(file):
                    yield from self._take(file)
            progress = self.totals.events > events

    def _in_order(self) -> list[Followed]:
        """The files of which there may be more to take."""
        open_ = [
            file
            for file in self.files.values()
            if file.begins is not None and not file.refused and not self._is_over(file)
        ]
        return sorted(open_, key=lambda file: (file.begins, file.path))

    def _is_over(self, file: Followed) -> bool:
        """Whether all its nodes have gone on in other files."""
        return file.taken > 0 and file.path not in self.reading.values()

    def _is_next(self, file: Followed) -> bool:
        """Whether all that comes before the rest of this file has been taken."""
        assert file.begins is not None
        node, seq = file.begins
        return file.taken > 0 or node not in self.seqs or seq <= self.seqs[node] + 1

    def _waiting(self) -> dict[NodeId, Followed]:
        """Of each node the first file that cannot be taken, for want of records before it."""
        waiting: dict[NodeId, Followed] = {}
        for file in self._in_order():
            if not self._is_next(file):
                assert file.begins is not None
                waiting.setdefault(file.begins[0], file)
        return waiting

    def _missing(self, node: NodeId, first: int, last: int) -> Told:
        self.totals.missing += 1
        return Told("missing", f"records {first} to {last} of node {node}", node, first)

    # Files

    def _begin(self, file: Followed) -> Iterator[Told]:
        """Look whether the file has a record yet, and whose."""
        path = current(file.path)
        try:
            with read(path) as reader:
                header = reader.header
                first = next(iter(reader), None)
        except BadTrace as error:
            if not isinstance(error, TruncatedTrace) and path.exists() and path.stat().st_size:
                yield self._refuse(file, error)
            return
        if first is None:
            return
        if not header.implementation.startswith(IMPLEMENTATION):
            problem, expected = "is of another implementation", f"{IMPLEMENTATION}, to be followed"
            yield self._refuse(file, BadTrace(path, 1, problem, expected))
        elif None not in (self.cluster, header.cluster) and self.cluster != header.cluster:
            problem = f'cluster is "{header.cluster}"'
            yield self._refuse(file, BadTrace(path, 1, problem, f'"{self.cluster}", as before'))
        else:
            self.cluster = header.cluster or self.cluster
            file.begins = first.node, first.seq

    def _refuse(self, file: Followed, error: BadTrace) -> Told:
        """Nothing more is taken from the file."""
        file.refused = True
        self.totals.bad_input += 1
        return Told("bad_input", str(error))

    def _take(self, file: Followed) -> Iterator[Told]:
        """Judge the records that have come since."""
        path = current(file.path)
        try:
            self._check_replaced(file, path)
            for line in lines_from(path, file.offset):
                if file.line:
                    yield from self._judge(file, line, path)
                file.line += 1
                file.offset += len(line)
        except BadTrace as error:
            if path.exists():  # or it has been compressed in this moment
                yield self._refuse(file, error)

    def _check_replaced(self, file: Followed, path: Path) -> None:
        if path != file.path:
            return
        try:
            found = os.stat(path)
        except OSError:
            return  # it has been compressed in this moment
        if file.inode is None or (file.taken == 0 and found.st_size < file.offset):
            file.inode, file.offset, file.line = found.st_ino, 0, 0  # begun anew
        elif found.st_ino != file.inode or found.st_size < file.offset:
            problem = "the file was replaced while it was followed"
            raise BadTrace(path, None, problem, "a file that only grows")

    def _judge(self, file: Followed, line: bytes, path: Path) -> Iterator[Told]:
        number = file.line + 1
        try:
            record = Record.model_validate_json(line)
        except ValidationError as error:
            raise BadTrace(path, number, *explain(line, error)) from None
        node, seq, latest = record.node, record.seq, self.seqs.get(record.node)
        if record.event.kind not in BEGINNINGS:
            if latest is None:
                problem = f"node {node} never started: its first event is {record.event.kind}"
                raise BadTrace(path, number, problem, "start, restart or checkpoint")
            if seq != latest + 1:
                raise BadTrace(path, number, f"seq {seq} of node {node}", f"seq {latest + 1}")
        elif latest is not None and seq <= latest:
            problem = f"seq {seq} of node {node}, which is judged up to {latest}"
            raise BadTrace(path, number, problem, "later ones, and one recorder of a node")
        if latest is None:
            yield Told("node", f"node {node} is followed from seq {seq} on", node, seq)
        elif seq > latest + 1:
            yield self._missing(node, latest + 1, seq - 1)
        self.seqs[node] = seq
        self.reading[node] = file.path
        file.taken += 1
        self.totals.events += 1
        if node in self.exact.nodes and self.exact.nodes[node].member is None:
            return  # it is judged up to its first departure
        known = len(self.exact.problems)
        self.exact.add(recorded(record, self.states))
        for problem_found in self.exact.problems[known:]:
            self.totals.violations += 1
            yield Told(
                "violation",
                problem_found.detail,
                problem_found.node,
                problem_found.seq,
                problem_found.property,
            )
