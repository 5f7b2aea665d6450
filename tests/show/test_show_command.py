"""`conformance show` as a command: where it writes, what it refuses, hostile text."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from conformance.trace.save import save
from spec import values as v
from tests.cli.helpers import process, run
from tests.support.tape import Tape

VOTE = Path("traces/violations/index-only-vote.jsonl")
HOSTILE = "raftbare <script>alert(1)</script>\x1b[2J\u202e [red] `;#%%{init}"


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    path = tmp_path / "x.jsonl"
    save(path, Tape().add(0, v.Start()).add(1, v.Start()).records, 2, HOSTILE)
    return path


def test_text_is_printed() -> None:
    ran = run("show", VOTE)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("A line an event")
    assert ran.out.count("?? node 2 SpecifiedState") == 1


@pytest.mark.parametrize(
    ("name", "begins"),
    [
        ("a.txt", "A line an event"),
        ("a.html", "<!doctype html>"),
        ("a.mmd", "sequenceDiagram\n"),
        ("a.itf.json", '{"#meta"'),
        ("a.shiviz", "(?<event>"),
        ("a.svg", "<svg "),
    ],
)
def test_the_name_of_the_output_says_the_form(tmp_path: Path, name: str, begins: str) -> None:
    ran = run("show", VOTE, "-o", tmp_path / name, "--json")
    assert ran.code == 0
    assert ran.json["written"] == str(tmp_path / name)
    assert ran.json["first"] == {"property": "SpecifiedState", "event": 28, "node": 2}
    assert (tmp_path / name).read_text().startswith(begins)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_as_says_it_too(tmp_path: Path) -> None:
    assert run("show", VOTE, "--as", "mermaid", "-o", tmp_path / "a.txt").code == 0
    assert (tmp_path / "a.txt").read_text().startswith("sequenceDiagram\n")


def test_what_cannot_be_read_or_written_is_told_in_a_line(tmp_path: Path) -> None:
    trace = tmp_path / "trace.jsonl"
    trace.write_bytes(VOTE.read_bytes())
    wrong = {
        "no such file": ("show", tmp_path / "none"),
        "a JSON object": ("show", "pyproject.toml"),
        "no regular file": ("show", trace, "-o", tmp_path),
        "expected another file": ("show", trace, "-o", trace),
        "was not written": ("show", trace, "-o", tmp_path / "no" / "a.txt"),
        "in " + str(VOTE): ("show", VOTE, trace),
        "expected -o FILE": ("show", trace, "--json"),
    }
    for expected, arguments in wrong.items():
        ran = run(*arguments)
        assert ran.code == 2, expected
        assert expected in ran.out + ran.err
        assert (ran.out + ran.err).count("\n") <= 4
    assert trace.read_bytes() == VOTE.read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["trace.jsonl"]


def test_a_recording_that_ends_early_is_shown_up_to_there(tmp_path: Path) -> None:
    cut = tmp_path / "cut.jsonl"
    cut.write_bytes(VOTE.read_bytes()[:-100])
    ran = run("show", cut)
    assert ran.code == 0
    assert "the last line is cut off" in ran.err
    assert "not read to its end" in ran.out
    cut.write_bytes(VOTE.read_bytes().splitlines(keepends=True)[0])
    assert run("show", cut).code == 3, "nothing is shown"


def test_hostile_text_is_text(hostile: Path, tmp_path: Path) -> None:
    for form in ("text", "mermaid", "itf", "shiviz", "svg"):
        ran = run("show", hostile, "--as", form, "-o", tmp_path / "out")
        assert ran.code == 0
        shown = (tmp_path / "out").read_text()
        assert "\x1b" not in shown
        assert "\u202e" not in shown
        assert "<script>" not in shown or form in ("text", "itf"), (
            "plain text and JSON have it as it is"
        )
    printed = process("show", hostile, encoding="ascii")
    assert printed.code == 0
    assert "raftbare <script>alert(1)</script>\\x1b[2J\\u202e [red]" in printed.out


def test_itf_of_a_hostile_recording_is_json(hostile: Path) -> None:
    assert (
        HOSTILE.split("\x1b")[0]
        in json.loads(run("show", hostile, "--as", "itf").out)["#meta"]["description"]
    )
