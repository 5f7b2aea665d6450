"""Names, terms and indices are compared by value: a cluster behaves alike wherever they begin.

Python keeps one object for each small number, so that comparing small ones by identity happens to
work.  Here every number that is handed over is an object of its own.
"""

from __future__ import annotations

from random import Random

import pytest

from raftbare import (
    AppendEntriesCall,
    AppendEntriesReply,
    BroadcastMessage,
    ClusterConfig,
    CommandEntry,
    ConfigEntry,
    InstallSnapshot,
    InvariantError,
    Log,
    LogEntries,
    LogEntry,
    LogIndex,
    LogPosition,
    Message,
    MessageHeader,
    MessageSeqNo,
    Node,
    NodeId,
    RequestVoteCall,
    RequestVoteReply,
    SendMessage,
    Term,
    TermEntry,
)
from raftbare.log import last_below


def fresh(number: int) -> int:
    return int(str(number))


def fresh_position(at: LogPosition) -> LogPosition:
    return LogPosition(Term(fresh(at.term)), LogIndex(fresh(at.index)))


def fresh_config(config: ClusterConfig) -> ClusterConfig:
    parts = (config.voters, config.new_voters, config.non_voters)
    return ClusterConfig(*[[NodeId(fresh(node)) for node in part] for part in parts])


def fresh_entry(entry: LogEntry) -> LogEntry:
    match entry:
        case TermEntry(term):
            return TermEntry(Term(fresh(term)))
        case ConfigEntry(config):
            return ConfigEntry(fresh_config(config))
        case CommandEntry():
            return CommandEntry()


def fresh_entries(entries: LogEntries) -> LogEntries:
    runs = [(fresh_entry(entry), fresh(count)) for entry, count in entries.runs()]
    return LogEntries.from_runs(fresh_position(entries.prev_position), runs)


def fresh_message(message: Message) -> Message:
    sender, term = NodeId(fresh(message.sender)), Term(fresh(message.term))
    header = MessageHeader(sender, term, MessageSeqNo(fresh(message.seqno)))
    match message:
        case RequestVoteCall(_, last_position):
            return RequestVoteCall(header, fresh_position(last_position))
        case RequestVoteReply(_, granted):
            return RequestVoteReply(header, granted)
        case AppendEntriesCall(_, commit_index, entries):
            return AppendEntriesCall(header, LogIndex(fresh(commit_index)), fresh_entries(entries))
        case AppendEntriesReply(_, last_position):
            return AppendEntriesReply(header, fresh_position(last_position))


class Run:
    """A random run of five nodes, three of which vote, and whose numbers begin at `base`."""

    def __init__(self, seed: int, base: int) -> None:
        self.random = Random(seed)
        self.base = base
        self.names = [NodeId(base + number) for number in range(5)]
        start = LogPosition(Term(base), LogIndex(base))
        log = Log(ClusterConfig(self.names[:3]), LogEntries(start))
        self.nodes = [
            Node.restart(name, current_term=Term(base), voted_for=None, log=log)
            for name in self.names
        ]
        self.under_way: list[tuple[int, Message]] = []
        self.taken: list[str] = []

    def drain(self, at: int) -> None:
        node = self.nodes[at]
        for action in node.actions:
            self.taken.append(type(action).__name__)
            match action:
                case BroadcastMessage(message):
                    self.under_way += [(peer - self.base, message) for peer in node.peers]
                case SendMessage(to, message):
                    self.under_way.append((to - self.base, message))
                case InstallSnapshot(to):
                    snapshot = fresh_position(node.log.snapshot_position)
                    other = self.nodes[to - self.base]
                    if not other._pending.save_current_term and not other.role.is_leader:
                        if snapshot.index > other.commit_index:
                            config = fresh_config(node.log.snapshot_config)
                            other.handle_snapshot_installed(snapshot, config)

    def step(self) -> None:
        at, draw = self.random.randrange(5), self.random.random()
        node = self.nodes[at]
        if draw < 0.6 and self.under_way:
            place = self.random.randrange(min(6, len(self.under_way)))
            keeps = self.random.random() < 0.1
            at, message = self.under_way[place] if keeps else self.under_way.pop(place)
            if self.random.random() < 0.9:
                self.nodes[at].handle_message(fresh_message(message))
        elif draw < 0.65:
            node.handle_election_timeout()
        elif draw < 0.68:
            self.restart(at)
        elif draw < 0.72:
            index = self.random.randint(node.log.snapshot_position.index, node.commit_index)
            found = node.log.get_position_and_config(LogIndex(fresh(index)))
            assert found is not None
            if not node._pending.save_current_term:
                node.handle_snapshot_installed(fresh_position(found[0]), fresh_config(found[1]))
        elif node.role.is_leader:
            self.propose(node)
        if self.random.random() < 0.8:
            self.drain(at)

    def propose(self, node: Node) -> None:
        names = [NodeId(fresh(name)) for name in self.names]
        if self.random.random() < 0.8 or node.config.is_joint_consensus:
            node.propose_command()
        else:
            adding, removing = self.random.sample(names, 2)
            node.propose_config(node.config.to_joint_consensus([adding], [removing]))

    def restart(self, at: int) -> None:
        self.drain(at)
        node = self.nodes[at]
        vote = node.voted_for
        self.nodes[at] = Node.restart(
            NodeId(fresh(node.id)),
            current_term=Term(fresh(node.current_term)),
            voted_for=None if vote is None else NodeId(fresh(vote)),
            log=Log(fresh_config(node.log.snapshot_config), fresh_entries(node.log.entries)),
        )

    def seen(self) -> list[object]:
        """What can be seen of the nodes, counted from the base."""
        base = self.base
        for node in self.nodes:
            node.log.entries._check()
        return [
            (
                node.role,
                node.current_term - base,
                None if node.voted_for is None else node.voted_for - base,
                None if node.leader is None else node.leader - base,
                node.commit_index - base,
                [
                    (at.term - base, at.index - base)
                    for at, _ in node.log.entries.iter_with_positions()
                ],
                [peer - base for peer in node.peers],
                [node.get_commit_status(fresh_position(at)) for at in self.asked(node)],
                bool(node.actions),
            )
            for node in self.nodes
        ]

    def asked(self, node: Node) -> list[LogPosition]:
        entries = node.log.entries
        places = [entries.prev_position, *(at for at, _ in entries.iter_with_positions())]
        assert all(entries.contains(fresh_position(at)) for at in places)
        return places


@pytest.mark.parametrize("seed", range(3))
def test_a_run_is_the_same_wherever_its_numbers_begin(seed: int) -> None:
    small, large = Run(seed, 1), Run(seed, 1000)
    committed = 0
    for _ in range(250):
        small.step()
        large.step()
        assert small.seen() == large.seen()
        assert small.taken == large.taken
        committed = max(node.commit_index for node in large.nodes)
    assert committed > 1000
    assert {node.id for node in large.nodes} == set(large.names)


def test_what_a_snapshot_covers_is_known_whatever_object_its_term_is() -> None:
    members = fresh_config(ClusterConfig(map(NodeId, (1000, 1001))))
    snapshot = fresh_position(LogPosition(Term(1002), LogIndex(1005)))
    node = Node.restart(
        NodeId(1001),
        current_term=Term(1002),
        voted_for=None,
        log=Log(members, LogEntries(snapshot)),
    )
    before = fresh_position(LogPosition(Term(1001), LogIndex(1003)))
    entries = LogEntries(before, [TermEntry(Term(fresh(1002))), CommandEntry(), CommandEntry()])
    header = MessageHeader(NodeId(fresh(1000)), Term(fresh(1002)), MessageSeqNo(1))
    node.handle_message(AppendEntriesCall(header, LogIndex(fresh(1006)), entries))
    assert node.commit_index == node.log.last_position.index == 1006


def test_values_are_equal_whatever_objects_their_numbers_are() -> None:
    term, index, node = (Term(1000), LogIndex(1001), NodeId(1002))
    header = MessageHeader(node, term, MessageSeqNo(1003))
    config = ClusterConfig([node], [NodeId(1004)], [NodeId(1005)])
    entries = LogEntries(LogPosition(term, index), [TermEntry(term), ConfigEntry(config)])
    call = AppendEntriesCall(header, index, entries)
    assert fresh_message(call) == call
    assert fresh_position(entries.last_position) == entries.last_position
    lower = LogPosition(term, LogIndex(index - 1))
    assert lower < fresh_position(LogPosition(term, index))
    assert fresh_position(lower) <= lower <= fresh_position(LogPosition(term, index))
    assert fresh_entry(TermEntry(term)) == TermEntry(term)
    assert fresh_config(config) == config
    assert Log(fresh_config(config), fresh_entries(entries)) == Log(config, entries)
    assert SendMessage(NodeId(fresh(node)), call) == SendMessage(node, call)
    assert InstallSnapshot(NodeId(fresh(node))) == InstallSnapshot(node)
    for message in (
        RequestVoteCall(header, entries.last_position),
        RequestVoteReply(header, True),
        AppendEntriesReply(header, entries.last_position),
    ):
        assert fresh_message(message) == message


def test_a_node_knows_itself_and_its_leader_whatever_objects_their_names_are() -> None:
    members = ClusterConfig(map(NodeId, (1000, 1001)))
    log = Log(members, LogEntries(LogPosition(Term(1), LogIndex(1))))
    node = Node.restart(NodeId(1000), current_term=Term(1000), voted_for=None, log=log)

    def call(sender: int, term: int) -> RequestVoteCall:
        header = MessageHeader(NodeId(fresh(sender)), Term(fresh(term)), MessageSeqNo(1))
        return RequestVoteCall(header, log.last_position)

    before = repr(node)
    node.handle_message(call(1000, 2000))
    assert repr(node) == before
    header = MessageHeader(NodeId(fresh(1001)), Term(fresh(1000)), MessageSeqNo(1))
    node.handle_message(AppendEntriesCall(header, LogIndex(1), log.entries.copy()))
    assert node.leader == 1001
    assert node.could_be_disruptive(call(1002, 1001))
    assert not node.could_be_disruptive(call(1002, 1000))
    assert not node.could_be_disruptive(call(1001, 1001))


def test_a_second_leader_is_refused_whatever_object_its_term_is() -> None:
    log = Log(ClusterConfig([NodeId(0)]), LogEntries(LogPosition(Term(1), LogIndex(1))))
    node = Node.restart(NodeId(0), current_term=Term(1000), voted_for=None, log=log)
    node.handle_election_timeout()
    assert node.role.is_leader
    header = MessageHeader(NodeId(1), Term(fresh(1001)), MessageSeqNo(1))
    with pytest.raises(InvariantError, match="Election Safety"):
        node.handle_message(AppendEntriesCall(header, LogIndex(1), log.entries.copy()))


def test_long_runs_and_high_indices_are_counted_to_their_end() -> None:
    entries = LogEntries.from_runs(
        LogPosition(Term(1), LogIndex(fresh(1000))), [(CommandEntry(), fresh(300))]
    )
    assert len(list(entries)) == len(list(entries.iter_with_positions())) == 300
    assert not entries.is_empty
    entries.truncate(0)
    assert entries.is_empty


@pytest.mark.parametrize("term_first", [True, False])
def test_hundreds_of_terms_and_configurations_are_counted_to_their_end(term_first: bool) -> None:
    entries = LogEntries(LogPosition.ZERO)
    for term in range(1, 301):
        pair: list[LogEntry] = [TermEntry(Term(term)), ConfigEntry(ClusterConfig())]
        for entry in pair if term_first else reversed(pair):
            entries.push(entry)
    runs = list(entries.runs())
    assert len(runs) == 600
    assert LogEntries.from_runs(entries.prev_position, runs) == entries
    found = [entries.get_entry(LogIndex(fresh(index))) for index in (599, 600)]
    assert found == (pair if term_first else pair[::-1])
    last = entries.last_position
    assert last_below(entries, fresh_position(last)) == (last, True)
    entries._check()
    entries.push(CommandEntry())
    assert entries.get_entry(entries.last_position.index) == CommandEntry()
