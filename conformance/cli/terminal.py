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
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn, Protocol, TextIO, TypeAlias, cast

import typer
from rich.console import Console

from conformance.cli.text import escape
from conformance.observe.failed import PROGRAM_FAILED, told
from conformance.observe.verdicts import EXIT_CODES

if TYPE_CHECKING:
    from conformance.observe.recorded import Recorded
    from conformance.show.model import Picture, Wrong
    from conformance.subjects.foreign.host import Host
    from conformance.workers.pool import Workers

CLOSED: Final = 128 + signal.SIGPIPE
"""What a shell shows of a program whose reader went away."""

EXTRAS: Final = {
    "numpy": "explore",
    "z3": "prove",
    "distributed": "distributed",
    "junitparser": "ci",
}
"""Packages that a command may lack, and what installs them."""

INTERRUPTED: Final = 128 + signal.SIGINT
"""What a shell shows of a program that Ctrl-C has ended."""

STOPS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""What asks a program to end."""

DEAF: Final = 1.0
"""Seconds after such a signal in which no other one counts."""

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


Showing: TypeAlias = Callable[[Console, str, bool], AbstractContextManager[Progress]]
"""Shows on a console what is told, from a first word on; or nothing, if that is asked."""


@contextmanager
def progress(
    said: str, as_json: bool = False, lines: bool = False, shown: Showing | None = None
) -> Iterator[Progress]:
    """Shows how far a command is, on a terminal; nothing with `--json`.

    Where there is no terminal it is nothing either or, for what takes minutes, `lines`.  What was
    said last is what a command that is stopped says it has covered.  `shown`: in place of a bar.
    """
    console = errors()
    in_lines = lines and not as_json and not console.is_terminal
    shown = _lines if in_lines else shown or _bar
    _now.covered, _now.works = said, True
    with shown(console, said, as_json) as tell:

        def noting(said: str, done: float | None = None, total: float | None = None, /) -> None:
            share = f" ({done / total:.0%})" if done is not None and total else ""
            _now.covered = f"{said}{share}"
            tell(said, done, total)

        yield noting
    _now.works = False


@contextmanager
def _bar(console: Console, said: str, quiet: bool) -> Iterator[Progress]:
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    quiet = quiet or not console.is_terminal
    with Bar(*columns, console=console, transient=True, disable=quiet) as bar:
        task = bar.add_task(escape(said), total=None)

        def tell(said: str, done: float | None = None, total: float | None = None, /) -> None:
            bar.update(task, description=escape(said), completed=done, total=total)

        yield tell


@contextmanager
def _lines(console: Console, said: str, _quiet: bool) -> Iterator[Progress]:
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
def others(count: int, scheduler: str | None, as_json: bool) -> Iterator[Workers | None]:
    """Who is to do the work: a cluster, if there is a scheduler; else so many processes.

    `count`: 0 for one for each core; where it is 1, there are none but this one: None.  A worker
    that fails ends the command: nothing was judged.
    """
    from conformance.workers.pool import WorkerError

    try:
        if scheduler is not None:
            with _cluster(scheduler, as_json) as workers:
                yield workers
        elif count == 1:
            yield None
        else:
            from conformance.workers.processes import processes

            with processes(count) as workers:
                yield workers
    except WorkerError as error:
        refuse(str(error), as_json, "inconclusive")


@contextmanager
def _cluster(address: str, as_json: bool) -> Iterator[Workers]:
    from conformance.workers.cluster import SchedulerError, cluster

    try:
        with cluster(address) as workers:
            yield workers
    except SchedulerError as error:
        refuse(str(error), as_json)


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
    """Write the page of a trace; None, and a warning, where that cannot be."""
    from conformance.show.page.render import page

    return write_page(page_of(trace), lambda: page(picture()))


def write_page(path: Path, pieces: Callable[[], Iterable[str]]) -> str | None:
    """Write a page; None, and a warning, where that cannot be.

    No fault of a view may hide what it is to show.
    """
    from conformance.observe.write import write_whole

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, pieces())
    except Exception as error:
        warn(f"the page was not written: {str(error) or type(error).__name__}")
        return None
    return str(path)


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


def started(command: str, as_json: bool, seconds: float | None = None) -> Host:
    """The process of another program under test, which has told what it can do.

    `seconds`: how long an answer may take; None: as long as usual.
    """
    from conformance.subjects.foreign.host import Host
    from conformance.subjects.foreign.process import ANSWER_SECONDS, SubjectError

    try:
        return Host(command, seconds or ANSWER_SECONDS)
    except (OSError, ValueError, SubjectError) as error:
        refuse(f"the subject {command!r} does not start: {error}", as_json)


def finish(verdict: str) -> NoReturn:
    _now.verdict = verdict
    raise typer.Exit(EXIT_CODES[verdict])


# The process of a command


@dataclass(slots=True)
class _Command:
    """What is known of the command that this process runs.

    `covered`: how far it is, in the words of its progress.  `works`: it is at that, and does not
    print what came of it.  `verdict`: the one that it ended with.  `stopped`: a signal has come.
    `deaf_until`: up to this time no other one counts.
    """

    covered: str = ""
    works: bool = False
    verdict: str | None = None
    stopped: bool = False
    over: bool = False
    deaf_until: float = 0.0

    def stop(self, number: int = signal.SIGINT, *_: object) -> None:
        """Ctrl-C, and what else asks a program to end: all of it is left, and cleaned up.

        That is not to be cut short by the same signal again, or the next one of a shutdown.
        """
        now = time.monotonic()
        if self.over or now < self.deaf_until:
            return
        self.stopped, self.deaf_until = True, now + DEAF
        sys.unraisablehook = partial(self._ignored, number)
        raise KeyboardInterrupt

    def _ignored(self, number: int, what: sys.UnraisableHookArgs) -> None:
        """What is half made when a signal arrives, and fails as it is removed, is nobody's mistake.

        But Python ignores the interrupt as well, where it comes in a callback of the garbage
        collector or the like.  Then it has to come again, once that is over.
        """
        if issubclass(what.exc_type, KeyboardInterrupt):
            self.deaf_until = 0.0
            main = threading.main_thread().ident
            again = threading.Timer(0.01, signal.pthread_kill, (main, number))
            again.daemon = True
            again.start()


_now = _Command()


def run(command: Callable[[], object]) -> NoReturn:
    """Run a command line to its exit code.

    What fails in it is no verdict on what it looks at.  What cannot be written is code 2.  Where
    the machine or the program fails, it is told, in a line or with a traceback, and is code 3, as
    nothing was judged.  A signal that asks it to end is code 130, and it is told what was covered
    so far.  A reader that has closed the pipe ends it as it ends other programs.
    """
    global _now
    if cast("TextIO | None", sys.stdout) is None:
        if cast("TextIO | None", sys.stderr) is not None:
            errors().print("[red]error:[/] standard output is closed; expected somewhere to write")
        sys.exit(2)
    _now = _Command()
    given = sys.stdout
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    for number in STOPS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup has it
            signal.signal(number, _now.stop)
    failed = None
    try:
        code = _code_of(command, given)
        if _now.stopped or code == INTERRUPTED:
            code = INTERRUPTED
            _tell_interrupted()
        if sys.stdout is not given:
            raise BrokenPipeError
        given.flush()
    except BrokenPipeError:
        code = CLOSED
        _drop(given)
    except OSError as error:
        code, failed = (3, told(error)) if _now.works else (2, str(error))
    except PROGRAM_FAILED as error:
        code, failed = 3, told(error)
    except Exception as error:
        lacking = error.name if isinstance(error, ModuleNotFoundError) else None
        if lacking in EXTRAS:
            code = 2
            failed = (
                f"this takes {lacking}, which is not installed; "
                f"pip install 'raftbare-conformance[{EXTRAS[lacking]}]' installs it"
            )
        else:
            code = 3
            with suppress(OSError):
                traceback.print_exc()
    if failed is not None:  # and its frames are gone, with all that they held
        _tell_failed(failed, code)
    _now.over = True
    sys.exit(code)


def _code_of(command: Callable[[], object], given: TextIO) -> int:
    try:
        command()
    except KeyboardInterrupt:
        return INTERRUPTED
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0
        closed = sys.stdout is not given  # typer replaces one that is closed, and says 1
        if code == EXIT_CODES["violation"] and _now.verdict != "violation" and not closed:
            # typer's code for the end of a file that nobody expected
            raise RuntimeError("it ended without a verdict") from end
        return code
    return 0


def _tell_interrupted() -> None:
    covered = _now.covered or "before anything was judged"
    if _now.verdict is None and "--json" in sys.argv:
        print_json({"verdict": "inconclusive", "interrupted": covered})
    else:
        errors().print(f"[yellow]interrupted:[/] {escape(covered)}", soft_wrap=True)


def _tell_failed(failed: str, code: int) -> None:
    try:
        if code == 3 and "--json" in sys.argv:
            print_json({"verdict": "inconclusive", "error": failed})
            sys.stdout.flush()
            return
        label = "inconclusive" if code == 3 else "error"
        errors().print(f"[red]{label}:[/] {escape(failed)}", soft_wrap=True)
    except PROGRAM_FAILED:
        code = 2  # where complaints go may be full as well
    if code == 2:
        _drop(sys.stdout)
        _drop(sys.stderr)


def _drop(stream: TextIO) -> None:
    """What is still to be written cannot be, and is not to be told once more at the end."""
    number = stream.fileno()
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
    except OSError:  # no more files may be open: the stream's own is one
        os.close(number)
        nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, number)
