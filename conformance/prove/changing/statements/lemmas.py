"""The lemmas of a cluster whose membership changes (§6): those of a fixed one, with quorums of
configurations in the place of majorities, and what makes these overlap.

A configuration is an entry of the log.  Along the log of a term's leader `lc(T, i)` is the index of
the last configuration up to i, `lj(T, i)` that of the last joint one (0: none).  The *base* at i is
the voters that every quorum from there on has a majority of, until the next joint configuration is
left: the new voters of the last joint one, or those of the founding entry.

Why it is safe, in short.  Where the logs of two leaders part, both go on from the same base, and
every configuration in either asks for a majority of it, until that log leaves a joint one.  Leaving
takes that one to be committed, and then by the induction on terms both logs have it.

More history, which no rule reads:

- `el(T)`: how long the log of the leader of T was when it was elected.
- `kc(T)`: up to where that leader knew the log to be committed, when it last led.
- `since(j)`: up to where a leader had known the log to be committed, when it counted j first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, NamedTuple, Protocol, TypeAlias

from conformance.prove.any_size import statements as fixed
from conformance.prove.any_size.statements import Among, Node
from conformance.prove.statements.lemma import NOBODY, EntryTerm, Int, Lemma, LogOf, adds_to, within
from conformance.prove.statements.lemma import View as FixedView
from conformance.prove.statements.lemmas import candidacy, is_committed
from conformance.prove.statements.logic import (
    Formula,
    both,
    choose,
    either,
    implies,
    negation,
)
from conformance.prove.statements.statements import seen

Voters: TypeAlias = Any
"""Those of a configuration, old or new: a term of z3, or a set."""


class View(FixedView, Protocol):
    """`is_config`, `joint`, `old`, `new`: what an entry is, and who its voters are.

    The families are those of a fixed membership, for any voters: whether more than half of these
    are in such a set.
    """

    def is_config(self, entry: EntryTerm) -> Formula: ...
    def joint(self, entry: EntryTerm) -> Formula: ...
    def old(self, entry: EntryTerm) -> Voters: ...
    def new(self, entry: EntryTerm) -> Voters: ...
    def lc(self, term: Int, i: Int) -> Int: ...
    def lj(self, term: Int, i: Int) -> Int: ...
    def el(self, term: Int) -> Int: ...
    def kc(self, term: Int) -> Int: ...
    def since(self, j: Int) -> Int: ...
    def told_by_majority(self, voters: Voters, term: Int, n: Node) -> Formula: ...
    def acked_by_majority(self, voters: Voters, term: Int, i: Int) -> Formula: ...
    def may_ack_by_majority(self, voters: Voters, term: Int, i: Int) -> Formula: ...
    def stayed_by_majority(self, voters: Voters, term: Int, i: Int) -> Formula: ...


class Servers(NamedTuple):
    """A set of servers.  `by`: whether more than half of some voters are among them."""

    has: Among
    by: Callable[[Voters], Formula]


Holders: TypeAlias = Callable[[Int], Servers]
"""Who has, or may have, the entries up to an index."""


LEMMAS: list[Lemma] = []


lemma = adds_to(LEMMAS)


# Quorums of configurations, §6


def told(v: View, term: Int, n: Node) -> Servers:
    """Who told in a term that it votes for n."""
    return Servers(fixed.told(v, term, n), lambda voters: v.told_by_majority(voters, term, n))  # type: ignore[arg-type]


def acknowledged(v: View, term: Int) -> Holders:
    """Who did so in this term."""

    def up_to(i: Int) -> Servers:
        return Servers(fixed.acked(v, term, i), lambda voters: v.acked_by_majority(voters, term, i))  # type: ignore[arg-type]

    return up_to


def may_acknowledge(v: View, term: Int) -> Holders:
    """Who did so in this term, or still may."""

    def up_to(i: Int) -> Servers:
        may = fixed.may_ack(v, term, i)  # type: ignore[arg-type]
        return Servers(may, lambda voters: v.may_ack_by_majority(voters, term, i))

    return up_to


def in_stayed(v: View, term: Int, i: Int) -> Among:
    return lambda m: either(v.ack(m, term) >= i, negation(v.left(m)))


def stayed(v: View, term: Int) -> Holders:
    """Who acknowledged an index in the term of the read, or had not left the term: that is, who
    might acknowledge it when the read was taken.
    """

    def up_to(i: Int) -> Servers:
        return Servers(in_stayed(v, term, i), lambda voters: v.stayed_by_majority(voters, term, i))

    return up_to


def overlap(voters: Voters, one: Servers, other: Servers, witness: Node) -> Formula:
    """Two majorities of the same voters have a server in common: see the fixed membership."""
    return fixed.overlap(one.by(voters), one.has, other.by(voters), other.has, witness)


def quorum(v: View, config: EntryTerm, of: Servers) -> Formula:
    return both(of.by(v.old(config)), implies(v.joint(config), of.by(v.new(config))))


@dataclass(frozen=True, slots=True)
class Along:
    """A log, and where up to an index its last configuration is, and its last joint one."""

    entry: LogOf
    last_config: Callable[[Int], Int]
    last_joint: Callable[[Int], Int]

    def in_force(self, i: Int) -> EntryTerm:
        return self.entry(self.last_config(i))


def along_leader(v: View, term: Int) -> Along:
    """The log of a term's leader."""
    return Along(partial(v.tlog, term), partial(v.lc, term), partial(v.lj, term))


def base(v: View, log: Along, i: Int) -> Voters:
    j = log.last_joint(i)
    return choose(j == 0, v.old(v.founding), v.new(log.entry(j)))


# The lemmas of a fixed membership that speak of no majority

CHANGED: Final = ("Candidate", "Elected", "CountedIsChosen", "StaleWasLeft")
LEMMAS += [one for one in fixed.LEMMAS if one.name not in CHANGED]


@lemma(
    "A candidate voted for itself, which is told once it is saved, and does not lead; it has "
    "nothing of its own term."
)
def candidate(v: View, n: Node) -> Formula:
    s = v.server(n)
    nothing_of_its_own = v.term_of(s.log(s.last)) < s.term
    return candidacy(v, n, nothing_of_its_own)


@lemma(
    "A term's leader has that term on its disk; its log was longer than when it was elected.",
    "T",
    lambda v, term: [[v.lead(term)]],
)
def elected(v: View, term: Int) -> Formula:
    n = v.lead(term)
    return implies(
        n != NOBODY,
        both(
            within(1, term, v.server(n).disk_term),
            v.el(term) >= 1,
            v.el(term) < v.tlast(term),
            v.term_of(v.tlog(term, v.el(term))) < term,
            v.term_of(v.tlog(term, v.el(term) + 1)) == term,
            within(0, v.kc(term), v.tlast(term)),
        ),
    )


def elected_by(v: View, term: Int) -> EntryTerm:
    """The configuration in force when the term's leader was elected."""
    return v.tlog(term, v.lc(term, v.el(term)))


@lemma(
    "A quorum of the configuration that was in force then elected it.",
    "T",
    lambda v, term: [[v.lead(term)]],
)
def elected_by_quorum(v: View, term: Int) -> Formula:
    n = v.lead(term)
    return implies(n != NOBODY, quorum(v, elected_by(v, term), told(v, term, n)))


# Configurations along the log of a leader


def in_log(v: View, term: Int, first: Int, i: Int) -> Formula:
    return both(v.lead(term) != NOBODY, first <= i, i <= v.tlast(term))


@lemma(
    "Where the last configuration and the last joint one are.",
    "Ti",
    lambda v, term, i: [[v.lc(term, i)], [v.lj(term, i)]],
)
def marks(v: View, term: Int, i: Int) -> Formula:
    return implies(in_log(v, term, 1, i), has_marks(v, along_leader(v, term), i))


def has_marks(v: View, log: Along, i: Int) -> Formula:
    c, j, entry = log.last_config(i), log.last_joint(i), log.entry
    return both(
        within(1, c, i),
        v.is_config(entry(c)),
        within(0, j, c),
        j != 1,
        implies(j >= 1, both(v.is_config(entry(j)), v.joint(entry(j)))),
        implies(v.joint(entry(c)), j == c),
    )


@lemma(
    "After them there are no others.",
    "Tij",
    lambda v, term, i, k: [
        [v.lc(term, i), v.tlog(term, k)],
        [v.lj(term, i), v.tlog(term, k)],
    ],
)
def marks_are_last(v: View, term: Int, i: Int, k: Int) -> Formula:
    within_log = both(in_log(v, term, 1, i), k >= 1, k <= i)
    return implies(within_log, is_no_mark(v, along_leader(v, term), i, k))


def is_no_mark(v: View, log: Along, i: Int, k: Int) -> Formula:
    """The entry at k, if it is after them."""
    return both(
        implies(k > log.last_config(i), negation(v.is_config(log.entry(k)))),
        implies(k > log.last_joint(i), negation(v.joint(log.entry(k)))),
    )


@lemma(
    "They are where they are in the log of the leader of the entry at i, which is the same so far.",
    "Ti",
    lambda v, term, i: [[v.lc(term, i)], [v.lj(term, i)]],
)
def marks_agree(v: View, term: Int, i: Int) -> Formula:
    of = v.term_of(v.tlog(term, i))
    return implies(
        in_log(v, term, 1, i),
        both(
            v.lc(term, i) == choose(of == 0, 1, v.lc(of, i)),
            v.lj(term, i) == choose(of == 0, 0, v.lj(of, i)),
        ),
    )


@lemma(
    "A configuration without new voters has the base as voters.",
    "Ti",
    lambda v, term, i: [[v.lc(term, i)]],
)
def in_force(v: View, term: Int, i: Int) -> Formula:
    log = along_leader(v, term)
    return implies(
        both(in_log(v, term, 1, i), negation(v.joint(log.in_force(i)))),
        v.old(log.in_force(i)) == base(v, log, i),
    )


@lemma(
    "A configuration has the base before it as voters; a joint one follows none that is, and is "
    "followed by another one when its leader knows it to be committed.",
    "Ti",
    lambda v, term, i: [[seen(v.tlog(term, i))]],
)
def config_rule(v: View, term: Int, i: Int) -> Formula:
    entry, at = v.tlog(term, i), v.lc(term, i - 1)
    before = v.tlog(term, at)
    return implies(
        both(in_log(v, term, 2, i), v.is_config(entry)),
        both(
            v.old(entry) == base(v, along_leader(v, term), i - 1),
            implies(
                v.joint(before),
                both(
                    negation(v.joint(entry)),
                    is_committed(v, at, v.term_of(entry), before),
                    implies(
                        i > v.el(term),
                        both(
                            at <= v.kc(term),
                            implies(v.commit_term(at) == term, v.committed_up_to(at) < i),
                        ),
                    ),
                ),
            ),
        ),
    )


# Commitment, §5.4


@lemma("What a leader knows to be committed is what it knew when it last led.")
def known_to_leader(v: View, n: Node) -> Formula:
    s = v.server(n)
    return implies(s.leads, v.kc(s.term) == s.commit)


@lemma(
    "What a term's leader knew to be committed, a leader counted, of no later term.",
    "Tj",
    lambda v, term, j: [[v.kc(term), v.commit_term(j)]],
)
def known_is_committed(v: View, term: Int, j: Int) -> Formula:
    return implies(
        both(v.lead(term) != NOBODY, within(1, j, v.kc(term))),
        is_committed(v, j, term, v.tlog(term, j)),
    )


def later(one: Int, other: Int) -> Int:
    return choose(one > other, one, other)


def held_by_quorum(
    v: View, term: Int, i: Int, holders: Holders, known: Callable[[Int], Formula]
) -> Formula:
    """A quorum of whatever configuration its leader may have counted by holds the entry at i.

    That has a majority of the base before it.  Behind a joint configuration it takes a majority of
    the old voters too, if not of this entry then of one before it, unless the joint one was `known`
    to be committed.
    """
    return both(is_own(v, term, i), quorums_hold(v, term, i, holders, known))


def is_own(v: View, term: Int, i: Int) -> Formula:
    """The term's leader has an entry of its own at i."""
    return both(term >= 1, v.lead(term) != NOBODY, v.el(term) < i, i <= v.tlast(term))


def quorums_hold(
    v: View, term: Int, i: Int, holders: Holders, known: Callable[[Int], Formula]
) -> Formula:
    at = v.lc(term, i - 1)
    before = v.tlog(term, at)
    return both(
        holders(i).by(base(v, along_leader(v, term), i - 1)),
        implies(
            v.joint(before),
            either(
                known(at),
                holders(later(at, v.el(term) + 1)).by(v.old(before)),
            ),
        ),
    )


def could_be_chosen(v: View, term: Int, i: Int) -> Formula:
    """A quorum has, or may still, acknowledge what its leader has at i, or will have."""
    return quorums_hold(v, term, i, may_acknowledge(v, term), lambda at: at <= v.kc(term))


def may_be_chosen(v: View, term: Int, i: Int) -> Formula:
    """A quorum has, or may still, acknowledge the entry of this term at i."""
    return both(is_own(v, term, i), could_be_chosen(v, term, i))


@lemma(
    "What a leader counted as committed, a quorum acknowledged in its term.",
    "j",
    lambda v, j: [[v.commit_term(j)]],
)
def counted_is_chosen(v: View, j: Int) -> Formula:
    """What a quorum acknowledged may be chosen: that follows, see `why.counting.prove_chosen`."""
    term, by = v.commit_term(j), v.committed_up_to(j)
    counted = both(j >= 1, term >= 1)
    return both(term >= 0, implies(counted, both(is_counted(v, j), v.choosable(term, by))))


def is_counted(v: View, j: Int) -> Formula:
    """What was counted first for j: see `held_by_quorum`."""
    term, by, since = v.commit_term(j), v.committed_up_to(j), v.since(j)
    acks = acknowledged(v, term)
    return both(
        by >= j,
        within(0, since, j - 1),
        held_by_quorum(v, term, by, acks, lambda at: at <= since),
        by <= v.kc(term),
    )


# Reads, §8


@lemma(
    "When a read was stale, what its leader might have appended then could not be chosen any more.",
    "",
)
def stale_was_left(v: View) -> Formula:
    """As if the read were an entry after the last one.  Who has left its term does not come back,
    so however the configuration changes, no quorum of it answers a call after the read.
    """
    term = v.read_term()
    could = quorums_hold(v, term, v.tlast(term) + 1, stayed(v, term), lambda at: at <= v.kc(term))
    return implies(v.read_stale(), both(v.lead(term) != NOBODY, negation(could)))
