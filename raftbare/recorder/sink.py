"""Values as text of JSON, field by field: a recorder has no use for the dictionaries between."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar, final

from raftbare.codec.forms import MAX_INTEGER, CodecError, Sink, ascending, between, shown

T = TypeVar("T")


@final
class TextSink(Sink):
    """`parts`, one after the other, are the text so far."""

    __slots__ = ("_comma", "parts")

    def __init__(self) -> None:
        super().__init__(True)
        self.parts: list[str] = []
        self._comma = ""  # what comes before the next field or item

    def integer(self, name: str, value: int) -> None:
        self.parts.append(f'{self._comma}"{name}":{integer_text(name, value)}')
        self._comma = ","

    def optional(self, name: str, value: int | None) -> None:
        self.parts.append(f'{self._comma}"{name}":{optional_text(name, value)}')
        self._comma = ","

    def flag(self, name: str, value: bool) -> None:
        self.parts.append(f'{self._comma}"{name}":{"true" if value else "false"}')
        self._comma = ","

    def choice(self, name: str, names: tuple[str, ...], chosen: int) -> None:
        self.parts.append(f'{self._comma}"{name}":"{names[chosen]}"')
        self._comma = ","

    def ids(self, name: str, ids: Iterable[int]) -> None:
        self.parts.append(f'{self._comma}"{name}":{ids_text(name, ids)}')
        self._comma = ","

    def begin(self, name: str) -> None:
        self.parts.append(f'{self._comma}"{name}":{{')
        self._comma = ""

    def end(self) -> None:
        self.parts.append("}")
        self._comma = ","

    def begin_list(self, name: str, length: int, most: int) -> None:
        super().begin_list(name, length, most)
        self.parts.append(f'{self._comma}"{name}":[')
        self._comma = ""

    def item(self, kind: int = 0) -> None:
        self.parts.append(self._comma + "{")
        self._comma = ""

    def end_list(self) -> None:
        self.parts.append("]")
        self._comma = ","


# Each raises `CodecError` for what no trace can say


def integer_text(name: str, value: int) -> str:
    if not 0 <= value <= MAX_INTEGER:
        raise CodecError(name, shown(value), between(0, MAX_INTEGER))
    return str(value)


def optional_text(name: str, value: int | None) -> str:
    return "null" if value is None else integer_text(name, value)


def ids_text(name: str, ids: Iterable[int]) -> str:
    return f"[{','.join([str(one) for one in ascending(name, ids)])}]"


def fields_text(write: Callable[[Sink, T], None], value: T) -> str:
    """What a function of `raftbare.codec.vocabulary` writes."""
    sink = TextSink()
    write(sink, value)
    return "".join(sink.parts)


def object_text(write: Callable[[Sink, T], None], value: T) -> str:
    return f"{{{fields_text(write, value)}}}"
