"""A record of a trace in the vocabulary of the specification."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from conformance.observe.observed import Observed
from conformance.observe.recorded import Recorded
from conformance.trace.files import TraceReader
from conformance.trace.model import Checkpoint, Record
from conformance.trace.translate import (
    actions_to_spec,
    changed_state,
    checkpoint_to_spec,
    event_to_spec,
    outcome_to_spec,
    state_to_spec,
)
from spec.values import NodeId


def records(
    reader: TraceReader, shown: Callable[[NodeId], Observed | None] | None = None
) -> Iterator[Recorded]:
    """The records of a file, one at a time, each with all of its node's state.

    `shown`: where lines are skipped, what the latest record of a node showed, which may be one.
    """
    states: dict[NodeId, Observed] = {}
    for record in reader:
        if record.changed is not None and shown is not None:
            state = shown(record.node)
            if state is not None:
                states[record.node] = state
        yield recorded(record, states)


def recorded(record: Record, states: dict[NodeId, Observed]) -> Recorded:
    """`states`: of each node what its latest record showed; it is brought up to date."""
    event = record.event
    if record.changed is not None:  # after one with a state, with which every node begins
        state = changed_state(states[record.node], record.changed)
    else:
        assert record.state is not None
        state = state_to_spec(record.state)
    states[record.node] = state
    return Recorded(
        record.node,
        record.seq,
        checkpoint_to_spec(record.node, event)
        if isinstance(event, Checkpoint)
        else event_to_spec(event),
        outcome_to_spec(event, record.outcome),
        actions_to_spec(record.actions),
        state,
    )
