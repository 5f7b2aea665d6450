"""A server: the core with a real disk, network and clock, in asyncio.

What arrives is told to the core at once; all that has arrived together is one turn of it.  While a
turn writes to the disk nothing else happens in the process, and what arrives meanwhile waits in the
sockets: so one write does for all of it, the more the slower the disk is.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterable
from random import Random
from typing import Any

from raftbare import InvariantError, NodeId

from .context import Settings
from .core import Core, Restart, restart
from .letters import (
    Carried,
    ClientHello,
    CoreRequest,
    Done,
    GetStatus,
    Hello,
    Letter,
    Member,
    PeerLetter,
    PreVote,
)
from .replica import StateMachine
from .storage import Identity, Storage
from .transport import (
    Certificates,
    Connection,
    Link,
    RefusedError,
    framed,
    split_address,
)

log = logging.getLogger(__name__)


class Server:
    """Runs one core until it is cancelled, or cannot go on."""

    def __init__(
        self,
        identity: Identity,
        storage: Storage,
        machine: StateMachine,
        *,
        settings: Settings = Settings(),  # noqa: B008  # immutable
        certificates: Certificates | None = None,
        start: Restart = restart,
    ) -> None:
        self._identity = identity
        self._storage = storage
        self._machine = machine
        self._settings = settings
        self._certificates = certificates
        self._start = start
        self._core: Core | None = None
        self._links: dict[NodeId, Link] = {}
        self._met: dict[NodeId, Member] = {}  # as they have introduced themselves
        self._senders: dict[Connection, NodeId] = {}
        self._clients: set[Connection] = set()
        self._turn_is_due = False
        self._timer: asyncio.TimerHandle | None = None
        self._stopped: asyncio.Future[None] | None = None

    async def run(self) -> None:
        """Serve.  Never returns; raises what core, disk or network cannot go on from."""
        loop = asyncio.get_running_loop()
        self._stopped = loop.create_future()
        host, port = split_address(self._identity.me.address)
        tls = self._certificates.server() if self._certificates else None
        # What arrives before the core is there waits until it is.
        listener = await loop.create_server(self._connected, host, port, ssl=tls)
        try:
            self._core = Core(
                self._identity,
                self._storage,
                self._machine,
                self,
                now=loop.time(),
                random=Random(),
                settings=self._settings,
                start=self._start,
            )
            self._turn()
            await self._stopped
        finally:
            listener.close()
            for link in self._links.values():
                link.close()
            for connection in [*self._senders, *self._clients]:
                connection.close()

    # What arrives

    def _connected(self) -> Connection:
        return Connection(self._settings.frame, self._taken, self._closed)

    def _taken(self, connection: Connection, letter: Letter) -> None:
        core = self._core
        if core is None:
            raise RefusedError("this server is not up yet")
        now = asyncio.get_running_loop().time()
        try:
            if connection in self._senders:
                core.receive(now, *self._from_peer(self._senders[connection], letter))
                self._make_due()
            elif connection not in self._clients:
                self._introduce(connection, letter)
            elif isinstance(letter, GetStatus):
                connection.send(Done(letter.tag, json.dumps(self.status()).encode()))
            elif isinstance(letter, CoreRequest):
                core.request(now, connection, letter)
                self._make_due()
            else:
                raise RefusedError(f"a {type(letter).__name__} of a client")
        except RefusedError:
            raise
        except InvariantError as error:
            sender = self._senders.get(connection)
            if sender is None or core.node.config.contains(sender):
                self._stop(error)
            else:  # the node is unchanged, and the word of a stranger to its cluster proves nothing
                raise RefusedError(f"server {sender}, no member, contradicts: {error}") from None
        except Exception as error:
            self._stop(error)

    def _introduce(self, connection: Connection, letter: Letter) -> None:
        """Servers process what others send without asking their own configuration, which may be an
        old one (§6).  But they have to be of this cluster, and those who they say they are.
        """
        match letter:
            case Hello(cluster, sender, to) if cluster == self._identity.cluster:
                if to != self._identity.me.id:
                    raise RefusedError(f"server {sender.id} wants to speak to server {to}")
                known = self._core.replica.members.get(sender.id) if self._core else None
                if known is not None and known.disk != sender.disk:
                    raise RefusedError(f"server {sender.id} comes with another disk than it had")
                name = connection.common_name
                if self._certificates and name != sender.name:
                    raise RefusedError(f"server {sender.name!r} with the certificate of {name!r}")
                self._met[sender.id] = sender
                self._senders[connection] = sender.id
            case ClientHello(cluster) if cluster == self._identity.cluster:
                self._clients.add(connection)
            case Hello() | ClientHello():
                raise RefusedError("a stranger, of another cluster")
            case _:
                raise RefusedError(f"a {type(letter).__name__} before a hello")
        connection.welcome()

    def _from_peer(self, sender: NodeId, letter: Letter) -> tuple[NodeId, PeerLetter]:
        if not isinstance(letter, PeerLetter):
            raise RefusedError(f"a {type(letter).__name__} of a server")
        speaker = sender
        if isinstance(letter, Carried):
            speaker = letter.message.sender
            if not letter.is_whole:
                raise RefusedError("entries without the contents of their commands")
        elif isinstance(letter, PreVote):
            speaker = letter.call.sender
        if speaker != sender:
            raise RefusedError(f"a message of node {speaker} from node {sender}")
        return sender, letter

    def _closed(self, connection: Connection) -> None:
        self._senders.pop(connection, None)
        self._clients.discard(connection)

    # Turns

    def _make_due(self) -> None:
        """A turn follows when all that has arrived by now has been told to the core."""
        if not self._turn_is_due:
            self._turn_is_due = True
            asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        core, stopped = self._core, self._stopped
        if core is None or stopped is None or stopped.done():
            return
        self._turn_is_due = False
        try:
            core.turn(asyncio.get_running_loop().time())
        except Exception as error:
            self._stop(error)
        else:
            self._set_timer(core)

    def _stop(self, error: Exception) -> None:
        """The core must not go on, whatever it was."""
        if self._stopped is not None and not self._stopped.done():
            self._stopped.set_exception(error)

    # 5. Wait: for what arrives, or until the core's deadline.

    def _set_timer(self, core: Core) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_at(core.deadline, self._turn)

    # What leaves: `Outbox`

    def send(self, to: Iterable[NodeId], letter: PeerLetter) -> None:
        frame = framed(letter)
        for node_id in to:
            link = self._links.get(node_id)
            if link is None and node_id in self._members():
                link = self._links[node_id] = self._link(node_id)
            if link is not None:  # else it will introduce itself
                link.send(frame)

    def _link(self, node_id: NodeId) -> Link:
        return Link(
            lambda: self._members()[node_id].address,
            Hello(self._identity.cluster, self._identity.me, node_id),
            self._settings.frame,
            self._certificates.client() if self._certificates else None,
        )

    def _members(self) -> dict[NodeId, Member]:
        """Where all servers are that this one knows of: they themselves know best."""
        members = self._core.replica.members if self._core else {}
        return members | self._met

    # For people

    def status(self) -> dict[str, Any]:
        """As plain values: the core's, and what this server has not sent yet or dropped."""
        status = self._core.status() if self._core else {}
        links = {
            node_id: {"up": link.is_up, "queue": link.queue, "dropped": link.dropped}
            for node_id, link in self._links.items()
        }
        return {**status, "links": links, "clients": len(self._clients)}
