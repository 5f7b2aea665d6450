"""A subject of this process, which can be made to fail, and is seen what it is asked."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from conformance.subjects.foreign import local as plain
from conformance.subjects.foreign.process import SubjectError
from conformance.subjects.subject import Subject
from conformance.trace.model import Feature

Faults: TypeAlias = Mapping[bytes, SubjectError | bytes]
"""What comes of a request in which there is such a text, in the place of the answer."""


class LocalProcess(plain.LocalProcess):
    """Answers as it should, unless the request has a fault."""

    def __init__(self, subject: Subject, faults: Faults) -> None:
        super().__init__(subject)
        self._faults = faults
        self._instead: deque[SubjectError | bytes | None] = deque()
        self.requests: list[bytes] = []
        self.most_unanswered = 0

    def ask(self, line: bytes) -> None:
        self.requests.append(line)
        fault = next((fault for when, fault in self._faults.items() if when in line), None)
        self._instead.append(fault)
        super().ask(line)
        self.most_unanswered = max(self.most_unanswered, self.unanswered)

    def answer(self) -> bytes:
        answer, instead = super().answer(), self._instead.popleft()
        if isinstance(instead, SubjectError):
            raise instead
        return instead or answer


class LocalHost(plain.LocalHost):
    def __init__(
        self, fresh: Callable[[], Subject], lacks: Sequence[Feature], faults: Faults
    ) -> None:
        super().__init__(fresh, "local", lacks)
        self._faults = faults
        self.begun: list[LocalProcess] = []

    def begin(self) -> LocalProcess:
        self.begun.append(LocalProcess(self._fresh(), self._faults))
        return self.begun[-1]


def local(
    fresh: Callable[[], Subject], lacks: Sequence[Feature] = (), faults: Faults | None = None
) -> LocalHost:
    return LocalHost(fresh, lacks, faults or {})
