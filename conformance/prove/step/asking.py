"""One question, asked of every shape of a family: of all paths, up to the first that is wrong."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, Generic, Protocol, TypeVar

from conformance.prove.runner.obligation import Counterexample, Result
from conformance.prove.step.assumptions import assume
from conformance.prove.step.shapes import Shape
from conformance.symbolic.paths import BudgetError, Model, Paths, RepeatError
from spec.cluster import Member
from spec.values import Event

PATHS: Final = 50_000
SECONDS: Final = 300.0
"""What one shape may take.  A library that is not as specified may have no end of paths."""

Wrong = TypeVar("Wrong")


class Question(Protocol, Generic[Wrong]):
    def made(self, shape: Shape, paths: Paths) -> tuple[Member, Event | None]:
        """A server of the shape, and what it takes; no event is a drain."""

    def allows(self, member: Member, event: Event | None) -> bool:
        """Whether it is asked of these numbers."""

    def answer(self, member: Member, event: Event | None) -> tuple[Wrong | None, bool]:
        """What is wrong, if anything; and whether something came of the event."""

    def found(
        self,
        shape: Shape,
        wrong: Wrong | Exception,
        member: Member,
        event: Event | None,
        model: Model,
    ) -> Counterexample:
        """What is wrong, or was raised, with the path's numbers, and whether plain ones show it."""


def asked(shapes: Collection[Shape], question: Question[Wrong]) -> Result:
    """What came of it.  Where there is no path, or nothing ever comes of one, nothing is proved."""
    result = Result()
    for shape in shapes:
        try:
            _add(result, shape, question)
        except (BudgetError, RepeatError) as error:
            result.result, result.detail = "unknown", f"{shape}: {error}"
        if result.result != "proved":
            break
    if not shapes:
        result.result, result.detail = "unknown", "there is no shape to prove it for"
    result.live = result.paths
    return result


def _add(result: Result, shape: Shape, question: Question[Wrong]) -> None:
    """All paths of one shape; each is of numbers that the question allows."""
    paths = Paths(limit=PATHS, seconds=SECONDS)
    member, event = question.made(shape, paths)
    assume(paths, lambda: question.allows(member, event))
    before, acted = result.paths, False
    for path in paths.run(lambda: question.answer(member, event)):
        result.paths += 1
        wrong, acts = path.result or (None, False)
        if wrong is None and path.raised is None:
            acted = acted or acts
            continue
        broken = path.raised if wrong is None else wrong
        assert broken is not None
        result.result = "refuted"
        result.found = question.found(shape, broken, member, event, path.model)
        result.detail = result.found.what
        break
    result.queries += paths.queries
    if result.result == "proved" and result.paths == before:
        result.result, result.detail = "unknown", f"there is no such server: {shape}"
    elif result.result == "proved" and acted != shape.acts:
        said = "nothing ever comes of it" if shape.acts else "it was to do nothing, and does"
        result.result, result.detail = "unknown", f"{said}: {shape}"
