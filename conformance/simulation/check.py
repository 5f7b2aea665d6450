"""`conformance check`: random schedules in lockstep, until something is wrong or the time is up."""

from __future__ import annotations

import gc
import pickle
import time
from collections import Counter
from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count, islice
from types import ModuleType
from typing import Final, TypeAlias

from conformance.observe.finding import (
    NAMED,
    NOT_AGAIN,
    Difference,
    Finding,
    describe,
    name_of,
    not_again,
)
from conformance.observe.recorded import Recorder
from conformance.simulation.choices import Choice, choice_of, take_all
from conformance.simulation.compiled import (
    AgainstLibrary,
    LibraryAlone,
    NewRun,
    WithCopies,
    played_by_copies,
)
from conformance.simulation.coverage import Coverage
from conformance.simulation.episode import Episode, play, play_through
from conformance.simulation.healing import CONVERGENCE
from conformance.simulation.lockstep import Lockstep
from conformance.simulation.run import Run
from conformance.simulation.schedule.origin import Origin
from conformance.simulation.schedule.profile import Profile
from conformance.simulation.schedule.simulate import Schedule
from conformance.simulation.shrink import Clock, shrink
from conformance.subjects.asking.asked import NAMES
from conformance.subjects.readback import UnreadableError
from conformance.subjects.subject import Subject
from conformance.workers.pool import Workers
from spec import rules
from spec.cluster import Rule
from spec.witnesses import SOMETIMES

LONG_RUN = 100_000
"""Events after which a witness that was never seen is worth a warning."""


BATCH: Final = 2
"""Episodes that a worker plays at a time."""

SMALL: Final = 6_000
"""Fewer events than these are checked sooner than workers are started."""


def against(subject: Callable[[], Subject]) -> NewRun:
    """The specification and a subject, compared after every event."""
    return partial(_against, subject)


def against_library(library: ModuleType | None = None) -> NewRun:
    """The specification and a library; None is raftbare itself."""
    return AgainstLibrary(library)


def specified(rule: Rule = rules.step) -> NewRun:
    """The specification, or a variant of it, alone: the properties judge it."""
    return partial(_specified, rule)


def live(library: ModuleType | None = None) -> NewRun:
    """The library's own nodes, in the specification's place: the properties judge them.

    None is raftbare itself.
    """
    return LibraryAlone(library)


def _against(
    subject: Callable[[], Subject], size: int, recorder: Recorder | None = None, episode: int = 0
) -> Run:
    return Lockstep(size, subject(), recorder=recorder)


def _specified(rule: Rule, size: int, recorder: Recorder | None = None, episode: int = 0) -> Run:
    return Run(size, rule, recorder)


@contextmanager
def by_cpu_time() -> Iterator[Clock]:
    """The clock by which a schedule is shrunk, for what this process does itself."""
    yield time.process_time


LIBRARY: Final = against_library()
LIVE: Final = live()


@dataclass(frozen=True, slots=True)
class Options:
    """What to check.  `events` are inputs to nodes, over all episodes."""

    seed: int = 0
    events: int = 20_000
    seconds: float | None = None
    nodes: int | None = None
    """The size of every cluster; None: drawn for each episode, 1 to 7 but for a few."""
    episode: int | None = None
    """Only this episode."""
    shrink_seconds: float = 30.0
    honest: bool = False
    """Only messages that were sent; else also what a leader might send, or a broken node."""
    coverage: bool = False
    """Whether the situations are counted that the schedules come by (`simulation.coverage`)."""
    counting: Callable[[], Coverage] = Coverage
    """Makes what counts them."""
    profile: Profile | None = None
    """The mixture of faults of every episode; None: drawn for each."""
    run: NewRun = LIBRARY
    """Makes what takes an episode's steps: `against(...)`, `specified(...)` or `live(...)`."""
    lacks: frozenset[str] = frozenset()
    """What is not drawn, as the subject does not have it (`schedule.lacking`)."""
    keep_going: bool = False
    """Whether the episodes go on after a finding, to find others that have another name."""
    ignored: frozenset[str] = frozenset()
    """Properties that are not judged, since it is known that they are broken."""
    learns: bool = False
    """Whether, while it keeps going, what was found is ignored from then on: episodes go on past
    it, and come to what lies behind.  It takes a run in this process.
    """
    fast: bool = True
    """Whether episodes may be played by compiled copies, where there are any."""
    searching: Callable[[], AbstractContextManager[Clock]] = by_cpu_time
    """Entered while a schedule is shrunk: what tells the time meanwhile."""


@dataclass(frozen=True, slots=True)
class Found:
    """What was wrong, and a schedule that shows it, as short as it could be made."""

    episode: int
    nodes: int
    finding: Finding
    choices: list[Choice]
    length_before: int
    """How many steps the schedule had when it was found."""
    nodes_before: int
    """How many nodes its cluster had."""
    events_before: int
    """How many events had been checked when it was found."""
    recorder: Recorder
    """The records of that schedule."""
    ignored: frozenset[str] = frozenset()
    """Properties that were not judged."""


@dataclass(slots=True)
class Report:
    options: Options
    episodes: int = 0
    events: int = 0
    steps: int = 0
    seconds: float = 0.0
    witnesses: Counter[str] = field(default_factory=Counter)
    shrinking: int | None = None
    """The episode with a finding, while that is being shrunk."""
    found: Found | None = None
    others: list[Found] = field(default_factory=list)
    """What was found later, one of each name."""
    not_judged: tuple[str, ...] = ()
    """What the subject does not have, or does not show."""
    coverage: Coverage = field(default_factory=Coverage)
    unread: tuple[str, ...] = ()
    """Slots of the library's classes that were not compared, for nobody knows them."""

    @property
    def never_seen(self) -> list[str]:
        return [witness.name for witness in SOMETIMES if not self.witnesses[witness.name]]

    @property
    def verdict(self) -> str:
        if self.found is not None:
            return "violation"
        return "inconclusive" if self.unread else "conforms"

    def as_json(self) -> dict[str, object]:
        return {
            "verdict": self.verdict,
            "seed": self.options.seed,
            "episodes": self.episodes,
            "events": self.events,
            "steps": self.steps,
            "seconds": round(self.seconds, 3),
            "witnesses": {witness.name: self.witnesses[witness.name] for witness in SOMETIMES},
            "never_seen": self.never_seen if self.events >= LONG_RUN else [],
            "unread": list(self.unread),
            **({"not_judged": list(self.not_judged)} if self.not_judged else {}),
            **({"coverage": self.coverage.as_json(self.events)} if self.options.coverage else {}),
            "finding": None if self.found is None else _found_as_json(self.found),
            **({"others": list(map(_found_as_json, self.others))} if self.others else {}),
        }


def _found_as_json(found: Found) -> dict[str, object]:
    return {
        "property": name_of(found.finding),
        "node": found.finding.node,
        "detail": describe(found.finding),
        "episode": found.episode,
        "nodes": found.nodes,
        "nodes_before_shrinking": found.nodes_before,
        "steps": len(found.choices),
        "steps_before_shrinking": found.length_before,
        "events_to_find": found.events_before,
    }


def check(
    options: Options,
    progress: Callable[[Report], None] = lambda _: None,
    workers: Workers | None = None,
) -> Report:
    """Run episodes until the events are reached, the time is up, or something is wrong.

    The episodes count in their order and up to the first that ends the run, so that the report,
    but for its seconds, is the same whoever plays them: `workers`, or None for this process.  It
    is this process too where that is sooner, or where the options cannot be sent.

    Raises `WorkerError` where a worker fails.
    """
    report = Report(options)
    started = time.monotonic()
    found: dict[str, tuple[Episode, int, Options]] = {}
    with closing(_episodes(options, found, workers)) as episodes:
        for played in episodes:
            report.episodes += 1
            report.events += played.events
            report.steps += played.steps
            report.witnesses.update(played.witnesses)
            report.unread = played.unread
            report.coverage.counts.update(played.situations)
            report.seconds = time.monotonic() - started
            progress(report)
            if played.unread and not played.steps:  # nothing can be read of any node
                break
            if played.finding is not None:
                judged = _without(options, found)
                found.setdefault(name_of(played.finding), (played, report.events, judged))
                if not (options.keep_going and played.events):  # or not even the start succeeds
                    break
            if report.events >= options.events:
                break
            if options.seconds is not None and report.seconds >= options.seconds:
                break
    shown = []
    for played, events, judged in found.values():
        report.shrinking = played.number
        progress(report)
        with _uncollected():
            shown.append(_shown(judged, played, events))
    if shown:
        report.shrinking = None
        report.found, *report.others = shown
        report.seconds = time.monotonic() - started
    return report


def _without(options: Options, found: Collection[str]) -> Options:
    """The options for an episode after these findings."""
    return replace(options, ignored=options.ignored.union(found)) if options.learns else options


def _episodes(
    options: Options, found: Collection[str], workers: Workers | None
) -> Generator[Episode, None, None]:
    """The episodes in their order, each when it is asked for or before that.

    `found`: the names of what was found in those before.
    """
    if options.episode is not None:
        yield play_one(options, options.episode)
    elif workers is None or options.learns or options.events < SMALL or not _can_be_sent(options):
        for number in count():
            yield play_one(_without(options, found), number)
    else:
        batches = (range(first, first + BATCH) for first in count(step=BATCH))
        for batch in workers.in_order(partial(_play_all, options), batches):
            yield from batch


def _can_be_sent(options: Options) -> bool:
    try:
        pickle.dumps(options)
    except (TypeError, AttributeError, pickle.PicklingError):
        return False
    return True


def _play_all(options: Options, numbers: Sequence[int]) -> list[Episode]:
    """Up to the first with a finding, if that ends the run."""
    played: list[Episode] = []
    for number in numbers:
        played.append(play_one(options, number))
        if played[-1].finding is not None and not options.keep_going:
            break
    return played


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the cycle collector, which finds nothing among immutable values (and costs 5 %)."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def schedule_of(options: Options, episode: int, kind: type[Schedule] = Schedule) -> Schedule:
    """What an episode draws from."""
    schedule = kind(options.seed, episode, options.nodes, options.profile)
    if options.honest:
        schedule = schedule.honest()
    return schedule.without(options.lacks) if options.lacks else schedule


def question_of(finding: Finding) -> str | None:
    """The question that was answered otherwise than specified, if that is what was found."""
    if isinstance(finding, Difference) and finding.what in NAMES:
        return finding.what
    return None


def play_one(options: Options, number: int) -> Episode:
    """An episode, up to its first finding.

    By compiled copies, if there are any; the sources say what is wrong.  If these find nothing,
    though the copies did, then it is not the same again.
    """
    quickly = None
    with _uncollected():
        copied = options.fast and options.counting is Coverage and not options.ignored
        if copied and isinstance(options.run, WithCopies):
            drawn = partial(schedule_of, options, number)
            quickly = played_by_copies(number, drawn, options.run, options.coverage)
            if quickly is not None and quickly.finding is None:
                return quickly
        episode = _played_by_sources(options, number)
    return episode if quickly is None or episode.finding is not None else quickly


def _played_by_sources(options: Options, number: int) -> Episode:
    schedule = schedule_of(options, number)
    try:
        run = _new_run(options, schedule.profile.nodes, number)
    except UnreadableError as error:
        return Episode(number, 0, 0, Counter(), None, (str(error),))
    if options.coverage:
        run.coverage = options.counting()
    return play_through(number, schedule, run)


def _new_run(options: Options, size: int, number: int, recorder: Recorder | None = None) -> Run:
    run = options.run(size, recorder, number)
    run.ignored |= options.ignored
    return run


Setting: TypeAlias = tuple[Origin, int]
"""What an episode begins with, and the number of one that is run with the same library."""


def _settings(given: Setting) -> Iterator[Setting]:
    """Plainer ones: nodes named by their places, the library as it is."""
    origin, number = given
    named = replace(origin, names=())
    yield from ((named, 0), (origin, 0), (named, number))


def _shown(options: Options, played: Episode, events: int) -> Found:
    """The episode once more, for its choices: naming each costs time, and few have a finding."""
    finding = played.finding
    assert finding is not None
    schedule = schedule_of(options, played.number)
    nodes = schedule.profile.nodes
    again = islice(play(schedule, _new_run(options, nodes, played.number)), played.steps)
    choices = [choice_of(before, step) for before, step, _ in again]
    heals = name_of(finding) == CONVERGENCE
    if heals:  # the steps that heal follow from the others
        choices = choices[: schedule.profile.length]

    def closer(size: int, recorder: Recorder | None = None) -> Run:
        return begun(plainest, size, recorder)

    def begun(setting: Setting, size: int, recorder: Recorder | None = None) -> Run:
        origin, number = setting
        run = _new_run(options, size, number, recorder)
        run.begin(origin)
        run.closely = question_of(finding)
        run.heals = heals
        return run

    plainest = schedule.origin, played.number
    for setting in _settings(plainest):
        shown, _ = take_all(begun(setting, nodes), choices)
        if shown is not None and name_of(shown) == name_of(finding):
            plainest = setting
            break
    with options.searching() as clock:
        shortest, _, size = shrink(choices, finding, nodes, closer, options.shrink_seconds, clock)
    recorder = Recorder()
    shown, taken = take_all(closer(size, recorder), shortest)
    if shown is None:
        recorder = Recorder()
        shown = finding if name_of(finding) == NAMED[NOT_AGAIN] else not_again(finding)
        taken, size = choices, nodes
        take_all(closer(size, recorder), choices)
    return Found(
        episode=played.number,
        nodes=size,
        finding=shown,
        choices=taken,
        length_before=played.steps,
        nodes_before=nodes,
        events_before=events,
        recorder=recorder,
        ignored=options.ignored,
    )
