"""What the records of a cluster tell, put together: which message is which, in which order."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from conformance.observe.recorded import Recorded
from conformance.show.model import Picture
from conformance.show.order import in_order
from conformance.show.put_together import put_together
from conformance.show.read import read_picture
from conformance.show.shiviz import clocks
from conformance.trace.errors import BadTrace
from spec import values as v
from tests.support.recordings import by_node, crate, simulated, written
from tests.support.tape import Tape

CALL = v.AppendEntriesCall(0, 1, 1, 0, v.ZERO, (v.Entry(1, v.TERM), v.Entry(1, v.COMMAND)))
LATER = v.AppendEntriesCall(0, 1, 2, 0, v.Position(1, 2), ())
SHORTENED = v.AppendEntriesCall(0, 1, 1, 0, v.ZERO, (v.Entry(1, v.TERM),))


def started(*nodes: v.NodeId) -> Tape:
    tape = Tape()
    for node in nodes:
        tape.add(node, v.Start())
    return tape


def put(tape: Tape) -> Picture:
    return put_together(tape.records)


def fates(picture: Picture) -> list[str]:
    return [sending.fate for sending in picture.sendings]


def test_a_message_is_received_late_again_or_never() -> None:
    tape = started(0, 1)
    tape.add(0, v.Heartbeat(), v.SendMessage(1, CALL), v.SendMessage(1, LATER))
    tape.add(0, v.Heartbeat(), v.SendMessage(7, CALL), v.SendMessage(1, CALL))
    assert fates(put(tape)) == ["lost", "lost", "unrecorded", "lost"]
    tape.receive(1, LATER).receive(1, CALL).receive(1, CALL)
    picture = put(tape)
    assert fates(picture) == ["late", "received", "unrecorded", "received"]
    assert [picture.moment(place).received for place in (5, 6, 7)] == [1, 0, 3]
    tape.receive(1, CALL)
    assert fates(put(tape)) == ["late", "received", "unrecorded", "repeated"]


def test_a_call_may_arrive_with_fewer_entries_but_not_with_others() -> None:
    tape = started(0, 1).add(0, v.Heartbeat(), v.SendMessage(1, CALL)).receive(1, SHORTENED)
    assert fates(put(tape)) == ["received"]
    other = v.AppendEntriesCall(0, 1, 1, 0, v.ZERO, (v.Entry(1, v.COMMAND),))
    assert fates(put(tape.receive(1, other))) == ["received", "unsent"]


def test_a_snapshot_is_the_leaders_or_its_own() -> None:
    at = v.Position(1, 2)
    tape = started(0, 1)
    tape.add(0, v.Heartbeat(), v.InstallSnapshot(1), snapshot_position=at, commit_index=2)
    tape.add(1, v.SnapshotInstalled(at, v.NO_CONFIG), outcome=True, commit_index=2)
    picture = put(tape)
    assert fates(picture) == ["received"]
    assert picture.moments[-1].disk.log.snapshot_position == at
    tape.add(1, v.SnapshotInstalled(at, v.NO_CONFIG), outcome=True)
    assert put(tape).moments[-1].received is None


def test_what_is_on_the_disk_follows_from_what_was_executed() -> None:
    tape = started(0)
    write = v.AppendLogEntries(v.ZERO, CALL.entries)
    tape.add(0, v.Heartbeat(), v.SaveCurrentTerm(3), v.SaveVotedFor(0), write)
    over = v.AppendLogEntries(v.Position(1, 1), (v.Entry(3, v.TERM),))
    tape.add(0, v.Heartbeat(), over)
    tape.add(0, v.Restart(3, None, v.Log()))
    terms = [[entry.term for entry in one.disk.log.entries] for one in put(tape).moments]
    assert terms == [[], [1, 1], [1, 3], []]
    assert [one.disk.voted_for for one in put(tape).moments] == [None, 0, 0, None]


def test_a_recording_that_begins_in_the_midst_shows_what_is_known() -> None:
    beyond = v.AppendLogEntries(v.Position(4, 100), (v.Entry(5, v.COMMAND),))
    log = put(Tape().add(0, v.Heartbeat(), beyond)).moments[0].disk.log
    assert (log.snapshot_position, log.last_position) == (v.Position(4, 100), v.Position(5, 101))


def test_causes_are_what_happened_before() -> None:
    tape = started(0, 1, 2)
    tape.add(0, v.Heartbeat(), v.SendMessage(1, CALL))
    tape.add(2, v.ElectionTimeout()).receive(1, CALL).add(0, v.Heartbeat())
    assert put(tape).causes(6) == {1, 2, 4, 6}


# Files without a common clock


def parted(recording: tuple[Recorded, ...]) -> list[list[Recorded]]:
    return [own for _, own in sorted(by_node(recording).items())]


@pytest.mark.parametrize("episode", [1, 3, 8])
def test_a_message_is_sent_before_it_is_received_whatever_file_comes_first(episode: int) -> None:
    recording = simulated(episode)
    files = parted(recording)
    Random(episode).shuffle(files)
    ordered = in_order(files)
    assert ordered.against == []
    assert by_node(ordered.records) == by_node(recording), "each node's own order is kept"
    picture, recorded = put_together(ordered.records), put_together(recording)
    assert "unsent" not in fates(picture)
    for sending in picture.sendings:
        assert sending.sent is not None
        assert all(sending.sent < place for place in sending.received)
    assert len(picture.sendings) == len(recorded.sendings)


def test_files_that_contradict_each_other_are_shown_and_this_is_said(tmp_path: Path) -> None:
    """Each receives before it sends what the other receives."""
    answer = v.AppendEntriesReply(1, 1, 1, v.Position(1, 2))
    one, other = started(0).receive(0, answer), started(1).receive(1, CALL)
    one.add(0, v.ElectionTimeout(), v.SendMessage(1, CALL))
    other.add(1, v.ElectionTimeout(), v.SendMessage(0, answer))
    paths = [written(tmp_path / name, tape.records) for name, tape in (("a", one), ("b", other))]
    picture = read_picture(paths)
    assert picture.against_order == [3]
    assert picture.order == "causal"
    assert len(picture.moments) == 6


def test_clocks_agree_with_causes() -> None:
    picture = put_together(simulated(3)[:300])
    for moment, clock in zip(picture.moments, clocks(picture), strict=True):
        causes = [picture.moment(place).node for place in picture.causes(moment.place)]
        assert clock == {node: causes.count(node) for node in set(causes)}


def test_a_node_in_two_files_is_refused(tmp_path: Path) -> None:
    paths = [written(tmp_path / name, started(0).records) for name in ("a", "b")]
    with pytest.raises(BadTrace, match="node 0 is in"):
        read_picture(paths)


# What was wrong


def test_the_first_thing_wrong_is_a_broken_property_before_any_departure() -> None:
    picture = read_picture([crate("crate-3n-lost-commit.jsonl")])
    first, departure = picture.first_wrong, picture.first_departure()
    assert first is not None
    assert departure is not None
    assert (first.name, first.node, first.place) == ("VoteForUpToDateLog", 2, 41)
    assert departure.place == 9
    assert picture.verdict == "violation"


def test_of_a_recording_in_order_nothing_is_wrong() -> None:
    picture = read_picture([Path("traces/golden/quiet-3n.jsonl.gz")])
    assert (picture.verdict, picture.wrong) == ("conforms", [])
