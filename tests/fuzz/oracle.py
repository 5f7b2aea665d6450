"""A command in a process of its own, under limits, and what is wrong with how it behaved."""

from __future__ import annotations

import hashlib
import multiprocessing.util
import os
import re
import resource
import signal
import sys
import tempfile
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn, TextIO

from conformance.audit import run as _audit
from conformance.cli.app import main
from conformance.cli.report import audit as _told
from conformance.explore.search import suite as _explore
from conformance.importers import convert as _convert
from conformance.linearize import page as _linearize
from conformance.network import run as _measure
from conformance.show import forms as _show
from conformance.show import read as _shown
from conformance.simulation import check as _check
from conformance.simulation import replay as _replay
from conformance.trace import records as _records

LOADED: Final = (
    *(_audit, _told, _explore, _measure, _check, _replay, _records),
    *(_convert, _linearize, _show, _shown),
)
"""What commands import in functions: a fork has it already."""

CODES: Final = frozenset({0, 1, 2, 3, 130})
"""docs/verify.md, but for who stops reading."""
MEMORY: Final = 2 << 30
SECONDS: Final = 60
"""Of the processor."""
ORDERS: Final = re.compile(r"[^\n\t\x20-\x7e\xa0-\uffff\U00010000-\U0010ffff]")
"""No terminal is written to, so nothing may move a cursor or set a colour."""
LONGEST: Final = 200_000
"""Bytes of output: nothing that is printed grows with what is wrong."""


@dataclass(frozen=True)
class Ended:
    """`code`: negative for a signal that nobody has caught.  `left`: new or changed files."""

    code: int
    out: str
    err: str
    left: tuple[str, ...]

    def wrong(self, codes: frozenset[int] = CODES) -> list[str]:
        """What no command may do, whatever it is given."""
        found = []
        if self.code not in codes:
            found.append(f"ended with {self.code}, expected one of {sorted(codes)}")
        if "Traceback" in self.out + self.err or "Exception ignored" in self.err:
            found.append("a traceback")
        if odd := ORDERS.search(self.out + self.err):
            found.append(f"an order to the terminal: {odd[0]!r}")
        if len(self.out) + len(self.err) > LONGEST:
            found.append(f"{len(self.out) + len(self.err)} bytes of output")
        if self.left:
            found.append(f"left or changed {', '.join(self.left)}")
        return [f"{one}: {self.err[-500:]}" for one in found]


@dataclass(frozen=True)
class World:
    """What a command finds when it begins.

    `memory`, `file_size`: bytes.  `files`: so many may be open.  `stop_after`: seconds, when the
    signal `stop_with` comes.  `closed`: of the streams 0, 1 and 2.  `given`: on standard input.
    """

    memory: int = MEMORY
    file_size: int = resource.RLIM_INFINITY
    files: int = 1024
    stop_after: float | None = None
    stop_with: signal.Signals = signal.SIGTERM
    closed: tuple[int, ...] = ()
    given: bytes = b""
    environment: tuple[tuple[str, str], ...] = ()
    encoding: str = "utf-8"


def command(
    folder: Path, *arguments: object, world: World = World(), may_change: tuple[str, ...] = ()
) -> Ended:
    """Run it in this folder.  `may_change`: files that it writes, or folders of them.

    It is a fork of this process, with everything imported, and its own limits.
    """
    before = _digests(folder)
    with tempfile.TemporaryDirectory() as told:
        out, err = Path(told, "out"), Path(told, "err")
        temporary = Path(told, "temporary")
        temporary.mkdir()
        Path(told, "in").write_bytes(world.given)
        child = os.fork()
        if child == 0:
            os.setpgid(0, 0)
            _live(folder, arguments, world, Path(told))
        _, status = os.waitpid(child, 0)
        after = _digests(folder)
        left = {
            name for name in before.keys() | after.keys() if before.get(name) != after.get(name)
        }
        left = {name for name in left if name.split("/")[0] not in may_change}
        left |= {f"TMPDIR/{path.name}" for path in temporary.iterdir()}
        return Ended(
            os.waitstatus_to_exitcode(status),
            _read(out),
            _read(err),
            tuple(sorted(left)),
        )


def _read(path: Path) -> str:
    return path.read_text(errors="replace") if path.exists() else ""


def _digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def _live(folder: Path, arguments: tuple[object, ...], world: World, told: Path) -> NoReturn:
    """The command's process, which ends here whatever happens."""
    code = 70
    try:
        _enter(world, told)
        os.chdir(folder)
        sys.argv = ["conformance", *map(str, arguments)]
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 71
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        multiprocessing.util._exit_function()  # type: ignore[attr-defined]
        os._exit(code)


def _enter(world: World, told: Path) -> None:
    """Streams, environment, limits and signals are the command's own."""
    streams: list[TextIO | None] = []
    for number, name in enumerate(("in", "out", "err")):
        if number in world.closed:
            os.close(number)
            streams.append(None)  # as Python has it
        else:
            how = os.O_WRONLY | os.O_CREAT if number else os.O_RDONLY
            os.dup2(os.open(told / name, how), number)
            streams.append(os.fdopen(number, "w" if number else "r", encoding=world.encoding))
    sys.stdin, sys.stdout, sys.stderr = streams
    os.environ.update(world.environment)
    tempfile.tempdir = str(told / "temporary")
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_AS, (world.memory, world.memory))
    resource.setrlimit(resource.RLIMIT_FSIZE, (world.file_size, world.file_size))
    resource.setrlimit(resource.RLIMIT_NOFILE, (world.files, world.files))
    for stop in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(stop, signal.default_int_handler)
    if world.stop_after is not None:
        signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), world.stop_with))
        signal.setitimer(signal.ITIMER_REAL, world.stop_after)
