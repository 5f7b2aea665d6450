"""Run scenarios, hold their figures against bounds, and show where one was first exceeded."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Final

from conformance.network.clock import MILLISECOND
from conformance.network.cluster import TimedCluster
from conformance.network.figures import share
from conformance.network.scenario import Bound, Scenario
from conformance.observe.finding import Problem, describe, name_of
from conformance.observe.recorded import Recorded
from conformance.observe.show import show
from conformance.subjects.foreign.process import SubjectFailedError
from conformance.subjects.library import LibrarySubject
from conformance.subjects.subject import Subject

MakeSubject = Callable[[], Subject]


@dataclass(frozen=True, slots=True)
class Judging:
    """How runs are judged.  `ignored`: properties that are not.  `bounds`: whether a figure beyond
    its bound is a finding: bounds are what this library keeps.
    """

    ignored: frozenset[str] = frozenset()
    bounds: bool = True

    def problems(self, cluster: TimedCluster) -> list[Problem]:
        return [one for one in cluster.problems if one.property not in self.ignored]


EVERYTHING: Final = Judging()

SHOWN: Final = 30
"""Events and actions before an excess that are shown."""


@dataclass(frozen=True, slots=True)
class Excess:
    """A figure beyond its bound; `at`: when it first was, in microseconds, and what led there.

    `records`: of the run up to there, if it is the first excess.  Of an election, which has many
    runs: of the longest.
    """

    bound: Bound
    found: float
    at: int | None = None
    timeline: tuple[str, ...] = ()
    records: tuple[Recorded, ...] = ()


@dataclass(slots=True)
class Measured:
    """What a scenario's runs showed.

    `problems`: what Raft rules out, whatever the figures; `broken`: the records of the first run
    that showed one.
    """

    scenario: Scenario
    seed: int
    figures: dict[str, float]
    problems: list[Problem] = field(default_factory=list)
    excesses: list[Excess] = field(default_factory=list)
    broken: tuple[Recorded, ...] = ()
    committed: bool = True
    """Whether anybody has committed anything: if not, little was there to judge."""

    @property
    def bounds(self) -> tuple[Bound, ...]:
        """Those of which there are figures: none where the subject failed."""
        return self.scenario.bounds if self.figures else ()

    @property
    def records(self) -> tuple[Recorded, ...]:
        """What led to what was wrong first: a broken property, or else the first excess."""
        return self.broken or next((one.records for one in self.excesses if one.records), ())

    def beyond(self) -> list[Bound]:
        """The bounds that a figure exceeds."""
        return [one for one in self.scenario.bounds if self.figures[one.figure] > one.most]

    @property
    def verdict(self) -> str:
        if self.problems or self.excesses:
            return "violation"
        return "conforms" if self.committed else "inconclusive"

    def as_json(self) -> dict[str, object]:
        return {
            "scenario": self.scenario.name,
            "seed": self.seed,
            "verdict": self.verdict,
            "figures": {name: round(value, 4) for name, value in self.figures.items()},
            "bounds": {bound.figure: bound.most for bound in self.bounds},
            "problems": [f"{one.property} node {one.node}: {one.detail}" for one in self.problems],
            "excesses": [
                {
                    "figure": one.bound.figure,
                    "most": one.bound.most,
                    "found": round(one.found, 4),
                    "first_at_ms": None if one.at is None else one.at / MILLISECOND,
                    "timeline": list(one.timeline),
                }
                for one in self.excesses
            ],
        }


@dataclass(slots=True)
class MeasureReport:
    """Every scenario that was run, in the order of the table.

    `bounds`: whether figures were held against them.  `left_out`: by scenarios that were not run,
    what the subject lacks for them.
    """

    seed: int
    measured: list[Measured] = field(default_factory=list)
    bounds: bool = True
    left_out: dict[str, str] = field(default_factory=dict)

    @property
    def verdict(self) -> str:
        verdicts = {one.verdict for one in self.measured}
        for verdict in ("violation", "inconclusive"):
            if verdict in verdicts:
                return verdict
        return "conforms" if self.measured else "inconclusive"

    def as_json(self) -> dict[str, object]:
        return {
            "verdict": self.verdict,
            "seed": self.seed,
            "scenarios": [one.as_json() for one in self.measured],
            **({"not_judged": self.left_out} if self.left_out else {}),
        }


def measure_all(
    scenarios: Iterable[Scenario],
    seed: int = 0,
    subject: MakeSubject = LibrarySubject,
    progress: Callable[[str, int], None] = lambda name, done: None,
    judging: Judging = EVERYTHING,
) -> MeasureReport:
    """Each scenario in turn; `progress` is told which one begins, and how many have ended."""
    report = MeasureReport(seed, bounds=judging.bounds)
    for done, scenario in enumerate(scenarios):
        progress(scenario.name, done)
        report.measured.append(measure(scenario, seed, subject, judging))
    return report


def measure(
    scenario: Scenario,
    seed: int = 0,
    subject: MakeSubject = LibrarySubject,
    judging: Judging = EVERYTHING,
) -> Measured:
    """All of a scenario's runs.  A subject that fails ends them, and has no figures."""
    try:
        if scenario.until_led:
            return _measure_elections(scenario, seed, subject, judging)
        return _measure(scenario, seed, subject, judging)
    except SubjectFailedError as error:
        failed = error.finding
        problem = Problem(name_of(failed), failed.node, 0, describe(failed))
        return Measured(scenario, seed, {}, [problem], broken=_records(scenario, seed, subject))


def _measure(scenario: Scenario, seed: int, subject: MakeSubject, judging: Judging) -> Measured:
    cluster = TimedCluster(scenario, subject(), seed)
    figures = cluster.run().table(scenario.length)
    committed = cluster.reads.committed > 0
    measured = Measured(scenario, seed, figures, judging.problems(cluster), committed=committed)
    if measured.problems:
        measured.broken = _records(scenario, seed, subject)
    for bound in measured.beyond() if judging.bounds else ():
        excess = first_excess(scenario, seed, subject, Excess(bound, figures[bound.figure]))
        if measured.records:
            excess = replace(excess, records=())
        measured.excesses.append(excess)
    return measured


def _measure_elections(
    scenario: Scenario, seed: int, subject: MakeSubject, judging: Judging
) -> Measured:
    """How long until somebody leads, and how long if timers were set as Figure 2 says alone."""
    problems: list[Problem] = []
    broken: tuple[Recorded, ...] = ()
    found: dict[bool, list[int]] = {False: [], True: []}
    committed = False
    for run in range(seed, seed + scenario.runs):
        for as_figure_2 in (False, True):
            cluster = TimedCluster(scenario, subject(), run, as_figure_2=as_figure_2)
            led = cluster.run().led_after_begin
            committed = committed or cluster.reads.committed > 0
            limit = scenario.length - scenario.begin
            found[as_figure_2].append(limit if led is None else led)
            if as_figure_2:
                continue
            wrong = judging.problems(cluster)
            if wrong and not problems:
                broken = _records(scenario, run, subject)
            problems += wrong
    figures: dict[str, float] = {}
    for name, percent in (("median", 50), ("90", 90), ("most", 100)):
        ours, theirs = share(sorted(found[False]), percent), share(sorted(found[True]), percent)
        figures[f"led_{name}"] = ours / MILLISECOND
        figures[f"led_{name}_figure_2"] = theirs / MILLISECOND
        figures[f"led_{name}_ratio"] = ours / theirs
    measured = Measured(scenario, seed, figures, problems, broken=broken, committed=committed)
    longest = seed + max(range(scenario.runs), key=found[False].__getitem__)
    if judging.bounds and (beyond := measured.beyond()):
        records = _records(scenario, longest, subject)
        measured.excesses = [
            Excess(bound, figures[bound.figure], records=records) for bound in beyond
        ]
    return measured


def _records(scenario: Scenario, seed: int, subject: MakeSubject) -> tuple[Recorded, ...]:
    """The records of a run, which is made again; up to where the subject fails."""
    records: list[Recorded] = []
    with suppress(SubjectFailedError):
        TimedCluster(scenario, subject(), seed, records=records).run()
    return tuple(records)


def first_excess(scenario: Scenario, seed: int, subject: MakeSubject, excess: Excess) -> Excess:
    """The same run again, up to the millisecond in which the bound is exceeded."""
    latest: deque[tuple[int, int, object]] = deque(maxlen=SHOWN)
    records: list[Recorded] = []
    bound = excess.bound

    def watch(time: int, node: int, what: object) -> None:
        latest.append((time, node, what))

    class ExceededError(Exception):
        pass

    cluster = TimedCluster(scenario, subject(), seed, watch, records=records)

    def tick() -> None:
        if cluster.figures.table(cluster.clock.now)[bound.figure] > bound.most:
            raise ExceededError

    try:
        cluster.run(tick)
    except ExceededError:
        cluster.close()
        told = tuple(
            f"{time / MILLISECOND:10.3f} ms  node {node}  {show(what)}"
            for time, node, what in latest
        )
        return replace(excess, at=cluster.clock.now, timeline=told, records=tuple(records))
    return replace(excess, records=tuple(records))
