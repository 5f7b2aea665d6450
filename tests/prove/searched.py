"""All states of a bounded cluster with the history variables of the lemmas, one value at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator

from conformance.explore.search.path import possible
from conformance.explore.states.bounds import Bounds, Cost
from conformance.explore.states.space import Space
from conformance.prove.history.variables import HistoryVariables, initial
from spec import rules
from spec.cluster import Cluster, Rule, new_cluster


def reachable(
    bounds: Bounds, rule: Rule = rules.step
) -> Iterator[tuple[Cluster, HistoryVariables]]:
    """Every state within the bounds once, breadth first; also those within a move of the search.

    Such are: an event was taken and nothing executed yet, or a server is down.
    """
    space = Space(bounds, rule)
    start = new_cluster(bounds.nodes), initial(bounds.nodes)
    yield start
    frontier = {(key_of(*start), Cost()): start}
    seen, expanded = {key_of(*start)}, set(frontier)
    while frontier:
        following: dict[tuple[Hashable, Cost], tuple[Cluster, HistoryVariables]] = {}
        for (_, spent), (cluster, variables) in frontier.items():
            for move in possible(space, cluster, spent):
                history = variables
                for change in move.changes:
                    if change.turn is not None:
                        history = history.after(change.turn)
                    key = key_of(change.after, history)
                    if key not in seen:
                        seen.add(key)
                        yield change.after, history
                if (key, move.spent) not in expanded:
                    expanded.add((key, move.spent))
                    following[key, move.spent] = change.after, history
        frontier = following


def key_of(cluster: Cluster, variables: HistoryVariables) -> Hashable:
    """The state as a value: the order of what is under way is no part of it."""
    return cluster.members, frozenset(Counter(cluster.network).items()), variables
