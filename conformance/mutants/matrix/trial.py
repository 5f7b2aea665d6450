"""A trial: one method that looks for one mutant's bug, and what came of it.

Four methods judge in two ways each, which know nothing of one another: by comparison with the
specification, or by the properties alone, with the mutant in its place.  The fifth judges it in
virtual time, by the properties and by figures.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from types import ModuleType
from typing import Final, Literal

from conformance.explore.states.bounds import PRESETS, Bounds
from conformance.observe.failed import PROGRAM_FAILED, told
from conformance.observe.recorded import Recorded
from conformance.observe.verdicts import Level
from conformance.trace.save import THIS_LIBRARY, save

FAILURE: Final = "Failure"
"""What a mutant is killed by that raises what no node may raise."""


@dataclass(frozen=True, slots=True)
class Budget:
    """How long a method looks, in counts, so that it finds the same on any machine.

    `seconds` of its process's own time end what takes too long all the same, a mutant that never
    returns for instance; so how busy the machine is makes no difference.
    """

    events: int
    """Inputs to nodes, in random schedules."""
    recorded: int
    """Of a recording, how many inputs to nodes."""
    bounds: tuple[Bounds, ...]
    """What is explored, one after another."""
    eventually: bool
    """Whether exploration also asks if every state has a fair way on."""
    paths: int
    """Through the code, in proofs of equivalence."""
    paths_alone: int
    """In proofs of the invariants."""
    scenarios: tuple[str, ...]
    """What is measured in virtual time, the cheapest first."""
    seconds: float
    seed: int = 0
    """Everything random follows from it."""


SMALLEST_FIRST: Final = (
    "joining",
    "reads",
    "handover",
    "demotion",
    "membership",
    "snapshots",
    "held",
    "crashes",
    "elections",
    "messages",
)
WITHIN: Final = tuple(PRESETS["quick"][name] for name in SMALLEST_FIRST)

ROLLED_BACK: Final = Bounds(
    terms=2, log=3, in_flight=1, proposals=1, changes=1, held=1, shortened=2
)
"""A configuration gives way to another entry than the one that opens a term: seldom so in random
schedules.
"""


SCENARIOS: Final = ("merged", "snapshot", "steady", "late-answer", "flapping", "returning")

BUDGETS: Final[dict[Level, Budget]] = {
    "quick": Budget(
        events=40_000,
        recorded=15_000,
        bounds=(*WITHIN[:7], ROLLED_BACK),
        eventually=False,
        paths=45_000,
        paths_alone=4_000,
        scenarios=SCENARIOS,
        seconds=120.0,
    ),
    "full": Budget(
        events=50_000,
        recorded=20_000,
        bounds=(*WITHIN, ROLLED_BACK),
        eventually=True,
        paths=45_000,
        paths_alone=6_000,
        scenarios=SCENARIOS,
        seconds=300.0,
    ),
}


@dataclass(slots=True)
class Trial:
    """`killed_by`: the property that was broken, or how the mutant differs; None if it survived.

    `work` was done up to then, in `unit`s.  `stopped`: why it ended before its budget was spent.
    `out`: a directory where the run is to be written that kills it; `trace`: where it was.
    """

    mutant: str
    method: str
    killed_by: str | None = None
    detail: str = ""
    work: int = 0
    unit: str = ""
    seconds: float = 0.0
    stopped: str | None = None
    out: str | None = None
    trace: str | None = None

    @property
    def killed(self) -> bool:
        return self.killed_by is not None

    def show(self, records: Sequence[Recorded], nodes: int) -> None:
        """Write the run of so many nodes that kills it, if that is asked for.  Raises OSError."""
        if self.out is not None and records:
            method = self.method.replace(" ", "-")
            path = Path(self.out) / f"mutant-{self.mutant}-{method}.jsonl"
            save(path, records, nodes, f"{THIS_LIBRARY}, deliberately broken: {self.mutant}")
            self.trace = str(path)

    def as_json(self) -> dict[str, object]:
        return {
            "method": self.method,
            "killed": self.killed,
            "killed_by": self.killed_by,
            "detail": self.detail,
            "work": self.work,
            "unit": self.unit,
            "seconds": round(self.seconds, 3),
            "stopped": self.stopped,
            "trace": self.trace,
        }


@dataclass(frozen=True, slots=True)
class Method:
    """`judges`: by comparison with the specification, or by the properties alone."""

    name: str
    judges: Literal["comparison", "properties"]
    look: Callable[[ModuleType, Budget, Trial], None] = field(repr=False)
    """Look for what is wrong with a library, and fill in the trial."""
    levels: tuple[Level, ...] = ("quick", "full")


def tried(
    mutant: str, library: ModuleType, method: Method, budget: Budget, out: Path | None = None
) -> Trial:
    """What comes of it, whatever the mutant does; where the program fails, nothing does.

    `out`: where a run is to be written that kills it.
    """
    trial = Trial(mutant, method.name, out=None if out is None else str(out))
    started = monotonic()
    try:
        method.look(library, budget, trial)
    except PROGRAM_FAILED as error:
        trial.killed_by, trial.stopped = None, told(error)
    except Exception as error:
        trial.killed_by, trial.detail = FAILURE, f"{type(error).__name__}: {error}"
    trial.seconds = monotonic() - started
    return trial
