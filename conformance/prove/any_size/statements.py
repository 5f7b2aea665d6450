"""The lemmas and claims of a cluster of any number of voters.

They are those of so many voters, with a server as one more thing that they hold for all of.  No
formula goes through the servers, or through sets of them.  Where a majority matters, it is said of
one of these *families* of sets, by a truth of the view that is about that set:

    told_by_majority(T, n)      those who told in T that they vote for n
    acked_by_majority(T, i)     those who acknowledged, in T, an index of at least i
    may_ack_by_majority(T, i)   those who did, or still may: they are in no later term on their disk
    left_by_majority()          those who had left the term of the read
    answered_by_majority(n)     n itself, and those who answered n a call after the read

What is known of majorities is in `overlap` and `within` alone, each time of two named families: two
majorities have a server in common, and what has a majority in it is one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Protocol

from conformance.prove.statements import claims, safety
from conformance.prove.statements import lemmas as fixed
from conformance.prove.statements.claims import CLAIMS as FIXED_CLAIMS
from conformance.prove.statements.claims import AppendCall, AppendReply, Claim
from conformance.prove.statements.lemma import NOBODY, Int, Lemma, adds_to, no_patterns
from conformance.prove.statements.lemma import View as FixedView
from conformance.prove.statements.lemma import within as between
from conformance.prove.statements.logic import Formula, both, either, implies, negation

Node = Any
"""An `int`, or a term of z3 of that sort."""
Among = Callable[[Node], Formula]
"""Whether a server is in a set."""


class View(FixedView, Protocol):
    """What a majority is in, of the families."""

    def told_by_majority(self, term: Int, n: Node) -> Formula: ...
    def acked_by_majority(self, term: Int, i: Int) -> Formula: ...
    def may_ack_by_majority(self, term: Int, i: Int) -> Formula: ...
    def left_by_majority(self) -> Formula: ...
    def answered_by_majority(self, n: Node) -> Formula: ...


# The families


def told(v: View, term: Int, n: Node) -> Among:
    return lambda m: v.told(m, term) == n


def acked(v: View, term: Int, i: Int) -> Among:
    return lambda m: v.ack(m, term) >= i


def may_ack(v: View, term: Int, i: Int) -> Among:
    return lambda m: either(v.ack(m, term) >= i, v.server(m).disk_term <= term)


def left(v: View) -> Among:
    return v.left


def answered(v: View, n: Node) -> Among:
    s = v.server(n)
    return lambda m: either(m == n, s.answered[m] >= v.read_seqno())


def overlap(one: Formula, of: Among, other: Formula, of_other: Among, witness: Node) -> Formula:
    """If both sets have a majority in them, the witness is in both: a name for a server that is."""
    return implies(both(one, other), both(of(witness), of_other(witness)))


def within(one: Formula, of: Among, other: Formula, of_other: Among, witness: Node) -> Formula:
    """If one set has a majority in it, so has one that it is within.  The witness is a name for a
    server that is in the first alone, if there is any.
    """
    return implies(both(one, implies(of(witness), of_other(witness))), other)


# Lemmas

LEMMAS: list[Lemma] = []
lemma = adds_to(LEMMAS)
CHANGED: Final = (
    *("Ranges", "ToldIsSaved", "Candidate", "LeaderProgress", "Elected", "CountedIsChosen"),
    *("AnsweredIsMade", "LeftIsSilent", "StaleWasLeft"),
)
WORDS: Final = {one.name: one.words for one in fixed.LEMMAS}
LEMMAS += [one for one in fixed.LEMMAS if one.name not in CHANGED]


@lemma(WORDS["Ranges"])
def ranges(v: View, n: Node) -> Formula:
    s = v.server(n)
    return both(
        s.disk_term >= 0,
        s.disk_term <= s.term,
        s.snap >= 0,
        s.snap <= s.commit,
        s.commit <= s.last,
        s.snap <= s.disk_last,
        implies(s.vote != NOBODY, s.term >= 1),
        implies(s.disk_vote != NOBODY, s.disk_term >= 1),
    )


@lemma(WORDS["ToldIsSaved"], "nT", lambda v, n, term: [[v.told(n, term)]])
def told_is_saved(v: View, n: Node, term: Int) -> Formula:
    s, vote = v.server(n), v.told(n, term)
    return implies(
        vote != NOBODY,
        both(
            between(1, term, s.disk_term),
            implies(term == s.disk_term, s.disk_vote == vote),
            term <= v.server(vote).disk_term,
            v.told(vote, term) == vote,
        ),
    )


@lemma("A candidate voted for itself, which is told once it is saved, and does not lead.")
def candidate(v: View, n: Node) -> Formula:
    return fixed.candidacy(v, n)


@lemma("The votes that a candidate counts were told to it.", "nm")
def candidate_votes(v: View, n: Node, m: Node) -> Formula:
    s = v.server(n)
    return implies(both(s.campaigns, m != n, s.granted[m]), v.told(m, s.term) == n)


def holds(v: View, n: Node, m: Node, index: Int) -> Formula:
    """That a leader may count this server to hold its log up to here."""
    s = v.server(n)
    own = both(index >= 1, v.term_of(s.log(index)) == s.term)
    return both(between(0, index, s.last), implies(own, v.ack(m, s.term) >= index))


@lemma(WORDS["LeaderProgress"], "nm")
def leader_progress(v: View, n: Node, m: Node) -> Formula:
    s = v.server(n)
    return implies(both(s.leads, m != n), holds(v, n, m, s.match[m]))


@lemma("So is what it counts itself to hold.")
def leader_durable(v: View, n: Node) -> Formula:
    s = v.server(n)
    return implies(s.leads, holds(v, n, n, s.durable))


@lemma(WORDS["Elected"], "T", lambda v, term: [[v.lead(term)]])
def elected(v: View, term: Int) -> Formula:
    n = v.lead(term)
    on_disk = between(1, term, v.server(n).disk_term)
    return implies(n != NOBODY, both(on_disk, v.told_by_majority(term, n)))


def own_entry(v: View, term: Int, i: Int) -> Formula:
    """The term's leader has an entry of its own at i."""
    return both(
        term >= 1,
        v.lead(term) != NOBODY,
        between(1, i, v.tlast(term)),
        v.term_of(v.tlog(term, i)) == term,
    )


def chosen(v: View, term: Int, i: Int) -> Formula:
    """A majority has acknowledged the entry of this term at i."""
    return both(own_entry(v, term, i), v.acked_by_majority(term, i))


def may_be_chosen(v: View, term: Int, i: Int) -> Formula:
    """A majority acknowledged the entry of this term at i, or still may."""
    return both(own_entry(v, term, i), v.may_ack_by_majority(term, i))


@lemma(WORDS["CountedIsChosen"], "j", lambda v, j: [[v.commit_term(j)]])
def counted_is_chosen(v: View, j: Int) -> Formula:
    term, up_to = v.commit_term(j), v.committed_up_to(j)
    counted = both(j >= 1, term >= 1)
    return both(term >= 0, implies(counted, both(up_to >= j, chosen(v, term, up_to))))


@lemma(WORDS["AnsweredIsMade"], "nm")
def answered_is_made(v: View, n: Node, m: Node) -> Formula:
    s = v.server(n)
    made = between(0, s.answered[m], s.seqno)
    return both(s.seqno >= 0, implies(both(s.leads, m != n), made))


@lemma(WORDS["LeftIsSilent"], "nm")
def left_is_silent(v: View, n: Node, m: Node) -> Formula:
    s = v.server(n)
    took = both(s.leads, s.term == v.read_term())
    silent = s.answered[m] < v.read_seqno()
    return both(
        implies(v.read_term() >= 1, v.read_seqno() >= 1),
        implies(both(took, m != n, v.left(m)), silent),
    )


@lemma(WORDS["StaleWasLeft"], "")
def stale_was_left(v: View) -> Formula:
    return implies(v.read_stale(), v.left_by_majority())


# Claims


def number_is_given(v: View, m: AppendCall | AppendReply, n: Node) -> Formula:
    """The leader of that term, if it still leads it, has given the number to a call; 0 is none."""
    s = v.server(n)
    led = both(s.leads, s.term == m.term)
    return both(
        m.seqno >= 0,
        implies(m.seqno >= 1, v.lead(m.term) != NOBODY),
        implies(led, m.seqno <= s.seqno),
    )


NUMBERS: Final = ("AppendCallNumber", "AppendReplyNumber", "OwedAppendReplyNumber")
CLAIMS: Final = [
    Claim(one.name, one.words, one.kind, one.owed, "n", number_is_given, no_patterns)
    if one.name in NUMBERS
    else one
    for one in FIXED_CLAIMS
]


def claims_of(message: claims.Message, owed: bool) -> list[Claim]:
    return [one for one in CLAIMS if one.kind is type(message) and one.owed == owed]


# Consequences

SAFETY: Final[list[Lemma]] = [one for one in safety.SAFETY if one.name != "ReadIndexSafe"]


@adds_to(SAFETY)("No stale read is confirmed by a majority, its leader among it (§8).")
def read_index_safe(v: View, n: Node) -> Formula:
    s = v.server(n)
    took = both(s.leads, v.read_term() >= 1, s.term == v.read_term())
    return implies(both(took, v.read_stale()), negation(v.answered_by_majority(n)))


COMPLETE: Final = [
    one for one in safety.COMPLETE if one.name not in ("TooFewVotes", "VotesForMembers")
]
