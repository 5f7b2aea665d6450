"""Work that is done by other processes, so that all cores are used."""

from __future__ import annotations

import os
import signal
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from multiprocessing import get_context
from multiprocessing.connection import Connection
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Final, TypeVar

Given = TypeVar("Given")
Made = TypeVar("Made")

AHEAD: Final = 3
"""Tasks that are handed out for each worker before the first of their results is asked for."""


class WorkerError(Exception):
    """A worker died or raised something, which says nothing of what it was to check."""


@dataclass(frozen=True, slots=True)
class Workers:
    """Any executor, and how many tasks it works at at a time."""

    executor: Executor
    count: int

    def in_order(self, task: Callable[[Given], Made], given: Iterable[Given]) -> Iterator[Made]:
        """As `map`, for what may have no end: little is begun whose result is not asked for.

        Task, arguments and results are sent by pickle.  Raises `WorkerError`.
        """
        left = iter(given)
        begun: deque[Future[Made]] = deque()
        while True:
            for one in islice(left, AHEAD * self.count - len(begun)):
                begun.append(self.submit(task, one))
            if not begun:
                return
            yield _result(begun.popleft())

    def submit(self, task: Callable[..., Made], /, *given: object) -> Future[Made]:
        """As an executor does.  Raises `WorkerError`."""
        try:
            with without_interrupts():
                return self.executor.submit(task, *given)
        except BrokenProcessPool as error:
            raise WorkerError("a worker died") from error


@contextmanager
def without_interrupts() -> Iterator[None]:
    """Processes that are begun here know nothing of Ctrl-C: who began them ends them."""
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _result(future: Future[Made]) -> Made:
    try:
        return future.result()
    except BrokenProcessPool as error:
        raise WorkerError("a worker died") from error
    except Exception as error:
        raise WorkerError(f"a worker raised {type(error).__name__}: {error}") from error


@contextmanager
def processes(count: int) -> Iterator[Workers]:
    """So many processes, begun when they are first used; 0: one for each core.

    They end with the block whatever they are at, an endless loop included, and with this process.
    So what they had in temporary files is removed here.
    """
    count = count or os.cpu_count() or 1
    # Each a Python of its own, that looks for modules where this one does: not forked, as this one
    # may have threads, nor from a server, which looks in its working directory first.
    context = get_context("spawn")
    theirs, ours = context.Pipe(duplex=False)
    with (
        TemporaryDirectory(prefix="raftbare-") as folder,
        ours,
        theirs,
        ProcessPoolExecutor(count, context, _begin, (theirs, folder)) as pool,
    ):
        try:
            yield Workers(pool, count)
        finally:
            ours.close()


# In a worker


def _begin(lifeline: Connection, folder: str) -> None:
    tempfile.tempdir = folder
    end_with(lifeline)


def end_with(lifeline: Connection) -> None:
    """End this process, whatever it is at, when the other end is closed: by will, or by death."""
    Thread(target=_end_with, args=(lifeline,), daemon=True).start()


def _end_with(lifeline: Connection) -> None:
    """Nothing is ever sent: it is read to its end when its other end is closed."""
    with suppress(EOFError, OSError):
        lifeline.recv_bytes()
    os._exit(0)
