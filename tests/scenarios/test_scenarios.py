"""The narrated scenarios, on the specification and on the library.

    python -m tests.scenarios.play --rewrite

writes down anew what comes of them; what changes is then to be read.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from conformance.audit.decisions import DECISIONS, as_in_crate
from conformance.observe.recorded import Recorder
from conformance.simulation.run import Run
from spec import rules
from spec.cluster import Rule
from tests.scenarios.play import HERE, Make, library, parse, play, specification

FILES = sorted(HERE.glob("*.txt"))
BOTH = pytest.mark.parametrize("make", [specification, library], ids=["spec", "library"])


@BOTH
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_what_comes_of_it_is_what_is_written_down(path: Path, make: Make) -> None:
    text = path.read_text(encoding="utf-8")
    assert play(text, make) == text


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_scenario_tells_its_story_and_where_it_is_from(path: Path) -> None:
    first, *others = parse(path.read_text(encoding="utf-8"))
    assert first.comments, "it begins with what it is about"
    assert any(source in " ".join(first.comments) for source in ("§", "Figure "))
    assert not first.commands
    assert sum(bool(block.commands) for block in others) >= 2
    assert all(block.output for block in others if block.commands), "each command shows something"


def with_rule(rule: Rule, size: int, recorder: Recorder) -> Run:
    return Run(size, rule, recorder)


def fails(name: str, rule: Rule) -> bool:
    """Whether a scenario does not come out as written with another rule."""
    text = (HERE / f"{name}.txt").read_text(encoding="utf-8")
    try:
        return play(text, partial(with_rule, rule)) != text
    except AssertionError:
        return True


@pytest.mark.parametrize(
    ("decision", "name"),
    [
        ("D1", "vote-up-to-date"),
        ("D3", "removed-leader"),
        ("D6", "deposed-leader"),
    ],
)
def test_a_scenario_fails_where_the_rule_that_it_tells_of_is_another(
    decision: str, name: str
) -> None:
    (other,) = (one for one in DECISIONS if one.name == decision)
    assert fails(name, as_in_crate(other))
    assert not fails(name, rules.step)
