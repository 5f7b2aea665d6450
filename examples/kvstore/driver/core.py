"""The core of a server: the driver's loop around a node, without I/O of its own or a clock.

Whoever runs a core tells it what has happened (`receive`, `request`), any number of things, and
then calls `turn`: for the first time at once, and again at `deadline` at the latest.  What comes of
it goes to the disk (`Storage`), the network (`Outbox`) and the clients.  The same inputs at the
same times give the same outputs.  The numbered comments are the steps of the loop, as the docstring
of `raftbare` has them.

An exception from a core is final: an `InvariantError`, or a disk that cannot be written.  The
server must not go on from there; what its disk holds is good, and it may come up again from that.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from random import Random
from typing import Any

from raftbare import (
    Action,
    AppendEntriesCall,
    AppendLogEntries,
    BroadcastMessage,
    CommandEntry,
    InstallSnapshot,
    Limits,
    LogIndex,
    LogPosition,
    Message,
    Node,
    NodeId,
    RequestVoteCall,
    SaveCurrentTerm,
    SaveVotedFor,
    SendMessage,
    SetElectionTimeout,
    TooManyUncommittedError,
    TransferringError,
)
from raftbare.recorder import RecordedNode, SegmentWriter

from .changes import Changes
from .context import AnyNode, Client, Context, Outbox, Settings
from .elections import Elections
from .letters import (
    AddMember,
    Carried,
    Chunk,
    Content,
    CoreRequest,
    Done,
    Enrolled,
    Execute,
    Executed,
    HandOver,
    NotLeader,
    Offer,
    Opened,
    OpenSession,
    PeerLetter,
    PreVote,
    PreVoteAnswer,
    Query,
    Refused,
    RemoveMember,
    TakeSnapshot,
    TimeoutNow,
    Wanted,
)
from .packing import pack
from .reads import Reads
from .replica import Replica, SessionLostError, StateMachine
from .snapshots import Receiver, Sender
from .storage import Contents, Identity, Saved, Snapshot, Storage

Restart = Callable[[NodeId, Saved, Limits], AnyNode]


def restart(
    node_id: NodeId, saved: Saved, limits: Limits, make: Callable[..., AnyNode] = Node.restart
) -> AnyNode:
    """A node as it comes up.  An empty disk is a disk, too: a new node comes up in this way."""
    return make(
        node_id,
        current_term=saved.term,
        voted_for=saved.voted_for,
        log=saved.log,
        limits=limits,
    )


def recorded(to: SegmentWriter) -> Restart:
    """The same, recorded: whatever the node is told and does becomes a line for an audit."""
    return partial(restart, make=partial(RecordedNode.restart, to=to))


class Core:
    """One server, from when it comes up until it stops."""

    def __init__(
        self,
        identity: Identity,
        storage: Storage,
        machine: StateMachine,
        outbox: Outbox,
        *,
        now: float,
        random: Random,
        settings: Settings = Settings(),  # noqa: B008  # immutable
        start: Restart = restart,
    ) -> None:
        # 1. Start: with what the disk holds.
        saved = storage.load()
        self.node = node = start(identity.me.id, saved, settings.limits)
        self.replica = Replica(machine, identity.founders)
        self.applied = LogIndex(0)
        self._storage = storage
        self._outbox = outbox
        self._settings = settings
        self._context = context = Context(node, outbox, settings, random, now)
        self._elections = Elections(context)
        self._reads = Reads(context, machine.query)
        self._changes = Changes(context)
        self._sender = Sender(context, storage)
        self._receiver = Receiver(context, storage, saved.parts)
        self._contents: Contents = saved.contents
        self._log_bytes = sum(map(len, saved.contents.values()))
        self._waiting: dict[LogPosition, tuple[Client, CoreRequest]] = {}
        self._snapshots: list[tuple[Client, int]] = []  # who asked for one
        self._reminded = now  # when those who are behind were called as all others were
        if saved.snapshot is not None:
            self._take_over(saved.snapshot)
            self._sender.saved(saved.snapshot)
        if node.log.last_position == LogPosition.ZERO and not node.config.unique_nodes():
            founders = [member.id for member in identity.founders]
            if identity.me.id == min(founders, default=None):
                node.create_cluster(founders)

    @property
    def deadline(self) -> float:
        """When `turn` is to be called at the latest."""
        return min(self._elections.deadline, self._receiver.deadline)

    # 2. Input.

    def receive(self, now: float, sender: NodeId, letter: PeerLetter) -> None:
        """`sender` has sent this; the transport vouches for that."""
        self._context.now = now
        match letter:
            case Carried(message, contents):
                assert isinstance(message, Message)
                self._receive_message(message, contents)
            case PreVote():
                self._elections.was_asked(sender, letter)
            case PreVoteAnswer():
                self._elections.was_answered(sender, letter)
            case TimeoutNow(term):
                self.node.handle_timeout_now(term)
            case Offer():
                self._receiver.offered(sender, letter)
            case Wanted():
                self._sender.send(sender, letter)
            case Chunk():
                snapshot = self._receiver.arrived(letter)
                if snapshot is not None:
                    self._install(snapshot)

    def _receive_message(self, message: Message, contents: tuple[bytes, ...]) -> None:
        if isinstance(message, RequestVoteCall) and self._elections.would_disturb(message):
            return
        self.node.handle_message(message)
        if not isinstance(message, AppendEntriesCall):
            return
        if self.node.leader == message.sender:
            self._elections.heard_from_leader()
        entries = message.entries
        if self.node.log.entries.contains(entries.last_position):  # then it has all of them
            commands = [
                position
                for position, entry in entries.iter_with_positions()
                if isinstance(entry, CommandEntry)
            ]
            for position, content in zip(commands, contents, strict=True):
                self._keep(position, content)

    def request(self, now: float, client: Client, request: CoreRequest) -> None:
        """A client wants something; it is answered in this turn or a later one."""
        self._context.now = now
        if isinstance(request, TakeSnapshot):
            self._snapshots.append((client, request.tag))
            return
        if not self._context.leads:
            leader = [m for m in self.replica.members.values() if m.id == self.node.leader]
            client.send(NotLeader(request.tag, leader[0].address if leader else ""))
            return
        try:
            match request:
                case OpenSession():
                    self._propose(Opened(), client, request)
                case Execute(_, session, number, command):
                    self._propose(Executed(session, number, command), client, request)
                case AddMember(_, member):
                    self._propose(Enrolled(member), client, request)
                case RemoveMember() | HandOver():
                    self._changes.ask(client, request)
                case Query(tag) if len(self._reads) >= self._settings.reads:
                    client.send(Refused(tag, f"{len(self._reads)} reads wait", True))
                case Query():
                    self._reads.take(client, request)
        except (TransferringError, TooManyUncommittedError) as error:
            client.send(Refused(request.tag, str(error), True))

    def _propose(self, content: Content, client: Client, request: CoreRequest) -> None:
        packed = pack(content)
        if len(packed) > self._settings.command:
            reason = f"{len(packed)} bytes: {self._settings.command} are the most"
            client.send(Refused(request.tag, reason, False))
            return
        position = self.node.propose_command()
        self._keep(position, packed)
        self._waiting[position] = client, request

    def _keep(self, position: LogPosition, content: bytes) -> None:
        """The library orders commands; what they say is kept here, until it is compacted."""
        if position not in self._contents and position.index > self.applied:
            self._contents[position] = content
            self._log_bytes += len(content)

    # 3 and 4, after which the node waits (5).

    def turn(self, now: float) -> None:
        """Do all that follows from the inputs so far, and from the time."""
        self._context.now = now
        if now >= self._elections.deadline:
            if self.node.role.is_leader:
                self._changes.heartbeat()
            self._elections.timer_ran_out()
        self._receiver.tick()
        self._reads.call()
        self._drain()
        while True:
            self._apply()
            self._settle()
            if not self.node.actions:
                break
            self._drain()
        self._compact()

    # 3. Drain: execute every action before the next one is taken.

    def _drain(self) -> None:
        for action in self.node.actions:
            self._execute(action)

    def _execute(self, action: Action) -> None:
        node = self.node
        match action:
            case SetElectionTimeout():
                self._elections.set_timer()
            case SaveCurrentTerm():
                self._storage.save_term(node.current_term)
            case SaveVotedFor():
                self._storage.save_voted_for(node.voted_for)
            case BroadcastMessage(message):
                self._outbox.send(self._who_can_use(message), self._carried(message))
                if node.role.is_leader:
                    self._elections.called_all(message.seqno)
            case AppendLogEntries(entries):
                self._storage.append(entries, self._contents)
            case SendMessage(to, message):
                self._context.send(to, self._carried(message))
            case InstallSnapshot(to):
                self._sender.offer(to)

    def _who_can_use(self, message: Message) -> Collection[NodeId]:
        """Of a call to all: not who is behind, and brought earlier entries by calls of its own.

        Now and then it is called, too: one of those may have been lost, and its refusal tells.
        """
        peers, now = self.node.peers, self._context.now
        if not isinstance(message, AppendEntriesCall) or message.entries.is_empty:
            return peers
        last = message.entries.last_position.index
        behind = {peer for peer, one in self.node.progress.items() if one.next_index <= last}
        if behind and now - self._reminded >= self._settings.election_timeout / 2:
            self._reminded = now
            return peers
        return [peer for peer in peers if peer not in behind]

    def _carried(self, message: Message) -> Carried:
        if not isinstance(message, AppendEntriesCall) or message.entries.is_empty:
            return Carried(message)
        return Carried(
            message,
            tuple(
                self._contents[position]
                for position, entry in message.entries.iter_with_positions()
                if isinstance(entry, CommandEntry)
            ),
        )

    # 4. Apply, and answer.

    def _apply(self) -> None:
        """Apply what is committed, in the order of the log, and tell who has asked for it."""
        last, entries = self.node.commit_index, self.node.log.entries
        if self.applied == last:
            return
        at = entries.get_term(self.applied)
        assert at is not None, "nothing is compacted before it is applied"
        following = entries.since(LogPosition(at, self.applied))
        assert following is not None
        for position, entry in following.iter_with_positions():
            if position.index > last:
                break
            self.applied = position.index
            if isinstance(entry, CommandEntry):
                self._apply_command(position)

    def _apply_command(self, position: LogPosition) -> None:
        client, request = self._waiting.pop(position, (None, None))
        refused = ""
        try:
            result = self.replica.apply(position.index, self._contents[position])
        except SessionLostError as error:
            refused = str(error)
        if client is None or request is None:
            return
        if isinstance(request, AddMember):
            self._changes.add(client, request, self.replica.members[request.member.id])
        elif refused:
            client.send(Refused(request.tag, refused, False))
        else:
            client.send(Done(request.tag, result))

    def _settle(self) -> None:
        self._reads.serve(self.applied)
        self._elections.check_quorum()
        self._changes.settle()
        self._sender.settle()
        if self._waiting and not self._leads_those_who_wait():
            waiting, self._waiting = self._waiting, {}
            for client, request in waiting.values():
                reason = "this server leads no more: the command may be carried out or not"
                client.send(Refused(request.tag, reason, True))

    def _leads_those_who_wait(self) -> bool:
        term = next(iter(self._waiting)).term
        return self.node.role.is_leader and term == self.node.current_term

    # Snapshots, §7.

    def _compact(self) -> None:
        """Let a snapshot take the place of the log, where that is large enough or it is asked for.

        Not while a member is being brought the last one, nor while one still catches up, which
        needs the log; but the latter only up to four times the size: it may never come back.
        """
        size, limit = self._log_bytes, self._settings.log
        if not self._snapshots:
            if size < limit or self._sender.is_busy or (size < 4 * limit and self._is_needed()):
                return
        found = self.node.log.get_position_and_config(self.applied)
        if found is not None and self.applied > self.node.log.snapshot_position.index:
            snapshot = Snapshot(*found, self.replica.snapshot())
            self._storage.save_snapshot(snapshot)
            self._compacted(snapshot)
        asked, self._snapshots = self._snapshots, []
        for client, tag in asked:
            client.send(Done(tag, b""))

    def _is_needed(self) -> bool:
        """Whether a member lacks some of the log that was sent to the others."""
        last = self.node.log.last_position.index
        return any(one.next_index <= last for one in self.node.progress.values())

    def _install(self, snapshot: Snapshot) -> None:
        """A leader's snapshot is all here.  It is saved after a drain, so that the term is."""
        self._drain()
        self._apply()
        leads, position = self.node.role.is_leader, snapshot.position
        if leads or position.index <= self.node.commit_index:
            return  # it is of no use any more
        self._storage.save_snapshot(snapshot)
        self._compacted(snapshot)
        self._take_over(snapshot)

    def _compacted(self, snapshot: Snapshot) -> None:
        """The snapshot is durable."""
        index = snapshot.position.index
        self.node.handle_snapshot_installed(snapshot.position, snapshot.config)
        self._contents = {
            position: content
            for position, content in self._contents.items()
            if position.index > index and self.node.log.entries.contains(position)
        }
        self._log_bytes = sum(map(len, self._contents.values()))
        self._sender.saved(snapshot)

    def _take_over(self, snapshot: Snapshot) -> None:
        """Be in the state of the snapshot."""
        self.replica.restore(snapshot.data)
        self.applied = snapshot.position.index

    # For people.

    def status(self) -> dict[str, Any]:
        """What a dashboard shows, as plain values."""
        node = self.node
        status, entries = node.status(), node.log.entries
        return {
            "id": node.id,
            "role": node.role.value,
            "term": node.current_term,
            "leader": node.leader,
            "first_index": entries.prev_position.index + 1,
            "last_index": entries.last_position.index,
            "commit_index": node.commit_index,
            "applied": self.applied,
            "digest": self.replica.digest.hex(),
            "log_bytes": self._log_bytes,
            "waiting": len(self._waiting),
            "reads": len(self._reads),
            "voters": sorted(node.config.new_voters or node.config.voters),
            "non_voters": sorted(node.config.non_voters),
            "lag": {
                member: entries.last_position.index - one.match_index
                for member, one in status.progress.items()
            },
            "members": {
                member.id: {"name": member.name, "address": member.address}
                for member in self.replica.members.values()
            },
            "counters": {
                name: getattr(status.counters, name) for name in status.counters.__match_args__
            },
        }
