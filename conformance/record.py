"""A record of a trace in the vocabulary of the specification."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from conformance.trace.files import TraceReader
from conformance.trace.model import Checkpoint as CheckpointEvent
from conformance.trace.translate import (
    Checkpoint,
    Observed,
    Told,
    actions_to_spec,
    checkpoint_to_spec,
    event_to_spec,
    outcome_to_spec,
    state_to_spec,
    told,
)
from spec.values import Action, Event, NodeId, Outcome

__all__ = ["Checkpoint", "Observed", "Recorded", "Told", "records", "told"]


@dataclass(slots=True)
class Recorded:
    """One input to one node, and all that came of it.

    `seq` counts a node's records from 1.  `actions`: what was executed when the node was drained
    right after this input; None where it was not.  `state`: what was then seen of the node.
    """

    node: NodeId
    seq: int
    event: Event | Checkpoint
    outcome: Outcome
    actions: tuple[Action, ...] | None
    state: Observed


def records(reader: TraceReader) -> Iterator[Recorded]:
    """The records of a file, one at a time."""
    for record in reader:
        event = record.event
        yield Recorded(
            record.node,
            record.seq,
            checkpoint_to_spec(record.node, event)
            if isinstance(event, CheckpointEvent)
            else event_to_spec(event),
            outcome_to_spec(event, record.outcome),
            actions_to_spec(record.actions),
            state_to_spec(record.state),
        )
