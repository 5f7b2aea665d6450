"""Which of the kept recordings of broken nodes the safety level finds alone, and why no others."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from conformance.audit.run import audit

ROOT = Path(__file__).parents[3]
KEPT = sorted((ROOT / "traces" / "violations").glob("*.jsonl"))
GOLDEN = sorted((ROOT / "traces" / "golden").glob("*.jsonl.gz"))
PAGE = (ROOT / "docs" / "unfound.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `([\w-]+)` \| .+ \|$", re.MULTILINE)


@cache
def found(path: Path) -> bool:
    return bool(audit([path], "safety", complete=True).problems)


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
def test_a_reason_is_given_exactly_where_nothing_is_found(path: Path) -> None:
    assert (path.stem in ROW.findall(PAGE)) != found(path)


def test_no_recording_is_told_of_twice_or_is_none() -> None:
    told = ROW.findall(PAGE)
    assert len(told) == len(set(told))
    assert set(told) <= {path.stem for path in KEPT}


def test_the_figures_of_the_page() -> None:
    silent = len(ROW.findall(PAGE))
    said = re.findall(r"all (\d+) of them.*?finds (\d+) .*?the other (\d+)", PAGE, re.DOTALL)
    assert said == [(str(len(KEPT)), str(len(KEPT) - silent), str(silent))]
    classes = PAGE.split("\n## ")[1:]
    counted = [(part.splitlines()[0].lower(), str(len(ROW.findall(part)))) for part in classes]
    assert re.findall(r"^\| ([^|`]+) \| (\d+) \|$", PAGE, re.MULTILINE) == counted


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.name.partition(".")[0])
def test_healthy_ones_conform(path: Path) -> None:
    for complete in (True, False):
        assert audit([path], "safety", complete=complete).problems == []
