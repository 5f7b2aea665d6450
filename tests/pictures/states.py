"""What the specification makes of a server's role, and of what a leader knows of a peer.

The tables are found and not written: every turn of every server is looked at that some bounded
clusters can come by.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple, TypeAlias

import numpy as np

from conformance.explore.states.bounds import Bounds
from conformance.explore.states.space import Space
from spec import rules
from spec import values as v
from spec.cluster import Disk, Member, Rule, Turn, take


class Edge(NamedTuple):
    """From one state to another, and because of what."""

    before: str
    after: str
    why: str


Look: TypeAlias = Callable[[Turn], Iterator[Edge]]

ROLES: Final = (
    Bounds(terms=2, log=3, in_flight=2, proposals=0),
    Bounds(terms=3, log=4, in_flight=1, proposals=0),
    Bounds(terms=3, log=3, in_flight=2, proposals=0, snapshots=1, heartbeats=1, losses=2),
    Bounds(nodes=2, terms=2, log=4, in_flight=1, proposals=0, crashes=1, changes=1, held=1),
    Bounds(nodes=2, terms=2, log=3, in_flight=1, proposals=0, step_downs=1, transfers=1),
    Bounds(nodes=1, voters=1, terms=2, log=3),
)
PEERS: Final = (
    Bounds(nodes=2, terms=2, log=3, in_flight=2),
    Bounds(terms=1, log=3, in_flight=1, proposals=0, heartbeats=2, snapshots=1),
    Bounds(nodes=2, terms=1, log=4, in_flight=3, losses=1, entries=1, calls=2),
    Bounds(terms=2, log=3, in_flight=1, entries=1, calls=1),
    Bounds(nodes=2, voters=1, terms=1, log=4, in_flight=1, proposals=0, changes=1),
)


def edges(look: Look, *bounds: Bounds, rule: Rule = rules.step) -> set[Edge]:
    """What a look at every turn finds, breadth first, in all of some bounded clusters."""
    found: set[Edge] = set()

    def note(turn: Turn) -> None:
        found.update(look(turn))

    for one in bounds:
        space = Space(one, rule, note)
        seen = states = space.initial
        while len(states):
            states = np.setdiff1d(space.expand(states).states, seen)
            seen = np.union1d(seen, states)
    return found


def roles(turn: Turn) -> Iterator[Edge]:
    """From role to role, and a candidate from one election to the next."""
    old, new = turn.before.node, turn.after.node
    before, after = (type(node.role).__name__ for node in (old, new))
    if not turn.before.up:
        before = "down"
    if not turn.after.up:
        after = "down"
    campaigns = before == after == "Candidate" and old.current_term < new.current_term
    if before != after or campaigns:
        yield Edge(before, after, why(turn))


def snapshot_of_a_candidate() -> Turn:
    """A leader's snapshot that comes late, to a server that campaigns: it takes four servers."""
    config = v.Config(frozenset(range(4)))
    log = v.new_log(v.ZERO, config, (v.Entry(0, config),))
    node = v.Node(0, v.Candidate(frozenset({0})), 2, 0, log)
    disk = Disk(2, 0, log)
    return take(Member(node, disk=disk), v.SnapshotInstalled(v.Position(1, 2), config))


def all_roles() -> set[Edge]:
    return edges(roles, *ROLES) | set(roles(snapshot_of_a_candidate()))


def all_peers() -> set[Edge]:
    return edges(peers, *PEERS)


def why(turn: Turn) -> str:
    later = turn.before.node.current_term < turn.after.node.current_term
    match turn.event:
        case None:
            return "crash" if not turn.after.up else "the end of a drain"
        case v.Receive() if later:
            return "a message of a later term"
        case v.Receive(message):
            return type(message).__name__
    return type(turn.event).__name__


def peers(turn: Turn) -> Iterator[Edge]:
    """What a leader does about a peer, as long as it leads."""
    old, new = turn.before.node, turn.after.node
    if not isinstance(new.role, v.Leader):
        return
    known = {}
    if isinstance(old.role, v.Leader) and old.current_term == new.current_term:
        known = {one.node: one for one in old.role.peers}
    for peer in new.role.peers:
        before = known.get(peer.node)
        one = "" if before is None else about(before, old.log)
        other = about(peer, new.log)
        if one != other:
            yield Edge(one, other, because(turn))


def about(peer: v.Progress, log: v.Log) -> str:
    if peer.next is not None and peer.next <= log.snapshot_position.index:
        return "snapshot"
    if peer.probing:
        return "probe"
    return "replicate" if peer.next is None else "catch up"


def because(turn: Turn) -> str:
    match turn.event:
        case v.Receive(v.AppendEntriesReply(accepted=accepted)):
            return "it accepts a call" if accepted else "it refuses a call"
    return why(turn)
