"""Names, terms and indices are compared by value: a cluster behaves alike wherever they begin.

Python keeps one object for each small number, so that comparing small ones by identity happens to
work.  Here every number that is handed over is an object of its own.
"""

from __future__ import annotations

from random import Random

import pytest

import raftbare as rb
from raftbare.log import last_below

from .helpers import (
    COMMAND,
    after,
    append_call,
    append_reply,
    config,
    header,
    node_with,
    opening,
    owed,
    position,
    refused,
    vote,
)


def fresh(number: int) -> int:
    return int(str(number))


def fresh_position(at: rb.LogPosition) -> rb.LogPosition:
    return position(fresh(at.term), fresh(at.index))


def fresh_config(members: rb.ClusterConfig) -> rb.ClusterConfig:
    parts = (members.voters, members.new_voters, members.non_voters)
    return config(*[map(fresh, part) for part in parts])


def fresh_entry(entry: rb.LogEntry) -> rb.LogEntry:
    match entry:
        case rb.TermEntry(term):
            return opening(fresh(term))
        case rb.ConfigEntry(members):
            return rb.ConfigEntry(fresh_config(members))
        case rb.CommandEntry():
            return rb.CommandEntry()


def fresh_entries(entries: rb.LogEntries) -> rb.LogEntries:
    runs = [(fresh_entry(entry), fresh(count)) for entry, count in entries.runs()]
    return rb.LogEntries.from_runs(fresh_position(entries.prev_position), runs)


def fresh_message(message: rb.Message) -> rb.Message:
    of = header(fresh(message.sender), fresh(message.term), fresh(message.seqno))
    match message:
        case rb.RequestVoteCall(_, last_position):
            return rb.RequestVoteCall(of, fresh_position(last_position))
        case rb.RequestVoteReply(_, granted):
            return rb.RequestVoteReply(of, granted)
        case rb.AppendEntriesCall(_, commit_index, entries):
            commit = rb.LogIndex(fresh(commit_index))
            return rb.AppendEntriesCall(of, commit, fresh_entries(entries))
        case rb.AppendEntriesReply(_, last_position, accepted):
            return rb.AppendEntriesReply(of, fresh_position(last_position), accepted)


class Run:
    """A random run of five nodes, three of which vote, and whose numbers begin at `base`."""

    def __init__(self, seed: int, base: int) -> None:
        self.random = Random(seed)
        self.base = base
        self.names = [rb.NodeId(base + number) for number in range(5)]
        log = rb.Log(config(self.names[:3]), after((base, base)))
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

    def install(self, node: rb.Node, at: rb.LogPosition, members: rb.ClusterConfig) -> None:
        try:
            node.handle_snapshot_installed(fresh_position(at), fresh_config(members))
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
    members = fresh_config(config([1000, 1001]))
    snapshot = rb.LogEntries(fresh_position(position(1002, 1005)))
    node = node_with(1001, snapshot, term=1002, members=members)
    entries = after((1001, 1003), opening(1002), COMMAND, COMMAND)
    node.handle_message(fresh_message(append_call(1000, 1002, entries, commit=1006)))
    assert node.commit_index == node.log.last_position.index == 1006


def test_values_are_equal_whatever_objects_their_numbers_are() -> None:
    members, at, to = config([1002], [1004], [1005]), position(1000, 1001), rb.NodeId(1002)
    entries = after((1000, 1001), opening(1000), rb.ConfigEntry(members))
    call = append_call(1002, 1000, entries, commit=1001, seqno=1003)
    lower = position(1000, 1000)
    assert lower < fresh_position(at)
    assert fresh_position(lower) <= lower <= fresh_position(at)
    assert fresh_position(at) == at
    assert fresh_entry(opening(1000)) == opening(1000)
    assert fresh_config(members) == members
    assert rb.Log(fresh_config(members), fresh_entries(entries)) == rb.Log(members, entries)
    assert rb.SendMessage(rb.NodeId(fresh(to)), call) == rb.SendMessage(to, call)
    assert rb.InstallSnapshot(rb.NodeId(fresh(to))) == rb.InstallSnapshot(to)
    for message in (
        call,
        rb.RequestVoteCall(header(1002, 1000, 1003), at),
        vote(1002, 1000),
        append_reply(1002, 1000, (1000, 1003), 1003),
    ):
        assert fresh_message(message) == message


def test_a_node_knows_itself_and_its_leader_whatever_objects_their_names_are() -> None:
    node = node_with(1000, after((1, 1)), term=1000, members=config([1000, 1001]))

    def call(sender: int, term: int) -> rb.Message:
        return fresh_message(rb.RequestVoteCall(header(sender, term), position(1, 1)))

    before = repr(node)
    node.handle_message(call(1000, 2000))
    assert repr(node) == before
    node.handle_message(fresh_message(append_call(1001, 1000, after((1, 1)), commit=1)))
    assert node.leader == 1001
    assert node.could_be_disruptive(call(1002, 1001))
    assert not node.could_be_disruptive(call(1002, 1000))
    assert not node.could_be_disruptive(call(1001, 1001))


def test_a_second_leader_is_refused_whatever_object_its_term_is() -> None:
    node = node_with(0, after((1, 1)), term=1000, members=config([0]))
    node.handle_election_timeout()
    owed(node)
    assert node.role.is_leader
    with refused(node, rb.InvariantError, "Election Safety"):
        node.handle_message(fresh_message(append_call(1, 1001, after((1, 1)), commit=1)))


def test_long_runs_and_high_indices_are_counted_to_their_end() -> None:
    entries = rb.LogEntries.from_runs(fresh_position(position(1, 1000)), [(COMMAND, fresh(300))])
    assert len(list(entries)) == len(list(entries.iter_with_positions())) == 300
    assert not entries.is_empty
    entries.truncate(0)
    assert entries.is_empty


@pytest.mark.parametrize("term_first", [True, False])
def test_hundreds_of_terms_and_configurations_are_counted_to_their_end(term_first: bool) -> None:
    entries = after((0, 0))
    for term in range(1, 301):
        pair: list[rb.LogEntry] = [opening(term), rb.ConfigEntry(config())]
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
    entries.push(COMMAND)
    assert entries.get_entry(entries.last_position.index) == COMMAND
