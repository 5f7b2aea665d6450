"""Subjects that speak the protocol, under random schedules, at both levels."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import cast

import pytest

from conformance.audit.decisions import D1, as_in_crate
from conformance.mutants.planted.crate import IN_LIBRARY
from conformance.mutants.planted.in_both import IN_BOTH
from conformance.observe.finding import name_of
from conformance.observe.observed import Observed
from conformance.observe.verdicts import AuditLevel
from conformance.simulation.check import Options, check
from conformance.simulation.choices import take_all
from conformance.simulation.foreign import lines, properties
from conformance.simulation.foreign.judging import CannotJudgeError, judging, not_judged
from conformance.simulation.foreign.lockstep import AHEAD, ForeignLockstep
from conformance.subjects.foreign.process import DiedError, FloodedError, HungError
from conformance.subjects.foreign.protocol import Answered, read_answer
from conformance.subjects.library import LibrarySubject
from conformance.subjects.patched import patched_library
from conformance.subjects.subject import SpecSubject, Subject
from conformance.trace.model import Feature
from conformance.trace.plain import answer_line, request_line
from spec import values as v
from tests.subjects.foreign.local import Faults, LocalHost, local
from tests.support import single_step

BOTH: list[AuditLevel] = ["exact", "safety"]
each_level = pytest.mark.parametrize("level", BOTH)


def requests_of(host: LocalHost) -> list[dict[str, object]]:
    begun = host.begun
    return [json.loads(line) for process in begun for line in process.requests]


@each_level
@pytest.mark.parametrize("subject", [SpecSubject, LibrarySubject])
def test_ours_conform(level: AuditLevel, subject: Callable[[], Subject]) -> None:
    report = check(judging(Options(events=1_500), local(subject), level))
    assert report.found is None
    assert report.events >= 1_500
    assert report.witnesses["LeaderElected"] > 10


def test_in_lockstep_requests_are_sent_ahead_of_the_answers() -> None:
    host = local(SpecSubject)
    check(judging(Options(events=1_000), host, "exact"))
    assert max(one.most_unanswered for one in host.begun) == AHEAD


def test_a_difference_is_found_shrunk_and_recorded() -> None:
    with patched_library(*IN_LIBRARY["D2"]) as copy:
        host = local(partial(LibrarySubject, copy))
        found = check(judging(Options(events=20_000, shrink_seconds=3.0), host, "exact")).found
        assert found is not None
        assert name_of(found.finding) == "Difference"
        assert len(found.choices) < found.length_before / 2
        again, taken = take_all(ForeignLockstep(found.nodes, host), found.choices)
    assert (again, taken) == (found.finding, found.choices)
    records = found.recorder.records
    assert records[-1].node == found.finding.node
    assert len(records) <= found.nodes + len(found.choices)


LOST = {"LeaderCompleteness", "StateMachineSafety", "CommittedEntriesStay", "CommittedOnQuorum"}


def test_the_properties_alone_find_the_lost_entry_of_the_crate() -> None:
    """As its rules are, D1: within 50,000 events, and by 30 steps at most."""
    host = local(partial(SpecSubject, as_in_crate(D1)))
    found = check(judging(Options(seed=3, events=50_000), host, "safety")).found
    assert found is not None
    assert name_of(found.finding) in LOST
    assert found.events_before <= 50_000
    assert len(found.choices) <= 30


def test_a_lost_entry_is_found_behind_what_is_wrong_sooner() -> None:
    """As the crate's rules are, together: D4 is known after a few events, and then left alone."""
    options = Options(events=1_200, shrink_seconds=2.0)
    with patched_library(*chain.from_iterable(IN_LIBRARY.values())) as copy:
        host = local(partial(LibrarySubject, copy))
        first = check(judging(options, host, "safety")).found
        report = check(judging(replace(options, keep_going=True), host, "safety"))
        assert first is not None
        assert name_of(first.finding) == "SnapshotWithinCommit"
        lost = [one for one in report.others if name_of(one.finding) in LOST]
        assert lost
        assert "SnapshotWithinCommit" in lost[0].ignored
        known = replace(options, ignored=lost[0].ignored, episode=lost[0].episode)
        again = check(judging(known, host, "safety")).found
    assert again is not None
    assert name_of(again.finding) == name_of(lost[0].finding)


def test_a_property_that_is_ignored_is_judged_no_more() -> None:
    with IN_BOTH["earlier-term-commit"].planted() as broken:
        host, name = local(partial(LibrarySubject, broken)), IN_BOTH["earlier-term-commit"].breaks
        options = Options(events=3_000, shrink_seconds=1.0)
        judged = check(judging(options, host, "safety")).found
        assert judged is not None
        assert name_of(judged.finding) == name
        rest = check(judging(replace(options, ignored=frozenset({name})), host, "safety"))
    assert rest.events >= 3_000
    assert rest.found is None or name_of(rest.found.finding) != name


def test_what_is_wrong_besides_is_found_if_the_check_goes_on() -> None:
    faults: Faults = {b'"heartbeat"': DiedError("ended"), b'"propose_command"': b"what?"}
    options = Options(events=400, nodes=3, shrink_seconds=1.0, keep_going=True)
    report = check(judging(options, local(SpecSubject, faults=faults), "safety"))
    assert report.found is not None
    names = [name_of(one.finding) for one in (report.found, *report.others)]
    assert sorted(names) == ["BadAnswer", "Death"]
    assert len(cast(list[object], report.as_json()["others"])) == 1
    host = local(SpecSubject, faults=faults)
    without = check(judging(options, host, "safety", without=["heartbeat"]))
    assert without.found is not None
    assert (name_of(without.found.finding), without.others) == ("BadAnswer", [])
    assert not_judged(host, "safety", ["heartbeat"])[0] == "heartbeat (left out)"


@pytest.mark.parametrize("name", ["vote-not-persisted", "earlier-term-commit"])
def test_the_properties_name_what_a_bug_breaks(name: str) -> None:
    with IN_BOTH[name].planted() as broken:
        host = local(partial(LibrarySubject, broken))
        found = check(judging(Options(events=20_000, shrink_seconds=2.0), host, "safety")).found
    assert found is not None
    assert name_of(found.finding) == IN_BOTH[name].breaks


@each_level
@pytest.mark.parametrize(
    ("fault", "name"),
    [
        (DiedError("ended"), "Death"),
        (HungError("no answer"), "Hang"),
        (FloodedError("wrote more"), "Flood"),
        (b"what?", "BadAnswer"),
    ],
)
def test_a_subject_that_fails_is_found_shrunk_and_the_rest_goes_on(
    level: AuditLevel, fault: bytes | Exception, name: str
) -> None:
    host = local(SpecSubject, faults={b"election_timeout": fault})  # type: ignore[dict-item]
    options = Options(events=150, nodes=2, keep_going=True)
    report = check(judging(options, host, level))
    assert report.events >= 150
    assert report.episodes > 1
    assert report.others == []  # of one kind
    assert report.found is not None
    assert name_of(report.found.finding) == name
    assert len(report.found.choices) <= 2


class Boaster(SpecSubject):
    """Shows that it leads, which it does not."""

    def observe(self, node: v.NodeId) -> Observed:
        return super().observe(node)._replace(role="leader")


class Forgetful(SpecSubject):
    """Shows another end of its log than it has written."""

    def observe(self, node: v.NodeId) -> Observed:
        return super().observe(node)._replace(last_position=v.ZERO)


class Forger(SpecSubject):
    """Speaks in the name of another node."""

    def drain(self, node: v.NodeId) -> tuple[v.Action, ...]:
        return tuple(
            replace(one, message=replace(one.message, sender=node + 1))
            if isinstance(one, v.SendMessage)
            else one
            for one in super().drain(node)
        )


@pytest.mark.parametrize(
    ("liar", "name"),
    [
        (Boaster, "VotedForItself"),
        (Forgetful, "DiskAgreesWithMemory"),
        (Forger, "BadAnswer"),
    ],
)
def test_a_subject_that_lies_is_found(liar: type[SpecSubject], name: str) -> None:
    found = check(judging(Options(events=300, nodes=3), local(liar), "safety")).found
    assert found is not None
    assert name_of(found.finding) == name


KINDS: dict[Feature, set[str]] = {
    "restarts": {"restart"},
    "snapshots": {"snapshot_installed"},
    "changes": {"propose_config"},
    "heartbeat": {"heartbeat"},
    "step_down": {"step_down"},
    "transfer": {"transfer_leadership", "cancel_transfer", "timeout_now"},
}


def kinds_asked(host: LocalHost) -> set[str]:
    return {str(one["event"]["kind"]) for one in requests_of(host) if "event" in one}  # type: ignore[index]


@each_level
def test_what_a_subject_lacks_is_not_asked_and_said(level: AuditLevel) -> None:
    poor, rich = local(SpecSubject, list(KINDS)), local(SpecSubject)
    for host in (poor, rich):
        assert check(judging(Options(events=1_500), host, level)).found is None
    kinds = set[str]().union(*KINDS.values())
    assert kinds_asked(rich) > kinds
    assert kinds_asked(poor).isdisjoint(kinds)
    assert all(feature in not_judged(poor, level)[0] for feature in KINDS)


def test_large_numbers_limits_and_non_voters_are_not_asked_of_who_lacks_them() -> None:
    host = local(SpecSubject, ["large_numbers", "limits", "non_voters"])
    assert check(judging(Options(events=1_500), host, "exact")).found is None
    asked = requests_of(host)
    assert max(map(largest, asked)) < 2**53
    assert not any("limits" in str(one) for one in asked)


def test_who_has_no_joint_changes_is_asked_for_one_voter_at_a_time() -> None:
    host = local(SpecSubject, ["joint_changes"])
    assert check(judging(Options(events=2_000), host, "safety")).found is None
    events = [one["event"] for one in requests_of(host)]
    changes = [event["config"] for event in events if event["kind"] == "propose_config"]  # type: ignore[index]
    assert changes
    for change in changes:
        assert len(set(change["voters"]) ^ set(change["new_voters"])) == 1


@pytest.mark.parametrize("without", [None, *single_step.CONDITIONS])
def test_changes_in_one_step_are_judged(without: str | None) -> None:
    """Of who has no joint configurations: each in its time."""
    host = local(lambda: SpecSubject(single_step.rule(without)), ["joint_changes"])
    options = Options(events=4_000, shrink_seconds=0.0)
    found = check(judging(options, host, "safety")).found
    assert (None if found is None else name_of(found.finding)) == without


def test_who_lacks_reordering_and_duplicates_is_handed_each_message_once_and_in_order() -> None:
    """Calls of one node to another have rising numbers, if each is sent once."""
    host = local(SpecSubject, ["duplicates", "reordering", "restarts", "snapshots"])
    assert check(judging(Options(events=1_500), host, "safety")).found is None
    for process in host.begun:
        latest: dict[tuple[object, object], tuple[int, int]] = {}
        for line in process.requests:
            request = json.loads(line)
            if request["event"]["kind"] != "message":
                continue
            message = request["event"]["message"]
            if message["type"].endswith("_call"):
                link, number = (
                    (message["from"], request["node"]),
                    (message["term"], message["seqno"]),
                )
                assert number > latest.get(link, (0, 0)), line
                latest[link] = number


def largest(value: object) -> int:
    match value:
        case dict():
            return max(map(largest, value.values()), default=0)
        case list():
            return max(map(largest, value), default=0)
        case bool() | str() | None:
            return 0
    assert isinstance(value, int)
    return value


@pytest.mark.parametrize("feature", ["joint_changes", "timers"])
def test_exactly_is_asked_only_who_can_do_what_is_specified(feature: Feature) -> None:
    with pytest.raises(CannotJudgeError, match=feature):
        judging(Options(), local(SpecSubject, [feature]), "exact")


def test_timers_of_its_own_are_not_judged() -> None:
    """A subject that never tells of its timer: it is wrong, unless it says so."""

    class Silent(SpecSubject):
        def drain(self, node: v.NodeId) -> tuple[v.Action, ...]:
            owed = super().drain(node)
            return tuple(one for one in owed if not isinstance(one, v.SetElectionTimeout))

    options = Options(events=2_000, shrink_seconds=1.0)
    found = check(judging(options, local(Silent), "safety")).found
    assert found is not None
    assert name_of(found.finding) == "TimerSetByCause"
    assert check(judging(options, local(Silent, ["timers"]), "safety")).found is None


def test_lines_are_written_and_read_quickly_as_they_are_by_the_models(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And so is what is written in another way."""
    read: list[bool] = []

    class Both(lines.AnswerReader):
        def read(self, line: bytes, event: v.Event) -> Answered:
            spaced = json.dumps(json.loads(line)).encode()
            by_models = read_answer(line, event, drained=True)
            assert super().read(line, event) == super().read(spaced, event) == by_models
            plain = answer_line(event, by_models.outcome, by_models.actions, by_models.state)
            assert lines.answer(event, *by_models) == plain == line
            if not isinstance(event, (v.Start, v.Restart)):  # those are for the models
                read.append(self._quickly(line, event) == by_models)
            return by_models

    def both(node: v.NodeId, event: v.Event) -> bytes:
        for drain in (True, False):
            assert lines.request(node, event, drain) == request_line(node, event, drain)
        return request_line(node, event)

    monkeypatch.setattr(properties, "AnswerReader", Both)
    monkeypatch.setattr(properties, "request", both)
    check(judging(Options(events=600, fast=False), local(SpecSubject), "safety"))
    assert len(read) > 500
    assert all(read)
