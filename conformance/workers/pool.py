"""The seam: tasks go to any executor, and come back in their order or as they end.

A task is a function of a module and what it is given, both sent by pickle.  It depends on nothing
else: so it may be made again, by another worker, where one has died.
"""

from __future__ import annotations

import signal
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    wait,
)
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from threading import current_thread, main_thread
from typing import Final, Generic, TypeVar

Given = TypeVar("Given")
Made = TypeVar("Made")

AHEAD: Final = 3
"""Tasks that are handed out for each worker before the first of their results is asked for."""


class WorkerError(Exception):
    """There are no workers any more.  What they were to check is not judged."""


class TaskError(WorkerError):
    """Of one task nothing came.  What it was to check is not judged."""


class WorkerDiedError(TaskError):
    """Workers died over it, each time that it was tried."""

    def __init__(self, why: str = "a worker died") -> None:
        super().__init__(why)


class TaskFailedError(TaskError):
    """It raised something."""


@dataclass(frozen=True, slots=True)
class Ended(Generic[Given, Made]):
    """A task that has ended, and what came of it."""

    given: Given
    made: Made | TaskError


@dataclass(frozen=True, slots=True)
class Workers:
    """Any executor, and how many tasks it works at at a time.

    `died`: what its futures raise where a worker has died, and the task is not tried again.
    """

    executor: Executor
    count: int
    died: tuple[type[BaseException], ...] = (BrokenExecutor,)

    def in_order(
        self, task: Callable[[Given], Made], given: Iterable[Given], ahead: int | None = None
    ) -> Iterator[Made]:
        """As `map`, for what may have no end: little is begun whose result is not asked for.

        The first tasks begin at once.  `ahead`: how many are handed out beyond the results that
        were asked for, at the most; None for some for each worker.  Raises `WorkerError`.
        """
        return map(_made, self.outcomes(task, given, ahead))

    def outcomes(
        self, task: Callable[[Given], Made], given: Iterable[Given], ahead: int | None = None
    ) -> Iterator[Made | TaskError]:
        """The same, where one task that fails is no affair of the others: it is a result.

        Raises `WorkerError` where there are no workers any more.
        """
        most = AHEAD * self.count if ahead is None else ahead
        left, begun = iter(given), deque[Future[Made]]()
        self._begin(task, left, begun, most)
        return self._outcomes(task, left, begun, most)

    def _begin(
        self,
        task: Callable[[Given], Made],
        left: Iterator[Given],
        begun: deque[Future[Made]],
        most: int,
    ) -> None:
        for one in islice(left, most - len(begun)):
            begun.append(self.submit(task, one))

    def _outcomes(
        self,
        task: Callable[[Given], Made],
        left: Iterator[Given],
        begun: deque[Future[Made]],
        most: int,
    ) -> Iterator[Made | TaskError]:
        try:
            while begun:
                outcome = self._outcome(begun.popleft())
                yield outcome
                self._begin(task, left, begun, most)
        finally:
            for future in begun:
                future.cancel()

    def as_completed(
        self, task: Callable[[Given], Made], given: Iterable[Given], every: float | None = None
    ) -> Generator[Ended[Given, Made] | None, None, None]:
        """As `outcomes`, what ends first comes first.

        `every`: after so many seconds in which no task ends, None comes.
        """
        left, begun = iter(given), dict[Future[Made], Given]()
        try:
            while True:
                for one in islice(left, AHEAD * self.count - len(begun)):
                    begun[self.submit(task, one)] = one
                if not begun:
                    return
                done = wait(begun, every, FIRST_COMPLETED).done
                if not done:
                    yield None
                for future in done:
                    outcome = self._outcome(future)
                    yield Ended(begun.pop(future), outcome)
        finally:
            for future in begun:
                future.cancel()

    def submit(self, task: Callable[..., Made], /, *given: object) -> Future[Made]:
        """As an executor does.  Raises `WorkerError`."""
        try:
            with without_interrupts():
                return self.executor.submit(task, *given)
        except self.died as error:
            raise WorkerError("the workers are gone") from error

    def _outcome(self, future: Future[Made]) -> Made | TaskError:
        try:
            return future.result()
        except TaskError as error:
            return error
        except WorkerError:
            raise
        except self.died:
            return WorkerDiedError()
        except CancelledError as error:
            raise WorkerError("the workers are gone") from error
        except Exception as error:
            return TaskFailedError(f"a worker raised {type(error).__name__}: {error}")


def _made(outcome: Made | TaskError) -> Made:
    if isinstance(outcome, TaskError):
        raise outcome
    return outcome


@contextmanager
def without_interrupts() -> Iterator[None]:
    """Processes that are begun here know nothing of Ctrl-C: who began them ends them.

    A signal that asks this one to end waits until they have begun: what had only half of what it
    begins with would complain of that.
    """
    came: list[int] = []
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    before = {}
    if current_thread() is main_thread():  # no other one may set handlers, nor has to
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if callable(signal.getsignal(number)):
                before[number] = signal.signal(number, lambda number, _: came.append(number))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        if came:
            signal.raise_signal(came[0])
