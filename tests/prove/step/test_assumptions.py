"""What a proof assumes of servers and events holds in every state that random runs reach."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from functools import cache
from itertools import count
from typing import Any

import pytest

from conformance.prove.step.assumptions import ASSUMPTIONS, Assumption, assume, holds, is_event
from conformance.prove.step.shapes import Owed, Server, receives
from conformance.prove.step.shapes import Shape as Shape_
from conformance.simulation.episode import changes
from conformance.simulation.schedule.simulate import Schedule
from conformance.symbolic.paths import Paths
from spec import values as v
from spec.cluster import Deliver, Input, Member
from spec.pending import Pending

EVENTS = 50_000


def met() -> Iterator[tuple[Member | None, v.Event | None]]:
    """Every different state of a server, and every event, of that many random events."""
    events = 0
    for episode in count():
        for step, change in changes(Schedule(11, episode)):
            turn = change.turn
            if turn is None:
                continue
            if turn.event is not None:
                events += 1
                if isinstance(step, (Input, Deliver)):
                    yield None, turn.event
            if turn.after is not turn.before and turn.after.up:
                yield turn.after, None
        if events >= EVENTS:
            return


def numbers(value: Any) -> Iterator[int]:
    if isinstance(value, int):
        yield value
    elif isinstance(value, (tuple, frozenset)):
        for part in value:
            yield from numbers(part)
    elif is_dataclass(value):
        for one in fields(value):
            yield from numbers(getattr(value, one.name))


def test_assumptions_hold_of_all_that_random_runs_come_by() -> None:
    members = leaders = calls = behind = 0
    for member, event in met():
        if member is not None:
            members += 1
            if isinstance(member.node.role, v.Leader):
                leaders += 1
                behind += any(peer.next is not None for peer in member.node.role.peers)
            calls += bool(member.pending.calls)
            broken = [one.words for one in ASSUMPTIONS if not one.holds(member)]
            assert broken == [], member
            assert min(numbers((member.node._replace(log=v.EMPTY_LOG), member.pending))) >= 0
        else:
            assert is_event(event)
            assert event is None or min(numbers(event), default=0) >= 0
    assert members > EVENTS
    assert leaders > members // 10
    assert calls > 1_000
    assert behind > 1_000


# Each can be broken


LOG = v.new_log(
    v.Position(1, 2), v.Config(frozenset({0, 1})), (v.Entry(2, v.TERM), v.Entry(2, v.COMMAND))
)
NODE = v.Node(0, v.Follower(), 2, None, LOG, 3)
LEADER = NODE._replace(role=v.Leader((v.Progress(1, 4),), 4))
CALL = v.AppendEntriesCall(0, 2, 1, 3, v.Position(1, 2), (v.Entry(2, v.TERM),))


@cache
def broken() -> dict[str, list[Member]]:
    """For each assumption, servers of which it alone does not hold."""

    def owing(**owed: Any) -> Member:
        return Member(LEADER, Pending(**owed))

    falling = v.new_log(v.Position(3, 2), LOG.snapshot_config, LOG.entries)
    opened = v.new_log(v.Position(1, 2), LOG.snapshot_config, (v.Entry(2, v.COMMAND),))
    old = v.SendMessage(1, v.RequestVoteReply(0, 1, 1, True))
    candidate = NODE._replace(role=v.Candidate(frozenset({0})))
    return {
        "terms_never_fall": [
            Member(NODE._replace(log=falling)),
            Member(NODE._replace(current_term=1)),
        ],
        "only_leaders_open_terms": [Member(NODE._replace(log=opened))],
        "committed_within_log": [
            Member(NODE._replace(commit_index=1)),
            Member(NODE._replace(commit_index=5)),
        ],
        "config_from_log": [
            Member(NODE._replace(log=LOG._replace(config=v.Config(frozenset({0}))))),
            Member(NODE._replace(log=LOG._replace(config_index=3))),
        ],
        "leaders_log_is_of_its_term": [Member(LEADER._replace(current_term=3))],
        "progress_within_log": [
            Member(LEADER._replace(role=v.Leader((v.Progress(1, 5),), 4))),
            Member(LEADER._replace(role=v.Leader((v.Progress(1, 4),), 5))),
        ],
        "next_within_log": [Member(LEADER._replace(role=v.Leader((v.Progress(1, 4, 5),), 4)))],
        "leader_follows_members": [Member(LEADER._replace(role=v.Leader((), 4)))],
        "callers_call": [
            Member(NODE, Pending(broadcast=True)),
            Member(NODE, Pending(calls=(1,))),
            Member(candidate, Pending(calls=(1,))),
            owing(calls=(1, 2)),
            owing(calls=(1, 1)),
        ],
        "owed_replies_of_this_term": [owing(sends=(old,))],
        "owed_write_ends_the_log": [
            owing(append=v.AppendLogEntries(v.Position(2, 3), ())),
            owing(append=v.AppendLogEntries(v.Position(1, 3), LOG.after(3))),
        ],
    }


@pytest.mark.parametrize("one", ASSUMPTIONS, ids=[one.holds.__name__ for one in ASSUMPTIONS])
def test_an_assumption_is_about_one_thing(one: Assumption) -> None:
    write = v.AppendLogEntries(v.Position(2, 3), LOG.after(3))
    for sound in (
        Member(NODE),
        Member(LEADER, Pending(calls=(1,), broadcast=True, append=write)),
        Member(NODE._replace(role=v.Candidate(frozenset({0}))), Pending(broadcast=True)),
    ):
        assert holds(sound, None)
    for member in broken()[one.holds.__name__]:
        assert [other for other in ASSUMPTIONS if not other.holds(member)] == [one]


def test_an_event_is_one_that_the_library_has_a_value_for() -> None:
    leaping = v.AppendEntriesCall(1, 2, 1, 3, v.Position(1, 2), (v.Entry(2, v.COMMAND),))
    assert is_event(v.Receive(CALL))
    assert not is_event(v.Receive(leaping))
    fallen = v.new_log(v.Position(3, 1), v.Config(), (v.Entry(2, v.TERM),))
    assert is_event(v.Restart(2, None, fallen))
    assert not is_event(v.Restart(2, None, fallen._replace(entries=(v.Entry(2, v.COMMAND),))))


def test_symbolically_they_allow_just_what_they_hold_for() -> None:
    """On every path that is left they hold, whatever is asked; and some path is left."""
    shape = Shape_(
        Server(v.Leader, "tc", owed=Owed(True, 1, (1,)), behind=(1,)), receives("tc"), "call"
    )
    paths = Paths()
    member, event = shape.made(paths)
    everywhere = list(paths.run(lambda: holds(member, event)))
    assert {path.result for path in everywhere} == {True, False}
    assume(paths, lambda: holds(member, event))
    assert [path.result for path in paths.run(lambda: holds(member, event))] == [True]
