"""What a server that was away is sent: each entry about once, though new ones come all the time,
and each part of a snapshot, though it restarts meanwhile.
"""

from __future__ import annotations

from dataclasses import replace

from examples.kvstore.driver.core import Core
from examples.kvstore.driver.kit.disks import MemoryStorage
from examples.kvstore.driver.kit.simulation import HEALED, SMALL, Simulation
from examples.kvstore.driver.letters import Answer, Carried, Chunk, PeerLetter, TakeSnapshot
from examples.kvstore.driver.packing import pack
from examples.kvstore.driver.storage import Identity
from raftbare import AppendEntriesCall, Limits, NodeId

AWAY = NodeId(3)
LATENCY = 0.05


class InOrder(Simulation):
    """Links keep the order, as TCP does."""

    def send(self, sender: NodeId, to: NodeId, letter: PeerLetter) -> None:
        data = pack(letter)
        self.after(LATENCY, lambda: self._deliver(sender, to, data))


class Counted(InOrder):
    """Counts the entries that are sent to one server."""

    counted: list[int]

    def send(self, sender: NodeId, to: NodeId, letter: PeerLetter) -> None:
        if to == AWAY and isinstance(letter, Carried):
            if isinstance(letter.message, AppendEntriesCall):
                placed = letter.message.entries.iter_with_positions()
                self.counted += [position.index for position, _ in placed]
        super().send(sender, to, letter)


def sent_again(make_core: type[Core]) -> float:
    """Entries sent to a server that comes back, for each that it lacked."""
    disks: dict[NodeId, MemoryStorage] = {}

    def open_storage(identity: Identity) -> MemoryStorage:
        return disks.setdefault(identity.me.id, MemoryStorage())

    simulation = Counted(
        3,
        open_storage,
        clients=40,
        faults=replace(HEALED, down=3),
        settings=replace(SMALL, log=10**9, limits=Limits(entries=20, calls=4)),
        make_core=make_core,
    )
    simulation.counted = []
    simulation.run(1.5)
    server = simulation.servers[AWAY]
    server.crash()
    while server.core is None:
        simulation.run(0.1)
    simulation.counted.clear()
    simulation.run(2)
    assert len(set(simulation.counted)) > 200
    return len(simulation.counted) / len(set(simulation.counted))


class SendsAll(Core):
    _who_can_use = lambda self, message: self.node.peers  # noqa: E731


def test_who_comes_back_is_sent_each_entry_about_once() -> None:
    assert sent_again(Core) < 1.05


def test_otherwise_it_would_be_sent_many_in_vain() -> None:
    assert sent_again(SendsAll) > 1.05


class Interrupted(InOrder):
    """Counts the bytes of a snapshot that are sent to one server, which crashes three times."""

    sent = 0
    crashes_left = 3

    def send(self, sender: NodeId, to: NodeId, letter: PeerLetter) -> None:
        super().send(sender, to, letter)
        if isinstance(letter, Chunk) and to == AWAY:
            self.sent += len(letter.data)
            if self.crashes_left and letter.offset > 200 * (4 - self.crashes_left):
                self.crashes_left -= 1
                self.after(LATENCY, self.servers[AWAY].crash)


class Unheard:
    def send(self, letter: Answer) -> None:
        pass


def snapshot_sent_again(kind: type[MemoryStorage]) -> float:
    """Bytes sent to a server that restarts meanwhile, for each byte of the snapshot."""
    disks: dict[NodeId, MemoryStorage] = {}
    simulation = Interrupted(
        1,
        lambda identity: disks.setdefault(identity.me.id, kind()),
        faults=replace(HEALED, down=100),
        settings=replace(SMALL, log=10**9, chunk=20, window=2),
    )
    simulation.run(4)
    server = simulation.servers[AWAY]
    server.crash()
    simulation.run(3)
    assert server.core is None, "it stays away until the others have compacted their logs"
    for other in simulation.servers.values():
        other.input(None, lambda core: core.request(0, Unheard(), TakeSnapshot(0)))
    for client in simulation.clients:
        client.is_stopping = True
    while server.core is None:
        simulation.run(0.1)
    simulation.faults = replace(HEALED, down=0.2)
    simulation.run(10)
    simulation.settle()
    assert simulation.crashes == 4
    snapshot = disks[AWAY].saved.snapshot
    assert snapshot is not None
    return simulation.sent / len(snapshot.data)


class ForgetsParts(MemoryStorage):
    def save_part(self, digest: bytes, offset: int, data: bytes) -> None:
        pass


def test_parts_of_a_snapshot_are_sent_once_though_the_receiver_restarts() -> None:
    assert snapshot_sent_again(MemoryStorage) < 1.3


def test_otherwise_they_would_be_sent_again() -> None:
    assert snapshot_sent_again(ForgetsParts) > 1.3
