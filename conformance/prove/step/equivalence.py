"""That the library does what the specification says, for all numbers.

For a server of some shape and an event (`conformance.prove.step.shapes`) the specification's turn
and the library's are run on symbolic numbers, path by path, and compared in full: outcome, owed
actions, next state with all that is hidden in it, and the drain that would follow
(`conformance.subjects.rebuild`).  Which shapes: `conformance.prove.step.families`.

A difference is turned into plain integers, and run again on those.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from conformance.observe.finding import Difference
from conformance.observe.show import show_unlike
from conformance.prove.runner.obligation import Level, Obligation, Result, Subjects
from conformance.prove.step.asking import asked
from conformance.prove.step.assumptions import holds
from conformance.prove.step.counterexample import plain_member
from conformance.prove.step.families import families
from conformance.prove.step.family import Family
from conformance.prove.step.shapes import Shape
from conformance.subjects.rebuild import Rebuilder
from conformance.symbolic.paths import BudgetError, Model, Paths, RepeatError
from spec.cluster import Member, Rule, Turn, drain, take
from spec.pending import NOTHING
from spec.values import Event


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
        rebuilder = Rebuilder(subjects.library, reraise=(BudgetError, RepeatError))
        return asked(self.family.shapes, Compared(subjects.rule, rebuilder))


def turn_of(member: Member, event: Event | None, rule: Rule) -> Turn:
    """What the specification makes of it; no event is a drain, of which the disk is left out."""
    if event is not None:
        return take(member, event, rule)
    owed, node = drain(member, rule)
    after = member if not owed and node is member.node else Member(node, NOTHING, member.disk)
    return Turn(member, after, owed=owed)


@dataclass(frozen=True, slots=True)
class Compared:
    """What the library does otherwise."""

    rule: Rule
    rebuilder: Rebuilder

    def made(self, shape: Shape, paths: Paths) -> tuple[Member, Event | None]:
        return shape.made(paths)

    def allows(self, member: Member, event: Event | None) -> bool:
        return holds(member, event)

    def judged(self, member: Member, event: Event | None) -> tuple[Difference | None, Turn]:
        turn = turn_of(member, event, self.rule)
        return self.rebuilder.difference(turn), turn

    def plain(self, member: Member, model: Model) -> Member:
        return plain_member(member, model)

    def words(self, wrong: Difference | Exception, shape: Shape) -> str:
        if isinstance(wrong, Difference):
            return f"{wrong.what} differs: {shape}"
        return f"the specification raises {wrong!r}: {shape}"

    def lines(self, wrong: Difference) -> tuple[str, ...]:
        return tuple(unlike(wrong.specified, wrong.found))


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
    of, _, field = name.rpartition(" ")
    yield f"{of} {show_unlike(field, specified, found)}".lstrip(" :")
