"""The seeded simulator: which step a cluster takes next.

Episodes are short and each draws its own mixture of faults (Groce et al., "Swarm Testing", ISSTA
2012).  A schedule with a little of every fault rarely reaches what takes much of one fault and none
of another.  Everything follows from the seed and the number of the episode.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random
from typing import Final

from conformance.simulation import MAX_NODES as MAX_NODES
from conformance.simulation.schedule import lacking
from conformance.simulation.schedule.origin import Origin, draw_origin, draw_term
from conformance.simulation.schedule.profile import Profile, draw_profile
from conformance.simulation.schedule.themes import is_long, with_theme
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

LARGE: Final = 0.03
"""Of the clusters, how many are larger than usual."""


class Schedule:
    """An episode: a source of steps, each enabled in the cluster that it is asked for."""

    def __init__(
        self, seed: int, episode: int, nodes: int | None = None, profile: Profile | None = None
    ) -> None:
        self.random = Random(f"{seed}/{episode}")
        self._episode = episode
        aside, shape = (Random(f"{seed}/{episode}/{what}") for what in ("handover", "shape"))
        if nodes is None and profile is None and shape.random() < LARGE:
            nodes = shape.choice((8, 9, 9, 9, MAX_NODES))
        if nodes is None and profile is None and is_long(episode):
            nodes = 3
        drawn = profile or draw_profile(self.random, nodes, aside)
        self.heals = profile is None and aside.random() < HEALED
        """Whether the cluster heals at the end of the episode (`simulation.healing`)."""
        self.founder: v.NodeId = 0
        self.first_voters = frozenset(range(drawn.voters))
        self.origin = Origin()
        if profile is None:
            if shape.random() < 0.5:
                self.first_voters = frozenset(shape.sample(range(drawn.nodes), drawn.voters))
                self.founder = shape.choice(sorted(self.first_voters))
            self.origin = draw_origin(shape, drawn.nodes, self.first_voters, drawn.limits)
            if shape.random() < 0.15:
                drawn = replace(drawn, jump=shape.uniform(0.002, 0.02))
            if shape.random() < 0.3:
                drawn = replace(drawn, misuse=shape.uniform(0.002, 0.02))
            drawn = with_theme(drawn, episode)
        self._set_profile(drawn)
        self.island: frozenset[v.NodeId] = frozenset()
        """The smaller part of a partitioned network; empty where it is whole."""
        self._to_drain: v.NodeId | None = None
        self._batch = 0
        self._calls: list[tuple[v.NodeId, v.AppendEntriesCall]] = []
        """Some of the calls that were under way, and to whom."""
        self._to_limit = self._unlimited()
        """Of the servers so many are yet to be told their limits."""
        self._lacks: frozenset[str] = frozenset()
        """What the subject cannot take (`schedule.lacking`)."""

    def honest(self) -> Schedule:
        """The same without messages that nobody sent, and of servers that never ran before."""
        self._set_profile(replace(self.profile, retransmit=0.0, forge=0.0, jump=0.0))
        self.origin = Origin(self.origin.names)
        self._to_limit = self._unlimited()
        return self

    def without(self, lacks: frozenset[str]) -> Schedule:
        """The same without what a subject that lacks these features cannot take."""
        self._lacks = lacks
        profile = self.profile
        if "alone" in lacks and self._episode % 2:
            profile = lacking.diverging(profile)
        self._set_profile(lacking.without(profile, lacks))
        if "changes" in lacks:
            self.first_voters = frozenset(range(self.profile.nodes))
        if lacks & {"restarts", "snapshots", "large_numbers"}:
            self.origin = Origin(() if "large_numbers" in lacks else self.origin.names)
        if "alone" in lacks:
            self.origin = Origin()
        self.heals = self.heals and not lacks & {"heartbeat", "alone"}
        self._to_limit = self._unlimited()
        return self

    def _unlimited(self) -> int:
        """Servers that have run before know their limits."""
        usual = self.origin.disks or self.profile.limits == v.LIMITS
        return 0 if usual else self.profile.nodes

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
            (self.profile.jump, self._jump),
            (self.profile.misuse, self._misuse),
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
        if "reordering" in self._lacks:
            at = lacking.first_of_link(network, at)
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
            creator = cluster.members[self.founder]
            if creator.up and not creator.node.log.last_index:
                return c.Input(self.founder, v.CreateCluster(self.first_voters))
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
        if self._lacks & {"joint_changes", "non_voters"}:
            return lacking.plain_change(random, leader.node, len(everyone), self._lacks)
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
        if self.random.random() < self.profile.part:
            index = self.random.randint(node.log.snapshot_position.index + 1, index)
            index = self._contradicted(cluster, node) or index
        config = node.log.config_at(index)
        if self.random.random() < 0.05:  # one that must be refused
            config = v.Config()
        return c.Input(node.id, v.SnapshotInstalled(node.log.position(index), config))

    def _contradicted(self, cluster: c.Cluster, node: v.Node) -> v.Index | None:
        """The first committed entry in whose place another server has another one."""
        log = node.log
        for member in cluster.members:
            theirs = member.node.log
            first = max(log.snapshot_position.index, theirs.snapshot_position.index) + 1
            for index in range(first, min(node.commit_index, theirs.last_index) + 1):
                if theirs.term(index) != log.term(index):
                    return index
        return None

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
        # Drawn before the slice: compiled by mypyc, a slice may evaluate its bounds twice.
        length = random.randint(0, log.last_index - first)
        entries = log.after(first)[:length]
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

    def _misuse(self, cluster: c.Cluster) -> c.Step | None:
        """An input that the node may be in no position to take."""
        member = self._member(cluster, lambda m: m.up and m.node.log.last_index > 0)
        if member is None:
            return None
        random, node = self.random, member.node
        anyone = random.randrange(len(cluster.members))
        nobody = v.Config(frozenset({anyone}), frozenset({anyone}), frozenset({anyone}))
        events: list[v.Event] = [
            v.ProposeCommand(),
            v.ProposeConfig(random.choice((node.config, nobody))),
            v.Heartbeat(),
            v.ElectionTimeout(),
            v.TransferLeadership(anyone),
            v.CancelTransfer(),
            v.TimeoutNow(max(0, node.current_term - random.randint(0, 1))),
        ]
        if not isinstance(node.role, v.Leader):
            events.append(v.StepDown())
        if node.id == self.founder:  # a second cluster, had the node no log
            events.append(v.CreateCluster(self.first_voters))
        snapshot = node.log.snapshot_position
        if snapshot.index and not member.pending.save_current_term:
            events.append(
                v.SnapshotInstalled(v.Position(snapshot.term, snapshot.index - 1), nobody)
            )
        return c.Input(node.id, random.choice(events))

    def _jump(self, cluster: c.Cluster) -> c.Step | None:
        """A server without a log, in a far later term, is refused the vote; the term is adopted."""
        member = self._member(cluster, lambda m: m.up and m.node.log.last_index > 0)
        if member is None or len(cluster.members) == 1:
            return None
        node = member.node
        sender = self.random.choice([at for at in range(len(cluster.members)) if at != node.id])
        term = draw_term(self.random, node.current_term)
        if term <= node.current_term:
            return None  # it is the largest
        return c.Input(node.id, v.Receive(v.RequestVoteCall(sender, term, 1, v.ZERO)))

    def _echoed(self, cluster: c.Cluster) -> c.Step | None:
        """A server is sent what it has sent to others: that says nothing to it (D8)."""
        sent = [
            envelope.content
            for envelope in cluster.network
            if not isinstance(envelope.content, c.Snapshot)
            and cluster.members[envelope.content.sender].up
        ]
        if not sent:
            return None
        message = self.random.choice(sent)
        return c.Input(message.sender, v.Receive(message))

    def _forge(self, cluster: c.Cluster) -> c.Step | None:
        """What a broken peer might send: a node has to refuse it, and to stay as it was."""
        if self.random.random() < 0.2:
            return self._echoed(cluster)
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
