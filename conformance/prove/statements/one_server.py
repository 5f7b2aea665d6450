"""The lemmas that speak of one server alone, of its memory and its disk.

`lemmas` has the others, and says of what and in which words they are.
"""

from __future__ import annotations

from typing import Final

from conformance.prove.statements.lemma import NOBODY, EntryTerm, Int, Lemma, View, adds_to, within
from conformance.prove.statements.logic import Formula, both, implies, negation

ONE_SERVER: Final[list[Lemma]] = []
lemma = adds_to(ONE_SERVER)


@lemma(
    "A term on the disk is no later than in memory; the snapshot is within the commit index; in "
    "term 0 there are no votes."
)
def ranges(v: View, n: int) -> Formula:
    s = v.server(n)
    return both(
        s.disk_term >= 0,
        s.disk_term <= s.term,
        s.snap >= 0,
        s.snap <= s.commit,
        s.commit <= s.last,
        s.snap <= s.disk_last,
        within(NOBODY, s.vote, v.size - 1),
        within(NOBODY, s.disk_vote, v.size - 1),
        implies(s.vote != NOBODY, s.term >= 1),
        implies(s.disk_vote != NOBODY, s.disk_term >= 1),
    )


@lemma(
    "A log begins with the founding entry, of term 0; later ones are of terms from 1 to its own.",
    "ni",
    lambda v, n, i: [[v.server(n).log(i)]],
)
def log_terms(v: View, n: int, i: Int) -> Formula:
    s = v.server(n)
    return implies(within(1, i, s.last), has_term(v, s.log(i), i, s.term))


def has_term(v: View, entry: EntryTerm, i: Int, latest: Int) -> Formula:
    return both(
        implies(i == 1, entry == v.founding),
        implies(i > 1, within(1, v.term_of(entry), latest)),
    )


@lemma("The same on the disk.", "ni", lambda v, n, i: [[v.server(n).disk_log(i)]])
def disk_log_terms(v: View, n: int, i: Int) -> Formula:
    s = v.server(n)
    return implies(within(1, i, s.disk_last), has_term(v, s.disk_log(i), i, s.disk_term))


@lemma("Term and vote that are not owed are on the disk.")
def owed_state(v: View, n: int) -> Formula:
    s = v.server(n)
    return both(
        implies(negation(s.owes_term), s.disk_term == s.term),
        implies(s.disk_term < s.term, s.owes_vote),
        implies(both(s.disk_term == s.term, negation(s.owes_vote)), s.disk_vote == s.vote),
    )


@lemma("Without an owed write the logs on the disk and in memory are equally long.")
def owed_write(v: View, n: int) -> Formula:
    s = v.server(n)
    return both(
        s.synced >= s.snap,
        s.synced <= s.last,
        s.synced <= s.disk_last,
        implies(negation(s.owes_write), both(s.synced == s.last, s.synced == s.disk_last)),
    )


@lemma(
    "Up to where an owed write begins, the log on the disk is the one in memory.",
    "ni",
    lambda v, n, i: [[v.server(n).disk_log(i)], [v.server(n).log(i)]],
)
def disk_is_memory(v: View, n: int, i: Int) -> Formula:
    s = v.server(n)
    return implies(within(1, i, s.synced), s.disk_log(i) == s.log(i))
