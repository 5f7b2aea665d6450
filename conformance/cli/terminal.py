"""What the commands have in common: where they print, how they refuse, and how they end."""

from __future__ import annotations

import io
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import Final, NoReturn, TextIO

import typer
from rich.console import Console
from rich.markup import escape

CLOSED: Final = 128 + signal.SIGPIPE
"""What a shell shows of a program whose reader went away."""


class _Console(Console):
    def on_broken_pipe(self) -> NoReturn:
        _drop(sys.stdout)
        raise SystemExit(CLOSED)


def output(width: int = 160) -> Console:
    """Where results go; as wide as the terminal, or of this width where there is none."""
    console = _Console(emoji=False)
    return console if console.is_terminal else _Console(width=width, emoji=False)


def errors() -> Console:
    """Where progress and complaints go."""
    return _Console(stderr=True, emoji=False)


def warn(problem: str) -> None:
    errors().print(f"[yellow]warning:[/] {escape(problem)}", soft_wrap=True)


def refuse(problem: str, as_json: bool, verdict: str = "bad_input", code: int = 2) -> NoReturn:
    """End without a result, saying why."""
    if as_json:
        print(json.dumps({"verdict": verdict, "error": problem}, indent=2))
    else:
        label = "error" if verdict == "bad_input" else verdict
        errors().print(f"[red]{label}:[/] {escape(problem)}", soft_wrap=True)
    raise typer.Exit(code)


def run(command: Callable[[], object]) -> NoReturn:
    """Run a command line to its exit code.

    What fails in it is no verdict on what it looks at: what cannot be written is code 2, an error
    of its own is told with its traceback and is code 3, as nothing was judged.  A reader that has
    closed the pipe ends it as it ends other programs.
    """
    given, code = sys.stdout, 3
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        try:
            command()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0
        if sys.stdout is not given:  # typer replaces one that is closed, and says 1
            raise BrokenPipeError
        given.flush()
    except BrokenPipeError:
        code = CLOSED
        _drop(given)
    except OSError as error:
        code = 2
        with suppress(OSError):  # where complaints go may be full as well
            errors().print(f"[red]error:[/] {escape(str(error))}", soft_wrap=True)
        _drop(given)
        _drop(sys.stderr)
    except Exception:
        code = 3
        with suppress(OSError):
            traceback.print_exc()
    sys.exit(code)


def _drop(stream: TextIO) -> None:
    """What is still to be written cannot be, and is not to be told once more at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
