"""Which files a recording is made of, and in which order they are read.

A node's records may be in several files, its segments.  A look at each file tells which records of
which nodes it has; so neither names nor the order in which files are given matter.
"""

from __future__ import annotations

import glob
import os
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from pathlib import Path
from typing import Final

from conformance.trace.errors import BadTrace
from conformance.trace.files import read
from spec.values import NodeId

PLAIN: Final = ".jsonl"
COMPRESSED: Final = (".gz", ".zst")


@dataclass(slots=True, eq=False)
class Segment:
    """A file, and what a look at it tells."""

    path: Path
    in_folder: bool = False
    """It was found in a folder, and not named: it may be one that is just begun."""
    implementation: str = ""
    cluster: str | None = None
    has_moments: bool = False
    """In place of records."""
    spans: dict[NodeId, tuple[int, int]] = field(default_factory=dict)
    """The first and the last record of each node."""
    error: BadTrace | None = None
    """Why it cannot be judged together with the others."""


def found(paths: Iterable[Path]) -> list[Segment]:
    """The files that are meant: those in folders, and those that a pattern fits, included.

    A recorder replaces a segment by a compressed one of the same name.  Of the two one is read.
    Raises `BadTrace` for a folder without recordings.
    """
    segments: list[Segment] = []
    for path in paths:
        if os.path.isdir(path):
            inside = recordings(path)
            if not inside:
                expected = f"files named *{PLAIN}, or compressed ones"
                raise BadTrace(path, None, "a directory without recordings", expected)
            segments += [Segment(one, True) for one in inside]
        elif not os.path.exists(path) and glob.has_magic(str(path)):
            inside = _without_twins(map(Path, glob.glob(str(path), recursive=True)))
            segments += [Segment(one, True) for one in inside] or [Segment(path)]
        else:
            segments.append(Segment(path))
    return segments


def recordings(folder: Path) -> list[Path]:
    """In a folder and those within it, by their names; hidden ones are not meant."""
    # What is renamed meanwhile may be missing in one list, by either name; in the next it is there.
    names = {path for _ in range(2) for path in folder.rglob(f"*{PLAIN}*")}
    return _without_twins(
        path for path in names if path.is_file() and not path.name.startswith(".")
    )


def _without_twins(paths: Iterable[Path]) -> list[Path]:
    known = {
        path
        for path in paths
        if path.suffix.lower() == PLAIN
        or (path.suffix.lower() in COMPRESSED and path.stem.lower().endswith(PLAIN))
    }
    return sorted(path for path in known if not any(one in known for one in twins(path)))


def twins(path: Path) -> list[Path]:
    """The names that a plain segment has once it is compressed."""
    if path.suffix.lower() != PLAIN:
        return []
    return [path.with_name(path.name + suffix) for suffix in COMPRESSED]


def current(path: Path) -> Path:
    """The file, or what has taken its place since it was found."""
    if os.path.exists(path):
        return path
    return next((twin for twin in twins(path) if os.path.exists(twin)), path)


def arrange(segments: list[Segment]) -> list[Segment]:
    """The order in which files are read: of each node the earlier records first.

    Those that cannot be read together with the others have an `error`, and come last.  What is
    wrong within a file is left to who reads it.
    """
    if len(segments) > 1:
        for segment in segments:
            _look(segment)
        _refuse_other_clusters(segments)
        _refuse_overlaps(segments)
    while True:
        follows = _following([segment for segment in segments if segment.error is None])
        try:
            order = list(TopologicalSorter(follows).static_order())
        except CycleError as error:
            _refuse_circle(error.args[1])
        else:
            return order + [segment for segment in segments if segment.error is not None]


def _refuse_circle(circle: list[Segment]) -> None:
    """One of two files each of which has to be read before the other; which one is all the same."""
    one, other = sorted(set(circle), key=_name)[:2]
    one.error = BadTrace(
        one.path,
        None,
        f"of one node it has earlier records than {other.path}, of another one later ones",
        "files that can be read one after the other",
    )


def apart(order: list[Segment]) -> list[list[Segment]]:
    """The files in groups that have no node in common, each in its order."""
    groups: list[tuple[set[NodeId], list[Segment]]] = []
    for segment in order:
        nodes, members = set(segment.spans), [segment]
        others = []
        for group in groups:
            if group[0] & nodes:
                nodes |= group[0]
                members = group[1] + members
            else:
                others.append(group)
        groups = [*others, (nodes, members)]
    return [members for _, members in groups]


def _look(segment: Segment) -> None:
    try:
        with read(current(segment.path)) as reader:
            segment.implementation = reader.header.implementation
            segment.cluster = reader.header.cluster
            segment.has_moments = reader.header.capabilities is not None
            segment.spans = reader.spans()
    except BadTrace:
        pass  # which is told when its records are read


def _refuse_other_clusters(segments: list[Segment]) -> None:
    """Which one is the other cluster's is for the number of files to say."""
    named = Counter(one.cluster for one in segments if one.cluster is not None)
    if len(named) < 2:
        return
    usual = min(named, key=lambda name: (-named[name], name))
    for segment in segments:
        if segment.cluster not in (None, usual):
            segment.error = BadTrace(
                segment.path, 1, f'cluster is "{segment.cluster}"', f'"{usual}", as in other files'
            )


def _refuse_overlaps(segments: list[Segment]) -> None:
    """Each record is in one file: who finds one twice has a copy, or two recorders of one node."""
    spans: dict[NodeId, list[tuple[tuple[int, int], str, Segment]]] = defaultdict(list)
    for segment in segments:
        if segment.error is None:
            for node, span in segment.spans.items():
                spans[node].append((span, _name(segment), segment))
    for node, found_in in sorted(spans.items()):
        latest: Segment | None = None
        last = 0
        for (first, ends), _, segment in sorted(found_in, key=lambda one: one[:2]):
            if segment.error is not None:
                continue
            if latest is not None and first <= last:
                segment.error = BadTrace(
                    segment.path,
                    None,
                    f"node {node} is in {latest.path} too, with seq {first} to {min(ends, last)}",
                    "each record in one file, and one recorder of a node",
                )
            else:
                latest, last = segment, ends


def _following(segments: list[Segment]) -> dict[Segment, set[Segment]]:
    """Of each file those that have to be read before it."""
    order: dict[Segment, set[Segment]] = {one: set() for one in sorted(segments, key=_name)}
    for node in sorted({node for segment in segments for node in segment.spans}):
        own = [segment for segment in segments if node in segment.spans]
        own.sort(key=lambda segment: segment.spans[node])
        for before, after in pairwise(own):
            order[after].add(before)
    return order


def _name(segment: Segment) -> str:
    return os.fspath(segment.path)
