"""One trace for each mutant, short and with a verdict: `traces/violations/`.

Where the properties alone show what is wrong, the trace is of a cluster of the mutant's own nodes,
and needs no specification to be condemned.  Else it is of the mutant beside the specification, up
to the first event that the two answer differently.  Both are shrunk; where random schedules show
nothing, an exploration may, in the fewest moves.  What no audit condemns as it ends there, one may
a few inputs later.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from types import ModuleType
from typing import Final, TypeAlias

from conformance.audit.run import audit
from conformance.explore.search.path import Counterexample
from conformance.explore.search.run import Options as Exploring
from conformance.explore.search.run import explore
from conformance.mutants.matrix.trial import BUDGETS
from conformance.observe.finding import Difference
from conformance.observe.recorded import Recorder
from conformance.observe.verdicts import AuditLevel
from conformance.simulation.check import Found, Options, against_library, check, live
from conformance.simulation.choices import Choice, take_all
from conformance.simulation.live import Live
from conformance.subjects.mutant import Mutant
from conformance.trace.save import THIS_LIBRARY, save
from spec.cluster import Drain, Input, Step, is_enabled
from spec.values import Heartbeat, SnapshotInstalled

EVENTS: Final = 20_000
SHRINK_SECONDS: Final = 8.0


@dataclass(frozen=True, slots=True)
class Convicted:
    """A recording of a mutant, and what an audit finds first in it."""

    recorder: Recorder
    nodes: int
    level: AuditLevel
    property: str


class UnconvictedError(Exception):
    """No recording of the mutant was found that an audit condemns."""


def convict(mutant: Mutant) -> Convicted:
    """A recording that condemns the mutant.  All of it follows from the mutant."""
    with mutant.planted() as broken:
        seen: list[tuple[AuditLevel, Found | Counterexample]] = []
        for look in LOOKS:
            level, found = look(broken)
            if found is not None:
                seen.append((level, found))
                if problem := _judged(found.recorder, found.nodes, level):
                    return Convicted(found.recorder, found.nodes, level, problem)
        for level, found in seen:
            recorder = _and_more(found, broken)
            if problem := _judged(recorder, found.nodes, level):
                return Convicted(recorder, found.nodes, level, problem)
    raise UnconvictedError(f"{mutant.name}: no recording of it is condemned by an audit")


Sought: TypeAlias = tuple[AuditLevel, Found | Counterexample | None]

USUAL: Final = Options(events=EVENTS, shrink_seconds=SHRINK_SECONDS, honest=True)


def _harm(broken: ModuleType) -> Sought:
    return "safety", check(replace(USUAL, events=EVENTS // 2, run=live(broken))).found


def _fewest_moves(broken: ModuleType) -> Sought:
    for bounds in BUDGETS["quick"].bounds:
        report = explore(Exploring(bounds, library=broken, eventually=False))
        if report.found is not None:
            return "exact", report.found
    return "exact", None


def _difference(broken: ModuleType) -> Sought:
    return "exact", check(replace(USUAL, run=against_library(broken))).found


def _difference_in_what_no_node_sends(broken: ModuleType) -> Sought:
    options = replace(USUAL, honest=False, run=against_library(broken))
    return "exact", check(options).found


def _seldom_difference(broken: ModuleType) -> Sought:
    options = replace(USUAL, events=4 * EVENTS, run=against_library(broken))
    return "exact", check(options).found


def _difference_at_other_seeds(broken: ModuleType) -> Sought:
    for seed, honest in product((1, 2), (True, False)):
        options = replace(
            USUAL, seed=seed, events=2 * EVENTS, honest=honest, run=against_library(broken)
        )
        if found := check(options).found:
            return "exact", found
    return "exact", None


LOOKS: Final = (
    _harm,
    _difference,
    _fewest_moves,
    _difference_in_what_no_node_sends,
    _seldom_difference,
    _difference_at_other_seeds,
)


def _and_more(found: Found | Counterexample, broken: ModuleType) -> Recorder:
    """The same with the mutant's own nodes, and then a few more inputs to the one that differs.

    Else the recording ends there: that may be a crash, which excuses all that a node did not do.
    """
    steps: Iterable[Choice]
    if isinstance(found, Found):
        steps = found.choices
    else:
        steps = (step for move in found.moves for step in move.steps)
    recorder = Recorder()
    cluster = Live(found.nodes, broken, recorder)
    take_all(cluster, steps)
    for step in _more(cluster, found):
        if is_enabled(cluster.cluster, step):
            cluster.take(step)
    return recorder


def _more(cluster: Live, found: Found | Counterexample) -> Iterator[Step]:
    finding = found.finding
    node = finding.node
    if node is None:
        return
    if isinstance(found, Counterexample) and isinstance(finding, Difference) and finding.event:
        yield Input(node, finding.event)  # a search also tries what is no move
    yield Drain(node)
    yield Input(node, Heartbeat())
    yield Drain(node)
    member = cluster.cluster.members[node]
    committed, log = member.node.commit_index, member.disk.log
    if log.snapshot_position.index <= committed <= log.last_index:
        yield Input(node, SnapshotInstalled(log.position(committed), log.config_at(committed)))


def _judged(recorder: Recorder, nodes: int, level: AuditLevel) -> str | None:
    """What the audit of the recording finds first."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trace.jsonl"
        save(path, recorder.records, nodes)
        problems = audit([path], level, complete=True).problems
    return problems[0].property if problems else None


def record(mutant: Mutant, path: Path) -> dict[str, object]:
    """Write the mutant's trace; what `expected.json` says of it."""
    convicted = convict(mutant)
    implementation = f"{THIS_LIBRARY}, deliberately broken: {mutant.name}"
    save(path, convicted.recorder.records, convicted.nodes, implementation)
    return {
        "verdict": "violation",
        "property": convicted.property,
        "level": convicted.level,
        "what": mutant.what,
    }
