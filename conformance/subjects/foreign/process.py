"""A process that is asked line by line, and whatever may become of it.

Requests may be under way while answers are read: neither side ever waits for the other to read.
"""

from __future__ import annotations

import os
import select
import shlex
import signal
import subprocess
import time
from contextlib import suppress
from typing import IO, Final

from conformance.observe.finding import Difference
from spec.values import Event, NodeId

ANSWER_SECONDS: Final = 30.0
"""How long a subject may think about one answer before it counts as hung."""
HELLO_SECONDS: Final = 60.0
"""How long it may take to start."""
LONG_WAIT: Final = 0.1
"""Seconds from which on waiting for an answer is told apart from a busy machine."""

LONGEST_LINE: Final = 16 << 20
STDERR_KEPT: Final = 2_000
CHUNK: Final = 1 << 16

_GUARD: Final = 'read _; kill -s KILL -- "-$1"'
"""For `sh`: ends the group of processes that it is given when this process has ended, however."""


class SubjectError(Exception):
    """A subject did not answer as it has to: `what` names how, as `observe.finding` has it."""

    what = "bad answer"

    def finding(self, node: NodeId, event: Event | None) -> Difference:
        return Difference(node, event, self.what, "an answer", str(self))


class BadAnswerError(SubjectError):
    """An answer is none, or not one to that request."""


class DiedError(SubjectError):
    what = "died"


class HungError(SubjectError):
    what = "hung"


class FloodedError(SubjectError):
    """It writes more than it is asked for."""

    what = "flooded"


class SubjectFailedError(Exception):
    """A subject failed, and what follows is not known: `finding` says at what."""

    def __init__(self, finding: Difference) -> None:
        super().__init__(str(finding.found))
        self.finding = finding


class SubjectProcess:
    """One run of a subject's command.

    Raises OSError or ValueError where it cannot be started.  Close it: a process that hangs does
    not see that its input has ended.
    """

    def __init__(self, command: str, seconds: float = ANSWER_SECONDS) -> None:
        arguments = shlex.split(command)
        if not arguments:
            raise ValueError("an empty command")
        self.seconds = seconds
        self.unanswered = 0
        """Requests that are waiting for their answers."""
        self.waited = 0.0
        """Seconds in waits longer than LONG_WAIT."""
        self._process = subprocess.Popen(
            arguments,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,  # an interrupt is for the harness, which then ends it
        )
        process = self._process
        guard = ["/bin/sh", "-c", _GUARD, "sh", str(process.pid)]
        self._guard = subprocess.Popen(
            guard, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
        )
        self._pipes = _pipes(process.stdin, process.stdout, process.stderr)
        self._stdin, self._stdout, self._stderr = (pipe.fileno() for pipe in self._pipes)
        self._to_write = bytearray()
        self._read = bytearray()
        self._searched = 0  # of what was read, up to where there is no line feed
        self._said = b""  # the end of its standard error
        self._poll = select.poll()
        for file in (self._stdin, self._stdout, self._stderr):
            os.set_blocking(file, False)
        self._poll.register(self._stdout, select.POLLIN)
        self._poll.register(self._stderr, select.POLLIN)
        self._writing = False

    def ask(self, line: bytes) -> None:
        """Send a request, as far as the subject takes it; the rest goes while answers are read."""
        self._to_write += line
        self._to_write += b"\n"
        self.unanswered += 1
        self._write()

    def answer(self, seconds: float | None = None) -> bytes:
        """The next answer, without its line feed.

        Raises DiedError, HungError after `seconds` (by default those of the process), or
        FloodedError.
        """
        line = self._line()
        if line is None:
            line = self._waited_for(self.seconds if seconds is None else seconds)
        self.unanswered -= 1
        if not self.unanswered and self._read:
            raise FloodedError(f"wrote more than an answer: {_shown(self._read)}")
        return line

    def _waited_for(self, seconds: float) -> bytes:
        begun = time.monotonic()
        while (line := self._line()) is None:
            if len(self._read) > LONGEST_LINE:
                raise FloodedError(f"wrote a line of more than {LONGEST_LINE} bytes")
            left = begun + seconds - time.monotonic()
            ready = self._poll.poll(max(0.0, left) * 1000)
            if not ready and left <= 0:
                self.waited += time.monotonic() - begun
                raise HungError(f"no answer within {seconds:g} seconds{self._last_words()}")
            for file, _ in ready:
                if file == self._stdin:
                    self._write()
                elif file == self._stderr:
                    self._listen()
                elif not self._take_in():
                    raise DiedError(self._death())
        took = time.monotonic() - begun
        if took > LONG_WAIT:
            self.waited += took
        return line

    def _line(self) -> bytes | None:
        end = self._read.find(b"\n", self._searched)
        if end < 0:
            self._searched = len(self._read)
            return None
        line = bytes(self._read[:end])
        del self._read[: end + 1]
        self._searched = 0
        return line

    def _write(self) -> None:
        try:
            while self._to_write:
                del self._to_write[: os.write(self._stdin, self._to_write[:CHUNK])]
        except BlockingIOError:
            pass
        except BrokenPipeError:  # that it has died is seen where its answer should be
            self._to_write.clear()
        if self._writing != bool(self._to_write):
            self._writing = not self._writing
            if self._writing:
                self._poll.register(self._stdin, select.POLLOUT)
            else:
                self._poll.unregister(self._stdin)

    def _take_in(self) -> bool:
        """Whether there is more to come."""
        chunk = os.read(self._stdout, CHUNK)
        self._read += chunk
        return bool(chunk)

    def _listen(self) -> None:
        chunk = os.read(self._stderr, CHUNK)
        if not chunk:
            self._poll.unregister(self._stderr)
        self._said = (self._said + chunk)[-STDERR_KEPT:]

    def _death(self) -> str:
        try:
            code = self._process.wait(self.seconds)
        except subprocess.TimeoutExpired:
            return f"closed its output{self._last_words()}"
        how = f"exit status {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"
        return f"ended with {how}{self._last_words()}"

    def _last_words(self) -> str:
        with suppress(OSError):
            self._said = (self._said + os.read(self._stderr, CHUNK))[-STDERR_KEPT:]
        said = self._said.decode(errors="replace").strip().splitlines()
        return f"; it said: {said[-1]}" if said else ""

    def close(self) -> None:
        """End it, and whatever it has started in its session."""
        self._guard.kill()  # before the id may be another one's
        self._guard.communicate()
        self._pipes[0].close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(0.0 if self.unanswered else 1.0)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for pipe in self._pipes[1:]:
            pipe.close()


def _pipes(*pipes: IO[bytes] | None) -> list[IO[bytes]]:
    return [pipe for pipe in pipes if pipe is not None]


def _shown(read: bytearray) -> str:
    return repr(bytes(read[:60]))[1:]
