"""Servers' states, messages, histories as small integers; a node's transitions as a table.

Every distinct transition, of a server's state and an event, is computed once: by the rule of the
specification, and by the library from the same state, and the two are compared in all that a node
is made of.  What the properties say of one server, and of one turn of it, is asked there too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from functools import reduce
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
from conformance.explore.states.tables import (
    Array,
    GrowableArray,
    HashIndex,
    Interner,
    Ints,
    Rows,
    pack,
)
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
    Cluster,
    Envelope,
    History,
    Member,
    Rule,
    Turn,
    after_turn,
    new_cluster,
    remembered,
    sent,
    take,
)
from spec.values import Candidate, Follower, Leader, Node, NodeId, ReadIndex, Restart

INPUTS: Final = 0
"""The stimulus that stands for all inputs; a message's is its number, from 1 on."""

Comparison: TypeAlias = Callable[[Turn], Difference | None]
"""Compares what the specification and the library make of one turn."""


class Emission(NamedTuple):
    """What a step hands to the network, and takes from the budgets."""

    sends: tuple[int, ...]
    cost: Cost


INTERNED: Final = ("members", "envelopes", "histories", "emissions", "findings")
ARRAYS: Final = ("receiver", "projection", "wrong", "outcomes", "spans", "keys")


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
        self.members = Interner[Member](note=self._note_member)
        self.envelopes = Interner[Envelope | None](None, note=self._note_envelope)
        """0: nothing is under way in this place."""
        self.histories = Interner[History](note=self._note_history)
        self.emissions = Interner[Emission]()
        self.findings = Interner[Finding | None](None)
        """0: nothing is wrong."""
        self.effects: list[tuple[Turn, ...]] = [()]
        self.receiver = GrowableArray()
        """By envelope: to whom it goes."""
        self.projection = GrowableArray()
        """By member: the number of what other servers' properties read of it."""
        self.wrong = GrowableArray()
        """By member: what is wrong with it."""
        self.reads = GrowableArray()
        """By member: the number of the read that it would take; 0: none."""
        self.outcomes = GrowableArray(5)
        self.spans = GrowableArray(2, np.int64)
        """By transition: where its outcomes are, and how many."""
        self.keys = GrowableArray(dtype=np.uint64)
        """By transition: its member and stimulus, in one number."""
        self.transitions = HashIndex()
        self.witnesses: Counter[str] = Counter()
        self.rules: Counter[str] = Counter()
        self.turns = 0
        """How many different turns of a node there were: an event in a state, or a drain."""
        self.cut_by: set[str] = set()
        """The bounds because of which a step was not taken."""
        self._projections = Interner[Node]()
        self._pairs = HashIndex()
        self._with_history = HashIndex()
        self._history_wrong: list[int] = []
        self._is_stale = GrowableArray()
        """By history: whether some leader's reads are stale."""
        self._reads = Interner[tuple[NodeId, ReadIndex] | None](None)
        self._readers: list[Member | None] = [None]
        """By read: a member that would take it."""
        self._nobody = new_cluster(bounds.nodes).members
        """Members that would take none."""
        self._memories = Rows(2 + bounds.nodes)
        """Histories with an effect, and the reads of the servers."""
        self._remembered = GrowableArray()
        """By number of such a row: the history after it."""
        self._counter = RuleCounter(rule, self.rules)
        self.rule = self._counter.rule
        self.receiver.append(0)

    # All that has been computed, for a checkpoint

    def values(self) -> dict[str, list[Any]]:
        interned = {name: getattr(self, name).values for name in INTERNED}
        return {**interned, "effects": self.effects}

    def arrays(self) -> dict[str, Array]:
        return {name: getattr(self, name).rows for name in ARRAYS}

    def restore(self, values: dict[str, list[Any]], arrays: dict[str, Array]) -> None:
        for name in ARRAYS:
            table: GrowableArray = getattr(self, name)
            table.clear()
            table.extend(arrays[name])
        self.effects[:] = values["effects"]
        for name in INTERNED:
            getattr(self, name).restore(values[name])
        self.reads.clear()
        for member in self.members.values:
            self._projections.number(projection(member.node))
            self._note_read(member)
        self._history_wrong.clear()
        self._is_stale.clear()
        for history in self.histories.values:
            self._note_history(history)
        keys = self.keys.rows.astype(np.uint64)
        self.transitions.clear()
        self.transitions.insert(keys, np.arange(len(keys)))

    # What is known of each value once it has a number

    def _note_member(self, member: Member) -> None:
        self.projection.append(self._projections.number(projection(member.node)))
        self.wrong.append(self.findings.number(self._judge(member)))
        self._note_read(member)

    def _note_read(self, member: Member) -> None:
        read = read_of(member)
        number = self._reads.number(None if read is None else (member.node.id, read))
        if number == len(self._readers):
            self._readers.append(member)
        self.reads.append(number)

    def _note_envelope(self, envelope: Envelope | None) -> None:
        assert envelope is not None
        self.receiver.append(envelope.to)

    def _note_history(self, history: History) -> None:
        self._history_wrong.append(self.findings.number(check_history(history)))
        self._is_stale.append(bool(history.stale_reads))

    def _judge(self, member: Member) -> Finding | None:
        broken: Finding | None = check_server(member)
        if broken is None and self.compare is not None:
            for event in probes(member.node, self.bounds):
                turn = take(member, event, self.rule)
                if turn.after is member:
                    self.witnesses.update(seen_in(turn))
                broken = broken or self.compare(turn)
        return broken

    # Transitions

    def spans_of(self, members: Ints, stimulus: Ints) -> tuple[Ints, Ints]:
        """Where the outcomes of each member and stimulus are, and how many."""
        found = self.transitions.find_or_compute(pack(members, stimulus), self._transition)
        spans = self.spans.rows[found]
        return spans[:, 0], spans[:, 1]

    def outcomes_of(self, member: Member, stimulus: int) -> list[Outcome]:
        """The outcomes within the bounds, different ones only: in what a history learns, too."""
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
                made = (
                    self.emission(outcome),
                    outcome.after,
                    reduce(remembered, outcome.turns, History()),
                    reads_in(outcome.turns),
                )
                different.setdefault(made, outcome)
        return list(different.values())

    def emission(self, outcome: Outcome) -> int:
        sends = [self.envelopes.number(one) for turn in outcome.turns for one in sent(turn)]
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
                    compared[id(turn)] = self.findings.number(self._check(turn))
                    self.turns += 1
                wrong = wrong or compared[id(turn)]
            rows.append(
                (
                    self.members.number(outcome.after),
                    self.emission(outcome),
                    self._effect(outcome.turns),
                    wrong,
                    any(takes_quorum(turn) for turn in outcome.turns),
                )
            )
        start = self.outcomes.extend(np.array(rows, np.int32).reshape(-1, 5))
        self.keys.append(key)
        return self.spans.append((start, len(rows)))

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

    def remembered(self, rows: Array, effects: Ints) -> Ints:
        """The history of each row of members and history, once the effect is written down in it.

        Of the others no more matters than what reads they would take.
        """
        known = np.empty((len(rows), rows.shape[1] + 1), np.int32)
        known[:, :-2] = self.reads.rows[rows[:, :-1]]
        known[:, -2], known[:, -1] = rows[:, -1], effects
        numbers = self._memories.number(known)
        new = self._memories.rows[self._remembered.size :].tolist()
        self._remembered.extend(np.array([self._remember(row) for row in new], np.int32))
        found: Ints = self._remembered.rows[numbers].astype(np.int64)
        return found

    def _remember(self, row: list[int]) -> int:
        *reads, history, effect = row
        members = [
            self._readers[read] or other for read, other in zip(reads, self._nobody, strict=True)
        ]
        cluster = Cluster(tuple(members), history=self.histories[history])
        for turn in self.effects[effect]:
            cluster = after_turn(cluster, cluster, turn).after
        return self.histories.number(cluster.history)

    # Properties of states, by numbers

    def wrong_pairs(self, one: Ints, other: Ints) -> Ints:
        """What is wrong with each two servers, of which the first has the lower name."""

        def judge(key: int) -> int:
            a, b = self._projections[key >> 32], self._projections[key & 0xFFFFFFFF]
            return self.findings.number(check_pair(a, b))

        keys = pack(self.projection.rows[one], self.projection.rows[other])
        return self._pairs.find_or_compute(keys, judge)

    def wrong_with_history(self, members: Ints, histories: Ints) -> Ints:
        """Only where reads are stale it matters what a leader knows of who has answered it."""

        def judge(key: int) -> int:
            seen, history = key >> 32, key & 0xFFFFFFFF
            node = self.members[seen >> 1].node if seen & 1 else self._projections[seen >> 1]
            broken = check_with_history(node, self.histories[history])
            return self.findings.number(broken) or self._history_wrong[history]

        whole, part = 2 * members + 1, 2 * self.projection.rows[members].astype(np.int64)
        seen = np.where(self._is_stale.rows[histories] != 0, whole, part)
        return self._with_history.find_or_compute(pack(seen, histories), judge)


def projection(node: Node) -> Node:
    """The node without what no property of two servers reads: what its role knows, its calls."""
    match node.role:
        case Leader():
            return node._replace(role=Leader(()), seqno=0)
        case Candidate():
            return node._replace(role=Candidate(frozenset()), seqno=0)
    return node._replace(role=Follower(), seqno=0)


def takes_quorum(turn: Turn) -> bool:
    """Whether a leader was made, or advanced its commit index."""
    before, after = turn.before.node, turn.after.node
    if before is after or isinstance(turn.event, Restart):
        return False
    if isinstance(before.role, Leader):
        return after.commit_index > before.commit_index
    return isinstance(after.role, Leader)


def is_memorable(turn: Turn) -> bool:
    """Whether the history may learn of a turn: a vote, a leader, a commitment, a read."""
    before, after = turn.before.node, turn.after.node
    return (
        remembered(History(), turn._replace(after=turn.before)) != History()
        or after.commit_index > before.commit_index
        or (isinstance(after.role, Leader) and not isinstance(before.role, Leader))
        or (read_of(turn.before) is None) != (read_of(turn.after) is None)
    )


def reads_in(turns: tuple[Turn, ...]) -> tuple[ReadIndex | None, ...]:
    """What reads a server would take after each turn; those of who leads no more are forgotten."""
    if read_of(turns[-1].after) is None:
        return ()
    return tuple([read_of(turn.after) for turn in turns])


def read_of(member: Member) -> ReadIndex | None:
    """The read that a server would take."""
    return rules.read_index(member.node) if member.up else None


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

        def noted(*args: Any, **named: Any) -> Any:
            note(name)
            return function(*args, **named)

        return noted

    def __enter__(self) -> None:
        self._seen.clear()

    def __exit__(self, *_: object) -> None:
        self._counts.update(self._seen)


QUESTIONS: Final = (
    *("change_status", "commit_status", "could_be_disruptive", "would_vote"),
    *("confirmed", "is_confirmed", "pre_vote_call", "read_index"),
    "force_new_cluster",
    "refused",
    "start",
    "step",
    "term_first",
    *("append_call", "call_all", "call_one", "drained", "take_action", "take_all", "vote_call"),
)
"""Functions of `spec.rules` that are no rules; two without which there is no run at all; and those
of a drain, which are not called by `step`: witnesses tell what drains came by.  `force_new_cluster`
leaves the protocol.
"""
