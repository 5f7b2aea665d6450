"""What is to be proved, one by one, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Literal, TypeAlias

from conformance.subjects.patched import PURE
from spec import rules
from spec.cluster import Rule, Turn

Verdict: TypeAlias = Literal["proved", "witnessed", "refuted", "unknown"]
"""`proved`: it holds for all numbers.  `witnessed`: what has to be possible is.  `refuted`: there
is a counterexample.  `unknown`: a budget was spent, or z3 gave up.
"""


@dataclass(frozen=True, slots=True)
class Subjects:
    """What is proved: the specification's rule of a node, and the library.  Tests hand others."""

    rule: Rule = rules.step
    library: ModuleType = PURE


@dataclass(frozen=True, slots=True)
class Counterexample:
    """A concrete state of a server, what happened to it, and what is wrong with that.

    `turn` is what the specification makes of it.  `others`: what has to be known of the rest of the
    cluster, a line each; `wrong`: what is wrong in full.  `replays`: the turn, run again on plain
    integers, was wrong as well.
    """

    what: str
    turn: Turn
    others: tuple[str, ...] = ()
    replays: bool = False
    wrong: tuple[str, ...] = ()


@dataclass(slots=True)
class Result:
    """What came of an obligation.

    `paths`: the paths of the code that some numbers take; `live`: those of them that some numbers
    take for which all hypotheses hold.  `queries`: how often z3 was asked.  `work`: the most that
    it did for an answer, as a part of what it may do, and for which (`hardest`); 0 where nothing is
    known of it.
    """

    result: Verdict = "proved"
    paths: int = 0
    live: int = 0
    queries: int = 0
    seconds: float = 0.0
    detail: str = ""
    found: Counterexample | None = None
    work: float = 0.0
    hardest: str = ""


@dataclass(frozen=True, slots=True)
class Obligation:
    """`name` is unique and has its parts divided by `/`: method, event, shape.

    `bounds` says what it is proved for, by name.  `prove` gets the subjects, and has no other input
    than its own code and that of `spec`, `raftbare` and `conformance`.
    """

    name: str
    bounds: Mapping[str, int | str]
    prove: Callable[[Subjects], Result] = field(repr=False)


Level: TypeAlias = Literal["quick", "full", "deep"]
"""The bounds grow from one to the next; PROOFS.md says which are proved, and how long it takes."""
