"""Sets of any number of nodes, on which the rules about quorums are run as they are.

Some sets divide all nodes into regions, as in a Venn diagram: those that are in the same of them.
How many a region has is a symbolic number, and a set is a union of regions.  So `&`, `|`, `in` and
`len` are exact for all sizes at once.  A rule may learn in which sets a node is and how many a set
has; names have no order, and a region cannot be taken apart.

What nodes hold is only told as "at least c" or "less", for some c.  A rule that sorts, selects by
place and takes minima does not mind: it gives at least c of numbers if and only if it gives 1 when
each is replaced by whether it is at least c (the 0-1 principle: such functions commute with every
monotone map).  That a rule does no more is seen from what `Holds` and `Ranked` refuse.
"""

from __future__ import annotations

import builtins
from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import combinations
from types import ModuleType
from typing import Any, Final, TypeAlias

from conformance.symbolic.number import value_of
from conformance.symbolic.paths import Model, Paths

Size: TypeAlias = Any
"""How many: an `int`, or a `Number`."""


class AskedError(AssertionError):
    """A rule has asked more than what holds of every node of a region."""


@dataclass(frozen=True, slots=True)
class Some:
    """Some nodes, `count` of them, that are in the same sets and hold the same; `sets` names these.

    `name` tells regions apart, and single nodes.
    """

    name: str
    sets: frozenset[str]
    count: Size

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Some) and self.name == other.name

    def __hash__(self) -> int:
        return hash(self.name)


@dataclass(frozen=True, slots=True)
class Group:
    """A set of nodes: all of these regions."""

    regions: frozenset[Some]

    @property
    def size(self) -> Size:
        return total(one.count for one in self.regions)

    def __and__(self, other: Any) -> Group:
        return Group(self.regions & regions_of(other))

    def __or__(self, other: Any) -> Group:
        return Group(self.regions | regions_of(other))

    def __sub__(self, other: Any) -> Group:
        return Group(self.regions - regions_of(other))

    __rand__, __ror__ = __and__, __or__

    def __contains__(self, node: object) -> bool:
        return node in self.regions

    def __bool__(self) -> bool:
        return bool(self.size >= 1)

    def __iter__(self) -> Iterator[Some]:
        """For `sorted` of what each of them holds."""
        return iter(sorted(self.regions, key=lambda one: one.name))


def regions_of(nodes: Any) -> frozenset[Some]:
    return nodes.regions if isinstance(nodes, Group) else frozenset(nodes)


def total(sizes: Iterable[Size]) -> Size:
    found: Size = 0
    for size in sizes:
        found = found + size
    return found


class Venn:
    """The regions of some sets, and single nodes that are in some of them.

    A rule asks for half of what the sets of voters have.  So of each way to be in these, `odd` says
    whether so many nodes are: they are 2h or 2h + 1, and those in no other set are the rest of it.
    """

    def __init__(
        self,
        paths: Paths,
        voters: Sequence[str],
        others: Sequence[str],
        odd: Sequence[bool],
        singles: Mapping[str, frozenset[str]],
    ) -> None:
        found = [Some(name, of, 1) for name, of in singles.items()]

        def add(of: frozenset[str], count: Size) -> None:
            paths.at_most(0, count)
            found.append(Some(" ".join(sorted(of)) or "none", of, count))

        for of in subsets(others):
            add(of, paths.number(" ".join(("outside", *sorted(of)))))
        for is_odd, cell in zip(odd, cells(voters), strict=True):
            for of in subsets(others):
                if of:
                    add(cell | of, paths.number(" ".join(sorted(cell | of))))
            half = paths.number(f"half of {' '.join(sorted(cell))}")
            rest = total(one.count for one in found if one.sets & set(voters) == cell)
            add(cell, half + half + is_odd - rest)
        self.regions: Final = tuple(found)

    def of(self, name: str) -> Group:
        return Group(frozenset([one for one in self.regions if name in one.sets]))

    def plain(self, model: Model) -> dict[Some, frozenset[int]]:
        """Each region as so many plain nodes, numbered one after another."""
        nodes: dict[Some, frozenset[int]] = {}
        first = 0
        for one in self.regions:
            count = value_of(one.count, model)
            nodes[one] = frozenset(range(first, first + count))
            first += count
        return nodes


def subsets(names: Sequence[str]) -> list[frozenset[str]]:
    return [frozenset(some) for k in range(len(names) + 1) for some in combinations(names, k)]


def cells(voters: Sequence[str]) -> list[frozenset[str]]:
    """The ways to be a voter."""
    return subsets(voters)[1:]


# What nodes hold


@dataclass(frozen=True, slots=True, eq=False)
class Holds:
    """What each of `count` nodes holds: at least c, or less.  It can be sorted, and no more."""

    reached: bool
    count: Size

    def _refuse(self, *_: object) -> Any:
        raise AskedError("what a node holds is only sorted, and chosen by its place")

    __lt__ = __le__ = __gt__ = __ge__ = __eq__ = __add__ = __sub__ = __bool__ = __int__ = _refuse
    __hash__ = _refuse


class Ranked:
    """What nodes hold, in order: `low` of them less than c, `high` at least c.

    Its items are 0 and 1.
    """

    def __init__(self, held: Iterable[Holds], reverse: bool = False) -> None:
        listed = list(held)
        self.reverse = reverse
        self.low = total(one.count for one in listed if not one.reached)
        self.high = total(one.count for one in listed if one.reached)

    @property
    def size(self) -> Size:
        return self.low + self.high

    def __bool__(self) -> bool:
        return bool(self.size >= 1)

    def __getitem__(self, place: Any) -> int:
        if isinstance(place, slice):
            raise AskedError("a part of what nodes hold was asked for")
        if place < 0:
            place = place + self.size
        if not 0 <= place < self.size:
            raise IndexError("there are not so many")
        return int(place < self.high) if self.reverse else int(place >= self.low)

    def __delitem__(self, place: Any) -> None:
        if self[place]:
            self.high = self.high - 1
        else:
            self.low = self.low - 1

    def begins(self, held: Any) -> Size:
        """`bisect_left`: the first place of what is no less than this."""
        return self.low if held.reached else 0

    def insert(self, held: Any) -> None:
        """`insort`: one more."""
        if held.reached:
            self.high = self.high + held.count
        else:
            self.low = self.low + held.count


# The functions that rules call


def _len(of: Any) -> Size:
    if isinstance(of, (Group, Ranked)):
        return of.size
    if isinstance(of, list) and of and all(isinstance(one, Holds) for one in of):
        return total(one.count for one in of)
    if any(isinstance(part, Some) for one in of for part in (one, *_parts(one))):
        raise AskedError("a rule has counted regions for nodes")
    return builtins.len(of)


def _parts(one: Any) -> tuple[Any, ...]:
    return tuple(one) if isinstance(one, tuple) else ()


def _sorted(of: Iterable[Any], *, key: Any = None, reverse: bool = False) -> Any:
    listed = list(of)
    if key is None and listed and all(isinstance(one, Holds) for one in listed):
        return Ranked(listed, reverse)
    return builtins.sorted(listed, key=key, reverse=reverse)


def _bisect_left(of: Any, held: Any) -> Any:
    return of.begins(held) if isinstance(of, Ranked) else bisect_left(of, held)


def _insort(of: Any, held: Any) -> None:
    return of.insert(held) if isinstance(of, Ranked) else insort(of, held)


def _refused(name: str) -> Callable[..., Any]:
    def refuse(*_: object, **__: object) -> Any:
        raise AskedError(f"{name}() of regions says nothing of nodes")

    return refuse


SHADOWED: Final[dict[str, Callable[..., Any]]] = {
    "len": _len,
    "sorted": _sorted,
    "bisect_left": _bisect_left,
    "insort": _insort,
    **{name: _refused(name) for name in ("sum", "enumerate", "zip", "map", "filter")},
}


@contextmanager
def on_regions(modules: Iterable[ModuleType]) -> Iterator[None]:
    """What these modules call `len` and so on, takes regions as well."""
    spaces = [vars(module) for module in modules]
    own = [{name: space[name] for name in SHADOWED if name in space} for space in spaces]
    for space in spaces:
        space.update(SHADOWED)
    try:
        yield
    finally:
        for space, known in zip(spaces, own, strict=True):
            for name in SHADOWED:
                del space[name]
            space.update(known)
