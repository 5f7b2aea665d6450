"""A subject: anything that behaves like nodes of a Raft cluster and can be asked how.

The vocabulary is the specification's.  A subject hosts as many nodes as it is handed events for;
`start` and `restart` bring one up.
"""

from __future__ import annotations

from typing import Protocol

from conformance.observe.observed import Observed, observed
from spec import rules
from spec import values as v
from spec.cluster import Member, Rule, drain, rules_of, take


class Subject(Protocol):
    def handle(self, node: v.NodeId, event: v.Event) -> v.Outcome:
        """Hand a node an event.  What it owes for it stays pending.

        A node whose restart is refused is there as one that was just started.
        """

    def drain(self, node: v.NodeId) -> tuple[v.Action, ...]:
        """Take all of a node's pending actions, as executed one after another."""

    def observe(self, node: v.NodeId) -> Observed:
        """What can be seen of a node from outside."""

    def log(self, node: v.NodeId) -> v.Log:
        """A node's whole log, which may be long."""


class Questions(Protocol):
    """What a driver asks of a node besides: every question changes nothing."""

    def read_index(self, node: v.NodeId) -> v.ReadIndex | None:
        """A read that a leader takes now; None where it cannot yet, or does not lead."""

    def is_confirmed(self, node: v.NodeId, read: v.ReadIndex) -> bool | None:
        """Whether the read may be served; None where it never will be."""

    def match(self, node: v.NodeId, member: v.NodeId) -> v.Index:
        """Up to where a leader knows that a member holds its log; 0 where it knows nothing."""

    def change_status(self, node: v.NodeId, position: v.Position) -> str:
        """What has become of a change of membership."""

    def pre_vote_call(self, node: v.NodeId) -> v.RequestVoteCall | None:
        """What the node would ask the others for if its timer ran out; None if it would not."""

    def would_vote(self, node: v.NodeId, call: v.RequestVoteCall) -> bool:
        """Whether the node would grant its vote."""

    def could_be_disruptive(self, node: v.NodeId, message: v.Message) -> bool:
        """Whether a vote is asked of a node that knows a leader."""

    def has_quorum(self, node: v.NodeId, nodes: frozenset[v.NodeId]) -> bool:
        """Whether these are a quorum of the configuration that is in force at the node."""


class Driven(Subject, Questions, Protocol):
    """A subject that a driver can be built upon."""


class SpecSubject:
    """The specification as a subject.  `rule` is the specification of a node, or a variant."""

    def __init__(self, rule: Rule = rules.step) -> None:
        self.rule = rule
        self.members: dict[v.NodeId, Member] = {}

    def handle(self, node: v.NodeId, event: v.Event) -> v.Outcome:
        if isinstance(event, (v.Start, v.Restart)):
            member = Member(rules.start(node).node)
        else:
            member = self.members[node]
        turn = take(member, event, self.rule)
        refused = isinstance(event, v.Restart) and isinstance(turn.outcome, v.Refused)
        self.members[node] = Member(rules.start(node).node) if refused else turn.after
        return turn.outcome

    def drain(self, node: v.NodeId) -> tuple[v.Action, ...]:
        member = self.members[node]
        owed, after = drain(member, self.rule)
        self.members[node] = Member(after)
        return owed

    def observe(self, node: v.NodeId) -> Observed:
        return observed(self.members[node].node)

    def log(self, node: v.NodeId) -> v.Log:
        return self.members[node].node.log

    # Questions

    def read_index(self, node: v.NodeId) -> v.ReadIndex | None:
        read: v.ReadIndex | None = rules_of(self.rule).read_index(self.members[node].node)
        return read

    def is_confirmed(self, node: v.NodeId, read: v.ReadIndex) -> bool | None:
        state = self.members[node].node
        if not isinstance(state.role, v.Leader) or state.current_term != read.term:
            return None
        return bool(rules_of(self.rule).is_confirmed(state, read))

    def match(self, node: v.NodeId, member: v.NodeId) -> v.Index:
        match self.members[node].node.role:
            case v.Leader(peers):
                return next((peer.match for peer in peers if peer.node == member), 0)
        return 0

    def change_status(self, node: v.NodeId, position: v.Position) -> str:
        return str(rules_of(self.rule).change_status(self.members[node].node, position))

    def pre_vote_call(self, node: v.NodeId) -> v.RequestVoteCall | None:
        """By what its election timeout would make of it."""
        before = self.members[node].node
        after = self.rule(before, v.ElectionTimeout()).node
        if isinstance(before.role, v.Leader) or after is before:
            return None
        return v.RequestVoteCall(node, after.current_term, 0, after.log.last_position)

    def would_vote(self, node: v.NodeId, call: v.RequestVoteCall) -> bool:
        return bool(rules_of(self.rule).would_vote(self.members[node].node, call))

    def could_be_disruptive(self, node: v.NodeId, message: v.Message) -> bool:
        return bool(rules_of(self.rule).could_be_disruptive(self.members[node].node, message))

    def has_quorum(self, node: v.NodeId, nodes: frozenset[v.NodeId]) -> bool:
        return bool(rules_of(self.rule).has_quorum(self.members[node].node.config, nodes))
