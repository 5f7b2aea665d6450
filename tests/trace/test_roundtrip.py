"""Nothing is lost between the specification, the models, and files."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from conformance.observe.observed import Checkpoint, Observed, recorded_outcome
from conformance.trace import model as t
from conformance.trace import translate as tr
from conformance.trace import vocabulary as w
from conformance.trace.files import TraceWriter, read
from conformance.trace.plain import answer_line, record_line, request_line
from spec import values as v
from tests.trace import models

SMALL = st.integers(0, 5)
NUMBERS = st.one_of(SMALL, st.just(2**64 - 1), st.integers(0, 2**64 - 1))
TERMS = st.one_of(SMALL, st.integers(0, 2**63))
IDS = st.frozensets(NUMBERS, max_size=3)
POSITIONS = st.builds(v.Position, TERMS, NUMBERS)
CONFIGS = st.builds(v.Config, IDS, IDS, IDS)
POSITIVE = st.integers(1, 2**64 - 1)
LIMITS = st.just(v.LIMITS) | st.builds(v.Limits, POSITIVE, POSITIVE, POSITIVE, st.none() | POSITIVE)


@st.composite
def entries_after(draw: st.DrawFn, term: int) -> tuple[v.Entry, ...]:
    """Entries as a leader's log may have them: a term begins with its own entry."""
    entries: list[v.Entry] = []
    for _ in range(draw(st.integers(0, 5))):
        kind = draw(st.sampled_from(["term", "config", "commands"]))
        if kind == "term":
            term += draw(st.integers(0, 3))
            entries.append(v.Entry(term, v.TERM))
        elif kind == "config":
            entries.append(v.Entry(term, draw(CONFIGS)))
        else:
            entries += [v.Entry(term, v.COMMAND)] * draw(st.integers(1, 4))
    return tuple(entries)


@st.composite
def logs(draw: st.DrawFn) -> v.Log:
    position = v.Position(draw(TERMS), draw(SMALL))
    return v.new_log(position, draw(CONFIGS), draw(entries_after(position.term)))


@st.composite
def append_calls(draw: st.DrawFn) -> v.AppendEntriesCall:
    prev = draw(POSITIONS)
    numbers = draw(st.tuples(NUMBERS, TERMS, NUMBERS, NUMBERS))
    return v.AppendEntriesCall(*numbers, prev, draw(entries_after(prev.term)))


@st.composite
def appends(draw: st.DrawFn) -> v.AppendLogEntries:
    prev = draw(POSITIONS)
    return v.AppendLogEntries(prev, draw(entries_after(prev.term)))


MESSAGES: st.SearchStrategy[v.Message] = st.one_of(
    st.builds(v.RequestVoteCall, NUMBERS, TERMS, NUMBERS, POSITIONS, st.booleans()),
    st.builds(v.RequestVoteReply, NUMBERS, TERMS, NUMBERS, st.booleans()),
    append_calls(),
    st.builds(v.AppendEntriesReply, NUMBERS, TERMS, NUMBERS, POSITIONS, st.booleans()),
)
ACTIONS: st.SearchStrategy[v.Action] = st.one_of(
    st.just(v.SetElectionTimeout()),
    st.builds(v.SaveCurrentTerm, TERMS),
    st.builds(v.SaveVotedFor, st.none() | NUMBERS),
    st.builds(v.BroadcastMessage, MESSAGES, IDS.map(sorted).map(tuple)),
    appends(),
    st.builds(v.SendMessage, NUMBERS, MESSAGES),
    st.builds(v.InstallSnapshot, NUMBERS),
)
DRAINS = st.none() | st.lists(ACTIONS, max_size=3).map(tuple)
DISKS = st.builds(v.Restart, TERMS, st.none() | NUMBERS, logs())
EVENTS: st.SearchStrategy[v.Event] = st.one_of(
    st.sampled_from([v.ProposeCommand(), v.Heartbeat(), v.ElectionTimeout()]),
    st.sampled_from([v.StepDown(), v.CancelTransfer()]),
    st.builds(v.TransferLeadership, NUMBERS),
    st.builds(v.TimeoutNow, TERMS),
    st.builds(v.Start, LIMITS),
    st.builds(v.Restart, TERMS, st.none() | NUMBERS, logs(), LIMITS),
    st.builds(v.CreateCluster, IDS),
    st.builds(v.ProposeConfig, CONFIGS),
    st.builds(v.Receive, MESSAGES),
    st.builds(v.SnapshotInstalled, POSITIONS, CONFIGS),
)
LEADERS = st.one_of(st.tuples(st.none() | NUMBERS, st.just(True)), st.just((None, False)))


@st.composite
def states(draw: st.DrawFn) -> Observed:
    return Observed(
        draw(st.sampled_from(["follower", "candidate", "leader"])),
        draw(TERMS),
        draw(st.none() | NUMBERS),
        draw(NUMBERS),
        draw(POSITIONS),
        draw(POSITIONS),
        draw(CONFIGS),
        *draw(LEADERS),
        draw(st.none() | NUMBERS),
    )


@st.composite
def outcomes(draw: st.DrawFn, event: v.Event) -> v.Outcome:
    refusal = v.Refused("invariant", "why")
    match event:
        case v.CreateCluster() | v.ProposeCommand() | v.ProposeConfig():
            return draw(POSITIONS | st.just(refusal))
        case v.Heartbeat():
            return draw(st.builds(v.Called, NUMBERS) | st.just(True) | st.just(refusal))
        case v.StepDown() | v.TransferLeadership() | v.CancelTransfer() | v.SnapshotInstalled():
            return draw(st.just(True) | st.just(refusal))
        case v.Receive() | v.Restart():
            return draw(st.none() | st.just(refusal))
    return None


@st.composite
def checkpoints(draw: st.DrawFn) -> Checkpoint:
    log = draw(logs())
    indices = st.integers(0, log.last_index)
    of_calls = st.none() | indices, NUMBERS, NUMBERS, st.booleans(), NUMBERS
    progress = st.builds(v.Progress, NUMBERS, indices, *of_calls)
    peers = draw(st.lists(progress, max_size=3))
    peers = sorted({peer.node: peer for peer in peers}.values(), key=lambda peer: peer.node)
    role: v.Role = draw(
        st.one_of(
            st.builds(v.Follower, st.none() | NUMBERS),
            st.builds(v.Candidate, IDS, st.booleans()),
            st.builds(v.Leader, st.just(tuple(peers)), indices, st.none() | NUMBERS),
        )
    )
    vote = draw(st.none() | NUMBERS)
    numbers = draw(TERMS), vote, log, draw(indices), draw(NUMBERS)
    node = v.Node(draw(NUMBERS), role, *numbers, draw(LIMITS))
    return Checkpoint(node, draw(st.lists(ACTIONS, max_size=2).map(tuple)), draw(DISKS))


@st.composite
def record_arguments(draw: st.DrawFn, node: int, seq: int) -> dict[str, Any]:
    event: v.Event = v.Start() if seq == 1 else draw(EVENTS)
    return {
        "node": node,
        "seq": seq,
        "event": event,
        "outcome": draw(outcomes(event)),
        "actions": draw(DRAINS),
        "state": draw(states()),
        "time": draw(st.none() | st.floats(0, 1e9)),
    }


@pytest.mark.parametrize(
    ("values", "there", "back"),
    [
        (EVENTS, models.event_from_spec, tr.event_to_spec),
        (ACTIONS, models.action_from_spec, tr.action_to_spec),
        (MESSAGES, models.message_from_spec, tr.message_to_spec),
        (CONFIGS, models.config_from_spec, tr.config_to_spec),
        (logs(), models.log_from_spec, tr.log_to_spec),
        (POSITIONS, models.position_from_spec, tr.position_to_spec),
        (states(), models.state_from_spec, tr.state_to_spec),
    ],
    ids=["event", "action", "message", "config", "log", "position", "state"],
)
@given(st.data())
def test_a_value_comes_back(
    values: st.SearchStrategy[Any],
    there: Callable[[Any], Any],
    back: Callable[[Any], Any],
    data: st.DataObject,
) -> None:
    value = data.draw(values)
    assert back(there(value)) == value


@given(checkpoints())
def test_checkpoints_come_back(checkpoint: Checkpoint) -> None:
    model = models.checkpoint_from_spec(checkpoint)
    assert tr.checkpoint_to_spec(checkpoint.node.id, model) == checkpoint


@given(st.data(), EVENTS)
def test_outcomes_come_back_but_for_the_reason_of_a_refusal(
    data: st.DataObject, event: v.Event
) -> None:
    outcome = data.draw(outcomes(event))
    model = models.outcome_from_spec(event, outcome)
    assert tr.outcome_to_spec(models.event_from_spec(event), model) == recorded_outcome(outcome)


@given(record_arguments(3, 2))
def test_a_line_made_without_models_is_the_one_that_they_make(arguments: dict[str, Any]) -> None:
    line = record_line(**arguments)
    record = t.Record.model_validate_json(line)
    dumped = record.model_dump_json(exclude_unset=True).encode()
    assert json.loads(dumped) == json.loads(line)
    if arguments["time"] is None:  # pydantic writes some floats in another way
        assert dumped == line
    assert tr.event_to_spec(record.event) == arguments["event"]
    assert tr.actions_to_spec(record.actions) == arguments["actions"]
    assert record.state is not None
    assert tr.state_to_spec(record.state) == arguments["state"]
    assert record.time == arguments["time"]


@given(record_arguments(3, 2))
def test_the_subject_protocol_is_made_of_the_same(arguments: dict[str, Any]) -> None:
    event, after = arguments["event"], arguments["state"]
    answer = t.Answer.model_validate_json(
        answer_line(event, arguments["outcome"], arguments["actions"], after)
    )
    assert tr.actions_to_spec(answer.actions) == arguments["actions"]
    for drain in (None, False):
        line = request_line(3, event, drain is None)
        request = t.Request.model_validate_json(line)
        assert (request.node, request.drain) == (3, drain)
        assert request.event is not None
        assert tr.event_to_spec(request.event) == event


@given(record_arguments(3, 2))
def test_a_node_can_be_drained_alone(arguments: dict[str, Any]) -> None:
    request = t.Request.model_validate_json(request_line(3, None))
    assert (request.node, request.event, request.drain) == (3, None, None)
    line = answer_line(None, None, arguments["actions"] or (), arguments["state"])
    answer = t.Answer.model_validate_json(line)
    assert (answer.outcome, tr.state_to_spec(answer.state)) == (None, arguments["state"])
    with pytest.raises(ValidationError, match="neither an event nor a drain"):
        t.Request.model_validate_json(request_line(3, None, drain=False))


@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
@given(st.data())
def test_records_come_back_from_files(
    suffix: str, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("files") / f"trace.jsonl{suffix}"
    seqs = {0: itertools.count(1), 7: itertools.count(1)}
    records = []
    for node in data.draw(st.lists(st.sampled_from([0, 7]), max_size=6)):
        arguments = data.draw(record_arguments(node, next(seqs[node])))
        records.append(t.Record.model_validate_json(record_line(**arguments)))
    with TraceWriter(path, implementation="Größe \N{SNOWMAN}", nodes=2) as writer:
        for record in records:
            writer.write(record)
    with read(path) as reader:
        assert reader.header.implementation == "Größe \N{SNOWMAN}"
        assert list(reader) == records
    again = Path(str(path).replace("trace", "again"))
    with TraceWriter(again, implementation="Größe \N{SNOWMAN}", nodes=2) as writer:
        for record in records:
            writer.write(record)
    assert again.read_bytes() == path.read_bytes()


def test_commands_of_a_run_are_one_object_and_one_item() -> None:
    items: w.Entries = (w.TermEntry(term=2), w.Commands(commands=1000), "command")
    entries = tr.entries_to_spec(1, items)
    assert len(entries) == 1002
    assert len({id(entry) for entry in entries[1:]}) == 1
    assert models.entries_from_spec(1, entries) == (w.TermEntry(term=2), w.Commands(commands=1001))


@pytest.mark.parametrize(
    "entry",
    [v.Entry(2, v.TERM), v.Entry(4, v.COMMAND), v.Entry(2, v.COMMAND), v.Entry(4, v.NO_CONFIG)],
)
def test_an_entry_whose_term_cannot_be_written_is_refused(entry: v.Entry) -> None:
    with pytest.raises(ValueError, match=f"of term {entry.term} after one of term 3"):
        models.entries_from_spec(3, (entry,))


def test_terms_that_fall_are_refused_in_the_translation_too() -> None:
    with pytest.raises(ValueError, match="an entry of term 1 after one of term 2"):
        tr.entries_to_spec(2, (w.TermEntry(term=1),))


@pytest.mark.parametrize("event", [v.Start(), v.ElectionTimeout()])
def test_what_is_never_refused_cannot_be_written_as_refused(event: v.Event) -> None:
    with pytest.raises(ValueError, match="was refused"):
        models.outcome_from_spec(event, v.Refused("invariant"))


def test_a_checkpoint_is_no_event() -> None:
    checkpoint = Checkpoint(v.Node(0), (), v.Restart(0, None, v.Log()))
    with pytest.raises(ValueError, match="checkpoint"):
        tr.event_to_spec(models.checkpoint_from_spec(checkpoint))


def test_an_entry_list_too_long_to_read_is_not_written() -> None:
    entries = (v.Entry(0, v.COMMAND),) * (w.MAX_COMMANDS + 1)
    with pytest.raises(ValueError, match="16777217 entries"):
        models.entries_from_spec(0, entries)
