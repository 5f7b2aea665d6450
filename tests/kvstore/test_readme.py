"""What README shows of the key-value store: each command, one after the other."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from conformance.cli.app import app as conformance
from examples.kvstore.app import app as kvstore

README = Path(__file__).parents[2] / "README.md"


def test_a_cluster_is_started_broken_and_audited_as_readme_shows_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    readme = README.read_text(encoding="utf-8")
    (block,) = re.findall(r"^```text\n(\$ \S+ -m examples.kvstore .*?)^```", readme, re.M | re.S)
    steps = re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]
    assert len(steps) == 8
    try:
        for step in steps:
            command, _, shown = step.partition("\n")
            pattern = re.escape(" ".join(shown.split())).replace(r"\.\.\.", ".*?")
            pattern = re.sub(r"\d+\\.\d+\\ s", r"[\\d.]+ s", pattern)
            pattern = pattern.replace(r"node\-1\ leads", r"node-\d leads")  # on a slow machine
            printed = run(command)
            assert re.fullmatch(pattern, " ".join(printed.split())), (command, printed)
    finally:
        run(".venv/bin/python -m examples.kvstore down")


def run(command: str) -> str:
    program, *arguments = shlex.split(command)
    if not program.endswith("conformance"):
        assert arguments[:2] == ["-m", "examples.kvstore"]
        done = CliRunner().invoke(kvstore, arguments[2:])
    else:
        done = CliRunner().invoke(conformance, arguments)
    assert done.exit_code == 0, done.output
    return done.stdout
