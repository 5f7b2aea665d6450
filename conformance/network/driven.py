"""Scenarios of what a driver builds from what its node tells it (`driver`)."""

from __future__ import annotations

from typing import Final

from conformance.network.clock import MILLISECOND as MS
from conformance.network.clock import SECOND
from conformance.network.link import Link
from conformance.network.scenario import (
    Bound,
    Cut,
    Down,
    Load,
    Policy,
    Promote,
    Propose,
    Remove,
    Scenario,
    Storm,
    Transfer,
    alone,
    bridged,
)

TIMEOUT: Final = (500 * MS, 1000 * MS)
"""Of the election timers of these scenarios."""

ROUND_TRIP_20: Final = Link(10 * MS)
CAREFUL: Final = Policy(check_quorum=True, pre_vote=True, drop_disruptive=True)


def _reading(
    name: str,
    what: str,
    every: int,
    bounds: tuple[Bound, ...],
    loaded: bool,
    count: int = 10,
    link: Link = ROUND_TRIP_20,
) -> Scenario:
    """Reads for a second, and a command a millisecond beside them if `loaded`."""
    return Scenario(
        name,
        what,
        "dissertation, §6.4; hashicorp/consul#54, deventlab/d-engine#381",
        2 * SECOND + 400 * MS,
        link=link,
        load=Load(MS, SECOND, 2 * SECOND) if loaded else None,
        reads=Load(every, SECOND, 2 * SECOND - MS, (count,)),
        bounds=(*bounds, Bound("reads_unserved", 0)),
    )


def _cut_off(
    name: str,
    what: str,
    source: str,
    nodes: int,
    planned: tuple[Cut | Down, ...],
    bounds: tuple[Bound, ...],
    policy: Policy = CAREFUL,
) -> Scenario:
    """Node 0 leads; from the first second on somebody is cut off, and commands come for ten."""
    return Scenario(
        name,
        what,
        source,
        12 * SECOND,
        nodes=nodes,
        link=Link(5 * MS),
        timeout=TIMEOUT,
        policy=policy,
        load=Load(20 * MS, SECOND, 11 * SECOND),
        planned=planned,
        bounds=bounds,
    )


def _bridge_of_five(name: str, what: str, gap: int, pre_vote: bool) -> Scenario:
    """One of five is down, and the leader reaches one of three that hear each other.  As long as it
    leads, that one drops the requests of the other two.
    """
    return _cut_off(
        name,
        f"the leader reaches one of three that hear each other, {what}",
        "dissertation, §6.2; Omni-Paxos, EuroSys 2023",
        5,
        (Cut(bridged({0}, {2, 3}), SECOND, 11 * SECOND), Down(4, SECOND, 11 * SECOND)),
        (Bound("stepped_down", 2 * TIMEOUT[0] / MS), Bound("gap", gap / MS)),
        Policy(check_quorum=True, pre_vote=pre_vote, drop_disruptive=True),
    )


PARTIAL: Final = (Cut(bridged({0}, {4}), SECOND, 11 * SECOND),)
"""Of five, one and the leader do not reach each other; all others reach both."""

PARTIAL_SOURCE: Final = "dissertation, §9.6; Cloudflare, 2 November 2020; ditsing/ruaft#10"


def _handing_over(name: str, what: str, round_trips: float, busy: bool) -> Scenario:
    """Node 0 hands over to node 1, and commands come each millisecond; if `busy`, before too."""
    load = Load(MS, SECOND - 100 * MS if busy else SECOND + MS, SECOND + 200 * MS)
    return Scenario(
        name,
        what,
        "dissertation, §3.10; hashicorp/raft#306, etcd-io/etcd#4916",
        SECOND + 400 * MS,
        link=ROUND_TRIP_20,
        policy=CAREFUL,
        load=load,
        planned=(Transfer(1, SECOND),),
        bounds=(Bound("away", round_trips), Bound("leaders", 1), Bound("waiting", 0)),
    )


def _joining(name: str, patient: bool, bounds: tuple[Bound, ...]) -> Scenario:
    """One of three is down for good when a fourth is added, which lacks 5,000 entries: its link
    carries 25 a millisecond.  With its vote it is needed for every majority.
    """
    narrow = Link(MS, bandwidth=2_500)
    return Scenario(
        name,
        "a server that lacks 5,000 entries is added, a vote for it "
        + ("once it has caught up" if patient else "at once"),
        "dissertation, §4.2.1; etcd-io/etcd#8568, RedisLabs/redisraft#125",
        2 * SECOND,
        nodes=4,
        voters=3,
        link=Link(MS),
        links={(0, 3): narrow},
        load=Load(MS, 900 * MS, 1900 * MS),
        planned=(Down(2, 20 * MS), Propose(100 * MS, 5_000), Promote(3, SECOND, patient)),
        bounds=bounds,
    )


DRIVEN: Final = (
    _reading(
        "reads",
        "ten reads a millisecond, beside a command a millisecond",
        MS,
        (
            Bound("read_latency", 1.05),
            Bound("read_latency_99", 1.05),
            Bound("read_messages", 0.01),
            Bound("calls", 1.0),
        ),
        loaded=True,
    ),
    _reading(
        "reads-only",
        "ten reads a millisecond, and no commands",
        MS,
        (
            Bound("read_latency", 1.55),
            Bound("read_latency_99", 2.0),
            Bound("read_messages", 0.03),
        ),
        loaded=False,
    ),
    _reading(
        "reads-seldom",
        "a read each 70 ms, and no commands",
        70 * MS,
        (Bound("read_latency", 1.0), Bound("read_latency_99", 1.0), Bound("read_messages", 4.0)),
        loaded=False,
        count=1,
    ),
    _reading(
        "reads-lossy",
        "ten reads and a command a millisecond, 5 % of all messages are lost",
        MS,
        (
            Bound("read_latency", 1.05),
            Bound("read_latency_99", 1.5),
            Bound("read_messages", 0.01),
        ),
        loaded=True,
        link=Link(10 * MS, loss=50),
    ),
    _cut_off(
        "deaf-leader",
        "a leader can send, and does not hear",
        "dissertation, §6.2; cockroachdb/cockroach#79699, etcd-io/etcd#13527",
        3,
        (Cut(frozenset({(1, 0), (2, 0)}), SECOND, 11 * SECOND),),
        (
            Bound("stepped_down", 2 * TIMEOUT[0] / MS),
            Bound("gap", 3 * TIMEOUT[1] / MS),
            Bound("leaders", 1),
        ),
    ),
    _bridge_of_five("bridge-of-five", "vote requests dropped", 6 * TIMEOUT[1], pre_vote=False),
    _bridge_of_five(
        "bridge-of-five-pre-vote",
        "the same with pre-vote",
        TIMEOUT[0] + TIMEOUT[1] + 100 * MS,
        pre_vote=True,
    ),
    _cut_off(
        "partial-partition",
        "a server behind a partial partition, with pre-vote",
        PARTIAL_SOURCE,
        5,
        PARTIAL,
        (Bound("leaders", 0), Bound("gap", 30)),
        Policy(check_quorum=True, pre_vote=True),
    ),
    _cut_off(
        "partial-partition-bare",
        "the same without pre-vote",
        PARTIAL_SOURCE,
        5,
        PARTIAL,
        (Bound("leaders", 10), Bound("gap", 2 * TIMEOUT[1] / MS)),
        Policy(check_quorum=True),
    ),
    _cut_off(
        "isolated",
        "a server is alone for five seconds, and comes back",
        "dissertation, §9.6; etcd-io/etcd#9333, hashicorp/raft#411",
        3,
        (Cut(alone(2, 3), SECOND, 6 * SECOND),),
        (Bound("leaders", 0), Bound("gap", 30)),
    ),
    _handing_over(
        "transfer", "the leader hands over to a server that has all of its log", 1.5, False
    ),
    _handing_over("transfer-loaded", "the same with commands under way", 2.5, True),
    _joining("promotion", True, (Bound("gap", 20), Bound("changed", 300))),
    _joining("promotion-hasty", False, (Bound("gap", 300), Bound("changed", 300))),
    Scenario(
        "removal",
        "the leader, one of two, is removed and switched off, and a call of it is lost",
        "§6; restatedev/restate#5253, tikv/tikv#10595, etcd-io/etcd#1994",
        4 * SECOND,
        nodes=2,
        link=ROUND_TRIP_20,
        timeout=TIMEOUT,
        load=Load(20 * MS, SECOND, 3 * SECOND),
        planned=(
            Remove(0, SECOND + 5 * MS),
            Cut(frozenset({(0, 1)}), SECOND + 24 * MS, SECOND + 26 * MS),
        ),
        bounds=(
            Bound("changed", 200),
            Bound("gap", (TIMEOUT[1] + 200 * MS) / MS),
            Bound("leaders", 1),
        ),
    ),
    Scenario(
        "storm",
        "faults and changes of every kind; no read is stale",
        "hashicorp/consul#54, etcd-io/etcd#741; dissertation, §6.4",
        5 * SECOND,
        nodes=5,
        voters=3,
        link=Link(MS, jitter=2 * MS, loss=20, doubled=20, overtaken=20),
        fsync=200,
        heartbeat=10 * MS,
        timeout=(50 * MS, 100 * MS),
        transfer=5 * MS,
        load=Load(10 * MS, 100 * MS, 5 * SECOND),
        reads=Load(3 * MS, 100 * MS, 5 * SECOND, (1, 2)),
        planned=(Storm(30 * MS, 100 * MS, 5 * SECOND),),
        begin=100 * MS,
        bounds=(Bound("reads_stale", 0),),
    ),
)
