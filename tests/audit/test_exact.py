"""The exact audit: what the library does conforms; every alteration is found where it is."""

from __future__ import annotations

import gc
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from conformance.audit.exact import ExactAudit
from conformance.audit.run import audit
from conformance.crate import DECISIONS, IN_LIBRARY, Decision, as_in_crate
from conformance.library import LibrarySubject
from conformance.patched import library
from conformance.record import Checkpoint, Recorded
from conformance.subject import SpecSubject
from conformance.trace.translate import Observed
from spec.cluster import Disk, Member, persist
from spec.pending import actions as pending_actions
from spec.values import (
    COMMAND,
    Action,
    CreateCluster,
    ElectionTimeout,
    Entry,
    Heartbeat,
    InstallSnapshot,
    NodeId,
    Outcome,
    Position,
    ProposeCommand,
    Receive,
    Restart,
    Start,
)
from tests.conformance.cli_helpers import (
    ALL,
    COMMITTED,
    OPENED,
    VOTE,
    Tape,
    simulated,
    story,
    written,
)

EPISODES = range(32)

Found = tuple[str, NodeId | None, int | None]


def found(recording: Iterable[Recorded]) -> list[Found]:
    judge = ExactAudit()
    for record in recording:
        judge.add(record)
    return [(problem.property, problem.node, problem.seq) for problem in judge.finish()]


def settled(recording: tuple[Recorded, ...]) -> list[int]:
    """Where no crash and no end of the recording may have come in a drain's way."""
    last: dict[NodeId, int] = {}
    places = []
    for at, record in enumerate(recording):
        earlier = last.get(record.node)
        if earlier is not None and not isinstance(record.event, Restart):
            places.append(earlier)
        last[record.node] = at
    return sorted(places)


def with_record(recording: tuple[Recorded, ...], at: int, record: Recorded) -> list[Recorded]:
    return [*recording[:at], record, *recording[at + 1 :]]


def shuffled(recording: Iterable[Recorded], random: Random) -> list[Recorded]:
    """The same records, those of each node in their order."""
    own: dict[NodeId, list[Recorded]] = defaultdict(list)
    order = []
    for record in recording:
        own[record.node].append(record)
        order.append(record.node)
    queues = {node: iter(records) for node, records in own.items()}
    random.shuffle(order)
    return [next(queues[node]) for node in order]


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
    assert sum(isinstance(record.event, Restart) for record in recorded) > 20
    assert sum(record.outcome is False for record in recorded) > 20  # refusals
    cuts = 0
    for episode in EPISODES:
        judge = ExactAudit()
        for record in simulated(episode):
            judge.add(record)
            cuts += judge._nodes[record.node].cut is not None
    assert cuts > 3


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


# Alterations.  Each gives the record instead, or None where it does not apply.


def other_outcome(record: Recorded) -> Recorded | None:
    if isinstance(record.outcome, Position):
        outcome: Outcome = record.outcome._replace(index=record.outcome.index + 1)
    elif isinstance(record.outcome, bool):
        outcome = not record.outcome
        if isinstance(record.event, (ProposeCommand, CreateCluster)):
            outcome = Position(1, 1)
        elif isinstance(record.event, (Receive, Restart)):
            outcome = None
    elif isinstance(record.event, (Receive, Restart)):
        outcome = False
    else:
        return None
    return replace(record, outcome=outcome)


def _acted(record: Recorded, least: int, change: Callable[[list[Action]], None]) -> Recorded | None:
    if record.actions is None or len(record.actions) < least:
        return None
    actions = list(record.actions)
    change(actions)
    return replace(record, actions=tuple(actions))


def first_action_dropped(record: Recorded) -> Recorded | None:
    return _acted(record, 1, lambda actions: actions.__delitem__(0))


def last_action_dropped(record: Recorded) -> Recorded | None:
    """As a crash would; but none came."""
    return _acted(record, 1, lambda actions: actions.__delitem__(-1))


def middle_action_dropped(record: Recorded) -> Recorded | None:
    return _acted(record, 3, lambda actions: actions.__delitem__(1))


def action_changed(record: Recorded) -> Recorded | None:
    return _acted(record, 1, lambda actions: actions.__setitem__(-1, InstallSnapshot(77)))


def action_added(record: Recorded) -> Recorded | None:
    return _acted(record, 2, lambda actions: actions.insert(1, InstallSnapshot(77)))


def action_added_at_the_end(record: Recorded) -> Recorded | None:
    return _acted(record, 0, lambda actions: actions.append(InstallSnapshot(77)))


def actions_swapped(record: Recorded) -> Recorded | None:
    return _acted(record, 2, list[Action].reverse)


ALTERATIONS: list[tuple[str, Callable[[Recorded], Recorded | None]]] = [
    ("SpecifiedOutcome", other_outcome),
    ("SpecifiedActions", first_action_dropped),
    ("SpecifiedActions", last_action_dropped),
    ("SpecifiedActions", middle_action_dropped),
    ("SpecifiedActions", action_changed),
    ("SpecifiedActions", action_added),
    ("SpecifiedActions", action_added_at_the_end),
    ("SpecifiedActions", actions_swapped),
]


@pytest.mark.parametrize(
    ("name", "alter"), ALTERATIONS, ids=[alter.__name__ for _, alter in ALTERATIONS]
)
def test_an_alteration_is_found_where_it_is(
    name: str, alter: Callable[[Recorded], Recorded | None]
) -> None:
    places = [
        (recording, at)
        for recording in map(simulated, EPISODES)
        for at in settled(recording)
        if alter(recording[at]) is not None
    ]
    for recording, at in Random(alter.__name__).sample(places, 15):
        altered = alter(recording[at])
        assert altered is not None
        expected = [(name, altered.node, altered.seq)]
        assert found(with_record(recording, at, altered)) == expected


OTHER_STATE: dict[str, Any] = {
    "role": "nobody",
    "current_term": 999,
    "voted_for": 999,
    "commit_index": 999,
    "last_position": Position(999, 999),
    "snapshot_position": Position(999, 999),
    "config": replace(ALL, non_voters=frozenset({999})),
    "leader": 999,
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
        judge = ExactAudit()
        for one in with_record(recording, at, altered):
            judge.add(one)
        (problem,) = judge.finish()
        assert (problem.property, problem.node, problem.seq) == (
            "SpecifiedState",
            record.node,
            record.seq,
        )
        assert f"state {field}: " in problem.detail


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
    tape = Tape(LibrarySubject())
    for event in (Start(), Receive(OPENED), Receive(VOTE), Receive(VOTE)):
        for node in (1, 2, 3):
            tape.add(event, node)
    altered = [
        replace(record, state=record.state._replace(commit_index=999))
        if record.node != 3 and record.seq in (2, 4)
        else record
        for record in tape.recorder.records
    ]
    assert found(altered) == [("SpecifiedState", 1, 2), ("SpecifiedState", 2, 2)]


# Restarts


def followed_leader() -> list[Recorded]:
    """Node 1 saved a term and two entries."""
    tape = Tape(LibrarySubject())
    tape.add(Start())
    tape.add(Receive(OPENED))
    return tape.recorder.records


def voted() -> list[Recorded]:
    tape = Tape(LibrarySubject())
    tape.add(Start())
    tape.add(Receive(VOTE))
    tape.add(Receive(OPENED))
    return tape.recorder.records


def came_up(recording: list[Recorded], event: Start | Restart) -> list[Recorded]:
    """The recording and a start after it, as the library does that."""
    tape = Tape(LibrarySubject())
    tape.add(event)
    (record,) = tape.recorder.records
    return [*recording, replace(record, seq=recording[-1].seq + 1)]


def disk_of(recording: Iterable[Recorded]) -> Restart:
    """What the executed actions have made durable."""
    disk = Disk()
    for record in recording:
        for action in record.actions or ():
            disk = persist(disk, action)
    return Restart(*disk)


def test_a_restart_with_what_was_saved_conforms() -> None:
    disk = disk_of(voted())
    assert (disk.current_term, disk.voted_for, disk.log.last_index) == (1, 2, 2)
    assert found(came_up(voted(), disk)) == []


@pytest.mark.parametrize(
    "lose",
    [
        lambda disk: replace(disk, current_term=0, log=disk.log.truncated(1)),
        lambda disk: replace(disk, current_term=2),
        lambda disk: replace(disk, voted_for=None),
        lambda disk: replace(disk, voted_for=0),
        lambda disk: replace(disk, log=disk.log.truncated(1)),
        lambda disk: replace(disk, log=disk.log.truncated(0)),
        lambda disk: replace(disk, log=disk.log.appended((Entry(1, COMMAND),))),
        lambda disk: replace(disk, log=disk.log.truncated(1).appended((Entry(1, COMMAND),))),
        lambda disk: Start(),
    ],
    ids=[
        "term",
        "later_term",
        "vote",
        "other_vote",
        "entry",
        "log",
        "more",
        "other_entry",
        "start_again",
    ],
)
def test_a_restart_with_anything_else_is_found(
    lose: Callable[[Restart], Start | Restart],
) -> None:
    recording = voted()
    again = came_up(recording, lose(disk_of(recording)))
    assert found(again) == [("RestartFromDisk", 1, 4)]


@pytest.mark.parametrize("kept", range(4))
def test_a_drain_that_a_crash_cut_short(kept: int) -> None:
    """Fine before a restart with just that and at the end; before anything else it is not."""
    recording = voted()
    whole = recording[1].actions or ()
    assert len(whole) == 4
    cut = [recording[0], replace(recording[1], actions=whole[:kept])]
    assert found(cut) == []
    assert found(came_up(cut, disk_of(cut))) == []
    assert found([*cut, recording[2]]) == [("SpecifiedActions", 1, 2)]
    timer = Tape(LibrarySubject())
    timer.add(Start())
    timer.add(ElectionTimeout())
    assert found([*cut, replace(timer.recorder.records[1], seq=3)]) == [("SpecifiedActions", 1, 2)]
    if disk_of(cut) != disk_of(recording[:2]):
        lied = came_up(cut, disk_of(recording[:2]))
        assert found(lied) == [("RestartFromDisk", 1, 3)]


def test_a_crash_between_the_last_action_and_the_end_of_the_drain() -> None:
    """The end of the drain is what commits; where none came, the node has not committed."""
    tape = Tape(LibrarySubject())
    tape.add(Start())
    tape.add(CreateCluster(frozenset({1})))
    tape.add(Heartbeat())
    start, created, heartbeat = tape.recorder.records
    assert created.state.commit_index == created.state.last_position.index > 0
    cut = [start, replace(created, state=created.state._replace(commit_index=0))]
    assert found(cut) == []
    assert found(came_up(cut, disk_of(cut))) == []
    assert found([*cut, heartbeat]) == [("SpecifiedState", 1, 2)]
    wrong = [start, replace(created, state=created.state._replace(commit_index=1))]
    assert found(wrong) == [("SpecifiedState", 1, 2)]


def test_no_crash_excuses_a_wrong_order() -> None:
    recording = voted()
    whole = recording[1].actions or ()
    cut = [recording[0], replace(recording[1], actions=whole[1:2])]
    assert found(cut) == [("SpecifiedActions", 1, 2)]


def test_no_crash_excuses_a_wrong_outcome() -> None:
    recording = voted()
    cut = replace(recording[1], actions=(recording[1].actions or ())[:1], outcome=False)
    assert found([recording[0], cut]) == [("SpecifiedOutcome", 1, 2)]


def test_no_crash_excuses_a_wrong_state() -> None:
    recording = voted()
    state = recording[1].state._replace(current_term=999)
    cut = replace(recording[1], actions=(recording[1].actions or ())[:1], state=state)
    assert found([recording[0], cut]) == [("SpecifiedState", 1, 2)]


# Pipelining


def test_what_is_not_drained_stays_pending() -> None:
    tape = Tape(LibrarySubject())
    tape.add(Start(), drain=False)
    tape.add(CreateCluster(frozenset({1})), drain=False)
    tape.add(ProposeCommand(), drain=False)
    tape.add(Heartbeat(), drain=False)
    tape.add(ProposeCommand())
    recording = tape.recorder.records
    assert [record.actions is None for record in recording] == [True, True, True, True, False]
    assert found(recording) == []
    # Executed at once, or never, or twice, it is a departure.
    hasty = replace(recording[1], actions=(recording[4].actions or ())[:1])
    assert found([recording[0], hasty, *recording[2:]]) == [("SpecifiedActions", 1, 2)]
    never = [*recording[:4], replace(recording[4], actions=())]
    tape.add(Heartbeat())
    assert found([*never, recording[5]]) == [("SpecifiedActions", 1, 5)]
    twice = replace(recording[5], actions=recording[4].actions)
    assert found([*recording[:5], twice]) == [("SpecifiedActions", 1, 6)]


# Checkpoints


class Following:
    """A specified node that follows a recording, for its checkpoints."""

    def __init__(self) -> None:
        self.subject = SpecSubject()
        self.disk = Disk()

    def take(self, record: Recorded) -> None:
        assert not isinstance(record.event, Checkpoint)
        if isinstance(record.event, Restart):
            self.disk = Disk(*disk_fields(record.event))
        self.subject.handle(record.node, record.event)
        if record.actions is not None:
            self.subject.drain(record.node)
            for action in record.actions:
                self.disk = persist(self.disk, action)

    def checkpoint(self, node: NodeId, seq: int) -> Recorded:
        member: Member = self.subject.members[node]
        checkpoint = Checkpoint(
            member.node, pending_actions(member.pending, member.node), Restart(*self.disk)
        )
        return Recorded(node, seq, checkpoint, None, None, self.subject.observe(node))


def disk_fields(restart: Restart) -> Disk:
    return Disk(restart.current_term, restart.voted_for, restart.log)


def pipelined() -> list[Recorded]:
    """Node 1 leads alone, and at seq 4 owes a write."""
    tape = Tape(LibrarySubject())
    tape.add(Start())
    tape.add(CreateCluster(frozenset({1})))
    tape.add(ProposeCommand())
    tape.add(ProposeCommand(), drain=False)
    tape.add(ProposeCommand())
    tape.add(Heartbeat())
    return tape.recorder.records


@pytest.mark.parametrize("recording", [pipelined, voted], ids=["leader", "follower"])
def test_a_recording_in_two_parts(recording: Callable[[], list[Recorded]], tmp_path: Path) -> None:
    records = recording()
    following = Following()
    for at, record in enumerate(records):
        following.take(record)
        checkpoint = following.checkpoint(1, record.seq + 1)
        rest = [replace(later, seq=later.seq + 1) for later in records[at + 1 :]]
        second = written(tmp_path / f"{at}.jsonl", [checkpoint, *rest])
        assert audit([second]).problems == []
        assert found([*records[: at + 1], checkpoint, *rest]) == []
        if rest:
            wrong = replace(rest[-1], state=rest[-1].state._replace(commit_index=999))
            expected = [("SpecifiedState", 1, wrong.seq)]
            assert found([checkpoint, *rest[:-1], wrong]) == expected


def wrong_checkpoints() -> Iterator[tuple[str, Recorded]]:
    following = Following()
    for record in pipelined()[:4]:
        following.take(record)
    right = following.checkpoint(1, 5)
    event = right.event
    assert isinstance(event, Checkpoint)
    node, disk = event.node, event.disk
    yield "node", replace(right, event=replace(event, node=node._replace(seqno=node.seqno + 1)))
    yield "node", replace(right, event=replace(event, node=node._replace(commit_index=0)))
    yield "node", replace(right, event=replace(event, node=node._replace(current_term=7)))
    shorter = node._replace(log=node.log.truncated(node.log.last_index - 1))
    yield "node", replace(right, event=replace(event, node=shorter))
    yield (
        "node",
        replace(right, event=replace(event, node=node._replace(log=node.log.truncated(0)))),
    )
    yield "pending", replace(right, event=replace(event, pending=()))
    yield "pending", replace(right, event=replace(event, pending=event.pending[:1]))
    yield "disk", replace(right, event=replace(event, disk=replace(disk, voted_for=None)))
    lost = replace(disk, log=disk.log.truncated(disk.log.last_index - 1))
    yield "disk", replace(right, event=replace(event, disk=lost))


@pytest.mark.parametrize(("part", "wrong"), list(wrong_checkpoints()))
def test_a_checkpoint_that_the_records_did_not_lead_to(part: str, wrong: Recorded) -> None:
    judge = ExactAudit()
    for record in [*pipelined()[:4], wrong]:
        judge.add(record)
    (problem,) = judge.finish()
    assert (problem.property, problem.node, problem.seq) == ("Checkpoint", 1, 5)
    assert problem.detail.startswith(part)


def test_a_checkpoint_of_a_new_node_after_other_records() -> None:
    """As if the node had lost everything; it may not pass for the beginning of a recording."""
    following = Following()
    following.take(pipelined()[0])
    for recording in (pipelined()[:4], voted()):
        blank = following.checkpoint(1, recording[-1].seq + 1)
        assert found([*recording, blank]) == [("Checkpoint", 1, blank.seq)]
        # Other nodes' records change nothing, nor does it for the first of this node.
        others = [replace(record, node=4) for record in pipelined()[:1]]
        assert found([*others, replace(blank, seq=1)]) == []


def test_a_checkpoint_and_the_state_beside_it() -> None:
    following = Following()
    for record in voted():
        following.take(record)
    right = following.checkpoint(1, 9)
    assert found([right]) == []
    wrong = replace(right, state=right.state._replace(current_term=7))
    assert found([wrong]) == [("SpecifiedState", 1, 9)]


def test_after_a_checkpoint_a_restart_finds_its_disk() -> None:
    following = Following()
    for record in voted():
        following.take(record)
    right = following.checkpoint(1, 9)
    assert found(came_up([right], disk_of(voted()))) == []
    lost = replace(disk_of(voted()), voted_for=None)
    assert found(came_up([right], lost)) == [("RestartFromDisk", 1, 10)]


# Which decision it is


@pytest.mark.parametrize("name", IN_LIBRARY)
def test_the_decision_that_a_copy_of_the_library_lacks_is_named(name: str, tmp_path: Path) -> None:
    with library(*IN_LIBRARY[name]) as copy:
        recording = story(name, LibrarySubject(copy))
    (problem,) = audit([written(tmp_path / "trace.jsonl", recording)]).problems
    assert (problem.node, problem.seq) == (1, recording[-2].seq)
    assert problem.detail.startswith(f"{name} (")


@pytest.mark.parametrize("decision", DECISIONS, ids=[decision.name for decision in DECISIONS])
def test_the_decision_that_a_rule_takes_back_is_named(decision: Decision, tmp_path: Path) -> None:
    recording = story(decision.name, SpecSubject(as_in_crate(decision)))
    (problem,) = audit([written(tmp_path / "trace.jsonl", recording)]).problems
    assert (problem.node, problem.seq) == (1, recording[-2].seq)
    assert problem.detail.startswith(f"{decision.name} (")
    assert found(story(decision.name, LibrarySubject())) == []


def test_what_no_decision_explains_has_no_name() -> None:
    recording = voted()
    recording[1] = replace(recording[1], state=recording[1].state._replace(commit_index=7))
    judge = ExactAudit()
    for record in recording:
        judge.add(record)
    (problem,) = judge.finish()
    assert problem.detail == "state commit_index: specified 0; recorded 7"


# Memory


def test_the_audit_keeps_no_records() -> None:
    def live() -> int:
        return sum(type(one) is Recorded for one in gc.get_objects())

    def long() -> Iterator[Recorded]:
        tape = Tape(LibrarySubject())
        tape.add(Start())
        tape.add(Receive(COMMITTED))
        call = COMMITTED
        for seqno in range(3, 2000):
            yield tape.recorder.records.pop(0)
            call = replace(call, seqno=seqno, prev_position=Position(1, 2), entries=())
            tape.add(Receive(call))

    gc.collect()
    judge, before, most = ExactAudit(), live(), 0
    for number, record in enumerate(long()):
        judge.add(record)
        if number % 400 == 399:
            most = max(most, live() - before)
    assert judge.checked["events"] > 1900
    assert judge.finish() == []
    assert 0 < most < 10
