"""A subject: anything that behaves like nodes of a Raft cluster and can be asked how.

The vocabulary is the specification's.  A subject hosts as many nodes as it is handed events for;
`start` and `restart` bring one up.
"""

from __future__ import annotations

from typing import Protocol

from conformance.observe.observed import observed
from conformance.trace.translate import Observed
from spec import rules
from spec.cluster import Member, Rule, drain, take
from spec.values import (
    Action,
    Event,
    Log,
    NodeId,
    Outcome,
    Refused,
    Restart,
    Start,
)


class Subject(Protocol):
    def handle(self, node: NodeId, event: Event) -> Outcome:
        """Hand a node an event.  What it owes for it stays pending.

        A node whose restart is refused is there as one that was just started.
        """

    def drain(self, node: NodeId) -> tuple[Action, ...]:
        """Take all of a node's pending actions, as executed one after another."""

    def observe(self, node: NodeId) -> Observed:
        """What can be seen of a node from outside."""

    def log(self, node: NodeId) -> Log:
        """A node's whole log, which may be long."""


class SpecSubject:
    """The specification as a subject.  `rule` is the specification of a node, or a variant."""

    def __init__(self, rule: Rule = rules.step) -> None:
        self.rule = rule
        self.members: dict[NodeId, Member] = {}

    def handle(self, node: NodeId, event: Event) -> Outcome:
        if isinstance(event, (Start, Restart)):
            member = Member(rules.start(node).node)
        else:
            member = self.members[node]
        turn = take(member, event, self.rule)
        refused = isinstance(event, Restart) and isinstance(turn.outcome, Refused)
        self.members[node] = Member(rules.start(node).node) if refused else turn.after
        return turn.outcome

    def drain(self, node: NodeId) -> tuple[Action, ...]:
        member = self.members[node]
        owed, after = drain(member)
        self.members[node] = Member(after)
        return owed

    def observe(self, node: NodeId) -> Observed:
        return observed(self.members[node].node)

    def log(self, node: NodeId) -> Log:
        return self.members[node].node.log
