"""The lines of the subject protocol as values of the specification."""

from __future__ import annotations

import json
from typing import Final, NamedTuple

from pydantic import ValidationError

import conformance.trace.model as t
from conformance.observe.observed import Observed, RecordedOutcome
from conformance.subjects.foreign.process import BadAnswerError
from conformance.trace.errors import explain
from conformance.trace.translate import actions_to_spec, position_to_spec, state_to_spec
from spec import values as v

VERSIONS: Final = (1,)
"""Those that this harness speaks, the preferred one first."""

OFFER: Final = json.dumps({"format": t.SUBJECT, "versions": VERSIONS}).encode()

_OUTCOMES: Final[dict[type, tuple[str, ...]]] = {
    v.Start: t.Start.OUTCOMES,
    v.Restart: t.Restart.OUTCOMES,
    v.CreateCluster: t.CreateCluster.OUTCOMES,
    v.ProposeCommand: t.ProposeCommand.OUTCOMES,
    v.ProposeConfig: t.ProposeConfig.OUTCOMES,
    v.Heartbeat: t.Heartbeat.OUTCOMES,
    v.ElectionTimeout: t.ElectionTimeout.OUTCOMES,
    v.StepDown: t.StepDown.OUTCOMES,
    v.TransferLeadership: t.TransferLeadership.OUTCOMES,
    v.CancelTransfer: t.CancelTransfer.OUTCOMES,
    v.TimeoutNow: t.TimeoutNow.OUTCOMES,
    v.Receive: t.Receive.OUTCOMES,
    v.SnapshotInstalled: t.SnapshotInstalled.OUTCOMES,
    type(None): ("null",),
}
"""The outcomes that an event may have; None is a drain alone."""


class Answered(NamedTuple):
    """What a subject answered to one request; `actions`: None where it was not to drain."""

    outcome: RecordedOutcome
    actions: tuple[v.Action, ...] | None
    state: Observed


def read_hello(line: bytes) -> t.Hello:
    """The subject's first line.  BadAnswerError where this harness cannot go on with it."""
    try:
        hello = t.Hello.model_validate_json(line)
    except ValidationError as error:
        problem, expected = explain(line, error)
        raise BadAnswerError(f"its hello: {problem}; expected {expected}") from error
    if hello.version not in VERSIONS:
        offered = ", ".join(map(str, VERSIONS))
        raise BadAnswerError(f"its hello: version is {hello.version}; expected {offered}")
    return hello


def read_answer(line: bytes, event: v.Event | None, drained: bool) -> Answered:
    """BadAnswerError for what is no answer to that request."""
    try:
        answer = t.Answer.model_validate_json(line)
    except ValidationError as error:
        problem, expected = explain(line, error)
        raise BadAnswerError(f"{problem}; expected {expected}") from error
    name = t.name_of_outcome(answer.outcome)
    possible = _OUTCOMES[type(event)]
    if name not in possible:
        raise BadAnswerError(f"outcome is {name}; expected {' or '.join(possible)}")
    if (answer.actions is None) == drained:
        if drained:
            raise BadAnswerError("actions is missing; expected a list, as it was to drain")
        raise BadAnswerError("actions; expected no such field, as it was not to drain")
    return Answered(
        _outcome(answer.outcome, event),
        actions_to_spec(answer.actions),
        state_to_spec(answer.state),
    )


def _outcome(outcome: t.Outcome, event: v.Event | None) -> RecordedOutcome:
    """False is a refusal, which a proposal tells by null."""
    if outcome is None:
        proposal = isinstance(event, v.CreateCluster | v.ProposeCommand | v.ProposeConfig)
        return False if proposal else None
    if isinstance(outcome, t.Called):
        return v.Called(outcome.seqno)
    return outcome if isinstance(outcome, bool) else position_to_spec(outcome)
