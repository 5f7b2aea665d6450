"""Stand-ins for what the code of a step does not read, which fail if it does.

The rules of the specification are run as they are, on a server that is one case of a few.  What the
case says nothing of is there all the same: a vote is passed on, a log grows.  A stand-in takes the
place of such a value.  If the code asked it something, the run would prove the one answer that it
gave, so it gives none: the run ends with `UnreadError`, and nothing is proved.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NoReturn

from spec import values as v


class UnreadError(AssertionError):
    """Code has read what the shape of its step says that it does not read."""


class Unread:
    """What a step passes on and does not look into; `value` is what it is to z3.

    Whatever is asked of it raises, but what a subclass answers.  Its attributes are in `__dict__`,
    for setting one is asking, too.
    """

    def __init__(self, what: str, value: Any = None) -> None:
        self.__dict__.update(what=what, value=value)

    def _refuse(self, *_: object) -> NoReturn:
        raise UnreadError(f"{self.what} was read")

    __eq__ = __lt__ = __len__ = __iter__ = __getitem__ = __bool__ = __add__ = _refuse
    __hash__ = _refuse

    def __getattr__(self, name: str) -> NoReturn:
        raise UnreadError(f"{self.what}.{name} was read")


class LastOnly(Unread):
    """A log of any length, of which the code reads where it ends, and its configuration."""

    def __init__(self, last_position: v.Position, config: v.Config, config_index: Any) -> None:
        self.__dict__.update(
            what="a log",
            value=None,
            last_position=last_position,
            last_index=last_position.index,
            config=config,
            config_index=config_index,
        )


class Head(tuple[v.Entry, ...]):
    """Entries that are known, and after them others that are not: only a slice is to be had."""

    def __len__(self) -> int:
        raise UnreadError("the length of a log on the disk was read")


class Tail(Unread):
    """The entries of a log after some index, of which nothing is known but where they end."""

    def __init__(self, last_index: Any) -> None:
        self.__dict__.update(what="entries", value=None, last_index=last_index)

    def __getitem__(self, *key: object) -> Any:
        return () if key == (slice(None, 0),) else self._refuse()


class OneEntry(Unread):
    """A log of any length, of which the code reads the entry at one index, and where it ends.

    What the code asks of a log is answered by the specification's own functions.
    """

    term, contains, compacted = v.Log.term, v.Log.contains, v.Log.compacted

    def __init__(self, snapshot: v.Position, last_index: Any, index: Any, entry: v.Entry) -> None:
        self.__dict__.update(
            what="a log",
            value=None,
            snapshot_position=snapshot,
            last_index=last_index,
            entries=Tail(last_index),
            config_index=snapshot.index,
            _index=index,
            _entry=entry,
        )

    def entry(self, index: Any) -> Any:
        return self._entry if self._is_known(index) else self._refuse()

    def after(self, index: Any) -> Any:
        return self.entries if self._is_known(index) else self._refuse()

    def _is_known(self, index: Any) -> bool:
        """Whether it is that very number: to ask whether it is equal would be a decision, which
        the path would then have two ways of.
        """
        return index is self._index


@dataclass(frozen=True, slots=True)
class Token:
    """What an entry holds, of which nothing is known: only the same token is the same entry."""

    entry: Any
    name: str

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Token) and self.name == other.name

    def __hash__(self) -> int:
        return hash(self.name)
