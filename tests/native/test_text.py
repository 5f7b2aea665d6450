"""What the fast path writes and reads is what the models do."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.native import text
from conformance.native.reading import BOUND, MAX_ENTRIES, UNDECIDED, Reader, is_time
from conformance.native.safety import actions_text
from conformance.observe.observed import Observed, recorded_outcome
from conformance.trace.files import entries_in_line
from conformance.trace.model import Record, entries_in
from conformance.trace.plain import record_line
from spec import values as v
from tests.trace.test_roundtrip import DRAINS, EVENTS, outcomes, states

TAKEN = EVENTS.filter(lambda event: not isinstance(event, (v.Start, v.Restart)))


def line(
    event: v.Event, outcome: v.Outcome, actions: tuple[v.Action, ...] | None, state: Observed
) -> bytes:
    """As the fast path writes it."""
    written = f"{text.NODE}3{text.SEQ}7{text.EVENT}{text.event_text(event)}"
    written += text.OUTCOME + text.outcome_text(event, outcome)
    if actions is not None:
        written += f"{text.ACTIONS}{actions_text(actions)}]"
    config = text.config_text(state.config)
    return f"{written}{text.STATE}{text.state_text(state, config)}}}".encode()


@given(st.data(), TAKEN, DRAINS, states())
def test_a_line_is_that_of_a_recording(
    data: st.DataObject,
    event: v.Event,
    actions: tuple[v.Action, ...] | None,
    state: Observed,
) -> None:
    outcome = data.draw(outcomes(event))
    written = line(event, outcome, actions, state)
    assert written == record_line(3, 7, event, outcome, actions, state)
    record = Record.model_validate_json(written)
    counted = entries_in(record) if b'"commands"' in written else 0
    assert entries_in_line(written) == counted
    plain, reader = json.loads(written), Reader()
    try:
        read_event = reader.event(plain["event"])
        read_outcome = reader.outcome(event, plain["outcome"])
        drained = plain.get("actions")
        read_actions = None if drained is None else reader.actions(drained)
        read_state = reader.state(plain["state"])
    except ValueError:  # which is how a large number is left to the models
        assert max(map(int, _numbers(plain))) >= BOUND
        return
    assert read_event == event
    assert read_outcome == recorded_outcome(outcome)
    assert read_actions == actions
    told = state if state.leader_given else state._replace(leader=None)
    assert read_state == told


def _numbers(plain: object) -> list[int]:
    if isinstance(plain, dict):
        return [number for value in plain.values() for number in _numbers(value)]
    if isinstance(plain, list):
        return [number for value in plain for number in _numbers(value)]
    return [plain] if isinstance(plain, int) else [0]


def test_what_no_trace_can_say_is_not_written() -> None:
    falling = (v.Entry(2, v.TERM), v.Entry(1, v.TERM))
    opening_nothing = (v.Entry(5, v.COMMAND),)
    for entries in (falling, opening_nothing):
        with pytest.raises(ValueError):
            text.entries_text(0, entries)
    with pytest.raises(ValueError):
        text.outcome_text(v.ElectionTimeout(), v.Refused("invariant"))
    for event in (v.Start(), v.Restart(0, None, v.Log())):
        with pytest.raises(ValueError):
            text.event_text(event)


@pytest.mark.parametrize(
    "plain",
    [
        {"kind": "timeout_now", "term": 1.0},
        {"kind": "timeout_now", "term": -1},
        {"kind": "timeout_now", "term": "1"},
        {"kind": "timeout_now", "term": None},
        {"kind": "timeout_now", "term": BOUND},
        {"kind": "timeout_now"},
        {"kind": "start"},
        {"kind": ["heartbeat"]},
        {"kind": "message", "message": {"type": "other", "from": 1, "term": 1, "seqno": 1}},
    ],
)
def test_what_is_no_such_event_is_left_to_the_models(plain: dict[str, object]) -> None:
    with pytest.raises(UNDECIDED):
        Reader().event(plain)


def test_nobody_is_sent_a_broadcast_twice() -> None:
    message = {"type": "request_vote_reply", "from": 1, "term": 1, "seqno": 1, "vote_granted": True}
    action = {"type": "broadcast_message", "to": [2, 3], "message": message}
    assert Reader().action(action) == v.BroadcastMessage(v.RequestVoteReply(1, 1, 1, True), (2, 3))
    with pytest.raises(UNDECIDED):
        Reader().action(action | {"to": [2, 2]})


def test_what_is_true_is_not_written_as_one() -> None:
    event = Reader().event({"kind": "timeout_now", "term": True})
    assert text.event_text(event) != '{"kind":"timeout_now","term":true}'


def test_long_lists_are_left_to_the_models() -> None:
    reader = Reader()
    assert len(reader.entries(1, [{"commands": MAX_ENTRIES}])) == MAX_ENTRIES
    with pytest.raises(ValueError):
        reader.entries(1, [{"commands": MAX_ENTRIES}, {"term": 2}])


@pytest.mark.parametrize(
    ("event", "plain"),
    [
        (v.Receive(v.RequestVoteReply(1, 1, 1, True)), True),
        (v.Receive(v.RequestVoteReply(1, 1, 1, True)), {"seqno": 1}),
        (v.ElectionTimeout(), False),
        (v.Heartbeat(), None),
        (v.Heartbeat(), {"term": 1, "index": 1}),
        (v.ProposeCommand(), True),
        (v.ProposeCommand(), {"seqno": 1}),
        (v.StepDown(), {"term": 1, "index": 1}),
    ],
)
def test_an_outcome_that_the_event_cannot_have(event: v.Event, plain: object) -> None:
    with pytest.raises(UNDECIDED):
        Reader().outcome(event, plain)


@pytest.mark.parametrize("time", ["1.5", "-0.25", "1e+16", "12", "1e-07"])
def test_a_time_as_it_is_written(time: str) -> None:
    assert is_time(time)
    record = record_line(1, 2, v.Heartbeat(), False, None, _state()).decode()
    Record.model_validate_json(record.replace(text.EVENT, f"{text.TIME}{time}{text.EVENT}"))


@pytest.mark.parametrize("time", ["1.50", "1E3", "01", "nan", "inf", "1e999", "1_0", "0" * 30])
def test_another_spelling_of_a_time(time: str) -> None:
    assert not is_time(time)


@pytest.mark.parametrize("time", ["", "\xb2", "now"])
def test_what_is_no_time(time: str) -> None:
    """A digit of latin-1 that is none of JSON's, for one."""
    with pytest.raises(UNDECIDED):
        is_time(time)


def _state() -> Observed:
    return Observed("follower", 0, None, 0, v.ZERO, v.ZERO, v.NO_CONFIG)
