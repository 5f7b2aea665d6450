"""Recordings as they are being made: written by hand, or by a subject that is driven."""

from __future__ import annotations

from collections import Counter
from typing import Any

from conformance.audit.safety.audit import SafetyAudit
from conformance.observe.observed import Checkpoint, Observed, recorded_outcome
from conformance.observe.recorded import Recorded
from conformance.subjects.library import LibrarySubject
from conformance.subjects.subject import Subject
from spec import values as v

NEW = Observed("follower", 0, None, 0, v.ZERO, v.ZERO, v.NO_CONFIG)


class Tape:
    """Records are added by `add`, word for word, or by `drive`, as the subject makes them."""

    def __init__(self, subject: Subject | None = None) -> None:
        self.subject = subject or LibrarySubject()
        self.records: list[Recorded] = []
        self.states: dict[v.NodeId, Observed] = {}
        self.seqs: Counter[v.NodeId] = Counter()

    def drive(self, *events: v.Event, node: v.NodeId = 1, drain: bool = True) -> Tape:
        for event in events:
            outcome = recorded_outcome(self.subject.handle(node, event))
            actions = self.subject.drain(node) if drain else ()
            shown = self.subject.observe(node)._asdict()
            self.add(node, event, *actions, outcome=outcome, drained=drain, **shown)
        return self

    def add(
        self,
        node: v.NodeId,
        event: v.Event | Checkpoint,
        *actions: v.Action,
        outcome: v.Outcome = None,
        drained: bool = True,
        **changes: Any,
    ) -> Tape:
        """The state is what the node showed before, with these changes."""
        state = self.states[node] = self.states.get(node, NEW)._replace(**changes)
        self.seqs[node] += 1
        executed = actions if drained else None
        self.records.append(Recorded(node, self.seqs[node], event, outcome, executed, state))
        return self

    def forget(self, node: v.NodeId) -> None:
        """The recording of this node begins anew."""
        self.records = [record for record in self.records if record.node != node]
        self.states.pop(node, None)
        self.seqs[node] = 0

    def receive(
        self, node: v.NodeId, message: v.Message, *actions: v.Action, **changes: Any
    ) -> Tape:
        return self.add(node, v.Receive(message), *actions, **changes)

    def audit(self, complete: bool = True) -> SafetyAudit:
        audit = SafetyAudit(complete)
        for record in self.records:
            audit.add(record)
        return audit

    def found(self, complete: bool = True) -> list[tuple[str, v.NodeId | None, int | None]]:
        """What the safety audit says of it."""
        problems = self.audit(complete).finish()
        return [(problem.property, problem.node, problem.seq) for problem in problems]
