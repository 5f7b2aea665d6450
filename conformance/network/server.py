"""A server: a node, its disk, and a driver that does as the library asks.

The loop, its steps numbered as in the library's docstring: a server takes inputs, is drained in
order and to the end, and takes no other input before that.  What persists takes `fsync`, and the
next action waits for it.  What a server shows goes to the figures and, record by record, to an
audit, which judges it by what Raft rules out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from random import Random

from conformance.audit.safety.audit import SafetyAudit
from conformance.network.clock import Clock
from conformance.network.driver import Driver, Letter
from conformance.network.figures import Figures
from conformance.network.questions import Questions
from conformance.network.scenario import Scenario
from conformance.observe.finding import Problem
from conformance.observe.observed import Observed, recorded_outcome
from conformance.observe.recorded import Recorded
from conformance.subjects.subject import Subject
from spec import values as v
from spec.cluster import PERSISTING, Disk, disk_after, persist, restart_from
from spec.sequence import Sequence

Watch = Callable[[int, v.NodeId, object], None]
"""Told of what happens: when, where, and an event, an action or a driver's own message."""

Happening = Callable[[], object]
"""Something that a server is told, to be called when no drain is under way."""


@dataclass(slots=True)
class World:
    """What all servers of a cluster share.

    send      put a letter on the wire from one server to another
    install   transfer the snapshot that a server's log begins with to another one
    changed   a change of this server's membership, that was asked for, is complete
    refusals  of inputs, because they show that a guarantee was broken
    as_figure_2  timers are set only where Figure 2 has a cause for it
    records   where the record of each input is kept, in the order in which they were taken
    """

    scenario: Scenario
    subject: Subject
    clock: Clock
    random: Random
    figures: Figures
    send: Callable[[v.NodeId, v.NodeId, Letter], None]
    install: Callable[[v.NodeId, v.NodeId], None]
    changed: Callable[[v.NodeId], None]
    watch: Watch | None = None
    as_figure_2: bool = False
    records: list[Recorded] | None = None
    audit: SafetyAudit = field(default_factory=lambda: SafetyAudit(complete=False))
    refusals: list[Problem] = field(default_factory=list)


class Server:
    """One server.  `life`: how often it has come up; what an earlier life left undone is void."""

    def __init__(self, world: World, node: v.NodeId) -> None:
        self.node = node
        self.subject = world.subject
        self.questions = Questions(world.subject, node)
        self.disk = Disk(log=v.Log(entries=Sequence()))
        self.up = True
        self.life = 0
        self.seq = 0
        self._world = world
        self._scenario = world.scenario
        self._timer = 0  # how often it was set
        self._busy = False  # a drain is being executed
        self._paused = False  # the process stands still
        self._to_drain = False  # one is planned
        self._inbox: list[Happening] = []  # what came since it began
        self._events: list[v.Event] = []  # taken since the last drain
        self._record: Recorded | None = None
        self._done: list[v.Action] = []  # of the drain under way
        self._deposed = False  # it led when its timer was last set, and does not any more
        self.state: Observed
        self._come_up(v.Start(world.scenario.limits))

    def _come_up(self, event: v.Start | v.Restart) -> None:
        shortest, _ = self._scenario.timeouts.get(self.node, self._scenario.timeout)
        self.driver = Driver(self, self._scenario.policy, shortest)
        self.take(partial(self.input, event))  # 1. Start

    # What the driver stands on

    @property
    def now(self) -> int:
        return self._world.clock.now

    def input(self, event: v.Event) -> v.Outcome:
        """Tell the node (step 2).  Called while no drain is under way, by what `take` was given."""
        led = self.seq > 0 and self.state.role == "leader"
        outcome = self.subject.handle(self.node, event)
        self.state = self.subject.observe(self.node)
        if led and self.state.role == "follower":
            self._deposed = True
        self.disk = disk_after(self.disk, event, outcome)
        self._events.append(event)
        self._note(event, outcome)
        self._world.figures.taken(self.now, self.node, event, outcome)
        return outcome

    def send(self, to: v.NodeId, letter: Letter) -> None:
        if self._world.watch is not None:
            self._world.watch(self.now, self.node, letter)
        self._world.send(self.node, to, letter)

    def changed(self, node: v.NodeId) -> None:
        self._world.changed(node)

    def set_timer(self) -> None:
        scenario, state = self._scenario, self.state
        if state.role == "leader":
            time = scenario.heartbeat
        else:
            if self._world.as_figure_2 and self._timer and not self._has_cause(state):
                return
            low, high = scenario.timeouts.get(self.node, scenario.timeout)
            time = self._world.random.randrange(low, high)
        self._deposed = False
        self._timer += 1
        self._world.clock.at(self.now + time, partial(self._fire, self.life, self._timer))

    def start_timer(self) -> None:
        """§5.2: it runs from when a server comes up.  A founder that does not campaign at once, as
        this library's does, has not asked for it.
        """
        if self.up and not self._timer:
            self.set_timer()

    def _has_cause(self, state: Observed) -> bool:
        """Figure 2, followers: a granted vote, a call of the current leader; or it was none."""
        return (
            state.role == "candidate"
            or state.leader is not None
            or state.voted_for is not None
            or self._deposed
        )

    def _fire(self, life: int, timer: int) -> None:
        if self.up and self.life == life and self._timer == timer:
            self.take(self.driver.timer_ran_out)

    # 2. Input

    def take(self, happening: Happening) -> None:
        """Something has happened: the driver is told now, or once the drain under way has ended."""
        if not self.up:
            return
        if self._busy or self._paused:
            self._inbox.append(happening)
        else:
            self._handle([happening])

    def _handle(self, happenings: list[Happening]) -> None:
        led = self.seq > 0 and self.state.role == "leader"
        for happening in happenings:
            happening()
        events, self._events = self._events, []
        if not events:
            return
        if led:
            self._world.figures.to_be_drained(self.now, events, anyway=self._to_drain)
        period = self._scenario.drain
        if not period:
            self._drain(self.life)
        elif not self._to_drain:
            self._to_drain = True
            due = -(-(self.now + 1) // period) * period
            self._world.clock.at(due, partial(self._drain, self.life))

    def _note(self, event: v.Event, outcome: v.Outcome) -> None:
        """The record of an input begins; that of the one before it is complete."""
        world, node = self._world, self.node
        self.close()
        self.seq += 1
        recorded = recorded_outcome(outcome)
        self._record = Recorded(node, self.seq, event, recorded, None, self.state)
        if world.records is not None:
            world.records.append(self._record)
        if world.watch is not None:
            world.watch(self.now, node, event)
        if isinstance(outcome, v.Refused) and outcome.reason == "invariant":
            world.refusals.append(Problem("Refused", node, self.seq, outcome.why))
        world.figures.shown(self.now, node, self.state)

    def close(self) -> None:
        """The latest record is complete, or has what a drain under way has executed so far."""
        if self._record is not None:
            if self._busy:
                self._record.actions = tuple(self._done)
            self._world.audit.add(self._record)
            self._record = None

    # 3. Drain

    def _drain(self, life: int) -> None:
        """Execute what is owed, one action after the other, each durable before the next."""
        if not self.up or self.life != life:
            return
        self._to_drain = False
        clock = self._world.clock
        actions = self.subject.drain(self.node)
        time = clock.now
        self._done = []
        self.state = self.subject.observe(self.node)
        for action in actions:
            if isinstance(action, PERSISTING):
                time += self._scenario.fsync
            if time == clock.now:
                self._execute(life, action)
            else:
                clock.at(time, partial(self._execute, life, action))
        if time == clock.now:
            self._drained(life)
        else:
            self._busy = True
            clock.at(time, partial(self._drained, life))

    def _execute(self, life: int, action: v.Action) -> None:
        if not self.up or self.life != life:
            return
        self._done.append(action)
        if self._world.watch is not None:
            self._world.watch(self.now, self.node, action)
        match action:
            case v.SetElectionTimeout():
                self.set_timer()
                self.driver.timer_was_set()
            case v.BroadcastMessage(message, peers):
                for peer in peers:
                    self._world.send(self.node, peer, message)
                if isinstance(message, v.AppendEntriesCall):
                    self.driver.called(message.seqno)
            case v.SendMessage(to, message):
                self._world.send(self.node, to, message)
            case v.InstallSnapshot(to):
                self._world.install(self.node, to)
            case _:
                self.disk = persist(self.disk, action)

    def _drained(self, life: int) -> None:
        if not self.up or self.life != life:
            return
        if self._record is not None:
            self._record.actions = tuple(self._done)
            self._record.state = self.state
        self._world.figures.shown(self.now, self.node, self.state)
        self._busy = False
        if not self._paused:
            inbox, self._inbox = self._inbox, []
            self._handle([self.driver.settle, *inbox])  # 4. Apply, 5. Wait

    # Faults

    def pause(self, until: int) -> None:
        """The process stands still.  What has come meanwhile it then finds in any order."""
        if self.up and not self._paused:
            self._paused = True
            self._world.clock.at(until, partial(self._resume, self.life))

    def _resume(self, life: int) -> None:
        if not self.up or self.life != life:
            return
        self._paused = False
        if not self._busy:
            inbox, self._inbox = self._inbox, []
            self._world.random.shuffle(inbox)
            self._handle([*inbox, self.driver.settle])

    def crash(self) -> None:
        if self._busy and self._record is not None:
            self._record.actions = tuple(self._done)
        self.up = False
        self.life += 1
        self._inbox.clear()
        self._to_drain = self._busy = self._paused = False

    def come_back(self) -> None:
        if self.up:
            return
        self.up = True
        self._timer += 1
        log = self.disk.log._replace(entries=tuple(self.disk.log.entries))
        self._come_up(restart_from(self.disk._replace(log=log), self._scenario.limits))
