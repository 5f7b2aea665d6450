"""A plain search of the same states, one value at a time: what the explorer is held against."""

from __future__ import annotations

from conformance.explore.search.path import Move, possible
from conformance.explore.states.bounds import Bounds, Cost
from conformance.explore.states.space import Space
from conformance.explore.states.symmetry import renamed, renamings
from spec.cluster import Cluster, History, Member, new_cluster

State = tuple[tuple[Member, ...], tuple[object, ...], History, Cost]


def state_of(cluster: Cluster, spent: Cost) -> State:
    network = tuple(sorted(cluster.network, key=repr))
    return cluster.members, network, cluster.history, spent


def reference(space: Space) -> list[set[State]]:
    """All states, by depth."""
    start = new_cluster(space.bounds.nodes)
    frontier = {state_of(start, Cost()): (start, Cost())}
    seen: set[State] = set()
    layers: list[set[State]] = []
    while frontier:
        seen |= frontier.keys()
        layers.append(set(frontier))
        following: dict[State, tuple[Cluster, Cost]] = {}
        for cluster, spent in frontier.values():
            for move in possible(space, cluster, spent):
                state = state_of(move.after, move.spent)
                if state not in seen:
                    following.setdefault(state, (move.after, move.spent))
        frontier = following
    return layers


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
    moved = sorted((renamed(member, names) for member in members), key=lambda one: one.node.id)
    contents = tuple(sorted((renamed(envelope, names) for envelope in network), key=repr))
    return tuple(moved), contents, renamed(history, names), spent


__all__ = ["Move", "State", "orbits", "reference", "state_of"]
