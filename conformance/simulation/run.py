"""One cluster that takes steps: the properties judge each, and every witness is counted."""

from __future__ import annotations

from collections import Counter

from conformance.observe.checking import check_change, seen_in
from conformance.observe.finding import Difference, Finding
from conformance.observe.observed import Observed, observed
from conformance.observe.recorded import Recorder
from conformance.simulation.coverage import Coverage
from conformance.simulation.schedule.origin import Origin
from spec import rules
from spec.cluster import Change, Cluster, Rule, Step, Turn, apply, new_cluster
from spec.properties import Violation, violations
from spec.values import LIMITS, Action, Limits, NodeId, Outcome, Start


class FailureError(Exception):
    """A node raised what no node may raise, and the cluster cannot go on."""

    def __init__(self, finding: Difference) -> None:
        super().__init__(finding.found)
        self.finding = finding


class Run:
    """A cluster of specified nodes, of which nothing but the properties is checked.

    `rule` is the specification of a node, or a variant of it.
    """

    closely: str | None = None
    """What was answered otherwise than specified (`Difference.what`), if it is a question that is
    to be asked at every turn: which ones are asked usually depends on the turns before.
    """

    unread: tuple[str, ...] = ()
    """What of a subject was not compared, though it was to be: slots that nobody knows."""

    coverage: Coverage | None = None
    """Counts the situations that the steps come by, if they are to be told."""

    ignored: frozenset[str] = frozenset()
    """Properties that are not judged."""

    heals = False
    """Whether the cluster is to heal at the end of chosen steps (`simulation.healing`)."""

    def __init__(
        self,
        size: int,
        rule: Rule = rules.step,
        recorder: Recorder | None = None,
        limits: Limits = LIMITS,
    ) -> None:
        self.cluster: Cluster = new_cluster(size, limits)
        self.rule = rule
        self.recorder = recorder
        self.events = 0
        self.witnesses: Counter[str] = Counter()
        for node in range(size):
            self.record_start(node, Start(limits))

    def begin(self, origin: Origin) -> None:
        """Before the first step: the servers have these disks.  Names are the subject's alone."""
        if origin.disks:
            self.cluster = origin.cluster(len(self.cluster.members))

    def take(self, step: Step) -> Finding | None:
        """One enabled step; the first thing that is wrong with it."""
        try:
            change = self.change(step)
        except FailureError as error:
            return error.finding
        self.cluster = change.after
        turn = change.turn
        if turn is None:
            return None
        for witness in seen_in(turn):
            self.witnesses[witness] += 1
        if self.coverage is not None:
            self.coverage.see(turn)
        if turn.event is not None:
            self.events += 1
        return self.compare(turn) or self.broken(change)

    def change(self, step: Step) -> Change:
        """What the step does to the cluster.  FailureError where a node cannot take it."""
        return apply(self.cluster, step, self.rule)

    def broken(self, change: Change) -> Violation | None:
        """The first property that is broken, of those that are judged."""
        found = check_change(change)
        if found is None or found.property not in self.ignored:
            return found
        return next((one for one in violations(change) if one.property not in self.ignored), None)

    def compare(self, turn: Turn) -> Difference | None:
        """What a subject that follows the cluster does otherwise in a turn.  Here there is none."""
        self.record(turn, turn.outcome, turn.owed)
        return None

    def compare_logs(self) -> Difference | None:
        """The logs in full, which the comparison of every turn leaves out."""
        return None

    def state(self, node: NodeId) -> Observed:
        return observed(self.cluster.members[node].node)

    def record_start(self, node: NodeId, start: Start) -> None:
        """Note, if that is asked for, that a node has started, and owes nothing."""
        if self.recorder is not None:
            self.recorder.input(node, start, None, self.state(node))
            self.recorder.drained(node, (), self.state(node))

    def record(self, turn: Turn, outcome: Outcome, owed: tuple[Action, ...] | None) -> None:
        """Note, if that is asked for, the outcome of the turn's event or what its drain owed."""
        if self.recorder is None:
            return
        node = turn.node
        if turn.event is not None:
            self.recorder.input(node, turn.event, outcome, self.state(node))
        elif owed is not None:
            self.recorder.drained(node, owed[: len(turn.executed)], self.state(node))
