"""Clusters for the tests: logs by their terms, and steps whose properties are all checked."""

from __future__ import annotations

from spec import cluster as c
from spec import node as rules
from spec import values as v
from spec.pending import NOTHING
from spec.properties import Violation, check_change, check_cluster


def voters(*nodes: v.NodeId) -> v.Config:
    return v.Config(frozenset(nodes))


def commands(*terms: int) -> tuple[v.Entry, ...]:
    return tuple(v.Entry(term, v.COMMAND) for term in terms)


def log_of(*terms: int, config: v.Config | None = None) -> v.Log:
    """A log from index 1 on, as the paper's figures draw it: the term of each entry."""
    return v.new_log(v.ZERO, config or voters(0, 1, 2), commands(*terms))


def leading(node: v.NodeId, term: int, log: v.Log, *peers: v.Progress) -> v.Node:
    """A leader of a term, whose log is on its disk."""
    known = {peer.node for peer in peers}
    others = sorted(log.config.members - {node} - known)
    progress = tuple(sorted([*peers, *(v.Progress(other) for other in others)]))
    return v.Node(node, v.Leader(progress, log.last_index), term, node, log)


def sent(owed: tuple[object, ...], to: v.NodeId) -> v.Message:
    """The one message among these actions to a node."""
    (message,) = (a.message for a in owed if isinstance(a, v.SendMessage) and a.to == to)
    return message


class Scenario:
    """A cluster that takes one step after another.

    Any violation of a property ends the test, unless the scenario is told to collect them.
    """

    def __init__(self, size: int, rule: c.Rule = rules.step, collect: bool = False) -> None:
        self.cluster: c.Cluster = c.new_cluster(size)
        self.rule = rule
        self.collect = collect
        self.violations: list[Violation] = []

    def take(self, step: c.Step) -> c.Change:
        assert c.is_enabled(self.cluster, step)
        change = c.apply(self.cluster, step, self.rule)
        self.cluster = change.after
        broken = check_change(change) or check_cluster(self.cluster)
        if broken is not None:
            assert self.collect, broken
            self.violations.append(broken)
        return change

    def member(self, node: v.NodeId) -> c.Member:
        return self.cluster.members[node]

    def node(self, node: v.NodeId) -> v.Node:
        return self.cluster.members[node].node

    def terms(self, node: v.NodeId) -> list[int]:
        return [entry.term for entry in self.node(node).log.entries]

    def input(self, node: v.NodeId, event: v.Event) -> v.Outcome:
        """An event and the drain after it."""
        turn = self.take(c.Input(node, event)).turn
        self.take(c.Drain(node))
        return turn.outcome if turn is not None else None

    def between(self, sender: v.NodeId, to: v.NodeId) -> int | None:
        """Where in the network the oldest content from one node to another is."""
        for at, envelope in enumerate(self.cluster.network):
            if (envelope.content.sender, envelope.to) == (sender, to):
                return at
        return None

    def deliver(self, sender: v.NodeId, to: v.NodeId, keep: int | None = None) -> None:
        at = self.between(sender, to)
        assert at is not None, f"nothing is under way from {sender} to {to}"
        self.take(c.Deliver(at, keep))
        self.take(c.Drain(to))

    def exchange(self, one: v.NodeId, other: v.NodeId, keep: int | None = None) -> None:
        """A message from one to the other, and the answer."""
        self.deliver(one, other, keep)
        self.deliver(other, one)

    def settle(self) -> None:
        """Deliver whatever is under way to nodes that are up, in order, until all is quiet."""
        for node, member in enumerate(self.cluster.members):
            if member.up and member.pending != NOTHING:
                self.take(c.Drain(node))
        while True:
            arriving = [
                at
                for at, envelope in enumerate(self.cluster.network)
                if self.cluster.members[envelope.to].up
            ]
            if not arriving:
                return
            to = self.cluster.network[arriving[0]].to
            self.take(c.Deliver(arriving[0]))
            self.take(c.Drain(to))

    def lose_all(self) -> None:
        while self.cluster.network:
            self.take(c.Lose(0))

    def crash(self, node: v.NodeId) -> None:
        self.take(c.Crash(node))

    def comeback(self, node: v.NodeId) -> None:
        self.take(c.Comeback(node))
        self.take(c.Drain(node))

    def create(self, *voters: v.NodeId) -> None:
        """Node 0 creates a cluster, which settles."""
        self.input(0, v.CreateCluster(frozenset(voters)))
        self.settle()
        assert isinstance(self.node(0).role, v.Leader)

    def elect(self, node: v.NodeId, *by: v.NodeId) -> None:
        """Let a node campaign until the named ones, asked in this order, elect it."""
        while not isinstance(self.node(node).role, v.Leader):
            self.lose_all()
            self.input(node, v.ElectionTimeout())
            for voter in by:
                self.deliver(node, voter)
                if self.between(voter, node) is not None:
                    self.deliver(voter, node)
