"""What docs/show.md shows of each form is what is written."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest

from conformance.show.forms import FORMS
from conformance.show.mermaid import escape
from conformance.show.read import read_picture

DOCUMENT = Path("docs/show.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```\w*\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)
VIOLATIONS = Path("traces/violations")


def lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line and line != "..."]


@pytest.mark.parametrize(
    ("begins", "form", "trace"),
    [
        ("sequenceDiagram", "mermaid", "higher-term-in-reply-ignored.jsonl"),
        ("(?<event>", "shiviz", "index-only-vote.jsonl"),
    ],
)
def test_a_sample_is_of_what_is_written(begins: str, form: str, trace: str) -> None:
    (sample,) = (block for block in BLOCKS if block.startswith(begins))
    written = "".join(FORMS[form](read_picture([VIOLATIONS / trace]))).splitlines()
    places = [written.index(line) for line in lines(sample)]
    assert all(one < other for one, other in pairwise(places))


def test_the_sample_of_a_scenario_is_of_that_scenario() -> None:
    (sample,) = (block for block in BLOCKS if block.startswith("# §5.2"))
    text = Path("tests/scenarios/doubled-vote.txt").read_text(encoding="utf-8")
    assert [line for line in lines(sample) if line.removesuffix("...").rstrip() not in text] == []


def test_the_scenarios_are_counted() -> None:
    (count,) = re.findall(r"has (\d+) situations of the paper", DOCUMENT)
    assert int(count) == len(list(Path("tests/scenarios").glob("*.txt")))


def test_what_means_something_to_mermaid_is_escaped() -> None:
    assert escape("an end; #4 {End} ends <b>") == (
        "an #101;nd#59; #35;4 #123;#69;nd#125; ends #60;b#62;"
    )
