"""A plain search of the same states, one value at a time: what the explorer is held against."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.explore.search.path import Move, possible
from conformance.explore.states.bounds import Bounds, Cost
from conformance.explore.states.space import Space
from conformance.explore.states.symmetry import renamed, renamings
from spec.cluster import Cluster, Envelope, History, Member, new_cluster

State = tuple[tuple[Member, ...], tuple[Envelope, ...], History, Cost]


def state_of(cluster: Cluster, spent: Cost) -> State:
    network = tuple(sorted(cluster.network, key=repr))
    return cluster.members, network, cluster.history, spent


def search(space: Space) -> Iterator[tuple[set[State], list[Move]]]:
    """By depth: all states that are new there, and all moves from them."""
    start = new_cluster(space.bounds.nodes, space.bounds.limits)
    frontier = {state_of(start, Cost()): (start, Cost())}
    seen: set[State] = set()
    while frontier:
        seen |= frontier.keys()
        moves = [move for at in frontier.values() for move in possible(space, *at)]
        yield set(frontier), moves
        following = {state_of(move.after, move.spent): (move.after, move.spent) for move in moves}
        frontier = {state: at for state, at in following.items() if state not in seen}


def orbits(bounds: Bounds, states: set[State]) -> int:
    """How many of the states are left if those that differ in names only are one."""
    names = renamings(bounds)
    left = set(states)
    count = 0
    while left:
        state = left.pop()
        count += 1
        for one in names[1:]:
            left.discard(_renamed(state, one))
    return count


def _renamed(state: State, names: tuple[int, ...]) -> State:
    members, network, history, spent = state
    return state_of(renamed(Cluster(members, network, history), names), spent)
