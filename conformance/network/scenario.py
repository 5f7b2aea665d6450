"""What a run is made of: servers, links, load, faults, and the bounds that its figures keep."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

from conformance.network.clock import MILLISECOND, SECOND
from conformance.network.link import Link
from spec.values import LIMITS, Limits, NodeId

FOR_EVER = 1 << 62


@dataclass(frozen=True, slots=True)
class Load:
    """Commands that arrive whether or not the cluster keeps up (open loop).

    Every `every` microseconds, from `begin` to `end`, a client hands the leader one of `batches`
    commands in turn, before one drain.  Where nobody leads they are lost, and counted.
    """

    every: int
    begin: int
    end: int
    batches: tuple[int, ...] = (1,)


@dataclass(frozen=True, slots=True)
class Cut:
    """From `begin` to `end` nothing passes between these pairs: (1, 2) is from 1 to 2 only."""

    pairs: frozenset[tuple[NodeId, NodeId]]
    begin: int
    end: int = FOR_EVER


@dataclass(frozen=True, slots=True)
class Down:
    """A server crashes, and is back with its disk at `end`."""

    node: NodeId
    begin: int
    end: int = FOR_EVER


@dataclass(frozen=True, slots=True)
class Late:
    """What `sender` sends `to` in a while arrives no earlier than at a certain time."""

    sender: NodeId
    to: NodeId
    begin: int
    end: int
    arrives: int


@dataclass(frozen=True, slots=True)
class Compact:
    """A server compacts its log up to what it knows to be committed."""

    node: NodeId
    at: int


@dataclass(frozen=True, slots=True)
class Elect:
    """A server's timer fires, whatever it was set to."""

    node: NodeId
    at: int


@dataclass(frozen=True, slots=True)
class Propose:
    """Commands at once, on top of the load."""

    at: int
    commands: int


@dataclass(frozen=True, slots=True)
class Transfer:
    """The leader is asked to hand over to a server."""

    to: NodeId
    at: int


@dataclass(frozen=True, slots=True)
class Promote:
    """The leader is asked to add a server: as a non-voter, and as a voter once it has caught up;
    not `patient`: as a voter at once.
    """

    node: NodeId
    at: int
    patient: bool = True


@dataclass(frozen=True, slots=True)
class Remove:
    """The leader is asked to remove a voter, which is switched off for good once that is done."""

    node: NodeId
    at: int


@dataclass(frozen=True, slots=True)
class Storm:
    """Every `every` microseconds, from `begin` to `end`, a fault or a change of some kind."""

    every: int
    begin: int
    end: int


Planned: TypeAlias = (
    Cut | Down | Late | Compact | Elect | Propose | Transfer | Promote | Remove | Storm
)


@dataclass(frozen=True, slots=True)
class Policy:
    """What the drivers do besides what the library's docstring asks of them.

    check_quorum     a leader that a quorum does not answer for an election timeout steps down
    pre_vote         a node that would campaign first asks who would vote for it
    drop_disruptive  vote requests are dropped while the leader is heard from
    """

    check_quorum: bool = False
    pre_vote: bool = False
    drop_disruptive: bool = False


def alone(node: NodeId, nodes: int) -> frozenset[tuple[NodeId, NodeId]]:
    """The pairs to cut so that nothing reaches a node, and nothing of it anybody."""
    return bridged([node], [other for other in range(nodes) if other != node])


def bridged(one: Iterable[NodeId], other: Iterable[NodeId]) -> frozenset[tuple[NodeId, NodeId]]:
    """The pairs to cut so that two sides reach each other no more.  Who is on neither reaches
    both, and is a bridge between them that carries nothing."""
    return frozenset(pair for a in one for b in other for pair in ((a, b), (b, a)))


@dataclass(frozen=True, slots=True)
class Bound:
    """The most that a figure may be."""

    figure: str
    most: float


@dataclass(frozen=True, slots=True)
class Scenario:
    """A run of a cluster in virtual time; times in microseconds.

    what       in a sentence without a full stop
    source     where it comes from: a report, or a section
    links      those that are not like `link`, by (sender, receiver)
    fsync      how long one action that persists something takes
    heartbeat  how long a leader's timer runs (docstring of `raftbare`, obligation 6)
    timeout    between these the timer of any other is drawn; `timeouts` has those of some nodes
    drain      microseconds between drains; 0: after every input
    transfer   how long a snapshot travels
    limits     what leaders keep to
    voters     how many of the nodes the cluster begins with; None: all
    policy     what the drivers do besides
    reads      as `load`, of each node that takes itself for the leader
    begin      from here on figures are taken; before, a leader is found
    until_led  the run is over once somebody leads a term that nobody led before `begin`
    runs       how many seeds, each a run of its own
    """

    name: str
    what: str
    source: str
    length: int
    nodes: int = 3
    link: Link = field(default_factory=Link)
    links: dict[tuple[NodeId, NodeId], Link] = field(default_factory=dict)
    fsync: int = 0
    heartbeat: int = 50 * MILLISECOND
    timeout: tuple[int, int] = (500 * MILLISECOND, 1000 * MILLISECOND)
    timeouts: dict[NodeId, tuple[int, int]] = field(default_factory=dict)
    drain: int = 0
    transfer: int = 300 * MILLISECOND
    limits: Limits = LIMITS
    voters: int | None = None
    policy: Policy = Policy()
    load: Load | None = None
    reads: Load | None = None
    planned: tuple[Planned, ...] = ()
    begin: int = SECOND
    until_led: bool = False
    runs: int = 1
    bounds: tuple[Bound, ...] = ()

    @property
    def round_trip(self) -> int:
        """Without jitter, loss, or a queue."""
        return 2 * self.link.delay
