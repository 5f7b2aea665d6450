"""What the commands have in common: how they print, show progress, write a finding, and end."""

from __future__ import annotations

import io
import json
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn, Protocol, TextIO, cast

import typer
from rich.console import Console

from conformance.cli.text import escape
from conformance.observe.verdicts import EXIT_CODES

if TYPE_CHECKING:
    from conformance.observe.recorded import Recorded
    from conformance.show.model import Picture, Wrong
    from conformance.simulation.workers import Workers

CLOSED: Final = 128 + signal.SIGPIPE
"""What a shell shows of a program whose reader went away."""

EXTRAS: Final = {"numpy": "explore", "z3": "prove"}
"""Packages that a command may lack, and what installs them."""

LINE_EVERY: Final = 5.0
"""Seconds between two lines of progress where there is no terminal."""


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


def print_json(value: object) -> None:
    print(json.dumps(value, indent=2))


def warn(problem: str) -> None:
    errors().print(f"[yellow]warning:[/] {escape(problem)}", soft_wrap=True)


class Progress(Protocol):
    def __call__(
        self, said: str, done: float | None = None, total: float | None = None, /
    ) -> None: ...


@contextmanager
def progress(said: str, as_json: bool = False, lines: bool = False) -> Iterator[Progress]:
    """Shows how far a command is, on a terminal; nothing with `--json`.

    Where there is no terminal it is nothing either or, for what takes minutes, `lines`.
    """
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    console = errors()
    if lines and not as_json and not console.is_terminal:
        with _lines(console, said) as tell:
            yield tell
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    quiet = as_json or not console.is_terminal
    with Bar(*columns, console=console, transient=True, disable=quiet) as bar:
        task = bar.add_task(escape(said), total=None)

        def tell(said: str, done: float | None = None, total: float | None = None, /) -> None:
            bar.update(task, description=escape(said), completed=done, total=total)

        yield tell


@contextmanager
def _lines(console: Console, said: str) -> Iterator[Progress]:
    """What was said last, again and again, so that a log shows that something goes on."""
    latest, over, started = [said], threading.Event(), time.monotonic()

    def tell(said: str, _done: float | None = None, _total: float | None = None, /) -> None:
        latest[0] = said

    def show() -> None:
        while not over.wait(LINE_EVERY):
            seconds = time.monotonic() - started
            with suppress(OSError):  # if nobody reads it, so be it
                console.print(f"{seconds:5.0f} s  {latest[0]}", markup=False, soft_wrap=True)

    thread = threading.Thread(target=show, daemon=True)
    thread.start()
    try:
        yield tell
    finally:
        over.set()
        thread.join()


@contextmanager
def other_processes(count: int, as_json: bool) -> Iterator[Workers | None]:
    """So many to work in, 0 for one for each core; None where that is this one.

    A worker that fails ends the command: nothing was judged.
    """
    from conformance.simulation.workers import WorkerError, processes

    try:
        with processes(count) as workers:
            yield None if count == 1 else workers
    except WorkerError as error:
        refuse(str(error), as_json, "inconclusive")


def save_trace(
    path: Path,
    records: Iterable[Recorded],
    nodes: int,
    found: Wrong | None = None,
    implementation: str | None = None,
) -> Path | None:
    """Write what a finding shows; None, and a warning, where that cannot be.

    `found`: the finding, if there is to be a page of it as well.  `implementation`: what was
    recorded; None is this library.
    """
    from conformance.trace.save import THIS_LIBRARY, save

    try:
        page_of(path).unlink(missing_ok=True)  # it is of a trace that was there before
        save(path, records, nodes, implementation or THIS_LIBRARY)
    except (OSError, ValueError) as error:
        warn(f"the trace was not written: {error}")
        return None
    if found is not None:
        from conformance.show.read import finding_picture

        save_page(path, lambda: finding_picture(path, found))
    return path


def page_of(trace: Path) -> Path:
    """Where the page of a trace is, if there is one."""
    return trace.with_suffix(".html")


def page_beside(trace: Path | None) -> str | None:
    """The page that was written of a trace."""
    return str(page_of(trace)) if trace is not None and page_of(trace).exists() else None


def save_page(trace: Path, picture: Callable[[], Picture]) -> str | None:
    """Write the page of a trace; None, and a warning, where that cannot be.

    No fault of a view may hide what it is to show.
    """
    from conformance.show.forms import write
    from conformance.show.page.render import page

    try:
        page_of(trace).parent.mkdir(parents=True, exist_ok=True)
        write(page_of(trace), page(picture()))
    except Exception as error:
        warn(f"the page was not written: {str(error) or type(error).__name__}")
        return None
    return str(page_of(trace))


# How a command ends


class Judged(Protocol):
    """A report of any check."""

    @property
    def verdict(self) -> str: ...

    def as_json(self) -> dict[str, object]: ...


def conclude(
    report: Judged,
    as_json: bool,
    for_people: Callable[[Console], None],
    width: int = 160,
    **more: object,
) -> NoReturn:
    """Print a report, for people or as JSON with `more` in it, and end as its verdict says."""
    if as_json:
        print_json({**report.as_json(), **more})
    else:
        for_people(output(width))
    finish(report.verdict)


def refuse(problem: str, as_json: bool, verdict: str = "bad_input") -> NoReturn:
    """End without a result, saying why."""
    if as_json:
        print_json({"verdict": verdict, "error": problem})
    else:
        label = "error" if verdict == "bad_input" else verdict
        errors().print(f"[red]{label}:[/] {escape(problem)}", soft_wrap=True)
    finish(verdict)


def interrupted(when: str = "") -> NoReturn:
    errors().print(f"[yellow]interrupted[/]{when}")
    finish("inconclusive")


def finish(verdict: str) -> NoReturn:
    raise typer.Exit(EXIT_CODES[verdict])


def run(command: Callable[[], object]) -> NoReturn:
    """Run a command line to its exit code.

    What fails in it is no verdict on what it looks at: what cannot be written is code 2, an error
    of its own is told with its traceback and is code 3, as nothing was judged.  A reader that has
    closed the pipe ends it as it ends other programs.
    """
    if cast("TextIO | None", sys.stdout) is None:
        if cast("TextIO | None", sys.stderr) is not None:
            errors().print("[red]error:[/] standard output is closed; expected somewhere to write")
        sys.exit(2)
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
    except ModuleNotFoundError as error:
        if error.name not in EXTRAS:
            raise
        code = 2
        extra = f"pip install 'raftbare-conformance[{EXTRAS[error.name]}]'"
        errors().print(
            f"[red]error:[/] this takes {error.name}, which is not installed: {escape(extra)}",
            soft_wrap=True,
        )
    except Exception:
        code = 3
        with suppress(OSError):
            traceback.print_exc()
    sys.exit(code)


def _drop(stream: TextIO) -> None:
    """What is still to be written cannot be, and is not to be told once more at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
