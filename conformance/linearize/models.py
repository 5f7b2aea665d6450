"""What an operation is, and what a single copy of the data would answer to it."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final, Protocol, TypeAlias


class Unknown(Enum):
    """The one result of an operation of which nothing was heard."""

    UNKNOWN = "unknown"

    def __repr__(self) -> str:
        return self.name


class Impossible(Enum):
    """In place of a state: no single copy could have given that result."""

    IMPOSSIBLE = "impossible"

    def __repr__(self) -> str:
        return self.name


UNKNOWN: Final = Unknown.UNKNOWN
IMPOSSIBLE: Final = Impossible.IMPOSSIBLE

State: TypeAlias = Hashable


@dataclass(frozen=True, slots=True)
class Call:
    """A function, its arguments, and the result that the client got, or `UNKNOWN`."""

    f: str
    arguments: tuple[str, ...]
    result: Hashable

    def __str__(self) -> str:
        words = " ".join([self.f, *self.arguments])
        return words if self.result is None else f"{words} -> {_told(self.result)}"


def _told(result: Hashable) -> str:
    """A result as a client would be told it."""
    if result is UNKNOWN:
        return "?"
    if isinstance(result, bool):
        return "done" if result else "refused"
    return str(result)


@dataclass(frozen=True, slots=True)
class Operation:
    """A call by one client, on one key or on an object without keys.

    Times are those of the history's own order: its lines.  An operation that has no return may take
    effect at any time after its call, or never.
    """

    process: str
    key: str | None
    call: Call
    called: int
    returned: int | None

    def untold(self) -> Operation:
        """The same without its result."""
        if self.call.result is UNKNOWN:
            return self
        return replace(self, call=replace(self.call, result=UNKNOWN))

    def freed(self) -> Operation:
        """The same call, of which nothing was heard."""
        return replace(self.untold(), returned=None)


class Model(Protocol):
    """An object that is used by one client at a time: what each call does to it."""

    @property
    def initial(self) -> State: ...

    def step(self, state: State, call: Call) -> State | Impossible:
        """The state after a call, or `IMPOSSIBLE` where it could not have had its result.

        Of a call whose result is `UNKNOWN` it is the state after it took effect.
        """
        ...

    def only_reads(self, call: Call) -> bool:
        """Whether a call that had its result leaves every state as it is.

        The search is faster for knowing; False is never wrong.
        """
        ...

    def only_writes(self, call: Call) -> bool:
        """Whether a call of unknown result that takes effect leads from every state to the same.

        The search is faster for knowing; False is never wrong.
        """
        ...


ABSENT: Final = "null"
"""What is read where nothing was written, or where it was deleted.  Values are JSON text."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One value that is read, written, and written if it is what was expected.

    A register is one cell, a key-value store is one for each key: linearizability is local, so that
    a store is linearizable if and only if each of its keys is (Herlihy and Wing, theorem 1).
    """

    name: str
    reads: str
    writes: str
    deletes: str | None = None
    keyed: bool = False

    @property
    def initial(self) -> State:
        return ABSENT

    @property
    def functions(self) -> tuple[str, ...]:
        always = (self.reads, self.writes, "cas")
        return always if self.deletes is None else (*always, self.deletes)

    def step(self, state: State, call: Call) -> State | Impossible:
        result = call.result
        if call.f == self.reads:
            return state if result is UNKNOWN or result == state else IMPOSSIBLE
        if call.f == self.writes:
            return call.arguments[0]
        if call.f == self.deletes:
            return ABSENT
        expected, value = call.arguments
        swapped = state == expected
        if result is not UNKNOWN and result is not swapped:
            return IMPOSSIBLE
        return value if swapped else state

    def only_reads(self, call: Call) -> bool:
        return call.f == self.reads or (call.f == "cas" and call.result is False)

    def only_writes(self, call: Call) -> bool:
        return call.f in (self.writes, self.deletes)


REGISTER: Final = Cell("register", "read", "write")
KEY_VALUE: Final = Cell("key-value", "get", "put", "delete", keyed=True)
MODELS: Final = {model.name: model for model in (REGISTER, KEY_VALUE)}
