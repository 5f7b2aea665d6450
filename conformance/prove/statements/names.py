"""Names of nodes, which code may compare and pass on, and no more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, Final


class AskedError(AssertionError):
    """Code has asked of a node, or of several, what it may not ask of those that stand for all."""


class Name(int):
    """The name of a node: an `int`, whose order, sums and truth are refused while it is `opaque`.

    So it does not matter which number it is.
    """

    opaque: ClassVar[bool] = False

    __eq__, __hash__ = int.__eq__, int.__hash__


def _guarded(name: str) -> Any:
    plain = getattr(int, name)

    def asked(self: Name, *args: Any) -> Any:
        if Name.opaque:
            raise AskedError(f"node {self!r} was asked for more than whether it is the same")
        return plain(self, *args)

    return asked


REFUSED: Final = (
    *("__lt__", "__le__", "__gt__", "__ge__", "__bool__", "__index__"),
    *("__add__", "__radd__", "__sub__", "__rsub__", "__mul__", "__mod__", "__neg__"),
)
for _name in REFUSED:
    setattr(Name, _name, _guarded(_name))


@contextmanager
def opaque_names() -> Iterator[None]:
    was, Name.opaque = Name.opaque, True
    try:
        yield
    finally:
        Name.opaque = was
