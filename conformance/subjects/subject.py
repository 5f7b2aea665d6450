"""A subject: anything that behaves like nodes of a Raft cluster and can be asked how.

The vocabulary is the specification's.  A subject hosts as many nodes as it is handed events for;
`start` and `restart` bring one up.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from conformance.observe.finding import Part
from conformance.observe.observed import Observed, observed
from conformance.subjects.asking.questions import Answer, Asked
from spec import rules
from spec import values as v
from spec.cluster import Member, Rule, drain, take


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

    def answer(self, node: v.NodeId, asked: Asked) -> object:
        """What a node answers, in the specification's values."""


def answers_of_both(node: v.Node, other: Subject, asked: Iterable[Asked]) -> Iterator[Part]:
    """What a specified node answers, and the subject's node of that name."""
    for one in asked:
        question, argument = one
        specified, found = question.specified(node, argument), other.answer(node.id, one)
        yield question.name, Answer(argument, specified), Answer(argument, found)


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

    def answer(self, node: v.NodeId, asked: Asked) -> object:
        return asked.question.specified(self.members[node].node, asked.argument)
