"""Streams that are closed, or cannot be written, and places where nothing is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from conformance.cli import terminal
from tests.cli.helpers import ROOT, run

COMMAND = [sys.executable, "-W", "error", "-m", "conformance.cli.app"]


def test_a_subject_without_requests_is_a_mistake_of_the_caller() -> None:
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" <&-', "sh", *COMMAND, "subject", "raftbare"],
        cwd=ROOT, capture_output=True, text=True, timeout=100,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: standard input is closed; expected requests on it\n"


def test_what_is_dropped_needs_no_file_more_than_may_be_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opens, failed = os.open, list[bool]()

    def first_fails(*arguments: Any, **named: Any) -> int:
        if not failed:
            failed.append(True)
            raise OSError(24, "Too many open files")
        return opens(*arguments, **named)

    path = tmp_path / "out"
    with path.open("w", encoding="utf-8") as stream:
        monkeypatch.setattr(os, "open", first_fails)
        terminal._drop(stream)
        stream.write("dropped")
    assert failed
    assert path.read_text(encoding="utf-8") == ""


def test_what_is_half_made_when_a_signal_comes_is_not_complained_of(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As a context of z3, whose removal asks for what its beginning had not set yet."""

    class HalfMade:
        def __del__(self) -> None:
            raise AttributeError

    monkeypatch.setattr(sys, "unraisablehook", sys.__unraisablehook__)
    HalfMade()
    assert "Exception ignored" in capsys.readouterr().err
    with pytest.raises(KeyboardInterrupt):
        terminal._Command().stop()
    HalfMade()
    assert capsys.readouterr().err == ""


IGNORED = """
import gc, signal, threading
from conformance.cli import terminal

def sends(*_):
    gc.callbacks.remove(sends)
    signal.raise_signal(signal.SIGTERM)

def command():
    gc.callbacks.append(sends)
    gc.collect()
    threading.Event().wait(60)
    print("it went on")

terminal.run(command)
"""


def test_a_signal_that_comes_in_a_callback_of_the_garbage_collector_ends_the_command() -> None:
    """Python ignores what is raised there."""
    done = subprocess.run(
        [sys.executable, "-c", IGNORED], cwd=ROOT, capture_output=True, text=True, timeout=100
    )
    told = "interrupted: before anything was judged\n"
    assert (done.returncode, done.stdout, done.stderr) == (130, "", told)


@pytest.mark.parametrize("command", ["convert", "show"])
@pytest.mark.parametrize("name", ["recording", "./recording", "link"])
def test_no_recording_is_written_over(command: str, name: str, tmp_path: Path) -> None:
    (tmp_path / "recording").write_bytes(b"recorded")
    (tmp_path / "link").symlink_to("recording")
    ran = run(command, tmp_path / "recording", "-o", f"{tmp_path}/{name}")
    assert ran.code == 2
    assert "is a recording; expected another file to write" in ran.err
    assert (tmp_path / "recording").read_bytes() == b"recorded"


@pytest.mark.parametrize("kind", ["pipe", "folder"])
def test_what_is_no_file_keeps_no_state(kind: str, tmp_path: Path) -> None:
    """A pipe that nobody writes would be waited for, whatever signal comes."""
    state = tmp_path / kind
    os.mkfifo(state) if kind == "pipe" else state.mkdir()
    (tmp_path / "in").mkdir()
    ran = run("audit", "--follow", tmp_path / "in", "--state", state)
    assert ran.code == 2
    assert "is no regular file" in ran.err


@pytest.mark.parametrize("flags", [(), ("--json",)])
def test_where_there_are_no_recordings_nothing_is_certified_or_condemned(
    flags: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = run("certify", *flags)
    assert ran.code == 2
    assert "expected.json: cannot be read" in ran.out + ran.err
