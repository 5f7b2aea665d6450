"""The states of a bounded cluster, and what one step leads to from each.

A state is one 64-bit number: its servers in the upper half, its network in the lower.  What many
of them lead to is computed at once, as arrays.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from conformance.explore.states.bounds import FREE, BadBounds, Bounds, Cost
from conformance.explore.states.network import NOTHING_TAKEN, TAKEN_TWICE, Network
from conformance.explore.states.nodes import INPUTS, Comparison, Nodes
from conformance.explore.states.servers import MOST, Servers
from conformance.explore.states.symmetry import renamings
from conformance.explore.states.tables import Array, Ints, Keys, distinct, pack, spread, unpack
from spec import rules
from spec.cluster import Cluster, Rule, new_cluster


class Space:
    """The states of a bounded cluster: the first one, and what each leads to."""

    def __init__(
        self,
        bounds: Bounds,
        rule: Rule = rules.step,
        compare: Comparison | None = None,
        symmetry: bool = True,
        keep_history: bool = True,
    ) -> None:
        self.bounds = bounds
        self.nodes = Nodes(bounds, rule, compare)
        self.symmetry = symmetry
        names = renamings(bounds)
        if symmetry and len(names) > MOST:
            raise BadBounds(
                f"{len(bounds.initial_voters)} voters at the start, which may be renamed in "
                f"{len(names)} ways: expected 5 at most, or --no-symmetry"
            )
        self.servers = Servers(self.nodes, names if symmetry else names[:1], keep_history)
        self.network = Network(self.nodes, self.servers.renaming)
        self.initial = np.array(
            [self.number(new_cluster(bounds.nodes, bounds.limits), FREE)], np.uint64
        )
        """The first state, alone in an array."""

    @property
    def nbytes(self) -> int:
        return self.servers.nbytes + self.network.nbytes

    def number(self, cluster: Cluster, spent: Cost) -> int:
        """The state that stands for this one."""
        nodes = self.nodes
        members = [nodes.members.number(member) for member in cluster.members]
        row = np.array([[*members, nodes.histories.number(cluster.history)]], np.int32)
        canonical, chosen = self.servers.renaming.canonical(row)
        servers = self.servers.number(canonical)
        envelopes = [nodes.envelopes.number(envelope) for envelope in cluster.network]
        return int(pack(servers, self.network.number(envelopes, spent, chosen))[0])

    @property
    def cut_by(self) -> list[str]:
        """The bounds because of which some step was not taken."""
        return sorted(self.nodes.cut_by | self.network.cut_by)

    def cluster(self, state: int) -> Cluster:
        """A cluster in this state; its history is left out, and what is spent."""
        servers, networks = unpack(np.array([state], np.uint64))
        members = self.servers.table.rows[servers[0], : self.bounds.nodes]
        envelopes = [self.nodes.envelopes[one] for one in self.network.under_way(networks)[0]]
        return Cluster(
            tuple(self.nodes.members[member] for member in members),
            tuple(envelope for envelope in envelopes if envelope is not None),
        )

    # All that has been computed, for a checkpoint

    def values(self) -> dict[str, list[Any]]:
        return {**self.nodes.values(), "spent": self.network.spent.values}

    def arrays(self) -> dict[str, Array]:
        return {
            **self.nodes.arrays(),
            "servers.rows": self.servers.table.rows,
            "servers.wrong": self.servers.wrong.rows,
            "network.rows": self.network.table.rows,
        }

    def restore(self, values: dict[str, list[Any]], arrays: dict[str, Array]) -> None:
        """Take over what another space had computed, number by number; this one is new."""
        self.nodes.restore(values, arrays)
        self.network.spent.restore(values["spent"])
        self.servers.restore(arrays["servers.rows"], arrays["servers.wrong"])
        self.network.table.number(arrays["network.rows"])

    # Steps

    def expand(self, states: Keys) -> Expansion:
        """What one step leads to from these states."""
        at, found, wrong = self.follow(states)
        bad = np.flatnonzero(wrong)
        faults = map(Fault, states[at[bad]].tolist(), found[bad].tolist(), wrong[bad].tolist())
        return Expansion(distinct(found), len(found), list(faults))

    def follow(self, states: Keys) -> tuple[Ints, Keys, Ints]:
        """Every step: from which of the states, to which state, and what is wrong with it."""
        servers, networks = unpack(states)
        at, stimuli, places = self._stimuli(networks)
        starts, counts, outcomes = self.servers.successors(servers[at], stimuli)
        which, outcome = spread(starts, counts)
        after: Array = outcomes[outcome]
        at, places = at[which], places[which]
        if self.bounds.duplications:
            twice = np.flatnonzero(places != NOTHING_TAKEN)
            at = np.concatenate([at, at[twice]])
            after = np.concatenate([after, after[twice]])
            places = np.concatenate([places, np.full(len(twice), TAKEN_TWICE)])
        starts, counts, following = self.network.after(networks[at], places, after[:, 1])
        which, one = spread(starts, counts)
        return at[which], pack(after[which, 0], following[one, 0]), after[which, 2]

    def _stimuli(self, networks: Ints) -> tuple[Ints, Ints, Ints]:
        """Of which state, what may act on it, and the place it is taken from."""
        under_way = self.network.under_way(networks)
        everywhere = np.arange(len(networks))
        at, stimuli = [everywhere], [np.full(len(networks), INPUTS)]
        places = [np.full(len(networks), NOTHING_TAKEN)]
        for place in range(under_way.shape[1]):
            there = under_way[:, place] != 0
            if place:  # one of several equal messages is as good as another
                there &= under_way[:, place] != under_way[:, place - 1]
            where = np.flatnonzero(there)
            at.append(where)
            stimuli.append(under_way[where, place].astype(np.int64))
            places.append(np.full(len(where), place))
        return np.concatenate(at), np.concatenate(stimuli), np.concatenate(places)


class Fault(NamedTuple):
    """A step that something is wrong with: `what` is the number of a finding."""

    source: int
    to: int
    what: int


class Expansion(NamedTuple):
    states: Keys
    generated: int
    faults: list[Fault]
