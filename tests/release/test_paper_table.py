"""docs/paper.md: every test of the paper's sentences, every property, every scenario; no other."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from conformance.observe.checking import NAMES
from spec import rules

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/paper.md").read_text(encoding="utf-8")
ROWS = [line.split(" | ") for line in PAGE.splitlines() if line.startswith("| [")]


def test_every_row_has_four_cells() -> None:
    assert len(ROWS) > 50
    assert {len(row) for row in ROWS} == {4}


def test_every_test_is_there_in_its_order() -> None:
    shown: dict[str, list[str]] = {}
    for row in ROWS:
        found = re.fullmatch(r'\| \[[^\]]+\]\(\.\./(\S+) "(\w+)"\)', row[0])
        assert found, row[0]
        shown.setdefault(found[1], []).append(found[2])
    files = sorted((ROOT / "tests/spec/paper").glob("test_*.py"))
    assert shown == {
        file.relative_to(ROOT).as_posix(): re.findall(r"^def (test_\w+)", file.read_text(), re.M)
        for file in files
    }


def test_every_rule_that_it_names_is_one() -> None:
    modules = [import_module(f"spec.rules.{one.name}") for one in iter_modules(rules.__path__)]
    functions = {name for module in modules for name in vars(module)}
    for row in ROWS:
        named = re.findall(r"`(\w+)`", row[1])
        assert named, row[0]
        assert set(named) <= functions


def test_every_property_is_there() -> None:
    assert {name for row in ROWS for name in re.findall(r"\w+", row[2])} == NAMES


def test_every_scenario_is_there() -> None:
    shown = {name for row in ROWS for name in re.findall(r"scenarios/([\w-]+)\.txt", row[3])}
    assert shown == {file.stem for file in (ROOT / "tests/scenarios").glob("*.txt")}
