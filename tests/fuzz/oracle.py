"""A command in a process of its own, under limits, and what is wrong with how it behaved."""

from __future__ import annotations

import hashlib
import os
import resource
import signal
import sys
import tempfile
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

from conformance.audit import run as _audit
from conformance.cli.app import main
from conformance.cli.report import audit as _told
from conformance.explore.search import suite as _explore
from conformance.network import run as _measure
from conformance.simulation import check as _check
from conformance.simulation import replay as _replay
from conformance.trace import records as _records

LOADED: Final = (_audit, _told, _explore, _measure, _check, _replay, _records)
"""What commands import in functions: a fork has it already."""

CODES: Final = frozenset({0, 1, 2, 3, 130})
"""docs/verify.md, but for who stops reading."""
MEMORY: Final = 2 << 30
SECONDS: Final = 60
"""Of the processor."""
LONGEST: Final = 100_000
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
        if len(self.out) + len(self.err) > LONGEST:
            found.append(f"{len(self.out) + len(self.err)} bytes of output")
        if self.left:
            found.append(f"left or changed {', '.join(self.left)}")
        return [f"{one}: {self.err[-500:]}" for one in found]


def command(
    folder: Path,
    *arguments: object,
    memory: int = MEMORY,
    stop_after: float | None = None,
    stop_with: signal.Signals = signal.SIGTERM,
    may_change: tuple[str, ...] = (),
) -> Ended:
    """Run it in this folder.  `stop_after`: seconds, when the signal comes.

    It is a fork of this process, with everything imported, and its own limits.
    """
    before = _digests(folder)
    with tempfile.TemporaryDirectory() as told:
        out, err = Path(told, "out"), Path(told, "err")
        temporary = Path(told, "temporary")
        temporary.mkdir()
        child = os.fork()
        if child == 0:
            os.setpgid(0, 0)
            _live(folder, arguments, memory, (stop_after, stop_with), (out, err, temporary))
        _, status = os.waitpid(child, 0)
        after = _digests(folder)
        left = {
            name for name in before.keys() | after.keys() if before.get(name) != after.get(name)
        }
        left -= set(may_change)
        left |= {f"TMPDIR/{path.name}" for path in temporary.iterdir()}
        return Ended(
            os.waitstatus_to_exitcode(status),
            out.read_text(errors="replace"),
            err.read_text(errors="replace"),
            tuple(sorted(left)),
        )


def _digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def _live(
    folder: Path,
    arguments: tuple[object, ...],
    memory: int,
    stop: tuple[float | None, signal.Signals],
    to: tuple[Path, Path, Path],
) -> NoReturn:
    """The command's process, which ends here whatever happens."""
    code = 70
    try:
        out, err, temporary = to
        for stream, path in ((1, out), (2, err)):
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), stream)
        sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
        os.chdir(folder)
        tempfile.tempdir = str(temporary)
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 1))
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.default_int_handler)
        after, number = stop
        if after is not None:
            signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), number))
            signal.setitimer(signal.ITIMER_REAL, after)
        sys.argv = ["conformance", *map(str, arguments)]
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 71
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(code)
