"""A cluster of the library's own nodes, in the specification's place.

Nothing is compared: the nodes take the events, their actions are executed just as they come, on
the disks and in the network of `spec.cluster`, and after every turn all of a node's state is read
back.  So the properties judge what the library itself does, merging and order of actions included,
and a mistake that it has in common with the specification shows as what it does to a cluster.
"""

from __future__ import annotations

from types import ModuleType

import raftbare
from conformance.observe.recorded import Recorder
from conformance.simulation.lockstep import Lockstep, ask
from conformance.subjects.readback import Reader, State
from spec.cluster import (
    Change,
    Comeback,
    Crash,
    Deliver,
    Drain,
    Input,
    Member,
    Step,
    Turn,
    after_turn,
    apply,
    crash,
    disk_after,
    event_of,
    executed_turn,
    without,
)
from spec.values import Event, NodeId, Refused, Restart, Start


class Live(Lockstep):
    """Steps of a cluster of library nodes, each judged by the properties."""

    def __init__(
        self, size: int, library: ModuleType = raftbare, recorder: Recorder | None = None
    ) -> None:
        super().__init__(size, None, recorder=recorder)
        self._nodes = Reader(library)
        for node in range(size):
            self._nodes.handle(node, Start())

    def change(self, step: Step) -> Change:
        cluster = self.cluster
        match step:
            case Input(node, event):
                return after_turn(cluster, cluster, self._taken(cluster.members[node], event))
            case Deliver(index, keep):
                envelope = cluster.network[index]
                event = event_of(envelope.content, keep)
                turn = self._taken(cluster.members[envelope.to], event)
                return after_turn(cluster, without(cluster, index), turn)
            case Comeback(node):
                member = cluster.members[node]
                disk = member.disk
                event = Restart(disk.current_term, disk.voted_for, disk.log)
                return after_turn(cluster, cluster, self._taken(member, event))
            case Drain(node, crash_after):
                return after_turn(cluster, cluster, self._drained(node, crash_after))
            case Crash(node):
                return after_turn(cluster, cluster, crash(cluster.members[node]))
        return apply(cluster, step)

    def _taken(self, before: Member, event: Event) -> Turn:
        node = before.node.id
        outcome = ask(self._nodes.handle, node, event)
        state, pending = ask(self._read, node)
        if isinstance(event, Restart) and isinstance(outcome, Refused):
            return Turn(before, before, event, outcome)
        if (state, pending) == before[:2] and before.up:
            return Turn(before, before, event, outcome)
        after = Member(state, pending, disk_after(before.disk, event, outcome))
        return Turn(before, after, event, outcome)

    def _drained(self, node: NodeId, crash_after: int | None) -> Turn:
        before = self.cluster.members[node]
        owed = ask(self._nodes.drain, node)
        state, _ = ask(self._read, node)
        return executed_turn(before, owed, state, crash_after)

    def _read(self, node: NodeId) -> State:
        return self._nodes.read(self._nodes.nodes[node])
