"""What the lemmas are for, and what makes the list of cases complete: consequences of the lemmas.

`SAFETY` are the four properties of the paper's Figure 3, as history has them: of all that was ever
committed, not only of what is now.  `COMPLETE` says that there are no other shapes of a server than
those that the cases go through.
"""

from __future__ import annotations

from typing import Final

from conformance.prove.statements.lemma import NOBODY, Int, Lemma, View, adds_to, within
from conformance.prove.statements.logic import Formula, both, either, implies, majority, negation

SAFETY: Final[list[Lemma]] = []
COMPLETE: Final[list[Lemma]] = []
safety, complete = adds_to(SAFETY), adds_to(COMPLETE)


@safety("At most one server leads a term (§5.2).", "nm")
def election_safety(v: View, n: int, m: int) -> Formula:
    one, other = v.server(n), v.server(m)
    return implies(both(one.leads, other.leads, one.term == other.term), n == m)


@safety("Nor did another one lead it before (§5.2).")
def one_leader_ever(v: View, n: int) -> Formula:
    s = v.server(n)
    return implies(s.leads, v.lead(s.term) == n)


@safety("Logs with the same term at an index are the same up to there (§5.3).", "nmij")
def log_matching(v: View, n: int, m: int, i: Int, j: Int) -> Formula:
    one, other = v.server(n), v.server(m)
    return implies(
        both(
            within(1, j, i),
            i <= one.last,
            i <= other.last,
            v.term_of(one.log(i)) == v.term_of(other.log(i)),
        ),
        one.log(j) == other.log(j),
    )


@safety(
    "What was committed in a term is in the log of every leader of it and later ones (§5.4).", "nj"
)
def leader_completeness(v: View, n: int, j: Int) -> Formula:
    s = v.server(n)
    counted = v.commit_term(j)
    return implies(
        both(j >= 1, counted >= 1, s.leads, s.term >= counted),
        both(j <= s.last, s.log(j) == v.tlog(counted, j)),
    )


@safety("No two servers know different entries to be committed at an index (§5.4.3).", "nmj")
def state_machine_safety(v: View, n: int, m: int, j: Int) -> Formula:
    one, other = v.server(n), v.server(m)
    return implies(both(within(1, j, one.commit), j <= other.commit), one.log(j) == other.log(j))


@safety("Nor does it ever change what is: it is what was counted first (§5.4.3).", "nj")
def committed_for_ever(v: View, n: int, j: Int) -> Formula:
    s = v.server(n)
    return implies(
        within(1, j, s.commit),
        both(v.commit_term(j) >= 1, s.log(j) == v.tlog(v.commit_term(j), j)),
    )


@safety("No stale read is confirmed by a majority, its leader among it (§8).")
def read_index_safe(v: View, n: int) -> Formula:
    s = v.server(n)
    answered = [m == n or s.answered[m] >= v.read_seqno() for m in range(v.size)]
    took = both(s.leads, v.read_term() >= 1, s.term == v.read_term())
    return implies(both(took, v.read_stale()), negation(majority(answered)))


@complete("A leader's log has an entry of its own.")
def leader_has_log(v: View, n: int) -> Formula:
    s = v.server(n)
    return implies(s.leads, either(s.snap >= 1, s.last >= 2))


@complete("A candidate's log is not empty.")
def candidate_has_log(v: View, n: int) -> Formula:
    s = v.server(n)
    return implies(s.campaigns, s.last >= 1)


@complete("A candidate leads not.")
def one_role(v: View, n: int) -> Formula:
    s = v.server(n)
    return negation(both(s.leads, s.campaigns))


@complete("A candidate has too few votes yet, and its own.")
def too_few_votes(v: View, n: int) -> Formula:
    s = v.server(n)
    votes = [m == n or s.granted[m] for m in range(v.size)]
    return implies(s.campaigns, both(negation(majority(votes)), s.vote == n))


@complete("Log and disk go on where the snapshot ends.")
def same_snapshot(v: View, n: int) -> Formula:
    s = v.server(n)
    return both(s.snap <= s.last, s.snap <= s.disk_last, s.snap <= s.synced)


@complete("A log begins with the founding entry.")
def begins_with_founding(v: View, n: int) -> Formula:
    s = v.server(n)
    return both(
        implies(s.last >= 1, s.log(1) == v.founding),
        implies(s.disk_last >= 1, s.disk_log(1) == v.founding),
    )


@complete("A leader has saved its term.")
def leads_after_saving(v: View, n: int) -> Formula:
    s = v.server(n)
    return implies(s.leads, s.disk_term == s.term)


@complete("A vote is for one of the members.")
def votes_for_members(v: View, n: int) -> Formula:
    s = v.server(n)
    return either(s.vote == NOBODY, *[s.vote == m for m in range(v.size)])
