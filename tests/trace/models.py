"""The trace's models of the specification's values, for tests of the way back.

The values are checked as they are made: ValueError for one that no trace has.
"""

from __future__ import annotations

from pydantic import TypeAdapter

from conformance.observe.observed import Checkpoint, Observed
from conformance.trace import model as t
from conformance.trace import plain as p
from conformance.trace import vocabulary as w
from spec import values as v

_EVENT: TypeAdapter[t.Input] = TypeAdapter(t.InputEvent)
_MESSAGE: TypeAdapter[w.Message] = TypeAdapter(w.Message)
_ACTION: TypeAdapter[w.Action] = TypeAdapter(w.Action)
_ENTRIES: TypeAdapter[w.Entries] = TypeAdapter(w.Entries)


def position_from_spec(position: v.Position) -> w.Position:
    return w.Position.model_validate(p.plain_position(position))


def config_from_spec(config: v.Config) -> w.Config:
    return w.Config.model_validate(p.plain_config(config))


def entries_from_spec(term: v.Term, entries: v.Entries) -> w.Entries:
    """The entries that follow one of `term`."""
    return _ENTRIES.validate_python(p.plain_entries(term, entries))


def log_from_spec(log: v.Log) -> w.Log:
    return w.Log.model_validate(p.plain_log(log))


def message_from_spec(message: v.Message) -> w.Message:
    return _MESSAGE.validate_python(p.plain_message(message))


def action_from_spec(action: v.Action) -> w.Action:
    return _ACTION.validate_python(p.plain_action(action))


def event_from_spec(event: v.Event) -> t.Input:
    return _EVENT.validate_python(p.plain_event(event))


def checkpoint_from_spec(checkpoint: Checkpoint) -> t.Checkpoint:
    return t.Checkpoint.model_validate(p.plain_event(checkpoint))


def outcome_from_spec(event: v.Event | Checkpoint, outcome: v.Outcome) -> t.Outcome:
    """False stands for any refusal, as `outcome_to_spec` gives it."""
    plain = p.plain_outcome(event, outcome)
    if isinstance(outcome, v.Called):
        return t.Called.model_validate(plain)
    return w.Position.model_validate(plain) if isinstance(plain, dict) else plain


def state_from_spec(state: Observed) -> t.State:
    return t.State.model_validate(p.plain_state(state))
