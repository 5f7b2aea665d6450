"""A cluster of the library's own nodes, in the specification's place.

Nothing is compared: the nodes take the events, their actions are executed just as they come, on
the disks and in the network of `spec.cluster`, and after every turn all of a node's state is read
back.  So the properties judge what the library itself does, merging and order of actions included,
and a mistake that it has in common with the specification shows as what it does to a cluster.
"""

from __future__ import annotations

from types import ModuleType

import raftbare
from conformance.observe.failed import PROGRAM_FAILED
from conformance.observe.finding import failure
from conformance.observe.recorded import Recorder
from conformance.simulation.run import FailureError, Run
from conformance.subjects.readback import Reader, State
from spec import cluster as c
from spec.values import Event, NodeId, Refused, Restart, Start


class Live(Run):
    """Steps of a cluster of library nodes, each judged by the properties."""

    def __init__(
        self, size: int, library: ModuleType = raftbare, recorder: Recorder | None = None
    ) -> None:
        super().__init__(size, recorder=recorder)
        self._nodes = Reader(library)
        for node in range(size):
            self._nodes.handle(node, Start())

    def change(self, step: c.Step) -> c.Change:
        return c.apply_with(self.cluster, step, self._take, self._execute)

    def _take(self, before: c.Member, event: Event) -> c.Turn:
        node = before.node.id
        try:
            outcome = self._nodes.handle(node, event)
            state, pending = self._read(node)
        except PROGRAM_FAILED:
            raise
        except Exception as error:
            raise FailureError(failure(node, event, error)) from error
        if isinstance(event, Restart) and isinstance(outcome, Refused):
            return c.Turn(before, before, event, outcome)
        if (state, pending) == before[:2] and before.up:
            return c.Turn(before, before, event, outcome)
        after = c.Member(state, pending, c.disk_after(before.disk, event, outcome))
        return c.Turn(before, after, event, outcome)

    def _execute(self, before: c.Member, crash_after: int | None) -> c.Turn:
        node = before.node.id
        try:
            owed = self._nodes.drain(node)
            state, _ = self._read(node)
        except PROGRAM_FAILED:
            raise
        except Exception as error:
            raise FailureError(failure(node, None, error)) from error
        return c.executed_turn(before, owed, state, crash_after)

    def _read(self, node: NodeId) -> State:
        return self._nodes.read(self._nodes.nodes[node])
