"""What the lemmas are for, and what makes the list of cases complete: consequences of the lemmas.

`SAFETY` are the four properties of the paper's Figure 3, as history has them: of all that was ever
committed, not only of what is now.  `COMPLETE` says that there are no other shapes of a server than
those that the cases go through.
"""

from __future__ import annotations

from typing import Final

from conformance.prove.statements.lemma import NOBODY, Int, Lemma, View, within
from conformance.prove.statements.logic import Formula, both, either, implies, majority, negation


def election_safety(v: View, n: int, m: int) -> Formula:
    return implies(both(v.leads(n), v.leads(m), v.term(n) == v.term(m)), n == m)


def one_leader_ever(v: View, n: int) -> Formula:
    return implies(v.leads(n), v.lead(v.term(n)) == n)


def log_matching(v: View, n: int, m: int, i: Int, j: Int) -> Formula:
    return implies(
        both(
            within(1, j, i),
            i <= v.last(n),
            i <= v.last(m),
            v.term_of(v.log(n, i)) == v.term_of(v.log(m, i)),
        ),
        v.log(n, j) == v.log(m, j),
    )


def leader_completeness(v: View, n: int, j: Int) -> Formula:
    counted = v.first(j)
    return implies(
        both(j >= 1, counted >= 1, v.leads(n), v.term(n) >= counted),
        both(j <= v.last(n), v.log(n, j) == v.tlog(counted, j)),
    )


def state_machine_safety(v: View, n: int, m: int, j: Int) -> Formula:
    return implies(both(within(1, j, v.commit(n)), j <= v.commit(m)), v.log(n, j) == v.log(m, j))


def committed_for_ever(v: View, n: int, j: Int) -> Formula:
    return implies(
        within(1, j, v.commit(n)),
        both(v.first(j) >= 1, v.log(n, j) == v.tlog(v.first(j), j)),
    )


SAFETY: Final = (
    Lemma("ElectionSafety", "At most one server leads a term (§5.2).", "nm", election_safety),
    Lemma("OneLeaderEver", "Nor did another one lead it before (§5.2).", "n", one_leader_ever),
    Lemma(
        "LogMatching",
        "Logs with the same term at an index are the same up to there (§5.3).",
        "nmij",
        log_matching,
    ),
    Lemma(
        "LeaderCompleteness",
        "What was committed in a term is in the log of every leader of it and later ones (§5.4).",
        "nj",
        leader_completeness,
    ),
    Lemma(
        "StateMachineSafety",
        "No two servers know different entries to be committed at an index (§5.4.3).",
        "nmj",
        state_machine_safety,
    ),
    Lemma(
        "CommittedForEver",
        "Nor does it ever change what is: it is what was counted first (§5.4.3).",
        "nj",
        committed_for_ever,
    ),
)


def leader_has_log(v: View, n: int) -> Formula:
    return implies(v.leads(n), either(v.snap(n) >= 1, v.last(n) >= 2))


def candidate_has_log(v: View, n: int) -> Formula:
    return implies(v.campaigns(n), v.last(n) >= 1)


def one_role(v: View, n: int) -> Formula:
    return negation(both(v.leads(n), v.campaigns(n)))


def too_few_votes(v: View, n: int) -> Formula:
    votes = [m == n or v.granted(n, m) for m in range(v.size)]
    return implies(v.campaigns(n), both(negation(majority(votes)), v.vote(n) == n))


def same_snapshot(v: View, n: int) -> Formula:
    return both(v.snap(n) <= v.last(n), v.snap(n) <= v.dlast(n), v.snap(n) <= v.synced(n))


def begins_with_founding(v: View, n: int) -> Formula:
    return both(
        implies(v.last(n) >= 1, v.log(n, 1) == v.founding),
        implies(v.dlast(n) >= 1, v.dlog(n, 1) == v.founding),
    )


def leads_after_saving(v: View, n: int) -> Formula:
    return implies(v.leads(n), v.dterm(n) == v.term(n))


def votes_for_members(v: View, n: int) -> Formula:
    return either(v.vote(n) == NOBODY, *[v.vote(n) == m for m in range(v.size)])


COMPLETE: Final = (
    Lemma("LeaderHasLog", "A leader's log has an entry of its own.", "n", leader_has_log),
    Lemma("CandidateHasLog", "A candidate's log is not empty.", "n", candidate_has_log),
    Lemma("OneRole", "A candidate leads not.", "n", one_role),
    Lemma("TooFewVotes", "A candidate has too few votes yet, and its own.", "n", too_few_votes),
    Lemma("SameSnapshot", "Log and disk go on where the snapshot ends.", "n", same_snapshot),
    Lemma("BeginsWithFounding", "A log begins with the founding entry.", "n", begins_with_founding),
    Lemma("LeadsAfterSaving", "A leader has saved its term.", "n", leads_after_saving),
    Lemma("VotesForMembers", "A vote is for one of the members.", "n", votes_for_members),
)
