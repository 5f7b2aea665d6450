"""Lockstep sees what a node keeps and does not show: at the turn that makes it wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from conformance.observe.finding import Difference, describe, first_difference
from conformance.simulation.check import Options, Report, against_library, check
from conformance.simulation.episode import play
from conformance.simulation.lockstep import Lockstep
from conformance.simulation.replay import replay
from conformance.simulation.schedule.simulate import Schedule
from conformance.subjects.counted import Counted
from conformance.subjects.handed import InUse
from conformance.subjects.hidden import FULL, HiddenState, library_subject
from conformance.subjects.patched import Patch, patched_library
from conformance.subjects.readback import LibraryNode, State
from conformance.subjects.rebuild import Rebuilder
from conformance.trace.save import save
from spec import values as v
from spec.cluster import Member
from tests.subjects.states import PEERS, REPLY, STATES, WRITE


def others(state: State) -> Iterator[State]:
    """The state with one thing in it that is otherwise."""
    node, owed = state
    log = node.log
    for changed in (
        {"current_term": 6},
        {"voted_for": None},
        {"commit_index": 5},
        {"seqno": 4},
        {"limits": v.Limits(5000, 8, 1000, 7)},
        {"log": log.appended((v.Entry(4, v.COMMAND),))},
        {"log": log.truncated(6)},
        {"log": log.truncated(6).appended((v.Entry(4, v.COMMAND),))},
        {"log": log.truncated(4).appended((v.Entry(2, v.COMMAND), *log.entries[1:3]))},
        {"log": log.truncated(4).appended((v.Entry(2, v.NO_CONFIG), *log.entries[2:]))},
        {"log": v.new_log(v.Position(0, 3), log.snapshot_config, log.entries)},
        {"log": v.new_log(log.snapshot_position, v.NO_CONFIG, log.entries)},
        {"role": v.Follower(1)},
        {"role": v.Candidate(frozenset({0}))},
        {"role": v.Candidate(frozenset({0, 2}), transfer=True)},
    ):
        yield node._replace(**changed), owed
    yield node, owed._replace(set_election_timeout=not owed.set_election_timeout)
    yield node, owed._replace(save_current_term=not owed.save_current_term)
    yield node, owed._replace(save_voted_for=not owed.save_voted_for)
    yield node, owed._replace(broadcast=not owed.broadcast)
    yield node, owed._replace(calls=(1, 2))
    yield node, owed._replace(calls=()) if owed.calls else owed._replace(calls=(1,))
    yield node, owed._replace(append=None if owed.append else WRITE)
    yield node, owed._replace(append=v.AppendLogEntries(v.Position(2, 6), log.after(6)))
    yield node, owed._replace(sends=(v.SendMessage(1, REPLY.message),))
    yield node, owed._replace(sends=(v.SendMessage(2, v.RequestVoteReply(0, 4, 7, True)),))
    if isinstance(node.role, v.Leader):
        first, *rest = PEERS
        for one in (
            first._replace(match=3),
            first._replace(next=None),
            first._replace(probe=3),
            first._replace(asked=9),
            first._replace(probing=False),
            first._replace(answered=2),
        ):
            yield node._replace(role=v.Leader((one, *rest), 5, 1)), owed
        yield node._replace(role=v.Leader(PEERS, 4, 1)), owed
        yield node._replace(role=v.Leader(PEERS, 5)), owed
        yield node._replace(role=v.Leader(PEERS[1:], 5, 1)), owed


def of(state: State) -> HiddenState:
    subject = HiddenState()
    subject.nodes[0] = live = Rebuilder().build(*state)
    if isinstance(state[0].role, v.Leader):
        live._role.quorum._held.sort()
        live._role.quorum._new_held.sort()
    return subject


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("full", [False, True])
def test_a_difference_is_seen_wherever_it_is(state: State, full: bool) -> None:
    """With or without a full reading, after a state that was right."""
    for other in others(state):
        subject = of(state)
        for _ in range(FULL - 2 if full else 2):
            assert not list(subject.hidden_of_both(*state))
        parts = subject.hidden_of_both(*other)
        if other == state:
            assert not list(parts)
        else:
            difference = first_difference(0, None, parts)
            assert difference is not None, other
            assert difference.specified != difference.found


def test_nothing_is_read_in_full_where_all_is_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """But for the share of the turns: so the comparison is as cheap as it is meant to be."""
    schedule, subject = Schedule(0, 3), HiddenState()
    read: list[object] = []
    in_full = HiddenState.read

    def noted(self: HiddenState, live: LibraryNode, *borrowed: Any) -> State:
        read.append(live)
        return in_full(self, live, *borrowed)

    monkeypatch.setattr(HiddenState, "read", noted)
    run = Lockstep(schedule.profile.nodes, subject)
    assert all(played.finding is None for played in play(schedule, run))
    assert run.events > 100
    assert len(read) <= run.events * 2 / FULL


HIDDEN = {
    "role": Patch("rules", "matches and follower.match_index < theirs.index:", "matches:"),
    "seqno": Patch(
        "rules",
        "            reply = AppendEntriesReply(",
        "            self._seqno += 1\n            reply = AppendEntriesReply(",
    ),
    "pending append": Patch(
        "rules", "        if pending.append_after is None:", "        if True:"
    ),
    "pending broadcast": Patch(
        "pending",
        "        self.broadcast = False\n        self.calls.clear()",
        "        self.calls.clear()",
    ),
    "limits": Patch("node", "log.copy(), limits)", "log.copy(), LIMITS)"),
}


@pytest.mark.parametrize("what", HIDDEN)
def test_a_hidden_state_that_is_wrong_is_found_by_its_name(what: str) -> None:
    with patched_library(HIDDEN[what]) as broken:
        found = check(Options(events=10_000, shrink_seconds=1, run=against_library(broken))).found
    assert found is not None
    assert isinstance(found.finding, Difference)
    assert found.finding.what == what, describe(found.finding)


def test_what_is_hidden_and_wrong_is_replayed(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    with patched_library(HIDDEN["seqno"]) as broken:
        found = check(Options(events=10_000, shrink_seconds=1, run=against_library(broken))).found
        assert found is not None
        save(path, found.recorder.records, found.nodes)
        again = replay(path, library_subject(broken)).difference
    assert again is not None
    assert again.what == "seqno"
    assert replay(path).verdict == "conforms"


def test_what_a_node_keeps_twice_is_looked_at() -> None:
    """A quorum that is the former configuration's."""
    former = Patch("role", "self.quorum = ", "if not known: self.quorum = ")
    with patched_library(former) as broken:
        found = check(Options(events=10_000, shrink_seconds=1, run=against_library(broken))).found
    assert found is not None
    assert "InconsistentError" in describe(found.finding)


# Slots that nobody knows


MORE = Patch("role", '__slots__ = ("leader",)', '__slots__ = ("leader", "since")')
GONE = [
    Patch("role", '__slots__ = ("leader",)', '__slots__ = ("chief",)'),
    Patch("role", "        self.leader = leader\n", "        self.chief = leader\n"),
    Patch(
        "role",
        "    def __init__(self, leader: NodeId | None = None)",
        "    @property\n    def leader(self):\n        return self.chief\n\n"
        "    @leader.setter\n    def leader(self, leader):\n        self.chief = leader\n\n"
        "    def __init__(self, leader: NodeId | None = None)",
    ),
]


def checked(library: ModuleType, events: int = 1_000) -> Report:
    return check(Options(events=events, shrink_seconds=0, run=against_library(library)))


@pytest.mark.parametrize("patches", [[MORE], GONE])
def test_an_unknown_slot_is_named_after_all_that_could_be_compared(patches: list[Patch]) -> None:
    with patched_library(*patches) as other:
        report = checked(other)
    assert report.found is None
    assert report.events >= 1_000
    assert report.verdict == "inconclusive"
    (line,) = report.unread
    assert line.startswith("role.Follower ")
    assert "conformance/subjects/readback.py" in line
    assert ("since" if patches == [MORE] else "chief") in line


def test_beside_an_unknown_slot_the_others_are_compared() -> None:
    with patched_library(MORE, HIDDEN["seqno"]) as broken:
        report = checked(broken, 10_000)
    assert report.verdict == "violation"
    assert report.found is not None
    assert isinstance(report.found.finding, Difference)
    assert report.found.finding.what == "seqno"


def test_a_build_without_slots_is_compared_from_outside() -> None:
    with patched_library() as copy:
        library: Any = copy
        assert type(library_subject(library)) is HiddenState
        library.compiled = True
        assert type(library_subject(library)) is InUse
        assert check(Options(events=300, run=against_library(library))).verdict == "conforms"


def test_the_states_are_ones_that_a_server_may_be_in() -> None:
    for state in STATES:
        assert Rebuilder().read(Rebuilder().build(*state)) == state
        assert Member(*state).up


@pytest.mark.parametrize(
    ("module", "old", "new", "counter"),
    [
        ("rules", "        self._counters.elections += 1\n", "", "elections"),
        ("rules", "        self._counters.leaderships += 1\n", "", "leaderships"),
        ("rules", "        counters.calls += 1\n", "", "calls"),
        ("rules", "sent.last_position.index - prev.index", "1", "entries"),
        ("rules", "        self._counters.refusals += 1\n", "", "refusals"),
        ("rules", "self._counters.snapshots += 1", "pass", "snapshots"),
        ("rules", "            self._counters.late_replies += 1\n", "", "late_replies"),
        ("rules", "            self._counters.from_strangers += 1\n", "", "from_strangers"),
        ("node", "            self._counters.from_itself += 1\n", "", "from_itself"),
    ],
)
def test_what_is_not_counted_is_seen(module: str, old: str, new: str, counter: str) -> None:
    with patched_library(Patch(module, old, new)) as broken:
        found = check(Options(events=30_000, shrink_seconds=0, run=against_library(broken))).found
    assert found is not None
    assert isinstance(found.finding, Difference)
    assert found.finding.what == "counters"
    assert isinstance(found.finding.specified, Counted)
    assert isinstance(found.finding.found, Counted)
    told, counts = found.finding.specified._asdict(), found.finding.found._asdict()
    assert [name for name in told if told[name] != counts[name]] == [counter]


def test_a_status_does_not_count_on() -> None:
    """It is what the node was when it was asked."""
    live = Patch("questions", "self._counters.copy(),", "self._counters,")
    with patched_library(live) as broken:
        found = check(Options(events=5_000, shrink_seconds=0, run=against_library(broken))).found
    assert found is not None
    assert "handed out" in describe(found.finding)
