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
- `commit_term(j)`: the lowest term whose leader counted index j or more as committed;
  `committed_up_to(j)`: up to where it counted then.
- `read_term`, `read_seqno`: a read that some leader took (§8); 0: none yet.  It is `read_stale` if
  an index was counted then that it did not know of; `left(n)`: n's disk had left the term.

A server's state in memory runs ahead of its disk; what others rely on is what was told, and that is
on the disk.  So `told`, `ack`, and who can still be counted (`choosable`) are about disks.
"""

from __future__ import annotations

from typing import Final

from conformance.prove.statements.lemma import NOBODY, EntryTerm, Int, Lemma, View, adds_to, within
from conformance.prove.statements.logic import Formula, both, either, implies, majority, negation
from conformance.prove.statements.one_server import ONE_SERVER

LEMMAS: Final[list[Lemma]] = [*ONE_SERVER]
lemma = adds_to(LEMMAS)


# Votes and leaders, §5.2


@lemma(
    "A vote that was told is on the disk, as is its candidate's own.",
    "nT",
    lambda v, n, term: [[v.told(n, term)]],
)
def told_is_saved(v: View, n: int, term: Int) -> Formula:
    s = v.server(n)
    vote = v.told(n, term)
    return both(
        within(NOBODY, vote, v.size - 1),
        *[
            implies(
                vote == c,
                both(
                    within(1, term, s.disk_term),
                    implies(term == s.disk_term, s.disk_vote == c),
                    term <= v.server(c).disk_term,
                    v.told(c, term) == c,
                ),
            )
            for c in range(v.size)
        ],
    )


@lemma("The vote that was told in the current term is the one in memory.")
def told_is_vote(v: View, n: int) -> Formula:
    s = v.server(n)
    told = v.told(n, s.term)
    return either(told == NOBODY, told == s.vote)


def candidacy(v: View, n: int, *also: Formula) -> Formula:
    """What is known of a candidate, whoever elects it."""
    s = v.server(n)
    term = s.term
    return both(
        negation(both(s.campaigns, s.leads)),
        implies(
            s.campaigns,
            both(
                term >= 1,
                s.last >= 1,
                s.vote == n,
                v.lead(term) != n,
                either(s.owes_vote, v.told(n, term) == n),
                *also,
            ),
        ),
    )


def votes_told(v: View, n: int) -> list[Formula]:
    """The votes that a candidate counts were told to it."""
    s = v.server(n)
    return [implies(s.granted[m], v.told(m, s.term) == n) for m in range(v.size) if m != n]


@lemma(
    "A candidate voted for itself, which is told once it is saved, and does not lead; the votes it "
    "counts were told to it, and are no majority."
)
def candidate(v: View, n: int) -> Formula:
    counted = [m == n or v.server(n).granted[m] for m in range(v.size)]
    return candidacy(v, n, negation(majority(counted)), *votes_told(v, n))


@lemma("A leader is the one of its term, which is on its disk, and so is its vote for itself.")
def leader(v: View, n: int) -> Formula:
    s = v.server(n)
    term = s.term
    return implies(
        s.leads,
        both(
            term >= 1,
            v.lead(term) == n,
            s.vote == n,
            s.disk_term == term,
            v.told(n, term) == n,
            s.last == v.tlast(term),
        ),
    )


@lemma(
    "A leader's log is the one of its term.",
    "ni",
    lambda v, n, i: [[v.server(n).log(i)], [v.tlog(v.server(n).term, i)]],
)
def leader_log(v: View, n: int, i: Int) -> Formula:
    s = v.server(n)
    return implies(both(s.leads, within(1, i, s.last)), s.log(i) == v.tlog(s.term, i))


@lemma("What a leader counts a server to hold, of the leader's term, is on that server's disk.")
def leader_progress(v: View, n: int) -> Formula:
    s = v.server(n)
    term = s.term
    known = [(m, s.durable if m == n else s.match[m]) for m in range(v.size)]
    return implies(
        s.leads,
        both(
            *[
                both(
                    within(0, index, s.last),
                    implies(
                        both(index >= 1, v.term_of(s.log(index)) == term),
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
                    within(1, term, v.server(n).disk_term),
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
    lambda v, n, i, j: [[v.server(n).log(i), v.server(n).log(j)]],
)
def log_from_leader(v: View, n: int, i: Int, j: Int) -> Formula:
    s = v.server(n)
    return implies(both(j >= 1, j <= i, i <= s.last), agrees(v, s.log(i), i, s.log(j), j))


@lemma(
    "So is a log on a disk.",
    "nij",
    lambda v, n, i, j: [[v.server(n).disk_log(i), v.server(n).disk_log(j)]],
)
def disk_log_from_leader(v: View, n: int, i: Int, j: Int) -> Formula:
    s = v.server(n)
    return implies(
        both(j >= 1, j <= i, i <= s.disk_last), agrees(v, s.disk_log(i), i, s.disk_log(j), j)
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
                within(1, term, v.server(n).disk_term),
                v.lead(term) != NOBODY,
                ack <= v.tlast(term),
                v.term_of(v.tlog(term, ack)) == term,
            ),
        ),
    )


@lemma("In the disk's term, it is the disk's log; that of memory has it as well.")
def ack_is_disk(v: View, n: int) -> Formula:
    s = v.server(n)
    term, last = s.disk_term, s.disk_last
    ack = v.ack(n, term)
    ends_with_term = both(last >= 1, term >= 1, v.term_of(s.disk_log(last)) == term)
    return both(
        implies(ends_with_term, ack == last),
        implies(negation(ends_with_term), ack == 0),
        implies(
            both(ack >= 1, s.term == term),
            both(ack <= s.last, v.term_of(s.log(ack)) == term),
        ),
    )


# Commitment, §5.4


def chosen(v: View, term: Int, i: Int) -> Formula:
    """A majority has acknowledged the entry of this term at i."""
    return held_by_majority(v, term, i, [v.ack(n, term) >= i for n in range(v.size)])


def may_be_chosen(v: View, term: Int, i: Int) -> Formula:
    """A majority acknowledged the entry of this term at i, or still may.

    Who has moved to a later term on its disk will not acknowledge it any more.  A `View` has the
    same as `choosable`.
    """
    nodes = range(v.size)
    may = [either(v.ack(n, term) >= i, v.server(n).disk_term <= term) for n in nodes]
    return held_by_majority(v, term, i, may)


def held_by_majority(v: View, term: Int, i: Int, holders: list[Formula]) -> Formula:
    """The term's leader has an entry of its own at i, and of these are more than half."""
    return both(
        term >= 1,
        v.lead(term) != NOBODY,
        within(1, i, v.tlast(term)),
        v.term_of(v.tlog(term, i)) == term,
        majority(holders),
    )


@lemma(
    "Whoever acknowledged what may be chosen still has it.",
    "nTi",
    lambda v, n, term, i: [[v.choosable(term, i)]],
)
def holders_keep(v: View, n: int, term: Int, i: Int) -> Formula:
    s = v.server(n)
    return implies(
        both(v.choosable(term, i), v.ack(n, term) >= i),
        both(
            i <= s.last,
            v.term_of(s.log(i)) == term,
            i <= s.disk_last,
            v.term_of(s.disk_log(i)) == term,
        ),
    )


@lemma(
    "A later candidate that has the vote of one who acknowledged it has it too.",
    "ncTi",
    lambda v, n, c, term, i: [[v.choosable(term, i)]],
)
def candidates_have(v: View, n: int, c: int, term: Int, i: Int) -> Formula:
    candidate = v.server(c)
    return implies(
        both(
            v.choosable(term, i),
            v.ack(n, term) >= i,
            candidate.campaigns,
            candidate.term > term,
            v.told(n, candidate.term) == c,
        ),
        both(i <= candidate.last, v.term_of(candidate.log(i)) == term),
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
    lambda v, j: [[v.commit_term(j)]],
)
def counted_is_chosen(v: View, j: Int) -> Formula:
    term, up_to = v.commit_term(j), v.committed_up_to(j)
    return both(
        term >= 0,
        implies(
            both(j >= 1, term >= 1),
            both(up_to >= j, chosen(v, term, up_to), v.choosable(term, up_to)),
        ),
    )


def is_committed(v: View, j: Int, latest: Int, entry: EntryTerm) -> Formula:
    """This is the committed entry at j, counted at the latest in term `latest`."""
    term = v.commit_term(j)
    return both(within(1, term, latest), j <= v.tlast(term), entry == v.tlog(term, j))


@lemma(
    "What a server knows to be committed, a leader counted, of no later term.",
    "nj",
    lambda v, n, j: [[v.commit_term(j)]],
)
def known_is_counted(v: View, n: int, j: Int) -> Formula:
    s = v.server(n)
    return both(
        implies(within(1, j, s.commit), is_committed(v, j, s.term, s.log(j))),
        implies(within(1, j, s.snap), is_committed(v, j, s.disk_term, s.disk_log(j))),
    )


@lemma(
    "What was counted in a leader's term, it knows to be committed.",
    "nj",
    lambda v, n, j: [[v.commit_term(j)]],
)
def counts_itself(v: View, n: int, j: Int) -> Formula:
    s = v.server(n)
    return implies(both(s.leads, j >= 1, v.commit_term(j) == s.term), j <= s.commit)


# Reads, §8 and dissertation, §6.4


@lemma("Who answered a leader answered a call that it has made.")
def answered_is_made(v: View, n: int) -> Formula:
    s = v.server(n)
    others = [m for m in range(v.size) if m != n]
    return both(
        s.seqno >= 0,
        implies(s.leads, both(*[within(0, s.answered[m], s.seqno) for m in others])),
    )


@lemma("Who had left the term of a read is in a later one for ever.")
def left_for_ever(v: View, n: int) -> Formula:
    term = v.read_term()
    return both(
        term >= 0,
        v.read_seqno() >= 0,
        implies(v.left(n), both(term >= 1, v.server(n).disk_term > term)),
    )


@lemma("Who had left the term of a read answers no call after it to the leader that took it.")
def left_is_silent(v: View, n: int) -> Formula:
    s = v.server(n)
    others = [m for m in range(v.size) if m != n]
    silent = [implies(v.left(m), s.answered[m] < v.read_seqno()) for m in others]
    took = both(s.leads, s.term == v.read_term())
    return both(implies(v.read_term() >= 1, v.read_seqno() >= 1), implies(took, both(*silent)))


@lemma("When a read was stale, a majority had left its term.", "")
def stale_was_left(v: View) -> Formula:
    return implies(v.read_stale(), majority([v.left(m) for m in range(v.size)]))
