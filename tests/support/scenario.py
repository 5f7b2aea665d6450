"""Clusters for the tests: logs by their terms, and steps whose properties are all checked."""

from __future__ import annotations

from spec import rules
from spec.cluster import (
    Change,
    Cluster,
    Comeback,
    Crash,
    Deliver,
    Drain,
    Input,
    Lose,
    Member,
    Rule,
    Step,
    apply,
    is_enabled,
    new_cluster,
)
from spec.pending import NOTHING
from spec.properties import Violation, check
from spec.values import (
    COMMAND,
    ZERO,
    Config,
    CreateCluster,
    ElectionTimeout,
    Entry,
    Event,
    Leader,
    Log,
    Message,
    Node,
    NodeId,
    Outcome,
    Progress,
    SendMessage,
    new_log,
)


def voters(*nodes: NodeId) -> Config:
    return Config(frozenset(nodes))


def commands(*terms: int) -> tuple[Entry, ...]:
    return tuple(Entry(term, COMMAND) for term in terms)


def log_of(*terms: int, config: Config | None = None) -> Log:
    """A log from index 1 on, as the paper's figures draw it: the term of each entry."""
    return new_log(ZERO, config or voters(0, 1, 2), commands(*terms))


def leading(node: NodeId, term: int, log: Log, *peers: Progress) -> Node:
    """A leader of a term, whose log is on its disk."""
    known = {peer.node for peer in peers}
    others = sorted(log.config.members - {node} - known)
    progress = tuple(sorted([*peers, *(Progress(other) for other in others)]))
    return Node(node, Leader(progress, log.last_index), term, node, log)


def sent(owed: tuple[object, ...], to: NodeId) -> Message:
    """The one message among these actions to a node."""
    (message,) = (a.message for a in owed if isinstance(a, SendMessage) and a.to == to)
    return message


class Scenario:
    """A cluster that takes one step after another.

    Any violation of a property ends the test, unless the scenario is told to collect them.
    """

    def __init__(self, size: int, rule: Rule = rules.step, collect: bool = False) -> None:
        self.cluster: Cluster = new_cluster(size)
        self.rule = rule
        self.collect = collect
        self.violations: list[Violation] = []

    def take(self, step: Step) -> Change:
        assert is_enabled(self.cluster, step)
        change = apply(self.cluster, step, self.rule)
        self.cluster = change.after
        broken = check(change)
        if broken is not None:
            assert self.collect, broken
            self.violations.append(broken)
        return change

    def member(self, node: NodeId) -> Member:
        return self.cluster.members[node]

    def node(self, node: NodeId) -> Node:
        return self.cluster.members[node].node

    def terms(self, node: NodeId) -> list[int]:
        return [entry.term for entry in self.node(node).log.entries]

    def input(self, node: NodeId, event: Event) -> Outcome:
        """An event and the drain after it."""
        turn = self.take(Input(node, event)).turn
        self.take(Drain(node))
        return turn.outcome if turn is not None else None

    def between(self, sender: NodeId, to: NodeId) -> int | None:
        """Where in the network the oldest content from one node to another is."""
        for at, envelope in enumerate(self.cluster.network):
            if (envelope.content.sender, envelope.to) == (sender, to):
                return at
        return None

    def deliver(self, sender: NodeId, to: NodeId, keep: int | None = None) -> None:
        at = self.between(sender, to)
        assert at is not None, f"nothing is under way from {sender} to {to}"
        self.take(Deliver(at, keep))
        self.take(Drain(to))

    def exchange(self, one: NodeId, other: NodeId, keep: int | None = None) -> None:
        """A message from one to the other, and the answer."""
        self.deliver(one, other, keep)
        self.deliver(other, one)

    def settle(self) -> None:
        """Deliver whatever is under way to nodes that are up, in order, until all is quiet."""
        for node, member in enumerate(self.cluster.members):
            if member.up and member.pending != NOTHING:
                self.take(Drain(node))
        while True:
            arriving = [
                at
                for at, envelope in enumerate(self.cluster.network)
                if self.cluster.members[envelope.to].up
            ]
            if not arriving:
                return
            to = self.cluster.network[arriving[0]].to
            self.take(Deliver(arriving[0]))
            self.take(Drain(to))

    def lose_all(self) -> None:
        while self.cluster.network:
            self.take(Lose(0))

    def crash(self, node: NodeId) -> None:
        self.take(Crash(node))

    def comeback(self, node: NodeId) -> None:
        self.take(Comeback(node))
        self.take(Drain(node))

    def create(self, *voters: NodeId) -> None:
        """Node 0 creates a cluster, which settles."""
        self.input(0, CreateCluster(frozenset(voters)))
        self.settle()
        assert isinstance(self.node(0).role, Leader)

    def elect(self, node: NodeId, *by: NodeId) -> None:
        """Let a node campaign until the named ones, asked in this order, elect it."""
        while not isinstance(self.node(node).role, Leader):
            self.lose_all()
            self.input(node, ElectionTimeout())
            for voter in by:
                self.deliver(node, voter)
                if self.between(voter, node) is not None:
                    self.deliver(voter, node)
