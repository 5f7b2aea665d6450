"""A cluster as a scenario runs: the wires between its servers, load, faults, and what is asked of
it.  Each server, with the loop that drives its node, is in `server`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from random import Random

from conformance.network.clock import MILLISECOND, Clock
from conformance.network.driver import Letter
from conformance.network.figures import Figures, Follower
from conformance.network.link import Wire
from conformance.network.reads import ReadingClient, Reads
from conformance.network.scenario import (
    Compact,
    Cut,
    Down,
    Elect,
    Late,
    Load,
    Planned,
    Promote,
    Propose,
    Remove,
    Scenario,
    Storm,
    Transfer,
)
from conformance.network.server import Server, Watch, World
from conformance.network.storm import blow
from conformance.observe.finding import Problem
from conformance.observe.recorded import Recorded
from conformance.subjects.subject import Subject
from spec import values as v

MESSAGE = 64
"""Bytes of a message without entries."""

ENTRY = 100
"""Bytes of an entry, its command included."""


class TimedCluster:
    """A scenario as it runs, all of it decided by the scenario and the seed."""

    def __init__(
        self,
        scenario: Scenario,
        subject: Subject,
        seed: int = 0,
        watch: Watch | None = None,
        as_figure_2: bool = False,
        records: list[Recorded] | None = None,
    ) -> None:
        """`as_figure_2`: the drivers set a timer only where Figure 2 has a cause for it.

        `records`: where what the servers do is kept, about 5 kB an input.
        """
        self.scenario = scenario
        self.subject = subject
        self.clock = Clock()
        self.random = Random(f"{scenario.name}/{seed}")
        self.reads = Reads(scenario.begin)
        self.figures = Figures(scenario.begin, scenario.round_trip, self.reads)
        self._cut: dict[tuple[v.NodeId, v.NodeId], int] = {}
        self._late: dict[tuple[v.NodeId, v.NodeId], int] = {}
        self._transfers: set[v.NodeId] = set()
        self._wires = {
            (sender, to): Wire(
                scenario.links.get((sender, to), scenario.link),
                self.clock,
                self.random,
                partial(self._arrive, sender, to),
            )
            for sender in range(scenario.nodes)
            for to in range(scenario.nodes)
            if sender != to
        }
        self._world = World(
            scenario,
            subject,
            self.clock,
            self.random,
            self.figures,
            self._send,
            self._install,
            self._changed,
            watch,
            as_figure_2,
            records,
        )
        self.figures.followers.update((node, Follower()) for node in range(scenario.nodes))
        self.servers = [Server(self._world, node) for node in range(scenario.nodes)]

    def run(self, tick: Callable[[], None] | None = None) -> Figures:
        """All of the scenario.  `tick` is called after every millisecond."""
        scenario, clock = self.scenario, self.clock
        voters = range(scenario.nodes if scenario.voters is None else scenario.voters)
        self.tell(self.servers[0], v.CreateCluster(frozenset(voters)))
        clock.at(scenario.heartbeat, self.servers[0].start_timer)
        clock.at(scenario.begin, self._begin)
        for planned in scenario.planned:
            self._plan(planned)
        for load, offer in ((scenario.load, self._propose), (scenario.reads, self._read)):
            if load is not None:
                clock.at(load.begin, partial(self._offer, load, offer, 0))
        step = MILLISECOND if scenario.until_led or tick is not None else scenario.length
        while clock.now < scenario.length:
            clock.run(min(clock.now + step, scenario.length))
            if tick is not None:
                tick()
            if scenario.until_led and self.figures.led_after_begin is not None:
                break
        self.close()
        return self.figures

    def close(self) -> None:
        """The latest records are as complete as they will be."""
        for server in self.servers:
            server.close()

    @property
    def problems(self) -> list[Problem]:
        """What was wrong with what the servers did.  To be asked for once, at the end."""
        return self._world.refusals + self.reads.stale + self._world.audit.finish()

    def leader(self) -> Server | None:
        """Who leads the latest term that anyone leads."""
        leading = self.leaders()
        return max(leading, key=lambda server: server.state.current_term) if leading else None

    def leaders(self) -> list[Server]:
        """All that take themselves for the leader: of a term, or of an earlier one."""
        return [server for server in self.servers if server.up and server.state.role == "leader"]

    # What the scenario has in store

    def _begin(self) -> None:
        leader = self.leader()
        last = 0 if leader is None else leader.state.last_position.index
        self.figures.first_index = self.figures.last_index = last
        for server in self.servers:
            follower = self.figures.followers[server.node]
            lacked = last - server.state.last_position.index
            if leader is None or lacked <= 0:
                continue
            follower.lacked, follower.target = lacked, last
            link = self._wires[leader.node, server.node].link
            if link.bandwidth is not None:
                follower.own_time = lacked * ENTRY * MILLISECOND // link.bandwidth

    def _plan(self, planned: Planned) -> None:
        at, servers = self.clock.at, self.servers
        match planned:
            case Cut(pairs, begin, end):
                self.cut_off(pairs, begin, end)
            case Down(node, begin, end):
                at(begin, servers[node].crash)
                at(end, servers[node].come_back)
            case Late(sender, to, begin, end, arrives):
                self.hold_back((sender, to), begin, end, arrives)
            case Compact(node, time):
                at(time, lambda: self.compact(servers[node]))
            case Elect(node, time):
                at(time, lambda: self.tell(servers[node], v.ElectionTimeout()))
            case Propose(time, commands):
                at(time, lambda: self._propose(commands))
            case Transfer(to, time):
                at(time, lambda: self.ask(lambda leader: leader.driver.transfer(to)))
            case Promote(node, time, patient):
                at(time, lambda: self.ask(lambda leader: leader.driver.promote(node, patient)))
            case Remove(node, time):
                at(time, lambda: self.ask(lambda leader: leader.driver.remove(node)))
            case Storm():
                at(planned.begin, partial(blow, self, planned))

    def tell(self, server: Server, event: v.Event) -> None:
        """An input that is no message, once no drain is under way."""
        server.take(partial(server.input, event))

    def ask(self, what: Callable[[Server], object]) -> None:
        """Something of the leader, if there is one."""
        leader = self.leader()
        if leader is not None:
            leader.take(partial(what, leader))

    def cut_off(self, pairs: Iterable[tuple[v.NodeId, v.NodeId]], begin: int, end: int) -> None:
        """Nothing passes between these pairs meanwhile."""
        for at, by in ((begin, 1), (end, -1)):
            self.clock.at(at, partial(self._count_cuts, pairs, by))

    def _count_cuts(self, pairs: Iterable[tuple[v.NodeId, v.NodeId]], by: int) -> None:
        for pair in pairs:
            self._cut[pair] = self._cut.get(pair, 0) + by

    def hold_back(
        self, pair: tuple[v.NodeId, v.NodeId], begin: int, end: int, arrives: int
    ) -> None:
        """What the first sends the second meanwhile does not arrive before `arrives`."""
        self.clock.at(begin, lambda: self._late.__setitem__(pair, arrives))
        self.clock.at(end, lambda: self._late.pop(pair, None))

    def _offer(self, load: Load, offer: Callable[[int], None], turn: int) -> None:
        if self.clock.now >= load.end:
            return
        offer(load.batches[turn % len(load.batches)])
        self.clock.at(self.clock.now + load.every, partial(self._offer, load, offer, turn + 1))

    def _propose(self, commands: int) -> None:
        leader = self.leader()
        self.figures.came(self.clock.now, commands, served=leader is not None)
        if leader is not None:
            leader.take(lambda: [leader.input(v.ProposeCommand()) for _ in range(commands)])

    def _read(self, count: int) -> None:
        for server in self.leaders():
            for _ in range(count):
                server.take(partial(server.driver.read, ReadingClient(self.reads, server)))

    def compact(self, server: Server) -> None:
        """Up to what the server knows to be committed."""
        log, index = self.subject.log(server.node), server.state.commit_index
        position = log.position(index)
        self.tell(server, v.SnapshotInstalled(position, log.config_at(index)))

    def _changed(self, node: v.NodeId) -> None:
        """A change of membership is complete: who was removed is switched off."""
        self.figures.changed = self.clock.now
        if any(isinstance(one, Remove) and one.node == node for one in self.scenario.planned):
            self.clock.at(self.clock.now, self.servers[node].crash)

    # The network

    def _send(self, sender: v.NodeId, to: v.NodeId, letter: Letter) -> None:
        self.figures.sent(self.clock.now, to, letter)
        size = MESSAGE
        if isinstance(letter, v.AppendEntriesCall):
            size += ENTRY * len(letter.entries)
        late = self._late.get((sender, to))
        if self._cut.get((sender, to)):
            self.figures.arrived(to, letter)
        elif late is not None:
            self.clock.at(late, partial(self._arrive, sender, to, letter))
        elif not self._wires[sender, to].send(letter, size):
            self.figures.arrived(to, letter)

    def _arrive(self, sender: v.NodeId, to: v.NodeId, letter: Letter) -> None:
        self.figures.arrived(to, letter)
        if not self._cut.get((sender, to)):
            server = self.servers[to]
            server.take(partial(server.driver.arrived, letter))

    def _install(self, sender: v.NodeId, to: v.NodeId) -> None:
        """The user's part of §7: one transfer to a peer at a time."""
        if self.clock.now >= self.scenario.begin:
            self.figures.snapshots[to] += 1
        if to in self._transfers:
            return
        self._transfers.add(to)
        log = self.subject.log(sender)
        event = v.SnapshotInstalled(log.snapshot_position, log.snapshot_config)

        def arrive() -> None:
            self._transfers.discard(to)
            if not self._cut.get((sender, to)):
                self.tell(self.servers[to], event)

        self.clock.at(self.clock.now + self.scenario.transfer, arrive)
