"""What a node may be asked: the library's answers, and what of a wrong one is found."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from random import Random
from types import CodeType, FrameType, FunctionType

import pytest

import raftbare
from conformance.observe.finding import Difference
from conformance.simulation.check import Options, against_library, check
from conformance.simulation.episode import play
from conformance.simulation.lockstep import Lockstep
from conformance.simulation.replay import replay
from conformance.simulation.schedule.simulate import Schedule
from conformance.subjects.asking import lookups
from conformance.subjects.asking.asked import ALL, NAMES, all_of, drawn
from conformance.subjects.asking.questions import Answer
from conformance.subjects.library import LibrarySubject
from conformance.subjects.patched import Patch, patched_library
from conformance.subjects.subject import answers_of_both
from conformance.trace.save import save
from raftbare import ClusterConfig, Node
from spec import values as v


def test_a_question_is_named_as_the_library_has_it() -> None:
    assert len(NAMES) == len(ALL)
    for name in NAMES:
        kind, _, function = name.rpartition(".")
        owners = [getattr(raftbare, kind)] if kind else [raftbare, Node, ClusterConfig]
        assert any(hasattr(owner, function) for owner in owners), name


@pytest.mark.parametrize("episode", [0, 1, 4, 9])
def test_the_library_answers_as_specified_in_all_cases(episode: int) -> None:
    schedule, seen = Schedule(3, episode), Counter[tuple[str, object]]()
    run = Lockstep(schedule.profile.nodes, LibrarySubject())
    for number, (_, _, finding) in enumerate(play(schedule, run, 150)):
        assert finding is None
        for member in run.cluster.members if number % 5 == 0 else ():
            if member.up:
                for name, one, other in answers_of_both(
                    member.node, run.subject, all_of(member.node)
                ):
                    assert one == other, name
                    assert isinstance(one, Answer)
                    answer = one.answer
                    seen[name, answer if isinstance(answer, (str, bool)) else type(answer)] += 1
    assert {seen["would_vote", True] > 0, seen["would_vote", False] > 0} == {True}
    assert seen["get_commit_status", "committed"] > 0
    assert seen["is_confirmed", v.Refused] > 0
    assert {name for name, _ in seen} == NAMES


def test_a_few_draws_meet_every_question() -> None:
    """Of a leader that has committed, taken compaction and made calls."""
    log = v.new_log(v.Position(1, 3), v.Config(frozenset({0, 1, 2})), (v.Entry(2, v.TERM),))
    peers = (v.Progress(1, answered=4), v.Progress(2))
    node = v.Node(0, v.Leader(peers, 4), 2, 0, log, 4, 5)
    random = Random(0)
    assert {drawn(random, node).question.name for _ in range(200)} == NAMES


WRONG = {
    "would_vote": Patch("questions", "call.last_position >= self", "call.last_position > self"),
    "read_index": Patch("questions", "self._seqno + 1), self._commit_index", "self._seqno), 0"),
    "is_confirmed": Patch("questions", "read.seqno <= self.confirmed", "read.seqno < 3"),
    "could_be_disruptive": Patch("questions", " or message.transfer:", ":"),
    "LogEntries.get_entry": Patch("entries", "i = bisect_left(configs.at, index)", "i = 0"),
    "LogEntries.since": Patch(
        "entries", "return self._after(position) if", "return self._after(self.prev_position) if"
    ),
    "LogEntries.runs": Patch(
        "entries", "yield LogPosition(term, index)", "yield LogPosition(0, 0)"
    ),
    "LogEntries.push": Patch(
        "entries", "if index < self.last_position.index:", "if index < self._terms.last:"
    ),
    "Log.get_position_and_config": Patch(
        "log", "self.snapshot_config if config is None", "self.latest_config if config is None"
    ),
    "LogPosition": Patch(
        "types",
        "return other.term < self.term or (self.term == other.term and other.index < self.index)",
        "return other.term < self.term or (self.term == other.term and other.index <= self.index)",
    ),
    "CommitStatus": Patch("types", "return self is CommitStatus.UNKNOWN", "return False"),
    "ClusterConfig.contains": Patch("config", " or node_id in self._non_voters", ""),
    "Node.status": Patch("questions", "            self.transfer_target,\n", "            None,\n"),
    "Role": Patch("types", "return self is Role.CANDIDATE", "return self is not Role.LEADER"),
    "NotLeaderError": Patch("questions", "Error(message, leader)", "Error(message)"),
    "force_new_cluster": Patch("recovery", "if config.has_quorum(alive)", "if len(alive) > 2"),
}


def public() -> Iterator[tuple[str, CodeType]]:
    """The functions and properties of what the package offers, by their names."""
    for name in raftbare.__all__:
        one = getattr(raftbare, name)
        if isinstance(one, FunctionType):
            yield name, one.__code__
        if not isinstance(one, type) or issubclass(one, BaseException):
            continue
        for kind in one.__mro__:
            for member, value in vars(kind).items():
                function = getattr(value, "fget", getattr(value, "__func__", value))
                if isinstance(function, FunctionType) and kind.__module__.startswith("raftbare"):
                    if not member.startswith("_") or member in SPOKEN:
                        yield f"{name}.{member}", function.__code__


SPOKEN = frozenset(
    [
        "__len__",
        "__iter__",
        "__bool__",
        "__next__",
        "__eq__",
        "__lt__",
        "__le__",
        "__gt__",
        "__ge__",
        "__hash__",
    ]
)
"""What is called without being named."""

EXEMPT = {
    "certificate": "of the package, and not of a node: tests/release",
    "Certificate": "as above",
    "Counters": "compared as what a node keeps: tests/subjects/test_hidden.py",
    "header": "a part of a message, made of fields that are read: as above",
}
"""What is not called, by the last or the first part of its name."""


def is_exempt(name: str) -> bool:
    first, _, last = name.partition(".")
    return first in EXEMPT or last in EXEMPT


@pytest.mark.skipif(raftbare.compiled, reason="a profile tells nothing of compiled functions")
def test_every_public_function_is_called_by_the_check_itself() -> None:
    """From these checks, and not from within the library."""
    called: set[CodeType] = set()

    def note(frame: FrameType, event: str, _: object) -> None:
        caller = frame.f_back
        if event == "call" and caller is not None and frame.f_code not in called:
            if caller.f_globals.get("__name__", "").startswith("conformance."):
                called.add(frame.f_code)

    former = sys.getprofile()
    sys.setprofile(note)
    try:
        report = check(Options(events=4_000))
    finally:
        sys.setprofile(former)
    assert report.verdict == "conforms"
    functions = dict(public())
    assert len(functions) > 80
    missing = [name for name, code in functions.items() if code not in called]
    assert [name for name in missing if not is_exempt(name)] == []
    parts = {part for name in missing for part in (name.split(".")[0], name.split(".")[-1])}
    assert EXEMPT.keys() <= parts, "what is called needs no exemption"


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_answer_is_found_and_shrunk_and_replayed(
    name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with patched_library(WRONG[name]) as broken:
        options = Options(events=20_000, shrink_seconds=4.0, run=against_library(broken))
        found = check(options).found
        assert found is not None
        assert isinstance(found.finding, Difference)
        assert found.finding.what == name
        assert len(found.choices) <= max(1, found.length_before / 2)
        path = tmp_path_factory.mktemp("asked") / "trace.jsonl"
        save(path, found.recorder.records, found.nodes)
        again = replay(path, LibrarySubject(broken)).difference
        assert again is not None
        assert again.what == name
    assert replay(path).difference is None


def test_entries_are_compared_as_runs_and_none_is_lost() -> None:
    """So that a question of a long log takes the memory of its runs."""
    each: list[tuple[v.Position, object]]
    each = [(v.Position(1, at), v.COMMAND) for at in range(5, 1005)]
    each += [(v.Position(2, 1005), v.Entry(2, v.TERM)), (v.Position(2, 1006), v.COMMAND)]
    runs = lookups._runs(each)
    assert [count for _, _, count in runs] == [1000, 1, 1]
    wrong: list[tuple[int, tuple[v.Position, object]]] = [
        (500, (v.Position(1, 504), v.COMMAND)),  # one is there twice
        (500, (v.Position(2, 505), v.COMMAND)),
        (500, (v.Position(1, 505), v.Entry(1, v.TERM))),
        (0, (v.Position(1, 4), v.COMMAND)),
        (1001, (v.Position(1, 1006), v.COMMAND)),
    ]
    for at, other in wrong:
        assert lookups._runs([*each[:at], other, *each[at + 1 :]]) != runs
    assert lookups._counted(shown for _, shown in each) == [
        (v.COMMAND, 1000),
        (v.Entry(2, v.TERM), 1),
        (v.COMMAND, 1),
    ]
