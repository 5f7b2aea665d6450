"""What both forms have in common: plain values, of `raftbare.codec.plain`, and bytes, of `binary`.

`raftbare.codec.vocabulary` says once for each type which fields it has, in which order.  A `Sink`
is told the fields, and makes one of the forms of them; a `Source` is asked for them, and has one.
What is not as it should be is refused there, before memory is used for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, TypeAlias

Plain: TypeAlias = dict[str, Any]
"""What a JSON object is in Python: strings to dictionaries, lists, integers, strings, booleans and
None."""

MAX_INTEGER: Final = 2**64 - 1
"""The largest name, term, index, number or limit."""

MAX_ENTRIES: Final = 2**24
"""The most log entries in one list.  Commands take no memory, but some readers expand them."""

MAX_ITEMS: Final = 10_000
"""The most items in any other list: node names, a leader's peers, actions."""

ENTRIES: Final = ("commands", "term", "config")
"""What an item of a list of entries is: in the plain form its only field, in bytes a number."""


class CodecError(ValueError):
    """What cannot be read, or cannot be written.

    - `where`: of a plain value the path, such as `message.entries[3].term`; of bytes the offset and
      the field's name; of what was to be written the field's name.
    - `problem`: what was found there.
    - `expected`: what was expected instead.
    """

    def __init__(self, where: str, problem: str, expected: str) -> None:
        super().__init__(where, problem, expected)
        self.where = where
        self.problem = problem
        self.expected = expected

    def __str__(self) -> str:
        return f"{self.where}: {self.problem}; expected {self.expected}"


def between(least: int, most: int) -> str:
    return f"an integer from {least} to {most}"


def shown(value: object) -> str:
    """A value in a message, of limited length."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        bits = value.bit_length()
        return str(value) if bits <= 128 else f"an integer of {bits} bits"
    if isinstance(value, str):
        return repr(value[:40])
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, list | tuple):
        return "a list"
    return "an object" if isinstance(value, dict) else f"a {type(value).__name__[:40]}"


# Writing


class Sink:
    """Is told the fields of a value one by one.  Abstract: what raises here each form has itself.

    `leaves_out`: whether fields that have their default are left out.
    """

    __slots__ = ("leaves_out",)

    def __init__(self, leaves_out: bool) -> None:
        self.leaves_out = leaves_out

    def integer(self, name: str, value: int) -> None:
        raise NotImplementedError

    def optional(self, name: str, value: int | None) -> None:
        """An integer, or None."""
        raise NotImplementedError

    def flag(self, name: str, value: bool) -> None:
        raise NotImplementedError

    def choice(self, name: str, names: tuple[str, ...], chosen: int) -> None:
        """One of these names, by its place."""
        raise NotImplementedError

    def ids(self, name: str, ids: Iterable[int]) -> None:
        """Names of nodes, each once, in any order."""
        raise NotImplementedError

    def begin(self, name: str) -> None:
        """What follows are the fields of an object, up to its `end`."""

    def end(self) -> None:
        pass

    def begin_list(self, name: str, length: int, most: int) -> None:
        """What follows are items, up to the `end_list`: of each an `item`, its fields, an `end`.

        `length` is the number of what they stand for, and may not be beyond `most`.
        """
        if length > most:
            raise CodecError(name, f"a list of {length}", f"at most {most}")

    def item(self, kind: int = 0) -> None:
        """`kind`: of an entry, its place in `ENTRIES`."""
        raise NotImplementedError

    def end_list(self) -> None:
        raise NotImplementedError


def ascending(name: str, ids: Iterable[int]) -> list[int]:
    """What a `Sink` writes of `ids`."""
    found = sorted(ids)
    if len(found) > MAX_ITEMS:
        raise CodecError(name, f"a list of {len(found)}", f"at most {MAX_ITEMS}")
    if found and not 0 <= found[0] <= found[-1] <= MAX_INTEGER:
        raise CodecError(name, f"{shown(found[0])} to {shown(found[-1])}", between(0, MAX_INTEGER))
    return found


# Reading


class Source:
    """Is asked for the fields of a value one by one.  Abstract, as `Sink` is.

    Each method raises `CodecError` where something else is there.
    """

    __slots__ = ()

    def lacks(self, name: str) -> bool:
        """Whether this field was left out, as it may be."""
        raise NotImplementedError

    def integer(self, name: str, least: int = 0, most: int = MAX_INTEGER) -> int:
        raise NotImplementedError

    def optional(self, name: str, least: int = 0, most: int = MAX_INTEGER) -> int | None:
        """An integer, or None."""
        raise NotImplementedError

    def flag(self, name: str) -> bool:
        raise NotImplementedError

    def choice(self, name: str, names: tuple[str, ...]) -> int:
        """The place of one of these names."""
        raise NotImplementedError

    def ids(self, name: str) -> list[int]:
        """Names of nodes, in ascending order, each once."""
        raise NotImplementedError

    def begin(self, name: str) -> None:
        """What follows are the fields of an object, up to its `end`."""

    def end(self) -> None:
        """The object has no other fields than those that were asked for."""

    def begin_list(self, name: str) -> None:
        """What follows are items, up to the `end_list`: of each an `item` or `entry`, its fields,
        and an `end`.
        """

    def item(self) -> bool:
        """Whether there is one more item; then it begins."""
        raise NotImplementedError

    def entry(self) -> int:
        """The same of an entry: its place in `ENTRIES`, counted from 1; 0 where there is none."""
        raise NotImplementedError

    def end_list(self) -> None:
        pass

    def error(self, name: str, problem: str, expected: str) -> CodecError:
        """To be raised for the field that was read last, or for what has it where `name` is ""."""
        raise NotImplementedError
