"""The events of a history, and the operations that they make."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from conformance.linearize.errors import BadLine, shown
from conformance.linearize.models import UNKNOWN, Call, Cell, Operation

Came: TypeAlias = Literal["ok", "fail", "info"]
"""What came of an operation, in Jepsen's words: it took effect, it did not and never will, or
nobody knows."""


@dataclass(frozen=True, slots=True)
class Invoked:
    """A client calls a function."""

    process: str
    f: str
    key: str | None
    arguments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Completed:
    """A client hears what came of its call, or gives up.

    A read that is `ok` has a `result`, JSON text; a compare-and-set has whether it wrote.
    """

    process: str
    came: Came
    result: str | bool | None = None
    f: str | None = None
    """Which function it says that was, where it says so."""
    arguments: tuple[str, ...] | None = None
    """And with which arguments."""


Event: TypeAlias = Invoked | Completed


@dataclass(slots=True)
class _Open:
    """A call that has not returned."""

    invoked: Invoked
    line: int


class Gathering:
    """Makes operations of events, one event after the other."""

    def __init__(self, model: Cell) -> None:
        self.model = model
        self._open: dict[str, _Open] = {}
        self._operations: list[Operation] = []

    def take(self, line: int, event: Event) -> None:
        """Raises `BadLine` where the event cannot follow those before it."""
        if isinstance(event, Invoked):
            self._invoke(line, event)
        else:
            self._complete(line, event)

    def end(self) -> tuple[Operation, ...]:
        """The operations in the order of their calls; what did not return may still take effect."""
        for one in self._open.values():
            self._add(one, None, UNKNOWN)
        self._open.clear()
        return tuple(sorted(self._operations, key=lambda operation: operation.called))

    def _invoke(self, line: int, event: Invoked) -> None:
        earlier = self._open.get(event.process)
        if earlier is not None:
            raise BadLine(
                f"process {shown(event.process)} calls again, and its call of line {earlier.line} "
                "has not returned",
                "ok, fail or info first",
            )
        self._open[event.process] = _Open(event, line)

    def _complete(self, line: int, event: Completed) -> None:
        one = self._open.pop(event.process, None)
        if one is None:
            raise BadLine(
                f"{event.came} for process {shown(event.process)}, which has called nothing",
                "invoke first",
            )
        called = one.invoked
        if event.f is not None and event.f != called.f:
            raise BadLine(f"{event.came} of {event.f}", f"of {called.f}, called in line {one.line}")
        if event.arguments is not None and event.arguments != called.arguments:
            raise BadLine(
                f"{event.came} of {called.f} {shown(' '.join(event.arguments))[1:-1]}",
                f"{shown(' '.join(called.arguments))[1:-1]}, as called in line {one.line}",
            )
        if event.came == "info":
            self._add(one, None, UNKNOWN)
        elif event.came == "ok":
            self._add(one, line, self._result(called.f, event.result))

    def _result(self, f: str, result: str | bool | None) -> str | bool | None:
        if f == self.model.reads:
            if not isinstance(result, str):
                raise BadLine(f"ok of {f} without a value", "the value that was read")
            return result
        if f == "cas":
            if not isinstance(result, bool):
                raise BadLine("ok of cas without swapped", "whether it wrote: true or false")
            return result
        if result is not None:
            raise BadLine(f"ok of {f} with a result", "none")
        return None

    def _add(self, one: _Open, returned: int | None, result: object) -> None:
        called = one.invoked
        call = Call(called.f, called.arguments, result)
        self._operations.append(Operation(called.process, called.key, call, one.line, returned))
