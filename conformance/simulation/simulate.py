"""The seeded simulator: which step a cluster takes next.

Episodes are short and each draws its own mixture of faults (Groce et al., "Swarm Testing", ISSTA
2012).  A schedule with a little of every fault rarely reaches what takes much of one fault and none
of another.  Everything follows from the seed and the number of the episode.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Final

from conformance.simulation import MAX_NODES as MAX_NODES
from spec import cluster as c
from spec import values as v
from spec.pending import NOTHING

IN_FLIGHT = 40
"""Contents that the network holds before it begins to lose the oldest."""

BUSY = 0.6
"""The most of the steps that are anything but the network's, so that what is sent arrives."""

HEALED: Final = 0.4
"""Of the episodes, how many end with a cluster that heals: a tenth of all steps are spent on that.
"""


@dataclass(frozen=True, slots=True)
class Profile:
    """One episode's mixture; rates are probabilities per step unless said otherwise."""

    nodes: int
    voters: int
    length: int
    """Steps in the episode."""
    timeout: float
    patience: float
    """Of the timeouts during an election, how many do not fire."""
    propose: float
    batch: int
    """The most commands proposed before a drain."""
    heartbeat: float
    config: float
    snapshot: float
    crash: float
    comeback: float
    crash_in_drain: float
    """Of the drains, how many a crash cuts short."""
    linger: float
    """Of the inputs, how many are not drained at once."""
    lose: float
    """Of the deliveries, how many are losses instead."""
    duplicate: float
    shorten: float
    reorder: float
    """Of the deliveries, how many are not of the oldest content."""
    retransmit: float
    """A call that a leader might send, with any part of its log."""
    late: float
    """A call comes once more, when its receiver is in a later term and its sender leads again."""
    forge: float
    """A message that no leader can send, since it contradicts what is committed."""
    backlog: int
    """How many contents the network holds back, to deliver them long after later ones."""
    partition: float
    """How often the network falls into two parts, or becomes whole again."""
    step_down: float
    transfer: float
    """A leader begins to hand over, or ends that, or its target is told to campaign."""
    limits: v.Limits = v.LIMITS


def draw_profile(random: Random, nodes: int | None, aside: Random | None = None) -> Profile:
    """`aside`: draws what came later, so that schedules without it are what they were."""

    def often(share: float, low: float, high: float, draw: Random = random) -> float:
        """Present in this share of the episodes, with a rate within these bounds."""
        return draw.uniform(low, high) if draw.random() < share else 0.0

    later = aside or random

    size = nodes or random.choice((1, 2, 3, 3, 3, 3, 3, 4, 5, 5, 5, 6, MAX_NODES))
    config = often(0.6, 0.01, 0.08)
    voters = size if random.random() < (0.4 if config else 0.8) else random.randint(1, size)
    crash = often(0.6, 0.002, 0.03)
    return Profile(
        nodes=size,
        voters=voters,
        length=random.choice((150, 300, 300, 600)),
        timeout=random.uniform(0.005, 0.1),
        patience=random.choice((0.5, 0.9, 0.97, 0.99)),
        propose=random.choice((0.03, 0.1, 0.2, 0.4)),
        batch=random.choice((1, 1, 3, 8)),
        heartbeat=random.uniform(0.0, 0.1),
        config=config,
        snapshot=random.choice((0.0, 0.0, 0.05, 0.2, 0.5)),
        crash=crash,
        comeback=random.uniform(0.02, 0.3),
        crash_in_drain=often(0.5, 0.01, 0.08) if crash else 0.0,
        linger=often(0.5, 0.05, 0.6),
        lose=often(0.7, 0.01, 0.35),
        duplicate=often(0.6, 0.02, 0.25),
        shorten=often(0.5, 0.1, 0.7),
        reorder=often(0.7, 0.05, 0.6),
        retransmit=often(0.5, 0.01, 0.05),
        late=often(0.5, 0.02, 0.1),
        forge=often(0.4, 0.005, 0.02),
        backlog=random.choice((0, 0, 2, 5)),
        partition=often(0.7, 0.01, 0.08),
        limits=draw_limits(random),
        step_down=often(0.4, 0.002, 0.02, later),
        transfer=often(0.5, 0.01, 0.08, later),
    )


def draw_limits(random: Random) -> v.Limits:
    """Of every other episode so low that its few entries reach them."""
    if random.random() < 0.5:
        return v.LIMITS
    return v.Limits(
        entries=random.choice((1, 1, 2, 3)),
        calls=random.choice((1, 2)),
        ask_again=random.choice((1, 3, 1000)),
        uncommitted=random.choice((None, None, 3)),
    )


class Schedule:
    """An episode: a source of steps, each enabled in the cluster that it is asked for."""

    def __init__(
        self, seed: int, episode: int, nodes: int | None = None, profile: Profile | None = None
    ) -> None:
        self.random = Random(f"{seed}/{episode}")
        aside = Random(f"{seed}/{episode}/handover")
        self._set_profile(profile or draw_profile(self.random, nodes, aside))
        self.heals = profile is None and aside.random() < HEALED
        """Whether the cluster heals at the end of the episode (`simulation.healing`)."""
        self.island: frozenset[v.NodeId] = frozenset()
        """The smaller part of a partitioned network; empty where it is whole."""
        self._to_drain: v.NodeId | None = None
        self._batch = 0
        self._calls: list[tuple[v.NodeId, v.AppendEntriesCall]] = []
        """Some of the calls that were under way, and to whom."""
        self._to_limit = self.profile.nodes if self.profile.limits != v.LIMITS else 0
        """Of the servers so many are yet to be told their limits."""

    def honest(self) -> Schedule:
        """The same without messages that nobody sent."""
        self._set_profile(replace(self.profile, retransmit=0.0, forge=0.0))
        return self

    def _set_profile(self, profile: Profile) -> None:
        self.profile = profile
        self._kinds: tuple[tuple[float, Callable[[c.Cluster], c.Step | None]], ...] = (
            (self.profile.timeout, self._timeout),
            (self.profile.propose, self._propose),
            (self.profile.heartbeat, self._heartbeat),
            (self.profile.config, self._config),
            (self.profile.snapshot, self._snapshot),
            (self.profile.crash, self._crash),
            (self.profile.comeback, self._comeback),
            (self.profile.partition, self._partition),
            (self.profile.retransmit, self._retransmit),
            (self.profile.late, self._late),
            (self.profile.forge, self._forge),
            (self.profile.step_down, self._step_down),
            (self.profile.transfer, self._transfer),
        )

        busy = sum(rate for rate, _ in self._kinds) / BUSY
        if busy > 1.0:
            self._kinds = tuple((rate / busy, kind) for rate, kind in self._kinds)

    def next(self, cluster: c.Cluster) -> c.Step:
        """The next step; what was handed over last is drained first, as a rule."""
        if self._to_limit:
            self._to_limit -= 1
            restart = v.Restart(0, None, v.EMPTY_LOG, self.profile.limits)
            return c.Input(self._to_limit, restart)
        if self._batch > 0 and self._to_drain is not None and cluster.members[self._to_drain].up:
            self._batch -= 1
            return c.Input(self._to_drain, v.ProposeCommand())
        if self._to_drain is not None:
            removal = self._removal(cluster.members[self._to_drain])
            if removal is not None:
                return removal
            node, self._to_drain = self._to_drain, None
            if cluster.members[node].up and self.random.random() >= self.profile.linger:
                return self._drain(cluster, node)
        while True:
            step = self._draw(cluster)
            if step is not None:
                if isinstance(step, c.Deliver):
                    self._to_drain = cluster.network[step.index].to
                elif isinstance(step, (c.Input, c.Comeback)):
                    self._to_drain = step.node
                return step

    def _draw(self, cluster: c.Cluster) -> c.Step | None:
        draw = self.random.random()
        for rate, kind in self._kinds:
            if draw < rate:
                return kind(cluster)
            draw -= rate
        return self._network(cluster)

    def _member(self, cluster: c.Cluster, wanted: Callable[[c.Member], bool]) -> c.Member | None:
        members = [member for member in cluster.members if wanted(member)]
        return self.random.choice(members) if members else None

    def _network(self, cluster: c.Cluster) -> c.Step | None:
        """A delivery to a member that is up and on the sender's side, or what else may happen."""
        random, profile, network = self.random, self.profile, cluster.network
        if len(network) > IN_FLIGHT:
            return c.Lose(0)
        island = self.island
        arriving: Sequence[int] = range(len(network))
        if island or not all(member.up for member in cluster.members):
            arriving = [
                at
                for at, envelope in enumerate(network)
                if cluster.members[envelope.to].up
                and (not island or (envelope.to in island) == (envelope.content.sender in island))
            ]
        if not arriving:
            waiting = self._member(cluster, lambda m: m.up and m.pending != NOTHING)
            if waiting is not None:
                return self._drain(cluster, waiting.node.id)
            return c.Lose(0) if network else self._timeout(cluster)
        held = min(profile.backlog, len(arriving) - 1)
        if random.random() < profile.reorder:
            at = random.choice(arriving)
        elif held and random.random() < 0.1:
            at = arriving[random.randrange(held)]
        else:
            at = arriving[held]
        draw = random.random()
        if draw < profile.lose:
            return c.Lose(at)
        if draw < profile.lose + profile.duplicate:
            return c.Duplicate(at)
        content = network[at].content
        if isinstance(content, v.AppendEntriesCall) and random.random() < 0.2:
            self._calls = [*self._calls[-7:], (network[at].to, content)]
        long = isinstance(content, v.AppendEntriesCall) and len(content.entries) > 1
        if long and random.random() < profile.shorten:
            return c.Deliver(at, keep=1)
        return c.Deliver(at)

    def _drain(self, cluster: c.Cluster, node: v.NodeId) -> c.Step:
        if self.random.random() < self.profile.crash_in_drain:
            return c.Drain(node, crash_after=self.random.randint(0, 6))
        return c.Drain(node)

    def _timeout(self, cluster: c.Cluster) -> c.Step | None:
        started = any(member.disk.log.last_index for member in cluster.members)
        if not started:
            voters = frozenset(range(self.profile.voters))
            creator = cluster.members[0]
            if creator.up and not creator.node.log.last_index:
                return c.Input(0, v.CreateCluster(voters))
            return None
        campaigning = any(m.up and isinstance(m.node.role, v.Candidate) for m in cluster.members)
        if campaigning and cluster.network and self.random.random() < self.profile.patience:
            return None  # an election is under way
        anyone = self.random.random() < 0.2
        member = self._member(
            cluster,
            lambda m: m.up and m.node.log.last_index > 0 and (anyone or self._alone(cluster, m)),
        )
        return c.Input(member.node.id, v.ElectionTimeout()) if member else None

    def _alone(self, cluster: c.Cluster, member: c.Member) -> bool:
        """No leader of its term, or a later one, can reach the member."""
        return not any(
            other.up
            and isinstance(other.node.role, v.Leader)
            and other.node.current_term >= member.node.current_term
            and (other.node.id in self.island) == (member.node.id in self.island)
            for other in cluster.members
        )

    def _leader(self, cluster: c.Cluster) -> c.Member | None:
        return self._member(cluster, lambda m: m.up and isinstance(m.node.role, v.Leader))

    def _propose(self, cluster: c.Cluster) -> c.Step | None:
        leader = self._leader(cluster)
        if leader is None:
            anyone = self._member(cluster, lambda m: m.up)
            if anyone is not None and self.random.random() < 0.05:  # it must be refused
                return c.Input(anyone.node.id, v.ProposeCommand())
            return None
        role = leader.node.role
        if isinstance(role, v.Leader) and role.transfer is not None and self.random.random() < 0.7:
            return c.Input(leader.node.id, v.CancelTransfer())  # it would be refused
        self._batch = self.random.randrange(self.profile.batch)
        return c.Input(leader.node.id, v.ProposeCommand())

    def _heartbeat(self, cluster: c.Cluster) -> c.Step | None:
        leader = self._leader(cluster)
        return c.Input(leader.node.id, v.Heartbeat()) if leader else None

    def _step_down(self, cluster: c.Cluster) -> c.Step | None:
        leader = self._leader(cluster)
        return c.Input(leader.node.id, v.StepDown()) if leader else None

    def _transfer(self, cluster: c.Cluster) -> c.Step | None:
        """Its steps in their order, as a rule; now and then to anybody, or too late."""
        leader, random = self._leader(cluster), self.random
        if leader is None:
            return None
        node, anyone = leader.node, random.choice(cluster.members).node
        assert isinstance(node.role, v.Leader)
        to = node.role.transfer
        if to is None:
            others = sorted(node.config.electors - {node.id})
            to = random.choice(others) if others and random.random() < 0.9 else anyone.id
            return c.Input(node.id, v.TransferLeadership(to))
        if random.random() < 0.3:
            return c.Input(node.id, v.CancelTransfer())
        if random.random() < 0.1:
            to = anyone.id
        if to >= len(cluster.members) or not cluster.members[to].up:
            return None
        term, late = node.current_term, random.random()
        if late < 0.1:
            term -= 1
        elif late < 0.3:  # as the leader of the receiver's term would have it, if there is one
            term = cluster.members[to].node.current_term
        return c.Input(to, v.TimeoutNow(term))

    def _config(self, cluster: c.Cluster) -> c.Step | None:
        """A change of one or two voters, or of the non-voters; now and then an invalid one."""
        leader = self._leader(cluster)
        if leader is None:
            return None
        random, config = self.random, leader.node.config
        if config.is_joint and random.random() < 0.8:
            return None  # it would be refused
        everyone = range(self.profile.nodes)
        if random.random() < 0.1:
            nonsense = frozenset(node for node in everyone if random.random() < 0.5)
            return c.Input(leader.node.id, v.ProposeConfig(v.Config(nonsense, nonsense, nonsense)))
        if random.random() < 0.4:
            non_voters = frozenset(node for node in everyone if random.random() < 0.4)
            changed = v.Config(config.voters, frozenset(), non_voters - config.voters)
        else:
            toggled = frozenset(
                random.sample(everyone, k=min(len(everyone), random.choice((1, 2))))
            )
            new_voters = config.voters ^ toggled
            left = config.voters - new_voters
            demoted = left if random.random() < 0.3 else frozenset()
            non_voters = (config.non_voters | demoted) - new_voters
            changed = v.Config(config.voters, new_voters, non_voters)
        return c.Input(leader.node.id, v.ProposeConfig(changed))

    def _removal(self, member: c.Member) -> c.Step | None:
        """Non-voters leave while their leader still owes them calls: seldom by chance alone."""
        config = member.node.config
        called = config.non_voters & frozenset(member.pending.calls)
        if not (called and self.profile.config) or config.is_joint or self.random.random() < 0.8:
            return None
        left = v.Config(config.voters, frozenset(), config.non_voters - called)
        return c.Input(member.node.id, v.ProposeConfig(left))

    def _snapshot(self, cluster: c.Cluster) -> c.Step | None:
        """A node compacts a part of what it knows to be committed; now and then an invalid one."""

        def may(member: c.Member) -> bool:
            return member.up and member.node.commit_index > member.node.log.snapshot_position.index

        member = None
        if self.random.random() < 0.5:
            member = self._member(cluster, lambda m: may(m) and m.pending.append is not None)
        if member is None:
            member = self._member(cluster, may)
        if member is None:
            return None
        if member.pending.save_current_term:
            # The term of what a snapshot holds has to be durable before the snapshot is.
            return self._drain(cluster, member.node.id)
        node = member.node
        index = node.commit_index
        if self.random.random() < 0.3:
            index = self.random.randint(node.log.snapshot_position.index + 1, index)
        config = node.log.config_at(index)
        if self.random.random() < 0.05:  # one that must be refused
            config = v.Config()
        return c.Input(node.id, v.SnapshotInstalled(node.log.position(index), config))

    def _crash(self, cluster: c.Cluster) -> c.Step | None:
        member = self._member(cluster, lambda m: m.up)
        return c.Crash(member.node.id) if member else None

    def _comeback(self, cluster: c.Cluster) -> c.Step | None:
        member = self._member(cluster, lambda m: not m.up)
        return c.Comeback(member.node.id) if member else None

    def _partition(self, cluster: c.Cluster) -> c.Step | None:
        if self.island:
            self.island = frozenset()
        else:
            leader = self._leader(cluster)
            if leader is not None and self.random.random() < 0.5:
                self.island = frozenset({leader.node.id})
                return None
            nodes = range(len(cluster.members))
            size = self.random.randint(1, max(1, len(nodes) // 2))
            self.island = frozenset(self.random.sample(nodes, k=size))
        return None

    def _late(self, cluster: c.Cluster) -> c.Step | None:
        """The network may double a call, and deliver it a life of its sender's later."""
        members = cluster.members
        late = [
            (to, call)
            for to, call in self._calls
            if members[to].up
            and members[to].node.current_term > call.term
            and isinstance(members[call.sender].node.role, v.Leader)
        ]
        if not late:
            return None
        to, call = self.random.choice(late)
        return c.Input(to, v.Receive(call))

    def _retransmit(self, cluster: c.Cluster) -> c.Step | None:
        """What the leader's rules would send only after losses that seldom come together."""
        leader = self._leader(cluster)
        if leader is None or not leader.node.peers:
            return None
        random, node = self.random, leader.node
        to = random.choice(node.peers)
        if to >= len(cluster.members) or not cluster.members[to].up:
            return None
        log, theirs = node.log, cluster.members[to].node.log
        first = random.randint(log.snapshot_position.index, log.last_index)
        entries = log.after(first)[: random.randint(0, log.last_index - first)]
        if theirs.snapshot_position.index > log.snapshot_position.index and random.random() < 0.7:
            # From within what the peer's snapshot covers, up to the end (D5).
            first = random.randrange(log.snapshot_position.index, theirs.snapshot_position.index)
            if first > log.last_index:
                return None  # an earlier term's leader, cut off, whose log is the shorter one
            entries = log.after(first)
        call = v.AppendEntriesCall(
            node.id, node.current_term, node.seqno, node.commit_index, log.position(first), entries
        )
        return c.Input(to, v.Receive(call))

    def _forge(self, cluster: c.Cluster) -> c.Step | None:
        """What a broken peer might send: a node has to refuse it, and to stay as it was."""
        member = self._member(
            cluster, lambda m: m.up and m.node.commit_index > m.node.log.snapshot_position.index
        )
        if member is None or len(cluster.members) == 1:
            return None
        random, node = self.random, member.node
        sender = random.choice([other for other in range(len(cluster.members)) if other != node.id])
        index = random.randint(node.log.snapshot_position.index + 1, node.commit_index)
        wrong = v.Entry(node.log.term(index) + 1, v.TERM)
        entries: tuple[v.Entry, ...] = (wrong,)
        prev = node.log.position(index - 1)
        if random.random() < 0.5:
            prev, entries = v.Position(wrong.term, index), ()
        term = node.current_term + random.randint(0, 1)
        call = v.AppendEntriesCall(sender, term, 1, node.commit_index, prev, entries)
        return c.Input(node.id, v.Receive(call))
