"""The examples run as a user would run them, show the driver's loop, and record Raft."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from conformance.audit.run import audit
from conformance.simulation.replay import replay
from conformance.subjects.library import LibrarySubject
from conformance.subjects.patched import PURE

ROOT = Path(__file__).parents[2]


def run(example: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", str(ROOT / "examples" / example), *arguments],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([os.environ.get("PYTHONPATH", ""), str(ROOT)]),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_replicated_store_survives_lost_messages_and_the_crash_of_its_leader() -> None:
    output = run("cluster.py")
    lost = re.search(r"(\d+) messages lost", output)
    assert lost is not None
    assert int(lost[1]) > 0
    assert "the leader, has crashed" in output
    stores = re.findall(r"node \d: (\{.*\})", output)
    expected = {f"key{n % 4}": f"value{n}" for n in range(20)}
    assert stores == [str(dict(sorted(expected.items())))] * 3


def test_readme_shows_what_the_store_prints() -> None:
    printed = run("cluster.py").splitlines()
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = readme.split("$ .venv/bin/python examples/cluster.py\n")[1].split("```")[0]
    lines = [line for line in shown.splitlines() if line != "..."]
    assert len(lines) >= 3
    assert [line for line in lines if line not in printed] == []


@pytest.mark.parametrize("file", ["examples/cluster.py", "examples/record.py", "README.md"])
def test_examples_show_every_step_of_the_drivers_loop_under_its_number(file: str) -> None:
    source = (ROOT / "raftbare" / "__init__.py").read_text(encoding="utf-8")  # compiled: no __doc__
    loop = source.split("The driver's loop\n")[1].split("The user's obligations\n")[0]
    steps = re.findall(r"^(\d)\. \*\*(\w+)\*\*", loop, re.MULTILINE)
    assert [int(number) for number, _ in steps] == [1, 2, 3, 4, 5]
    shown = re.findall(r"(?<!#)# (\d)\. (\w+)", (ROOT / file).read_text(encoding="utf-8"))
    assert sorted(set(shown)) == steps


def test_what_the_recorder_writes_conforms_at_both_levels(tmp_path: Path) -> None:
    trace = tmp_path / "trace.jsonl"
    printed = run("record.py", str(trace))
    exact = audit([trace])
    assert (exact.verdict, exact.problems) == ("conforms", [])
    assert [file.level for file in exact.files] == ["exact"]
    assert printed.startswith(f"{exact.events} records of 3 nodes")
    assert audit([trace], "safety").verdict == "conforms"
    assert replay(trace).difference is None


def test_what_follows_a_checkpoint_can_be_judged_alone(tmp_path: Path) -> None:
    trace, later = tmp_path / "trace.jsonl", tmp_path / "later.jsonl"
    run("record.py", str(trace))
    header, *lines = trace.read_text(encoding="utf-8").splitlines(keepends=True)
    first = next(at for at, line in enumerate(lines) if '"kind":"checkpoint"' in line)
    later.write_text(header + "".join(lines[first:]), encoding="utf-8")
    for level in ("exact", "safety"):
        judged = audit([later], level)
        assert (judged.verdict, judged.problems) == ("conforms", [])
        assert judged.events == len(lines) - first >= 10
    assert replay(later, LibrarySubject(PURE)).difference is None


def test_the_recording_holds_enough_to_be_judged_by(tmp_path: Path) -> None:
    """A vote that was recorded and never saved is found in it."""
    trace = tmp_path / "trace.jsonl"
    run("record.py", str(trace))
    text = trace.read_text(encoding="utf-8")
    saved = re.compile(r'\{"type":"save_voted_for","voted_for":0\},?')
    assert len(saved.findall(text)) >= 3
    trace.write_text(saved.sub("", text), encoding="utf-8")
    assert "SpecifiedActions" in {problem.property for problem in audit([trace]).problems}
    names = {problem.property for problem in audit([trace], "safety").problems}
    assert "VotePersistedBeforeReply" in names
