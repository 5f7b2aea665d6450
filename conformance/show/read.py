"""Traces in files as a picture, with what an audit finds in them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from conformance.audit.run import AuditReport, audit
from conformance.observe.finding import Difference, Finding, Problem, describe, name_of
from conformance.observe.observed import Observed
from conformance.observe.recorded import Recorded
from conformance.observe.show import show_unlike
from conformance.show.model import Picture, Wrong
from conformance.show.order import in_order
from conformance.show.put_together import put_together
from conformance.trace.errors import BadTrace, TruncatedTrace
from conformance.trace.files import read
from conformance.trace.records import records
from spec.values import NodeId

FOLLOWS_SPECIFICATION: Final = "raftbare"
"""How the header of a recording begins whose every event has a counterpart in the specification."""


def read_picture(paths: Iterable[Path], report: AuditReport | None = None) -> Picture:
    """What recordings of one cluster show.

    `report`: of an audit that there was already; else they are audited.  Raises BadTrace for what
    cannot be read; a file that merely ends early is shown up to there.  All is in memory: about
    5 kB an event.
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
    picture.sources, picture.unread, picture.specified = sources, unread, exactly
    _judge(picture, paths, report or audit(paths))
    return picture


def finding_picture(path: Path, found: Wrong) -> Picture:
    """What the trace of a finding shows, and the finding itself where its node was last.

    What an audit says of a departure there says more, for it knows the decisions.
    """
    picture = read_picture([path])
    places = [one.place for one in picture.moments if found.node in (None, one.node)]
    own = replace(found, place=places[-1] if places else None)
    same = [
        one for one in picture.wrong if (one.departure, one.place) == (own.departure, own.place)
    ]
    if not (own.departure and same):
        picture.wrong = sorted([own, *picture.wrong], key=_order)
    picture.verdict = "violation"
    return picture


def wrong_of(finding: Finding) -> Wrong:
    """A finding of a check.  A difference is a departure: no property says that it is wrong."""
    if isinstance(finding, Difference):
        return Wrong(name_of(finding), _narrowed(finding), finding.node, None, departure=True)
    return Wrong(name_of(finding), describe(finding), finding.node, None)


def _narrowed(found: Difference) -> str:
    """What differs: of states that are not the same, the fields."""
    one, other = found.specified, found.found
    if not (isinstance(one, Observed) and isinstance(other, Observed)):
        return describe(found)
    parts = zip(Observed._fields, one, other, strict=True)
    return "; ".join(
        show_unlike(name, specified, shown)
        for name, specified, shown in parts
        if specified != shown
    )


def _refuse_twice(paths: list[Path], files: list[list[Recorded]]) -> None:
    homes: dict[NodeId, int] = {}
    for number, file in enumerate(files):
        for record in file:
            if homes.setdefault(record.node, number) != number:
                problem = f"node {record.node} is in {paths[homes[record.node]]} too"
                raise BadTrace(paths[number], None, problem, "each node's records in one file")


def _judge(picture: Picture, paths: list[Path], report: AuditReport) -> None:
    """What an audit found; and of what follows the specification, where it first did not."""
    picture.verdict = report.verdict
    problems = report.problems
    if picture.specified and any(file.level == "safety" for file in report.files):
        problems = problems + audit(paths, "exact").problems
    picture.wrong = sorted(_found(picture, problems), key=_order)


def _order(one: Wrong) -> tuple[bool, int, bool]:
    return one.place is None, one.place or 0, one.departure


SEQ: Final = re.compile(r"\bnode (\d+)\b((?:(?!\bnode \d)[^;])*?)\bseq (\d+)\b")
"""How an audit names a record: by its node, and its number there."""


def _found(picture: Picture, problems: Iterable[Problem]) -> Iterator[Wrong]:
    places = {(one.node, one.record.seq): one.place for one in picture.moments}

    def event(match: re.Match[str]) -> str:
        place = places.get((int(match[1]), int(match[3])))
        return match[0] if place is None else f"node {match[1]}{match[2]}event {place}"

    for one in problems:
        known = one.node is not None and one.seq is not None
        place = places.get((one.node or 0, one.seq or 0)) if known else None
        departure = one.property.startswith("Specified")
        yield Wrong(one.property, SEQ.sub(event, one.detail), one.node, place, departure)
