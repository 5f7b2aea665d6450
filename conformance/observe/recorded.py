"""What a subject made of its inputs, record by record."""

from __future__ import annotations

from dataclasses import dataclass

from conformance.observe.observed import Checkpoint, Observed
from spec.values import Action, Event, NodeId, Outcome


@dataclass(slots=True)
class Recorded:
    """One input to one node, and all that came of it.

    `seq` counts a node's records from 1.  `actions`: what was executed when the node was drained
    right after this input; None where it was not.  `state`: what was then seen of the node.

    `outcome`: of a record that was read from a trace, False stands for any refusal, as
    `recorded_outcome` has it.
    """

    node: NodeId
    seq: int
    event: Event | Checkpoint
    outcome: Outcome
    actions: tuple[Action, ...] | None
    state: Observed


class Recorder:
    """Notes, in the order of the events, what a subject made of them."""

    def __init__(self) -> None:
        self.records: list[Recorded] = []
        self._latest: dict[NodeId, Recorded] = {}

    def clear(self) -> None:
        """Begin anew."""
        self.records.clear()
        self._latest.clear()

    def input(self, node: NodeId, event: Event, outcome: Outcome, state: Observed) -> None:
        latest = self._latest.get(node)
        record = Recorded(node, latest.seq + 1 if latest else 1, event, outcome, None, state)
        self._latest[node] = record
        self.records.append(record)

    def drained(self, node: NodeId, actions: tuple[Action, ...], state: Observed) -> None:
        record = self._latest[node]
        record.actions = (record.actions or ()) + actions
        record.state = state
