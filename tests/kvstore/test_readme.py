"""What README shows of the key-value store: each command, one after the other."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_a_cluster_is_started_broken_and_audited_as_readme_shows_it(tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```text\n(\$ \S+ -m examples.kvstore .*?)^```", readme, re.M | re.S)
    steps = re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]
    assert len(steps) == 8
    try:
        for step in steps:
            command, _, shown = step.partition("\n")
            printed = run(command, tmp_path)
            pattern = re.escape(" ".join(shown.split())).replace(r"\.\.\.", ".*?")
            pattern = re.sub(r"\d+\\.\d+\\ s", r"[\\d.]+ s", pattern)
            pattern = pattern.replace(r"node\-1\ leads", r"node-\d leads")  # on a slow machine
            assert re.fullmatch(pattern, " ".join(printed.split())), (command, printed)
    finally:
        run(".venv/bin/python -m examples.kvstore down", tmp_path)


def run(command: str, where: Path) -> str:
    program, *arguments = shlex.split(command)
    if program.endswith("conformance"):
        arguments = ["-c", "from conformance.cli.app import main; main()", *arguments]
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=where,
        env={"PYTHONPATH": str(ROOT), "COLUMNS": "100"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
