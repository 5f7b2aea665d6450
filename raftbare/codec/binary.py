"""Values as bytes; the docstring of `raftbare.codec` describes them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import final

from raftbare.codec.forms import (
    ENTRIES,
    MAX_INTEGER,
    MAX_ITEMS,
    CodecError,
    Sink,
    Source,
    ascending,
    between,
    shown,
)


@final
class BytesSink(Sink):
    """`made`: the bytes so far."""

    __slots__ = ("made",)

    def __init__(self, header: int) -> None:
        super().__init__(False)
        self.made = [header]

    def integer(self, name: str, value: int) -> None:
        if 0 <= value < 128:
            self.made.append(value)
            return
        if not 0 <= value <= MAX_INTEGER:
            raise CodecError(name, shown(value), between(0, MAX_INTEGER))
        while value >= 128:
            self.made.append(value & 127 | 128)
            value >>= 7
        self.made.append(value)

    def flag(self, name: str, value: bool) -> None:
        self.made.append(1 if value else 0)

    def choice(self, name: str, names: tuple[str, ...], chosen: int) -> None:
        self.made.append(chosen)

    def optional(self, name: str, value: int | None) -> None:
        if value is None:
            self.made.append(0)
        else:
            self.made.append(1)
            self.integer(name, value)

    def ids(self, name: str, ids: Iterable[int]) -> None:
        found = ascending(name, ids)
        self.integer(name, len(found))
        for one in found:
            self.integer(name, one)

    def item(self, kind: int = 0) -> None:
        self.made.append(kind + 1)

    def end_list(self) -> None:
        self.made.append(0)


@final
class BytesSource(Source):
    """Reads the bytes that it is given, from its second one on."""

    __slots__ = ("_at", "_began", "_data", "_end", "_entry")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._end = len(data)
        self._began = 0  # where the field that was read last begins
        self._at = 1
        self._entry = 0  # the kind of the item that was read last

    def lacks(self, name: str) -> bool:
        return False

    def integer(self, name: str, least: int = 0, most: int = MAX_INTEGER) -> int:
        data, at = self._data, self._at
        self._began = at
        try:
            value = data[at]
            at += 1
            if value >= 128:
                value, shift, more = value & 127, 7, 128
                while more >= 128 and shift < 70:
                    more = data[at]
                    at += 1
                    value |= (more & 127) << shift
                    shift += 7
                if more == 0 or more >= 128:
                    raise self.error(name, "more bytes than it takes", between(least, most))
        except IndexError:
            raise self._too_short(name) from None
        self._at = at
        if least <= value <= most:
            return value
        raise self.error(name, shown(value), between(least, most))

    def flag(self, name: str) -> bool:
        return self._below(name, 2) == 1

    def choice(self, name: str, names: tuple[str, ...]) -> int:
        return self._below(name, len(names))

    def optional(self, name: str, least: int = 0, most: int = MAX_INTEGER) -> int | None:
        return self.integer(name, least, most) if self.flag(name) else None

    def ids(self, name: str) -> list[int]:
        length = self.integer(name, 0, MAX_ITEMS)
        if length > self._end - self._at:
            left = f"as many as bytes that are left, {self._end - self._at}"
            raise self.error(name, f"a list of {length}", left)
        ids: list[int] = []
        last = -1
        while len(ids) < length:
            last = self.integer(name, last + 1)
            ids.append(last)
        return ids

    def item(self) -> bool:
        return self._below("item", 2) == 1

    def entry(self) -> int:
        kind = self._below("entry", len(ENTRIES) + 1)
        if kind == 1 and self._entry == 1:
            raise self.error("entry", "a run of commands after another", "one for both")
        self._entry = kind
        return kind

    def finish(self) -> None:
        """Refuse what comes after the value."""
        if self._at < self._end:
            self._began = self._at
            raise self.error("", f"{self._end - self._at} bytes after the value", "the end")

    def error(self, name: str, problem: str, expected: str) -> CodecError:
        where = f"byte {self._began}"
        return CodecError(f"{where} ({name})" if name else where, problem, expected)

    def _too_short(self, name: str) -> CodecError:
        self._began = self._end
        return self.error(name, "the end of the bytes", "another byte")

    def _below(self, name: str, limit: int) -> int:
        at = self._at
        if at == self._end:
            raise self._too_short(name)
        self._began, self._at = at, at + 1
        value = self._data[at]
        if value < limit:
            return value
        raise self.error(name, str(value), between(0, limit - 1))
