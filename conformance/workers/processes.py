"""Processes of this machine.

A `ProcessPoolExecutor` fails as a whole when one of its processes dies, and does not tell whose
task it was at.  Here each task that is lost is known, and another process takes the place of the
one that died.
"""

from __future__ import annotations

import os
import pickle
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from queue import SimpleQueue
from tempfile import TemporaryDirectory
from threading import Lock, Thread
from typing import Any, Final, Literal, NamedTuple, TypeVar

from conformance.workers.pool import (
    TaskFailedError,
    WorkerDiedError,
    WorkerError,
    Workers,
    without_interrupts,
)

Made = TypeVar("Made")

TRIES: Final = 2
"""How often a task is tried whose worker dies: a machine kills a process now and then, and whatever
it is at; who dies over the same task once more dies of it."""

PATIENCE: Final = 8
"""So many workers may die one after another, none of which has done anything."""

# Each a Python of its own, that looks for modules where this one does: not forked, as this one has
# threads, nor from a server, which looks in its working directory first.
_CONTEXT: Final = get_context("spawn")


@contextmanager
def processes(count: int) -> Iterator[Workers]:
    """So many processes, begun when they are first used; 0: one for each core.

    They end with the block whatever they are at, an endless loop included, and with this process.
    So what they had in temporary files is removed here.
    """
    count = count or os.cpu_count() or 1
    with TemporaryDirectory(prefix="raftbare-") as folder:
        executor = Processes(count, folder)
        try:
            yield Workers(executor, count)
        finally:
            executor.kill()


class _Task(NamedTuple):
    future: Future[Any]
    sent: bytes


@dataclass(slots=True)
class _Worker:
    process: SpawnProcess
    connection: Connection


_Answer = tuple[Literal["made", "raised"], Any]


@dataclass(slots=True, eq=False)
class Processes(Executor):
    """`folder`: for their temporary files.

    Each process has a thread here, which hands it one task at a time.
    """

    count: int
    folder: str
    _tasks: SimpleQueue[_Task | None] = field(default_factory=SimpleQueue)
    _threads: list[Thread] = field(default_factory=list)
    _running: set[SpawnProcess] = field(default_factory=set)
    _lock: Lock = field(default_factory=Lock)
    _died_in_a_row: int = 0
    _stopping: bool = False
    _lifeline: tuple[Connection, Connection] = field(
        default_factory=lambda: _CONTEXT.Pipe(duplex=False)
    )

    def submit(self, fn: Callable[..., Made], /, *args: Any, **kwargs: Any) -> Future[Made]:
        """Raises what pickle does for what cannot be sent."""
        if self._stopping:
            raise RuntimeError("the processes have ended")
        future: Future[Made] = Future()
        self._tasks.put(_Task(future, pickle.dumps((fn, args, kwargs))))
        if len(self._threads) < self.count:
            self._threads.append(Thread(target=self._serve, daemon=True))
            self._threads[-1].start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """As an executor does."""
        if cancel_futures:
            self._cancel()
        for _ in self._threads:
            self._tasks.put(None)
        for thread in self._threads if wait else ():
            thread.join()

    def kill(self) -> None:
        """At once, whatever they are at; what they were at has failed."""
        with self._lock:
            self._stopping = True
            for process in self._running:
                process.kill()
        self.shutdown(cancel_futures=True)
        for end in self._lifeline:
            end.close()

    def _cancel(self) -> None:
        while not self._tasks.empty():
            task = self._tasks.get()
            if task is not None:
                task.future.cancel()

    # In a thread of this process

    def _serve(self) -> None:
        worker: _Worker | None = None
        while (task := self._tasks.get()) is not None:
            if task.future.set_running_or_notify_cancel():
                worker = self._try(task, worker)
        if worker is not None:
            self._end(worker)

    def _try(self, task: _Task, worker: _Worker | None) -> _Worker | None:
        """The worker that is to have the next task."""
        why: WorkerError = WorkerError("the workers were stopped")
        for _ in range(TRIES):
            if self._died_in_a_row >= PATIENCE:
                why = WorkerError("the workers died, one after another")
                break
            try:
                worker = worker or self._started()
            except OSError as error:
                why = WorkerError(f"no worker can be begun: {error}")
                break
            if worker is None:
                break
            try:
                worker.connection.send_bytes(task.sent)
                answer: _Answer = pickle.loads(worker.connection.recv_bytes())
            except (EOFError, OSError):
                why = WorkerDiedError(f"a worker died ({_exit_of(self._end(worker))})")
                worker = None
                self._died_in_a_row += 1
                continue
            except Exception as error:
                answer = "raised", f"what cannot be received: {error}"
            self._died_in_a_row = 0
            kind, made = answer
            if kind == "made":
                task.future.set_result(made)
            else:
                task.future.set_exception(TaskFailedError(f"a worker raised {made}"))
            return worker
        task.future.set_exception(why)
        return worker

    def _started(self) -> _Worker | None:
        ours, theirs = _CONTEXT.Pipe()
        process = _CONTEXT.Process(
            target=_work, args=(theirs, self._lifeline[0], self.folder), daemon=True
        )
        with self._lock, theirs:
            if self._stopping:
                ours.close()
                return None
            with without_interrupts():
                process.start()
            self._running.add(process)
        return _Worker(process, ours)

    def _end(self, worker: _Worker) -> int | None:
        """Its exit code."""
        worker.connection.close()
        worker.process.join()
        with self._lock:
            self._running.discard(worker.process)
        return worker.process.exitcode


def _exit_of(code: int | None) -> str:
    return f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"


# In a worker


def _work(tasks: Connection, lifeline: Connection, folder: str) -> None:
    """Until this end of `tasks` is the only one."""
    tempfile.tempdir = folder
    end_with(lifeline)
    with suppress(OSError):  # what a task prints is no output of the command
        os.dup2(2, 1)
    with suppress(EOFError, OSError):
        while True:
            tasks.send_bytes(_answer(tasks.recv_bytes()))


def _answer(sent: bytes) -> bytes:
    answer: _Answer
    try:
        task, given, named = pickle.loads(sent)
        answer = "made", task(*given, **named)
    except Exception as error:
        answer = "raised", f"{type(error).__name__}: {error}"
    try:
        return pickle.dumps(answer)
    except Exception as error:
        return pickle.dumps(("raised", f"what cannot be sent: {error}"))


def end_with(lifeline: Connection) -> None:
    """End this process, whatever it is at, when the other end is closed: by will, or by death."""
    Thread(target=_end_with, args=(lifeline,), daemon=True).start()


def _end_with(lifeline: Connection) -> None:
    """Nothing is ever sent: it is read to its end when its other end is closed."""
    with suppress(EOFError, OSError):
        lifeline.recv_bytes()
    os._exit(0)
