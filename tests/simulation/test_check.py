"""Seeded runs in lockstep: what conforms, what is found, and how a finding is made short."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from math import inf

import pytest

import raftbare
from conformance.audit.decisions import D1, as_in_crate
from conformance.mutants.planted.crate import IN_LIBRARY
from conformance.observe.finding import Difference, describe, name_of
from conformance.observe.observed import Observed
from conformance.observe.recorded import Recorder
from conformance.simulation.check import (
    Found,
    Options,
    Report,
    against,
    against_library,
    check,
    specified,
)
from conformance.simulation.choices import choice_of, step_of, take_all
from conformance.simulation.episode import changes, first_finding, play
from conformance.simulation.lockstep import Lockstep
from conformance.simulation.run import Run
from conformance.simulation.schedule.simulate import MAX_NODES, Schedule
from conformance.simulation.shrink import shrink
from conformance.subjects.asking.questions import Asked
from conformance.subjects.library import LibrarySubject
from conformance.subjects.patched import Patch, patched_library
from conformance.subjects.subject import SpecSubject, Subject
from spec.cluster import Deliver
from spec.properties import Violation
from spec.values import Action, Event, Log, NodeId, Outcome


def counted(report: Report) -> object:
    return report.episodes, report.events, report.steps, report.witnesses, report.found


def test_the_library_conforms() -> None:
    report = check(Options(seed=0, events=3_000))
    assert report.found is None
    assert report.events >= 3_000
    assert report.as_json()["verdict"] == "conforms"


def test_the_same_seed_gives_the_same_run_and_another_one_gives_another() -> None:
    first = check(Options(seed=5, events=1_000))
    assert counted(first) == counted(check(Options(seed=5, events=1_000)))
    assert counted(first) != counted(check(Options(seed=6, events=1_000)))


def test_the_size_of_the_clusters_can_be_chosen() -> None:
    sizes = {Schedule(0, episode).profile.nodes for episode in range(60)}
    assert sizes >= set(range(1, 8))
    for nodes in (1, 4, MAX_NODES):
        assert Schedule(0, 3, nodes).profile.nodes == nodes
        report = check(Options(events=200, nodes=nodes))
        assert report.found is None
        assert report.events >= 200


def test_progress_is_told_after_every_episode() -> None:
    told: list[int] = []
    report = check(Options(events=600), lambda now: told.append(now.events))
    assert len(told) == report.episodes
    assert told == sorted(told)
    assert told[-1] == report.events


def test_one_episode_alone_is_the_same_episode() -> None:
    witnessed = check(Options(events=1, episode=2)).witnesses
    before, after = check(Options(events=1, episode=0)), check(Options(events=1, episode=1))
    three = check(Options(events=before.events + after.events + 1))
    assert three.episodes == 3
    assert before.witnesses + after.witnesses + witnessed == three.witnesses


# Findings

D1_EPISODE, D1_NODES = 8, 3


@pytest.fixture(scope="module")
def d2_copy() -> Iterator[Callable[[], Subject]]:
    with patched_library(*IN_LIBRARY["D2"]) as copy:
        yield partial(LibrarySubject, copy)


@pytest.fixture(scope="module")
def difference(d2_copy: Callable[[], Subject]) -> Found:
    """The library and the specification disagree."""
    found = check(Options(events=20_000, run=against(d2_copy), shrink_seconds=inf)).found
    assert found is not None
    return found


D1_OPTIONS = Options(run=specified(as_in_crate(D1)), episode=D1_EPISODE, shrink_seconds=inf)


@pytest.fixture(scope="module")
def violation() -> Found:
    """The rule itself breaks a property, whatever follows it."""
    found = check(D1_OPTIONS).found
    assert found is not None
    return found


def test_a_difference_is_found_and_says_what_differs(difference: Found) -> None:
    finding = difference.finding
    assert isinstance(finding, Difference)
    assert (name_of(finding), finding.what) == ("Difference", "state")
    assert finding.specified != finding.found
    assert describe(finding).startswith("state: specified ")


def test_a_violation_is_found_and_names_the_property(violation: Found) -> None:
    assert isinstance(violation.finding, Violation)
    assert name_of(violation.finding) in ("LeaderCompleteness", "StateMachineSafety")
    assert describe(violation.finding) == violation.finding.detail


def test_the_episode_of_a_finding_finds_it_again(
    difference: Found, d2_copy: Callable[[], Subject]
) -> None:
    again = check(
        Options(episode=difference.episode, run=against(d2_copy), shrink_seconds=inf)
    ).found
    assert again is not None
    assert (again.finding, again.choices) == (difference.finding, difference.choices)
    assert again.length_before == difference.length_before


def fresh_difference(d2_copy: Callable[[], Subject], found: Found) -> Callable[[], Run]:
    return lambda: Lockstep(found.nodes, d2_copy())


def assert_minimal(found: Found, fresh: Callable[[], Run]) -> None:
    """It shows again, to its last step, and not without any single one of its steps."""
    shown, taken = take_all(fresh(), found.choices)
    assert (shown, taken) == (found.finding, found.choices)
    for left_out in range(len(found.choices)):
        fewer = found.choices[:left_out] + found.choices[left_out + 1 :]
        without, _ = take_all(fresh(), fewer)
        assert without is None or name_of(without) != name_of(found.finding)


def test_a_difference_is_shrunk_to_what_it_needs(
    difference: Found, d2_copy: Callable[[], Subject]
) -> None:
    assert len(difference.choices) < difference.length_before
    assert_minimal(difference, fresh_difference(d2_copy, difference))


def test_a_violation_is_shrunk_to_what_it_needs(violation: Found) -> None:
    assert len(violation.choices) < violation.length_before / 4
    assert violation.nodes == D1_NODES
    assert_minimal(violation, lambda: Run(D1_NODES, as_in_crate(D1)))


def test_what_was_recorded_is_the_shortest_schedule(difference: Found) -> None:
    records = difference.recorder.records
    assert [record.node for record in records[: difference.nodes]] == list(range(difference.nodes))
    assert len(records) <= difference.nodes + len(difference.choices)
    assert isinstance(difference.finding, Difference)
    assert records[-1].node == difference.finding.node
    assert records[-1].state == difference.finding.found  # what the subject did


def test_shrinking_without_time_keeps_the_whole_schedule() -> None:
    choices = []
    fresh = partial(Run, rule=as_in_crate(D1))
    for before, step, finding in play(Schedule(0, D1_EPISODE), fresh(D1_NODES)):
        choices.append(choice_of(before, step))
        if finding is not None:
            break
    assert finding is not None
    assert shrink(choices, finding, D1_NODES, fresh, 0.0) == (choices, finding, D1_NODES)
    assert take_all(fresh(D1_NODES), choices) == (finding, choices)


def test_a_report_of_a_finding(violation: Found) -> None:
    report = Report(Options(), found=violation, events=7)
    told = report.as_json()
    assert told["verdict"] == "violation"
    assert isinstance(told["finding"], dict)
    assert told["finding"]["property"] == name_of(violation.finding)
    assert told["finding"]["steps"] == len(violation.choices)


ONCE = Patch(
    "rules",
    "        self._counters.elections += 1\n",
    "        self._counters.elections += 1\n"
    "        Rules.begun = getattr(Rules, 'begun', 0) + 1\n"
    "        self._seqno = MessageSeqNo(self._seqno + (Rules.begun == 9))\n",
)
"""What a node does depends on what other nodes did, in whatever run."""


def test_what_does_not_show_again_is_a_finding_of_its_own() -> None:
    with patched_library(ONCE) as broken:
        found = check(Options(events=2_000, shrink_seconds=1, run=against_library(broken))).found
    assert found is not None
    assert name_of(found.finding) == "Nondeterminism"
    assert "once Difference: " in describe(found.finding)
    assert len(found.choices) == found.length_before > 0
    assert found.recorder.records


# What is compared


class Lying:
    """The specification, but for one answer."""

    def __init__(self, about: str) -> None:
        self.about = about
        self.truth = SpecSubject()
        self.events = 0

    def handle(self, node: NodeId, event: Event) -> Outcome:
        self.events += 1
        outcome = self.truth.handle(node, event)
        return True if self.about == "outcome" and self.events > 40 else outcome

    def drain(self, node: NodeId) -> tuple[Action, ...]:
        owed = self.truth.drain(node)
        return owed[:-1] if self.about == "actions" and self.events > 40 else owed

    def observe(self, node: NodeId) -> Observed:
        observed = self.truth.observe(node)
        if self.about == "state" and self.events > 40:
            return observed._replace(commit_index=observed.commit_index + 1)
        return observed

    def log(self, node: NodeId) -> Log:
        log = self.truth.log(node)
        return log.truncated(log.last_index - 1) if self.about == "log" else log

    def answer(self, node: NodeId, asked: Asked) -> object:
        return None if self.about == asked.question.name else self.truth.answer(node, asked)


@pytest.mark.parametrize("about", ["outcome", "actions", "state", "log", "would_vote"])
def test_every_kind_of_answer_is_compared(about: str) -> None:
    options = Options(events=2_000, run=against(lambda: Lying(about)), shrink_seconds=0)
    found = check(options).found
    assert found is not None
    assert isinstance(found.finding, Difference)
    assert found.finding.what == about


def test_a_subject_that_tells_the_truth_conforms() -> None:
    assert check(Options(events=2_000, run=against(SpecSubject))).found is None
    truth = Options(events=2_000, run=against(lambda: Lying("")))
    assert check(truth).found is None


def test_a_recorder_notes_every_event_and_its_drain() -> None:
    recorder = Recorder()
    schedule = Schedule(0, 0)
    lockstep = Lockstep(schedule.profile.nodes, LibrarySubject(raftbare), recorder=recorder)
    assert first_finding(schedule, lockstep, 200) is None
    assert len(recorder.records) == lockstep.events + schedule.profile.nodes
    for node in range(schedule.profile.nodes):
        numbers = [record.seq for record in recorder.records if record.node == node]
        assert numbers == list(range(1, len(numbers) + 1))


def test_a_choice_finds_its_step_again() -> None:
    delivered = 0
    for step, change in changes(Schedule(0, 1), length=300):
        assert step_of(change.before, choice_of(change.before, step)) == step
        delivered += isinstance(step, Deliver)
    assert delivered > 20


def test_long_tables_of_marks_are_as_right_as_short_ones() -> None:
    """They are arrays from some length on, which schedules do not come to."""
    packed = Patch("entries", "MANY: Final = 256", "MANY: Final = 2")
    with patched_library(packed) as copy:
        options = Options(events=20_000, run=against_library(copy))
        report = check(options)
        log = copy.LogEntries(copy.LogPosition.ZERO, [copy.TermEntry(1), copy.TermEntry(2)])
    assert report.found is None
    assert not isinstance(log._terms.at, list)
