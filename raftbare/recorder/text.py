"""Values as text of JSON, written at once: a recorder has no use for the dictionaries between."""

from __future__ import annotations

from collections.abc import Iterable
from typing import final

from raftbare.codec.forms import MAX_INTEGER, CodecError, Sink, ascending, between, shown


@final
class TextSink(Sink):
    """`parts`, one after the other, are the text so far; `raw` adds any to it."""

    __slots__ = ("_comma", "parts")

    def __init__(self) -> None:
        super().__init__(True)
        self.parts: list[str] = []
        self._comma = ""  # what comes before the next field or item

    def raw(self, text: str, comma: bool = False) -> None:
        """Text of any kind; `comma`: what follows is one more of the fields or items before it."""
        self.parts.append(text)
        self._comma = "," if comma else ""

    def one(self, item: str) -> None:
        """An item of a list, or a field, that is text already."""
        self.parts.append(self._comma + item)
        self._comma = ","

    def integer(self, name: str, value: int) -> None:
        if not 0 <= value <= MAX_INTEGER:
            raise CodecError(name, shown(value), between(0, MAX_INTEGER))
        self.parts.append(f'{self._comma}"{name}":{value}')
        self._comma = ","

    def optional(self, name: str, value: int | None) -> None:
        if value is None:
            self.parts.append(f'{self._comma}"{name}":null')
            self._comma = ","
        else:
            self.integer(name, value)

    def flag(self, name: str, value: bool) -> None:
        self.parts.append(f'{self._comma}"{name}":{"true" if value else "false"}')
        self._comma = ","

    def choice(self, name: str, names: tuple[str, ...], chosen: int) -> None:
        self.parts.append(f'{self._comma}"{name}":"{names[chosen]}"')
        self._comma = ","

    def ids(self, name: str, ids: Iterable[int]) -> None:
        listed = ",".join([str(one) for one in ascending(name, ids)])
        self.parts.append(f'{self._comma}"{name}":[{listed}]')
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
