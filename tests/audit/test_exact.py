"""The exact audit: what the library does conforms; every alteration is found where it is."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any, TypeAlias

import pytest

from conformance.audit.decisions import DECISIONS, as_in_crate
from conformance.audit.exact import ExactAudit
from conformance.audit.run import audit
from conformance.mutants.planted.crate import IN_LIBRARY
from conformance.observe.observed import Observed
from conformance.observe.recorded import Recorded
from conformance.observe.show import FIELDS
from conformance.subjects.library import LibrarySubject
from conformance.subjects.mutant import Mutant
from conformance.subjects.patched import patched_library
from conformance.subjects.subject import SpecSubject
from spec import values as v
from tests.audit.judged import Found, followed_leader, found, problems, voted
from tests.support.recordings import (
    ALL,
    COMMITTED,
    OPENED,
    VOTE,
    by_node,
    shuffled,
    simulated,
    story,
    written,
)
from tests.support.tape import Tape

EPISODES = range(32)
Actions: TypeAlias = tuple[v.Action, ...]


def settled(recording: tuple[Recorded, ...]) -> list[int]:
    """Where no crash and no end of the recording may have come in a drain's way."""
    last: dict[v.NodeId, int] = {}
    places = []
    for at, record in enumerate(recording):
        earlier = last.get(record.node)
        if earlier is not None and not isinstance(record.event, v.Restart):
            places.append(earlier)
        last[record.node] = at
    return sorted(places)


def with_record(recording: tuple[Recorded, ...], at: int, record: Recorded) -> list[Recorded]:
    return [*recording[:at], record, *recording[at + 1 :]]


def cut_short(recording: tuple[Recorded, ...]) -> list[Found]:
    """Drains that nothing but the restart after them excuses, as what would else be wrong."""
    return [
        problem
        for own in by_node(recording).values()
        for at, record in enumerate(own)
        if at and isinstance(record.event, v.Restart)
        for problem in found([*own[:at], replace(own[at - 1], seq=record.seq, event=v.Heartbeat())])
        if problem[2] == own[at - 1].seq
    ]


# What conforms


@pytest.mark.parametrize("episode", EPISODES)
def test_what_the_library_does_conforms(episode: int, tmp_path: Path) -> None:
    recording = simulated(episode)
    report = audit([written(tmp_path / "trace.jsonl.gz", recording)])
    assert (report.verdict, report.problems) == ("conforms", [])
    assert report.events == len(recording)
    assert report.files[0].level == "exact"
    drains = sum(record.actions is not None for record in recording)
    assert report.checked["exact drains"] == drains


def test_the_recordings_have_what_is_hard_to_judge() -> None:
    recorded = [record for episode in EPISODES for record in simulated(episode)]
    assert sum(record.actions is None for record in recorded) > 100  # pipelining
    assert sum(isinstance(record.event, v.Restart) for record in recorded) > 20
    assert sum(record.outcome is False for record in recorded) > 20  # refusals
    assert sum(len(cut_short(simulated(episode))) for episode in EPISODES) > 3


@pytest.mark.parametrize("episode", EPISODES)
def test_the_order_of_different_nodes_does_not_matter(episode: int) -> None:
    recording = simulated(episode)
    random = Random(episode)
    assert found(shuffled(recording, random)) == []
    at = random.choice(settled(recording) or [0])
    state = recording[at].state
    altered = with_record(
        recording, at, replace(recording[at], state=state._replace(commit_index=10**6))
    )
    expected = found(altered)
    assert len(expected) == 1
    assert found(shuffled(altered, random)) == expected


@pytest.mark.parametrize("episode", EPISODES)
def test_a_recording_may_end_anywhere(episode: int) -> None:
    recording, random = simulated(episode), Random(episode)
    for _ in range(3):
        assert found(recording[: random.randint(0, len(recording))]) == []


# Alterations


def other_outcome(record: Recorded) -> Recorded | None:
    if isinstance(record.outcome, v.Position):
        outcome: v.Outcome = record.outcome._replace(index=record.outcome.index + 1)
    elif isinstance(record.outcome, bool):
        outcome = not record.outcome
        if isinstance(record.event, (v.ProposeCommand, v.CreateCluster)):
            outcome = v.Position(1, 1)
        elif isinstance(record.event, (v.Receive, v.Restart)):
            outcome = None
    elif isinstance(record.event, (v.Receive, v.Restart)):
        outcome = False
    else:
        return None
    return replace(record, outcome=outcome)


ANOTHER = v.InstallSnapshot(77)
OTHER_ACTIONS: dict[str, tuple[int, Callable[[Actions], Actions]]] = {
    "first_action_dropped": (1, lambda actions: actions[1:]),
    # As a crash would; but none came.
    "last_action_dropped": (1, lambda actions: actions[:-1]),
    "middle_action_dropped": (3, lambda actions: (actions[0], *actions[2:])),
    "action_changed": (1, lambda actions: (*actions[:-1], ANOTHER)),
    "action_added": (2, lambda actions: (actions[0], ANOTHER, *actions[1:])),
    "action_added_at_the_end": (0, lambda actions: (*actions, ANOTHER)),
    "actions_swapped": (2, lambda actions: actions[::-1]),
}
"""By name: how many actions there have to be, and those instead."""


def altered(record: Recorded, name: str) -> Recorded | None:
    """The record instead, or None where there is nothing to alter."""
    if name == "other_outcome":
        return other_outcome(record)
    least, change = OTHER_ACTIONS[name]
    if record.actions is None or len(record.actions) < least:
        return None
    return replace(record, actions=change(record.actions))


@pytest.mark.parametrize("name", ["other_outcome", *OTHER_ACTIONS])
def test_an_alteration_is_found_where_it_is(name: str) -> None:
    places = [
        (recording, at, other)
        for recording in map(simulated, EPISODES)
        for at in settled(recording)
        if (other := altered(recording[at], name)) is not None
    ]
    what = "SpecifiedOutcome" if name == "other_outcome" else "SpecifiedActions"
    for recording, at, other in Random(name).sample(places, 15):
        assert found(with_record(recording, at, other)) == [(what, other.node, other.seq)]


OTHER_STATE: dict[str, Any] = {
    "role": "nobody",
    "current_term": 999,
    "voted_for": 999,
    "commit_index": 999,
    "last_position": v.Position(999, 999),
    "snapshot_position": v.Position(999, 999),
    "config": replace(ALL, non_voters=frozenset({999})),
    "leader": 999,
    "confirmed": 999,
}


def test_every_field_of_the_state_is_altered() -> None:
    assert set(OTHER_STATE) == set(Observed._fields) - {"leader_given"}


@pytest.mark.parametrize("field", OTHER_STATE)
def test_another_state_is_found_where_it_is(field: str) -> None:
    places = [(episode, at) for episode in EPISODES for at in settled(simulated(episode))]
    for episode, at in Random(field).sample(places, 5):
        recording = simulated(episode)
        record = recording[at]
        altered = replace(record, state=record.state._replace(**{field: OTHER_STATE[field]}))
        (problem,) = problems(with_record(recording, at, altered))
        assert (problem.property, problem.node, problem.seq) == (
            "SpecifiedState",
            record.node,
            record.seq,
        )
        assert f"{FIELDS.get(field, field)}: " in problem.detail


def test_a_state_may_leave_out_what_is_confirmed_and_a_heartbeat_its_number() -> None:
    """As releases did that told neither."""

    def older(record: Recorded) -> Recorded:
        outcome = True if isinstance(record.outcome, v.Called) else record.outcome
        return replace(record, outcome=outcome, state=record.state._replace(confirmed=None))

    recording = simulated(3)
    assert any(isinstance(record.outcome, v.Called) for record in recording)
    assert any(record.state.confirmed is not None for record in recording)
    assert found(map(older, recording)) == []


def test_a_state_may_leave_the_leader_out() -> None:
    assert (
        found(
            replace(record, state=record.state._replace(leader=None, leader_given=False))
            for record in simulated(3)
        )
        == []
    )


def test_a_leader_that_is_given_as_none_is_one() -> None:
    tape = followed_leader()
    (at,) = [at for at, one in enumerate(tape) if one.state.leader is not None][:1]
    tape[at] = replace(tape[at], state=tape[at].state._replace(leader=None))
    assert found(tape) == [("SpecifiedState", 1, at + 1)]


def test_each_node_is_judged_up_to_its_first_departure() -> None:
    tape = Tape()
    for event in (v.Start(), v.Receive(OPENED), v.Receive(VOTE), v.Receive(VOTE)):
        for node in (1, 2, 3):
            tape.drive(event, node=node)
    altered = [
        replace(record, state=record.state._replace(commit_index=999))
        if record.node != 3 and record.seq in (2, 4)
        else record
        for record in tape.records
    ]
    assert found(altered) == [("SpecifiedState", 1, 2), ("SpecifiedState", 2, 2)]


# Which decision it is


@pytest.mark.parametrize("name", IN_LIBRARY)
def test_the_decision_that_a_copy_of_the_library_lacks_is_named(name: str, tmp_path: Path) -> None:
    with patched_library(*IN_LIBRARY[name]) as copy:
        recording = story(name, LibrarySubject(copy))
    (problem,) = audit([written(tmp_path / "trace.jsonl", recording)]).problems
    assert (problem.node, problem.seq) == (1, recording[-2].seq)
    assert problem.detail.startswith(f"{name} (")


@pytest.mark.parametrize("decision", DECISIONS, ids=[decision.name for decision in DECISIONS])
def test_the_decision_that_a_rule_takes_back_is_named(decision: Mutant, tmp_path: Path) -> None:
    recording = story(decision.name, SpecSubject(as_in_crate(decision)))
    (problem,) = audit([written(tmp_path / "trace.jsonl", recording)]).problems
    assert (problem.node, problem.seq) == (1, recording[-2].seq)
    assert problem.detail.startswith(f"{decision.name} (")
    assert found(story(decision.name, LibrarySubject())) == []


def test_what_no_decision_explains_has_no_name() -> None:
    recording = voted()
    recording[1] = replace(recording[1], state=recording[1].state._replace(commit_index=7))
    (problem,) = problems(recording)
    assert problem.detail == "committed: specified 0; recorded 7"


# Memory


def test_the_audit_keeps_no_records() -> None:
    def live() -> int:
        return sum(type(one) is Recorded for one in gc.get_objects())

    def long() -> Iterator[Recorded]:
        tape = Tape().drive(v.Start(), v.Receive(COMMITTED))
        call = COMMITTED
        for seqno in range(3, 2000):
            yield tape.records.pop(0)
            call = replace(call, seqno=seqno, prev_position=v.Position(1, 2), entries=())
            tape.drive(v.Receive(call))

    gc.collect()
    judge, before, most = ExactAudit(), live(), 0
    for number, record in enumerate(long()):
        judge.add(record)
        if number % 400 == 399:
            most = max(most, live() - before)
    assert judge.checked["events"] > 1900
    assert judge.finish() == []
    assert 0 < most < 10
