"""That a leader has all that may be chosen of earlier terms: Leader Completeness, §5.4.3.

And the same from the other end: what is appended in a term, no quorum is left for when a later one
has a leader.
"""

from __future__ import annotations

from functools import partial

import z3

from conformance.prove.any_size.views import ME
from conformance.prove.changing.statements.lemmas import could_be_chosen, elected_by, told
from conformance.prove.changing.statements.script import Script, for_all
from conformance.prove.changing.why.facts import AT, K, T, has_chosen, has_votes
from conformance.prove.changing.why.fork import Side
from conformance.prove.changing.why.log_matching import is_leaders, own_is_leaders
from conformance.prove.changing.why.overlap import Contradiction
from conformance.prove.statements.lemma import NOBODY, Int
from conformance.prove.statements.logic import both, implies, negation
from conformance.prove.statements.views import TERM_OF


def prove_wins(s: Script) -> None:
    """Of the terms of which something is missing we look at the least."""
    v, (t, i) = s.before, z3.Ints("low_t low_i")
    term, y, own = v.actor.term, v.actor.last, v.actor.log
    s.given("votes", has_votes(v))
    s.given("missing", negation(has_chosen(v, own, y, term)(t, i)))
    s.given("least", for_all(has_chosen(v, own, y, t), v.choosable, T, AT))
    winner = Side(v, "_winner", z3.Int("mine"), y)
    log, mine, voted = winner.log, winner.term, told(v, term, ME)
    against = Contradiction(s, winner, term, voted, t, i)
    s.step(
        "there",
        both(t >= 1, i >= 2, v.lead(t) != NOBODY),
        "missing Choosable Elected",
        [v.lead(t)],
    )
    own_is_leaders(s, winner, t, "votes there")
    s.step(
        "not_later",
        both(mine <= t, implies(mine == t, y < i)),
        "missing mine log_winner there is_leaders Choosable LeadersHave TermLogTerms "
        "TermLogFromLeader Elected LogTerms",
        [own(y), own(i), log(y), log(i), v.lead(mine), v.tlog(t, y), v.lead(t), v.tlog(t, i)],
    )
    s.step("quorum_winner", winner.has_quorum(voted), "votes own_config")
    s.step("held", could_be_chosen(v, t, i), "missing Choosable")
    s.step("logs", against.are_logs(), "missing not_later Choosable")
    lower = has_chosen(v, log, y, t)
    s.step(
        "lower",
        lower(T, AT),
        "least is_leaders Choosable log_winner Elected",
        [v.choosable(T, AT), v.lead(T)],
        [for_all(lower, v.choosable, T, AT)],
    )
    against.votes("missing")
    against.informs("votes missing there is_leaders Choosable CandidatesHave Elected")
    against.prove()


def first_after(s: Script, term: Int) -> Int:
    """Of the later terms with a leader we look at the least."""
    v, after = s.before, z3.Int("after")
    s.given("after", after > term, v.lead(after) != NOBODY)
    s.given(
        "least",
        for_all(lambda k: z3.Implies(both(term < k, k < after), v.lead(k) == NOBODY), v.lead, K),
    )
    return after


def prove_new(s: Script) -> None:
    """The later leader was elected without the entry, which is not there yet."""
    v, t, i = s.before, z3.Int("own_t"), z3.Int("own_i")
    after = first_after(s, t)
    y, theirs = v.el(after), partial(v.tlog, after)
    s.given("leads", v.actor.leads, t == v.actor.term, i == v.actor.last + 1)
    s.given("held", could_be_chosen(v, t, i))
    winner, voted = Side(v, "_winner", z3.Int("mine"), y), told(v, after, v.lead(after))
    log, mine = winner.log, winner.term
    against = Contradiction(s, winner, after, voted, t, i)
    s.step(
        "there",
        both(
            *[t >= 1, v.lead(t) != NOBODY, v.tlast(t) == i - 1, v.el(t) < i, v.el(t) >= 1],
            *[y >= 1, y < v.tlast(after), TERM_OF(theirs(y)) < after],
        ),
        "leads after Leader Elected",
        [v.lead(t), v.lead(after)],
    )
    lemmas = "Elected TermLogFromLeader TermLogTerms TermLogEnds"
    is_leaders(s, theirs, winner, t, f"after there {lemmas}")
    s.step("logs", against.are_logs(), "log_winner mine there least", [v.lead(mine)])
    s.step(
        "config",
        elected_by(v, after) == winner.config,
        "after mine log_winner there is_leaders Marks MarksAgree",
        [v.lc(after, y), v.lc(mine, y), theirs(1), log(1), theirs(y), elected_by(v, after)],
    )
    s.step(
        "quorum_winner",
        winner.has_quorum(voted),
        "after config ElectedByQuorum Elected",
        [v.lead(after)],
    )
    later_has, lower = has_chosen(v, log, y, after), has_chosen(v, log, y, t)
    s.step(
        "later_has",
        later_has(T, AT),
        "after there log_winner is_leaders Choosable LeadersHave TermLogTerms TermLogFromLeader "
        "Elected",
        [
            *[v.choosable(T, AT), v.lead(after), v.lead(T)],
            *[theirs(AT), log(AT), theirs(y + 1), theirs(y)],
        ],
        [for_all(later_has, v.choosable, T, AT)],
    )
    s.step(
        "lower",
        lower(T, AT),
        "after later_has",
        [v.choosable(T, AT)],
        [for_all(lower, v.choosable, T, AT)],
    )
    against.votes("after")
    against.informs("after there later_has Choosable AckIsOfTerm")
    against.prove()
