"""A cluster in virtual time: the driver's own core, on a network and disks that fail.

Nothing here waits, and nothing is drawn but from the seed; so a run that fails is run again by its
seed.  A crash comes at a random action: before or after anything is saved, before or after anything
is sent.  What has been saved is found again; all else is gone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

from raftbare import NodeId
from raftbare.recorder import SegmentWriter

from ..context import Settings
from ..core import Core, Restart, recorded, restart
from ..letters import (
    LETTERS,
    AddMember,
    Answer,
    Carried,
    CoreRequest,
    Done,
    Execute,
    HandOver,
    Letter,
    Member,
    NotLeader,
    OpenSession,
    PeerLetter,
    Query,
    Refused,
    RemoveMember,
    TakeSnapshot,
)
from ..packing import NUMBER, pack
from ..storage import Identity
from .disks import ClosableStorage, CrashError, CrashingStorage
from .journal import Journal, Operation, problems


@dataclass(frozen=True, slots=True)
class Faults:
    """How bad it is: probabilities, and seconds.

    - `loss`, `doubling`: of each letter; `delay`: the most that one takes, each its own time, so
      that they overtake one another.
    - `crash`: at each point where one may come; `down`: the most until the server is up again.
    - `partition`: each second, of some servers from the others, for a second at the most.
    - `pause`: each second, of the leader: it stands still for up to four, and then gets what it was
      sent meanwhile, sender by sender.
    - `change`: each second, of a change by an administrator.
    """

    loss: float = 0.05
    doubling: float = 0.05
    delay: float = 0.03
    crash: float = 0.0005
    down: float = 2.0
    partition: float = 0.2
    pause: float = 0.2
    change: float = 0.2


HEALED = Faults(loss=0, doubling=0, delay=0.002, crash=0, partition=0, pause=0, change=0)

SMALL = Settings(heartbeat=0.05, election_timeout=0.5, log=2000, chunk=256, command=1000)
"""Snapshots in many parts, and often; more elections than in life."""


class Simulation:
    """Runs servers, a network and clients.  Keep to one `seed` for one run."""

    def __init__(
        self,
        seed: int,
        open_storage: Callable[[Identity], ClosableStorage],
        *,
        nodes: int = 3,
        clients: int = 3,
        faults: Faults = Faults(),  # immutable
        settings: Settings = SMALL,
        make_core: Callable[..., Core] = Core,
        recording: Path | None = None,
        encode: Callable[[PeerLetter], bytes] = pack,
        decode: Callable[[bytes], Letter] = LETTERS.decode,
    ) -> None:
        """`open_storage` opens the disk of a server, empty at first; it stays the same disk.

        `make_core` may be a core with a mistake; `recording` is a folder for `conformance audit`;
        `encode` and `decode` are how letters are on the wire.
        """
        self.random = Random(seed)
        self.faults = faults
        self.settings = settings
        self.make_core = make_core
        self.recording = recording
        self.encode = encode
        self.decode = decode
        self.now = 0.0
        self.crashes = 0
        self._order = count()
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._cut: frozenset[NodeId] = frozenset()
        founders = tuple(simulated_member(number) for number in range(1, nodes + 1))
        self._open_storage = open_storage
        self._founders = founders
        self.servers: dict[NodeId, SimulatedServer] = {}
        for member in founders:
            self.add_server(member)
        self.clients = [SimulatedClient(self, name) for name in range(clients)]
        self.after(1.0, self._stir)

    # Time

    def after(self, seconds: float, what: Callable[[], None]) -> None:
        """Do this, so much later."""
        heappush(self._events, (self.now + seconds, next(self._order), what))

    def run(self, seconds: float) -> None:
        """Let so much time go by."""
        until = self.now + seconds
        while self._events and self._events[0][0] <= until:
            self.now, _, what = heappop(self._events)
            what()
        self.now = until

    def settle(self, patience: float = 60.0) -> None:
        """Heal everything, and wait until all members hold the same.  Raises `AssertionError`."""
        self.faults = HEALED
        self._cut = frozenset()
        for client in self.clients:
            client.is_stopping = True
        until = self.now + patience
        while not self._is_settled():
            assert self.now < until, f"not settled after {patience} s: {self.summary()}"
            self.run(0.5)

    def check(self) -> list[Operation]:
        """Judge the run, once it has settled; return its history.  Raises `AssertionError`."""
        members = self._members()
        digests = {server.up.replica.digest for server in members}
        assert len(digests) == 1, f"the servers hold different things: {self.summary()}"
        machine = members[0].up.replica.machine
        assert isinstance(machine, Journal)
        history = [one for client in self.clients for one in client.history]
        found = list(problems(history, machine.entries))
        assert not found, found
        return history

    def close(self) -> None:
        """Stop all servers: their recordings are whole then."""
        for server in self.servers.values():
            server.close()

    def __enter__(self) -> Simulation:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def summary(self) -> list[dict[str, Any]]:
        return [server.core.status() for server in self.servers.values() if server.core]

    # The network

    def send(self, sender: NodeId, to: NodeId, letter: PeerLetter) -> None:
        """As bytes, as on a wire."""
        data, faults, draw = self.encode(letter), self.faults, self.random.random
        if (sender in self._cut) != (to in self._cut) or draw() < faults.loss:
            return
        for _ in range(2 if draw() < faults.doubling else 1):
            self.after(draw() * faults.delay, lambda: self._deliver(sender, to, data))

    def _deliver(self, sender: NodeId, to: NodeId, data: bytes) -> None:
        letter = self.decode(data)
        assert isinstance(letter, PeerLetter)
        assert not isinstance(letter, Carried) or letter.is_whole
        server = self.servers.get(to)
        if server is not None:
            server.input(sender, lambda core: core.receive(self.now, sender, letter))

    # Faults

    def _stir(self) -> None:
        draw = self.random.random
        if draw() < self.faults.partition:
            names = sorted(self.servers)
            self._cut = frozenset(self.random.sample(names, self.random.randint(1, len(names))))
            self.after(draw(), self._heal)
        if draw() < self.faults.pause:
            (self.leader() or self.random.choice(list(self.servers.values()))).pause(4 * draw())
        if draw() < self.faults.change:
            _change(self)
        self.after(1.0, self._stir)

    def _heal(self) -> None:
        self._cut = frozenset()

    # Servers

    def add_server(self, member: Member) -> None:
        identity = Identity("simulated", member, self._founders)
        self.servers[member.id] = SimulatedServer(self, identity, self._open_storage)

    def leader(self) -> SimulatedServer | None:
        leaders = [s for s in self.servers.values() if s.core and s.core.node.role.is_leader]
        return max(leaders, key=lambda server: server.up.node.current_term, default=None)

    def _members(self) -> list[SimulatedServer]:
        leader = self.leader()
        config = leader.up.node.config if leader else None
        return [s for name, s in self.servers.items() if config and config.contains(name)]

    def _is_settled(self) -> bool:
        members = self._members()
        if not members or not all(server.core for server in members):
            return False
        last = {server.up.node.log.last_position for server in members}
        applied = {server.up.applied for server in members}
        idle = all(client.operation is None for client in self.clients)
        return idle and len(last) == 1 and applied == {last.pop().index}


class SimulatedServer:
    """One server's disk, and its core while it is up."""

    def __init__(
        self,
        simulation: Simulation,
        identity: Identity,
        open_storage: Callable[[Identity], ClosableStorage],
    ) -> None:
        self.identity = identity
        self.core: Core | None = None
        self._simulation = simulation
        self._open_storage = open_storage
        self._storage: ClosableStorage | None = None
        self._writer: SegmentWriter | None = None
        self._turn_is_due = False
        self._life = 0
        self._held: list[tuple[object, Callable[[Core], None]]] | None = (
            None  # while it stands still
        )
        simulation.after(0, self._come_up)

    @property
    def up(self) -> Core:
        assert self.core is not None
        return self.core

    def input(self, sender: object, tell: Callable[[Core], None]) -> None:
        """Tell the core.  Its turn comes a little later, so that inputs come together."""
        if self._held is not None:
            self._held.append((sender, tell))
            return
        self._guard(lambda: tell(self.up))
        if self.core is not None and not self._turn_is_due:
            self._turn_is_due = True
            life = self._life
            pause = self._simulation.random.random() * 0.001
            self._simulation.after(pause, lambda: self._turn(life))

    def pause(self, seconds: float) -> None:
        """Stand still."""
        if self._held is None:
            self._held = []
            self._simulation.after(seconds, self._go_on)

    def _go_on(self) -> None:
        held, self._held = self._held or [], None
        senders = list(dict.fromkeys(sender for sender, _ in held))
        self._simulation.random.shuffle(senders)
        for sender in senders:
            for one, tell in held:
                if one == sender:
                    self.input(sender, tell)
            self._turn(self._life)
        self._turn(self._life)

    def close(self) -> None:
        if self._storage is not None:
            self._storage.close()
        if self._writer is not None:
            self._writer.close()
        self.core, self._storage, self._writer = None, None, None
        self._life += 1

    def crash(self) -> None:
        self.close()
        simulation = self._simulation
        simulation.crashes += 1
        simulation.after(simulation.random.random() * simulation.faults.down, self._come_up)

    # Outbox

    def send(self, to: Iterable[NodeId], letter: PeerLetter) -> None:
        for node_id in to:
            self._crash_point()
            self._simulation.send(self.identity.me.id, node_id, letter)
            self._crash_point()

    def _come_up(self) -> None:
        simulation = self._simulation
        start: Restart = restart
        self._storage = self._open_storage(self.identity)
        if simulation.recording is not None:
            self._writer = SegmentWriter(
                simulation.recording,
                self.identity.me.id,
                max_bytes=100_000,
                clock=lambda: simulation.now,
                compress=False,
                sync="never",
                cluster=self.identity.cluster,
            )
            start = recorded(self._writer)
        self.core = simulation.make_core(
            self.identity,
            CrashingStorage(self._storage, self._crash_point),
            Journal(),
            self,
            now=simulation.now,
            random=Random(simulation.random.random()),
            settings=simulation.settings,
            start=start,
        )
        self._turn(self._life)

    def _turn(self, life: int) -> None:
        if life != self._life:
            return
        self._turn_is_due = False
        if self._held is not None:
            return
        self._guard(lambda: self.up.turn(self._simulation.now))
        if self.core is not None:
            due = max(self.core.deadline - self._simulation.now, 0)
            self._simulation.after(due, lambda: self._time_out(life))

    def _time_out(self, life: int) -> None:
        if life == self._life and self.core and self.core.deadline <= self._simulation.now:
            self._turn(life)

    def _guard(self, what: Callable[[], None]) -> None:
        if self.core is None:
            return
        try:
            what()
        except CrashError:
            self.crash()

    def _crash_point(self) -> None:
        if self._simulation.random.random() < self._simulation.faults.crash:
            raise CrashError


class SimulatedClient:
    """Appends and reads, one after the other, and tries again until there is an answer."""

    def __init__(self, simulation: Simulation, name: int) -> None:
        self.history: list[Operation] = []
        self.operation: Operation | None = None
        self.is_stopping = False
        self._simulation = simulation
        self._name = name
        self._session: int | None = None
        self._number = 0
        self._tag = 0
        self._at = simulation.random.choice(list(simulation.servers))
        simulation.after(0.5, self._begin)

    def _begin(self) -> None:
        if self.is_stopping:
            return
        if self._simulation.random.random() < 0.2:  # it need not know that another one leads
            self._at = self._simulation.random.choice(list(self._simulation.servers))
        text = ""
        if self._simulation.random.random() < 0.7:
            self._number += 1
            text = f"{self._name}.{len(self.history)}"
        self.operation = Operation(text, self._simulation.now)
        self.history.append(self.operation)
        self._ask()

    def _ask(self) -> None:
        self._tag += 1
        tag, operation = self._tag, self.operation
        assert operation is not None
        server = self._simulation.servers[self._at]
        request: Query | OpenSession | Execute
        if not operation.text:
            request = Query(tag, b"")
        elif self._session is None:
            request = OpenSession(tag)
        else:
            request = Execute(tag, self._session, self._number, operation.text.encode())
        server.input(self, lambda core: core.request(self._simulation.now, self, request))
        self._simulation.after(1.0, lambda: self._give_up(tag))

    def _give_up(self, tag: int) -> None:
        if tag == self._tag and self.operation is not None:
            self._at = self._simulation.random.choice(list(self._simulation.servers))
            self._ask()

    def send(self, letter: Answer) -> None:
        """An answer arrives."""
        if letter.tag != self._tag or self.operation is None:
            return
        match letter:
            case Done(_, content):
                self._done(self.operation, content)
            case NotLeader(_, address):
                known = self._simulation.servers
                anybody = self._simulation.random.choice(list(known))
                self._at = NodeId(int(address)) if address else anybody
                self._again()
            case Refused(_, _, True):
                self._again()
            case Refused(_, reason):
                raise AssertionError(f"client {self._name} was refused: {reason}")

    def _again(self) -> None:
        tag = self._tag = self._tag + 1
        self._simulation.after(0.05, lambda: self._ask() if tag == self._tag else None)

    def _done(self, operation: Operation, content: bytes) -> None:
        if operation.text and self._session is None:
            (self._session,) = NUMBER.unpack(content)
            self._simulation.after(0, self._ask)
            return
        operation.ended = self._simulation.now
        if not operation.text:
            operation.answer = json.loads(content)
        self.operation = None
        self._simulation.after(self._simulation.random.random() * 0.05, self._begin)


class _Administrator:
    """Asks once, and does not care for the answer."""

    def send(self, letter: Answer) -> None:
        pass


def _change(simulation: Simulation) -> None:
    """Ask the leader, or anybody, for a change drawn at random."""
    random, servers = simulation.random, simulation.servers
    server = simulation.leader() or random.choice(list(servers.values()))
    name = random.choice(list(servers))
    ask = random.choice(["add", "remove", "hand over", "snapshot"])
    if ask == "add" and len(servers) < 7:
        name = NodeId(max(servers) + 1)
        simulation.add_server(simulated_member(name))
    requests: dict[str, CoreRequest] = {
        "add": AddMember(0, servers[name].identity.me),
        "remove": RemoveMember(0, name),
        "hand over": HandOver(0, name),
        "snapshot": TakeSnapshot(0),
    }
    request = requests[ask]
    members = server.core.node.config.voters if server.core else ()
    if isinstance(request, RemoveMember) and len(members) <= 2:
        return  # the cluster would be gone with one crash more
    client = _Administrator()
    server.input(client, lambda core: core.request(simulation.now, client, request))


def simulated_member(number: int) -> Member:
    return Member(NodeId(number), f"node-{number}", str(number), f"disk-{number}")
