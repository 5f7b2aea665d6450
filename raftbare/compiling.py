"""What mypyc is told besides types; uncompiled it is nothing.

`acyclic`: an object is in no cycle of references, so the collector need not know of it.
`free_list_len=1`: the memory of the one that was freed last is kept for the next.  Both are for
what is made at every step of the protocol, and together are worth a tenth of a round.

The other way round, `sealed` and `constant` are for the pure build, which does not know `Final`.
"""

from __future__ import annotations

from types import FunctionType
from typing import NoReturn, TypeVar

T = TypeVar("T")

try:
    from mypy_extensions import mypyc_attr as mypyc_attr
except ImportError:

    def mypyc_attr(*names, **attributes):  # type: ignore[misc, no-untyped-def]
        return lambda kind: kind


def sealed(kind: type) -> None:
    """A field of this class that has been set stays as it is, as a `Final` one does when compiled.

    To make one takes half a microsecond longer: not for what is made at every step.
    """
    if isinstance(kind.__init__, FunctionType):  # type: ignore[misc]
        kind.__setattr__ = _set_once  # type: ignore[assignment, method-assign]
        kind.__delattr__ = _keep  # type: ignore[assignment, method-assign]


def constant(value: T) -> T:
    """The same for this one object alone, which all nodes share."""
    kind = type(value)
    if isinstance(kind.__init__, FunctionType):
        own = type(kind.__name__, (kind,), {"__slots__": (), "__module__": kind.__module__})
        sealed(own)
        value.__class__ = own
    return value


def _set_once(self: object, name: str, value: object) -> None:
    if hasattr(self, name):
        _keep(self, name)
    object.__setattr__(self, name, value)


def _keep(self: object, name: str) -> NoReturn:
    raise AttributeError(f"attribute {name!r} of {type(self).__name__!r} objects is not writable")
