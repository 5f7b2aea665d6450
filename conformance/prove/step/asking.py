"""One question, asked of every shape of a family: of all paths, up to the first that is wrong."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, Generic, Protocol, TypeVar

from conformance.observe.failed import PROGRAM_FAILED
from conformance.prove.runner.obligation import Counterexample, Result
from conformance.prove.step.assumptions import assume
from conformance.prove.step.counterexample import plain
from conformance.prove.step.shapes import Shape
from conformance.symbolic.paths import BudgetError, Model, Paths, RepeatError
from spec.cluster import Member, Turn
from spec.values import Event

PATHS: Final = 50_000
QUESTIONS: Final = 20_000_000
"""What one shape may take.  A library that is not as specified may have no end of paths."""

Wrong = TypeVar("Wrong")


class Question(Protocol, Generic[Wrong]):
    def made(self, shape: Shape, paths: Paths) -> tuple[Member, Event | None]:
        """A server of the shape, and what it takes; no event is a drain."""

    def allows(self, member: Member, event: Event | None) -> bool:
        """Whether it is asked of these numbers."""

    def judged(self, member: Member, event: Event | None) -> tuple[Wrong | None, Turn | None]:
        """What is wrong, if anything, and with which turn; otherwise the event's."""

    def plain(self, member: Member, model: Model) -> Member:
        """The server with a path's numbers."""

    def words(self, wrong: Wrong | Exception, shape: Shape) -> str: ...

    def lines(self, wrong: Wrong) -> tuple[str, ...]:
        """What is wrong in full."""


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
    paths = Paths(limit=PATHS, questions=QUESTIONS)
    member, event = question.made(shape, paths)
    assume(paths, lambda: question.allows(member, event))
    before, acted = result.paths, False
    for path in paths.run(lambda: question.judged(member, event)):
        result.paths += 1
        wrong, turn = path.result or (None, None)
        if wrong is None and path.raised is None:
            acted = acted or (turn is not None and turn.after is not turn.before)
            continue
        broken = path.raised if wrong is None else wrong
        assert broken is not None
        result.result = "refuted"
        known = question.plain(member, path.model), plain(event, path.model)
        result.found = _found(question, shape, broken, *known)
        result.detail = result.found.what
        break
    result.queries += paths.queries
    if result.result == "proved" and result.paths == before:
        result.result, result.detail = "unknown", f"there is no such server: {shape}"
    elif result.result == "proved" and shape.acts not in (None, acted):
        said = "nothing ever comes of it" if shape.acts else "it was to do nothing, and does"
        result.result, result.detail = "unknown", f"{said}: {shape}"


def _found(
    question: Question[Wrong],
    shape: Shape,
    wrong: Wrong | Exception,
    member: Member,
    event: Event | None,
) -> Counterexample:
    """What is wrong, or was raised, with plain numbers, and whether these show it."""
    nothing = Turn(member, member, event)
    try:
        again, turn = question.judged(member, event)
    except PROGRAM_FAILED:
        raise
    except Exception:
        return Counterexample(question.words(wrong, shape), nothing, replays=True)
    if again is None or turn is None:
        return Counterexample(question.words(wrong, shape), turn or nothing)
    words, lines = question.words(again, shape), question.lines(again)
    return Counterexample(words, turn, replays=True, wrong=lines)
