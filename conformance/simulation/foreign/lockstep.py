"""The specification and a subject of another process, in lockstep.

What happens next follows from the specified cluster alone.  So requests are sent ahead of the
answers, and a difference is told some steps after the one that it is of.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from conformance.observe.finding import Difference, Part, first_difference
from conformance.observe.observed import Observed, RecordedOutcome, observed, recorded_outcome
from conformance.observe.recorded import Recorder
from conformance.simulation.foreign.lines import answer, request
from conformance.simulation.run import Run
from conformance.simulation.schedule.origin import Origin
from conformance.subjects.foreign.host import Host
from conformance.subjects.foreign.local import LocalHost
from conformance.subjects.foreign.process import SubjectError
from conformance.subjects.foreign.protocol import Answered, read_answer
from conformance.subjects.names import Names
from spec import values as v
from spec.cluster import Turn

AHEAD: Final = 64
"""Requests that may be unanswered."""


@dataclass(slots=True)
class Expected:
    """A request, and the answer to it that is specified."""

    node: v.NodeId
    event: v.Event | None
    outcome: RecordedOutcome
    actions: tuple[v.Action, ...] | None
    state: Observed | None
    """None: nobody sees it, as the node has crashed."""
    executed: int = 0
    """How many of the actions were executed."""


class ForeignLockstep(Run):
    """A specified cluster, and a subject's nodes that follow it; recorded is the subject."""

    def __init__(self, size: int, host: Host | LocalHost, recorder: Recorder | None = None) -> None:
        super().__init__(size)
        self.recorder = recorder
        self._host = host
        self._process = host.begin()
        self._held: Expected | None = None  # an event, whose drain may follow at once
        self._sent: deque[Expected] = deque()
        self._alike = True  # whether the subject writes what we would, byte by byte
        self._names: Names | None = None
        for node in range(size):
            self._start(node, node)

    def begin(self, origin: Origin) -> None:
        """The subject's nodes have other names, under which they start once more."""
        super().begin(origin)
        if not origin.names:
            return
        self._names = Names(origin.names)
        self._send()
        self._sent.clear()  # the start under another name is answered as every start is
        if self.recorder is not None:
            self.recorder.clear()
        self._process = self._host.begin()
        for place in range(len(self.cluster.members)):
            self._start(place, self._names.of(place))

    def _start(self, place: v.NodeId, name: v.NodeId) -> None:
        state = observed(self.cluster.members[place].node._replace(id=name))
        self._send()
        self._held = Expected(name, v.Start(), None, (), state)

    def compare(self, turn: Turn) -> Difference | None:
        """Of an earlier turn, as a rule."""
        if self._names is not None:
            turn = self._names.turn(turn)
        node, after, held = turn.node, turn.after, self._held
        state = observed(after.node) if after.up else None
        if turn.event is not None:
            self._send()
            outcome = recorded_outcome(turn.outcome)
            self._held = Expected(node, turn.event, outcome, None, state)
        elif turn.owed is not None:
            if held is None or held.node != node or held.actions is not None:
                self._send()
                held = self._held = Expected(node, None, None, None, state)
            held.actions, held.state, held.executed = turn.owed, state, len(turn.executed)
            self._send()
        return self._answered(AHEAD - 2)  # a turn may take two more requests

    def compare_logs(self) -> Difference | None:
        """What is still unanswered.  The logs are what was written, which was compared."""
        self._send()
        return self._answered(0)

    def _send(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            self._sent.append(held)
            self._process.ask(request(held.node, held.event, held.actions is not None))

    def _answered(self, unanswered: int) -> Difference | None:
        """Compare answers until no more than so many are left."""
        while len(self._sent) > unanswered:
            expected = self._sent.popleft()
            try:
                line = self._process.answer()
                if self._alike and self.recorder is None and line == _line(expected):
                    continue
                answered = read_answer(line, expected.event, expected.actions is not None)
            except SubjectError as error:
                self._host.end()
                return error.finding(expected.node, expected.event)
            self._alike = self._alike and expected.state is None
            self._note(expected, answered)
            found = first_difference(
                expected.node, expected.event, parts_of_both(expected, answered)
            )
            if found is not None:
                return found
        return None

    def _note(self, expected: Expected, answered: Answered) -> None:
        if self.recorder is None:
            return
        node, actions = expected.node, answered.actions
        if expected.event is not None:
            self.recorder.input(node, expected.event, answered.outcome, answered.state)
        if actions is not None:
            executed = actions if expected.state is not None else actions[: expected.executed]
            self.recorder.drained(node, executed, answered.state)


def _line(expected: Expected) -> bytes | None:
    if expected.state is None:
        return None
    return answer(expected.event, expected.outcome, expected.actions, expected.state)


def parts_of_both(expected: Expected, answered: Answered) -> Iterator[Part]:
    """What is specified and what was answered; what a subject need not show is not compared."""
    yield "outcome", expected.outcome, answered.outcome
    if expected.actions is not None:
        yield "actions", expected.actions, answered.actions
    state, found = expected.state, answered.state
    if state is not None:
        if not found.leader_given:
            state = state._replace(leader=found.leader, leader_given=False)
        if found.confirmed is None:
            state = state._replace(confirmed=None)
        yield "state", state, found
