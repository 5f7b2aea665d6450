"""Which functions are called, told on the first call of each, and at no cost after that.

A tracing or profiling function of Python is told of every call, and would double the time of a
proof.  Here each function has a code for its first call, which says so and gives way to its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property
from importlib import import_module
from inspect import unwrap
from types import CodeType, FunctionType
from typing import Any, Final

_WHO: Final = "whom the first call is for"


def _first_call(*args: Any, **kwargs: Any) -> Any:
    who: Any = "whom the first call is for"
    return who(*args, **kwargs)


class Calls:
    """The functions named `module:qualified name`, which are imported for it.

    `always`: those that cannot be asked, and so count as called: closures, and what a decorator
    has put out of reach.
    """

    def __init__(self, units: Iterable[str]) -> None:
        self._functions: list[tuple[str, FunctionType]] = []
        self.always: set[str] = set()
        for unit in units:
            found = list(_functions(unit))
            self._functions += [(unit, function) for function in found]
            if not found:
                self.always.add(unit)

    @contextmanager
    def noted(self) -> Iterator[set[str]]:
        """Those that are called within."""
        called = set(self.always)
        codes = [(function, function.__code__) for _, function in self._functions]
        for unit, function in self._functions:
            function.__code__ = _for_first_call(unit, function, called)
        try:
            yield called
        finally:
            for function, code in codes:
                function.__code__ = code


def _for_first_call(unit: str, function: FunctionType, called: set[str]) -> CodeType:
    code = function.__code__

    def told(*args: Any, **kwargs: Any) -> Any:
        function.__code__ = code
        called.add(unit)
        return function(*args, **kwargs)

    template = _first_call.__code__
    consts: tuple[Any, ...] = tuple([told if one == _WHO else one for one in template.co_consts])
    return template.replace(co_consts=consts)


def _functions(unit: str) -> Iterator[FunctionType]:
    """What is called by that name: none, unless all of it can be asked."""
    module, _, qualified = unit.partition(":")
    found: Any = import_module(module)
    for part in qualified.split("."):
        found = vars(found).get(part)
        if found is None:
            return
    parts: list[Any]
    if isinstance(found, property):
        parts = [part for part in (found.fget, found.fset, found.fdel) if part is not None]
    elif isinstance(found, (classmethod, staticmethod)):
        parts = [found.__func__]
    elif isinstance(found, cached_property):
        parts = [found.func]
    else:
        parts = [found]
    parts = [unwrap(part) for part in parts]
    if all(
        isinstance(part, FunctionType)
        and (part.__module__, part.__code__.co_qualname) == (module, qualified)
        and not part.__code__.co_freevars
        for part in parts
    ):
        yield from parts
