"""The lines of the subject protocol, written and read as the fast path of audits does.

Without dictionaries and models in between, and so in little time where it is compiled.  An answer
that is not written as we would write it is read by the models.
"""

from __future__ import annotations

from pydantic_core import from_json

from conformance.native.reading import UNDECIDED, Reader
from conformance.native.text import (
    action_text,
    config_text,
    event_text,
    message_of,
    message_text,
    outcome_text,
    state_text,
)
from conformance.observe.observed import Observed
from conformance.subjects.foreign.protocol import Answered, read_answer
from conformance.trace.plain import request_line
from spec import values as v


def request(node: v.NodeId, event: v.Event | None, drain: bool = True) -> bytes:
    """What `request_line` writes."""
    if event is None or isinstance(event, (v.Start, v.Restart)):
        return request_line(node, event, drain)
    held = "" if drain else ',"drain":false'
    return f'{{"node":{node},"event":{event_text(event)}{held}}}'.encode()


def answer(
    event: v.Event | None,
    outcome: v.Outcome,
    actions: tuple[v.Action, ...] | None,
    state: Observed,
) -> bytes:
    """What `answer_line` writes.  ValueError for what no line can say."""
    told = "null" if event is None else outcome_text(event, outcome)
    drained = "" if actions is None else f',"actions":[{_actions_text(actions)}]'
    shown = state_text(state, config_text(state.config))
    return f'{{"outcome":{told}{drained},"state":{shown}}}'.encode()


def _actions_text(actions: tuple[v.Action, ...]) -> str:
    texts: list[str] = []
    for action in actions:
        message = message_of(action)
        texts.append(action_text(action, "" if message is None else message_text(message)))
    return ",".join(texts)


class AnswerReader:
    """Reads answers; as a rule one object for equal configurations, and for equal commands."""

    def __init__(self) -> None:
        self._reader = Reader()

    def read(self, line: bytes, event: v.Event) -> Answered:
        """The answer to an event and the drain after it.  BadAnswerError."""
        try:
            answered = self._quickly(line, event)
            if line == answer(event, answered.outcome, answered.actions, answered.state):
                return answered
        except UNDECIDED:
            pass
        return read_answer(line, event, drained=True)

    def _quickly(self, line: bytes, event: v.Event) -> Answered:
        plain, reader = from_json(line), self._reader
        outcome = reader.outcome(event, plain["outcome"])
        return Answered(outcome, reader.actions(plain["actions"]), reader.state(plain["state"]))
