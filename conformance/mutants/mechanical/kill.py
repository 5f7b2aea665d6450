"""Runs one mutant through the checks, cheapest first, until one of them notices it.

Each mutant lives in a process of its own, a fork of one that has everything imported: it may loop
for ever, or take all memory, and is ended.  Its time is counted by the processor, so that a busy
machine ends none too early.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import select
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Final, NamedTuple, TypeAlias

from conformance.explore.states.bounds import PRESETS, Bounds
from conformance.explore.states.space import Space
from conformance.explore.states.tables import distinct
from conformance.observe.failed import told
from conformance.observe.finding import Finding, describe, name_of
from conformance.simulation.episode import first_finding
from conformance.simulation.lockstep import Lockstep
from conformance.simulation.schedule.simulate import Schedule
from conformance.subjects.library import LibrarySubject
from conformance.subjects.patched import library_from, library_sources
from conformance.subjects.rebuild import Rebuilder
from spec import rules
from spec.cluster import Turn

Stage: TypeAlias = Callable[["Subject"], str | None]
"""A check of a mutant: what it noticed."""

EXPLORED: Final = ("crashes", "held", "snapshots", "membership", "joining")
"""Of the preset quick: few states, and most of what a node can reach."""

NAME: Final = "raftbare_mutant"
MEMORY: Final = 4 << 30
PATIENCE: Final = 10.0
"""Seconds by the clock for one by the processor, after which even a sleeping mutant is ended."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A mutant: the text of all modules, and the package that they make."""

    texts: dict[str, str]
    copy: ModuleType


@dataclass(frozen=True, slots=True)
class Verdict:
    """`killed_by`: the stage that noticed it, "import" or "time limit" too; None: it survived.

    `seconds`: what each stage took of the processor.  `failed`: the machine did, so that nothing
    is known of the mutant.
    """

    killed_by: str | None
    detail: str = ""
    seconds: Mapping[str, float] = field(default_factory=dict)
    failed: bool = False


# The stages


def lockstep(events: int, seed: int) -> Stage:
    """The random schedules of `conformance check`, up to what is found: nothing is shrunk."""

    def stage(subject: Subject) -> str | None:
        seen = 0
        for episode in count():
            schedule = Schedule(seed, episode)
            both = Lockstep(schedule.profile.nodes, LibrarySubject(subject.copy))
            found = first_finding(schedule, both)
            seen += both.events
            if found is not None or seen >= events:
                return None if found is None else _said(found)
        return None

    return stage


def _said(finding: Finding) -> str:
    return f"{name_of(finding)}: {describe(finding)}"


def library_tests(subject: Subject) -> str | None:
    """The tests of the library's interface."""
    files = [file for file in TESTS.rglob("test_*.py") if file.name != BUILD]
    return _failed(subject, sorted(files, key=lambda file: (file.name in RANDOM, file.name)))


def codec_tests(subject: Subject) -> str | None:
    """The tests of bytes and plain values, which nothing else that is run here makes."""
    return _failed(subject, sorted(CODEC_TESTS.glob("test_*.py")))


def _failed(subject: Subject, files: list[Path]) -> str | None:
    """The first test that fails.  They get the mutant when they import raftbare.

    The examples that hypothesis makes are few, the same each time, and not made smaller.
    """
    import hypothesis
    import pytest

    hypothesis.settings.register_profile(
        "mutants",
        database=None,
        derandomize=True,
        deadline=None,
        max_examples=10,
        phases=(hypothesis.Phase.explicit, hypothesis.Phase.generate),
    )
    hypothesis.settings.load_profile("mutants")
    first = _First()
    options = ["-x", "-q", "--assert=plain", "-o", "addopts=", f"--deselect=tests/{SLOW}"]
    for plugin in ("cacheprovider", "xdist", "benchmark", "doctest", "junitxml"):
        options += ["-p", f"no:{plugin}"]
    with library_from(subject.texts, "raftbare"):
        code = pytest.main([*options, *map(str, files)], plugins=[first])
    for directory in (TESTS, CODEC_TESTS):
        _forget(directory)
    return None if code == pytest.ExitCode.OK else first.failed or f"pytest ends with {code!r}"


def _forget(directory: Path) -> None:
    """The modules from there, which know this copy, and would go on with it."""
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file is not None and Path(file).is_relative_to(directory):
            del sys.modules[name]


class _First:
    """Notes the first test that failed."""

    failed = ""

    def pytest_runtest_logreport(self, report: object) -> None:
        if getattr(report, "failed", False):
            self.failed = self.failed or getattr(report, "nodeid", "")


def explored(first: int, last: int) -> Stage:
    """Turns of a node that explorations reach, compared in all that a node is made of.

    What `conformance explore` compares: up to the first difference all states are the specified
    ones, so they need not be explored anew for each mutant.
    """

    def stage(subject: Subject) -> str | None:
        difference = Rebuilder(subject.copy).difference
        for turn in turns()[first:last]:
            found = difference(turn)
            if found is not None:
                return _said(found)
        return None

    return stage


@cache
def turns() -> tuple[Turn, ...]:
    """In random order, the same each time: a difference shows early."""
    known: dict[object, Turn] = {}

    def note(turn: Turn) -> None:
        known.setdefault((turn.before, turn.event, turn.owed is None), turn)

    for name in EXPLORED:
        _explore(PRESETS["quick"][name], note)
    return tuple(Random(0).sample(list(known.values()), len(known)))


def _explore(bounds: Bounds, note: Callable[[Turn], None]) -> None:
    space = Space(bounds, rules.step, note)
    visited, layer = set(space.initial.tolist()), space.initial
    while layer.size:
        states = space.expand(layer).states
        layer = distinct(states[[state not in visited for state in states.tolist()]])
        visited.update(layer.tolist())


def proofs(subject: Subject) -> str | None:
    """That the library does what the specification says, for all numbers (PROOFS.md)."""
    from conformance.prove.runner.obligation import Subjects
    from conformance.prove.runner.worker import prove
    from conformance.prove.step.equivalence import obligations

    for obligation in obligations("quick"):
        result = prove(obligation, Subjects(library=subject.copy))
        if result.result != "proved":
            return f"{obligation.name}: {result.result} {result.detail}"
    return None


TESTS: Final = Path(__file__).parents[3] / "tests" / "library"
CODEC_TESTS: Final = TESTS.with_name("codec")
SLOW: Final = "library/test_long_logs.py::test_a_million_commands_are_one_run"
BUILD: Final = "test_build.py"
"""It asks for the files of the package, and a mutant has none."""
RANDOM: Final = ("test_log_entries.py", "test_numbers.py", "test_values.py")
"""With many random examples, and so the last ones."""

STAGES: Final[dict[str, Stage]] = {
    "lockstep": lockstep(events=600, seed=0),
    "exploration": explored(0, 2_000),
    "library tests": library_tests,
    "long exploration": explored(2_000, 8_000),
    "long lockstep": lockstep(events=5_000, seed=1),
}
OF_CODEC: Final[dict[str, Stage]] = {"codec tests": codec_tests}
"""Instead of `STAGES`, of modules of `raftbare.codec`: no node imports them."""
PROOFS: Final[dict[str, Stage]] = {"proofs": proofs}
"""Takes half a minute, and so is kept for what survives and is not explained."""


# One mutant in a process of its own


def prepare(folder: str) -> None:
    """Import and compute what every mutant needs, so that it comes with the fork.

    `folder`: for temporary files, its own and those of mutants.
    The process has a group of its own, with all that it forks: they end together.
    """
    os.setpgid(0, 0)
    tempfile.tempdir = folder
    import hypothesis
    import pytest

    del hypothesis, pytest
    for name in (NAME, "raftbare"):
        with library_from(library_sources(), name):
            pass
    turns()
    gc.collect()
    gc.freeze()


def judge(texts: dict[str, str], names: tuple[str, ...], limits: Mapping[str, float]) -> Verdict:
    """The stages of these names, in turn.

    `limits`: seconds of the processor for a stage; one that is not in it has ten minutes.
    """
    stages = {name: (STAGES | OF_CODEC | PROOFS)[name] for name in names}
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _live(texts, stages, limits, writer)
    os.close(writer)
    heard = list(_told(reader, PATIENCE * sum(limits.get(name, 600.0) for name in stages)))
    os.close(reader)
    with suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    seconds = {one.stage: one.seconds for one in heard if one.what == "took"}
    last = heard[-1] if heard else Told("begins", "import")
    if last.what == "killed":
        return Verdict(last.stage, last.detail, seconds)
    if last.what in ("survived", "failed"):
        return Verdict(None, last.detail, seconds, last.what == "failed")
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) in (signal.SIGPROF, signal.SIGKILL):
        return Verdict("time limit", f"at {last.stage}", seconds)
    return Verdict("crash", f"at {last.stage}: wait status {status}", seconds)


class Told(NamedTuple):
    """What a mutant's process says: a stage "begins" and "took" so long; "killed", "survived",
    "failed"."""

    what: str
    stage: str = ""
    seconds: float = 0.0
    detail: str = ""


def _told(reader: int, seconds: float) -> Iterator[Told]:
    """What comes until the process ends, or the time is up."""
    deadline = time.monotonic() + seconds
    unread = b""
    while select.select([reader], [], [], max(0.0, deadline - time.monotonic()))[0]:
        part = os.read(reader, 1 << 16)
        if not part:
            return
        *lines, unread = (unread + part).split(b"\n")
        for line in lines:
            yield Told(*json.loads(line))


def _live(
    texts: dict[str, str], stages: Mapping[str, Stage], limits: Mapping[str, float], writer: int
) -> None:
    """The life of a mutant's process, which ends here whatever happens."""

    def tell(said: Told) -> None:
        os.write(writer, json.dumps(said).encode() + b"\n")

    try:
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nowhere, stream)
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        signal.signal(signal.SIGPROF, signal.SIG_DFL)
        _run(texts, stages, limits, tell)
    finally:
        os._exit(0)


def _run(
    texts: dict[str, str],
    stages: Mapping[str, Stage],
    limits: Mapping[str, float],
    tell: Callable[[Told], None],
) -> None:
    name = "import"
    try:
        signal.setitimer(signal.ITIMER_PROF, limits.get(name, 10.0))
        with library_from(texts, NAME) as copy:
            subject = Subject(texts, copy)
            for name, stage in stages.items():
                tell(Told("begins", name))
                signal.setitimer(signal.ITIMER_PROF, limits.get(name, 600.0))
                started = time.process_time()
                noticed = stage(subject)
                tell(Told("took", name, time.process_time() - started))
                if noticed is not None:
                    tell(Told("killed", name, detail=noticed))
                    return
        tell(Told("survived"))
    except OSError as error:  # neither the library nor a stage has I/O of its own
        tell(Told("failed", name, detail=told(error)))
    except BaseException as error:  # it may raise anything, SystemExit too
        # The library as it is has passed within the same limits of memory and depth.
        tell(Told("killed", name, detail=f"{type(error).__name__}: {error}"))
