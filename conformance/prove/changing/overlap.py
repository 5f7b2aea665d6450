"""Why quorums of changing configurations overlap: consequences of the lemmas, in steps.

Three facts, of any clusters that satisfy the lemmas; no code is run here.

    wins      a candidate with the votes of a quorum has all that may be chosen of earlier terms,
              and nobody else leads its term
    new       what a leader appends cannot be chosen any more where a later term has a leader
    counted   what a leader counts, a quorum of whatever it may have counted by holds

The first two compare the logs of two leaders: of S, up to y, with which somebody won a later term
with votes; and of T, up to i - 1, where something may be chosen at i.  Up to d they are the same.
From there on each has a majority of the base at d in all its quorums (`base`), until it leaves a
joint configuration; and that one was committed, so both have it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import z3

from conformance.prove.changing.lemmas import (
    Nodes,
    acknowledged,
    base,
    held_by_quorum,
    later,
    majority_of,
    may_acknowledge,
    may_be_chosen,
    new_voters_of,
    quorum,
    same,
    voters_of,
)
from conformance.prove.changing.script import Script, for_all
from conformance.prove.changing.views import INT, IS_CONFIG, JOINT, Before
from conformance.prove.changing.why.facts import K
from conformance.prove.lemmas import NOBODY, Int
from conformance.prove.logic import Formula, both, choose, either, implies, negation
from conformance.prove.views import TERM_OF


@dataclass(frozen=True, slots=True)
class Side:
    """The log of the leader of `term` up to `last`, with which `voted` made somebody win."""

    name: str
    term: Int
    last: Int
    voted: Nodes

    def log(self, v: Before) -> Any:
        return lambda i: v.tlog(self.term, i)

    def config(self, v: Before) -> Any:
        return v.tlog(self.term, v.lc(self.term, self.last))

    def is_log(self, v: Before) -> Formula:
        """Of a leader, and not empty."""
        term = self.term
        return both(term >= 1, v.lead(term) != NOBODY, self.last >= 1, self.last <= v.tlast(term))

    def has_quorum(self, v: Before) -> Formula:
        return quorum(v, self.config(v), self.voted)

    def has_majority(self, s: Script, d: Int, based: Nodes, uncommitted: str) -> str:
        """The votes have a majority of `based`, the base at d.

        Known by name are `log`, `quorum` and d `within` this log; `uncommitted` is that nothing in
        it beyond d is committed.
        """
        v, n = s.before, self.name
        log, config = self.log(v), self.config(v)
        t, y = self.term, self.last
        in_force, j = v.lc(t, y), v.lj(t, y)
        self.unleft(s, d, uncommitted)
        known = f"log{n} within{n} based{n} joint{n} before{n} unleft{n}"
        s.step(
            f"low{n}",
            implies(both(j <= d, negation(JOINT(config))), same(voters_of(v, config), based)),
            f"{known} Marks InForce",
            [j, log(j), in_force, config],
        )
        s.step(
            f"new{n}",
            implies(both(j <= d, JOINT(config)), same(new_voters_of(v, config), based)),
            f"{known} Marks",
            [j, log(j), in_force, config],
        )
        s.step(
            f"majority{n}",
            majority_of(based, self.voted),
            f"quorum{n} high{n} low{n} new{n} unleft{n}",
        )
        return f"majority{n}"

    def unleft(self, s: Script, d: Int, uncommitted: str) -> None:
        """A joint configuration beyond d is the last one, in force, and has `based` as voters."""
        v, n = s.before, self.name
        log, config = self.log(v), self.config(v)
        t, y = self.term, self.last
        in_force, j = v.lc(t, y), v.lj(t, y)
        based = [z3.Bool(f"based_{m}") for m in range(v.size)]
        b, q = z3.Ints("b q")

        def left(b: Int, q: Int) -> Formula:
            return z3.Implies(
                both(d < b, b < q, q <= y, JOINT(log(b)), IS_CONFIG(log(q)), v.lc(t, q - 1) == b),
                False,
            )

        s.step(
            f"left{n}",
            left(b, q),
            f"log{n} within{n} {uncommitted} ConfigRule TermLogSorted",
            [log(b), log(q), v.lc(t, q - 1), v.first(b), log(y)],
            [for_all(left, lambda b, q: (log(b), log(q)), b, q)],
        )
        following = z3.Function(f"following{n}", INT, INT)
        s.given(f"following{n}", self.follows(v, following))
        r = following(j)
        s.step(
            f"unleft{n}",
            implies(j > d, in_force == j),
            f"log{n} within{n} left{n} following{n} Marks MarksAreLast",
            [j, log(j), r, log(r), v.lc(t, r - 1), log(v.lc(t, r - 1)), in_force, config],
        )
        before = v.lj(t, j - 1)
        r = following(before)
        s.step(
            f"before{n}",
            implies(j > d, before <= d),
            f"log{n} within{n} left{n} following{n} Marks MarksAreLast ConfigRule",
            [
                *[j, log(j), before, log(before), r, log(r), v.lc(t, r - 1)],
                *[log(v.lc(t, r - 1)), in_force, v.lc(t, j - 1), log(v.lc(t, j - 1))],
            ],
        )
        at_d = v.lj(t, d)
        s.step(
            f"joint{n}",
            at_d == choose(j > d, before, j),
            f"log{n} within{n} before{n} Marks MarksAreLast",
            [j, log(j), at_d, log(at_d), before, log(before)],
        )
        known = f"log{n} within{n} based{n} joint{n} before{n} unleft{n}"
        s.step(f"based{n}", same(based, base(v, t, d)), "base same_base")
        s.step(
            f"high{n}",
            implies(j > d, same(voters_of(v, log(j)), based)),
            f"{known} Marks ConfigRule",
            [j, log(j), v.lc(t, j - 1)],
        )

    def follows(self, v: Before, following: Any) -> Formula:
        """The next configuration after each but the last: there is a first one."""
        log, last = self.log(v), v.lc(self.term, self.last)
        at, k = z3.Ints("at k")
        between = for_all(
            lambda k: z3.Implies(both(at < k, k < following(at)), negation(IS_CONFIG(log(k)))),
            lambda k: log(k),
            k,
        )
        is_next = both(
            at < following(at),
            following(at) <= last,
            IS_CONFIG(log(following(at))),
            between,
        )
        return for_all(
            lambda at: z3.Implies(both(at < last, IS_CONFIG(log(last))), is_next),
            lambda at: following(at),
            at,
        )


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Something may be chosen in T at i, and a later leader has won without it.

    `informed`: who voted for that one, and acknowledged something that may be chosen, makes it
    have that.
    """

    script: Script
    side: Side
    term: Int
    i: Int

    def prove(self) -> None:
        s, side, v = self.script, self.side, self.script.before
        t, i, y, mine = self.term, self.i, side.last, side.term
        z = side.log(v)

        def x(k: Int) -> Any:
            return v.tlog(t, k)

        el, d = v.el(t), z3.Int("d")
        k, b = z3.Ints("k b")
        based = [z3.Bool(f"based_{m}") for m in range(v.size)]
        both_begin = both(y >= 1, i >= 2, x(1) == z(1))
        ends = either(d == y, d == i - 1, x(d + 1) != z(d + 1))
        so_far = z3.ForAll(
            [k], z3.Implies(both(k >= 1, k <= d), x(k) == z(k)), patterns=[x(k), z(k)]
        )
        within = both(d >= 1, d <= y, d <= i - 1)
        s.given("common_prefix", implies(both_begin, both(within, so_far, ends)))
        s.step(
            "begin",
            both_begin,
            f"logs log{side.name} TermLogEnds Elected",
            [v.lead(t), v.lead(mine)],
        )
        s.step(f"within{side.name}", within, "begin common_prefix")
        s.step("prefix", both(within, ends, so_far), "begin common_prefix")
        s.facts["prefix"] = [within, ends, so_far]
        s.facts["logs"] += [within, *s.facts[f"log{side.name}"]]
        s.given("base", same(based, base(v, t, d)))

        def common(k: Int) -> Formula:
            same_entry = both(k >= 1, k <= y, k <= v.tlast(t), x(k) == z(k))
            return z3.Implies(same_entry, k <= d)

        s.step("own", TERM_OF(x(el + 1)) == t, "Elected logs", [v.lead(t)])
        s.step(
            "common",
            common(k),
            "logs prefix own TermLogFromLeader TermLogSorted TermLogEnds Elected",
            [
                *[x(k), z(k), x(d + 1), z(d + 1), x(1), z(1)],
                x(i),
                x(el + 1),
                v.lead(t),
                v.lead(mine),
            ],
            [for_all(common, lambda k: (x(k), z(k)), k)],
        )
        first = v.first(b)

        def uncommitted(b: Int) -> Formula:
            by = v.first(b)
            is_it = both(b > d, b <= y, by >= 1, by <= t, b <= v.tlast(by), z(b) == v.tlog(by, b))
            return z3.Implies(is_it, False)

        s.step(
            "uncommitted",
            uncommitted(b),
            "logs common LeadersHave CountedIsChosen TermLogFromLeader",
            [
                *[x(b), z(b), first, v.by(b), v.tlog(first, b), v.tlog(first, v.by(b))],
                *[v.choosable(first, v.by(b)), x(v.by(b)), v.lead(t), v.lead(first)],
            ],
            [for_all(uncommitted, lambda b: v.first(b), b)],
        )
        s.facts["uncommitted"] += s.facts["logs"]
        at_d, other = v.lj(t, d), v.lj(mine, d)
        s.step(
            "same_joint",
            at_d == other,
            "logs prefix Marks MarksAreLast",
            [at_d, other, x(at_d), z(at_d), x(other), z(other)],
        )
        s.step(
            "same_base",
            same(based, base(v, mine, d)),
            "base same_joint prefix logs Marks",
            [x(at_d), z(at_d), at_d],
        )
        majority = side.has_majority(s, d, based, "uncommitted")
        self.holders(d, based)
        self.contradict(d, based, majority)

    def acks(self, at: Int) -> Nodes:
        return acknowledged(self.script.before, self.term)(at)

    def may(self, at: Int) -> Nodes:
        return may_acknowledge(self.script.before, self.term)(at)

    def held(self, at: Int) -> Formula:
        """It may be chosen."""
        return may_be_chosen(self.script.before, self.term, at)

    def star(self, d: Int) -> Int:
        """Where a majority of the base at d holds something that may be chosen."""
        v, t = self.script.before, self.term
        first_joint = z3.Int("first_joint")
        beyond = v.lj(t, self.i - 1) > d
        return choose(beyond, later(first_joint, v.el(t) + 1), self.i)

    def holders(self, d: Int, based: Nodes) -> None:
        """A majority of the base at d holds, or may, what may be chosen beyond it."""
        s, v, t, i = self.script, self.script.before, self.term, self.i
        el, last_joint, in_force = v.el(t), v.lj(t, i - 1), v.lc(t, i - 1)
        f, n, g, b = z3.Int("first_joint"), z3.Int("next"), z3.Int("next_counted"), z3.Int("b")

        def x(k: Int) -> Any:
            return v.tlog(t, k)

        beyond = last_joint > d
        left = both(beyond, f < in_force)
        self.least(
            "first_joint", f, JOINT, d, last_joint, beyond, "logs Marks", last_joint <= i - 1
        )
        self.least("next", n, IS_CONFIG, f, in_force, left, "logs Marks first_joint")
        at_d = v.lj(t, d)
        s.step(
            "none_beyond",
            implies(negation(beyond), same(based, base(v, t, i - 1))),
            "logs base Marks MarksAreLast",
            [last_joint, x(last_joint), at_d, x(at_d)],
        )
        before = v.lj(t, f - 1)
        s.step(
            "joint_base",
            implies(beyond, same(based, base(v, t, f - 1))),
            "logs base first_joint Marks MarksAreLast",
            [f, x(f), before, x(before), at_d, x(at_d)],
        )
        s.step(
            "joint_voters",
            implies(
                beyond, both(same(based, voters_of(v, x(f))), negation(JOINT(x(v.lc(t, f - 1)))))
            ),
            "logs joint_base first_joint Marks MarksAreLast ConfigRule",
            [x(f), v.lc(t, f - 1), before, x(v.lc(t, f - 1))],
        )

        def earlier(b: Int) -> Formula:
            by = v.first(b)
            is_it = both(
                b > d, b <= i - 1, by >= 1, by < t, b <= v.tlast(by), x(b) == v.tlog(by, b)
            )
            return z3.Implies(is_it, False)

        first, z = v.first(b), self.side.log(v)
        s.step(
            "earlier",
            earlier(b),
            "logs lower common CountedIsChosen TermLogFromLeader",
            [
                *[x(b), z(b), first, v.by(b), v.tlog(first, b), v.tlog(first, v.by(b))],
                *[z(v.by(b)), v.choosable(first, v.by(b)), v.lead(first)],
            ],
            [for_all(earlier, lambda b: v.first(b), b)],
        )
        before_next = v.lc(t, n - 1)
        s.step(
            "followed",
            implies(left, before_next == f),
            "logs first_joint next Marks MarksAreLast",
            [x(f), x(n), before_next, x(before_next), in_force],
        )
        counted, by = v.first(f), v.by(f)
        own = both(beyond, counted == t)
        s.step(
            "left_by_own",
            implies(left, both(counted == t, by < n)),
            "logs first_joint next followed earlier ConfigRule Elected TermLogSorted Marks",
            [x(f), x(n), before_next, counted, x(el), v.lead(t), in_force],
        )
        s.step(
            "known_by_own",
            implies(both(beyond, f == in_force, in_force <= v.kc(t)), counted == t),
            "logs first_joint earlier KnownIsCommitted",
            [counted, v.kc(t)],
        )
        s.step(
            "counted_own",
            implies(own, both(by > el, by >= f, v.since(f) < f, by <= v.tlast(t))),
            "logs first_joint CountedIsChosen",
            [counted],
        )
        at_count = v.lc(t, by - 1)
        later_own = both(own, by > f)
        known, beyond_it = "logs Marks first_joint counted_own", both(later_own, at_count > f)
        self.least("next_counted", g, IS_CONFIG, f, at_count, beyond_it, known)
        s.step(
            "followed_counted",
            implies(both(later_own, at_count > f), v.lc(t, g - 1) == f),
            "logs first_joint next_counted counted_own Marks MarksAreLast",
            [x(f), x(g), v.lc(t, g - 1), x(v.lc(t, g - 1)), at_count, x(at_count)],
        )
        s.step(
            "counted_by_joint",
            implies(later_own, at_count == f),
            "logs first_joint next_counted followed_counted counted_own Marks MarksAreLast "
            "ConfigRule Elected TermLogSorted",
            [
                x(f),
                x(g),
                v.lc(t, g - 1),
                at_count,
                x(at_count),
                x(el),
                x(el + 1),
                v.lead(t),
                counted,
            ],
        )
        star, chosen = (
            self.star(d),
            held_by_quorum(v, t, by, self.acks, lambda at: at <= v.since(f)),
        )
        s.step("chosen", implies(own, chosen), "logs first_joint CountedIsChosen", [counted])
        s.step(
            "by_own",
            implies(own, majority_of(based, self.acks(star))),
            "logs first_joint chosen counted_own counted_by_joint joint_base joint_voters",
            [x(f), at_count],
        )
        s.step("by_acks", implies(own, majority_of(based, self.may(star))), "by_own")
        s.step(
            "held_beyond",
            implies(both(beyond, negation(own)), majority_of(based, self.may(star))),
            "logs held first_joint left_by_own known_by_own joint_voters Marks",
            [x(f), in_force, x(in_force), last_joint],
        )
        s.step(
            "star",
            majority_of(based, self.may(star)),
            "held none_beyond by_acks held_beyond",
        )
        s.step(
            "range",
            both(el < star, star <= i, d < star),
            "logs first_joint",
        )
        at_el = v.lc(t, el)
        s.step(
            "in_force_at_el",
            implies(both(beyond, f <= el), both(at_el == f, v.lj(t, el) == f)),
            "logs first_joint left_by_own counted_own counted_by_joint next Marks MarksAreLast "
            "Elected",
            [
                x(f),
                at_el,
                x(at_el),
                v.lj(t, el),
                in_force,
                x(in_force),
                at_count,
                x(at_count),
                v.lead(t),
                x(n),
            ],
        )
        s.step(
            "new_at_el",
            implies(both(beyond, f <= el), majority_of(new_voters_of(v, x(f)), self.may(el + 1))),
            "logs held first_joint chosen counted_own counted_by_joint left_by_own known_by_own "
            "Marks MarksAreLast",
            [
                x(f),
                in_force,
                x(in_force),
                last_joint,
                x(last_joint),
                at_count,
                x(at_count),
                v.lj(t, by - 1),
            ],
        )
        s.step(
            "may_be_chosen",
            implies(star < i, self.held(star)),
            "logs range star first_joint joint_base joint_voters in_force_at_el new_at_el",
            [x(f), at_el, x(at_el), v.lj(t, el), v.lc(t, f - 1)],
        )

    def least(
        self,
        name: str,
        number: Int,
        kind: Any,
        above: Int,
        last: Int,
        if_: Formula,
        using: str,
        *also: Formula,
    ) -> None:
        """The least index above some with an entry of a kind, where the last one is known."""
        s, v, t = self.script, self.script.before, self.term

        def x(k: Int) -> Any:
            return v.tlog(t, k)

        none = for_all(
            lambda k: z3.Implies(both(above < k, k < number), negation(kind(x(k)))), x, K
        )
        there_is = both(above < last, kind(x(last)))
        found = both(above < number, number <= last, kind(x(number)), none)
        s.given(f"least_{name}", implies(there_is, found))
        s.step(
            name,
            implies(if_, both(found, *also)),
            f"least_{name} {using}",
            [last, x(last)],
        )
        s.facts[name] = [implies(if_, one) for one in (*also, above < number, number <= last)]
        s.facts[name] += [implies(if_, kind(x(number))), implies(if_, none)]

    def contradict(self, d: Int, based: Nodes, majority: str) -> None:
        s, v, t, side = self.script, self.script.before, self.term, self.side
        star, z = self.star(d), self.side.log(v)
        s.step(
            "voter",
            either(*[both(side.voted[m], self.acks(star)[m]) for m in range(v.size)]),
            f"{majority} star voted",
        )
        s.step(
            "has",
            both(star <= side.last, TERM_OF(z(star)) == t),
            "logs voter may_be_chosen range informed",
        )
        s.step(
            "contradiction",
            False,
            "logs range has common TermLogSorted TermLogEnds",
            [z(star), z(side.last), v.tlog(t, star)],
        )
