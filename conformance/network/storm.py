"""Every kind of fault and of change at random: what linearizable reads have to stand."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from functools import partial
from random import Random
from typing import Protocol

from conformance.network.clock import MILLISECOND as MS
from conformance.network.clock import Clock
from conformance.network.scenario import Policy, Storm, bridged
from conformance.network.server import Server
from spec import values as v

Pair = tuple[v.NodeId, v.NodeId]


class Stormed(Protocol):
    """What a cluster lets a storm do to it."""

    clock: Clock
    random: Random
    servers: list[Server]

    def leaders(self) -> list[Server]: ...

    def tell(self, server: Server, event: v.Event) -> None: ...

    def compact(self, server: Server) -> None: ...

    def cut_off(self, pairs: Iterable[Pair], begin: int, end: int) -> None: ...

    def hold_back(self, pair: Pair, begin: int, end: int, arrives: int) -> None: ...


def blow(cluster: Stormed, storm: Storm) -> None:
    """From here on.  Each run has a mixture of its own, some kinds much and others not at all, and
    drivers of its own (Groce et al., "Swarm Testing", ISSTA 2012).
    """
    random = cluster.random
    kinds = [kind for kind in KINDS if random.randrange(2)]
    policy = Policy(*(bool(random.randrange(2)) for _ in range(3)))

    def gust() -> None:
        if cluster.clock.now >= storm.end:
            return
        kind = random.choice(KINDS)
        if kind in kinds:
            kind(cluster, policy)
        cluster.clock.at(cluster.clock.now + storm.every, gust)

    for server in cluster.servers:
        server.driver.policy = policy
    gust()


def _time(cluster: Stormed, least: int, most: int) -> int:
    """So many milliseconds from now."""
    return cluster.clock.now + cluster.random.randrange(least, most) * MS


def _leader(cluster: Stormed) -> Server | None:
    leaders = cluster.leaders()
    return cluster.random.choice(leaders) if leaders else None


def _partition(cluster: Stormed, policy: Policy) -> None:
    """Two sides: any two, or a leader and all others."""
    random, nodes = cluster.random, [server.node for server in cluster.servers]
    leader = _leader(cluster)
    if leader is not None and random.randrange(2):
        side = [leader.node]
    else:
        side = random.sample(nodes, k=random.randrange(1, len(nodes)))
    _divide(cluster, side)


def _divide(cluster: Stormed, side: Collection[v.NodeId]) -> None:
    others = [server.node for server in cluster.servers if server.node not in side]
    cluster.cut_off(bridged(side, others), cluster.clock.now, _time(cluster, 10, 300))


def _newcomers(cluster: Stormed, policy: Policy) -> None:
    """A leader is cut off together with those that have no vote, and wants them to join, with a
    vote or without one: no quorum can be made of them.
    """
    leader = _leader(cluster)
    if leader is None:
        return
    config = leader.state.config
    nodes = frozenset(server.node for server in cluster.servers)
    side = nodes - config.electors | {leader.node}
    _divide(cluster, side)
    if cluster.random.randrange(2):
        joining = v.Config(config.voters, side, config.non_voters - side)
    else:
        joining = v.Config(config.voters, frozenset(), side - config.voters)
    cluster.tell(leader, v.ProposeConfig(joining))


def _one_way(cluster: Stormed, policy: Policy) -> None:
    """Somebody sends and does not hear, or hears and is not heard."""
    random, nodes = cluster.random, range(len(cluster.servers))
    one, hears = random.choice(nodes), random.randrange(2)
    pairs = [(one, other) if hears else (other, one) for other in nodes if other != one]
    cluster.cut_off(pairs, cluster.clock.now, _time(cluster, 10, 300))


def _late(cluster: Stormed, policy: Policy) -> None:
    """What a leader sends, or is sent, takes long."""
    if (leader := _leader(cluster)) is not None:
        _hold_back(cluster, leader)


def _hold_back(cluster: Stormed, leader: Server) -> int:
    """From now on, until the time that is returned."""
    now, end, arrives = cluster.clock.now, _time(cluster, 1, 30), _time(cluster, 30, 300)
    for server in cluster.servers:
        if server is not leader and cluster.random.randrange(2):
            pair = leader.node, server.node
            if cluster.random.randrange(2):
                pair = server.node, leader.node
            cluster.hold_back(pair, now, end, arrives)
    return end


def _new_life(cluster: Stormed, policy: Policy) -> None:
    """A leader crashes, is back at once, and campaigns; messages of its earlier life come late."""
    leader = _leader(cluster)
    if leader is None:
        return
    end = _hold_back(cluster, leader)
    back = end + cluster.random.randrange(1, 5) * MS
    campaign = partial(cluster.tell, leader, v.ElectionTimeout())
    cluster.clock.at(end, lambda: _down(cluster, leader, policy, back))
    cluster.clock.at(back + cluster.random.randrange(20) * MS, campaign)


def _crash(cluster: Stormed, policy: Policy) -> None:
    _down(cluster, cluster.random.choice(cluster.servers), policy, _time(cluster, 1, 300))


def _down(cluster: Stormed, server: Server, policy: Policy, until: int) -> None:
    server.crash()

    def come_back() -> None:
        server.come_back()
        server.driver.policy = policy

    cluster.clock.at(until, come_back)


def _pause(cluster: Stormed, policy: Policy) -> None:
    """A process stands still, and has to catch up on all that came meanwhile, in any order."""
    leader = _leader(cluster)
    if leader is not None and cluster.random.randrange(2):
        leader.pause(_time(cluster, 10, 300))
    else:
        cluster.random.choice(cluster.servers).pause(_time(cluster, 10, 300))


def _campaign(cluster: Stormed, policy: Policy) -> None:
    cluster.tell(cluster.random.choice(cluster.servers), v.ElectionTimeout())


def _step_down(cluster: Stormed, policy: Policy) -> None:
    if (leader := _leader(cluster)) is not None:
        cluster.tell(leader, v.StepDown())


def _transfer(cluster: Stormed, policy: Policy) -> None:
    if (leader := _leader(cluster)) is not None:
        to = cluster.random.choice(cluster.servers).node
        leader.take(partial(leader.driver.transfer, to))


def _compact(cluster: Stormed, policy: Policy) -> None:
    server = cluster.random.choice(cluster.servers)
    if server.up and server.state.commit_index > server.state.snapshot_position.index:
        cluster.compact(server)


def _change(cluster: Stormed, policy: Policy) -> None:
    """One or two servers join or leave, with a vote or without one."""
    leader, random = _leader(cluster), cluster.random
    if leader is None:
        return
    config = leader.state.config
    nodes = [server.node for server in cluster.servers]
    chosen = frozenset(random.sample(nodes, k=random.randrange(1, 3)))
    if random.randrange(2):
        others = (config.non_voters ^ chosen) - config.voters
        changed = v.Config(config.voters, frozenset(), others)
    else:
        voters = config.voters ^ chosen
        left = config.voters - voters if random.randrange(2) else frozenset()
        changed = v.Config(config.voters, voters, (config.non_voters | left) - voters)
    cluster.tell(leader, v.ProposeConfig(changed))


KINDS: tuple[Callable[[Stormed, Policy], None], ...] = (
    _partition,
    _newcomers,
    _one_way,
    _late,
    _new_life,
    _crash,
    _pause,
    _campaign,
    _step_down,
    _transfer,
    _compact,
    _change,
)
