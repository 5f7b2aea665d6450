"""What comes from outside and is printed stays text: no markup, and no orders to the terminal."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from conformance.cli.text import escape
from tests.cli.helpers import ROOT, run

HOSTILE = "\x1b[31m[red]x[x]log[term]\x07\u202e"
SHOWN = r"\x1b[31m[red]x[x]log[term]\x07\u202e"


def printed(text: str) -> str:
    console = Console(width=10_000, color_system="truecolor", force_terminal=True, emoji=False)
    with console.capture() as captured:
        console.print(escape(text), soft_wrap=True, highlight=False)
    return captured.get().removesuffix("\n")


def test_what_is_odd_is_shown_as_python_writes_it() -> None:
    assert printed(HOSTILE) == SHOWN
    assert printed("é 名\n\tx [/]") == "é 名\n\tx [/]".expandtabs()


@given(st.text())
def test_nothing_that_is_printed_moves_a_cursor_or_sets_a_colour(text: str) -> None:
    for character in printed(text):
        assert character.isprintable() or character == "\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ("audit",),
        ("audit", "--level", "safety"),
        ("replay",),
        ("verify", "--traces"),
        ("prove", "--only"),
        ("mutants", "--only"),
        ("mutants", "--method"),
        ("mutants", "--kept"),
        ("measure", "--only"),
        ("mutate",),
        ("explore", "--losses"),
        ("explore", "--preset", "quick", "--only"),
        ("check", "--seed"),
        ("explore", "--terms", 1, "--log", 2, "--checkpoint"),
    ],
)
def test_a_hostile_argument_is_told_as_text(arguments: tuple[object, ...], tmp_path: Path) -> None:
    given: object = HOSTILE
    if arguments[-1] == "--checkpoint":
        given = tmp_path / HOSTILE / "file"
    elif arguments[-1] == "--kept":
        (tmp_path / HOSTILE).mkdir()
        given = tmp_path / HOSTILE
    ran = run(*arguments, given)
    assert ran.code == 2
    said = ran.out + ran.err
    assert all(character.isprintable() or character == "\n" for character in said)
    if arguments != ("check", "--seed"):
        assert "log[term]" in said.replace("\n", "")


@pytest.mark.parametrize("kind", ["golden/quiet-3n.jsonl.gz", "violations/index-only-vote.jsonl"])
@pytest.mark.parametrize("command", ["audit", "replay"])
def test_a_hostile_name_of_a_trace_is_told_as_text(command: str, kind: str, tmp_path: Path) -> None:
    trace = tmp_path / f"{HOSTILE}{''.join(Path(kind).suffixes)}"
    shutil.copy(ROOT / "traces" / kind, trace)
    ran = run(command, trace)
    said = ran.out + ran.err
    assert SHOWN in said.replace("\n", "")
    assert all(character.isprintable() or character == "\n" for character in said)


@pytest.mark.parametrize("arguments", [("audit", "/nowhere"), ("check", "--events", "10")])
def test_closed_output_is_a_mistake_of_the_caller(arguments: tuple[str, ...]) -> None:
    command = [sys.executable, "-W", "error", "-m", "conformance.cli.app", *arguments]
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" >&-', "sh", *command],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        timeout=100,
    )
    assert done.returncode == 2
    assert done.stderr == "error: standard output is closed; expected somewhere to write\n"
