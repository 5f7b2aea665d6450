"""The states of a bounded cluster, and what one step leads to from each.

A state is one 64-bit number: its servers in the upper half, its network in the lower.  What many
of them lead to is computed at once, as arrays.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from conformance.explore.states.bounds import BadBounds, Bounds
from conformance.explore.states.network import NOTHING_TAKEN, TAKEN_TWICE, Network
from conformance.explore.states.nodes import INPUTS, Comparison, Nodes
from conformance.explore.states.servers import MOST, Servers
from conformance.explore.states.symmetry import renamings
from conformance.explore.states.tables import Array, Ints, Keys, distinct, spread
from spec import rules
from spec.cluster import Rule


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
        self.initial = self._initial()

    @property
    def nbytes(self) -> int:
        return self.servers.nbytes + self.network.nbytes

    def _initial(self) -> Keys:
        members, history = self.nodes.initial()
        row = np.array([[*members, history]], np.int32)
        canonical, _ = self.servers.renaming.canonical(row)
        return pack(self.servers.number(canonical), np.array([self.network.initial]))

    @property
    def cut_by(self) -> list[str]:
        """The bounds because of which some step was not taken."""
        return sorted(self.nodes.cut_by | self.network.cut_by)

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


def pack(servers: Ints, networks: Ints) -> Keys:
    return (servers.astype(np.uint64) << np.uint64(32)) | networks.astype(np.uint64)


def unpack(states: Keys) -> tuple[Ints, Ints]:
    servers = (states >> np.uint64(32)).astype(np.int64)
    return servers, (states & np.uint64(0xFFFFFFFF)).astype(np.int64)
