"""ReadIndexSafe says of a state what reads would show: whether one that a leader took, then or at
any time before, is confirmed although it was stale.

Here those reads are taken: by every leader, after every step, each with what had been committed by
then.  So a long run of `conformance check` is one of as many reads, under all of its faults.  But a
leader is seldom left behind there: `tests.network.test_storms_and_reads` has one that often is.
"""

from __future__ import annotations

from typing import NamedTuple

from conformance.simulation.episode import changes
from conformance.simulation.schedule.simulate import Schedule
from conformance.subjects.patched import Patch, patched_rule
from spec import rules
from spec import values as v
from spec.always import read_index_safe
from spec.cluster import Change, Cluster, Deliver, Drain, Lose, Step
from tests.support.scenario import Scenario


class Taken(NamedTuple):
    """A read, by whom, and what it must see."""

    node: v.NodeId
    read: v.ReadIndex
    committed: v.Index


def leaders(cluster: Cluster) -> list[v.Node]:
    nodes = [member.node for member in cluster.members if member.up]
    return [node for node in nodes if isinstance(node.role, v.Leader)]


class Readers:
    """The reads of a cluster's leaders; `stale` are those that are, and may yet be confirmed."""

    def __init__(self) -> None:
        self.stale: set[Taken] = set()
        self.taken = 0
        self.states_with_stale = 0
        self.confirmed = 0

    def after(self, change: Change) -> None:
        """What reads show after a step is what the history and the property say."""
        cluster = change.after
        self._take(cluster)
        lowest: dict[tuple[v.NodeId, v.Term], v.SeqNo] = {}
        for one in sorted(self.stale, key=lambda one: -one.read.seqno):
            lowest[one.node, one.read.term] = one.read.seqno
        known = {(node, term): seqno for node, term, seqno in cluster.history.stale_reads}
        assert known == lowest
        self.states_with_stale += bool(lowest)
        for node in leaders(cluster):
            mine = [one.read for one in self.stale if one.node == node.id]
            confirmed = any(rules.is_confirmed(node, read) for read in mine)
            assert confirmed == (read_index_safe(node, cluster.history) is not None)
            self.confirmed += confirmed

    def _take(self, cluster: Cluster) -> None:
        leading = {(node.id, node.current_term) for node in leaders(cluster)}
        self.stale = {one for one in self.stale if (one.node, one.read.term) in leading}
        for node in leaders(cluster):
            read = rules.read_index(node)
            if read is not None:
                self.taken += 1
                committed = len(cluster.history.committed)
                if read.index < committed:
                    self.stale.add(Taken(node.id, read, committed))


def test_the_property_is_what_reads_would_show() -> None:
    taken = states = 0
    for episode in range(100, 160):
        readers = Readers()
        for _, change in changes(Schedule(7, episode).honest()):
            readers.after(change)
        assert readers.confirmed == 0
        taken += readers.taken
        states += readers.states_with_stale
    assert taken > 4000
    assert states > 0


ANY_REPLY = Patch(
    "leaders",
    "progress = progress._replace(answered=reply.seqno)",
    "progress = progress._replace(answered=node.seqno)",
)
"""Whatever call is answered, the latest one counts as answered."""


class Read(Scenario):
    """Reads are taken after every step."""

    def __init__(self, *patches: Patch) -> None:
        super().__init__(3, patched_rule(*patches), collect=True)
        self.readers = Readers()

    def take(self, step: Step) -> Change:
        change = super().take(step)
        self.readers.after(change)
        return change

    def replied_late(self) -> None:
        """Node 0 has led, and node 1 follows it; then an answer to an old call of it comes late."""
        self.input(0, v.CreateCluster(frozenset({0, 1, 2})))
        self.input(0, v.ElectionTimeout())
        self.settle()
        self.input(0, v.Heartbeat())
        self.deliver(0, 1)  # its answer is held up
        self.lose_all_but(0)
        self.input(1, v.ElectionTimeout())
        self.exchange(1, 2)
        self.exchange(1, 2)
        self.input(0, v.Heartbeat())
        late = self.between(1, 0)
        assert late is not None
        self.take(Deliver(late))
        self.take(Drain(0))

    def lose_all_but(self, to: v.NodeId) -> None:
        for at in reversed(range(len(self.cluster.network))):
            if self.cluster.network[at].to != to:
                self.take(Lose(at))


def test_so_it_is_where_a_stale_read_is_confirmed() -> None:
    right, wrong = Read(), Read(ANY_REPLY)
    right.replied_late()
    assert right.readers.states_with_stale > 0
    assert right.readers.confirmed == 0
    assert right.violations == []
    wrong.replied_late()
    assert wrong.readers.confirmed > 0
    assert {violation.property for violation in wrong.violations} == {"ReadIndexSafe"}
