"""A replicated key-value store: three servers in one process, on a network that loses messages.

The library orders commands that have no content.  Each server keeps what they say beside the log,
under the position that `propose_command` returned, writes it to its disk together with the entry,
and sends it along with the entries of an `AppendEntriesCall`.

The numbered comments are the steps of the driver's loop, as the docstring of `raftbare` has them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from raftbare import (
    Action,
    AppendEntriesCall,
    AppendLogEntries,
    BroadcastMessage,
    ClusterConfig,
    CommandEntry,
    CommitStatus,
    InstallSnapshot,
    Log,
    LogEntries,
    LogIndex,
    LogPosition,
    Message,
    Node,
    NodeId,
    SaveCurrentTerm,
    SaveVotedFor,
    SendMessage,
    SetElectionTimeout,
    Term,
)

HEARTBEAT = 3  # ticks; a message takes one
LOSS = 0.15
NO_TERM = Term(0)
VOTERS = [NodeId(0), NodeId(1), NodeId(2)]


@dataclass(frozen=True)
class Put:
    """A command: what is to be stored."""

    key: str
    value: str


Contents = dict[LogPosition, Put]


@dataclass
class Disk:
    """What survives a crash."""

    term: Term = NO_TERM
    voted_for: NodeId | None = None
    entries: LogEntries = field(default_factory=lambda: LogEntries(LogPosition.ZERO))
    contents: Contents = field(default_factory=dict)

    def append(self, entries: LogEntries, contents: Contents) -> None:
        """Drop what the log has after `entries.prev_position`, and go on with `entries`."""
        self.entries.truncate(entries.prev_position.index - self.entries.prev_position.index)
        for entry in entries:
            self.entries.push(entry)
        self.contents |= contents


@dataclass(frozen=True)
class Envelope:
    to: NodeId
    message: Message
    contents: Contents


class Network:
    """Delivers in the next tick what it does not lose."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.under_way: list[Envelope] = []
        self.lost = 0

    def send(self, envelope: Envelope) -> None:
        if self.random.random() < LOSS:
            self.lost += 1
        else:
            self.under_way.append(envelope)

    def arrivals(self) -> list[Envelope]:
        arrived, self.under_way = self.under_way, []
        return arrived


class Server:
    """A node, its disk, and the state machine that its committed commands are applied to."""

    def __init__(self, node: Node, disk: Disk, network: Network, random: Random) -> None:
        self.node = node
        self.disk = disk
        self.network = network
        self.random = random
        self.contents = dict(disk.contents)
        self.store: dict[str, str] = {}
        self.applied = LogIndex(0)
        self.timer = 0
        self.set_timer()

    @classmethod
    def from_disk(cls, node_id: NodeId, disk: Disk, network: Network, random: Random) -> Server:
        # 1. Start: again, with what the disk holds.
        log = Log(ClusterConfig(), disk.entries)  # no snapshot, so no configuration before the log
        node = Node.restart(node_id, current_term=disk.term, voted_for=disk.voted_for, log=log)
        server = cls(node, disk, network, random)
        server.drain()
        return server

    # 2. Input: each with the drain that follows it.

    def create_cluster(self) -> None:
        self.node.create_cluster(VOTERS)
        self.drain()

    def propose(self, command: Put) -> LogPosition:
        position = self.node.propose_command()
        self.contents[position] = command
        self.drain()
        return position

    def receive(self, envelope: Envelope) -> None:
        self.contents |= envelope.contents
        self.node.handle_message(envelope.message)
        self.drain()

    def tick(self) -> None:
        self.timer -= 1
        if self.timer == 0:
            self.node.handle_election_timeout()
            self.drain()

    # 3. Drain: execute every action before the next one is taken.

    def drain(self) -> None:
        for action in self.node.actions:
            self.execute(action)
        self.apply()

    def execute(self, action: Action) -> None:
        match action:
            case SetElectionTimeout():
                self.set_timer()
            case SaveCurrentTerm():
                self.disk.term = self.node.current_term
            case SaveVotedFor():
                self.disk.voted_for = self.node.voted_for
            case BroadcastMessage(message):
                for peer in self.node.peers:
                    self.send(peer, message)
            case AppendLogEntries(entries):
                self.disk.append(entries, self.contents_of(entries))
            case SendMessage(to, message):
                self.send(to, message)
            case InstallSnapshot():
                raise NotImplementedError("no server here compacts its log, so none is behind one")

    def set_timer(self) -> None:
        """Short for a leader, random and several times as long for the others."""
        leads = self.node.role.is_leader
        self.timer = HEARTBEAT if leads else self.random.randint(4 * HEARTBEAT, 8 * HEARTBEAT)

    def send(self, to: NodeId, message: Message) -> None:
        contents: Contents = {}
        if isinstance(message, AppendEntriesCall):
            contents = self.contents_of(message.entries)
        self.network.send(Envelope(to, message, contents))

    def contents_of(self, entries: LogEntries) -> Contents:
        return {
            position: self.contents[position]
            for position, entry in entries.iter_with_positions()
            if isinstance(entry, CommandEntry)
        }

    # 4. Apply: what is committed, each entry once.

    def apply(self) -> None:
        """Hand what has been committed to the state machine, in the order of the log."""
        log = self.node.log.entries
        while self.applied < self.node.commit_index:
            self.applied = LogIndex(self.applied + 1)
            term = log.get_term(self.applied)
            if term is not None and isinstance(log.get_entry(self.applied), CommandEntry):
                command = self.contents[LogPosition(term, self.applied)]
                self.store[command.key] = command.value


class Cluster:
    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.network = Network(self.random)
        self.now = 0
        # 1. Start: for the first time.
        self.servers = {
            node_id: Server(Node.start(node_id), Disk(), self.network, self.random)
            for node_id in VOTERS
        }
        self.servers[VOTERS[0]].create_cluster()

    # 5. Wait: a tick brings messages and lets timers run out.

    def tick(self) -> None:
        self.now += 1
        for envelope in self.network.arrivals():
            server = self.servers.get(envelope.to)
            if server is not None:
                server.receive(envelope)
        for server in self.servers.values():
            server.tick()

    def leader(self) -> Server:
        """The leader of the latest term, once there is one."""
        while True:
            leaders = [server for server in self.servers.values() if server.node.role.is_leader]
            if leaders:
                return max(leaders, key=lambda server: server.node.current_term)
            self.tick()

    def put(self, key: str, value: str) -> LogPosition:
        """A client: propose, wait for the commitment, and try again where it does not come.

        A command that was given up may be committed all the same, so trying again is right only
        because storing a value twice is storing it once.
        """
        while True:
            server = self.leader()
            position = server.propose(Put(key, value))
            for _ in range(10 * HEARTBEAT):
                status = server.node.get_commit_status(position)
                if status is CommitStatus.COMMITTED:
                    return position
                if status is CommitStatus.REJECTED:
                    break
                self.tick()

    def crash(self, node_id: NodeId) -> Disk:
        return self.servers.pop(node_id).disk

    def restart(self, node_id: NodeId, disk: Disk) -> None:
        self.servers[node_id] = Server.from_disk(node_id, disk, self.network, self.random)

    def settle(self) -> None:
        """Wait until every server has applied the whole log of the leader."""
        while True:
            last = self.leader().node.log.last_position.index
            if all(server.applied == last for server in self.servers.values()):
                return
            self.tick()


def main() -> None:
    cluster = Cluster(seed=1)

    def say(what: str) -> None:
        print(f"{cluster.now:4}  {what}")

    leader = cluster.leader().node
    say(f"node {leader.id} leads term {leader.current_term}")
    for number in range(10):
        position = cluster.put(f"key{number % 4}", f"value{number}")
    say(f"10 commands are committed, the last one at {position}")

    crashed = leader.id
    disk = cluster.crash(crashed)
    say(f"node {crashed}, the leader, has crashed; its disk has {len(disk.entries)} entries")
    leader = cluster.leader().node
    say(f"node {leader.id} leads term {leader.current_term}")
    for number in range(10, 20):
        position = cluster.put(f"key{number % 4}", f"value{number}")
    say(f"10 more are committed, the last one at {position}")

    cluster.restart(crashed, disk)
    say(f"node {crashed} is up again, as a {cluster.servers[crashed].node.role.value}")
    cluster.settle()
    say(
        f"all have applied {cluster.leader().applied} entries; {cluster.network.lost} messages lost"
    )
    for node_id, server in sorted(cluster.servers.items()):
        say(f"node {node_id}: {dict(sorted(server.store.items()))}")
    stores = [server.store for server in cluster.servers.values()]
    if any(store != stores[0] for store in stores):
        raise SystemExit("the stores differ")


if __name__ == "__main__":
    main()
