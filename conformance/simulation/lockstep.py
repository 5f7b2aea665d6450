"""Lockstep: identical events to the specified cluster and to a subject, compared after each one.

The specified cluster executes the actions, on its disks and in its network; the subject is asked
the same questions and has to give the same answers.  Along the way every property is checked on
the cluster, and every witness counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import TypeVar

from conformance.observe.checking import check_change, seen_in
from conformance.observe.finding import Difference, Finding
from conformance.observe.observed import observed
from conformance.observe.recorded import Recorder
from conformance.simulation.choices import Choice, step_of
from conformance.subjects.subject import Subject
from conformance.trace.translate import Observed
from spec import rules
from spec.cluster import (
    Change,
    Cluster,
    Rule,
    Step,
    Turn,
    apply,
    new_cluster,
)
from spec.values import (
    Action,
    Event,
    NodeId,
    Start,
)

T = TypeVar("T")


class SubjectError(Exception):
    """A subject raised what no node may raise."""

    def __init__(self, node: NodeId, event: Event | None, error: Exception) -> None:
        self.finding = Difference(node, event, "failure", None, f"{type(error).__name__}: {error}")
        super().__init__(self.finding.found)


def ask(question: Callable[..., T], node: NodeId, *event: Event) -> T:
    """Ask a subject; whatever goes wrong with that is the subject's, and a finding."""
    try:
        return question(node, *event)
    except Exception as error:
        raise SubjectError(node, event[0] if event else None, error) from error


class Lockstep:
    """A specified cluster and a subject that follows it, step by step.

    Without a subject only the properties are checked.  `rule` is the specification of a node, or
    a variant of it.
    """

    def __init__(
        self,
        size: int,
        subject: Subject | None,
        rule: Rule = rules.step,
        recorder: Recorder | None = None,
    ) -> None:
        self.cluster: Cluster = new_cluster(size)
        self.subject = subject
        self.rule = rule
        self.recorder = recorder
        self.events = 0
        self.witnesses: Counter[str] = Counter()
        for node in range(size):
            if subject is not None:
                subject.handle(node, Start())
            if recorder is not None:
                recorder.input(node, Start(), None, self._state(node))
                recorder.drained(node, (), self._state(node))

    def take(self, step: Step) -> Finding | None:
        """One enabled step, on both sides; the first thing that is wrong with it."""
        try:
            change = self.change(step)
            self.cluster = change.after
            turn = change.turn
            if turn is None:
                return None
            for witness in seen_in(turn):
                self.witnesses[witness] += 1
            finding: Finding | None = None
            if turn.event is not None:
                self.events += 1
                finding = self._compare_event(turn.event, turn)
            elif turn.owed is not None:
                finding = self._compare_drain(turn.owed, turn)
        except SubjectError as error:
            return error.finding
        return finding or check_change(change)

    def change(self, step: Step) -> Change:
        """What the step does to the cluster."""
        return apply(self.cluster, step, self.rule)

    def compare_logs(self) -> Finding | None:
        """The logs in full, which the comparison of every event leaves out."""
        if self.subject is None:
            return None
        for node, member in enumerate(self.cluster.members):
            if not member.up:
                continue
            try:
                found = ask(self.subject.log, node)
            except SubjectError as error:
                return error.finding
            if found != member.node.log:
                return Difference(node, None, "log", member.node.log, found)
        return None

    def _state(self, node: NodeId) -> Observed:
        if self.subject is not None:
            return ask(self.subject.observe, node)
        return observed(self.cluster.members[node].node)

    def _compare_event(self, event: Event, turn: Turn) -> Finding | None:
        node, outcome = turn.node, turn.outcome
        if self.subject is not None:
            outcome = ask(self.subject.handle, node, event)
        if self.recorder is not None:
            self.recorder.input(node, event, outcome, self._state(node))
        if outcome != turn.outcome:
            return Difference(node, event, "outcome", turn.outcome, outcome)
        return self._compare_state(node, event)

    def _compare_drain(self, specified: tuple[Action, ...], turn: Turn) -> Finding | None:
        node, owed = turn.node, specified
        if self.subject is not None:
            owed = ask(self.subject.drain, node)
        if self.recorder is not None:
            executed = owed[: len(turn.executed)]
            self.recorder.drained(node, executed, self._state(node))
        if owed != specified:
            return Difference(node, None, "actions", specified, owed)
        unchanged = turn.after.node is turn.before.node
        return None if unchanged or not turn.after.up else self._compare_state(node, None)

    def _compare_state(self, node: NodeId, event: Event | None) -> Finding | None:
        if self.subject is None:
            return None
        specified = observed(self.cluster.members[node].node)
        found = self._state(node)
        if specified != found:
            return Difference(node, event, "state", specified, found)
        return None


# A schedule that survives the removal of some of its steps names a content of the network not by
# its place but by what it is.


def run(lockstep: Lockstep, choices: Iterable[Choice]) -> tuple[Finding | None, list[Choice]]:
    """Take what is enabled of the choices, up to the first finding; also what was taken."""
    taken: list[Choice] = []
    for choice in choices:
        step = step_of(lockstep.cluster, choice)
        if step is None:
            continue
        taken.append(choice)
        finding = lockstep.take(step)
        if finding is not None:
            return finding, taken
    return lockstep.compare_logs(), taken
