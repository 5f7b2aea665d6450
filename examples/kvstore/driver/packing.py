"""Dataclasses as bytes, and back.

What is read may come from anybody: whatever `pack` does not write is refused, and nothing is made
that is larger than the bytes it was read from.  The kinds are told apart by their place in the
list, so a list may grow at its end only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from struct import Struct
from typing import Any, Final, Generic, TypeVar, get_args, get_origin, get_type_hints

from raftbare import AppendEntriesCall, ClusterConfig, LogPosition, Message, codec

T = TypeVar("T")

NUMBER = Struct(">Q")
LENGTH = Struct(">I")

MOST: Final = 2**63 - 1
"""The largest number that is read: SQLite takes no larger one.  Nobody counts up to it, and a
server that was sent a larger term could not save it."""

Write = Callable[[Any], bytes]
Read = Callable[["_Source"], Any]


class UnreadableError(ValueError):
    """Bytes that `Packing.pack` does not write."""


class Packing(Generic[T]):
    """Packs values of some dataclasses: a byte for the kind, and the fields in their order.

    Fields are `int` from 0 to `MOST`, `bool`, `str`, `bytes`, what `raftbare.codec` encodes,
    dataclasses of such fields, and tuples of any length of one of these.
    """

    def __init__(self, *kinds: type[T]) -> None:
        self._forms = [_form(kind) for kind in kinds]
        self._numbers = {kind: number for number, kind in enumerate(kinds)}

    def pack(self, value: T) -> bytes:
        """O(size).  Raises `KeyError` for another kind, `struct.error` for a number too large."""
        number = self._numbers[type(value)]
        return bytes((number,)) + self._forms[number][0](value)

    def unpack(self, data: bytes) -> T:
        """The value that was packed so.  O(size).  Raises `UnreadableError` for any other bytes."""
        if not data or data[0] >= len(self._forms):
            raise UnreadableError(
                f"kind {data[0] if data else 'missing'}: one of {len(self._forms)}"
            )
        source = _Source(data)
        value: T = self._forms[data[0]][1](source)
        if source.at != len(data):
            raise UnreadableError(f"{len(data) - source.at} bytes after the end")
        return value


class _Source:
    """Bytes that are read from the front, the first one left out."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 1

    def take(self, length: int) -> bytes:
        end = self.at + length
        if end > len(self.data):
            raise UnreadableError(
                f"{len(self.data) - self.at} bytes left where {length} were expected"
            )
        taken = self.data[self.at : end]
        self.at = end
        return taken

    def sized(self) -> bytes:
        return self.take(LENGTH.unpack(self.take(4))[0])


def _form(kind: Any) -> tuple[Write, Read]:
    """How values of this type are written and read."""
    kind = getattr(kind, "__supertype__", kind)  # of a NewType
    if kind in _SIMPLE:
        return _SIMPLE[kind]
    if get_origin(kind) is tuple:
        return _tuple_form(get_args(kind)[0])
    if is_dataclass(kind):
        return _record_form(kind)
    raise TypeError(f"{kind!r} cannot be packed")


def _sized(data: bytes) -> bytes:
    return LENGTH.pack(len(data)) + data


def _record_form(kind: Any) -> tuple[Write, Read]:
    hints = get_type_hints(kind)
    names = [field.name for field in fields(kind)]
    writes, reads = zip(*[_form(hints[name]) for name in names], strict=True) if names else ((), ())
    pairs = list(zip(names, writes, strict=True))

    def write(value: Any) -> bytes:
        return b"".join([one(getattr(value, name)) for name, one in pairs])

    def read(source: _Source) -> Any:
        return kind(*[one(source) for one in reads])

    return write, read


def _tuple_form(item: Any) -> tuple[Write, Read]:
    write_item, read_item = _form(item)

    def write(values: Any) -> bytes:
        return LENGTH.pack(len(values)) + b"".join([write_item(value) for value in values])

    def read(source: _Source) -> Any:
        count = LENGTH.unpack(source.take(4))[0]
        return tuple([read_item(source) for _ in range(count)])  # ends where the bytes do

    return write, read


def _read_bool(source: _Source) -> bool:
    value = source.take(1)[0]
    if value > 1:
        raise UnreadableError(f"{value} where 0 or 1 was expected")
    return value == 1


def _read_text(source: _Source) -> str:
    try:
        return source.sized().decode()
    except UnicodeDecodeError as error:
        raise UnreadableError(f"text that is not UTF-8: {error.reason}") from None


def _of_codec(
    of: codec.Codec[T], numbers: Callable[[T], tuple[int, ...]] = lambda _: ()
) -> tuple[Write, Read]:
    """`numbers`: those of a value that a disk has to take."""

    def read(source: _Source) -> T:
        try:
            value = of.decode(source.sized())
        except codec.CodecError as error:
            raise UnreadableError(str(error)) from None
        for number in numbers(value):
            _check(number)
        return value

    return lambda value: _sized(of.encode(value)), read


def _check(number: int) -> int:
    if number > MOST:
        raise UnreadableError(f"the number {number}: {MOST} is the largest")
    return number


def _numbers_of(message: Message) -> tuple[int, ...]:
    numbers = message.sender, message.term
    if not isinstance(message, AppendEntriesCall):
        return numbers
    last = message.entries.last_position
    return *numbers, last.term, last.index


_SIMPLE: dict[Any, tuple[Write, Read]] = {
    int: (NUMBER.pack, lambda source: _check(NUMBER.unpack(source.take(8))[0])),
    bool: (lambda value: b"\1" if value else b"\0", _read_bool),
    bytes: (_sized, _Source.sized),
    str: (lambda value: _sized(value.encode()), _read_text),
    Message: _of_codec(codec.MESSAGE, _numbers_of),
    LogPosition: _of_codec(codec.POSITION, lambda position: (position.term, position.index)),
    ClusterConfig: _of_codec(codec.CONFIG),
}
