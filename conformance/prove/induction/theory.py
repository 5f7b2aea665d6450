"""What z3 is told of a cluster of some size, what a step of it comes to, and what it has to keep.

Hypotheses: all lemmas, of the cluster before the step, and the claims of the messages concerned.
The step is the specification's code, run on the acting server once for each path.  Goals: all
lemmas of the cluster after it, the claims of what is sent or owed anew, and those of an arbitrary
older message of every kind.  Whether they follow is for the `prover` to see.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, TypeVar

import z3

from conformance.prove.induction.actor import Actor
from conformance.prove.induction.events import STALE_NOW, Happening, Ran
from conformance.prove.induction.messages import owed_claims, sent_claims
from conformance.prove.statements import claims
from conformance.prove.statements.claims import Claim
from conformance.prove.statements.goals import Goal, ends, older, older_name, stands_for_all
from conformance.prove.statements.lemma import Lemma, Server
from conformance.prove.statements.lemmas import LEMMAS, may_be_chosen
from conformance.prove.statements.logic import Formula, both, choose, implies
from conformance.prove.statements.solvers import ALL, GROUPS, NEEDED, PLAIN
from conformance.prove.statements.statements import (
    NODES,
    SKOLEMS,
    at_goals,
    choosable_means,
    claims_of,
    hypothesis,
    instances,
    seen,
)
from conformance.prove.statements.views import (
    ACTOR,
    TERM_OF,
    After,
    Before,
    Changes,
    Part,
    Read,
    Reading,
)
from conformance.symbolic.number import Number
from conformance.symbolic.paths import Path, Paths
from spec import rules
from spec.cluster import Rule
from spec.values import (
    Follower,
    Leader,
    NodeId,
    ReadIndex,
    Refused,
    RequestVoteReply,
    Restart,
    SaveVotedFor,
    SendMessage,
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Consequence:
    """What a path has come to, as z3 sees it."""

    actor: Actor
    ran: Ran
    after: After
    news: list[tuple[claims.Message, bool]]
    known: list[Formula]


class Theory:
    """The lemmas of a fixed membership, for `size` voters, and the steps of a rule.

    A subclass says what is otherwise where membership changes.  An instance keeps nothing but
    formulas that were made before.
    """

    lemmas: ClassVar[Sequence[Lemma]] = LEMMAS
    may_be_chosen: ClassVar[Callable[..., Formula]] = staticmethod(may_be_chosen)
    cluster: ClassVar[type[Before]] = Before
    actor: ClassVar[type[Actor]] = Actor
    after: ClassVar[type[After]] = After
    reading: ClassVar[type[Reading]] = Reading
    asked_first: ClassVar[str] = PLAIN
    """The solver that is asked whether anything at once speaks against a path."""

    def __init__(self, size: int, rule: Rule = rules.step, before: Before | None = None) -> None:
        self.size, self.rule = size, rule
        self.before = self.cluster(size) if before is None else before
        self._made: dict[Hashable, Any] = {}

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """What was made for this key before, or is made now."""
        if key not in self._made:
            self._made[key] = make()
        found: T = self._made[key]
        return found

    # What is told to z3

    def known(self) -> dict[str, list[Formula]]:
        """What each solver is told before there is a step."""
        every = frozenset(lemma.name for lemma in self.lemmas)
        return {
            PLAIN: self.plain(),
            **{group: self.hypotheses(names) for group, names in NEEDED.items()},
            ALL: [*self.hypotheses(every), choosable_means(self.before, self.may_be_chosen)],
        }

    def hypotheses(self, names: Container[str]) -> list[Formula]:
        return [
            hypothesis(lemma, self.before, chosen)
            for lemma in self.lemmas
            if lemma.name in names
            for chosen in self.told_of(lemma)
        ]

    def told_of(self, statement: Lemma | Claim) -> Iterator[tuple[Any, ...]]:
        """The nodes of which a statement is told."""
        return instances(statement.over, self.size)

    def asked_of(self, statement: Lemma | Claim) -> Iterator[tuple[Any, ...]]:
        """The nodes of which it has to be seen to hold."""
        return instances(statement.over, self.size)

    def claims_of(self, message: claims.Message, owed: bool) -> list[Claim]:
        return claims_of(message, owed)

    def older(self) -> tuple[Any, ...]:
        """Any message, of any sender to any receiver."""
        return older(self.size)

    def plain(self) -> list[Formula]:
        """Lemmas of a server's own numbers.  Most goals follow from these, and from the same of the
        cluster before the step, at the same numbers.
        """
        v, term, i = self.before, SKOLEMS["T"], SKOLEMS["i"]
        found = [
            lemma.holds(v, *chosen)
            for lemma in self.lemmas
            if all(kind in NODES for kind in lemma.over)
            for chosen in self.told_of(lemma)
        ]
        return [*found, v.choosable(term, i) == self.may_be_chosen(v, term, i)]

    def asked(self, goal: Goal, made: Consequence) -> Iterator[tuple[tuple[str, ...], Goal]]:
        """The solvers that are asked for it, one after another; a goal may have parts."""
        yield (GROUPS[goal.statement], ALL) if goal.statement in GROUPS else (ALL,), goal

    def claimed(self, message: claims.Message, owed: bool) -> list[Formula]:
        known = [
            hypothesis(one, self.before, chosen, message)
            for one in self.claims_of(message, owed)
            for chosen in self.told_of(one)
        ]
        if isinstance(message, claims.AppendCall):
            known += [seen(self.before.tlog(message.term, index)) for index in message.window]
            known.append(seen(self.before.tlog(message.term, message.prev_index)))
        if isinstance(message, claims.Install):
            known.append(seen(self.before.tlog(message.term, message.last_index)))
        return known

    def hints(self, actor: Actor, message: claims.Message) -> list[Formula]:
        """What z3 has to look at because of a message."""
        before, was = self.before, actor.server
        hints: list[Any] = []
        if isinstance(message, claims.AppendCall):
            hints = [before.tlog(message.term, was.commit)]
        if isinstance(message, claims.Install):
            index = message.last_index
            terms = [was.term, was.disk_term, SKOLEMS["T"]]
            hints = [
                before.commit_term(index),
                before.actor.log(index),
                before.actor.disk_log(index),
            ]
            hints += [before.tlog(term, index) for term in terms]
        return [seen(hint) for hint in hints]

    def of_consequences(self) -> list[Formula]:
        """What z3 has to know besides the lemmas, to see what follows from them."""
        return []

    # A step

    def consequence(self, actor: Actor, happening: Happening) -> Consequence:
        """The cluster after the step, the messages that are new, and what is known of entries."""
        ran = happening.run(self.rule)
        turn, after = ran.turn, ran.after
        new = actor.changed(after, ran.log, ran.disk_log)
        if happening.crashes:
            new |= {"owes_term": False, "owes_vote": False, "owes_write": False}
            new["synced"] = new["last"]
        server = replace(actor.server, **new)
        news = [(one, False) for one in sent_claims(actor, turn)]
        if not happening.crashes:
            news += [(one, True) for one in owed_claims(actor, after, actor.member.pending)]
        changes = self.changes(actor, ran, server)
        known = self.of_new_entry(actor, ran)
        parts: set[Part] = {(name, ACTOR) for name in new}
        return Consequence(actor, ran, self.after(self.before, server, parts, changes), news, known)

    def of_new_entry(self, actor: Actor, ran: Ran) -> list[Formula]:
        """The entry that a leader has made, if it made one; and what z3 has to look at."""
        node, term = ran.after.node, actor.paths.term
        if node.log is actor.member.node.log or isinstance(ran.turn.event, Restart):
            return []
        made = [
            TERM_OF(actor.created) == term(entry.term)
            for entry in node.log.entries
            if z3.eq(actor.entry(entry), actor.created)
        ]
        return made[:1]

    def changes(self, actor: Actor, ran: Ran, server: Server) -> Changes:
        """What the step wrote into the history."""
        before, after, term = ran.turn.before, ran.after, actor.paths.term
        node = after.node
        leads = commit = acked = None
        told: int | None = None
        if isinstance(node.role, Leader):
            if node.log is not before.node.log or not isinstance(before.node.role, Leader):
                leads = server.last, server.log
            if node.commit_index is not before.node.commit_index:
                commit = term(node.commit_index)
        for done in ran.turn.executed:
            match done.action:
                case SaveVotedFor(voted_for) if voted_for == ACTOR:
                    told = ACTOR
                case SendMessage(to, RequestVoteReply(_, _, _, True)):
                    told = to
        disk = after.disk
        if disk.log is not before.disk.log:
            last, of = actor.end_on_disk(disk.log)
            own = both(last >= 1, term(disk.current_term) >= 1, of == term(disk.current_term))
            acked = term(disk.current_term), choose(own, last, z3.IntVal(0))
        read = None if ran.read is None else self.read_of(actor, ran.read)
        return Changes(server.term, leads, commit, told, acked, read)

    def read_of(self, actor: Actor, read: ReadIndex) -> Read:
        """The read that the step took, and who had left its term then."""
        term, seqno = actor.paths.term(read.term), actor.paths.term(read.seqno)
        disks = [self.before.server(n).disk_term for n in range(self.size)]
        return Read(term, seqno, STALE_NOW, tuple([disk > term for disk in disks]))

    def stones(self, made: Consequence) -> list[Formula]:
        """What many goals rest on, if it follows: that an entry may be chosen which a leader counts
        as committed, and that what may still be chosen after the step could be chosen before it.
        """
        before, after, changes = self.before, made.after, made.after.changes
        stones: list[Formula] = []
        if changes.commit is not None:
            stones.append(before.choosable(changes.term, changes.commit))
        if ("choosable", None) in after.changed:
            at = SKOLEMS["T"], SKOLEMS["i"]
            stones.append(implies(after.choosable(*at), before.choosable(*at)))
        return stones

    def alike(self, paths: Paths, path: Path[Consequence]) -> frozenset[NodeId]:
        """The servers of which the step knows no more of one than of another: their names may be
        exchanged in all that is known, so that what is proved of one is proved of all.
        """
        assert path.result is not None
        actor = path.result.actor
        asked = {paths.names[number] for atom, _ in path.conditions for number, _ in atom.terms}
        apart = actor.apart | {peer for name, peer in actor.progress.items() if name in asked}
        return frozenset(range(self.size)) - apart

    # What it has to keep

    def goals(
        self, made: Consequence, happening: Happening, alike: frozenset[NodeId] = frozenset()
    ) -> Iterator[Goal]:
        """What has to be seen to hold after the step; of servers that are alike, once."""
        after = made.after
        outcome = made.ran.turn.outcome
        if isinstance(outcome, Refused) and outcome.reason == "invariant":
            yield Goal(f"never refused: {outcome.why}", False)
            return
        for lemma in self.lemmas:
            for chosen in self.asked_of(lemma):
                if stands_for_all(chosen, alike) and after.changed & self.reads(lemma, chosen):
                    formula = at_goals(lemma, after, chosen)
                    hinted = self.with_hints(formula, after)
                    yield Goal(f"{lemma.name}{list(chosen)}", hinted, self.was(lemma, chosen))
        for message, owed in made.news:
            for one in self.claims_of(message, owed):
                for chosen in self.asked_of(one):
                    formula = at_goals(one, after, chosen, message)
                    yield Goal(f"{one.name} (new)", self.with_hints(formula, after))
        yield from of_calls(made)
        for message in self.older():
            if not stands_for_all(ends(message), alike):
                continue
            for owed in (False, True):
                if owed and message.sender == ACTOR and is_void(message, made.ran, happening):
                    continue
                for one in self.claims_of(message, owed):
                    for chosen in self.asked_of(one):
                        if after.changed & self.reads(one, chosen, message):
                            formula = at_goals(one, after, chosen, message)
                            kept = z3.Implies(self.known_of(message, owed), formula)
                            hinted = self.with_hints(kept, after)
                            before = self.claimed_before(message, owed)
                            yield Goal(older_name(one, message), hinted, before, formula)

    def was(self, lemma: Lemma, chosen: tuple[int, ...]) -> Formula:
        """A lemma of the cluster before the step, at the numbers of the goals."""
        return self.once(("was", lemma.name, chosen), lambda: at_goals(lemma, self.before, chosen))

    def claimed_before(self, message: claims.Message, owed: bool) -> Formula:
        """What a message claimed then, at the numbers of the goals."""

        def make() -> Formula:
            return both(
                *[
                    at_goals(one, self.before, chosen, message)
                    for one in self.claims_of(message, owed)
                    for chosen in self.told_of(one)
                ]
            )

        return self.once(("claimed", message, owed), make)

    def known_of(self, message: claims.Message, owed: bool) -> Formula:
        """What it claimed then, for all numbers."""
        return self.once(("known", message, owed), lambda: both(*self.claimed(message, owed)))

    def reads(
        self, statement: Lemma | Claim, chosen: tuple[int, ...], *message: claims.Message
    ) -> frozenset[Part]:
        """The parts of a view that a lemma or a claim reads."""

        def make() -> frozenset[Part]:
            reading = self.reading(self.before)
            at_goals(statement, reading, chosen, *message)
            return frozenset(reading.read)

        return self.once(("reads", statement.name, chosen, *message), make)

    def with_hints(self, formula: Formula, after: After) -> Formula:
        """Make z3 look at what may be chosen for the numbers of the goal."""
        if isinstance(formula, bool):
            return formula
        hints = [self.before.choosable(SKOLEMS["T"], SKOLEMS["i"])]
        if after.changes.commit is not None:
            hints.append(self.before.choosable(after.changes.term, after.changes.commit))
        return z3.Implies(z3.And([seen(hint) for hint in hints]), formula)


def is_void(message: claims.Message, ran: Ran, happening: Happening) -> bool:
    """Whether what the acting server owed is owed no more: it has crashed, or is in a new term, or
    may call nobody now.
    """
    before, after = ran.turn.before.pending, ran.after.pending
    if happening.crashes or (after.save_current_term and not before.save_current_term):
        return True
    match message:
        case claims.CallAll() | claims.CallOne():
            # What becomes of any other is known only where the role is.
            return isinstance(ran.after.node.role, Follower)
    return False


def of_calls(made: Consequence) -> Iterator[Goal]:
    """That a leader's nextIndex lies within its log, and the number of its calls to one is one that
    it has given: all that is known of these.
    """
    before, node, term = made.ran.turn.before.node, made.ran.after.node, made.actor.paths.term
    if not isinstance(node.role, Leader) or node.role is before.role:
        return
    for peer in node.role.peers:
        if isinstance(peer.next, (int, Number)):
            within_log = both(term(peer.next) >= 1, term(peer.next) <= term(node.log.last_index))
            yield Goal(f"nextIndex[{peer.node}]", within_log)
        if isinstance(peer.probe, (int, Number)):
            given = both(term(peer.probe) >= 0, term(peer.probe) <= term(node.seqno))
            yield Goal(f"probe[{peer.node}]", given)
