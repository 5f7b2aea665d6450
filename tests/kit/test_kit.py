"""The test kit, used as another project would."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.kit import strategies
from conformance.trace.plain import plain_config, plain_event, plain_log, plain_message
from spec import always
from spec import values as v

ROOT = Path(__file__).parents[2]


def pytest_in(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The tests there, with no configuration of this project."""
    (folder / "pytest.ini").touch()
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments, str(folder)],
        cwd=folder,
        env={"PATH": "", "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
        timeout=300,
    )


def copied(folder: Path, *files: str) -> Path:
    for name in files:
        source = (ROOT / "examples" / "testkit" / name).read_text("utf-8")
        (folder / name).write_text(source, "utf-8")
    return folder


def test_the_sample_project_passes_and_its_marker_is_known(tmp_path: Path) -> None:
    ran = pytest_in(copied(tmp_path, "conftest.py", "test_my_raft.py"), "--strict-markers")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "4 passed" in ran.stdout


def test_a_bug_fails_the_test_and_says_how_it_came_about(tmp_path: Path) -> None:
    folder = copied(tmp_path, "conftest.py")
    (folder / "test_bug.py").write_text(
        "import pytest\n"
        "from functools import partial\n"
        "from conformance.mutants.planted.in_both import IN_BOTH\n"
        "from conformance.subjects.patched import patched_rule\n"
        "from conformance.subjects.subject import SpecSubject\n"
        "rule = patched_rule(*IN_BOTH['vote-not-persisted'].in_spec)\n"
        "@pytest.mark.raft_subject(subject=partial(SpecSubject, rule), nodes=3)\n"
        "def test_it(raft_report): pass\n"
        "def test_without_a_marker(raft_report): pass\n"
        "def test_without_a_subject(check_subject): check_subject()\n",
        "utf-8",
    )
    ran = pytest_in(folder)
    assert ran.returncode == 1
    assert "VotePersistedBeforeReply at node" in ran.stdout
    assert "ElectionTimeout" in ran.stdout  # the events
    assert "raft_report needs @pytest.mark.raft_subject" in ran.stdout
    assert "a command or a subject is expected" in ran.stdout


@settings(deadline=None)
@given(strategies.logs(), strategies.messages(), strategies.events(), strategies.configs())
def test_what_is_drawn_can_be_written_down(
    log: v.Log, message: v.Message, event: v.Event, config: v.Config
) -> None:
    assert always.terms_monotonic_in_log(log) is None
    assert always.config_from_log(log) is None
    assert plain_log(log)["entries"] is not None
    assert plain_message(message)["from"] == message.sender
    assert "kind" in plain_event(event)
    assert plain_config(config)["voters"]
    assert not (config.voters | config.new_voters) & config.non_voters


@pytest.mark.parametrize("wanted", [v.AppendEntriesCall, v.RequestVoteCall, v.RequestVoteReply])
def test_all_messages_come(wanted: type) -> None:
    seen: set[type] = set()

    @settings(max_examples=60, deadline=None, derandomize=True, database=None)
    @given(st.data())
    def draw(data: st.DataObject) -> None:
        seen.add(type(data.draw(strategies.messages())))

    draw()
    assert wanted in seen
