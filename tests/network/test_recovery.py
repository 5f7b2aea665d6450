"""A fault that has ended is made up for within a heartbeat interval and two round trips, under load
and without: what was lost shows at the next call that is refused, or by its answer.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from conformance.mutants.planted.catalogue import by_name
from conformance.network.clock import MILLISECOND as MS
from conformance.network.clock import SECOND
from conformance.network.cluster import TimedCluster
from conformance.network.link import Link
from conformance.network.scenario import (
    Compact,
    Cut,
    Down,
    Load,
    Planned,
    Propose,
    Scenario,
    alone,
)
from conformance.subjects.library import LibrarySubject

ONE_WAY, HEARTBEAT = 10 * MS, 50 * MS
BEGIN, END = SECOND + 50 * MS, SECOND + 200 * MS
SOON = HEARTBEAT + 2 * 2 * ONE_WAY

FAULTS: dict[str, tuple[Planned, ...]] = {
    "its calls are lost": (Cut(frozenset({(0, 2)}), BEGIN, END),),
    "it is cut off": (Cut(alone(2, 3), BEGIN, END),),
    "it restarts": (Down(2, BEGIN, END),),
    "one call is lost": (Cut(frozenset({(0, 2)}), END - 60 * MS, END),),
}


def ran(
    nodes: int,
    faults: tuple[Planned, ...],
    loaded: bool,
    subject: Callable[[], LibrarySubject] = LibrarySubject,
    transfer: int = 0,
) -> TimedCluster:
    scenario = Scenario(
        "recovery",
        "a fault, and what comes after it",
        "§5.3",
        END + SECOND,
        nodes=nodes,
        link=Link(ONE_WAY),
        heartbeat=HEARTBEAT,
        timeout=(5 * SECOND, 9 * SECOND),
        load=Load(MS, SECOND, END + SECOND // 2) if loaded else None,
        planned=(Propose(END - 55 * MS, 3), *faults),
        begin=END,
        transfer=transfer,
    )
    cluster = TimedCluster(scenario, subject())
    cluster.run()
    assert cluster.problems == []
    return cluster


@pytest.mark.parametrize("loaded", [False, True], ids=["idle", "loaded"])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_follower_has_what_it_missed(fault: str, loaded: bool) -> None:
    follower = ran(3, FAULTS[fault], loaded).figures.followers[2]
    assert follower.lacked > 0
    assert follower.caught_up is not None
    assert follower.caught_up - END <= SOON


def test_a_follower_that_is_never_sent_it_has_not() -> None:
    with by_name("next-index-not-moved-back").planted() as broken:
        cluster = ran(3, FAULTS["its calls are lost"], False, lambda: LibrarySubject(broken))
    assert cluster.figures.followers[2].caught_up is None


@pytest.mark.parametrize("loaded", [False, True], ids=["idle", "loaded"])
def test_a_follower_whose_entries_were_compacted_has_them_after_the_snapshot(loaded: bool) -> None:
    """From the snapshot's arrival on, which takes its own time."""
    faults = (Cut(alone(2, 3), BEGIN, END), Compact(0, END - 10 * MS))
    cluster = ran(3, faults, loaded, transfer=100 * MS)
    follower = cluster.figures.followers[2]
    assert cluster.figures.snapshots[2] == 1
    assert follower.caught_up is not None
    asked = HEARTBEAT + 2 * ONE_WAY
    assert follower.caught_up - END <= asked + 100 * MS + SOON


@pytest.mark.parametrize("loaded", [False, True], ids=["idle", "loaded"])
def test_a_leader_learns_what_lost_replies_would_have_told(loaded: bool) -> None:
    """Of two voters each reply counts: the commands wait for one that arrives."""
    cluster = ran(2, (Cut(frozenset({(1, 0)}), BEGIN, END), Propose(END, 1)), loaded)
    assert cluster.figures.latencies
    assert max(cluster.figures.latencies) <= SOON
    assert cluster.figures.table(END + SECOND)["waiting"] == 0
