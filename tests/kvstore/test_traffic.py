"""What a server that was away is sent: each entry about once, though new ones come all the time."""

from __future__ import annotations

from dataclasses import replace

from examples.kvstore.driver.core import Core
from examples.kvstore.driver.kit.disks import MemoryStorage
from examples.kvstore.driver.kit.simulation import HEALED, SMALL, Simulation
from examples.kvstore.driver.letters import Carried, PeerLetter
from examples.kvstore.driver.packing import pack
from examples.kvstore.driver.storage import Identity
from raftbare import AppendEntriesCall, Limits, NodeId

AWAY = NodeId(3)
LATENCY = 0.05


class Counted(Simulation):
    """Links keep the order, as TCP does.  Counts the entries that are sent to one server."""

    counted: list[int]

    def send(self, sender: NodeId, to: NodeId, letter: PeerLetter) -> None:
        if to == AWAY and isinstance(letter, Carried):
            if isinstance(letter.message, AppendEntriesCall):
                placed = letter.message.entries.iter_with_positions()
                self.counted += [position.index for position, _ in placed]
        data = pack(letter)
        self.after(LATENCY, lambda: self._deliver(sender, to, data))


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
