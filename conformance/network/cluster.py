"""Servers, the wires between them, and a driver for each that does as the library asks.

The driver's loop, its steps numbered as in the library's docstring: a server takes an input, is
drained in order and to the end, and takes no other input before that.  What persists takes `fsync`,
and the next action waits for it.  What a server shows goes to the figures and, record by record, to
an audit, which judges it by what Raft rules out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from random import Random

from conformance.audit.safety.audit import SafetyAudit
from conformance.network.clock import MILLISECOND, Clock
from conformance.network.figures import Figures, Follower
from conformance.network.link import Wire
from conformance.network.scenario import (
    Compact,
    Cut,
    Down,
    Elect,
    Late,
    Planned,
    Propose,
    Scenario,
)
from conformance.observe.finding import Problem
from conformance.observe.observed import Observed, recorded_outcome
from conformance.observe.recorded import Recorded
from conformance.subjects.subject import Subject
from spec import values as v
from spec.cluster import PERSISTING, Disk, disk_after, persist, restart_from
from spec.sequence import Sequence

MESSAGE = 64
"""Bytes of a message without entries."""

ENTRY = 100
"""Bytes of an entry, its command included."""

Watch = Callable[[int, v.NodeId, object], None]
"""Told of what happens: when, where, and an event or an action."""


@dataclass(slots=True)
class Server:
    """One node, its driver and its disk.

    busy     a drain is being executed, and `inbox` has what arrived since it began
    done     what has been executed of the drain under way
    life     how often it has come up: what an earlier life left undone is void
    deposed  it was a leader when its timer was last set, and is not any more
    """

    node: v.NodeId
    disk: Disk = field(default_factory=lambda: Disk(log=v.Log(entries=Sequence())))
    up: bool = True
    life: int = 0
    timer: int = 0
    busy: bool = False
    to_drain: bool = False
    inbox: list[v.Event] = field(default_factory=list)
    record: Recorded | None = None
    seq: int = 0
    deposed: bool = False
    done: list[v.Action] = field(default_factory=list)


class TimedCluster:
    """A scenario as it runs, all of it decided by the scenario and the seed."""

    def __init__(
        self,
        scenario: Scenario,
        subject: Subject,
        seed: int = 0,
        watch: Watch | None = None,
        as_figure_2: bool = False,
    ) -> None:
        """`as_figure_2`: the drivers set a timer only where Figure 2 has a cause for it."""
        self.scenario = scenario
        self.subject = subject
        self.clock = Clock()
        self.random = Random(f"{scenario.name}/{seed}")
        self.figures = Figures(scenario.begin, scenario.round_trip)
        self.audit = SafetyAudit(complete=False)
        self.refusals: list[Problem] = []
        self.servers = [Server(node) for node in range(scenario.nodes)]
        self._watch = watch
        self._as_figure_2 = as_figure_2
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
        for server in self.servers:
            self.figures.followers[server.node] = Follower()
            self._take(server, (v.Start(scenario.limits),))  # 1. Start

    def run(self, tick: Callable[[], None] | None = None) -> Figures:
        """All of the scenario.  `tick` is called after every millisecond."""
        scenario, clock = self.scenario, self.clock
        self._take(self.servers[0], (v.CreateCluster(frozenset(range(scenario.nodes))),))
        clock.at(scenario.begin, self._begin)
        for planned in scenario.planned:
            self._plan(planned)
        if scenario.load is not None:
            clock.at(scenario.load.begin, partial(self._offer, 0))
        step = MILLISECOND if scenario.until_led or tick is not None else scenario.length
        while clock.now < scenario.length:
            clock.run(min(clock.now + step, scenario.length))
            if tick is not None:
                tick()
            if scenario.until_led and self.figures.led_after_begin is not None:
                break
        for server in self.servers:
            self._close(server)
        return self.figures

    @property
    def problems(self) -> list[Problem]:
        """What was wrong with what the servers did.  To be asked for once, at the end."""
        return self.refusals + self.audit.finish()

    def leader(self) -> Server | None:
        """Who leads the latest term that anyone leads."""
        states = [(self.subject.observe(s.node), s) for s in self.servers if s.up]
        leading = [(state.current_term, s) for state, s in states if state.role == "leader"]
        return max(leading, key=lambda one: one[0])[1] if leading else None

    # What the scenario has in store

    def _begin(self) -> None:
        leader = self.leader()
        last = 0 if leader is None else self._last_index(leader)
        self.figures.first_index = self.figures.last_index = last
        for server in self.servers:
            follower, lacked = self.figures.followers[server.node], last - self._last_index(server)
            if leader is None or lacked <= 0:
                continue
            follower.lacked, follower.target = lacked, last
            link = self._wires[leader.node, server.node].link
            if link.bandwidth is not None:
                follower.own_time = lacked * ENTRY * MILLISECOND // link.bandwidth

    def _last_index(self, server: Server) -> int:
        return self.subject.observe(server.node).last_position.index

    def _plan(self, planned: Planned) -> None:
        at = self.clock.at
        match planned:
            case Cut(pairs, begin, end):
                at(begin, lambda: self._cut_off(pairs, 1))
                at(end, lambda: self._cut_off(pairs, -1))
            case Down(node, begin, end):
                at(begin, lambda: self._crash(self.servers[node]))
                at(end, lambda: self._come_back(self.servers[node]))
            case Late(sender, to, begin, end, arrives):
                at(begin, lambda: self._late.__setitem__((sender, to), arrives))
                at(end, partial(self._no_longer_late, sender, to))
            case Compact(node, time):
                at(time, lambda: self._compact(self.servers[node]))
            case Elect(node, time):
                at(time, lambda: self._take(self.servers[node], (v.ElectionTimeout(),)))
            case Propose(time, commands):
                at(time, lambda: self._propose(commands))

    def _no_longer_late(self, sender: v.NodeId, to: v.NodeId) -> None:
        self._late.pop((sender, to), None)

    def _cut_off(self, pairs: Iterable[tuple[v.NodeId, v.NodeId]], by: int) -> None:
        for pair in pairs:
            self._cut[pair] = self._cut.get(pair, 0) + by

    def _offer(self, turn: int) -> None:
        load = self.scenario.load
        assert load is not None
        if self.clock.now >= load.end:
            return
        self._propose(load.batches[turn % len(load.batches)])
        self.clock.at(self.clock.now + load.every, partial(self._offer, turn + 1))

    def _propose(self, commands: int) -> None:
        leader = self.leader()
        self.figures.came(self.clock.now, commands, served=leader is not None)
        if leader is not None:
            self._take(leader, (v.ProposeCommand(),) * commands)

    def _compact(self, server: Server) -> None:
        state, log = self.subject.observe(server.node), self.subject.log(server.node)
        position = log.position(state.commit_index)
        self._take(server, (v.SnapshotInstalled(position, log.config_at(position.index)),))

    # One server

    def _take(self, server: Server, events: tuple[v.Event, ...]) -> None:
        """Hand a server inputs: now, or once the drain under way has ended."""
        if not server.up:
            return
        if server.busy:
            server.inbox += events
        else:
            self._handle(server, events)

    def _handle(self, server: Server, events: tuple[v.Event, ...]) -> None:
        node = server.node
        before = self.subject.observe(node) if server.seq else None
        for event in events:
            outcome = self.subject.handle(node, event)  # 2. Input
            state = self.subject.observe(node)
            if before is not None and before.role == "leader" and state.role == "follower":
                server.deposed = True
            server.disk = disk_after(server.disk, event, outcome)
            self._note(server, event, outcome, state)
            if isinstance(event, v.ProposeCommand) and isinstance(outcome, v.Position):
                self.figures.took_proposal(self.clock.now, node, outcome.term, outcome.index)
            before = state
        if before is not None and before.role == "leader":
            self._count_drain(server, events)
        period = self.scenario.drain
        if not period:
            self._drain(server, server.life)
        elif not server.to_drain:
            server.to_drain = True
            due = -(-(self.clock.now + 1) // period) * period
            self.clock.at(due, partial(self._drain, server, server.life))

    def _count_drain(self, server: Server, events: tuple[v.Event, ...]) -> None:
        """What a leader has to send calls for: a drain that proposed, or a heartbeat."""
        if self.clock.now < self.scenario.begin:
            return
        if any(isinstance(event, v.ElectionTimeout) for event in events):
            self.figures.heartbeats += 1
        elif any(isinstance(event, v.ProposeCommand) for event in events) and not server.to_drain:
            self.figures.drains_that_proposed += 1

    def _note(self, server: Server, event: v.Event, outcome: v.Outcome, state: Observed) -> None:
        """The record of an input begins; that of the one before it is complete."""
        self._close(server)
        server.seq += 1
        node = server.node
        server.record = Recorded(node, server.seq, event, recorded_outcome(outcome), None, state)
        if self._watch is not None:
            self._watch(self.clock.now, node, event)
        if isinstance(outcome, v.Refused) and outcome.reason == "invariant":
            self.refusals.append(Problem("Refused", node, server.seq, outcome.why))
        self.figures.shown(self.clock.now, node, state)

    def _close(self, server: Server) -> None:
        if server.record is not None:
            self.audit.add(server.record)
            server.record = None

    def _drain(self, server: Server, life: int) -> None:
        """Execute what is owed, one action after the other, each durable before the next."""
        if not server.up or server.life != life:
            return
        server.to_drain = False
        actions = self.subject.drain(server.node)  # 3. Drain
        time = self.clock.now
        server.done = []
        for action in actions:
            if isinstance(action, PERSISTING):
                time += self.scenario.fsync
            if time == self.clock.now:
                self._execute(server, life, action)
            else:
                self.clock.at(time, partial(self._execute, server, life, action))
        if time == self.clock.now:
            self._drained(server, life)
        else:
            server.busy = True
            self.clock.at(time, partial(self._drained, server, life))

    def _drained(self, server: Server, life: int) -> None:
        if not server.up or server.life != life:
            return
        state = self.subject.observe(server.node)
        if server.record is not None:
            server.record.actions = tuple(server.done)
            server.record.state = state
        self.figures.shown(self.clock.now, server.node, state)  # 4. Apply
        server.busy = False  # 5. Wait
        if server.inbox:  # all that has arrived meanwhile, before one drain
            events, server.inbox = tuple(server.inbox), []
            self._handle(server, events)

    def _execute(self, server: Server, life: int, action: v.Action) -> None:
        if not server.up or server.life != life:
            return
        server.done.append(action)
        if self._watch is not None:
            self._watch(self.clock.now, server.node, action)
        match action:
            case v.SetElectionTimeout():
                self._set_timer(server)
            case v.BroadcastMessage(message, peers):
                for peer in peers:
                    self._send(server.node, peer, message)
            case v.SendMessage(to, message):
                self._send(server.node, to, message)
            case v.InstallSnapshot(to):
                self._transfer(server, to)
            case _:
                server.disk = persist(server.disk, action)

    # Timers

    def _set_timer(self, server: Server) -> None:
        scenario, state = self.scenario, self.subject.observe(server.node)
        if state.role == "leader":
            time = scenario.heartbeat
        else:
            if self._as_figure_2 and server.timer and not self._has_cause(server, state):
                return
            low, high = scenario.timeouts.get(server.node, scenario.timeout)
            time = self.random.randrange(low, high)
        server.deposed = False
        server.timer += 1
        fire = partial(self._fire, server, server.life, server.timer)
        self.clock.at(self.clock.now + time, fire)

    def _has_cause(self, server: Server, state: Observed) -> bool:
        """Figure 2, followers: a granted vote, a call of the current leader; or it was none."""
        return (
            state.role == "candidate"
            or state.leader is not None
            or state.voted_for is not None
            or server.deposed
        )

    def _fire(self, server: Server, life: int, timer: int) -> None:
        if server.up and server.life == life and server.timer == timer:
            self._take(server, (v.ElectionTimeout(),))

    # The network

    def _send(self, sender: v.NodeId, to: v.NodeId, message: v.Message) -> None:
        self.figures.sent(self.clock.now, to, message)
        size = MESSAGE
        if isinstance(message, v.AppendEntriesCall):
            size += ENTRY * len(message.entries)
        late = self._late.get((sender, to))
        if self._cut.get((sender, to)):
            self.figures.arrived(to, message)
        elif late is not None:
            self.clock.at(late, partial(self._arrive, sender, to, message))
        elif not self._wires[sender, to].send(message, size):
            self.figures.arrived(to, message)

    def _arrive(self, sender: v.NodeId, to: v.NodeId, message: v.Message) -> None:
        self.figures.arrived(to, message)
        if not self._cut.get((sender, to)):
            self._take(self.servers[to], (v.Receive(message),))

    def _transfer(self, server: Server, to: v.NodeId) -> None:
        """The user's part of §7: one transfer to a peer at a time."""
        if self.clock.now >= self.scenario.begin:
            self.figures.snapshots[to] += 1
        if to in self._transfers:
            return
        self._transfers.add(to)
        log = self.subject.log(server.node)
        event = v.SnapshotInstalled(log.snapshot_position, log.snapshot_config)

        def arrive() -> None:
            self._transfers.discard(to)
            if not self._cut.get((server.node, to)):
                self._take(self.servers[to], (event,))

        self.clock.at(self.clock.now + self.scenario.transfer, arrive)

    # Crashes

    def _crash(self, server: Server) -> None:
        if server.busy and server.record is not None:
            server.record.actions = tuple(server.done)
        server.up = False
        server.life += 1
        server.inbox.clear()
        server.to_drain = False
        server.busy = False

    def _come_back(self, server: Server) -> None:
        server.up = True
        server.timer += 1
        log = server.disk.log._replace(entries=tuple(server.disk.log.entries))
        restart = restart_from(server.disk._replace(log=log), self.scenario.limits)
        self._take(server, (restart,))  # 1. Start
