"""Each view of a picture, read by what it is made for: people, Mermaid, readers of ITF, ShiViz."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import itf_py
import pytest

from conformance.show import words
from conformance.show.forms import FORMS
from conformance.show.itf import VARIABLES, itf
from conformance.show.mermaid import MOST, mermaid
from conformance.show.model import Picture
from conformance.show.put_together import put_together
from conformance.show.read import read_picture
from conformance.show.shiviz import shiviz
from conformance.show.svg import MOST as MOST_DRAWN
from conformance.show.svg import drawing as drawing_of
from conformance.show.svg import svg
from conformance.show.text import text
from spec import values as v
from tests.scenarios.play import HERE, perform, specification
from tests.support.recordings import crate, simulated, story
from tests.support.tape import Tape

VOTE = Path("traces/violations/index-only-vote.jsonl")


def whole(pieces: object) -> str:
    return "".join(pieces)  # type: ignore[arg-type]


# Text

ELECTION = """\
  #  0          1
  1 *F0 0/0                starts
  2  |         *F0 0/0     starts
  3 +C1 0/1     |          founds {0,1} at t0i1; campaigns; members {0,1}; saves term 1; \
saves vote 0; > 1x RV#1 t1 last t0i1; writes [0{0,1}] after t0i0
  4 !C2 0/1     |          timer runs out; saves term 2; saves vote 0; > 1 RV#2 t2 last t0i1
  5  |         <F2 0/0     RV#2 t2 last t0i1 from 0; saves term 2; saves vote 0; > 0x RV+#2 t2
  6  |         ^F2 0/0     restarts with term 2, vote 0, log up to t0i0
"""


def test_text_has_a_line_an_event_and_a_column_a_server() -> None:
    tape = Tape()
    for node in (0, 1):
        tape.drive(v.Start(), node=node)
    tape.drive(v.CreateCluster(frozenset({0, 1})), v.ElectionTimeout(), node=0)
    tape.drive(v.Receive(v.RequestVoteCall(0, 2, 2, v.Position(0, 1))), node=1)
    tape.drive(v.Restart(2, 0, v.Log()), node=1)
    assert whole(text(put_together(tape.records), legend=False)) == ELECTION


def test_text_says_what_a_write_drops_and_whose_actions_wait() -> None:
    tape = Tape().add(0, v.Start())
    entries = (v.Entry(1, v.TERM), v.Entry(1, v.COMMAND))
    tape.add(0, v.ElectionTimeout(), v.AppendLogEntries(v.ZERO, entries))
    tape.add(0, v.ElectionTimeout(), v.AppendLogEntries(v.Position(1, 1), (v.Entry(2, v.TERM),)))
    tape.add(0, v.ProposeCommand(), drained=False)
    *_, third, fourth = text(put_together(tape.records), legend=False)
    assert third.endswith("writes [2T] after t1i1, dropping 1\n")
    assert fourth.endswith("command: refused; (actions pending)\n")


def test_text_marks_the_first_thing_wrong_where_it_shows() -> None:
    lines = whole(text(read_picture([VOTE]))).splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith(" 28"))
    assert lines[at + 1].lstrip().startswith("?? node 2 SpecifiedState: D1")
    assert lines[-1] == "The audit's verdict: violation, first SpecifiedState at event 28."


def test_text_says_that_nothing_was_judged() -> None:
    tape = Tape().add(0, v.Start())
    assert whole(text(put_together(tape.records))).endswith("The audit's verdict: inconclusive.\n")


def test_of_several_files_the_text_says_which_order_is_known() -> None:
    picture = put_together(simulated(1), order="causal")
    assert "what this leaves open may have happened in any order" in whole(text(picture))


@pytest.mark.parametrize("name", ["D1", "D4", "D9"])
def test_each_form_shows_every_event(name: str) -> None:
    from conformance.subjects.subject import SpecSubject

    picture = put_together(story(name, SpecSubject()))
    for form, pieces in FORMS.items():
        shown = whole(pieces(picture))
        assert all(words.kind(one.record) in shown or form != "itf" for one in picture.moments)
        assert shown.isascii() or form == "page", form


# Mermaid

MESSAGE = r"n\d+(->>|-x|-->>)n\d+: [^;#<>]*"
STATEMENT = re.compile(
    rf"    (participant n\d+ as \d+|Note over n\d+: [^;#<>]+|{MESSAGE})".replace(
        "[^;#<>]", r"(?:[^;#<>]|#\d+;)"
    )
)


@pytest.fixture(scope="module")
def lost_commit() -> Picture:
    return read_picture([crate("crate-3n-lost-commit.jsonl")])


def test_a_sequence_diagram_is_of_statements_that_mermaid_knows(lost_commit: Picture) -> None:
    first, *lines = whole(mermaid(lost_commit)).splitlines()
    assert first == "sequenceDiagram"
    assert [line for line in lines if not STATEMENT.fullmatch(line)] == []
    assert any("-x" in line for line in lines), "what was lost has its own arrow"
    assert "VoteForUpToDateLog" in lines[-1], "it ends with the first thing that was wrong"


def test_a_sequence_diagram_is_no_longer_than_can_be_read() -> None:
    picture = put_together(simulated(3))
    lines = whole(mermaid(picture)).splitlines()
    assert f"{len(picture.moments) - MOST} events before this are left out" in whole(lines)
    assert sum("->>" in line for line in lines) <= MOST


# ITF


def test_itf_reads_back(lost_commit: Picture) -> None:
    trace = itf_py.trace_from_json(json.loads(whole(itf(lost_commit))))
    assert trace.vars == list(VARIABLES)
    assert len(trace.states) == len(lost_commit.moments)
    for moment, state in zip(lost_commit.moments, trace.states, strict=True):
        assert set(state.values) == set(VARIABLES)
        shown = moment.record.state
        assert state.values["at"] == moment.node
        assert state.values["term"][moment.node] == shown.current_term
        assert state.values["role"][moment.node] == shown.role
        vote = frozenset() if shown.voted_for is None else {shown.voted_for}
        assert state.values["voted_for"][moment.node] == vote
        saved = [entry.term for entry in state.values["disk"][moment.node].entries]
        assert saved == [entry.term for entry in moment.disk.log.entries]
    assert trace.states[40].values["mbt::actionTaken"] == "RequestVoteCall"
    assert trace.states[40].values["wrong"][0].startswith("VoteForUpToDateLog")


def test_what_is_under_way_in_itf_is_gone_once_it_has_arrived() -> None:
    picture = put_together(simulated(3)[:200])
    trace = itf_py.trace_from_json(json.loads(whole(itf(picture))))
    under_way = [len(state.values["network"]) for state in trace.states]
    assert max(under_way) > 1
    assert under_way[-1] == 0, "what would arrive has arrived, or was never received"


# ShiViz


def test_a_shiviz_log_is_read_by_the_expression_that_it_begins_with(lost_commit: Picture) -> None:
    expression, empty, log = whole(shiviz(lost_commit)).split("\n", 2)
    assert empty == ""
    found = re.findall(expression.replace("(?<", "(?P<"), log)
    assert len(found) == len(lost_commit.moments)
    own: dict[str, int] = {}
    for _, host, clock in found:
        own[host] = own.get(host, 0) + 1
        assert json.loads(clock)[host] == own[host], "a host's own count goes up by one"
    assert "VoteForUpToDateLog" in found[40][0]


# SVG

SPACE = "{http://www.w3.org/2000/svg}"


def drawn(pieces: object) -> ElementTree.Element:
    return ElementTree.fromstring(whole(pieces))


def of_class(drawing: ElementTree.Element, tag: str, name: str) -> list[ElementTree.Element]:
    found = drawing.iter(f"{SPACE}{tag}")
    return [one for one in found if name in (one.get("class") or "").split()]


def test_a_drawing_ends_with_the_first_thing_that_was_wrong(lost_commit: Picture) -> None:
    drawing = drawn(svg(lost_commit))
    first = lost_commit.first_wrong
    assert first is not None
    assert [one.text for one in of_class(drawing, "text", "end")][-1] == str(first.place)
    places = {one.place for one in lost_commit.wrong if (one.place or 0) <= (first.place or 0)}
    assert len(of_class(drawing, "circle", "bad")) == len(places)
    told = " ".join(one.text or "" for one in of_class(drawing, "text", "wrong"))
    assert told.startswith(f"!! {first.name}: {first.detail[:40]}")
    heads = [one.text for one in of_class(drawing, "text", "head")]
    assert heads == [f"server {node}" for node in lost_commit.nodes]
    assert not [one for one in drawing.iter() if one.tag.endswith(("script", "image", "use"))]


def test_a_drawing_has_each_event_and_what_became_of_each_message() -> None:
    picture = put_together(simulated(3)[:50])
    drawing = drawn(svg(picture))
    said = [
        one.text
        for group in drawing.iter(f"{SPACE}g")
        for one in group
        if one.tag == f"{SPACE}title"
    ]
    assert len(said) == len(list(drawing.iter(f"{SPACE}circle"))) == len(picture.moments)
    assert (said[7] or "").startswith(words.event(picture.moment(8), picture))
    arrived = [one for one in picture.sendings for _ in one.received]
    arrows = [one for one in of_class(drawing, "path", "message") if one.get("marker-end")]
    assert len(arrows) == len(arrived)
    lost = [one for one in picture.sendings if one.fate == "lost"]
    assert len(of_class(drawing, "path", "lost")) == len(lost) > 0


def test_a_drawing_has_the_logs_before_its_first_event_and_after_its_last_one() -> None:
    picture = put_together(simulated(3))
    last = len(picture.moments) - 5
    drawing = drawn(drawing_of(picture, last - 30, last))
    ends = [
        one
        for end in (last - 31, last)
        for one in {moment.node: moment for moment in picture.moments[:end]}.values()
    ]
    boxes = of_class(drawing, "rect", "entry")
    assert len(boxes) == sum(len(one.disk.log.entries) for one in ends) > 3
    told = [one.text for one in drawing.iter(f"{SPACE}text")]
    assert {f"before {last - 30}", f"after {last}"} <= set(told)
    done = sum(
        min(one.record.state.commit_index, one.disk.log.last_index)
        - one.disk.log.snapshot_position.index
        for one in ends
    )
    assert len(of_class(drawing, "path", "done")) == done
    assert len(list(drawing.iter(f"{SPACE}circle"))) == 31


def test_a_drawing_is_no_longer_than_can_be_read() -> None:
    drawing = drawn(svg(put_together(simulated(3))))
    assert len(list(drawing.iter(f"{SPACE}circle"))) == MOST_DRAWN


def test_an_entry_that_is_committed_otherwise_elsewhere_is_framed() -> None:
    """Server 0 of Figure 8 comes back with what was overwritten."""
    story = (HERE / "figure-8-overwritten.txt").read_text(encoding="utf-8")
    drawing = drawn(svg(put_together(perform(story, specification).recorder.records)))
    assert len(of_class(drawing, "rect", "differs")) == 2
