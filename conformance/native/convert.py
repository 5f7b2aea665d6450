"""Values of the specification as those of its compiled copy, and back."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import fields, is_dataclass
from types import ModuleType
from typing import Any, Final, TypeAlias

from spec.sequence import Sequence

Convert: TypeAlias = Callable[[Any], Any]

SHARED: Final = (int, str, type(None), frozenset)
"""What is of the same type in both; sets hold numbers alone."""


def converters(modules: Iterable[tuple[ModuleType, Any]]) -> tuple[Convert, Convert]:
    """Ways there and back between the values of modules and those of their copies.

    A conversion costs what the value holds.  Equal entries, of which a log may have many, become
    one object.
    """
    there: dict[type, tuple[type, tuple[str, ...]]] = {}
    for ours, theirs in modules:
        for name, found in vars(ours).items():
            if isinstance(found, type) and found.__module__ == ours.__name__:
                if is_dataclass(found):
                    there[found] = getattr(theirs, name), tuple(one.name for one in fields(found))
                elif hasattr(found, "_fields"):
                    there[found] = getattr(theirs, name), found._fields
                elif found is Sequence:
                    there[found] = theirs.Sequence, ()
    back = {theirs: (ours, parts) for ours, (theirs, parts) in there.items()}
    return _one_way(there, Sequence), _one_way(back, there[Sequence][0])


def _one_way(classes: dict[type, tuple[type, tuple[str, ...]]], sequence: type) -> Convert:
    def convert(value: Any, entries: dict[Any, Any]) -> Any:
        kind = type(value)
        if kind is sequence:
            for one in set(value) - entries.keys():
                entries[one] = convert(one, entries)
            return classes[kind][0](map(entries.__getitem__, value))
        if kind in classes:
            made, parts = classes[kind]
            return made(*[convert(getattr(value, part), entries) for part in parts])
        if kind is tuple:
            return tuple([convert(item, entries) for item in value])
        if not isinstance(value, SHARED):
            raise TypeError(f"no value of the specification: {kind}")
        return value

    return lambda value: convert(value, {})
