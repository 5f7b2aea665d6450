"""Bounded model checking from an empty cluster, for a rule that is refuted.

A state that satisfies the lemmas and from which a step breaks one may be a state that no cluster
comes to.  Whether the rule does harm in one that does is what the explorer can tell: it runs the
same code of `spec` from new servers on, all runs within some bounds, the short ones first.
"""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic
from types import ModuleType
from typing import Final

from conformance.explore.search.path import Counterexample as Run
from conformance.explore.search.run import MEGABYTE, Options, explore, memory
from conformance.explore.states.bounds import Bounds, of_bounds
from conformance.observe.finding import describe, name_of
from spec.cluster import Rule

BOUNDS: Final = (
    Bounds(terms=2, log=3, in_flight=1, crashes=1, proposals=0),
    Bounds(terms=2, log=4, in_flight=1),
    Bounds(terms=2, log=3, in_flight=2),
    Bounds(nodes=3, voters=2, terms=2, log=5, in_flight=1, proposals=0, changes=1),
    Bounds(terms=3, log=4, in_flight=1),
    Bounds(terms=2, log=3, in_flight=2, shortened=2),
)
"""One after another, the costly ones last: what has to happen for a bug to show is not the same
for all."""
SECONDS: Final = 90.0
MEGABYTES: Final = 1500
"""What a search may take besides what the process has: proofs in it may hold as much."""


@dataclass(frozen=True, slots=True)
class FromEmpty:
    """A run from an empty cluster that ends with a broken property; none within `bounds` is
    shorter.
    """

    bounds: Bounds
    run: Run

    @property
    def steps(self) -> int:
        return sum(len(move.steps) for move in self.run.moves)

    def __str__(self) -> str:
        finding = self.run.finding
        return (
            f"a run of {self.steps} steps from an empty cluster breaks {name_of(finding)}: "
            f"{describe(finding)} (conformance explore {of_bounds(self.bounds)})"
        )


def from_empty(
    rule: Rule,
    library: ModuleType | None = None,
    seconds: float = SECONDS,
    within: tuple[Bounds, ...] = BOUNDS,
) -> FromEmpty | None:
    """A run that goes wrong by this rule.  None: no run within the bounds and the time does.

    With a library, a difference between the two is wrong as well.
    """
    until = monotonic() + seconds
    for bounds in within:
        left = until - monotonic()
        if left <= 0:
            break
        options = Options(
            bounds,
            rule,
            library,
            seconds=left,
            megabytes=memory() // MEGABYTE + MEGABYTES,
            eventually=False,
        )
        found = explore(options).found
        if found is not None:
            return FromEmpty(bounds, found)
    return None


def told(run: FromEmpty | None) -> str:
    """Which of the two there is besides a state that satisfies the lemmas."""
    if run is not None:
        return str(run)
    return (
        f"no run that goes wrong was found within {SECONDS:.0f} s; the states above satisfy the "
        "lemmas, and may be unreachable"
    )
