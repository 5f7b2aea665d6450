"""The named scenarios, each with where it comes from and what its figures must keep."""

from __future__ import annotations

from typing import Final

from conformance.network.clock import MILLISECOND as MS
from conformance.network.clock import SECOND
from conformance.network.link import Link
from conformance.network.scenario import (
    Bound,
    Compact,
    Cut,
    Down,
    Elect,
    Late,
    Load,
    Propose,
    Scenario,
    alone,
)
from spec.values import LIMITS

A_SECOND = Load(MS, SECOND, 2 * SECOND)
"""A command a millisecond, for a second."""

QUIET = 2 * SECOND + 400 * MS
"""A while after the load has ended, so that what is under way arrives."""

ROUND_TRIP_20 = Link(10 * MS)


def _steady(
    name: str,
    what: str,
    *bounds: Bound,
    link: Link = ROUND_TRIP_20,
    nodes: int = 3,
    batches: tuple[int, ...] = (1,),
    drain: int = 0,
    fsync: int = 0,
) -> Scenario:
    return Scenario(
        name,
        what,
        "etcd-io/etcd#1731, #1744; redpanda#13495",
        QUIET,
        nodes=nodes,
        link=link,
        load=Load(MS, SECOND, 2 * SECOND, batches),
        drain=drain,
        fsync=fsync,
        bounds=bounds,
    )


ONCE = (Bound("entries", 1.0), Bound("calls", 1.0), Bound("latency", 1.0))


def _flapping() -> tuple[Cut, ...]:
    pairs = alone(2, 3)
    return tuple(
        Cut(pairs, begin, begin + 30 * MS) for begin in range(SECOND + 30 * MS, 2 * SECOND, 60 * MS)
    )


def _electable(voters: int) -> Scenario:
    """Of the servers that are left one has the last entry, and can win."""
    half = voters // 2
    lacking = frozenset((0, node) for node in range(half + 1, voters))
    crash = 260 * MS
    return Scenario(
        f"electable-{voters}",
        f"of {half + 1} of {voters} voters that are left one can win",
        "tikv/raft-rs#14, NuRaft#30; Figure 2, Rules for Servers",
        crash + 20 * SECOND,
        nodes=voters,
        link=Link(MS),
        heartbeat=5 * MS,
        timeout=(50 * MS, 100 * MS),
        planned=(
            Cut(lacking, 252 * MS),
            Propose(253 * MS, 1),
            *(Down(node, crash) for node in range(half)),
        ),
        begin=crash,
        until_led=True,
        runs=60,
        bounds=tuple(Bound(f"led_{name}_ratio", 1.2) for name in ("median", "90", "most")),
    )


SCENARIOS: Final = {
    scenario.name: scenario
    for scenario in (
        _steady("steady", "a command a millisecond, nothing is lost", *ONCE),
        _steady("batches", "1 to 3 commands before a drain", *ONCE, batches=(1, 3, 2)),
        _steady("merged", "drains once in 5 ms", Bound("entries", 1.0), drain=5 * MS),
        _steady("five", "five nodes", *ONCE, nodes=5),
        _steady(
            "fsync", "what persists takes 2 ms, each action", Bound("entries", 1.0), fsync=2 * MS
        ),
        _steady(
            "lossy-1",
            "1 % of all messages are lost",
            Bound("entries", 1.3),
            Bound("latency", 1.05),
            Bound("latency_99", 4.5),
            link=Link(10 * MS, loss=10),
        ),
        _steady(
            "lossy-5",
            "5 % of all messages are lost",
            Bound("entries", 2.5),
            Bound("latency", 1.05),
            Bound("latency_99", 4.5),
            link=Link(10 * MS, loss=50),
        ),
        _steady(
            "overtaken",
            "2 % of all messages are overtaken by the next one",
            Bound("entries", 1.6),
            link=Link(10 * MS, overtaken=20),
        ),
        _steady(
            "doubled",
            "5 % of all messages arrive twice",
            Bound("entries", 1.0),
            link=Link(10 * MS, doubled=50),
        ),
        Scenario(
            "returning",
            "a follower is 20,000 entries behind, on a link of 200 entries a millisecond",
            "etcd-io/etcd#2544, #14624; etcd-io/raft#130",
            1_300 * MS,
            link=Link(MS, bandwidth=20_000),
            heartbeat=5 * MS,
            timeout=(5 * SECOND, 9 * SECOND),
            load=Load(MS, 100 * MS, SECOND, (10,)),
            planned=(Cut(alone(2, 3), 30 * MS, 100 * MS), Propose(40 * MS, 20_000)),
            begin=100 * MS,
            bounds=(
                Bound("entries", 1.1),
                Bound("catch_up", 1.1),
                Bound("largest_call", LIMITS.entries),
                # All that may be under way, and the load that comes meanwhile.
                Bound("in_flight", 1.1 * LIMITS.entries * LIMITS.calls),
            ),
        ),
        Scenario(
            "flapping",
            "a follower is there for 30 ms and away for 30",
            "redpanda#2071 and its like",
            QUIET,
            link=Link(5 * MS),
            load=Load(MS, SECOND, 2 * SECOND, (10,)),
            planned=_flapping(),
            bounds=(Bound("entries", 2.0),),
        ),
        Scenario(
            "late-answer",
            "a call of the leader's earlier life is answered in its new term",
            "willemt/raft#97, redpanda#9384",
            120 * SECOND,
            link=Link(MS),
            planned=(
                Late(0, 1, 50 * SECOND, 50 * SECOND + 50 * MS, 50 * SECOND + 300 * MS),
                Down(2, 50 * SECOND + 100 * MS),
                Down(0, 50 * SECOND + 101 * MS, 50 * SECOND + 102 * MS),
                Elect(0, 50 * SECOND + 110 * MS),
                Propose(50 * SECOND + 400 * MS, 1),
            ),
            begin=50 * SECOND + 390 * MS,
            bounds=(Bound("heartbeats", 1),),
        ),
        Scenario(
            "snapshot",
            "a follower needs a snapshot, which travels for 100 ms",
            "etcd-io/etcd#3292, RATIS-1402",
            2 * SECOND,
            link=Link(MS),
            heartbeat=5 * MS,
            timeout=(5 * SECOND, 9 * SECOND),
            load=Load(MS, 110 * MS, 160 * MS),
            transfer=100 * MS,
            planned=(
                Cut(alone(2, 3), 30 * MS, 100 * MS),
                Propose(40 * MS, 1_000),
                Compact(0, 90 * MS),
            ),
            begin=95 * MS,
            bounds=(Bound("snapshots", 1),),
        ),
        *(_electable(voters) for voters in (3, 5, 9, 15)),
    )
}
