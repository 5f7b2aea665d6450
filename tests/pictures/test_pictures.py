"""The pictures of the documents are those of what the code does."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from xml.etree import ElementTree

import pytest

from conformance.audit.decisions import DECISIONS, as_in_crate
from conformance.show.put_together import put_together
from conformance.show.read import read_picture
from conformance.trace.save import save
from spec import values as v
from tests.pictures import chapters, diagrams, states
from tests.pictures.bugs import REPORTED, TAKEN_BACK, first_drawn
from tests.pictures.document import DOCS, drawn, text_of_bugs
from tests.pictures.states import Edge
from tests.pictures.wrong import Bug, run_of
from tests.scenarios.play import HERE, Block, Player, perform, specification

SPACE = "{http://www.w3.org/2000/svg}"
EVERY = (*TAKEN_BACK, *REPORTED)
each_bug = pytest.mark.parametrize("bug", EVERY, ids=lambda bug: bug.name)
each_chapter = pytest.mark.parametrize(
    "path", sorted(chapters.CHAPTERS.glob("*.md")), ids=lambda path: path.stem
)


# Bugs


def test_all_decisions_are_shown() -> None:
    assert [bug.name for bug in TAKEN_BACK] == [one.name for one in DECISIONS]


@each_bug
def test_a_bug_is_what_an_audit_finds_first_where_its_sentences_say(bug: Bug) -> None:
    picture = run_of(bug)
    first = picture.first_wrong
    assert first is not None
    assert picture.verdict == "violation"
    told = [int(one) for one in re.findall(r"(?<=[( ])\d+(?=[,)])", bug.done)]
    assert first.place in told or first.place == told[0] + 2, (
        "at the first number, or the next turn"
    )
    cited = re.findall(r"\((\d+(?:, \d+)*)\)", f"{bug.done} {bug.comes}")
    places = [int(one) for some in cited for one in some.split(", ")]
    assert min(places) >= first_drawn(bug)
    assert max(places) <= len(picture.moments)


@each_bug
def test_without_its_mistake_the_same_commands_show_nothing_wrong(bug: Bug, tmp_path: Path) -> None:
    """As far as they can be played: what is to be delivered may not have been sent."""
    player = Player(specification)
    with suppress(AssertionError):
        player.perform(Block(commands=bug.commands.strip().splitlines()))
    for node, message in bug.messages:
        player.input(str(node), v.Receive(message))
    save(tmp_path / "x.jsonl", player.recorder.records, len(player.cluster.members))
    found = read_picture([tmp_path / "x.jsonl"])
    assert len(found.moments) >= first_drawn(bug)
    assert not [one for one in found.wrong if one.departure]


@each_bug
def test_the_picture_of_a_bug_is_the_one_that_is_kept(bug: Bug) -> None:
    assert drawn(bug) == (DOCS / "pictures" / f"{bug.name}.svg").read_text(encoding="utf-8")


def test_the_document_of_bugs_is_the_one_that_is_kept() -> None:
    assert text_of_bugs() == (DOCS / "bugs.md").read_text(encoding="utf-8")


# Diagrams


@pytest.mark.parametrize("name", diagrams.DIAGRAMS)
def test_a_diagram_is_the_one_that_is_kept(name: str) -> None:
    kept = (DOCS / "pictures" / f"{name}.svg").read_text(encoding="utf-8")
    assert diagrams.DIAGRAMS[name]() == kept


def test_another_rule_has_other_edges() -> None:
    """D2: a candidate does not follow the leader that won its term."""
    (decision,) = (one for one in DECISIONS if one.name == "D2")
    bounds = states.ROLES[0]
    specified = states.edges(states.roles, bounds)
    other = states.edges(states.roles, bounds, rule=as_in_crate(decision))
    assert specified - other == {Edge("Candidate", "Follower", "AppendEntriesCall")}


def test_an_edge_that_nothing_says_how_to_draw_is_told() -> None:
    with pytest.raises(KeyError):
        diagrams.state_diagram("x", {Edge("Leader", "Candidate", "x")}, {}, {}, (1, 1), {})


def test_the_house_has_every_room() -> None:
    drawing = ElementTree.fromstring(diagrams.house())
    names = {one.text for one in drawing.iter(f"{SPACE}text") if one.get("class") == "name"}
    rooms = {path.parent.name for path in Path("conformance").glob("*/__init__.py")}
    assert rooms | {"spec/", "raftbare/", "tests/", "examples/"} == names


# Scenarios


def test_each_scenario_is_in_one_chapter() -> None:
    texts = [path.read_text(encoding="utf-8") for path in chapters.CHAPTERS.glob("*.md")]
    listed = sorted(name for text in texts for name in chapters.listed(text))
    assert listed == sorted(path.stem for path in HERE.glob("*.txt"))


@each_chapter
def test_a_chapter_shows_what_a_scenario_tells(path: Path, tmp_path: Path) -> None:
    chapter = path.read_text(encoding="utf-8")
    shown = chapters.expanded(chapter, tmp_path, "pictures")
    names = chapters.listed(chapter)
    assert names
    for name in names:
        text = (HERE / f"{name}.txt").read_text(encoding="utf-8")
        assert f"## {chapters.title_of(name)}\n" in shown
        assert f"](pictures/{name}.svg)" in shown
        for block in re.findall(r"^[^#\n]+\n(?:.+\n)*----\n(?:.+\n)*", text, re.MULTILINE):
            assert f"```text\n{block}```" in shown
        drawing = ElementTree.parse(tmp_path / f"{name}.svg").getroot()
        drawn = [one.text for one in drawing.iter(f"{SPACE}text") if one.get("class") == "end soft"]
        told = re.findall(r"^ *(\d+) [ *^=<!~@+-]\S* ", text, re.MULTILINE)
        assert drawn
        assert set(told) >= set(drawn), name
        assert drawn[-1] == told[-1]


def test_what_a_scenario_leaves_out_is_not_drawn() -> None:
    player = perform((HERE / "figure-7.txt").read_text(encoding="utf-8"), specification)
    first = chapters.begins(player.told)
    assert put_together(player.recorder.records).moment(first + 1).node == 0
    assert first == 203


def test_scenarios_are_counted_by_section() -> None:
    document = (DOCS / "scenarios.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([^|]*[§F][^|]*) \| (\d+) \| ([^|]+) \|$", document, re.MULTILINE)
    found = {section: names.split(", ") for section, _, names in rows}
    assert found == chapters.sources()
    assert [int(count) for _, count, _ in rows] == [len(names) for names in found.values()]
