"""One exploration: layer by layer until there are no new states, or the time is up, or it errs."""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Final

import numpy as np

from conformance.explore.liveness.eventually import Check, EventuallyReport
from conformance.explore.search.path import Counterexample, explain, explain_liveness
from conformance.explore.search.store import BadCheckpoint, Store
from conformance.explore.search.visited import Visited
from conformance.explore.states.bounds import Bounds
from conformance.explore.states.nodes import Comparison
from conformance.explore.states.space import Fault, Space
from conformance.explore.states.tables import Keys, distinct
from conformance.subjects.patched import PURE
from conformance.subjects.rebuild import Rebuilder
from spec import rules
from spec.cluster import Rule
from spec.witnesses import SOMETIMES

CHUNK: Final = 1 << 15
"""States that are expanded at once: whoever interrupts waits for as many."""
MEGABYTE: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Options:
    bounds: Bounds = Bounds()  # noqa: RUF009 (it is immutable)
    rule: Rule = rules.step
    library: ModuleType | None = PURE
    """What is compared with the specification; None: only the properties are checked."""
    comparison: Callable[[Bounds], Comparison] | None = None
    """Makes what compares another implementation, in place of the library."""
    symmetry: bool = True
    workers: int = 0
    """Threads; 0: one for each core."""
    seconds: float | None = None
    megabytes: int | None = None
    """Past half of it what was visited goes to disk, past all of it the run ends."""
    checkpoint: Path | None = None
    """Where to go on from, and what to leave for another run to go on from."""
    eventually: bool = True
    width: int | None = None
    """So many states of each layer go on at the most, drawn by the seed: a slice of all states."""
    seed: int = 0


@dataclass(slots=True)
class Report:
    options: Options
    complete: bool = False
    """Whether there was nothing left to explore, and nothing was left out."""
    depth: int = 0
    distinct: int = 0
    generated: int = 0
    queue: int = 0
    """States of the layer in work that are still to be expanded."""
    seconds: float = 0.0
    layers: list[int] = field(default_factory=list)
    """How many new states each depth had."""
    transitions: int = 0
    witnesses: dict[str, int] = field(default_factory=dict)
    rules: dict[str, int] = field(default_factory=dict)
    cut_by: list[str] = field(default_factory=list)
    resumed_at: int | None = None
    stopped_by: str | None = None
    """What was used up, while states were explored or liveness was checked."""
    left_out: int = 0
    """States that others of their layer were drawn in place of."""
    found: Counterexample | None = None
    liveness: EventuallyReport | None = None

    @property
    def verdict(self) -> str:
        if self.found is not None:
            return "violation"
        return "conforms" if self.complete and self.stopped_by is None else "inconclusive"

    @property
    def never_seen(self) -> list[str]:
        return [witness.name for witness in SOMETIMES if not self.witnesses.get(witness.name)]

    @property
    def never_fired(self) -> list[str]:
        return [name for name, count in self.rules.items() if not count]

    def as_json(self) -> dict[str, object]:
        return {
            "verdict": self.verdict,
            "complete": self.complete,
            "stopped_by": self.stopped_by,
            "bounds": self.options.bounds.as_json(),
            "symmetry": self.options.symmetry,
            "distinct_states": self.distinct,
            "generated_states": self.generated,
            "depth": self.depth,
            "layers": self.layers,
            "node_transitions": self.transitions,
            "seconds": round(self.seconds, 3),
            "resumed_at": self.resumed_at,
            "cut_by": self.cut_by,
            "witnesses": {
                witness.name: self.witnesses.get(witness.name, 0) for witness in SOMETIMES
            },
            "never_seen": self.never_seen,
            "rules": self.rules,
            "never_fired": self.never_fired,
            "eventually": self.liveness.as_json() if self.liveness is not None else None,
            "finding": self.found.as_json() if self.found is not None else None,
        }


Progress = Callable[[Report], None]


def explore(options: Options, progress: Progress = lambda _: None) -> Report:
    """Raises BadCheckpoint for a checkpoint that is none of this run."""
    started = time.monotonic()
    compare = None
    if options.comparison is not None:
        compare = options.comparison(options.bounds)
    elif options.library is not None:
        compare = Rebuilder(options.library).difference
    space = Space(options.bounds, options.rule, compare, options.symmetry)
    report = Report(options)
    with _store(options, space) as store:
        faults = _search(space, store, report, started, progress)
        if faults:
            report.found = explain(space, store, report.depth, faults, options.library)
        elif report.complete and options.eventually:
            check = Check(space)
            report.liveness = check.report
            layers = (part for depth in range(report.depth + 1) for part in store.layer(depth))
            for _ in check.run(layers):
                report.seconds = time.monotonic() - started
                progress(report)
                report.stopped_by = _exhausted(options, report)
                if report.stopped_by is not None:
                    break
            failure = check.report.found
            if failure is not None:
                report.found = explain_liveness(
                    space, store, report.depth, failure, options.library
                )
    report.seconds = time.monotonic() - started
    return report


@contextmanager
def _store(options: Options, space: Space) -> Iterator[Store]:
    with tempfile.TemporaryDirectory(prefix="raftbare-explore-") as folder:
        path = options.checkpoint or Path(folder) / "layers.sqlite3"
        store = Store(path, space, complete=options.checkpoint is not None)
        try:
            yield store
        finally:
            store.close()


def _search(
    space: Space, store: Store, report: Report, started: float, progress: Progress
) -> list[Fault]:
    """Fill the report; what is wrong with the first layer that something is wrong with."""
    options, visited = report.options, Visited(store)
    states = _resume(space, store, report, visited)
    workers = options.workers or os.cpu_count() or 1
    with _threads(workers) as pool:
        while states.size:
            found: list[Keys] = []
            faults: list[Fault] = []
            generated = 0
            report.queue = len(states)

            def expand(chunk: Keys) -> tuple[Keys, int, list[Fault]]:
                expansion = space.expand(chunk)
                return visited.missing(expansion.states), expansion.generated, expansion.faults

            for window in _windows(states, workers):
                for new, steps, wrong in pool.map(expand, window):
                    found.append(new)
                    generated += steps
                    faults += wrong
                report.queue -= sum(map(len, window))
                report.seconds = time.monotonic() - started
                progress(report)
                report.stopped_by = _exhausted(options, report, visited)
                if report.stopped_by is not None:
                    return []
                if sum(map(len, found)) > 4 * len(found[0]) > CHUNK:
                    found = [distinct(np.concatenate(found))]
            report.generated += generated
            if faults:
                _count(report, space)
                return faults
            states = visited.missing_on_disk(distinct(np.concatenate(found)))
            visited.add(states)
            states = _drawn(states, report)
            _count(report, space)
            if states.size:
                report.depth += 1
                report.layers.append(len(states))
                report.distinct += len(states)
                store.write(report.depth, states, _counters(report))
    report.complete = not report.left_out
    if report.left_out:
        report.stopped_by = f"the width of {options.width:,} states"
    store.write(report.depth, states, {**_counters(report), "complete": True})
    return []


def _drawn(states: Keys, report: Report) -> Keys:
    """Those of a layer that go on.  What is left out has been visited: nothing goes on from it."""
    width = report.options.width
    if width is None or len(states) <= width:
        return states
    report.left_out += len(states) - width
    random = Random(f"{report.options.seed}/{report.depth}")
    return states[sorted(random.sample(range(len(states)), width))]


@contextmanager
def _threads(count: int) -> Iterator[ThreadPoolExecutor]:
    """Whoever leaves waits for the chunks that are in work, and for no others."""
    pool = ThreadPoolExecutor(count)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _windows(states: Keys, workers: int) -> Iterator[list[Keys]]:
    """Chunks, so many at a time that their results do not pile up."""
    size = max(1, min(CHUNK, len(states) // (4 * workers)))
    chunks = [states[start : start + size] for start in range(0, len(states), size)]
    for start in range(0, len(chunks), 4 * workers):
        yield chunks[start : start + 4 * workers]


def _count(report: Report, space: Space) -> None:
    nodes = space.nodes
    report.transitions = nodes.turns
    report.witnesses, report.rules = dict(nodes.witnesses), dict(nodes.rules)
    report.cut_by = space.cut_by


def _counters(report: Report) -> dict[str, object]:
    return {
        "depth": report.depth,
        "layers": report.layers,
        "generated": report.generated,
        "transitions": report.transitions,
        "witnesses": report.witnesses,
        "rules": report.rules,
        "cut_by": report.cut_by,
    }


def _resume(space: Space, store: Store, report: Report, visited: Visited) -> Keys:
    """The layer to go on from: the first one, or the last one of a checkpoint."""
    counters = store.counters()
    if counters is None:
        states = space.initial
        report.layers, report.distinct = [len(states)], len(states)
        visited.add(states)
        store.write(0, states, _counters(report))
        return states
    store.restore()
    nodes = space.nodes
    try:
        report.depth = report.resumed_at = counters["depth"]
        report.layers = counters["layers"]
        report.distinct = sum(report.layers)
        report.generated = counters["generated"]
        nodes.turns = counters["transitions"]
        nodes.witnesses.update(counters["witnesses"])
        nodes.rules.update(counters["rules"])
        nodes.cut_by.update(counters["cut_by"])
    except (KeyError, TypeError, ValueError) as error:
        raise BadCheckpoint(f"{report.options.checkpoint}: {error}; the file is damaged") from None
    _count(report, space)
    states = space.initial[:0]
    for depth in range(report.depth + 1):
        states = np.concatenate([space.initial[:0], *store.layer(depth)])
        visited.add(states)
    return states[:0] if counters.get("complete") else states


def _exhausted(options: Options, report: Report, visited: Visited | None = None) -> str | None:
    if options.seconds is not None and report.seconds > options.seconds:
        return "the time given"
    if options.megabytes is not None:
        used, most = memory() / MEGABYTE, options.megabytes
        if visited and used > most / 2 and visited.nbytes > used * MEGABYTE / 8:
            visited.spill(report.depth)
        elif used > most:
            return f"the memory of {most} MB"
    return None


def memory() -> int:
    """Bytes of memory in use, or where that is not told the most that ever were."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
    return pages * resource.getpagesize()


def progress_line(name: str, report: Report) -> str:
    """Where an exploration is: what TLC tells of itself, in one line."""
    rate = report.distinct / report.seconds if report.seconds else 0
    if report.liveness is not None:
        return (
            f"{name}: eventually, {report.liveness.settled:,} of {report.distinct:,} settled, "
            f"{report.liveness.quiet:,} quiet, {memory() // MEGABYTE:,} MB"
        )
    return (
        f"{name}: depth {report.depth}, {report.generated:,} generated, {report.distinct:,} "
        f"distinct, {report.queue:,} queued, {rate:,.0f}/s, {memory() // MEGABYTE:,} MB"
    )
