"""A mutant: the library with one bug that an implementation of Raft had, or is likely to have.

A harness is worth what it catches, so each of these has to die: by comparison with the
specification, by the properties, or both.  No check knows of any mutant.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType

from conformance.subjects.patched import Patch, patched_library


@dataclass(frozen=True, slots=True)
class Mutant:
    """`what` is wrong with it, in a sentence without a full stop.

    `breaks`: the property of the specification that it breaks, the earliest in the chain of harm,
    or "Specified" for one that breaks none and still does what no rule allows.
    `source`: where such a bug is on record, or the place in the paper that it goes against.
    """

    name: str
    what: str
    breaks: str
    source: str
    patches: tuple[Patch, ...]

    @contextmanager
    def planted(self) -> Iterator[ModuleType]:
        """The library with the bug, under a name of its own."""
        with patched_library(*self.patches) as broken:
            yield broken
