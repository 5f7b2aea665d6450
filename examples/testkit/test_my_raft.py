"""A small project's tests: of a driver of raftbare, and of a rule of its own."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.kit.plugin import CheckSubject
from conformance.kit.strategies import clusters, logs
from conformance.simulation.check import Report
from conformance.subjects.library import LibrarySubject
from spec import values as v
from spec.cluster import Cluster, Disk, persist
from spec.properties import check_cluster


class Driver(LibrarySubject):
    """Nodes of raftbare, whose driver keeps their disks: a node comes up from that alone."""

    def __init__(self) -> None:
        super().__init__()
        self.disks: dict[v.NodeId, Disk] = {}

    def handle(self, node: v.NodeId, event: v.Event) -> v.Outcome:
        match event:
            case v.Start():
                self.disks[node] = Disk()
            case v.Restart(term, vote, log):
                if log.snapshot_position == v.ZERO and node in self.disks:
                    assert self.disks[node] == (term, vote, log), "the disk is what was written"
                self.disks[node] = Disk(term, vote, log)
        return super().handle(node, event)

    def drain(self, node: v.NodeId) -> tuple[v.Action, ...]:
        actions = super().drain(node)
        for action in actions:
            self.disks[node] = persist(self.disks[node], action)
        return actions


@pytest.mark.raft_subject(
    subject=Driver, level="safety", events=1_000, lacks=("snapshots", "restarts")
)
def test_the_driver_keeps_raft_safe(raft_report: Report) -> None:
    assert raft_report.witnesses["LeaderElected"] > 5


def test_the_driver_does_what_is_specified(check_subject: CheckSubject) -> None:
    report = check_subject(
        subject=Driver, level="exact", events=1_000, lacks=("snapshots", "restarts")
    )
    assert report.not_judged == ("restarts, snapshots (the subject lacks it)",)


@settings(max_examples=20, deadline=None)
@given(clusters())
def test_what_a_cluster_comes_to_is_in_order(cluster: Cluster) -> None:
    assert check_cluster(cluster) is None


@settings(max_examples=50, deadline=None)
@given(logs(), st.data())
def test_a_log_that_is_cut_off_begins_as_it_did(log: v.Log, data: st.DataObject) -> None:
    index = data.draw(st.integers(log.snapshot_position.index, log.last_index))
    assert log.truncated(index).last_index == index
