"""What a node showed that is to be compared with what the others did."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import NamedTuple

from conformance.audit.safety.log import Chain
from conformance.audit.safety.sightings import Sightings
from spec import values as v


@dataclass(frozen=True, slots=True)
class Election:
    """A node became leader: the terms in its log then, which is known up to an index."""

    node: v.NodeId
    seq: int
    terms: Chain[v.Term]
    base: v.Index
    known: v.Index
    last: v.Position
    has_term: bool = True
    """Whether the term of `last` is known."""


class Commitment(NamedTuple):
    """The last position that a node knew to be committed in a term."""

    node: v.NodeId
    seq: int
    position: v.Position


@dataclass(slots=True)
class Shown:
    log: Sightings = field(default_factory=Sightings)
    committed: Sightings = field(default_factory=Sightings)
    positions: Sightings = field(default_factory=Sightings)
    """Committed entries of which nothing but the term was shown, if that is news."""
    vouched: v.Index = 0
    """Up to where the node committed, or was told that it is committed, but for snapshots."""
    ahead: list[tuple[v.Index, int]] = field(default_factory=list)
    """The ends of snapshots that reach beyond what the node knew to be committed, and the seq."""
    leads: dict[v.Term, int] = field(default_factory=dict)
    """The terms in which the node was seen to lead, and the first seq."""
    sent_calls: dict[v.Term, int] = field(default_factory=dict)
    """The terms in which it sent AppendEntries, as only a leader does, and the first seq."""
    led_by: dict[tuple[v.Term, v.NodeId], int] = field(default_factory=dict)
    """Who sent AppendEntries to the node in a term, and the first seq."""
    elections: list[tuple[v.Term, Election]] = field(default_factory=list)
    commits: dict[v.Term, Commitment] = field(default_factory=dict)
    terms: list[tuple[int, v.Term]] = field(default_factory=list)
    """The node's term, and the seq from which on it was in it."""

    def term_at(self, seq: int) -> v.Term:
        return self.terms[bisect_right(self.terms, seq, key=lambda since: since[0]) - 1][1]
