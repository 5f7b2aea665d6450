"""Snapshots that are brought to members (§7, Figure 13), in parts that the receiver asks for.

So the receiver sets the pace, and goes on where it was when a part is lost, the connection breaks,
it restarts, or another leader offers the same snapshot.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from math import inf

from msgspec.structs import replace

from raftbare import MemberState, NodeId, Term

from .context import Context
from .letters import Chunk, Offer, Wanted
from .storage import Parts, Snapshot, Storage


class Sender:
    """Offers the server's snapshot, and hands out parts of it to whoever asks."""

    def __init__(self, context: Context, storage: Storage) -> None:
        self._context = context
        self._storage = storage
        self._offer: Offer | None = None
        self._active: dict[NodeId, float] = {}  # who needs it, and when it was spoken to last

    @property
    def is_busy(self) -> bool:
        """Whether somebody is being brought the snapshot: a newer one would be of no use to it."""
        now, patience = self._context.now, self._context.settings.election_timeout * 4
        return any(now - since < patience for since in self._active.values())

    def saved(self, snapshot: Snapshot) -> None:
        """This one is on the disk now."""
        position, config, size = snapshot.position, snapshot.config, len(snapshot.data)
        self._offer = Offer(Term(0), position, config, size, snapshot.digest)

    def offer(self, to: NodeId) -> None:
        """`InstallSnapshot` asks for this."""
        self._active[to] = self._context.now
        if self._offer is not None:
            term = self._context.node.current_term
            self._context.send(to, replace(self._offer, term=term))

    def send(self, to: NodeId, wanted: Wanted) -> None:
        offer = self._offer
        if offer is None or wanted.position != offer.position:
            if self._context.leads:
                self.offer(to)  # a newer one has taken its place
            return
        if to in self._active:
            self._active[to] = self._context.now
        length = min(wanted.length, self._context.settings.chunk, offer.size - wanted.offset)
        if length > 0:
            data = self._storage.read_snapshot(wanted.offset, length)
            self._context.send(to, Chunk(wanted.position, wanted.offset, data))

    def settle(self) -> None:
        """Offer it again to those from whom nothing was heard for long: an offer may be lost."""
        if not self._active:
            return
        progress = self._context.node.progress
        patience = self._context.settings.election_timeout * 4
        for member, since in list(self._active.items()):
            if member not in progress or progress[member].state is not MemberState.SNAPSHOT:
                del self._active[member]
            elif self._context.now - since >= patience:
                self.offer(member)


@dataclass(slots=True)
class _Incoming:
    """`asked`: parts up to there were asked for, and the latest of what came of it `since`."""

    sender: NodeId
    offer: Offer
    since: float
    data: bytearray = field(default_factory=bytearray)
    asked: int = 0


class Receiver:
    """Collects the parts of a leader's snapshot, in memory, and on the disk for after a restart.

    `parts`: those that the disk holds.
    """

    def __init__(self, context: Context, storage: Storage, parts: Parts | None) -> None:
        self._context = context
        self._storage = storage
        self._parts = parts
        self._incoming: _Incoming | None = None

    @property
    def deadline(self) -> float:
        """When `tick` is to be called: a part may have been lost."""
        if self._incoming is None:
            return inf
        return self._incoming.since + self._context.settings.election_timeout

    def offered(self, sender: NodeId, offer: Offer) -> None:
        node, incoming = self._context.node, self._incoming
        if offer.term != node.current_term or node.leader != sender:
            return  # of an earlier leader, or one that this node does not know yet
        if offer.position.index <= node.commit_index:
            return  # it has caught up
        if incoming is None or incoming.offer.digest != offer.digest:
            incoming = self._incoming = _Incoming(sender, offer, self._context.now)
            if self._parts is not None and self._parts.digest == offer.digest:
                incoming.data += self._parts.data
            self._parts = None
        incoming.sender, incoming.offer = sender, offer
        self._ask_anew(incoming)

    def arrived(self, chunk: Chunk) -> Snapshot | None:
        """The snapshot, once this was the last part of it."""
        incoming = self._incoming
        if incoming is None or chunk.position != incoming.offer.position:
            return None
        if chunk.offset != len(incoming.data) or not chunk.data:
            return None  # it came twice, or one before it was lost
        incoming.data += chunk.data
        incoming.since = self._context.now
        if len(incoming.data) < incoming.offer.size:
            self._storage.save_part(incoming.offer.digest, chunk.offset, chunk.data)
            self._ask(incoming)
            return None
        self._incoming = None
        offer, data = incoming.offer, bytes(incoming.data)
        if sha256(data).digest() != offer.digest:
            return None  # the leader offers it again
        return Snapshot(offer.position, offer.config, data)

    def tick(self) -> None:
        if self._incoming is not None and self._context.now >= self.deadline:
            if self._incoming.offer.position.index <= self._context.node.commit_index:
                self._incoming = None
            else:
                self._ask_anew(self._incoming)

    def _ask_anew(self, incoming: _Incoming) -> None:
        incoming.since = self._context.now
        incoming.asked = len(incoming.data)
        self._ask(incoming)

    def _ask(self, incoming: _Incoming) -> None:
        """Keep a window of parts asked for."""
        settings, offer = self._context.settings, incoming.offer
        end = min(offer.size, len(incoming.data) + settings.window * settings.chunk)
        while incoming.asked < end:
            length = min(settings.chunk, offer.size - incoming.asked)
            self._context.send(incoming.sender, Wanted(offer.position, incoming.asked, length))
            incoming.asked += length
