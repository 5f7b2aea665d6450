"""A mutant: the library, the specification or both, with one rule changed.

The catalogue (`mutants.planted`) is of bugs that the checks have to find; `audit.decisions` are
mutants of the specification that explain what an audit found.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType

from conformance.subjects.patched import Patch, patched_library, patched_rule
from spec.cluster import Rule


@dataclass(frozen=True, slots=True)
class Mutant:
    """`what` is wrong with it, in a sentence without a full stop.

    `breaks`: the property of the specification that it breaks, the earliest in the chain of harm,
    or "Specified" for one that breaks none and still does what no rule allows.
    `source`: where such a bug is on record, or the place in the paper that it goes against.
    """

    name: str
    what: str
    breaks: str = ""
    source: str = ""
    in_library: tuple[Patch, ...] = ()
    in_spec: tuple[Patch, ...] = ()

    @contextmanager
    def planted(self) -> Iterator[ModuleType]:
        """The library with the bug, under a name of its own."""
        with patched_library(*self.in_library) as broken:
            yield broken

    def rule(self) -> Rule:
        """The specification's rule with the bug."""
        return patched_rule(*self.in_spec)


def one_patch(
    name: str, what: str, breaks: str, source: str, module: str, old: str, new: str
) -> Mutant:
    """A mutant of the library by one patch, of one module."""
    return Mutant(name, what, breaks, source, (Patch(module, old, new),))
