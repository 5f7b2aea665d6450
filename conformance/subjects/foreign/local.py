"""A subject of this process, spoken to by the lines of the protocol as another process would be."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager

from conformance.subjects.foreign.serve import answer
from conformance.subjects.subject import Subject
from conformance.trace.model import Feature, Hello


class LocalProcess:
    """Answers in the order in which it is asked."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._answers: deque[bytes] = deque()
        self._started: set[int] = set()

    @property
    def unanswered(self) -> int:
        return len(self._answers)

    def ask(self, line: bytes) -> None:
        self._answers.append(answer(self._subject, line, self._started))

    def answer(self) -> bytes:
        return self._answers.popleft()


class LocalHost:
    """`fresh` makes the subject of one run; what it raises is the caller's."""

    def __init__(
        self, fresh: Callable[[], Subject], implementation: str, lacks: Collection[Feature] = ()
    ) -> None:
        self._fresh = fresh
        self.hello = Hello(
            format="raftbare-subject",
            version=1,
            implementation=implementation,
            lacks=tuple(lacks),
        )

    def begin(self) -> LocalProcess:
        return LocalProcess(self._fresh())

    def end(self) -> None:
        """There is no process to end."""

    @contextmanager
    def searching(self) -> Iterator[Callable[[], float]]:
        yield time.process_time
