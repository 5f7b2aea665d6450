"""Processes that prove obligations one at a time, each having built the list of them itself.

An obligation is a closure, and cannot be sent; so it is sent by name.  A worker is a Python of its
own: it may run out of memory, or be killed in the middle of a question to z3, and another one takes
its place.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib import import_module
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from queue import SimpleQueue
from time import monotonic
from typing import Any, BinaryIO, Final, TypeAlias

import z3

from conformance.observe.failed import told
from conformance.prove.runner.calls import Calls
from conformance.prove.runner.obligation import Level, Obligation, Result, Subjects
from conformance.workers.processes import end_with

Source: TypeAlias = Callable[[Level], Sequence[Obligation]]
"""A function of a module, that gives the obligations of a level."""

PATIENCE: Final = 3
"""So many workers may die one after another, none of which has proved anything."""


@dataclass(frozen=True, slots=True)
class Job:
    """`units`: the functions of which it is to be told whether they were called."""

    source: str
    level: Level
    units: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    name: str
    result: Result
    called: frozenset[str] = frozenset()


def name_of(source: Source) -> str:
    name = f"{source.__module__}:{source.__qualname__}"
    if _load(name) is not source:
        raise ValueError(f"{name} is not a function that a worker could import by its name")
    return name


def _load(name: str) -> Source:
    module, _, function = name.partition(":")
    found: Source = getattr(import_module(module), function, None)  # type: ignore[assignment]
    return found


def prove(obligation: Obligation, subjects: Subjects) -> Result:
    """What comes of an obligation, whatever happens on the way."""
    started = monotonic()
    try:
        result = obligation.prove(subjects)
    except Exception as error:
        result = Result("unknown", detail=told(error))
    result.seconds = monotonic() - started
    return result


# In the worker


def work() -> None:
    """Answer names with results, until there are no more."""
    tasks = sys.stdin.buffer
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever is printed is no answer
    end_with(Connection(int(sys.argv[1]), writable=False))
    z3.z3.Z3_DEBUG = False  # no check of types, which takes time, and which mypy has done
    job: Job = pickle.load(tasks)
    calls = Calls(job.units)
    with calls.noted() as building:
        obligations = {one.name: one for one in _load(job.source)(job.level)}
    while True:
        try:
            name: str = pickle.load(tasks)
        except EOFError:
            return
        with calls.noted() as called:
            if name in obligations:
                result = prove(obligations[name], Subjects())
            else:
                result = Result("unknown", detail="a worker does not know it")
        answer = Answer(name, result, frozenset(building | called))
        try:
            sent = pickle.dumps(answer)
        except Exception as error:
            said = f"{result.detail} (there is more, which cannot be sent: {error})".lstrip()
            sent = pickle.dumps(
                Answer(name, replace(result, found=None, detail=said), answer.called)
            )
        answers.write(sent)
        answers.flush()


# Where they are called from


class Workers:
    """`answers` are given as they come; None once, from each thread, when there is nothing left.

    The workers end with this process too, whatever ends it.
    """

    def __init__(self, job: Job, names: Iterable[str], count: int) -> None:
        self.answers: SimpleQueue[Answer | None] = SimpleQueue()
        self.current: dict[int, str] = {}
        """What each of them is at."""
        self._job = job
        self._left = deque(names)
        self._stopping = False
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        self._lock = threading.Lock()
        self._theirs, self._ours = Pipe(duplex=False)
        self.count = min(count, len(self._left))
        self._threads = [
            threading.Thread(target=self._serve, args=(number,), daemon=True)
            for number in range(self.count)
        ]

    def begin(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """At once, whatever they are at."""
        with self._lock:
            self._stopping = True
            for process in self._processes.values():
                process.kill()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()
        self._theirs.close()
        self._ours.close()

    def _serve(self, number: int) -> None:
        dead = 0
        process: subprocess.Popen[bytes] | None = None
        try:
            while dead < PATIENCE and not self._stopping:
                try:
                    name = self._left.popleft()
                except IndexError:
                    break
                self.current[number] = name
                process = process or self._started(number)
                answer = None if process is None else _ask(process, name)
                if answer is not None:
                    dead = 0
                elif process is None or self._stopping:
                    break
                else:
                    _end(process)
                    code, process, dead = process.returncode, None, dead + 1
                    died = f"its worker died (exit code {code})"
                    answer = Answer(name, Result("unknown", detail=died))
                self.answers.put(answer)
        finally:
            if process is not None:
                _end(process)
            self.current.pop(number, None)
            self.answers.put(None)

    def _started(self, number: int) -> subprocess.Popen[bytes] | None:
        with self._lock:
            if self._stopping:
                return None
            process = subprocess.Popen(
                [
                    sys.executable,
                    "-P",
                    "-c",
                    "from conformance.prove.runner.worker import work; work()",
                    str(self._theirs.fileno()),
                ],
                pass_fds=(self._theirs.fileno(),),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(_search_path())},
                start_new_session=True,  # so that Ctrl-C is no affair of theirs
            )
            self._processes[number] = process
        _tell(process, self._job)
        return process


def _search_path() -> list[str]:
    """Where this process looks for modules, so that a worker proves of the same sources.

    The empty entry is the directory that it was started in, which `-P` would leave out.
    """
    return [entry or os.getcwd() for entry in sys.path]


def _ask(process: subprocess.Popen[bytes], name: str) -> Answer | None:
    """None if it died over it."""
    _tell(process, name)
    try:
        answer: Answer = pickle.load(_pipe(process.stdout))
    except (EOFError, pickle.UnpicklingError, OSError):
        return None
    return answer


def _tell(process: subprocess.Popen[bytes], value: Any) -> None:
    pipe = _pipe(process.stdin)
    with suppress(OSError):  # if it is dead, that is seen when it does not answer
        pipe.write(pickle.dumps(value))
        pipe.flush()


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    for pipe in (process.stdin, process.stdout):
        with suppress(OSError):
            _pipe(pipe).close()
    process.wait()


def _pipe(pipe: Any) -> BinaryIO:
    stream: BinaryIO = pipe
    return stream
