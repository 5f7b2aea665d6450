"""Families of shapes, and what most of them are made of: roles, configurations, what is owed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from conformance.prove.step.shapes import (
    PAIR,
    SOLO,
    TRIO,
    Owed,
    Reply,
    Role,
    Server,
    Shape,
    Stimulus,
    config,
)
from spec import values as v

ME: Final = frozenset({0})
FOLLOWERS: Final = (v.Follower(), v.Follower(1), v.Follower(2))
CANDIDATE: Final = v.Candidate(ME)
ASKED: Final = v.Candidate(ME, transfer=True)
ROLES: Final = (*FOLLOWERS, CANDIDATE, v.Leader)

LEADING: Final = (
    SOLO,
    PAIR,
    TRIO,
    config("12"),  # the leader has no vote
    config("01", "", "2"),
    config("12", "", "0"),
    config("01", "02"),
    config("0", "1"),
    config("012", "12"),
    config("01", "0", "2"),
)
"""Configurations by what a leader is in them: with and without a vote, in the old or new one."""
LARGE: Final = (config("0123"), config("1234"), config("01234"))

REPLIES: Final[tuple[Reply, ...]] = ("vote reply", "append reply")


@dataclass(frozen=True, slots=True)
class Family:
    """Shapes that are proved together.  `bounds`: the most entries, voters, and so on."""

    name: str
    bounds: Mapping[str, int | str]
    shapes: tuple[Shape, ...]


def family(name: str, entries: int, voters: int, shapes: Iterable[Shape]) -> Family:
    return Family(name, {"entries": entries, "voters": voters}, tuple(shapes))


def shapes_of(
    event: str, stimulus: Stimulus, servers: Iterable[Server], acts: bool | None = True
) -> Iterator[Shape]:
    return (Shape(server, stimulus, event, acts) for server in servers)


# What may be owed, one kind at a time


def owed_to(peer: v.NodeId) -> Iterator[Owed]:
    """A reply to a peer, and to others."""
    for kind in REPLIES:
        yield Owed(sends=((peer, kind),))
    yield Owed(sends=((peer + 1, "append reply"), (peer + 2, "vote reply")))


def anything_owed(role: Role) -> Iterator[Owed]:
    """By a server of this role, in a cluster of two; and all of it at once."""
    calls = (1,) if role is v.Leader else ()
    broadcasts = not isinstance(role, v.Follower)
    yield from owed_to(1)
    yield Owed(flags=True)
    if calls:
        yield Owed(calls=calls)
    if broadcasts:
        yield Owed(broadcast=True)
    yield Owed(broadcasts, 0, calls, ((1, "vote reply"), (2, "append reply")), True)


def owing(roles: Iterable[Role], word: str, **given: Any) -> Iterator[Server]:
    """A server of each role in a cluster of two, owing anything."""
    for role in roles:
        for owed in anything_owed(role):
            yield Server(role, word, PAIR, owed=owed, **given)


def peers_in(now: v.Config) -> tuple[v.NodeId, ...]:
    return tuple(sorted(now.members - ME))


def name_of(of: v.Config) -> str:
    parts = [of.voters, of.new_voters, of.non_voters]
    shown = ["".join(map(str, sorted(nodes))) for nodes in parts]
    return (
        f"voters {shown[0]}"
        + (f" to {shown[1]}" if shown[1] else "")
        + (f" and {shown[2]}" if shown[2] else "")
    )
