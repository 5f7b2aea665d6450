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
    one, other = v.server(n), v.server(m)
    return implies(both(one.leads, other.leads, one.term == other.term), n == m)


def one_leader_ever(v: View, n: int) -> Formula:
    s = v.server(n)
    return implies(s.leads, v.lead(s.term) == n)


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


def leader_completeness(v: View, n: int, j: Int) -> Formula:
    s = v.server(n)
    counted = v.commit_term(j)
    return implies(
        both(j >= 1, counted >= 1, s.leads, s.term >= counted),
        both(j <= s.last, s.log(j) == v.tlog(counted, j)),
    )


def state_machine_safety(v: View, n: int, m: int, j: Int) -> Formula:
    one, other = v.server(n), v.server(m)
    return implies(both(within(1, j, one.commit), j <= other.commit), one.log(j) == other.log(j))


def committed_for_ever(v: View, n: int, j: Int) -> Formula:
    s = v.server(n)
    return implies(
        within(1, j, s.commit),
        both(v.commit_term(j) >= 1, s.log(j) == v.tlog(v.commit_term(j), j)),
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
    s = v.server(n)
    return implies(s.leads, either(s.snap >= 1, s.last >= 2))


def candidate_has_log(v: View, n: int) -> Formula:
    s = v.server(n)
    return implies(s.campaigns, s.last >= 1)


def one_role(v: View, n: int) -> Formula:
    s = v.server(n)
    return negation(both(s.leads, s.campaigns))


def too_few_votes(v: View, n: int) -> Formula:
    s = v.server(n)
    votes = [m == n or s.granted[m] for m in range(v.size)]
    return implies(s.campaigns, both(negation(majority(votes)), s.vote == n))


def same_snapshot(v: View, n: int) -> Formula:
    s = v.server(n)
    return both(s.snap <= s.last, s.snap <= s.disk_last, s.snap <= s.synced)


def begins_with_founding(v: View, n: int) -> Formula:
    s = v.server(n)
    return both(
        implies(s.last >= 1, s.log(1) == v.founding),
        implies(s.disk_last >= 1, s.disk_log(1) == v.founding),
    )


def leads_after_saving(v: View, n: int) -> Formula:
    s = v.server(n)
    return implies(s.leads, s.disk_term == s.term)


def votes_for_members(v: View, n: int) -> Formula:
    s = v.server(n)
    return either(s.vote == NOBODY, *[s.vote == m for m in range(v.size)])


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
