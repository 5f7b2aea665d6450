"""A record of a trace in the vocabulary of the specification."""

from __future__ import annotations

from dataclasses import dataclass

from conformance.trace.translate import Observed
from spec.values import Action, Event, NodeId, Outcome


@dataclass(slots=True)
class Recorded:
    """One input to one node, and all that came of it.

    `seq` counts a node's records from 1.  `actions`: what was executed when the node was drained
    right after this input; None where it was not.  `state`: what was then seen of the node.
    """

    node: NodeId
    seq: int
    event: Event
    outcome: Outcome
    actions: tuple[Action, ...] | None
    state: Observed
