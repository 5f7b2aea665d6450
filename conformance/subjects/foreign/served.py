"""A program that speaks the subject protocol, asked one thing after another, as any subject is.

It answers no questions: the protocol has none.
"""

from __future__ import annotations

from conformance.observe.observed import Observed
from conformance.subjects.asking.questions import Asked
from conformance.subjects.foreign.host import Host
from conformance.subjects.foreign.local import LocalHost
from conformance.subjects.foreign.process import SubjectError, SubjectFailedError
from conformance.subjects.foreign.protocol import Answered, read_answer
from conformance.trace.plain import request_line
from spec import values as v
from spec.cluster import PERSISTING, Disk, disk_after, persist


class ServedSubject:
    """The nodes of one run.  Its methods raise SubjectFailedError."""

    def __init__(self, host: Host | LocalHost) -> None:
        self._host = host
        self._process = host.begin()
        self._states: dict[v.NodeId, Observed] = {}
        self._disks: dict[v.NodeId, Disk] = {}

    def handle(self, node: v.NodeId, event: v.Event) -> v.Outcome:
        answered = self._ask(node, event, drain=False)
        outcome: v.Outcome = None
        if answered.outcome is False:
            outcome = v.Refused("not_leader", "by the subject")
        elif answered.outcome is not None:
            outcome = answered.outcome
        self._disks[node] = disk_after(self._disks.get(node, Disk()), event, outcome)
        return outcome

    def drain(self, node: v.NodeId) -> tuple[v.Action, ...]:
        actions = self._ask(node, None, drain=True).actions or ()
        for action in actions:
            if isinstance(action, PERSISTING):
                self._disks[node] = persist(self._disks[node], action)
        return actions

    def observe(self, node: v.NodeId) -> Observed:
        return self._states[node]

    def log(self, node: v.NodeId) -> v.Log:
        """As it was written, which is what a drain has taken."""
        return self._disks[node].log

    def answer(self, node: v.NodeId, asked: Asked) -> object:
        raise NotImplementedError("the subject protocol has no questions")

    def _ask(self, node: v.NodeId, event: v.Event | None, drain: bool) -> Answered:
        try:
            self._process.ask(request_line(node, event, drain))
            answered = read_answer(self._process.answer(), event, drain)
        except SubjectError as error:
            self._host.end()
            raise SubjectFailedError(error.finding(node, event)) from error
        self._states[node] = answered.state
        return answered
