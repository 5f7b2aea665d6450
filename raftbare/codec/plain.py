"""Values as JSON has them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import final

from raftbare.codec.forms import (
    ENTRIES,
    MAX_ENTRIES,
    MAX_INTEGER,
    MAX_ITEMS,
    CodecError,
    Plain,
    Sink,
    Source,
    ascending,
    between,
    shown,
)


@final
class PlainSink(Sink):
    """`made`: the object that is being written."""

    __slots__ = ("_lists", "_outer", "made")

    def __init__(self) -> None:
        super().__init__(True)
        self.made: Plain = {}
        self._outer: list[Plain] = []
        self._lists: list[list[Plain]] = []

    def integer(self, name: str, value: int) -> None:
        if not 0 <= value <= MAX_INTEGER:
            raise CodecError(name, shown(value), between(0, MAX_INTEGER))
        self.made[name] = value

    def flag(self, name: str, value: bool) -> None:
        self.made[name] = value

    def choice(self, name: str, names: tuple[str, ...], chosen: int) -> None:
        self.made[name] = names[chosen]

    def optional(self, name: str, value: int | None) -> None:
        if value is None:
            self.made[name] = None
        else:
            self.integer(name, value)

    def ids(self, name: str, ids: Iterable[int]) -> None:
        self.made[name] = ascending(name, ids)

    def begin(self, name: str) -> None:
        inner: Plain = {}
        self.made[name] = inner
        self._outer.append(self.made)
        self.made = inner

    def end(self) -> None:
        self.made = self._outer.pop()

    def begin_list(self, name: str, length: int, most: int) -> None:
        super().begin_list(name, length, most)
        items: list[Plain] = []
        self.made[name] = items
        self._lists.append(items)

    def item(self, kind: int = 0) -> None:
        inner: Plain = {}
        self._lists[-1].append(inner)
        self._outer.append(self.made)
        self.made = inner

    def end_list(self) -> None:
        self._lists.pop()


@final
class PlainSource(Source):
    """Reads the object that it is given, whose fields may be in any order."""

    __slots__ = ("_at", "_fields", "_lists", "_outer", "_path")

    def __init__(self, name: str, value: object) -> None:
        self._path: list[str | int] = [name]
        self._lists: list[list[object]] = []
        self._at: list[int] = []  # of each list, how many items were begun
        self._outer: list[dict[object, object]] = []
        self._fields: dict[object, object] = {}  # those that were not asked for yet
        self._open(value)

    def lacks(self, name: str) -> bool:
        return name not in self._fields

    def integer(self, name: str, least: int = 0, most: int = MAX_INTEGER) -> int:
        return self._integer(name, self._take(name), least, most)

    def flag(self, name: str) -> bool:
        value = self._take(name)
        if isinstance(value, bool):
            return value
        raise self.error(name, shown(value), "true or false")

    def choice(self, name: str, names: tuple[str, ...]) -> int:
        value = self._take(name)
        if isinstance(value, str) and value in names:
            return names.index(value)
        raise self.error(name, shown(value), f"one of {', '.join(names)}")

    def optional(self, name: str, least: int = 0, most: int = MAX_INTEGER) -> int | None:
        value = self._take(name)
        return None if value is None else self._integer(name, value, least, most)

    def ids(self, name: str) -> list[int]:
        ids: list[int] = []
        last = -1
        for value in self._list(name, MAX_ITEMS):
            last = self._integer(name, value, last + 1, MAX_INTEGER)
            ids.append(last)
        return ids

    def begin(self, name: str) -> None:
        value = self._take(name)
        self._path.append(name)
        self._open(value)

    def end(self) -> None:
        for name in self._fields:
            raise self.error("", f"an unknown field, {shown(name)}", "no other fields")
        self._fields = self._outer.pop()
        self._path.pop()

    def begin_list(self, name: str) -> None:
        items = self._list(name, MAX_ENTRIES)
        self._path.append(name)
        self._lists.append(items)
        self._at.append(0)

    def item(self) -> bool:
        items, at = self._lists[-1], self._at[-1]
        if at == len(items):
            return False
        self._at[-1] = at + 1
        self._path.append(at)
        self._open(items[at])
        return True

    def entry(self) -> int:
        items, at = self._lists[-1], self._at[-1]
        if at < len(items) and items[at] == "command":
            items[at] = {"commands": 1}  # for which the trace format has this short form
        if not self.item():
            return 0
        for place, name in enumerate(ENTRIES):
            if name in self._fields:
                return place + 1
        raise self.error("", "an entry of no kind", f"one of {', '.join(ENTRIES)}")

    def end_list(self) -> None:
        self._lists.pop()
        self._at.pop()
        self._path.pop()

    def error(self, name: str, problem: str, expected: str) -> CodecError:
        path = [*self._path, name] if name else self._path
        parts = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in path]
        return CodecError("".join(parts)[1:], problem, expected)

    def _take(self, name: str) -> object:
        if name not in self._fields:
            raise self.error("", f"no {name!r}", "that field")
        return self._fields.pop(name)

    def _integer(self, name: str, value: object, least: int, most: int) -> int:
        # Not `isinstance`: true and false are no integers here.
        if type(value) is int and least <= value <= most:
            return value
        raise self.error(name, shown(value), between(least, most))

    def _list(self, name: str, most: int) -> list[object]:
        value = self._take(name)
        if not isinstance(value, list | tuple):
            raise self.error(name, shown(value), "a list")
        if len(value) > most:
            raise self.error(name, f"a list of {len(value)}", f"at most {most}")
        return list(value)

    def _open(self, value: object) -> None:
        if not isinstance(value, dict):
            raise self.error("", shown(value), "an object")
        self._outer.append(self._fields)
        self._fields = dict(value)
