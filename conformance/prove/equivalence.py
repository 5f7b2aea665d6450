"""That the library does what the specification says, for all numbers.

For a server of some shape and an event (`conformance.prove.shapes`) the specification's turn and
the library's are run on symbolic numbers, path by path, and compared in full: outcome, owed
actions, next state with all that is hidden in it, and the drain that would follow
(`conformance.rebuild`).  Which shapes: `conformance.prove.families`.

A difference is turned into plain integers, and run again on those.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final

from conformance.lockstep import Difference
from conformance.prove.assumptions import assume
from conformance.prove.counterexample import plain, plain_member
from conformance.prove.families import families
from conformance.prove.family import Family
from conformance.prove.obligation import Counterexample, Level, Obligation, Result, Subjects
from conformance.prove.shapes import Shape
from conformance.rebuild import Rebuilder
from conformance.show import show
from conformance.symbolic.paths import BudgetError, Model, Paths, RepeatError
from spec.cluster import Member, Rule, Turn, drain, take
from spec.pending import NOTHING
from spec.values import Event

PATHS: Final = 50_000
SECONDS: Final = 300.0
"""What one shape may take.  A library that is not as specified may have no end of paths."""


def obligations(level: Level) -> list[Obligation]:
    """All that is to be proved, in a fixed order."""
    return [
        Obligation(f"equivalence/{family.name}", family.bounds, Proof(family).prove)
        for family in families(level)
    ]


@dataclass(frozen=True, slots=True)
class Proof:
    """The proof of one family."""

    family: Family

    def prove(self, subjects: Subjects) -> Result:
        """Every shape of the family, up to the first that shows a difference."""
        result, started = Result(), monotonic()
        rebuilder = Rebuilder(subjects.library, through=(BudgetError, RepeatError))
        for shape in self.family.shapes:
            try:
                _add(result, shape, subjects.rule, rebuilder)
            except (BudgetError, RepeatError) as error:
                result.result, result.detail = "unknown", f"{shape}: {error}"
            if result.result != "proved":
                break
        else:
            if not self.family.shapes:
                result.result, result.detail = "unknown", "there is no shape to prove it for"
        result.live = result.paths
        result.seconds = monotonic() - started
        return result


def turn_of(member: Member, event: Event | None, rule: Rule) -> Turn:
    """What the specification makes of it; no event is a drain, of which the disk is left out."""
    if event is not None:
        return take(member, event, rule)
    owed, node = drain(member)
    after = member if not owed and node is member.node else Member(node, NOTHING, member.disk)
    return Turn(member, after, owed=owed)


def _add(result: Result, shape: Shape, rule: Rule, rebuilder: Rebuilder) -> None:
    """All paths of one shape; each is of numbers for which the assumptions hold."""
    paths = Paths(limit=PATHS, seconds=SECONDS)
    member, event = shape.made(paths)
    assume(paths, member, event)

    def compare() -> tuple[Difference | None, bool]:
        turn = turn_of(member, event, rule)
        return rebuilder.difference(turn), turn.after is not turn.before

    before, acted = result.paths, False
    for path in paths.run(compare):
        result.paths += 1
        difference, acts = path.result or (None, False)
        acted = acted or acts
        if difference is None and path.raised is None:
            continue
        result.result = "refuted"
        what = f"the specification raises {path.raised!r}"
        if difference is not None:
            what = f"{difference.what} differs"
        result.found = _found(f"{what}: {shape}", member, event, path.model, rule, rebuilder)
        result.detail = result.found.what
        break
    result.queries += paths.queries
    if result.result == "proved" and result.paths == before:
        result.result, result.detail = "unknown", f"there is no such server: {shape}"
    elif result.result == "proved" and acted != shape.acts:
        said = "nothing ever comes of it" if shape.acts else "it was to do nothing, and does"
        result.result, result.detail = "unknown", f"{said}: {shape}"


def _found(
    what: str, member: Member, event: Event | None, model: Model, rule: Rule, rebuilder: Rebuilder
) -> Counterexample:
    """The path's numbers, and whether they show the difference outside of the engine as well."""
    member, event = plain_member(member, model), plain(event, model)
    try:
        turn = turn_of(member, event, rule)
    except Exception:
        return Counterexample(what, Turn(member, member, event), replays=True)
    difference = rebuilder.difference(turn)
    if difference is None:
        return Counterexample(what, turn)
    shown = tuple(unlike(difference.specified, difference.found))
    return Counterexample(what, turn, replays=True, wrong=shown)


def unlike(specified: Any, found: Any, name: str = "") -> Iterator[str]:
    """Where two values differ, field by field, a line each."""
    if specified == found:
        return
    if isinstance(specified, tuple) and type(specified) is type(found):
        if len(specified) == len(found) and (name == "" or hasattr(specified, "_fields")):
            names = getattr(specified, "_fields", [""] * len(specified))
            for field, one, other in zip(names, specified, found, strict=True):
                yield from unlike(one, other, f"{name} {field}".strip())
            return
    yield f"{name}: specified {show(specified)}, found {show(found)}".removeprefix(": ")
