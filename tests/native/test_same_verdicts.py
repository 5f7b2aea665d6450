"""With the fast path and without it an audit says the same, word by word."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, get_args

import pytest

from conformance.audit.run import audit
from conformance.observe.verdicts import AuditLevel
from tests.cli.helpers import run
from tests.native.mutated import GOLDEN, VIOLATIONS, lines_of, mutants

LEVELS: tuple[AuditLevel, ...] = get_args(AuditLevel)
MUTANTS = 30
LENGTH = 120


def said(path: Path, level: AuditLevel, fast: bool) -> tuple[dict[str, Any], dict[str, int]]:
    """All that an audit says but for how long it took; and who judged."""
    return said_of([path], level, fast)


def said_of(
    paths: Iterable[Path], level: AuditLevel, fast: bool
) -> tuple[dict[str, Any], dict[str, int]]:
    report: dict[str, Any] = audit(paths, level, fast=fast).as_json()
    judged: dict[str, int] = report.pop("judged")
    del report["seconds"]
    assert sum(judged.values()) == report["events"]
    return report, judged


def differing(path: Path, level: AuditLevel) -> tuple[Any, Any] | None:
    fast, slow = said(path, level, True)[0], said(path, level, False)[0]
    return None if fast == slow else (fast, slow)


@pytest.mark.parametrize("level", LEVELS)
def test_of_whole_recordings(form: str, level: AuditLevel) -> None:
    """Those that conform, and one of each bug that was ever planted."""
    for path in [*GOLDEN, *VIOLATIONS]:
        assert differing(path, level) is None, path.name


@pytest.mark.parametrize("level", LEVELS)
def test_of_mutated_recordings(form: str, level: AuditLevel, tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    for number, lines in enumerate(mutants(1, MUTANTS, LENGTH)):
        path.write_bytes(b"\n".join(lines) + b"\n")
        assert differing(path, level) is None, number


def test_most_of_a_recording_goes_by_the_fast_path(form: str) -> None:
    path = next(path for path in GOLDEN if path.name.startswith("quiet"))
    for level in LEVELS:
        _, judged = said(path, level, True)
        if level == "safety" and form == "sources":  # it would be no faster
            assert judged["fast_path"] == 0
        else:
            assert judged["fast_path"] > 5 * judged["specification"] > 0, (level, judged)


def test_without_it_all_goes_by_the_specification(form: str) -> None:
    for level in LEVELS:
        report, judged = said(GOLDEN[0], level, False)
        assert judged == {"fast_path": 0, "specification": report["events"]}


def test_several_files_of_one_node(form: str, tmp_path: Path) -> None:
    """A node that the fast path follows is refused in another file all the same."""
    lines = lines_of(GOLDEN[0])
    (tmp_path / "one.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    (tmp_path / "other.jsonl").write_bytes(b"\n".join([lines[0], *lines[200:]]) + b"\n")
    paths = [tmp_path / "one.jsonl", tmp_path / "other.jsonl"]
    for level in LEVELS:
        errors = [
            [file.error for file in audit(paths, level, fast=fast).files] for fast in (True, False)
        ]
        assert errors[0] == errors[1]
        assert errors[0][0] is None
        assert errors[0][1] is not None


def test_the_command_says_who_judged() -> None:
    with_it = run("audit", str(GOLDEN[0]), "--json").json
    without = run("audit", str(GOLDEN[0]), "--json", "--no-fast-path").json
    assert with_it["judged"]["fast_path"] > 0
    assert without["judged"] == {"fast_path": 0, "specification": without["events"]}
    assert with_it["checked"] == without["checked"]
