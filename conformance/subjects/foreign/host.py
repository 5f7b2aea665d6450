"""A subject's command: its process is begun anew whenever it has failed.

What a host is sent to, a worker, has a process of its own.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from types import TracebackType
from typing import Final

from conformance.subjects.foreign.process import (
    ANSWER_SECONDS,
    HELLO_SECONDS,
    SubjectError,
    SubjectProcess,
)
from conformance.subjects.foreign.protocol import OFFER, read_hello
from conformance.trace.model import Hello

HURRIED_SECONDS: Final = 2.0
"""How long an answer may take while a schedule is shrunk, where hanging may be what is sought."""


class Host(AbstractContextManager["Host"]):
    """Hosts the nodes of one run at a time.  Raises OSError or SubjectError if it does not start.

    One process serves run after run, as to start one takes longer than a run does; each run begins
    with nodes that are started anew.
    """

    def __init__(self, command: str, seconds: float = ANSWER_SECONDS) -> None:
        self.command = command
        self._name = os.urandom(8)
        self._seconds = seconds
        self._waited = 0.0  # of the processes that are over
        self._process: SubjectProcess | None
        self._process, self.hello = self._started()

    def begin(self) -> SubjectProcess:
        """The process, with no request unanswered, for a new run."""
        process = self._process
        if process is not None:
            try:
                while process.unanswered:
                    process.answer()
            except SubjectError:
                self.end()
                process = None
        if process is None:
            process, _ = self._started()
        self._process = process
        return process

    def end(self) -> None:
        """It has failed, or is not needed any more; `begin` starts it anew."""
        if self._process is not None:
            self._waited += self._process.waited
            self._process.close()
            self._process = None

    @contextmanager
    def searching(self) -> Iterator[Callable[[], float]]:
        """While a schedule is shrunk: a hang is told sooner, and waiting counts as work does.

        Gives the clock, in seconds: the CPU time of this process, and what was waited for long.
        """
        seconds = self._seconds
        self._hurry(min(seconds, HURRIED_SECONDS))
        try:
            yield lambda: time.process_time() + self.waited
        finally:
            self._hurry(seconds)

    @property
    def waited(self) -> float:
        return self._waited + (self._process.waited if self._process is not None else 0.0)

    def _hurry(self, seconds: float) -> None:
        self._seconds = seconds
        if self._process is not None:
            self._process.seconds = seconds

    def _started(self) -> tuple[SubjectProcess, Hello]:
        process = SubjectProcess(self.command, self._seconds)
        try:
            process.ask(OFFER)
            return process, read_hello(process.answer(HELLO_SECONDS))
        except SubjectError:
            process.close()
            raise

    def __reduce__(self) -> tuple[Callable[[str, float, bytes], Host], tuple[object, ...]]:
        return _here, (self.command, self._seconds, self._name)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.end()


_of_worker: dict[bytes, Host] = {}
"""The host that this worker was sent, by its name: it serves all tasks of one command."""


def _here(command: str, seconds: float, name: bytes) -> Host:
    """The host as it is sent to this worker; one of an earlier command ends."""
    if name not in _of_worker:
        for earlier in _of_worker.values():
            earlier.end()
        _of_worker.clear()
        _of_worker[name] = Host(command, seconds)
    return _of_worker[name]
