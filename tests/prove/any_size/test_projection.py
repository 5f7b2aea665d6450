"""What a step does to a server and one peer does not depend on the other peers, nor on their names.

The induction of any number of voters runs the code on three names, of which one stands for all
other peers.  Here that is held against plain runs of clusters of 2 to 15: of each turn all but the
server, the sender and one more peer are left out, and what the two rules about quorums said stays
said.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from random import Random
from typing import Any

import pytest

from conformance.prove.induction.answers import answering
from conformance.subjects.patched import in_rules, patched_rule
from spec import rules
from spec import values as v
from spec.cluster import Member, Rule, Turn, execute, rules_of, take
from spec.pending import Pending
from tests.prove.runs import events


@dataclass(frozen=True, slots=True)
class Left:
    """What is left of values where only these nodes are."""

    nodes: frozenset[v.NodeId]

    def config(self, of: v.Config) -> v.Config:
        assert not of.is_joint
        return v.Config(of.voters & self.nodes)

    def entries(self, of: v.Entries) -> tuple[v.Entry, ...]:
        return tuple(
            v.Entry(term, self.config(payload) if isinstance(payload, v.Config) else payload)
            for term, payload in of
        )

    def log(self, of: v.Log) -> v.Log:
        config, entries = self.config(of.snapshot_config), self.entries(of.entries)
        return v.new_log(of.snapshot_position, config, entries)

    def node(self, of: v.Node) -> v.Node:
        role = of.role
        match role:
            case v.Leader(peers):
                role = replace(role, peers=tuple(one for one in peers if one.node in self.nodes))
            case v.Candidate(granted):
                role = replace(role, granted=granted & self.nodes)
        return of._replace(role=role, log=self.log(of.log))

    def action(self, of: v.Action) -> v.Action | None:
        match of:
            case v.AppendLogEntries(prev, entries):
                return v.AppendLogEntries(prev, self.entries(entries))
            case v.BroadcastMessage(message, to):
                left = tuple(n for n in to if n in self.nodes)
                return v.BroadcastMessage(self.message(message), left)
            case v.SendMessage(to, message):
                return v.SendMessage(to, self.message(message)) if to in self.nodes else None
            case v.InstallSnapshot(to):
                return of if to in self.nodes else None
        return of

    def message(self, of: v.Message) -> v.Message:
        if isinstance(of, v.AppendEntriesCall):
            return replace(of, entries=self.entries(of.entries))
        return of

    def actions(self, of: tuple[v.Action, ...]) -> tuple[v.Action, ...]:
        return tuple(left for one in of if (left := self.action(one)) is not None)

    def pending(self, of: Pending) -> Pending:
        append: Any = None if of.append is None else self.action(of.append)
        sends: Any = self.actions(of.sends)
        calls = tuple(to for to in of.calls if to in self.nodes)
        return of._replace(calls=calls, append=append, sends=sends)

    def member(self, of: Member) -> Member:
        disk = of.disk._replace(log=self.log(of.disk.log))
        return Member(self.node(of.node), self.pending(of.pending), disk, of.up)

    def event(self, of: v.Event) -> v.Event:
        match of:
            case v.Receive(message):
                return v.Receive(self.message(message))
            case v.SnapshotInstalled(position, config):
                return v.SnapshotInstalled(position, self.config(config))
            case v.Restart():
                return replace(of, log=self.log(of.log))
            case v.CreateCluster(voters):
                return v.CreateCluster(voters & self.nodes)
        return of

    def turn(self, of: Turn) -> tuple[Any, ...]:
        executed = self.actions(tuple(one.action for one in of.executed))
        return self.member(of.after), of.outcome, executed


class Quorums:
    """What the two rules say of a turn; then the same again."""

    def __init__(self, rule: Rule) -> None:
        self.said: list[Any] = []
        self.again: Iterator[Any] = iter(())
        of = rules_of(rule)
        self.rules = {name: getattr(of, name) for name in ("has_quorum", "quorum_index")}

    def asked(self, name: str) -> Any:
        def ask(*args: Any) -> Any:
            self.said.append(self.rules[name](*args))
            return self.said[-1]

        return ask

    def repeat(self, *_: object) -> Any:
        return next(self.again)


def run(rule: Rule, turn: Turn, before: Member, event: v.Event | None) -> Turn:
    if event is not None:
        return take(before, event, rule)
    crash = None if turn.after.up else len(turn.executed)
    return execute(before, crash, rule)


def others(turn: Turn, size: int, random: Random) -> Iterator[frozenset[v.NodeId]]:
    """The server, who sent it a message or is named in the event, and one more; of many some."""
    event, apart = turn.event, {turn.node}
    match event:
        case v.Receive(message):
            apart |= {message.sender}
        case v.TransferLeadership(to):
            apart |= {to}
    rest = [n for n in range(size) if n not in apart]
    for one in random.sample(rest, min(2, len(rest))):
        yield frozenset({*apart, one})
    if not rest:
        yield frozenset(apart)


def differing(rule: Rule, size: int, count: int, seen: Counter[str]) -> Iterator[str]:
    """The turns that are another one without some peers."""
    random = Random(size)
    for event in islice(events(size, count, seed=size, rule=rule), count):
        turn = event.change.turn
        if turn is None or turn.after is turn.before or (turn.event is None and turn.owed is None):
            continue
        quorums = Quorums(rule)
        asked = {name: quorums.asked(name) for name in quorums.rules}
        with answering(rule, **asked):
            whole = run(rule, turn, turn.before, turn.event)
        assert whole.after == turn.after
        seen["counted"] += any(type(one) is int for one in quorums.said)
        seen["elected"] += True in quorums.said
        seen["called"] += len(turn.executed) > 0
        for nodes in others(turn, size, random):
            left = Left(nodes)
            quorums.again = iter(quorums.said)
            happens = None if turn.event is None else left.event(turn.event)
            with answering(rule, **dict.fromkeys(quorums.rules, quorums.repeat)):
                part = run(rule, turn, left.member(turn.before), happens)
            seen["projected"] += 1
            actions = tuple(one.action for one in part.executed)
            if left.turn(whole) != (part.after, part.outcome, actions):
                yield f"{turn.event or turn.owed} of {size}, without all but {sorted(nodes)}"


def test_a_step_of_many_is_one_of_three_for_each_of_them() -> None:
    seen: Counter[str] = Counter()
    for size in range(2, 16):
        assert list(differing(rules.step, size, 150, seen)) == []
    assert all(seen[what] > 20 for what in ("counted", "elected", "called")), seen
    assert seen["projected"] > 1000


BUGS = {
    "what one holds is put down for those before it": (
        "progress if peer.node == progress.node else peer for peer",
        "progress._replace(node=peer.node) if peer.node <= progress.node else peer for peer",
    ),
    "only the first peers are called": (
        "return Taken(v.BroadcastMessage(message, node.peers), node, pending)",
        "return Taken(v.BroadcastMessage(message, node.peers[:3]), node, pending)",
    ),
    "a large cluster takes no calls of the same term": (
        "    # 1. A call of an earlier term is answered, and otherwise ignored (§5.1).\n"
        "    if call.term < node.current_term:\n",
        "    if call.term < node.current_term + (len(node.peers) > 6):\n",
    ),
}


@pytest.mark.parametrize("bug", BUGS)
def test_a_rule_that_tells_peers_apart_is_noticed(bug: str) -> None:
    rule = patched_rule(in_rules(*BUGS[bug]))
    assert any(True for size in (5, 9) for _ in differing(rule, size, 1500, Counter()))
