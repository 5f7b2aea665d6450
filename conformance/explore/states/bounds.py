"""What bounds an exploration: how large a cluster gets, and what may happen to it."""

from __future__ import annotations

import shlex
from dataclasses import asdict, dataclass, fields
from typing import Final, NamedTuple

from conformance.observe.limits import MAX_EXPLORED
from spec.values import LIMITS, Limits


class Cost(NamedTuple):
    """What a step takes from the budgets, and what a run has taken so far."""

    proposals: int = 0
    crashes: int = 0
    losses: int = 0
    duplications: int = 0
    shortened: int = 0
    heartbeats: int = 0
    snapshots: int = 0
    changes: int = 0
    demotions: int = 0
    step_downs: int = 0
    transfers: int = 0
    campaigns: int = 0
    held: int = 0

    def plus(self, other: Cost) -> Cost:
        return Cost(*map(int.__add__, self, other))


FREE: Final = Cost()


class BadBounds(ValueError):  # noqa: N818 (the bounds are bad, the program is not)
    """Bounds that say nothing sensible."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """A step that would lead out of these bounds is not taken.

    A message that is lost is lost as it is sent: whatever a later loss could lead to, this leads to
    as well.  A server that crashes comes back at once: while it is down it is no different from one
    whose messages are late.
    """

    nodes: int = 3
    voters: int | None = None
    """The first so many nodes create the cluster; the others may join it.  None: all."""
    terms: int = 2
    """The highest term."""
    log: int = 3
    """The highest index."""
    in_flight: int = 2
    """Messages and snapshots under way at a time."""
    proposals: int = 1
    """Commands proposed in a run; so for all that follows."""
    crashes: int = 0
    """Crashes, each with a restart, between any two actions of a drain or after it."""
    losses: int | None = None
    """Messages lost; None: any number."""
    duplications: int = 0
    shortened: int = 0
    """Calls of which the user sent only the first entries."""
    heartbeats: int = 0
    snapshots: int = 0
    """Compactions of a server's own log."""
    changes: int = 0
    """Changes of membership: a server joins as voter or non-voter, or leaves, the leader too."""
    demotions: int = 0
    """Of those changes, in how many a voter may become a non-voter instead."""
    step_downs: int = 0
    transfers: int = 0
    """Leaderships that are to be handed over.  Of each a message may tell one follower to campaign,
    at once or at any time later.
    """
    held: int = 0
    """Inputs after which the user does not drain at once."""
    entries: int = LIMITS.entries
    """This one and the next two are the limits that all nodes are started with."""
    calls: int = LIMITS.calls
    ask_again: int = 1
    """Not as by default: a snapshot that was lost is asked for again within few heartbeats."""

    def __post_init__(self) -> None:
        least = {"nodes": 1, "terms": 1, "log": 2, "in_flight": 1, "voters": 1}
        least |= {"entries": 1, "calls": 1, "ask_again": 1}
        for field in fields(self):
            value, lowest = getattr(self, field.name), least.get(field.name, 0)
            if value is not None and value < lowest:
                raise BadBounds(f"{_option(field.name)} {value}: expected {lowest} or more")
        if self.voters is not None and self.voters > self.nodes:
            raise BadBounds(f"--voters {self.voters}: expected {self.nodes} at most, as --nodes")
        if self.nodes > MAX_EXPLORED:
            raise BadBounds(f"--nodes {self.nodes}: expected {MAX_EXPLORED} at most")
        if self.in_flight > 12:
            raise BadBounds(f"--in-flight {self.in_flight}: expected 12 at most")

    @property
    def initial_voters(self) -> frozenset[int]:
        return frozenset(range(self.nodes if self.voters is None else self.voters))

    @property
    def limits(self) -> Limits:
        return Limits(self.entries, self.calls, self.ask_again)

    @property
    def budgets(self) -> Cost:
        """What a run may take; where any number of messages may be lost, no loss is counted."""
        own = [name for name in Cost._fields if name != "campaigns"]
        return Cost(campaigns=self.transfers, **{name: getattr(self, name) or 0 for name in own})

    def exceeded(self, spent: Cost) -> list[str]:
        """The budgets that do not allow this.  Nobody is told to campaign before a transfer."""
        pairs = zip(Cost._fields, spent, self.budgets, strict=True)
        beyond = [name for name, used, budget in pairs if used > budget]
        return ["transfers"] if spent.campaigns > spent.transfers else beyond

    def as_json(self) -> dict[str, int | None]:
        return asdict(self)


PRESETS: Final[dict[str, dict[str, Bounds]]] = {
    "quick": {
        "elections": Bounds(terms=3, log=4, in_flight=1),
        "messages": Bounds(terms=2, log=3, in_flight=2),
        "crashes": Bounds(terms=2, log=3, in_flight=1, crashes=1, duplications=1),
        "lives": Bounds(nodes=2, terms=2, log=3, in_flight=2, proposals=0, crashes=1, heartbeats=1),
        "held": Bounds(terms=2, log=3, in_flight=1, proposals=2, held=2),
        "limits": Bounds(terms=2, log=3, in_flight=1, entries=1, calls=1),
        "window": Bounds(nodes=2, terms=1, log=4, in_flight=3, losses=1, entries=1, calls=2),
        "snapshots": Bounds(
            terms=2, log=3, in_flight=1, proposals=0, heartbeats=2, snapshots=1, ask_again=2
        ),
        "membership": Bounds(terms=2, log=5, in_flight=1, proposals=0, changes=1),
        "joining": Bounds(voters=2, terms=2, log=5, in_flight=1, proposals=0, changes=1),
        "leaving": Bounds(
            nodes=2, terms=2, log=5, in_flight=1, proposals=0, crashes=2, changes=1, held=1
        ),
        "demotion": Bounds(
            nodes=2, terms=2, log=5, in_flight=2, proposals=0, changes=1, demotions=1
        ),
        "reads": Bounds(terms=2, log=3, in_flight=1, proposals=0, heartbeats=1),
        "handover": Bounds(terms=2, log=3, in_flight=1, proposals=0, step_downs=1, transfers=1),
    },
    "standard": {
        "messages": Bounds(terms=2, log=3, in_flight=2, heartbeats=1),
        "crashes": Bounds(terms=2, log=3, in_flight=2, crashes=1),
        "restarts": Bounds(terms=3, log=4, in_flight=1, crashes=1),
        "duplicates": Bounds(terms=2, log=3, in_flight=1, crashes=1, duplications=2, heartbeats=1),
        "held": Bounds(terms=2, log=4, in_flight=1, proposals=2, crashes=1, held=2),
        "limits": Bounds(terms=2, log=4, in_flight=1, proposals=2, held=2, entries=1, calls=1),
        "window": Bounds(terms=1, log=4, in_flight=3, losses=2, entries=1, calls=2),
        "snapshots": Bounds(terms=2, log=3, in_flight=1, crashes=1, heartbeats=1, snapshots=2),
        "joining": Bounds(voters=2, terms=2, log=5, in_flight=1, proposals=0, changes=2),
        "fourth": Bounds(nodes=4, voters=3, terms=1, log=6, in_flight=1, proposals=0, changes=2),
        "demotion": Bounds(
            terms=2, log=5, in_flight=1, proposals=0, crashes=1, changes=1, demotions=1
        ),
        "reads": Bounds(terms=2, log=3, in_flight=2, proposals=0, losses=4, heartbeats=2),
        "handover": Bounds(terms=2, log=4, in_flight=1, crashes=1, step_downs=1, transfers=1),
    },
    "deep": {
        "elections": Bounds(terms=3, log=4, in_flight=2),
        "messages": Bounds(terms=3, log=4, in_flight=3, heartbeats=1),
        "crashes": Bounds(terms=3, log=4, in_flight=2, crashes=2, duplications=1),
        "snapshots": Bounds(terms=3, log=4, in_flight=2, crashes=1, heartbeats=2, snapshots=2),
        "membership": Bounds(
            nodes=4, voters=3, terms=3, log=6, in_flight=2, proposals=0, crashes=1, changes=2
        ),
        "large": Bounds(nodes=5, terms=3, log=4, in_flight=2),
    },
}


def of_bounds(bounds: Bounds) -> str:
    """The options that name these bounds."""
    usual = asdict(Bounds())
    given = {name: value for name, value in asdict(bounds).items() if value != usual[name]}
    return shlex.join(part for name in given for part in (_option(name), str(given[name])))


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"
