"""The inductive invariant: what holds in every reachable state of a cluster, so that the four do.

Each lemma is a sentence and a formula.  The formula is about a `View` of a cluster with its
history; symbolic or concrete, as the view is.  `T`, `T2` are terms, `i`, `j` indices, `n`, `m`,
`c` nodes; a lemma holds for all of them.

History variables, which no rule reads:

- `lead(T)`: who led term T, or nobody.  `tlog(T, i)`, `tlast(T)`: that leader's log, as it was when
  it last led.
- `told(n, T)`: for whom n told in term T that it votes, by a reply, or by saving its own vote.
- `ack(n, T)`: how long the log on n's disk was when the disk was last in term T, if that log ended
  with an entry of T; else 0.
- `first(j)`: the lowest term whose leader counted index j or more as committed; `by(j)`: what it
  counted then.

A server's state in memory runs ahead of its disk; what others rely on is what was told, and that is
on the disk.  So `told`, `ack`, and who can still be counted (`choosable`) are about disks.
"""

from __future__ import annotations

from typing import Final

from conformance.prove.statements.lemma import NOBODY, EntryTerm, Int, Lemma, View, adds_to, within
from conformance.prove.statements.logic import Formula, both, either, implies, majority, negation

LEMMAS: Final[list[Lemma]] = []
lemma = adds_to(LEMMAS)


# One server


@lemma(
    "A term on the disk is no later than in memory; the snapshot is within the commit index; in "
    "term 0 there are no votes."
)
def ranges(v: View, n: int) -> Formula:
    return both(
        v.dterm(n) >= 0,
        v.dterm(n) <= v.term(n),
        v.snap(n) >= 0,
        v.snap(n) <= v.commit(n),
        v.commit(n) <= v.last(n),
        v.snap(n) <= v.dlast(n),
        within(NOBODY, v.vote(n), v.size - 1),
        within(NOBODY, v.dvote(n), v.size - 1),
        implies(v.vote(n) != NOBODY, v.term(n) >= 1),
        implies(v.dvote(n) != NOBODY, v.dterm(n) >= 1),
    )


@lemma(
    "A log begins with the founding entry, of term 0; later ones are of terms from 1 to its own.",
    "ni",
    lambda v, n, i: [[v.log(n, i)]],
)
def log_terms(v: View, n: int, i: Int) -> Formula:
    entry = v.log(n, i)
    return implies(
        within(1, i, v.last(n)),
        both(
            implies(i == 1, entry == v.founding),
            implies(i > 1, within(1, v.term_of(entry), v.term(n))),
        ),
    )


@lemma("The same on the disk.", "ni", lambda v, n, i: [[v.dlog(n, i)]])
def disk_log_terms(v: View, n: int, i: Int) -> Formula:
    entry = v.dlog(n, i)
    return implies(
        within(1, i, v.dlast(n)),
        both(
            implies(i == 1, entry == v.founding),
            implies(i > 1, within(1, v.term_of(entry), v.dterm(n))),
        ),
    )


@lemma("Term and vote that are not owed are on the disk.")
def owed_state(v: View, n: int) -> Formula:
    return both(
        implies(negation(v.owes_term(n)), v.dterm(n) == v.term(n)),
        implies(v.dterm(n) < v.term(n), v.owes_vote(n)),
        implies(both(v.dterm(n) == v.term(n), negation(v.owes_vote(n))), v.dvote(n) == v.vote(n)),
    )


@lemma("Without an owed write the logs on the disk and in memory are equally long.")
def owed_write(v: View, n: int) -> Formula:
    return both(
        v.synced(n) >= v.snap(n),
        v.synced(n) <= v.last(n),
        v.synced(n) <= v.dlast(n),
        implies(
            negation(v.owes_write(n)), both(v.synced(n) == v.last(n), v.synced(n) == v.dlast(n))
        ),
    )


@lemma(
    "Up to where an owed write begins, the log on the disk is the one in memory.",
    "ni",
    lambda v, n, i: [[v.dlog(n, i)], [v.log(n, i)]],
)
def disk_is_memory(v: View, n: int, i: Int) -> Formula:
    return implies(within(1, i, v.synced(n)), v.dlog(n, i) == v.log(n, i))


# Votes and leaders, §5.2


@lemma(
    "A vote that was told is on the disk, as is its candidate's own.",
    "nT",
    lambda v, n, term: [[v.told(n, term)]],
)
def told_is_saved(v: View, n: int, term: Int) -> Formula:
    vote = v.told(n, term)
    return both(
        within(NOBODY, vote, v.size - 1),
        *[
            implies(
                vote == c,
                both(
                    within(1, term, v.dterm(n)),
                    implies(term == v.dterm(n), v.dvote(n) == c),
                    term <= v.dterm(c),
                    v.told(c, term) == c,
                ),
            )
            for c in range(v.size)
        ],
    )


@lemma("The vote that was told in the current term is the one in memory.")
def told_is_vote(v: View, n: int) -> Formula:
    told = v.told(n, v.term(n))
    return either(told == NOBODY, told == v.vote(n))


def candidacy(v: View, n: int, *also: Formula) -> Formula:
    """What is known of a candidate, whoever elects it."""
    term = v.term(n)
    return both(
        negation(both(v.campaigns(n), v.leads(n))),
        implies(
            v.campaigns(n),
            both(
                term >= 1,
                v.last(n) >= 1,
                v.vote(n) == n,
                v.lead(term) != n,
                *also,
                *[implies(v.granted(n, m), v.told(m, term) == n) for m in range(v.size) if m != n],
            ),
        ),
    )


@lemma("A candidate voted for itself, leads not, and was told the votes that it counts: too few.")
def candidate(v: View, n: int) -> Formula:
    return candidacy(v, n, negation(majority([m == n or v.granted(n, m) for m in range(v.size)])))


@lemma("A leader is the one of its term, which is on its disk, and so is its vote for itself.")
def leader(v: View, n: int) -> Formula:
    term = v.term(n)
    return implies(
        v.leads(n),
        both(
            term >= 1,
            v.lead(term) == n,
            v.vote(n) == n,
            v.dterm(n) == term,
            v.told(n, term) == n,
            v.last(n) == v.tlast(term),
        ),
    )


@lemma(
    "A leader's log is the one of its term.",
    "ni",
    lambda v, n, i: [[v.log(n, i)], [v.tlog(v.term(n), i)]],
)
def leader_log(v: View, n: int, i: Int) -> Formula:
    return implies(both(v.leads(n), within(1, i, v.last(n))), v.log(n, i) == v.tlog(v.term(n), i))


@lemma("What a leader knows a server to hold, of its own term, that has on its disk.")
def leader_progress(v: View, n: int) -> Formula:
    term = v.term(n)
    known = [(m, v.durable(n) if m == n else v.match(n, m)) for m in range(v.size)]
    return implies(
        v.leads(n),
        both(
            *[
                both(
                    within(0, index, v.last(n)),
                    implies(
                        both(index >= 1, v.term_of(v.log(n, index)) == term),
                        v.ack(m, term) >= index,
                    ),
                )
                for m, index in known
            ]
        ),
    )


@lemma(
    "A term's leader was elected by a majority, and has that term on its disk.",
    "T",
    lambda v, term: [[v.lead(term)]],
)
def elected(v: View, term: Int) -> Formula:
    return both(
        within(NOBODY, v.lead(term), v.size - 1),
        *[
            implies(
                v.lead(term) == n,
                both(
                    within(1, term, v.dterm(n)),
                    majority([v.told(m, term) == n for m in range(v.size)]),
                ),
            )
            for n in range(v.size)
        ],
    )


# Logs, §5.3


@lemma(
    "A leader's log begins with the founding entry and ends with one of its own term.",
    "T",
    lambda v, term: [[v.lead(term)]],
)
def term_log_ends(v: View, term: Int) -> Formula:
    return implies(
        v.lead(term) != NOBODY,
        both(
            v.tlast(term) >= 2,
            v.tlog(term, 1) == v.founding,
            v.term_of(v.tlog(term, v.tlast(term))) == term,
        ),
    )


@lemma(
    "No entry of a leader's log is of a later term than its own, and only the first is of term 0.",
    "Ti",
    lambda v, term, i: [[v.tlog(term, i)]],
)
def term_log_terms(v: View, term: Int, i: Int) -> Formula:
    found = v.term_of(v.tlog(term, i))
    return implies(
        both(v.lead(term) != NOBODY, within(1, i, v.tlast(term))),
        both(found <= term, implies(i > 1, found >= 1)),
    )


def agrees(v: View, entry: EntryTerm, at: Int, other: EntryTerm, j: Int) -> Formula:
    """A log with this entry of term t `at` is that of t's leader up to there."""
    term = v.term_of(entry)
    return implies(
        term >= 1,
        both(v.lead(term) != NOBODY, at <= v.tlast(term), other == v.tlog(term, j)),
    )


@lemma(
    "A log with an entry of term t is the log of t's leader up to there.",
    "nij",
    lambda v, n, i, j: [[v.log(n, i), v.log(n, j)]],
)
def log_from_leader(v: View, n: int, i: Int, j: Int) -> Formula:
    return implies(both(j >= 1, j <= i, i <= v.last(n)), agrees(v, v.log(n, i), i, v.log(n, j), j))


@lemma(
    "So is a log on a disk.",
    "nij",
    lambda v, n, i, j: [[v.dlog(n, i), v.dlog(n, j)]],
)
def disk_log_from_leader(v: View, n: int, i: Int, j: Int) -> Formula:
    return implies(
        both(j >= 1, j <= i, i <= v.dlast(n)), agrees(v, v.dlog(n, i), i, v.dlog(n, j), j)
    )


@lemma(
    "So is the log of a leader.",
    "Tij",
    lambda v, term, i, j: [[v.tlog(term, i), v.tlog(term, j)]],
)
def term_log_from_leader(v: View, term: Int, i: Int, j: Int) -> Formula:
    return implies(
        both(v.lead(term) != NOBODY, j >= 1, j <= i, i <= v.tlast(term)),
        agrees(v, v.tlog(term, i), i, v.tlog(term, j), j),
    )


# Acknowledgements


@lemma(
    "What was acknowledged in a term ends with an entry of that term's leader.",
    "nT",
    lambda v, n, term: [[v.ack(n, term)]],
)
def ack_is_of_term(v: View, n: int, term: Int) -> Formula:
    ack = v.ack(n, term)
    return both(
        ack >= 0,
        implies(
            ack >= 1,
            both(
                within(1, term, v.dterm(n)),
                v.lead(term) != NOBODY,
                ack <= v.tlast(term),
                v.term_of(v.tlog(term, ack)) == term,
            ),
        ),
    )


@lemma("In the disk's term, it is the disk's log; that of memory has it as well.")
def ack_is_disk(v: View, n: int) -> Formula:
    term, last = v.dterm(n), v.dlast(n)
    ack = v.ack(n, term)
    ends_with_term = both(last >= 1, term >= 1, v.term_of(v.dlog(n, last)) == term)
    return both(
        implies(ends_with_term, ack == last),
        implies(negation(ends_with_term), ack == 0),
        implies(
            both(ack >= 1, v.term(n) == term),
            both(ack <= v.last(n), v.term_of(v.log(n, ack)) == term),
        ),
    )


# Commitment, §5.4


def chosen(v: View, term: Int, i: Int) -> Formula:
    """A majority has acknowledged the entry of this term at i."""
    return both(
        term >= 1,
        v.lead(term) != NOBODY,
        within(1, i, v.tlast(term)),
        v.term_of(v.tlog(term, i)) == term,
        majority([v.ack(n, term) >= i for n in range(v.size)]),
    )


def may_be_chosen(v: View, term: Int, i: Int) -> Formula:
    """A majority has, or may still, acknowledge the entry of this term at i."""
    return both(
        term >= 1,
        v.lead(term) != NOBODY,
        within(1, i, v.tlast(term)),
        v.term_of(v.tlog(term, i)) == term,
        majority([either(v.ack(n, term) >= i, v.dterm(n) <= term) for n in range(v.size)]),
    )


@lemma(
    "Whoever acknowledged what may be chosen still has it.",
    "nTi",
    lambda v, n, term, i: [[v.choosable(term, i)]],
)
def holders_keep(v: View, n: int, term: Int, i: Int) -> Formula:
    return implies(
        both(v.choosable(term, i), v.ack(n, term) >= i),
        both(
            i <= v.last(n),
            v.term_of(v.log(n, i)) == term,
            i <= v.dlast(n),
            v.term_of(v.dlog(n, i)) == term,
        ),
    )


@lemma(
    "A later candidate that has the vote of one who acknowledged it has it too.",
    "ncTi",
    lambda v, n, c, term, i: [[v.choosable(term, i)]],
)
def candidates_have(v: View, n: int, c: int, term: Int, i: Int) -> Formula:
    return implies(
        both(
            v.choosable(term, i),
            v.ack(n, term) >= i,
            v.campaigns(c),
            v.term(c) > term,
            v.told(n, v.term(c)) == c,
        ),
        both(i <= v.last(c), v.term_of(v.log(c, i)) == term),
    )


@lemma(
    "Every later leader has what may be chosen.",
    "TSi",
    lambda v, term, later, i: [[v.choosable(term, i), v.lead(later)]],
)
def leaders_have(v: View, term: Int, later: Int, i: Int) -> Formula:
    return implies(
        both(v.choosable(term, i), later > term, v.lead(later) != NOBODY),
        both(i <= v.tlast(later), v.term_of(v.tlog(later, i)) == term),
    )


@lemma(
    "What a leader counted as committed, a majority acknowledged in its term.",
    "j",
    lambda v, j: [[v.first(j)]],
)
def counted_is_chosen(v: View, j: Int) -> Formula:
    return both(
        v.first(j) >= 0,
        implies(
            both(j >= 1, v.first(j) >= 1),
            both(v.by(j) >= j, chosen(v, v.first(j), v.by(j)), v.choosable(v.first(j), v.by(j))),
        ),
    )


def is_committed(v: View, j: Int, by: Int, entry: EntryTerm) -> Formula:
    """This is the committed entry at j, counted at the latest in term `by`."""
    first = v.first(j)
    return both(within(1, first, by), j <= v.tlast(first), entry == v.tlog(first, j))


@lemma(
    "What a server knows to be committed, a leader counted, of no later term.",
    "nj",
    lambda v, n, j: [[v.first(j)]],
)
def known_is_counted(v: View, n: int, j: Int) -> Formula:
    return both(
        implies(within(1, j, v.commit(n)), is_committed(v, j, v.term(n), v.log(n, j))),
        implies(within(1, j, v.snap(n)), is_committed(v, j, v.dterm(n), v.dlog(n, j))),
    )
