"""That the code of a step treats alike what stands for all: three names, and what is known of each.

While it runs, a name can be compared for equality and passed on; and the names of peers, or what a
leader knows of them, can be gone through one by one, each for itself.  To count them, to take one
by its place, or to put them into an order, would say something of how many there are.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any, ClassVar, Final, NoReturn

from conformance.prove.statements.names import AskedError, Name, opaque_names
from conformance.subjects.patched import modules_of
from spec import cluster, log, pending, values
from spec.cluster import Rule
from spec.values import Progress


class Peers(tuple[Any, ...]):
    """Peers, or what a leader knows of them: to be gone through, and to be asked for this one."""

    __slots__ = ()

    are_some: ClassVar[Callable[[], bool]]
    """Decides whether there are any: the only voter has none."""

    def _refuse(self, *_: object) -> NoReturn:
        raise AskedError("peers were counted, or one was chosen by its place")

    __len__ = __getitem__ = __add__ = __mul__ = __lt__ = __gt__ = __le__ = __ge__ = _refuse

    def __bool__(self) -> bool:
        return Peers.are_some()


def stands_for_many(of: Iterable[Any]) -> bool:
    return any(isinstance(one, (Name, Progress)) for one in of)


def _tuple(of: Iterable[Any] = ()) -> tuple[Any, ...]:
    listed = list(of)
    known = any(isinstance(one, Progress) for one in listed)
    return Peers(listed) if known or isinstance(of, Names) else tuple(listed)


class Names(list[Any]):
    """Those of all peers, in an order that is not to be seen."""


def _sorted(of: Iterable[Any], **how: Any) -> list[Any]:
    """Names stay as they are, and so do messages, which are ordered by their receivers."""
    listed = list(of)
    if any(isinstance(one, values.SendMessage) for one in listed):
        return listed
    if stands_for_many(listed):
        return Names(listed)
    return sorted(listed, **how)


def _counts(name: str) -> Callable[..., Any]:
    plain = getattr(builtins, name)

    def asked(*args: Any, **how: Any) -> Any:
        of = args[0] if len(args) == 1 else args
        if isinstance(of, (tuple, list, set, frozenset)) and stands_for_many(iter(of)):
            raise AskedError(f"{name}() of peers")
        return plain(*args, **how)

    return asked


SHADOWED: Final[dict[str, Callable[..., Any]]] = {
    "tuple": _tuple,
    "sorted": _sorted,
    **{name: _counts(name) for name in ("len", "min", "max", "enumerate", "zip", "range", "sum")},
}


@contextmanager
def standing_for_all(rule: Rule, are_some: Callable[[], bool]) -> Iterator[None]:
    """While the code of a step runs, names are opaque, and peers are not to be counted; whether
    there are any, `are_some` decides.
    """
    modules: list[ModuleType] = [*modules_of(rule), values, log, pending, cluster]
    spaces = [vars(module) for module in modules]
    for space in spaces:
        space.update(SHADOWED)
    Peers.are_some = staticmethod(are_some)
    try:
        with opaque_names():
            yield
    finally:
        for space in spaces:
            for name in SHADOWED:
                del space[name]
