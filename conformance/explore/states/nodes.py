"""Servers' states, messages, histories as small integers; a node's transitions as a table.

Every distinct transition, of a server's state and an event, is computed once: by the rule of the
specification, and by the library from the same state, and the two are compared in all that a node
is made of.  What the properties say of one server, and of one turn of it, is asked there too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from threading import RLock
from types import FunctionType
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np

from conformance.explore.states.bounds import Bounds, Cost
from conformance.explore.states.steps import (
    Outcome,
    deliveries,
    exceeded,
    of_event,
    of_inputs,
    probes,
)
from conformance.explore.states.tables import ABSENT, Array, Grown, Hashed, Interned, Ints, Keys
from conformance.observe.checking import (
    check_history,
    check_pair,
    check_server,
    check_turn,
    check_with_history,
    seen_in,
)
from conformance.observe.finding import Difference, Finding
from conformance.subjects.patched import modules_of
from spec import rules
from spec.cluster import (
    Envelope,
    History,
    Member,
    Rule,
    Turn,
    new_cluster,
    remembered,
    sent,
    take,
)
from spec.values import Candidate, Follower, Leader, Node, Restart

INPUTS: Final = 0
"""The stimulus that stands for all inputs; a message's is its number, from 1 on."""

Sends: TypeAlias = tuple[int, ...]


Comparison: TypeAlias = Callable[[Turn], Difference | None]
"""Compares what the specification and the library make of one turn."""


class Emission(NamedTuple):
    """What a step hands to the network, and takes from the budgets."""

    sends: Sends
    cost: Cost


class Nodes:
    """The tables.  Numbers are given in the order of coming, and never change.

    For each outcome: the server's next state, its emission, its effect on the history (0: none),
    what is wrong with it (0: nothing), and whether its quorum has to be looked at.
    """

    MEMBER, EMISSION, EFFECT, WRONG, QUORUM = range(5)

    def __init__(
        self, bounds: Bounds, rule: Rule = rules.step, compare: Comparison | None = None
    ) -> None:
        self.bounds = bounds
        self.compare = compare
        self.lock = RLock()
        """Held by whoever has something computed that is not known yet."""
        self.members: Interned[Member] = Interned()
        self.envelopes: Interned[Envelope | None] = Interned()
        self.envelopes.number(None)  # 0: nothing is under way in this place
        self.histories: Interned[History] = Interned()
        self.emissions: Interned[Emission] = Interned()
        self.findings: Interned[Finding | None] = Interned()
        self.findings.number(None)  # 0: nothing is wrong
        self.effects: list[tuple[Turn, ...]] = [()]
        self.receiver = Grown()
        """By envelope: to whom it goes."""
        self.face = Grown()
        """By member: the number of what other servers' properties read of it."""
        self.wrong = Grown()
        """By member: what is wrong with it."""
        self.outcomes = Grown(5)
        self.spans = Grown(2, np.int64)
        """By transition: where its outcomes are, and how many."""
        self.asked = Grown(dtype=np.uint64)
        """By transition: its member and stimulus, in one number."""
        self.transitions = Hashed()
        self.witnesses: Counter[str] = Counter()
        self.rules: Counter[str] = Counter()
        self.turns = 0
        """How many different turns of a node there were: an event in a state, or a drain."""
        self.cut_by: set[str] = set()
        """The bounds because of which a step was not taken."""
        self._faces: Interned[Node] = Interned()
        self._pairs = Hashed()
        self._with_history = Hashed()
        self._history_wrong: dict[int, int] = {}
        self._remembered = Hashed()
        self._counter = RuleCounter(rule, self.rules)
        self.rule = self._counter.rule
        self.receiver.extend(np.zeros(1))

    def initial(self) -> tuple[list[int], int]:
        cluster = new_cluster(self.bounds.nodes)
        return [self.member(member) for member in cluster.members], self.history(cluster.history)

    # All that has been computed, for a checkpoint

    def values(self) -> dict[str, list[Any]]:
        return {
            "members": self.members.values,
            "envelopes": self.envelopes.values,
            "histories": self.histories.values,
            "emissions": self.emissions.values,
            "findings": self.findings.values,
            "effects": self.effects,
        }

    def arrays(self) -> dict[str, Grown]:
        return {
            name: getattr(self, name)
            for name in ("receiver", "face", "wrong", "outcomes", "spans", "asked")
        }

    def restore(self, values: dict[str, list[Any]], arrays: dict[str, Array]) -> None:
        """Take over what another one had computed, number by number."""
        for name, table in self.arrays().items():
            table.clear()
            table.extend(arrays[name])
        self.effects[:] = values["effects"]
        for name in ("members", "envelopes", "histories", "emissions", "findings"):
            interned: Interned[Any] = getattr(self, name)
            for value in values[name]:
                interned.number(value)
        for member in self.members.values:
            self._faces.number(_face(member.node))
        for number, history in enumerate(self.histories.values):
            self._history_wrong[number] = self._finding(check_history(history))
        asked = self.asked.rows.astype(np.uint64)
        self.transitions.clear()
        self.transitions.insert(asked, np.arange(len(asked)))

    # Numbers of single values

    def member(self, member: Member) -> int:
        known = len(self.members)
        number = self.members.number(member)
        if number == known:
            self.face.extend(np.array([self._faces.number(_face(member.node))]))
            self.wrong.extend(np.array([self._finding(self._judge(member))]))
        return number

    def envelope(self, envelope: Envelope) -> int:
        known = len(self.envelopes)
        number = self.envelopes.number(envelope)
        if number == known:
            self.receiver.extend(np.array([envelope.to]))
        return number

    def history(self, history: History) -> int:
        known = len(self.histories)
        number = self.histories.number(history)
        if number == known:
            self._history_wrong[number] = self._finding(check_history(history))
        return number

    def _finding(self, finding: Finding | None) -> int:
        return self.findings.number(finding)

    def _judge(self, member: Member) -> Finding | None:
        broken: Finding | None = check_server(member)
        if broken is None and self.compare is not None:
            for event in probes(member.node):
                broken = broken or self.compare(take(member, event, self.rule))
        return broken

    # Transitions

    def spans_of(self, members: Ints, stimulus: Ints) -> tuple[Ints, Ints]:
        """Where the outcomes of each member and stimulus are, and how many."""
        keys = (members.astype(np.uint64) << np.uint64(32)) | stimulus.astype(np.uint64)
        found = _filled(self.transitions, keys, self._transition)
        spans = self.spans.rows[found]
        return spans[:, 0], spans[:, 1]

    def outcomes_of(self, member: Member, stimulus: int) -> list[Outcome]:
        """The outcomes within the bounds, different ones only."""
        if stimulus == INPUTS:
            found: Iterable[Outcome] = of_inputs(member, self.bounds, self.rule)
        else:
            envelope = self.envelopes[stimulus]
            assert envelope is not None
            found = (
                outcome
                for _, event, cost in deliveries(envelope.content, self.bounds)
                for outcome in of_event(member, event, cost, self.bounds, self.rule)
            )
        different: dict[object, Outcome] = {}
        for outcome in found:
            beyond = exceeded(outcome, self.bounds)
            self.cut_by.update(beyond)
            if not beyond:
                made = self.emission(outcome), outcome.after, _told(outcome)
                different.setdefault(made, outcome)
        return list(different.values())

    def emission(self, outcome: Outcome) -> int:
        sends = [self.envelope(one) for turn in outcome.turns for one in sent(turn)]
        return self.emissions.number(Emission(tuple(sorted(sends)), outcome.cost))

    def _transition(self, key: int) -> int:
        member, stimulus = self.members[key >> 32], key & 0xFFFFFFFF
        rows = []
        with self._counter:
            outcomes = self.outcomes_of(member, stimulus)
        compared: dict[int, int] = {}
        for outcome in outcomes:
            wrong = 0
            for turn in outcome.turns:
                if id(turn) not in compared:
                    compared[id(turn)] = self._finding(self._check(turn))
                    self.turns += 1
                wrong = wrong or compared[id(turn)]
            rows.append(
                (
                    self.member(outcome.after),
                    self.emission(outcome),
                    self._effect(outcome.turns),
                    wrong,
                    any(takes_quorum(turn) for turn in outcome.turns),
                )
            )
        start = self.outcomes.extend(np.array(rows, np.int32).reshape(-1, 5))
        self.asked.extend(np.array([key], np.uint64))
        return self.spans.extend(np.array([[start, len(rows)]]))

    def _check(self, turn: Turn) -> Finding | None:
        self.witnesses.update(seen_in(turn))
        broken: Finding | None = check_turn(turn)
        if self.compare is not None:
            broken = self.compare(turn) or broken
        return broken

    def _effect(self, turns: tuple[Turn, ...]) -> int:
        if not any(is_memorable(turn) for turn in turns):
            return 0
        self.effects.append(turns)
        return len(self.effects) - 1

    def remembered(self, histories: Ints, effects: Ints) -> Ints:
        """Each history once the effect is written down in it."""
        keys = (histories.astype(np.uint64) << np.uint64(32)) | effects.astype(np.uint64)

        def remember(key: int) -> int:
            history = self.histories[key >> 32]
            for turn in self.effects[key & 0xFFFFFFFF]:
                history = remembered(history, turn)
            return self.history(history)

        return _filled(self._remembered, keys, remember)

    # Properties of states, by numbers

    def wrong_pairs(self, one: Ints, other: Ints) -> Ints:
        """What is wrong with each two servers, of which the first has the lower name."""
        faces = self.face.rows
        keys = (faces[one].astype(np.uint64) << np.uint64(32)) | faces[other].astype(np.uint64)

        def judge(key: int) -> int:
            a, b = self._faces[key >> 32], self._faces[key & 0xFFFFFFFF]
            return self._finding(check_pair(a, b))

        return _filled(self._pairs, keys, judge)

    def wrong_with_history(self, members: Ints, histories: Ints) -> Ints:
        faces = self.face.rows[members].astype(np.uint64)
        keys = (faces << np.uint64(32)) | histories.astype(np.uint64)

        def judge(key: int) -> int:
            history = key & 0xFFFFFFFF
            broken = check_with_history(self._faces[key >> 32], self.histories[history])
            return self._finding(broken) or self._history_wrong[history]

        return _filled(self._with_history, keys, judge)


def _filled(table: Hashed, keys: Keys, compute: Callable[[int], int]) -> Ints:
    """The value of each key, computed where it is not known yet."""
    found = table.find(keys)
    missing = found == ABSENT
    if missing.any():
        new = np.unique(keys[missing])
        table.insert(new, np.array([compute(int(key)) for key in new], np.int64))
        found[missing] = table.find(keys[missing])
    return found


def _told(outcome: Outcome) -> History:
    """What a history learns of it: two that leave the same behind may differ in that alone."""
    history = History()
    for turn in outcome.turns:
        history = remembered(history, turn)
    return history


def _face(node: Node) -> Node:
    """The node without what no property of two servers reads: what its role knows, its calls."""
    kind = type(node.role)
    role: Any = Follower()
    if kind is Leader:
        role = Leader(())
    elif kind is Candidate:
        role = Candidate(frozenset())
    return node._replace(role=role, seqno=0)


def takes_quorum(turn: Turn) -> bool:
    """Whether a leader was made, or advanced its commit index."""
    before, after = turn.before.node, turn.after.node
    if before is after or isinstance(turn.event, Restart):
        return False
    if isinstance(before.role, Leader):
        return after.commit_index > before.commit_index
    return isinstance(after.role, Leader)


def is_memorable(turn: Turn) -> bool:
    """Whether the history may learn of a turn: a vote, a leader, a commitment."""
    before, after = turn.before.node, turn.after.node
    return (
        remembered(History(), turn._replace(after=turn.before)) != History()
        or after.commit_index > before.commit_index
        or (isinstance(after.role, Leader) and not isinstance(before.role, Leader))
    )


class RuleCounter:
    """Counts in how many transitions a rule of `spec.rules` took part.

    `rule` is the rule as it was, of functions that are the same and note that they were called.
    One that is no function of a module, as the library in the specification's place, is left alone.
    """

    def __init__(self, rule: Rule, counts: Counter[str]) -> None:
        self._counts = counts
        self._seen: set[str] = set()
        self.rule = rule
        if rule.__globals__.get(rule.__name__) is not rule:
            return
        spaces = {module.__name__: dict(vars(module)) for module in modules_of(rule)}
        copies: dict[object, Callable[..., Any]] = {}
        for space in spaces.values():
            for name, value in space.items():
                if isinstance(value, FunctionType) and value.__module__ in spaces:
                    names = spaces[value.__module__]
                    copy = FunctionType(value.__code__, names, name, value.__defaults__)
                    copies[value] = copy if name in QUESTIONS else self._noting(name, copy)
        for space in spaces.values():
            for name, value in list(space.items()):
                if isinstance(value, FunctionType):
                    space[name] = copies.get(value, value)
        self.rule = copies[rule]

    def _noting(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        self._counts[name] += 0
        note = self._seen.add

        def noted(*args: Any) -> Any:
            note(name)
            return function(*args)

        return noted

    def __enter__(self) -> None:
        self._seen.clear()

    def __exit__(self, *_: object) -> None:
        self._counts.update(self._seen)


QUESTIONS: Final = (
    "commit_status",
    "could_be_disruptive",
    "drained",
    "refused",
    "start",
    "step",
    "term_first",
)
"""Functions of `spec.rules` that are no rules; and two without which there is no run at all."""
