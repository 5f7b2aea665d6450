"""What a node may be asked: the library's answers, and what of a wrong one is found."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

import raftbare
from conformance.observe.finding import Difference
from conformance.simulation.check import Options, against_library, check
from conformance.simulation.episode import play
from conformance.simulation.lockstep import Lockstep
from conformance.simulation.replay import replay
from conformance.simulation.simulate import Schedule
from conformance.subjects.library import LibrarySubject
from conformance.subjects.patched import Patch, patched_library
from conformance.subjects.questions import NAMES, QUESTIONS, Answer, all_of, drawn
from conformance.subjects.subject import answers_of_both
from conformance.trace.save import save
from spec import values as v


def test_a_question_is_named_as_the_library_has_it() -> None:
    assert len(NAMES) == len(QUESTIONS)
    for name in NAMES:
        assert hasattr(raftbare.Node, name) or hasattr(raftbare.ClusterConfig, name)


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
    assert {drawn(random, node).question.name for _ in range(100)} == NAMES


WRONG = {
    "would_vote": Patch("questions", "call.last_position >= self", "call.last_position > self"),
    "read_index": Patch("questions", "self._seqno + 1), self._commit_index", "self._seqno), 0"),
    "is_confirmed": Patch("questions", "read.seqno <= self.confirmed", "read.seqno < 3"),
    "could_be_disruptive": Patch("questions", " or message.transfer:", ":"),
}


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
        assert len(found.choices) < found.length_before / 2
        path = tmp_path_factory.mktemp("asked") / "trace.jsonl"
        save(path, found.recorder.records, found.nodes)
        again = replay(path, LibrarySubject(broken)).difference
        assert again is not None
        assert again.what == name
    assert replay(path).difference is None
