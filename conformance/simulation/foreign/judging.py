"""How a foreign subject is checked: the options of `simulation.check` that it takes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from conformance.observe.recorded import Recorder
from conformance.observe.verdicts import AuditLevel
from conformance.simulation.check import Options
from conformance.simulation.compiled import Copies
from conformance.simulation.foreign.lockstep import ForeignLockstep
from conformance.simulation.foreign.properties import NOT_JUDGED, OF_FEATURE, ForeignProperties
from conformance.simulation.run import Run
from conformance.subjects.foreign.host import Host
from conformance.subjects.foreign.local import LocalHost

NEEDED: Final = ("joint_changes", "timers")
"""Features without which a subject cannot do what is specified."""


class CannotJudgeError(Exception):
    """A subject of which that level says nothing."""


@dataclass(frozen=True, slots=True)
class _Foreign:
    """Makes runs of one kind of a subject's nodes; it can be sent to a worker if the host can."""

    kind: type[ForeignLockstep | ForeignProperties]
    host: Host | LocalHost

    def __call__(self, size: int, recorder: Recorder | None = None, episode: int = 0, /) -> Run:
        return self.kind(size, self.host, recorder)

    def of_copies(self, copies: Copies, size: int, episode: int) -> Run:
        run: Run = getattr(copies[self.kind.__module__], self.kind.__name__)(size, self.host)
        return run


def judging(
    options: Options, host: Host | LocalHost, level: AuditLevel, without: Iterable[str] = ()
) -> Options:
    """The options with which that subject is checked.  Raises CannotJudgeError.

    `without`: features that are left out though it has them.
    """
    lacks = frozenset({*host.hello.lacks, *without})
    if level == "exact":
        missing = sorted(set(host.hello.lacks).intersection(NEEDED))
        if missing:
            raise CannotJudgeError(
                f"the subject lacks {', '.join(missing)}; expected --level safety, for it is not "
                "compared with a specification that has them"
            )
        run = _Foreign(ForeignLockstep, host)
        return replace(options, run=run, lacks=lacks, searching=host.searching)
    return replace(
        options,
        run=_Foreign(ForeignProperties, host),
        lacks=lacks | {"alone"},
        honest=True,
        learns=options.keep_going,
        searching=host.searching,
    )


def not_judged(
    host: Host | LocalHost, level: AuditLevel, without: Iterable[str] = ()
) -> tuple[str, ...]:
    """What a check of that subject says nothing about, for people."""
    told = []
    if left_out := sorted(set(without) - {*host.hello.lacks}):
        told.append(f"{', '.join(left_out)} (left out)")
    if host.hello.lacks:
        told.append(f"{', '.join(sorted(host.hello.lacks))} (the subject lacks it)")
    if level == "safety":
        silent = {name for one in host.hello.lacks for name in OF_FEATURE.get(one, ())}
        told.append(
            f"{', '.join(sorted({*NOT_JUDGED, *silent}))} (not shown, or not Raft's to say)"
        )
        told.append("what comes of it: whether a leader is found, and commits")
    return tuple(told)
