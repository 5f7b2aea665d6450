"""What z3 is told of a cluster of any number of voters, and what its steps have to keep."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence
from functools import cache
from itertools import product
from typing import Any, ClassVar, Final

import z3

from conformance.prove.any_size.actor import BY_NAME, Actor, voter
from conformance.prove.any_size.statements import (
    LEMMAS,
    View,
    answered,
    claims_of,
    left,
    may_ack,
    may_be_chosen,
    overlap,
    told,
    within,
)
from conformance.prove.any_size.views import (
    ALL_NODES,
    ANY,
    After,
    Before,
    Changes,
    Read,
    Reading,
    X,
    Y,
)
from conformance.prove.induction.answers import INDEX
from conformance.prove.induction.events import STALE_NOW, Happening, Ran
from conformance.prove.induction.theory import Consequence, Theory
from conformance.prove.statements import claims
from conformance.prove.statements.claims import Claim
from conformance.prove.statements.goals import Goal
from conformance.prove.statements.lemma import NOBODY, Int, Lemma, Server
from conformance.prove.statements.logic import Formula, both
from conformance.prove.statements.statements import BOUND, NODES, SKOLEMS, hypothesis
from conformance.prove.statements.views import ACTOR, SENDER, entry_function
from conformance.symbolic.paths import Path, Paths
from spec import rules
from spec.cluster import Rule
from spec.values import Leader, NodeId, ReadIndex

NAMED: Final = (ACTOR, SENDER, X, Y)
"""The servers of which all lemmas are told."""
OF_ALL: Final = frozenset(
    {"LogTerms", "DiskLogTerms", "DiskIsMemory", "ToldIsSaved", "LeaderLog", "AckIsOfTerm"}
    | {"LogFromLeader", "DiskLogFromLeader"}
)
"""The lemmas that are told of all servers: where one occurs of which they say something."""


def of_all(lemma: Lemma, view: Any) -> Formula:
    """A lemma for all servers and numbers."""
    bound = BOUND | ALL_NODES
    args = [bound[kind] for kind in lemma.over]
    patterns = [
        pattern[0] if len(pattern) == 1 else z3.MultiPattern(*pattern)
        for pattern in lemma.patterns(view, *args)
    ]
    return z3.ForAll(args, lemma.holds(view, *args), patterns=patterns)


def counted_may_be_chosen(v: Any) -> Formula:
    """What a majority acknowledged may be chosen: acknowledging it is one way."""
    term, i = BOUND["T"], BOUND["i"]
    acknowledged = v.acked_by_majority(term, i)
    means = z3.Implies(acknowledged, v.may_ack_by_majority(term, i))
    mention = v.choosable(term, i) == may_be_chosen(v, term, i)
    return z3.ForAll([term, i], z3.And(means, mention), patterns=[acknowledged])


@cache
def any_messages() -> tuple[Any, ...]:
    """An arbitrary message of each kind, sender and receiver."""
    number, entries = z3.Int, entry_function("old_entry")
    term, last, index = number("old_term"), number("old_last"), number("old_index")
    commit, prev, at = number("old_commit"), number("old_prev"), number("old_at")
    seqno = number("old_seqno")
    found: list[claims.Message] = []
    for sender in (ACTOR, X):
        of: Any = sender
        found.append(claims.VoteCall(of, term, last, index))
        found.append(claims.AppendReply(of, term, last, index, seqno))
        found.append(claims.AppendCall(of, term, commit, prev, at, index, entries, seqno))
        found.append(claims.CallAll(of, term))
        for receiver in (Y,) if sender is ACTOR else (ACTOR, Y):
            to: Any = receiver
            found.append(claims.CallOne(of, to, term))
            found.append(claims.VoteReply(of, to, term, z3.Bool("old_granted")))
            found.append(claims.Install(of, to, term, last, index))
    return tuple(found)


class AnySize(Theory):
    """The lemmas of a fixed membership of any number of voters, and the steps of a rule."""

    lemmas: ClassVar[Sequence[Lemma]] = LEMMAS
    may_be_chosen: ClassVar[Callable[..., Formula]] = staticmethod(may_be_chosen)
    cluster: ClassVar[Any] = Before
    actor: ClassVar[Any] = Actor
    after: ClassVar[Any] = After
    reading: ClassVar[Any] = Reading
    before: Any

    def __init__(self, rule: Rule = rules.step) -> None:
        super().__init__(Before.size, rule)

    # What is told to z3

    def known(self) -> dict[str, list[Formula]]:
        known = super().known()
        return {name: [*self.others_differ(), *formulas] for name, formulas in known.items()}

    def others_differ(self) -> list[Formula]:
        return [one != of for one in (X, Y) for of in (ACTOR, NOBODY)]

    def hypotheses(self, names: Container[str]) -> list[Formula]:
        v = self.before
        found: list[Formula] = []
        for lemma in self.lemmas:
            if lemma.name in names and lemma.name in OF_ALL:
                found.append(of_all(lemma, v))
            elif lemma.name in names:
                found += [hypothesis(lemma, v, nodes) for nodes in self.told_of(lemma)]
        return [*found, *self.of_majorities()]

    def of_majorities(self) -> list[Formula]:
        return [counted_may_be_chosen(self.before)]

    def told_of(self, statement: Lemma | Claim) -> Iterator[tuple[Any, ...]]:
        return product(NAMED, repeat=sum(kind in NODES for kind in statement.over))

    def asked_of(self, statement: Lemma | Claim) -> Iterator[tuple[Any, ...]]:
        """The acting server, and any other one: X, or Y where X is the sender of a message."""
        other = dict.fromkeys(NODES, Y) if isinstance(statement, Claim) else ANY
        return product(*[(ACTOR, other[kind]) for kind in statement.over if kind in NODES])

    def claims_of(self, message: claims.Message, owed: bool) -> list[Claim]:
        return claims_of(message, owed)

    def older(self) -> tuple[Any, ...]:
        return any_messages()

    def alike(self, paths: Paths, path: Path[Consequence]) -> frozenset[NodeId]:
        return frozenset()

    def of_consequences(self) -> list[Formula]:
        """Of those who had left the term of a read, one has answered, if both are majorities."""
        v: View = self.before
        found: list[Formula] = []
        for n in (ACTOR, X):
            w = voter(f"who left and answered {n}")
            answers = v.answered_by_majority(n)
            found += [
                overlap(v.left_by_majority(), left(v), answers, answered(v, n), w),
                BY_NAME["LeftIsSilent"](v, n, w),
                BY_NAME["LeftForEver"](v, w),
            ]
        return found

    # A step

    def consequence(self, actor: Any, happening: Happening) -> Consequence:
        with actor.taken_at_their_word(self.rule):
            made = super().consequence(actor, happening)
        made.known.extend(actor.told)
        return made

    def changes(self, actor: Any, ran: Ran, server: Server) -> Any:
        made = super().changes(actor, ran, server)
        return Changes(made.term, made.leads, made.commit, made.told, made.acked, made.read)

    def read_of(self, actor: Any, read: ReadIndex) -> Any:
        term, seqno = actor.paths.term(read.term), actor.paths.term(read.seqno)
        by_majority = z3.Bool("left_by_majority_now")
        return Read(term, seqno, STALE_NOW, lambda n: self.had_left(n, term), by_majority)

    def had_left(self, n: Any, term: Int) -> Formula:
        return self.before.server(n).disk_term > term

    def of_new_entry(self, actor: Any, ran: Ran) -> list[Formula]:
        """What is known of the new entry, and of majorities that matter for it."""
        found = super().of_new_entry(actor, ran)
        before, node, term = ran.turn.before.node, ran.after.node, actor.paths.term
        t = term(node.current_term)
        if ran.read is not None:
            found += self.who_left(term(ran.read.term))
        if not isinstance(node.role, Leader):
            return found
        if not isinstance(before.role, Leader):
            found += self.elects(t)
        if node.log is not before.log:
            found += self.opens(t, term(node.log.last_index))
        return found

    def elects(self, t: Int) -> list[Formula]:
        """Of those who elect a server one may have elected another one in its term, or have
        acknowledged what may be chosen.
        """
        v: View = self.before
        me, other = z3.IntVal(ACTOR), v.lead(t)
        term, i = SKOLEMS["T"], SKOLEMS["i"]
        votes, w, u = v.told_by_majority(t, me), voter("elects both"), voter("elects and has")
        before = both(other != NOBODY, v.told_by_majority(t, other))
        may = v.may_ack_by_majority(term, i)
        return [
            overlap(votes, told(v, t, me), before, told(v, t, other), w),
            overlap(votes, told(v, t, me), may, may_ack(v, term, i), u),
            BY_NAME["ToldIsSaved"](v, u, t),
            BY_NAME["CandidatesHave"](v, u, ACTOR, term, i),
        ]

    def opens(self, t: Int, at: Int) -> list[Formula]:
        """Of those who may acknowledge a new entry one has elected the leader of a later term."""
        v: View = self.before
        found: list[Formula] = []
        for name, later in (("later", SKOLEMS["S"]), ("call", z3.Int("old_last"))):
            w, leader = voter(f"of {name}"), v.lead(later)
            led = both(leader != NOBODY, v.told_by_majority(later, leader))
            may = v.may_ack_by_majority(t, at)
            found += [
                overlap(may, may_ack(v, t, at), led, told(v, later, leader), w),
                BY_NAME["ToldIsSaved"](v, w, later),
                BY_NAME["AckIsOfTerm"](v, w, t),
            ]
        return found

    def who_left(self, term: Int) -> list[Formula]:
        """Who elected the leader that counted what makes a read stale."""
        v: View = self.before
        later, w = v.commit_term(z3.Int("beyond")), voter("left")
        leader = v.lead(later)
        elected = both(leader != NOBODY, v.told_by_majority(later, leader))
        elect, left_now = told(v, later, leader), z3.Bool("left_by_majority_now")
        return [
            within(elected, elect, left_now, lambda n: self.had_left(n, term), w),
            BY_NAME["ToldIsSaved"](v, w, later),
        ]

    # What it has to keep

    def goals(
        self, made: Consequence, happening: Happening, alike: frozenset[NodeId] = frozenset()
    ) -> Iterator[Goal]:
        actor: Any = made.actor
        for within_log in actor.required:
            yield Goal(INDEX, within_log)
        yield from super().goals(made, happening, alike)
