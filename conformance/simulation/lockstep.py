"""Lockstep: identical events to the specified cluster and to a subject, compared after each one.

The specified cluster executes the actions, on its disks and in its network; the subject is asked
the same questions and has to give the same answers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from random import Random

from conformance.observe.finding import Difference, Part, first_difference
from conformance.observe.observed import Observed, observed
from conformance.observe.recorded import Recorder
from conformance.simulation.run import Run
from conformance.simulation.schedule.origin import Origin
from conformance.subjects.asking.asked import all_of, drawn
from conformance.subjects.counted import Counted, counted
from conformance.subjects.handed import InUse
from conformance.subjects.hidden import HiddenState
from conformance.subjects.names import Names
from conformance.subjects.subject import Subject, answers_of_both
from spec import rules
from spec.cluster import (
    Rule,
    Turn,
)
from spec.values import LIMITS, Limits, Node, NodeId, Start


class Lockstep(Run):
    """A specified cluster and a subject that follows it, step by step; recorded is the subject."""

    def __init__(
        self,
        size: int,
        subject: Subject,
        rule: Rule = rules.step,
        recorder: Recorder | None = None,
        limits: Limits = LIMITS,
    ) -> None:
        self.subject = subject
        self._in_use = subject if isinstance(subject, InUse) else None
        self._hidden = subject if isinstance(subject, HiddenState) else None
        if self._in_use is not None:
            self.unread = self._in_use.unread
        self._counts: defaultdict[NodeId, Counted] = defaultdict(Counted)
        self._random = Random(size)
        self._names: Names | None = None
        for node in range(size):
            subject.handle(node, Start(limits))
        super().__init__(size, rule, recorder, limits)

    def begin(self, origin: Origin) -> None:
        """The subject's nodes have other names, under which they start once more."""
        super().begin(origin)
        if not origin.names:
            return
        self._names = Names(origin.names)
        if self.recorder is not None:
            self.recorder.clear()
        for place, member in enumerate(self.cluster.members):
            name, start = self._names.of(place), Start(member.node.limits)
            self.subject.handle(name, start)
            self.record_start(name, start)

    def compare(self, turn: Turn) -> Difference | None:
        if self._names is not None:
            turn = self._names.turn(turn)
        return first_difference(turn.node, turn.event, self._turn_of_both(turn))

    def compare_logs(self) -> Difference | None:
        """The logs, and whether the library has changed anything that its user still has."""
        for member in self.cluster.members:
            if member.up:
                specified = member.node
                if self._names is not None:
                    specified = self._names.node(specified)
                found = first_difference(specified.id, None, self._log_of_both(specified))
                if found is not None:
                    return found
        if self._in_use is not None:
            return first_difference(0, None, self._in_use.look_at_all())
        return None

    def state(self, node: NodeId) -> Observed:
        return self.subject.observe(node)

    def _turn_of_both(self, turn: Turn) -> Iterator[Part]:
        """Lazily: whoever has found a difference asks the subject nothing more."""
        node, after = turn.node, turn.after
        if self._hidden is not None:
            self._counts[node] = counted(self._counts[node], turn)
        if turn.event is not None:
            outcome = self.subject.handle(node, turn.event)
            self.record(turn, outcome, None)
            yield "outcome", turn.outcome, outcome
        elif turn.owed is not None:
            owed = self.subject.drain(node)
            self.record(turn, None, owed)
            yield "actions", turn.owed, owed
        if not after.up:
            return
        changed = after.node is not turn.before.node
        # What is shown follows from what is kept: where that is compared, events alone will do.
        if changed and (turn.event is not None or self._hidden is None):
            yield "state", observed(after.node), self.state(node)
        if self._hidden is not None:
            yield from self._hidden.hidden_of_both(after.node, after.pending)
            yield "counters", self._counts[node], self._hidden.counted(node)
            yield "peers", after.node.peers, self._hidden.nodes[node].peers
        if self._in_use is not None:
            yield from self._in_use.changed
        if turn.event is not None:
            yield from self._answers_of_both(after.node)

    def _answers_of_both(self, specified: Node) -> Iterator[Part]:
        """To one question after an event, or to all cases of the one that is looked at closely."""
        if self.closely is None:
            return answers_of_both(specified, self.subject, (drawn(self._random, specified),))
        return answers_of_both(specified, self.subject, all_of(specified, self.closely))

    def _log_of_both(self, specified: Node) -> Iterator[Part]:
        yield "log", specified.log, self.subject.log(specified.id)
