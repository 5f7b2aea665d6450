"""A run in short: who decided wrongly, what should have been done, what was lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.show.expected import expected
from conformance.show.model import Picture, Wrong
from conformance.show.put_together import put_together
from conformance.show.read import read_picture
from conformance.show.short import LOST, SHOULD, WHO, Answer, Lost, in_short, lost
from spec import values as v
from tests.pictures.bugs import TAKEN_BACK
from tests.pictures.wrong import run_of
from tests.scenarios.play import HERE, perform, specification
from tests.support.recordings import crate, simulated
from tests.support.tape import Tape

VIOLATIONS = Path("traces/violations")


def answers(picture: Picture, source: str = "") -> list[Answer]:
    first = picture.first_wrong
    told = None if first is None or first.place is None else expected(picture, first.place)
    return list(in_short(picture, told, source))


def test_of_what_the_crate_loses() -> None:
    who, should, what = answers(read_picture([crate("crate-3n-lost-commit.jsonl")]), "§5.4.1")
    logs = "log up to index 4 of term 1, its own up to index 3 of term 3"
    asked = f"server 2, candidate in term 5, asked by 0 for its vote in term 6 ({logs})"
    assert who.said.startswith(f"{asked}: votes for 0 in term 6")
    why = "its own log ends in term 3, which is newer than term 1"
    assert should.said == f"it refuses the vote: {why} (§5.4.1)"
    opens = "index 3: the entry that opens term 3, which was committed in event 30"
    assert what.said == f"{opens}; now a command of term 1 is committed in its place"
    assert (who.place, should.place, what.place) == (41, 41, 47)


def test_of_a_vote_by_the_index_alone() -> None:
    assert answers(read_picture([VIOLATIONS / "index-only-vote.jsonl"])) == [
        Answer(
            WHO,
            "server 2, leader in term 2, asked by 1 for its vote in term 4 (log up to index 4 of "
            "term 3, its own up to index 5 of term 2): refuses it, by a rule of its own: a vote "
            "compares the index of the last entries only",
            28,
        ),
        Answer(
            SHOULD,
            "it grants the vote: the candidate's log ends in term 3, newer than its own term 2 "
            "(§5.4.1)",
            28,
        ),
        Answer(LOST, "nothing that was committed, as far as this is recorded"),
    ]


def test_of_what_makes_a_read_stale() -> None:
    who, should, what = answers(read_picture([VIOLATIONS / "half-confirms.jsonl"]))
    got = "gets a reply of term 2 from 1, which grants it a vote"
    assert who.said == f"server 0, candidate in term 2, {got}"
    assert should.said == "the last call that a quorum confirms is none, not #3"
    assert "a read that waits for that call may be stale" in what.said


def test_what_should_have_been_refused() -> None:
    _, should, _ = answers(run_of(TAKEN_BACK[8]))
    assert should.said == "it refuses this, and stays as it is"


@pytest.mark.parametrize(
    ("name", "should"),
    [
        ("campaign-before-term", "it saves term 1 before it saves vote 0"),
        ("message-before-vote", "it saves vote 0 before it grants 0 its vote: RV+#2 t2"),
        ("demoted-voter-does-not-campaign", "it does this, and does not refuse it"),
        ("commit-without-min", "it takes for committed what is up to index 0, not 2"),
        (
            "old-term-reply-confirms",
            "it ignores the reply, of term 1, which is older than its own term 2 (§5.1); "
            "the last call that a quorum confirms is none, not #2",
        ),
        (
            "stale-append-obeyed",
            "it refuses the call, of term 1, which is older than its own term 2 (§5.1); "
            "its leader is nobody, not 0",
        ),
        (
            "higher-term-in-reply-ignored",
            "it moves to term 2, which is newer than its own 0 (§5.1)",
        ),
        ("vote-granted-twice", "it refuses the vote: it has voted for 4 in this term (§5.2)"),
        (
            "accepted-always",
            "it refuses the call: its log does not have index 1 of term 0, after which the entries "
            "come (§5.3)",
        ),
    ],
)
def test_what_should_have_been_done_is_said_in_words(name: str, should: str) -> None:
    found = {
        one.question: one.said for one in answers(read_picture([VIOLATIONS / f"{name}.jsonl"]))
    }
    assert found[SHOULD] == should


def test_an_entry_that_gives_way_to_another_one_is_lost() -> None:
    first, *others = lost(run_of(TAKEN_BACK[0]))
    assert first == Lost(3, v.Entry(2, v.TERM), 28, 38, v.Entry(1, v.COMMAND))
    assert others == []


def test_a_committed_entry_that_is_removed_is_lost() -> None:
    entries = (v.Entry(0, v.Config(frozenset({0, 1, 2}))), v.Entry(1, v.TERM))
    tape = Tape().add(0, v.Start())
    write = v.AppendLogEntries(v.ZERO, entries)
    tape.add(0, v.Heartbeat(), write, commit_index=2, last_position=v.Position(1, 2))
    assert lost(put_together(tape.records)) == []
    tape.add(0, v.Heartbeat(), v.AppendLogEntries(v.Position(0, 1), ()), commit_index=2)
    assert lost(put_together(tape.records)) == [Lost(2, entries[1], 2, 3, None)]


@pytest.mark.parametrize("episode", range(1, 13))
def test_where_all_is_as_specified_nothing_is_lost(episode: int) -> None:
    picture = put_together(simulated(episode))
    assert lost(picture) == []
    assert answers(picture) == []


@pytest.mark.parametrize("path", sorted(HERE.glob("*.txt")), ids=lambda path: path.stem)
def test_no_scenario_loses_anything(path: Path) -> None:
    records = perform(path.read_text(encoding="utf-8"), specification).recorder.records
    assert lost(put_together(records)) == []


def test_without_a_counterpart_in_the_specification_the_paper_says_what_is_right() -> None:
    picture = put_together(Tape().add(0, v.Start()).records)
    picture.wrong = [Wrong("ElectionSafety", "two of them", 0, 1)]
    assert list(in_short(picture, None, "§5.2"))[1] == Answer(
        SHOULD, "what the paper says in §5.2", 1
    )


def test_of_a_figure_beyond_its_bound_no_server_is_told() -> None:
    picture = put_together(Tape().add(0, v.Start()).records)
    picture.wrong = [Wrong("entries", "too many", None, 1)]
    assert [one.question for one in in_short(picture, None)] == [LOST]


def test_of_records_that_are_not_those_of_who_is_wrong_nothing_is_said() -> None:
    picture = put_together(Tape().add(0, v.Start()).records)
    picture.wrong = [Wrong("equivalence/start", "x", 0, 1, departure=True, note="as specified")]
    assert list(in_short(picture, None)) == []
