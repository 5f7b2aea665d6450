"""What follows from the lemmas of changing membership, whatever a step does: see `overlap`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import z3

from conformance.prove.changing.lemmas import (
    acknowledged,
    base,
    could_be_chosen,
    elected_by,
    held_by_quorum,
    later,
    majority_of,
    may_acknowledge,
    opening_holds,
    same,
    voters_of,
)
from conformance.prove.changing.overlap import Contradiction, Side
from conformance.prove.changing.script import Script, for_all
from conformance.prove.changing.views import IS_CONFIG, JOINT, Before
from conformance.prove.changing.why.facts import AT, K, T, alone, along, counting, has_votes, wins
from conformance.prove.lemmas import NOBODY, Int
from conformance.prove.logic import Formula, both, choose, either, implies, negation
from conformance.prove.views import ACTOR, TERM_OF

J = z3.Int("j")


def prove_along(s: Script) -> None:
    v = s.before

    def own(k: Int) -> Any:
        return v.log(ACTOR, k)

    of, before = TERM_OF(own(AT)), TERM_OF(own(AT - 1))
    at, joint = v.last_config(own, AT), v.last_joint(own, AT)
    earlier, earlier_joint = v.last_config(own, AT - 1), v.last_joint(own, AT - 1)
    mentions = [
        *[own(AT), own(K), own(at), own(joint), v.tlog(of, AT), v.tlog(of, K), v.lc(of, AT)],
        *[v.tlog(of, at), v.tlog(of, joint), v.lead(of)],
    ]
    for name, using in (
        ("own_marks", "Marks LogTerms LogFromLeader"),
        ("own_are_last", "MarksAreLast LogTerms LogFromLeader"),
        ("own_in_force", "InForce Marks LogTerms LogFromLeader own_marks"),
    ):
        holds, _, over = along(v)[name]
        s.step(name, holds(*over), using, mentions)
    mentions += [
        *[own(AT - 1), own(earlier), own(earlier_joint), v.lc(of, AT - 1), v.tlog(of, AT - 1)],
        *[v.tlog(of, earlier), v.tlog(of, earlier_joint), v.lc(before, AT - 1)],
    ]
    s.step(
        "same_marks",
        implies(
            both(AT >= 2, v.last(ACTOR) >= AT),
            both(v.lc(of, AT - 1) == earlier, v.lj(of, AT - 1) == earlier_joint, of >= 1),
        ),
        "MarksAgree LogTerms LogFromLeader",
        mentions,
    )
    holds, _, over = along(v)["own_rule"]
    s.step("own_rule", holds(*over), "same_marks ConfigRule Marks LogTerms LogFromLeader", mentions)


def prove_wins(s: Script) -> None:
    v, (t, i) = s.before, z3.Ints("low_t low_i")
    term, y = v.term(ACTOR), v.last(ACTOR)
    ends = TERM_OF(v.log(ACTOR, y))
    mine = z3.Int("mine")

    def own(k: Int) -> Any:
        return v.log(ACTOR, k)

    s.given("votes", has_votes(v))
    s.given("mine", mine == choose(ends == 0, t, ends))
    s.given(
        "negated",
        v.choosable(t, i),
        t < term,
        negation(both(i <= y, TERM_OF(own(i)) == t)),
    )
    lower = z3.Implies(both(v.choosable(T, AT), t > T), both(y >= AT, TERM_OF(own(AT)) == T))
    s.given("least", z3.ForAll([T, AT], lower, patterns=[v.choosable(T, AT)]))
    side = Side("", mine, y, [v.told(m, term) == ACTOR for m in range(v.size)])
    log = side.log(v)
    s.step(
        "there", both(t >= 1, i >= 2, v.lead(t) != NOBODY), "negated Choosable Elected", [v.lead(t)]
    )
    s.step(
        "log",
        both(
            y >= 1,
            mine >= 1,
            v.lead(mine) != NOBODY,
            y <= v.tlast(mine),
            implies(ends == 0, y == 1),
            ends >= 0,
        ),
        "votes mine there Candidate LogFromLeader LogTerms Elected",
        [own(y), own(1), v.lead(t)],
    )
    s.step(
        "is_leaders",
        implies(both(K >= 1, y >= K), own(K) == log(K)),
        "mine log there LogFromLeader LogTerms TermLogEnds",
        [own(y), own(K), v.lead(t), own(1)],
        [
            z3.ForAll(
                [K], z3.Implies(both(K >= 1, y >= K), own(K) == log(K)), patterns=[own(K), log(K)]
            )
        ],
    )
    s.step(
        "not_later",
        both(mine <= t, implies(mine == t, y < i)),
        "negated mine log there is_leaders Choosable LeadersHave TermLogSorted Elected LogTerms",
        [own(y), own(i), log(y), log(i), v.lead(mine), v.tlog(t, y), v.lead(t), v.tlog(t, i)],
    )
    config = v.log(ACTOR, v.last_config(own, y))
    s.step(
        "config",
        config == side.config(v),
        "mine log there is_leaders Marks",
        [config, v.lc(mine, y), own(1), log(1)],
    )
    s.step("quorum", side.has_quorum(v), "votes config")
    s.step(
        "held",
        could_be_chosen(v, t, i),
        "negated Choosable",
    )
    s.step(
        "logs",
        both(
            mine <= t,
            v.lead(t) != NOBODY,
            v.el(t) < i,
            i - 1 <= v.tlast(t),
            implies(mine == t, y < i),
        ),
        "negated not_later Choosable",
    )
    have = z3.Implies(both(v.choosable(T, AT), t > T), both(y >= AT, TERM_OF(log(AT)) == T))
    s.step(
        "lower",
        have,
        "least is_leaders Choosable log Elected",
        [v.choosable(T, AT), v.lead(T)],
        [z3.ForAll([T, AT], have, patterns=[v.choosable(T, AT)])],
    )
    s.step(
        "voted",
        both(term > t, *[implies(side.voted[m], v.dterm(m) >= term) for m in range(v.size)]),
        "negated ToldIsSaved",
        [v.told(m, term) for m in range(v.size)],
    )
    against = Contradiction(s, side, t, i)
    star = against.star(z3.Int("d"))
    s.step(
        "informed",
        both(
            *[
                implies(
                    both(vote, ack, either(star == i, against.held(star)), star >= 1),
                    both(star <= y, TERM_OF(log(star)) == t),
                )
                for vote, ack in zip(side.voted, against.acks(star), strict=True)
            ]
        ),
        "votes negated is_leaders Choosable CandidatesHave",
        [v.choosable(t, star)],
    )
    against.prove()


def prove_alone(s: Script) -> None:
    v, d = s.before, z3.Int("d")
    term, y = v.term(ACTOR), v.last(ACTOR)
    ends, mine = TERM_OF(v.log(ACTOR, y)), z3.Int("mine")

    def own(k: Int) -> Any:
        return v.log(ACTOR, k)

    s.given("votes", has_votes(v), v.lead(term) != NOBODY)
    s.given("wins", wins(v))
    s.given("mine", mine == choose(ends == 0, term, ends))
    one = Side("_own", mine, y, [v.told(m, term) == ACTOR for m in range(v.size)])
    other = Side(
        "_other", term, v.el(term), [v.told(m, term) == v.lead(term) for m in range(v.size)]
    )
    log, theirs = one.log(v), other.log(v)
    s.step(
        "log",
        both(
            term >= 1,
            y >= 1,
            mine >= 1,
            v.lead(mine) != NOBODY,
            y <= v.tlast(mine),
            implies(ends == 0, y == 1),
            ends >= 0,
            ends < term,
            v.el(term) >= 1,
            v.el(term) < v.tlast(term),
            v.lead(term) != ACTOR,
        ),
        "votes mine Candidate LogFromLeader LogTerms Elected",
        [own(y), own(1), v.lead(term)],
    )
    s.step(
        "is_leaders",
        implies(both(K >= 1, y >= K), own(K) == log(K)),
        "votes mine log LogFromLeader LogTerms TermLogEnds",
        [own(y), own(K), v.lead(term), own(1)],
        [
            z3.ForAll(
                [K], z3.Implies(both(K >= 1, y >= K), own(K) == log(K)), patterns=[own(K), log(K)]
            )
        ],
    )
    config = v.log(ACTOR, v.last_config(own, y))
    s.step(
        "config",
        config == one.config(v),
        "mine log is_leaders Marks",
        [config, v.lc(mine, y), own(1), log(1)],
    )
    s.step("quorum_own", one.has_quorum(v), "votes config")
    s.step("quorum_other", other.has_quorum(v), "votes ElectedByQuorum Elected", [v.lead(term)])
    s.step("log_own", one.is_log(v), "log votes")
    s.step("log_other", other.is_log(v), "log votes")
    both_begin = both(y >= 1, v.el(term) >= 1, log(1) == theirs(1))
    ends_at = either(d == y, d == v.el(term), log(d + 1) != theirs(d + 1))
    so_far = z3.ForAll(
        [K], z3.Implies(both(K >= 1, d >= K), log(K) == theirs(K)), patterns=[log(K), theirs(K)]
    )
    within = both(d >= 1, d <= y, d <= v.el(term))
    s.given("common_prefix", implies(both_begin, both(within, so_far, ends_at)))
    s.step("begin", both_begin, "log votes TermLogEnds", [v.lead(mine), v.lead(term)])
    s.step("prefix", both(within, so_far, ends_at), "begin common_prefix")
    s.facts["prefix"] = [within, so_far, ends_at]
    s.facts["within_own"] = s.facts["within_other"] = [within]
    logs = "log log_own log_other prefix"

    def common(k: Int) -> Formula:
        both_have = both(k >= 1, k <= y, k <= v.el(term), log(k) == theirs(k))
        return z3.Implies(both_have, k <= d)

    k, b = z3.Ints("k b")
    s.step(
        "common",
        common(k),
        f"{logs} TermLogFromLeader TermLogSorted TermLogEnds",
        [
            log(k),
            theirs(k),
            log(d + 1),
            theirs(d + 1),
            log(1),
            theirs(1),
            v.lead(mine),
            v.lead(term),
        ],
        [for_all(common, lambda k: (log(k), theirs(k)), k)],
    )
    s.step(
        "ended",
        both(TERM_OF(theirs(v.el(term))) < term, TERM_OF(theirs(v.el(term) + 1)) == term),
        "votes Elected",
        [v.lead(term)],
    )
    first = v.first(b)

    def uncommitted(of: Any, last: Int) -> Callable[[Int], Formula]:
        def holds(b: Int) -> Formula:
            by = v.first(b)
            is_it = both(
                b > d, b <= last, by >= 1, by < term, b <= v.tlast(by), of(b) == v.tlog(by, b)
            )
            return z3.Implies(is_it, False)

        return holds

    mentioned = [
        *[log(b), theirs(b), first, v.by(b), v.tlog(first, b), v.tlog(first, v.by(b))],
        *[v.choosable(first, v.by(b)), theirs(v.by(b)), v.lead(term), v.lead(first)],
        *[own(b), own(v.by(b)), log(v.by(b)), theirs(v.el(term)), theirs(v.el(term) + 1)],
    ]
    for side, of, using in (
        (one, log, "LeadersHave TermLogSorted"),
        (other, theirs, "wins votes is_leaders LogFromLeader"),
    ):
        holds = uncommitted(of, side.last)
        s.step(
            f"uncommitted{side.name}",
            holds(b),
            f"{logs} mine common ended {using} CountedIsChosen TermLogFromLeader",
            mentioned,
            [for_all(holds, lambda b: v.first(b), b)],
        )
    based = [z3.Bool(f"based_{m}") for m in range(v.size)]
    at_d, other_at_d = v.lj(mine, d), v.lj(term, d)
    s.given("base", same(based, base(v, mine, d)))
    s.step(
        "same_joint",
        at_d == other_at_d,
        f"{logs} Marks MarksAreLast",
        [at_d, other_at_d, log(at_d), theirs(at_d), log(other_at_d), theirs(other_at_d)],
    )
    s.step(
        "same_base",
        same(based, base(v, term, d)),
        f"base same_joint {logs} Marks",
        [log(at_d), theirs(at_d), at_d],
    )
    s.step(
        "own_ended",
        TERM_OF(log(y)) < term,
        "mine log is_leaders TermLogEnds",
        [own(y), log(y), v.lead(term)],
    )
    s.facts["uncommitted_own"] += s.facts["log"] + s.facts["own_ended"]
    s.facts["uncommitted_other"] += s.facts["log"] + s.facts["ended"]
    ours = one.has_majority(s, d, based, "uncommitted_own")
    others = other.has_majority(s, d, based, "uncommitted_other")
    s.step("contradiction", False, f"{ours} {others} log")


def prove_new(s: Script) -> None:
    """Of the later terms with a leader we look at the least."""
    v, t, i = s.before, z3.Int("own_t"), z3.Int("own_i")
    after, mine = z3.Int("after"), z3.Int("mine")
    y = v.el(after)
    ends = TERM_OF(v.tlog(after, y))
    s.given("leads", v.leads(ACTOR), t == v.term(ACTOR), i == v.last(ACTOR) + 1)
    s.given("after", after > t, v.lead(after) != NOBODY)
    s.given(
        "least",
        for_all(lambda k: z3.Implies(both(t < k, k < after), v.lead(k) == NOBODY), v.lead, K),
    )
    s.given("mine", mine == choose(ends == 0, t, ends))
    s.given("held", could_be_chosen(v, t, i))
    side = Side("", mine, y, [v.told(m, after) == v.lead(after) for m in range(v.size)])
    log = side.log(v)

    def theirs(k: Int) -> Any:
        return v.tlog(after, k)

    s.step(
        "there",
        both(t >= 1, v.lead(t) != NOBODY, v.tlast(t) == i - 1, v.el(t) < i, v.el(t) >= 1),
        "leads Leader Elected",
        [v.lead(t)],
    )
    s.step(
        "log",
        both(
            y >= 1,
            mine >= 1,
            v.lead(mine) != NOBODY,
            y <= v.tlast(mine),
            implies(ends == 0, y == 1),
            ends >= 0,
            ends < after,
            y < v.tlast(after),
        ),
        "after mine there Elected TermLogFromLeader TermLogSorted TermLogEnds",
        [theirs(y), theirs(1), v.lead(after), v.lead(t)],
    )
    s.step(
        "is_leaders",
        implies(both(K >= 1, y >= K), theirs(K) == log(K)),
        "after mine log there TermLogFromLeader TermLogEnds",
        [theirs(y), theirs(K), v.lead(after), v.lead(t)],
        [
            z3.ForAll(
                [K],
                z3.Implies(both(K >= 1, y >= K), theirs(K) == log(K)),
                patterns=[theirs(K), log(K)],
            )
        ],
    )
    s.step(
        "logs",
        both(
            mine <= t,
            v.lead(t) != NOBODY,
            v.el(t) < i,
            i - 1 <= v.tlast(t),
            implies(mine == t, y < i),
        ),
        "log mine there least",
        [v.lead(mine)],
    )
    s.step(
        "config",
        elected_by(v, after) == side.config(v),
        "after mine log there is_leaders Marks MarksAgree",
        [v.lc(after, y), v.lc(mine, y), theirs(1), log(1), theirs(y), elected_by(v, after)],
    )
    s.step("quorum", side.has_quorum(v), "after config ElectedByQuorum Elected", [v.lead(after)])

    def lower(term: Int, j: Int) -> Formula:
        return z3.Implies(
            both(v.choosable(term, j), term < t), both(j <= y, TERM_OF(log(j)) == term)
        )

    def later_has(term: Int, j: Int) -> Formula:
        return z3.Implies(
            both(v.choosable(term, j), term < after), both(j <= y, TERM_OF(log(j)) == term)
        )

    s.step(
        "later_has",
        later_has(T, J),
        "after log is_leaders Choosable LeadersHave TermLogSorted Elected",
        [v.choosable(T, J), v.lead(after), theirs(J), log(J), theirs(y + 1), theirs(y), v.lead(T)],
        [for_all(later_has, v.choosable, T, J)],
    )
    s.step(
        "lower",
        lower(T, J),
        "after later_has",
        [v.choosable(T, J)],
        [for_all(lower, v.choosable, T, J)],
    )
    s.step(
        "voted",
        both(after > t, *[implies(side.voted[m], v.dterm(m) >= after) for m in range(v.size)]),
        "after ToldIsSaved Elected",
        [v.lead(after), *[v.told(m, after) for m in range(v.size)]],
    )
    against = Contradiction(s, side, t, i)
    star = against.star(z3.Int("d"))
    s.step(
        "informed",
        both(
            *[
                implies(
                    both(
                        vote,
                        ack,
                        either(star == i, both(star < i, against.held(star))),
                        star > v.el(t),
                    ),
                    both(star <= y, TERM_OF(log(star)) == t),
                )
                for vote, ack in zip(side.voted, against.acks(star), strict=True)
            ]
        ),
        "after there later_has Choosable AckIsOfTerm",
        [v.choosable(t, star), *[v.ack(m, t) for m in range(v.size)]],
    )
    against.prove()


def prove_opening(s: Script) -> None:
    v, d = s.before, z3.Int("d")
    term, y = v.term(ACTOR), v.last(ACTOR)
    after, mine = z3.Ints("after mine")
    last = v.el(after)
    ends, their_ends = TERM_OF(v.log(ACTOR, y)), TERM_OF(v.tlog(after, last))

    def own(k: Int) -> Any:
        return v.log(ACTOR, k)

    def later_log(k: Int) -> Any:
        return v.tlog(after, k)

    s.given("votes", has_votes(v))
    s.given("alone", alone(v))
    s.given("wins", wins(v))
    s.given("held", opening_holds(v))
    s.given("after", after > term, v.lead(after) != NOBODY)
    s.given(
        "least",
        for_all(lambda k: z3.Implies(both(term < k, k < after), v.lead(k) == NOBODY), v.lead, K),
    )
    s.given("mine", mine == choose(ends == 0, after, ends))
    side = Side("", after, last, [v.told(m, after) == v.lead(after) for m in range(v.size)])

    def log(k: Int) -> Any:
        return v.tlog(mine, k)

    s.step("unled", v.lead(term) == NOBODY, "votes alone")
    s.step(
        "log_own",
        both(
            term >= 1,
            y >= 1,
            mine >= 1,
            v.lead(mine) != NOBODY,
            y <= v.tlast(mine),
            implies(ends == 0, y == 1),
            ends >= 0,
            ends < term,
        ),
        "votes mine after Candidate LogFromLeader LogTerms Elected",
        [own(y), own(1), v.lead(after)],
    )
    s.step(
        "is_leaders",
        implies(both(K >= 1, y >= K), own(K) == log(K)),
        "mine log_own after LogFromLeader LogTerms TermLogEnds",
        [own(y), own(K), v.lead(after), own(1)],
        [
            z3.ForAll(
                [K], z3.Implies(both(K >= 1, y >= K), own(K) == log(K)), patterns=[own(K), log(K)]
            )
        ],
    )
    s.step("log", side.is_log(v), "after Elected", [v.lead(after)])
    s.step("quorum", side.has_quorum(v), "after ElectedByQuorum Elected", [v.lead(after)])
    s.step(
        "ended",
        both(their_ends < term, TERM_OF(later_log(last + 1)) == after, term < after),
        "after least unled log log_own Elected TermLogFromLeader TermLogSorted TermLogEnds",
        [v.lead(after), later_log(last), v.lead(their_ends), later_log(1), v.lead(term)],
    )
    both_begin = both(y >= 1, last >= 1, log(1) == later_log(1))
    ends_at = either(d == y, d == last, log(d + 1) != later_log(d + 1))
    so_far = z3.ForAll(
        [K],
        z3.Implies(both(K >= 1, d >= K), log(K) == later_log(K)),
        patterns=[log(K), later_log(K)],
    )
    within = both(d >= 1, d <= y, d <= last)
    s.given("common_prefix", implies(both_begin, both(within, so_far, ends_at)))
    s.step("begin", both_begin, "log log_own TermLogEnds", [v.lead(mine), v.lead(after)])
    s.step("prefix", both(within, so_far, ends_at), "begin common_prefix")
    s.facts["prefix"] = [within, so_far, ends_at]
    s.facts["within"] = [within]
    logs = "mine log log_own prefix"

    def common(k: Int) -> Formula:
        both_have = both(k >= 1, k <= y, k <= last, log(k) == later_log(k))
        return z3.Implies(both_have, k <= d)

    k, b = z3.Ints("k b")
    s.step(
        "common",
        common(k),
        f"{logs} TermLogFromLeader TermLogSorted TermLogEnds",
        [
            *[log(k), later_log(k), log(d + 1), later_log(d + 1), log(1), later_log(1)],
            *[v.lead(mine), v.lead(after)],
        ],
        [for_all(common, lambda k: (log(k), later_log(k)), k)],
    )

    def uncommitted(of: Any, end: Int) -> Callable[[Int], Formula]:
        def holds(b: Int) -> Formula:
            by = v.first(b)
            is_it = both(b > d, b <= end, by >= 1, by < term, b <= v.tlast(by))
            return z3.Implies(both(is_it, of(b) == v.tlog(by, b)), False)

        return holds

    first = v.first(b)
    mentioned = [
        *[log(b), later_log(b), first, v.by(b), v.tlog(first, b), v.tlog(first, v.by(b))],
        *[v.choosable(first, v.by(b)), later_log(v.by(b)), v.lead(after), v.lead(first)],
        *[own(b), own(v.by(b)), log(v.by(b)), later_log(last), later_log(last + 1)],
    ]
    for name, of, end, using in (
        ("uncommitted", later_log, last, "wins votes is_leaders LogFromLeader"),
        ("uncommitted_own", log, y, "LeadersHave TermLogSorted"),
    ):
        holds = uncommitted(of, end)
        s.step(
            name,
            holds(b),
            f"{logs} common ended {using} CountedIsChosen TermLogFromLeader",
            mentioned,
            [for_all(holds, lambda b: v.first(b), b)],
        )
    s.facts["uncommitted"] += s.facts["ended"]
    based = [z3.Bool(f"based_{m}") for m in range(v.size)]
    at_d, other = v.lj(mine, d), v.lj(after, d)
    s.given("base", same(based, base(v, mine, d)))
    s.step(
        "same_joint",
        at_d == other,
        f"{logs} Marks MarksAreLast",
        [at_d, other, log(at_d), later_log(at_d), log(other), later_log(other)],
    )
    s.step(
        "same_base",
        same(based, base(v, after, d)),
        f"base same_joint {logs} Marks",
        [log(at_d), later_log(at_d), at_d],
    )
    majority = side.has_majority(s, d, based, "uncommitted")
    # The candidate's side: nothing joint beyond d is left, so what is in force decides.
    not_later = [v.dterm(n) <= term for n in range(v.size)]
    ours = Side("_own", mine, y, not_later)
    in_force, joint = v.lc(mine, y), v.lj(mine, y)
    s.facts["within_own"] = [within]
    s.step(
        "marks",
        both(
            v.last_config(own, y) == in_force,
            v.last_joint(own, y) == joint,
            own(in_force) == log(in_force),
            implies(joint >= 1, own(joint) == log(joint)),
        ),
        "mine log_own is_leaders Marks",
        [in_force, joint, own(in_force), own(joint), log(1)],
    )
    s.step(
        "own_ended",
        TERM_OF(log(y)) < term,
        "mine log_own is_leaders TermLogEnds",
        [own(y), log(y), v.lead(after)],
    )
    s.facts["uncommitted_own"] += s.facts["log_own"] + s.facts["own_ended"]
    ours.unleft(s, d, "uncommitted_own")
    s.step(
        "known",
        implies(both(joint > d, in_force == joint), in_force > v.commit(ACTOR)),
        "log_own prefix marks is_leaders uncommitted_own unled KnownIsCounted CountedIsChosen "
        "Marks",
        [v.first(joint), in_force, joint, own(joint), log(joint)],
    )
    s.step(
        "held_own",
        majority_of(based, not_later),
        "held marks known log_own prefix unleft_own high_own joint_own base before_own Marks",
        [in_force, log(in_force), joint, log(joint), v.lj(mine, d)],
    )
    s.step(
        "contradiction",
        False,
        f"{majority} held_own after ToldIsSaved Elected",
        [v.lead(after), *[v.told(m, after) for m in range(v.size)]],
    )


def counting_parts(s: Script) -> tuple[Int, Int]:
    """What is the same in both facts of counting."""
    v = s.before
    c, t = z3.Int("count"), z3.Int("own_t")
    s.given("counting", counting(v, c), t == v.term(ACTOR))
    s.step(
        "own",
        both(
            t >= 1,
            v.lead(t) != NOBODY,
            v.tlast(t) == v.last(ACTOR),
            v.kc(t) == v.commit(ACTOR),
            v.el(t) >= 1,
            v.commit(ACTOR) >= 0,
        ),
        "counting Leader KnownToLeader Elected Ranges",
        [v.lead(t)],
    )
    at, n = z3.Ints("joint next")
    in_force = v.lc(t, v.last(ACTOR))

    def x(k: Int) -> Any:
        return v.tlog(t, k)

    none = for_all(lambda k: z3.Implies(both(at < k, k < n), negation(IS_CONFIG(x(k)))), x, K)
    there_is = both(at < in_force, IS_CONFIG(x(in_force)))
    s.given("least_next", implies(there_is, both(at < n, n <= in_force, IS_CONFIG(x(n)), none)))

    def unleft(at: Int) -> Formula:
        """A joint configuration that it does not know to be committed, and that was not left before
        it was elected, is the one in force.
        """
        unknown = both(JOINT(x(at)), v.commit(ACTOR) < at, at <= v.last(ACTOR))
        return z3.Implies(both(unknown, v.lc(t, v.el(t)) <= at), in_force == at)

    s.step(
        "unleft",
        unleft(at),
        "counting own least_next Marks MarksAreLast ConfigRule",
        [
            *[x(at), in_force, x(in_force), x(n), v.lc(t, n - 1), x(v.lc(t, n - 1))],
            *[v.lc(t, v.el(t)), x(v.el(t))],
        ],
        [for_all(unleft, x, at)],
    )
    return c, t


def prove_no_more(s: Script) -> None:
    v, i = s.before, z3.Int("kept")
    c, t = counting_parts(s)
    at = v.lc(t, i - 1)
    config = v.tlog(t, at)
    s.given(
        "kept", v.el(t) < i, i <= v.last(ACTOR) + 1, JOINT(config), at <= c, at > v.commit(ACTOR)
    )
    s.step(
        "kept_in_force",
        v.lc(t, v.last(ACTOR)) == at,
        "counting own kept unleft Marks MarksAreLast",
        [v.lc(t, v.el(t)), v.tlog(t, v.lc(t, v.el(t))), config],
    )
    s.step(
        "no_more",
        majority_of(voters_of(v, config), may_acknowledge(v, t)(later(at, v.el(t) + 1))),
        "counting own kept kept_in_force",
    )


def prove_counted(s: Script) -> None:
    v = s.before
    c, t = counting_parts(s)
    last = v.last(ACTOR)
    in_force, joint, before = v.lc(t, last), v.lj(t, last), v.lc(t, c - 1)

    def x(k: Int) -> Any:
        return v.tlog(t, k)

    acks = acknowledged(v, t)
    at_el = [v.lc(t, v.el(t)), x(v.lc(t, v.el(t)))]
    s.step(
        "behind_joint",
        implies(
            both(JOINT(x(before)), before > v.commit(ACTOR)),
            majority_of(voters_of(v, x(before)), acks(later(before, v.el(t) + 1))),
        ),
        "counting own unleft Marks MarksAreLast",
        [*at_el, before, x(before)],
    )
    second, known = v.lj(t, joint - 1), [joint, x(joint), in_force, x(in_force), v.lj(t, c - 1)]
    s.step(
        "joint_in_force",
        implies(joint >= c, both(in_force == joint, JOINT(x(joint)))),
        "counting own unleft Marks MarksAreLast",
        [*at_el, *known],
    )
    s.step(
        "second",
        implies(joint >= c, second < c),
        "counting own unleft joint_in_force Marks MarksAreLast",
        [*at_el, *known, second, x(second)],
    )
    at_c = v.lj(t, c - 1)
    s.step(
        "joint_at",
        at_c == choose(joint >= c, second, joint),
        "counting own second Marks MarksAreLast",
        [*known, second, x(second), at_c, x(at_c)],
    )
    based = [z3.Bool(f"based_{m}") for m in range(v.size)]
    s.given("based", same(based, base(v, t, c - 1)))
    s.step(
        "high",
        implies(joint >= c, same(voters_of(v, x(joint)), based)),
        "counting own based joint_at joint_in_force Marks ConfigRule",
        [joint, x(joint), v.lc(t, joint - 1)],
    )
    s.step(
        "low",
        implies(joint < c, same(choose_nodes(v, x(in_force)), based)),
        "counting own based joint_at Marks InForce",
        [joint, x(joint), in_force, x(in_force)],
    )
    s.step("base", majority_of(based, acks(c)), "counting high low joint_in_force")
    s.step(
        "counted",
        held_by_quorum(v, t, c, acks, lambda at: at <= v.commit(ACTOR)),
        "counting own based base behind_joint",
    )


def choose_nodes(v: Before, config: Any) -> list[Formula]:
    """Whom the next configuration has as its voters."""
    return [choose(JOINT(config), v.new(config, m), v.old(config, m)) for m in range(v.size)]


Proof = Callable[[Script], None]

PROOFS: Final[dict[str, Proof]] = {
    "along": prove_along,
    "wins": prove_wins,
    "alone": prove_alone,
    "new": prove_new,
    "opening": prove_opening,
    "counted": prove_counted,
    "no_more": prove_no_more,
}
