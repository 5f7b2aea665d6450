"""Names, numbers and shapes: what a schedule begins with, and what goes wrong with that alone."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from conformance.observe.finding import Difference, name_of
from conformance.observe.recorded import Recorder
from conformance.simulation.check import Found, Options, against, check
from conformance.simulation.choices import choice_of, take_all
from conformance.simulation.episode import changes, first_finding, play
from conformance.simulation.lockstep import Lockstep
from conformance.simulation.replay import replay
from conformance.simulation.run import Run
from conformance.simulation.schedule.origin import Origin
from conformance.simulation.schedule.simulate import MAX_NODES, Schedule
from conformance.subjects.library import LibrarySubject
from conformance.subjects.names import Names
from conformance.subjects.patched import Patch, patched_library
from conformance.subjects.subject import SpecSubject
from conformance.trace.save import save
from spec.cluster import Input
from spec.properties import check_cluster
from spec.values import Config, Follower, Receive, RequestVoteCall

EPISODES = 1_000
FAR_APART = (3, 64, 129, 1000, 2**40, 2**63 - 1, 2**63)


def shapes() -> list[Schedule]:
    return [Schedule(0, episode) for episode in range(EPISODES)]


def test_most_episodes_begin_as_usual_and_some_do_not() -> None:
    schedules = shapes()
    for unusual in (
        [one for one in schedules if one.origin.names],
        [one for one in schedules if one.origin.disks],
        [one for one in schedules if one.profile.jump],
        [one for one in schedules if one.profile.nodes > 7],
    ):
        assert 10 < len(unusual) < EPISODES / 4
    assert any(one.profile.nodes == MAX_NODES for one in schedules)
    assert sum(one.founder != 0 for one in schedules) > EPISODES / 10
    gaps = [one for one in schedules if one.first_voters != frozenset(range(one.profile.voters))]
    assert len(gaps) > EPISODES / 20
    assert all(one.founder in one.first_voters for one in schedules)


def test_the_disks_that_servers_begin_with_are_in_order() -> None:
    """Long logs, many terms and configurations are among them; what is committed is on a quorum."""
    terms, configs, largest = 0, 0, 0
    for schedule in shapes():
        origin = schedule.origin
        if not origin.disks:
            continue
        cluster = origin.cluster(schedule.profile.nodes)
        assert check_cluster(cluster) is None
        entries = origin.committed
        terms = max(terms, len({entry.term for entry in entries}))
        configs = max(configs, sum(isinstance(entry.payload, Config) for entry in entries))
        largest = max(largest, *(disk.current_term for disk in origin.disks))
        for disk in origin.disks:  # what follows may be lost: no configuration rests on it
            last = min(disk.log.last_index, disk.log.config_index)
            assert last <= len(entries)
        behind = {
            node
            for node, member in enumerate(cluster.members)
            if member.disk.log.last_index < len(entries)
        }
        for entry in entries:
            if isinstance(entry.payload, Config):
                for group in (entry.payload.voters, entry.payload.new_voters):
                    assert not group or 2 * len(group & behind) < len(group)
    assert terms > 150
    assert configs > 24
    assert largest > 2**62


@pytest.mark.parametrize("what", ["disks", "names", "jump"])
def test_unusual_episodes_conform(what: str) -> None:
    played = 0
    for schedule in shapes():
        unusual = schedule.profile.jump if what == "jump" else getattr(schedule.origin, what)
        if unusual and played < 6:
            run = Lockstep(schedule.profile.nodes, LibrarySubject())
            assert first_finding(schedule, run) is None
            assert run.events > 0
            played += 1
    assert played == 6


def test_an_honest_schedule_is_of_servers_that_never_ran_before() -> None:
    for schedule in shapes():
        honest = schedule.honest()
        assert honest.origin == Origin(schedule.origin.names)
        assert not honest.profile.jump


def test_a_jump_is_denied_and_its_term_adopted() -> None:
    jumps = 0
    for schedule in [one for one in shapes() if one.profile.jump][:10]:
        for step, change in changes(schedule):
            match step:
                case Input(node, Receive(RequestVoteCall(sender, term))) if sender != node:
                    after = change.after.members[node].node
                    assert (after.current_term, after.voted_for) == (term, None)
                    assert after.role == Follower()
                    jumps += 1
    assert jumps > 10


# Names


def test_names_rise() -> None:
    assert [Names(FAR_APART).of(place) for place in range(9)] == [*FAR_APART, 2**63 + 1, 2**63 + 2]
    with pytest.raises(ValueError, match="rise"):
        Names((1, 1))
    with pytest.raises(ValueError, match="rise"):
        Names((2, 1))


def test_a_specified_cluster_does_the_same_under_all_names() -> None:
    """The specification under other names is what it is, renamed: each turn is compared."""
    for episode in range(10):
        schedule = Schedule(1, episode, 7)
        schedule.origin = Origin(FAR_APART)
        recorder = Recorder()
        run = Lockstep(7, SpecSubject(), recorder=recorder)
        assert first_finding(schedule, run) is None
        assert {record.node for record in recorder.records} == set(FAR_APART)


BY_DIGITS = Patch(
    "drain",
    "                to = min(pending.calls)\n",
    "                to = min(pending.calls, key=str)\n",
)
"""That is the order of names of one digit too."""


def found_with(patch: Patch, events: int = 60_000, seconds: float = 10.0) -> Found:
    with patched_library(patch) as copy:
        run = against(partial(LibrarySubject, copy))
        found = check(Options(events=events, run=run, shrink_seconds=seconds)).found
    assert found is not None
    assert name_of(found.finding) == "Difference"
    return found


def test_what_leans_on_small_names_is_found_and_its_trace_shows_the_names(tmp_path: Path) -> None:
    found = found_with(BY_DIGITS)
    names = Schedule(0, found.episode).origin.names
    assert isinstance(found.finding, Difference)
    assert found.finding.node in names
    assert {record.node for record in found.recorder.records} <= set(names)
    path = tmp_path / "names.jsonl"
    save(path, found.recorder.records, found.nodes)
    with patched_library(BY_DIGITS) as copy:
        again = replay(path, LibrarySubject(copy)).difference
    assert again is not None
    assert again.node == found.finding.node
    assert replay(path).verdict == "conforms"


def test_terms_that_are_cut_to_32_bits_are_found() -> None:
    found_with(
        Patch(
            "rules",
            "        if term < self._current_term:\n            self._reply_to_append(",
            "        if term & 0xFFFFFFFF < self._current_term & 0xFFFFFFFF:\n"
            "            self._reply_to_append(",
        ),
        seconds=0.0,
    )


def test_what_goes_wrong_with_many_terms_is_found() -> None:
    found = found_with(
        Patch(
            "rules",
            "        if index <= self._commit_index or log.entries._term(index) != "
            "self._current_term:\n",
            "        if index <= self._commit_index or log.entries._term(index) != "
            "self._current_term or len(log.entries._terms.at) > 60:\n",
        ),
        seconds=0.0,
    )
    assert Schedule(0, found.episode).origin.disks


def test_a_schedule_with_disks_and_jumps_is_taken_again_as_it_was() -> None:
    """By its choices, from which a finding is shrunk."""
    for schedule in [one for one in shapes() if one.origin.disks and one.profile.jump][:3]:
        runs = [Run(schedule.profile.nodes) for _ in range(2)]
        length = schedule.profile.length
        chosen = [choice_of(before, step) for before, step, _ in play(schedule, runs[0], length)]
        runs[1].begin(schedule.origin)
        assert take_all(runs[1], chosen) == (None, chosen)
        assert runs[1].cluster == runs[0].cluster
