"""What `--only` selects."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Protocol, TypeVar


class Named(Protocol):
    @property
    def name(self) -> str: ...


T = TypeVar("T", bound=Named)


class SelectionError(ValueError):
    """Nothing has such a name."""


def selected(
    every: Sequence[T],
    only: str | None,
    expected: str = "part of a name",
    listed: Callable[[Iterable[str]], Iterable[str]] = iter,
) -> list[T]:
    """Those of which `only` is part of the name, or that fit it as a pattern; None: all.

    A whole name is that one alone.  Raises SelectionError, with the names as `listed`, where there
    is none.
    """
    if only is None:
        return list(every)
    exact = [one for one in every if one.name == only]
    found = exact or [one for one in every if only in one.name or fnmatchcase(one.name, only)]
    if not found:
        there = ", ".join(listed(one.name for one in every)) or "none"
        raise SelectionError(f"--only {only}: expected {expected}; there are {there}")
    return found
