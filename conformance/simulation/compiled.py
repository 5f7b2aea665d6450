"""Episodes that are played by compiled copies of all but the subject, where there are any.

`make native` makes the copies (`conformance.native.build.RUNS`).  They say that nothing is wrong
with an episode, and what it came by.  What is wrong with one is found once more, told and shrunk by
the sources; and these judge one episode in `SAMPLE` anyway.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Final, Protocol, TypeAlias, runtime_checkable

import raftbare
from conformance.native.build import RUNS, compiled
from conformance.observe.failed import PROGRAM_FAILED
from conformance.observe.finding import AGAIN, NAMED, NOT_AGAIN, Difference, name_of
from conformance.observe.recorded import Recorder
from conformance.simulation.coverage import Coverage
from conformance.simulation.episode import Episode
from conformance.simulation.live import Live
from conformance.simulation.lockstep import Lockstep
from conformance.simulation.run import Run
from conformance.simulation.schedule.simulate import Schedule
from conformance.subjects.hidden import library_subject
from conformance.subjects.patched import resized

MANY: Final = 3
"""In every third episode the library takes so many for many (`resized`)."""

SAMPLE: Final = 32

Copies: TypeAlias = dict[str, ModuleType]
"""The copies by the names of what they are copies of."""


class NewRun(Protocol):
    """Makes a run of a cluster of that many nodes, which the recorder notes, for that episode."""

    def __call__(self, size: int, recorder: Recorder | None = None, episode: int = 0, /) -> Run: ...


@runtime_checkable
class WithCopies(NewRun, Protocol):
    """It can be made of copies, too."""

    def of_copies(self, copies: Copies, size: int, episode: int) -> Run: ...


@dataclass(frozen=True, slots=True)
class AgainstLibrary:
    """The specification and a library; None is raftbare itself.

    It can be sent to another process unless it has a module: a patched copy of the library is
    known to this process alone.
    """

    given: ModuleType | None

    def __call__(self, size: int, recorder: Recorder | None = None, episode: int = 0, /) -> Run:
        return Lockstep(size, library_subject(self._library(episode)), recorder=recorder)

    def of_copies(self, copies: Copies, size: int, episode: int) -> Run:
        subject = copies[library_subject.__module__].library_subject(self._library(episode))
        run: Run = copies[Lockstep.__module__].Lockstep(size, subject)
        return run

    def _library(self, episode: int) -> ModuleType:
        library = self.given or raftbare
        return resized(library, MANY) if episode % 3 == 2 and not library.compiled else library


@dataclass(frozen=True, slots=True)
class LibraryAlone:
    """A library's own nodes, in the specification's place; None is raftbare itself."""

    given: ModuleType | None

    def __call__(self, size: int, recorder: Recorder | None = None, episode: int = 0, /) -> Run:
        return Live(size, self.given or raftbare, recorder)

    def of_copies(self, copies: Copies, size: int, episode: int) -> Run:
        run: Run = copies[Live.__module__].Live(size, self.given or raftbare)
        return run


def played_by_copies(
    number: int, drawn: Callable[[type[Schedule]], Schedule], run: WithCopies, coverage: bool
) -> Episode | None:
    """What came of an episode; None where there are no copies, or where they cannot tell.

    They cannot where anything was raised: compiled code takes no value of another type than was
    declared, and the sources may.  A finding says no more than that there was one.

    `drawn`: the schedule, of the class that is given.
    """
    copies = compiled(RUNS)
    if copies is None or number % SAMPLE == SAMPLE - 1:
        return None
    schedule = drawn(copies[Schedule.__module__].Schedule)
    try:
        copy = run.of_copies(copies, schedule.profile.nodes, number)
        if coverage:
            copy.coverage = copies[Coverage.__module__].Coverage()
        came: Any = copies[Episode.__module__].play_through(number, schedule, copy)
    except PROGRAM_FAILED:
        raise
    except Exception:
        return None
    finding = None
    if came.finding is not None:
        name = copies[name_of.__module__].name_of(came.finding)
        if name == NAMED["failure"]:
            return None
        where = came.finding.what if name == "Difference" else came.finding.detail
        once = f"once {name}: {where}, found by compiled copies"
        finding = Difference(0, None, NOT_AGAIN, AGAIN, once)
    counts = came.steps, came.events, came.witnesses
    return Episode(number, *counts, finding, came.unread, came.situations)
