"""Names, terms and indices are compared by value: a cluster behaves alike wherever they begin.

Python keeps one object for each small number, so that comparing small ones by identity happens to
work.  Here every number that is handed over is an object of its own.
"""

from __future__ import annotations

from random import Random

import pytest

import raftbare as rb
from raftbare.log import last_below


def fresh(number: int) -> int:
    return int(str(number))


def fresh_position(at: rb.LogPosition) -> rb.LogPosition:
    return rb.LogPosition(rb.Term(fresh(at.term)), rb.LogIndex(fresh(at.index)))


def fresh_config(config: rb.ClusterConfig) -> rb.ClusterConfig:
    parts = (config.voters, config.new_voters, config.non_voters)
    return rb.ClusterConfig(*[[rb.NodeId(fresh(node)) for node in part] for part in parts])


def fresh_entry(entry: rb.LogEntry) -> rb.LogEntry:
    match entry:
        case rb.TermEntry(term):
            return rb.TermEntry(rb.Term(fresh(term)))
        case rb.ConfigEntry(config):
            return rb.ConfigEntry(fresh_config(config))
        case rb.CommandEntry():
            return rb.CommandEntry()


def fresh_entries(entries: rb.LogEntries) -> rb.LogEntries:
    runs = [(fresh_entry(entry), fresh(count)) for entry, count in entries.runs()]
    return rb.LogEntries.from_runs(fresh_position(entries.prev_position), runs)


def fresh_message(message: rb.Message) -> rb.Message:
    sender, term = rb.NodeId(fresh(message.sender)), rb.Term(fresh(message.term))
    header = rb.MessageHeader(sender, term, rb.MessageSeqNo(fresh(message.seqno)))
    match message:
        case rb.RequestVoteCall(_, last_position):
            return rb.RequestVoteCall(header, fresh_position(last_position))
        case rb.RequestVoteReply(_, granted):
            return rb.RequestVoteReply(header, granted)
        case rb.AppendEntriesCall(_, commit_index, entries):
            return rb.AppendEntriesCall(
                header, rb.LogIndex(fresh(commit_index)), fresh_entries(entries)
            )
        case rb.AppendEntriesReply(_, last_position):
            return rb.AppendEntriesReply(header, fresh_position(last_position))


class Run:
    """A random run of five nodes, three of which vote, and whose numbers begin at `base`."""

    def __init__(self, seed: int, base: int) -> None:
        self.random = Random(seed)
        self.base = base
        self.names = [rb.NodeId(base + number) for number in range(5)]
        start = rb.LogPosition(rb.Term(base), rb.LogIndex(base))
        log = rb.Log(rb.ClusterConfig(self.names[:3]), rb.LogEntries(start))
        self.nodes = [
            rb.Node.restart(name, current_term=rb.Term(base), voted_for=None, log=log)
            for name in self.names
        ]
        self.under_way: list[tuple[int, rb.Message]] = []
        self.taken: list[str] = []

    def drain(self, at: int) -> None:
        node = self.nodes[at]
        for action in node.actions:
            self.taken.append(type(action).__name__)
            match action:
                case rb.BroadcastMessage(message):
                    self.under_way += [(peer - self.base, message) for peer in node.peers]
                case rb.SendMessage(to, message):
                    self.under_way.append((to - self.base, message))
                case rb.InstallSnapshot(to):
                    snapshot = node.log.snapshot_position
                    other = self.nodes[to - self.base]
                    if snapshot.index > other.commit_index and not other.role.is_leader:
                        self.install(other, snapshot, node.log.snapshot_config)

    def install(self, node: rb.Node, at: rb.LogPosition, config: rb.ClusterConfig) -> None:
        try:
            node.handle_snapshot_installed(fresh_position(at), fresh_config(config))
        except rb.InvalidSnapshotError as refusal:
            if "is yet to be saved" not in str(refusal):
                raise

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
            found = node.log.get_position_and_config(rb.LogIndex(fresh(index)))
            assert found is not None
            self.install(node, *found)
        elif node.role.is_leader:
            self.propose(node)
        if self.random.random() < 0.8:
            self.drain(at)

    def propose(self, node: rb.Node) -> None:
        names = [rb.NodeId(fresh(name)) for name in self.names]
        if self.random.random() < 0.8 or node.config.is_joint_consensus:
            node.propose_command()
        else:
            adding, removing = self.random.sample(names, 2)
            node.propose_config(node.config.to_joint_consensus([adding], [removing]))

    def restart(self, at: int) -> None:
        self.drain(at)
        node = self.nodes[at]
        vote = node.voted_for
        self.nodes[at] = rb.Node.restart(
            rb.NodeId(fresh(node.id)),
            current_term=rb.Term(fresh(node.current_term)),
            voted_for=None if vote is None else rb.NodeId(fresh(vote)),
            log=rb.Log(fresh_config(node.log.snapshot_config), fresh_entries(node.log.entries)),
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

    def asked(self, node: rb.Node) -> list[rb.LogPosition]:
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
    members = fresh_config(rb.ClusterConfig(map(rb.NodeId, (1000, 1001))))
    snapshot = fresh_position(rb.LogPosition(rb.Term(1002), rb.LogIndex(1005)))
    node = rb.Node.restart(
        rb.NodeId(1001),
        current_term=rb.Term(1002),
        voted_for=None,
        log=rb.Log(members, rb.LogEntries(snapshot)),
    )
    before = fresh_position(rb.LogPosition(rb.Term(1001), rb.LogIndex(1003)))
    entries = rb.LogEntries(
        before, [rb.TermEntry(rb.Term(fresh(1002))), rb.CommandEntry(), rb.CommandEntry()]
    )
    header = rb.MessageHeader(rb.NodeId(fresh(1000)), rb.Term(fresh(1002)), rb.MessageSeqNo(1))
    node.handle_message(rb.AppendEntriesCall(header, rb.LogIndex(fresh(1006)), entries))
    assert node.commit_index == node.log.last_position.index == 1006


def test_values_are_equal_whatever_objects_their_numbers_are() -> None:
    term, index, node = (rb.Term(1000), rb.LogIndex(1001), rb.NodeId(1002))
    header = rb.MessageHeader(node, term, rb.MessageSeqNo(1003))
    config = rb.ClusterConfig([node], [rb.NodeId(1004)], [rb.NodeId(1005)])
    entries = rb.LogEntries(
        rb.LogPosition(term, index), [rb.TermEntry(term), rb.ConfigEntry(config)]
    )
    call = rb.AppendEntriesCall(header, index, entries)
    assert fresh_message(call) == call
    assert fresh_position(entries.last_position) == entries.last_position
    lower = rb.LogPosition(term, rb.LogIndex(index - 1))
    assert lower < fresh_position(rb.LogPosition(term, index))
    assert fresh_position(lower) <= lower <= fresh_position(rb.LogPosition(term, index))
    assert fresh_entry(rb.TermEntry(term)) == rb.TermEntry(term)
    assert fresh_config(config) == config
    assert rb.Log(fresh_config(config), fresh_entries(entries)) == rb.Log(config, entries)
    assert rb.SendMessage(rb.NodeId(fresh(node)), call) == rb.SendMessage(node, call)
    assert rb.InstallSnapshot(rb.NodeId(fresh(node))) == rb.InstallSnapshot(node)
    for message in (
        rb.RequestVoteCall(header, entries.last_position),
        rb.RequestVoteReply(header, True),
        rb.AppendEntriesReply(header, entries.last_position),
    ):
        assert fresh_message(message) == message


def test_a_node_knows_itself_and_its_leader_whatever_objects_their_names_are() -> None:
    members = rb.ClusterConfig(map(rb.NodeId, (1000, 1001)))
    log = rb.Log(members, rb.LogEntries(rb.LogPosition(rb.Term(1), rb.LogIndex(1))))
    node = rb.Node.restart(rb.NodeId(1000), current_term=rb.Term(1000), voted_for=None, log=log)

    def call(sender: int, term: int) -> rb.RequestVoteCall:
        header = rb.MessageHeader(
            rb.NodeId(fresh(sender)), rb.Term(fresh(term)), rb.MessageSeqNo(1)
        )
        return rb.RequestVoteCall(header, log.last_position)

    before = repr(node)
    node.handle_message(call(1000, 2000))
    assert repr(node) == before
    header = rb.MessageHeader(rb.NodeId(fresh(1001)), rb.Term(fresh(1000)), rb.MessageSeqNo(1))
    node.handle_message(rb.AppendEntriesCall(header, rb.LogIndex(1), log.entries.copy()))
    assert node.leader == 1001
    assert node.could_be_disruptive(call(1002, 1001))
    assert not node.could_be_disruptive(call(1002, 1000))
    assert not node.could_be_disruptive(call(1001, 1001))


def test_a_second_leader_is_refused_whatever_object_its_term_is() -> None:
    log = rb.Log(
        rb.ClusterConfig([rb.NodeId(0)]), rb.LogEntries(rb.LogPosition(rb.Term(1), rb.LogIndex(1)))
    )
    node = rb.Node.restart(rb.NodeId(0), current_term=rb.Term(1000), voted_for=None, log=log)
    node.handle_election_timeout()
    assert node.role.is_leader
    header = rb.MessageHeader(rb.NodeId(1), rb.Term(fresh(1001)), rb.MessageSeqNo(1))
    with pytest.raises(rb.InvariantError, match="Election Safety"):
        node.handle_message(rb.AppendEntriesCall(header, rb.LogIndex(1), log.entries.copy()))


def test_long_runs_and_high_indices_are_counted_to_their_end() -> None:
    entries = rb.LogEntries.from_runs(
        rb.LogPosition(rb.Term(1), rb.LogIndex(fresh(1000))), [(rb.CommandEntry(), fresh(300))]
    )
    assert len(list(entries)) == len(list(entries.iter_with_positions())) == 300
    assert not entries.is_empty
    entries.truncate(0)
    assert entries.is_empty


@pytest.mark.parametrize("term_first", [True, False])
def test_hundreds_of_terms_and_configurations_are_counted_to_their_end(term_first: bool) -> None:
    entries = rb.LogEntries(rb.LogPosition.ZERO)
    for term in range(1, 301):
        pair: list[rb.LogEntry] = [rb.TermEntry(rb.Term(term)), rb.ConfigEntry(rb.ClusterConfig())]
        for entry in pair if term_first else reversed(pair):
            entries.push(entry)
    runs = list(entries.runs())
    assert len(runs) == 600
    assert rb.LogEntries.from_runs(entries.prev_position, runs) == entries
    found = [entries.get_entry(rb.LogIndex(fresh(index))) for index in (599, 600)]
    assert found == (pair if term_first else pair[::-1])
    last = entries.last_position
    assert last_below(entries, fresh_position(last)) == (last, True)
    entries._check()
    entries.push(rb.CommandEntry())
    assert entries.get_entry(entries.last_position.index) == rb.CommandEntry()
