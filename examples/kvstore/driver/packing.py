"""Values as bytes, and back: msgspec's MessagePack, and in it what the library's codec writes.

What is read may come from anybody: whatever is not of the expected form is refused, and nothing is
made that is larger than the bytes it was read from.  Kinds are told apart by the names of their
classes, and fields by their order; a new field comes last, and has a default.
"""

from __future__ import annotations

from struct import Struct
from typing import Annotated, Any, Final, TypeAlias, TypeVar

import msgspec
from msgspec.msgpack import Decoder, Encoder

from raftbare import AppendEntriesCall, LogPosition, Message, codec
from raftbare.message import Headed

T = TypeVar("T")

NUMBER: Final = Struct(">Q")
LENGTH: Final = Struct(">I")

MOST: Final = 2**63 - 1
"""The largest number that is read: SQLite takes no larger one.  Nobody counts up to it, and a
server that was sent a larger term could not save it."""

NATURAL: Final = msgspec.Meta(ge=0, le=MOST)
Natural: TypeAlias = Annotated[int, NATURAL]

UnreadableError = msgspec.DecodeError
"""Bytes that are not of the expected form."""


class Packed(msgspec.Struct, frozen=True, array_like=True, tag=True, forbid_unknown_fields=True):
    """What is packed: numbers are `Natural`."""


def decoder(kind: Any) -> Decoder[Any]:
    """Its `decode` reads what `pack` has made of this kind, or one of this union of kinds.

    Raises `UnreadableError`.  O(size).
    """
    return Decoder(kind, dec_hook=_read)


def _write(value: Any) -> bytes:
    if isinstance(value, Message):
        return codec.MESSAGE.encode(value)
    if isinstance(value, LogPosition):
        return codec.POSITION.encode(value)
    return codec.CONFIG.encode(value)


def _read(kind: type, data: bytes) -> Any:
    if issubclass(kind, Headed):
        message = codec.MESSAGE.decode(data)
        numbers = [message.sender, message.term]
        if isinstance(message, AppendEntriesCall):
            numbers += message.entries.last_position.term, message.entries.last_position.index
        return _checked(message, numbers)
    if kind is LogPosition:
        position = codec.POSITION.decode(data)
        return _checked(position, [position.term, position.index])
    return codec.CONFIG.decode(data)


def _checked(value: T, numbers: list[int]) -> T:
    if max(numbers) > MOST:
        raise ValueError(f"the number {max(numbers)}: {MOST} is the largest")
    return value


pack: Final = Encoder(enc_hook=_write).encode
"""Any value of a `Packed` class as bytes.  O(size)."""
