"""The named scenarios, each with where it comes from and what its figures must keep."""

from __future__ import annotations

from typing import Final

from conformance.network.clock import MILLISECOND as MS
from conformance.network.clock import SECOND
from conformance.network.driven import DRIVEN
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
    bridged,
)
from spec.values import Limits

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


def _restarting() -> tuple[Down, ...]:
    return tuple(
        Down(2, begin, begin + 5 * MS) for begin in range(SECOND + 30 * MS, 2 * SECOND, 60 * MS)
    )


def _bridge(name: str, what: str, one: set[int], other: set[int], nodes: int) -> Scenario:
    """Node 0 leads, of side `one`.  The other side hears of no leader, and calls elections, in
    which the bridge takes part; so whoever leads is deposed by the side that it does not reach,
    until the bridge leads.  A change takes a timeout, and a second one where an election fails.
    """
    begin, length, timeout = SECOND, 10 * SECOND, (500 * MS, 1000 * MS)
    return Scenario(
        name,
        what,
        "Cloudflare, 2 November 2020; etcd-io/etcd#12394; Omni-Paxos, EuroSys 2023",
        begin + length + SECOND,
        nodes=nodes,
        link=Link(5 * MS),
        timeout=timeout,
        load=Load(20 * MS, begin, begin + length),
        planned=(Cut(bridged(one, other), begin, begin + length),),
        begin=begin,
        bounds=(Bound("leaders", length // timeout[1]), Bound("gap", 2 * timeout[1] / MS)),
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
        runs=20,
        bounds=tuple(Bound(f"led_{name}_ratio", 1.2) for name in ("median", "90", "most")),
    )


NARROW: Final = Limits(entries=500, calls=8)
"""So that what is allowed to be under way is less than what a follower lacks."""

SCENARIOS: Final = {
    scenario.name: scenario
    for scenario in (
        _steady("steady", "a command a millisecond, nothing is lost", *ONCE),
        _steady("batches", "1 to 3 commands before a drain", *ONCE, batches=(1, 3, 2)),
        _steady("merged", "drains once in 5 ms", Bound("entries", 1.0), drain=5 * MS),
        _steady("one", "one node alone: what it writes it commits", Bound("latency", 0), nodes=1),
        _steady("five", "five nodes", *ONCE, nodes=5),
        _steady("seven", "seven nodes", *ONCE, nodes=7),
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
        _steady(
            "heavy-tail",
            "half of the messages take twice as long, a quarter four times, up to 2**7",
            Bound("entries", 3.0),
            Bound("latency", 2.0),
            Bound("leaders", 0),
            link=Link(2 * MS, heavy_tail=True),
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
            limits=NARROW,
            begin=100 * MS,
            bounds=(
                Bound("entries", 1.1),
                Bound("catch_up", 1.1),
                Bound("largest_call", NARROW.entries),
                # All that may be under way, and the load that comes meanwhile.
                Bound("in_flight", 1.1 * NARROW.entries * NARROW.calls),
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
        Scenario(
            "restarting",
            "a follower crashes each 60 ms, and is back with its disk 5 ms later",
            "redpanda#2071 and its like",
            QUIET,
            link=Link(5 * MS),
            load=Load(MS, SECOND, 2 * SECOND, (10,)),
            planned=_restarting(),
            bounds=(Bound("entries", 2.0), Bound("leaders", 0), Bound("latency", 1.0)),
        ),
        _bridge("bridge-3", "three in a row: both ends reach the middle alone", {0}, {1}, 3),
        _bridge("bridge-5", "two and two reach a fifth, and not each other", {0, 1}, {2, 3}, 5),
        *(_electable(voters) for voters in (3, 5, 9, 15)),
        *DRIVEN,
    )
}

LEFT_OUT: Final = frozenset(
    {
        *("batches", "five", "seven", "electable-5", "electable-9", "electable-15"),
        *("reads-lossy", "bridge-of-five", "partial-partition-bare", "transfer-loaded"),
        "promotion-hasty",
    }
)
"""The largest clusters, and what differs least from others: two thirds of the time of all."""

QUICK: Final = tuple(scenario for name, scenario in SCENARIOS.items() if name not in LEFT_OUT)
"""What `conformance verify` runs."""
