"""A subject of this process that is spoken to by the lines of the protocol."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias, cast

from conformance.simulation.check import by_cpu_time
from conformance.subjects.foreign import serve
from conformance.subjects.foreign.host import Host
from conformance.subjects.foreign.process import SubjectError
from conformance.subjects.subject import Subject
from conformance.trace.model import Feature, Hello

Faults: TypeAlias = Mapping[bytes, SubjectError | bytes]
"""What comes of a request in which there is such a text, in the place of the answer."""


class LocalProcess:
    """Answers at once, and tells later."""

    def __init__(self, subject: Subject, faults: Faults) -> None:
        self._subject = subject
        self._faults = faults
        self._answers: deque[bytes | SubjectError] = deque()
        self._started: set[int] = set()
        self.requests: list[bytes] = []
        self.most_unanswered = 0

    @property
    def unanswered(self) -> int:
        return len(self._answers)

    def ask(self, line: bytes) -> None:
        self.requests.append(line)
        fault = next((fault for when, fault in self._faults.items() if when in line), None)
        self._answers.append(fault or serve.answer(self._subject, line, self._started))
        self.most_unanswered = max(self.most_unanswered, self.unanswered)

    def answer(self) -> bytes:
        answer = self._answers.popleft()
        if isinstance(answer, SubjectError):
            raise answer
        return answer


class LocalHost:
    def __init__(
        self, fresh: Callable[[], Subject], lacks: Sequence[Feature], faults: Faults
    ) -> None:
        self._fresh = fresh
        self._faults = faults
        self.hello = Hello(
            format="raftbare-subject", version=1, implementation="local", lacks=tuple(lacks)
        )
        self.begun: list[LocalProcess] = []

    def begin(self) -> LocalProcess:
        self.begun.append(LocalProcess(self._fresh(), self._faults))
        return self.begun[-1]

    def end(self) -> None:
        pass

    searching = staticmethod(by_cpu_time)


def local(
    fresh: Callable[[], Subject], lacks: Sequence[Feature] = (), faults: Faults | None = None
) -> Host:
    """In the place of a host: what is tested is all but the process."""
    return cast(Host, LocalHost(fresh, lacks, faults or {}))
