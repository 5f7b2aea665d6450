"""The exact audit where a recording goes on: after a restart, an open drain, a checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from conformance.audit.run import audit
from conformance.observe.observed import Checkpoint
from conformance.observe.recorded import Recorded
from conformance.subjects.subject import SpecSubject
from spec import values as v
from spec.cluster import Disk, Member, persist
from spec.rules import take_all
from tests.audit.judged import came_up, disk_of, found, problems, voted
from tests.support.recordings import ALL, COMMITTED, written
from tests.support.tape import Tape

# Restarts


def test_a_restart_with_what_was_saved_conforms() -> None:
    disk = disk_of(voted())
    assert (disk.current_term, disk.voted_for, disk.log.last_index) == (1, 2, 2)
    assert found(came_up(voted(), disk)) == []


@pytest.mark.parametrize(
    "lose",
    [
        lambda disk: replace(disk, current_term=0, log=disk.log.truncated(1)),
        lambda disk: replace(disk, voted_for=None),
        lambda disk: replace(disk, voted_for=0),
        lambda disk: replace(disk, log=disk.log.truncated(1)),
        lambda disk: replace(disk, log=disk.log.truncated(0)),
        lambda disk: replace(disk, log=disk.log.truncated(1).appended((v.Entry(1, v.COMMAND),))),
        lambda disk: v.Start(),
    ],
    ids=[
        "term",
        "vote",
        "other_vote",
        "entry",
        "log",
        "other_entry",
        "start_again",
    ],
)
def test_a_restart_with_anything_else_is_found(
    lose: Callable[[v.Restart], v.Start | v.Restart],
) -> None:
    recording = voted()
    again = came_up(recording, lose(disk_of(recording)))
    assert found(again) == [("RestartFromDisk", 1, 4)]


LATER = v.Entry(2, v.TERM)


@pytest.mark.parametrize(
    "more",
    [
        lambda disk: replace(disk, current_term=2, voted_for=None),
        lambda disk: replace(disk, current_term=2, voted_for=0),
        lambda disk: replace(disk, log=disk.log.appended((v.Entry(1, v.COMMAND),))),
        lambda disk: replace(disk, current_term=2, log=disk.log.truncated(1)),
        lambda disk: replace(disk, current_term=2, log=disk.log.truncated(1).appended((LATER,))),
        lambda disk: replace(disk, log=disk.log.compacted(disk.log.last_position, ALL)),
        lambda disk: replace(disk, log=v.new_log(v.Position(1, 9), ALL)),
    ],
    ids=["term", "vote", "entry", "removal", "overwritten", "snapshot", "snapshot_from_leader"],
)
def test_the_last_record_before_a_restart_may_be_lost(
    more: Callable[[v.Restart], v.Restart],
) -> None:
    """The disk has what its actions wrote; the recording goes on from there."""
    recording = voted()
    disk = more(disk_of(recording))
    again = came_up(recording, disk)
    assert found(again) == []
    (up,) = came_up([], disk)[-1:]
    wrong = replace(up, seq=4, state=up.state._replace(commit_index=77))
    assert found([*recording, wrong]) == [("SpecifiedState", 1, 4)]


def test_what_is_committed_no_lost_record_takes_away() -> None:
    """Nor what the node has when it leads."""
    recording = Tape().drive(v.Start(), v.Receive(COMMITTED)).records
    disk = disk_of(recording)
    gone = replace(disk, current_term=9, log=disk.log.truncated(1))
    assert found(came_up(recording, gone)) == [("RestartFromDisk", 1, 3)]
    older = replace(disk, log=disk.log.compacted(v.Position(0, 1), ALL))
    assert found(came_up(recording, older)) == []
    assert found(came_up(came_up(recording, older), disk)) == [("RestartFromDisk", 1, 4)]


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
    timer = Tape().drive(v.Start(), v.ElectionTimeout())
    assert found([*cut, replace(timer.records[1], seq=3)]) == [("SpecifiedActions", 1, 2)]
    if disk_of(cut) != disk_of(recording[:2]):
        lied = came_up(cut, disk_of(recording[:2]))
        assert found(lied) == [("RestartFromDisk", 1, 3)]


def test_a_crash_between_the_last_action_and_the_end_of_the_drain() -> None:
    """The end of the drain is what commits; where none came, the node has not committed."""
    tape = Tape().drive(
        v.Start(), v.CreateCluster(frozenset({1})), v.ProposeCommand(), v.Heartbeat()
    )
    start, created, proposed, heartbeat = tape.records
    assert proposed.state.commit_index == proposed.state.last_position.index == 3
    cut = [start, created, replace(proposed, state=proposed.state._replace(commit_index=2))]
    assert found(cut) == []
    assert found(came_up(cut, disk_of(cut))) == []
    assert found([*cut, heartbeat]) == [("SpecifiedState", 1, 3)]
    wrong = [start, created, replace(proposed, state=proposed.state._replace(commit_index=1))]
    assert found(wrong) == [("SpecifiedState", 1, 3)]


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
    tape = Tape().drive(
        v.Start(), v.CreateCluster(frozenset({1})), v.ProposeCommand(), v.Heartbeat(), drain=False
    )
    tape.drive(v.ProposeCommand())
    recording = tape.records
    assert [record.actions is None for record in recording] == [True, True, True, True, False]
    assert found(recording) == []
    # Executed at once, or never, or twice, it is a departure.
    hasty = replace(recording[1], actions=(recording[4].actions or ())[:1])
    assert found([recording[0], hasty, *recording[2:]]) == [("SpecifiedActions", 1, 2)]
    never = [*recording[:4], replace(recording[4], actions=())]
    tape.drive(v.Heartbeat())
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
        if isinstance(record.event, v.Restart):
            self.disk = Disk(*disk_fields(record.event))
        self.subject.handle(record.node, record.event)
        if record.actions is not None:
            self.subject.drain(record.node)
            for action in record.actions:
                self.disk = persist(self.disk, action)

    def checkpoint(self, node: v.NodeId, seq: int) -> Recorded:
        member: Member = self.subject.members[node]
        checkpoint = Checkpoint(
            member.node, take_all(member.node, member.pending)[0], v.Restart(*self.disk)
        )
        return Recorded(node, seq, checkpoint, None, None, self.subject.observe(node))


def disk_fields(restart: v.Restart) -> Disk:
    return Disk(restart.current_term, restart.voted_for, restart.log)


def pipelined() -> list[Recorded]:
    """Node 1 leads alone, and at seq 4 owes a write."""
    tape = Tape().drive(v.Start(), v.CreateCluster(frozenset({1})), v.ProposeCommand())
    tape.drive(v.ProposeCommand(), drain=False)
    tape.drive(v.ProposeCommand(), v.Heartbeat())
    return tape.records


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
    log, shorter = node.log, disk.log.truncated(disk.log.last_index - 1)
    for part, wrong in (
        ("node", replace(event, node=node._replace(seqno=node.seqno + 1))),
        ("node", replace(event, node=node._replace(commit_index=0))),
        ("node", replace(event, node=node._replace(current_term=7))),
        ("node", replace(event, node=node._replace(log=log.truncated(log.last_index - 1)))),
        ("node", replace(event, node=node._replace(log=log.truncated(0)))),
        ("pending", replace(event, pending=())),
        ("pending", replace(event, pending=event.pending[:1])),
        ("disk", replace(event, disk=replace(disk, voted_for=None))),
        ("disk", replace(event, disk=replace(disk, log=shorter))),
    ):
        yield part, replace(right, event=wrong)


@pytest.mark.parametrize(("part", "wrong"), list(wrong_checkpoints()))
def test_a_checkpoint_that_the_records_did_not_lead_to(part: str, wrong: Recorded) -> None:
    (problem,) = problems([*pipelined()[:4], wrong])
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
