"""Traces in files as a picture, with what an audit finds in them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from conformance.audit.run import AuditReport, audit
from conformance.observe.finding import Problem
from conformance.observe.recorded import Recorded
from conformance.show.model import Picture, Wrong
from conformance.show.order import in_order
from conformance.show.put_together import put_together
from conformance.trace.errors import BadTrace, TruncatedTrace
from conformance.trace.files import read
from conformance.trace.records import records
from spec.values import NodeId

FOLLOWS_SPECIFICATION = "raftbare"
"""How the header of a recording begins whose every event has a counterpart in the specification."""


def read_picture(paths: Iterable[Path]) -> Picture:
    """What recordings of one cluster show.

    Raises BadTrace for what cannot be read; a file that merely ends early is shown up to there.
    All is in memory: about 5 kB an event.
    """
    paths = list(paths)
    unread: list[str] = []
    sources: list[str] = []
    files: list[list[Recorded]] = []
    exactly = True
    for path in paths:
        taken: list[Recorded] = []
        with read(path) as reader:
            implementation = reader.header.implementation
            try:
                for record in records(reader):
                    taken.append(record)
            except TruncatedTrace as error:
                unread.append(str(error))
        files.append(taken)
        sources.append(f"{path}: {implementation}")
        exactly = exactly and implementation.startswith(FOLLOWS_SPECIFICATION)
    _refuse_twice(paths, files)
    ordered, against = in_order(files)
    picture = put_together(ordered, "recorded" if len(files) == 1 else "causal")
    picture.against_order = against
    picture.sources, picture.unread = sources, unread
    _judge(picture, paths, exactly)
    return picture


def _refuse_twice(paths: list[Path], files: list[list[Recorded]]) -> None:
    homes: dict[NodeId, int] = {}
    for number, file in enumerate(files):
        for record in file:
            if homes.setdefault(record.node, number) != number:
                problem = f"node {record.node} is in {paths[homes[record.node]]} too"
                raise BadTrace(paths[number], None, problem, "each node's records in one file")


def _judge(picture: Picture, paths: list[Path], exactly: bool) -> None:
    """Ask an audit; and of what follows the specification, where it first did not."""
    report = audit(paths)
    picture.verdict, picture.specified = report.verdict, exactly
    found = list(_found(picture, report))
    if exactly and any(file.level == "safety" for file in report.files):
        found += _found(picture, audit(paths, "exact"))
    picture.wrong = sorted(
        found, key=lambda one: (one.place is None, one.place or 0, one.departure)
    )


def _found(picture: Picture, report: AuditReport) -> Iterable[Wrong]:
    places = {(one.node, one.record.seq): one.place for one in picture.moments}

    def of(problem: Problem) -> Wrong:
        place = places.get((problem.node, problem.seq))  # type: ignore[arg-type]
        departure = problem.property.startswith("Specified")
        return Wrong(problem.property, problem.detail, problem.node, place, departure)

    return map(of, report.problems)
