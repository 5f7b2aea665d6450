"""Where two logs part: what the votes for either side are a majority of.

Up to some index, `at`, the logs of two leaders are the same.  From there on each has a majority of
the base there in all its quorums, until it leaves a joint configuration; and that one was committed
(§6), so both logs would have it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import z3

from conformance.prove.changing.statements.lemmas import (
    Servers,
    Voters,
    along_leader,
    base,
    quorum,
)
from conformance.prove.changing.statements.script import Script, for_all
from conformance.prove.changing.statements.views import INT, IS_CONFIG, JOINT, VOTERS, Before
from conformance.prove.statements.lemma import NOBODY, EntryTerm, Int
from conformance.prove.statements.logic import Formula, both, choose, either, implies, negation

K, B, Q = z3.Ints("k b q")


@dataclass(frozen=True, slots=True)
class Side:
    """The log of the leader of `term` up to `last`.  What is known of it is named after it."""

    before: Before
    name: str
    term: Int
    last: Int

    def log(self, i: Int) -> EntryTerm:
        return self.before.tlog(self.term, i)

    @property
    def in_force(self) -> Int:
        return self.before.lc(self.term, self.last)

    @property
    def joint(self) -> Int:
        return self.before.lj(self.term, self.last)

    @property
    def config(self) -> EntryTerm:
        return self.log(self.in_force)

    def is_log(self) -> Formula:
        """Of a leader, and not empty."""
        v, term = self.before, self.term
        return both(term >= 1, v.lead(term) != NOBODY, self.last >= 1, self.last <= v.tlast(term))

    def has_quorum(self, voted: Servers) -> Formula:
        return quorum(self.before, self.config, voted)


@dataclass(frozen=True, slots=True)
class Fork:
    """Two logs that are the same up to `at`, and no further.

    Of each side it is known (`log…`) that it is a log; `known` names what else is, of both.
    """

    script: Script
    one: Side
    other: Side
    known: str

    @property
    def at(self) -> Int:
        return z3.Int("fork")

    @property
    def logs(self) -> str:
        return f"log{self.one.name} log{self.other.name} {self.known}"

    @property
    def based(self) -> Voters:
        """The base at the fork, of either."""
        return z3.Const("based", VOTERS)

    def part(self) -> None:
        """There is one: founding entries are the same.  Beyond it, one side has no entry that the
        other one's leader has anywhere; up to it, they have the same base.
        """
        s, v, d, one, other = self.script, self.script.before, self.at, self.one, self.other
        x, z = one.log, other.log
        begin = both(one.last >= 1, other.last >= 1, x(1) == z(1))
        prefix = [
            both(d >= 1, d <= one.last, d <= other.last),
            either(d == one.last, d == other.last, x(d + 1) != z(d + 1)),
            for_all(
                lambda k: z3.Implies(both(k >= 1, k <= d), x(k) == z(k)), lambda k: [x(k), z(k)], K
            ),
        ]
        leads = [v.lead(one.term), v.lead(other.term)]
        s.given("common_prefix", implies(begin, both(*prefix)))
        s.step("begin", begin, f"{self.logs} TermLogEnds", leads)
        s.step("prefix", both(*prefix), "begin common_prefix")

        def common(k: Int) -> Formula:
            same_entry = both(k >= 1, k <= one.last, k <= v.tlast(other.term), x(k) == z(k))
            return z3.Implies(same_entry, k <= d)

        s.step(
            "common",
            common(K),
            f"{self.logs} prefix TermLogFromLeader TermLogTerms TermLogEnds Elected",
            [*[x(K), z(K), x(d + 1), z(d + 1), x(1), z(1), z(other.last + 1)], *leads],
            [for_all(common, lambda k: (x(k), z(k)), K)],
        )
        s.given("base", self.based == base(v, along_leader(v, one.term), d))
        ours, theirs = v.lj(one.term, d), v.lj(other.term, d)
        s.step(
            "same_joint",
            ours == theirs,
            f"{self.logs} prefix Marks MarksAreLast",
            [ours, theirs, x(ours), z(ours), x(theirs), z(theirs)],
        )
        s.step(
            "same_base",
            self.based == base(v, along_leader(v, other.term), d),
            f"{self.logs} prefix base same_joint Marks",
            [x(ours), z(ours), ours],
        )

    def uncommitted(self, side: Side, before: Int, using: str) -> None:
        """Beyond the fork a side has nothing that was committed in a term `before` another."""
        s, v = self.script, self.script.before

        def is_not(b: Int) -> Formula:
            by = v.commit_term(b)
            counted = both(by >= 1, by < before, b <= v.tlast(by), side.log(b) == v.tlog(by, b))
            return z3.Implies(both(b > self.at, b <= side.last, counted), False)

        first, by = v.commit_term(B), v.committed_up_to(B)
        s.step(
            f"uncommitted{side.name}",
            is_not(B),
            f"{self.logs} prefix common {using} CountedIsChosen TermLogFromLeader",
            [
                *[first, by, v.choosable(first, by), v.tlog(first, B), v.tlog(first, by)],
                *[log(at) for log in (self.one.log, self.other.log) for at in (B, by)],
                *[v.lead(first), v.lead(self.one.term), v.lead(self.other.term)],
            ],
            [for_all(is_not, v.commit_term, B)],
        )

    def majority(self, side: Side, voted: Servers) -> str:
        """Those that voted, a quorum by a side's log, are a majority of the base.  Its name."""
        s, v, n = self.script, self.script.before, side.name
        config, j = side.config, side.joint
        self.unleft(side)
        known = f"log{n} prefix based{n} joint{n} before{n} unleft{n}"
        mention = [j, side.log(j), side.in_force, config]
        s.step(
            f"low{n}",
            implies(both(j <= self.at, negation(JOINT(config))), v.old(config) == self.based),
            f"{known} Marks InForce",
            mention,
        )
        s.step(
            f"new{n}",
            implies(both(j <= self.at, JOINT(config)), v.new(config) == self.based),
            f"{known} Marks",
            mention,
        )
        s.step(
            f"majority{n}",
            voted.by(self.based),
            f"quorum{n} high{n} low{n} new{n} unleft{n}",
        )
        return f"majority{n}"

    def unleft(self, side: Side) -> None:
        """A joint configuration beyond the fork is the last one, in force, and has the base as
        voters.
        """
        s, v, n, d = self.script, self.script.before, side.name, self.at
        log, t, j, in_force = side.log, side.term, side.joint, side.in_force

        def left(b: Int, q: Int) -> Formula:
            at = v.lc(t, q - 1)
            return z3.Implies(
                both(d < b, b < q, q <= side.last, JOINT(log(b)), IS_CONFIG(log(q)), at == b),
                False,
            )

        s.step(
            f"left{n}",
            left(B, Q),
            f"{self.logs} prefix uncommitted{n} ConfigRule TermLogTerms TermLogFromLeader",
            [log(B), log(Q), v.lc(t, Q - 1), v.commit_term(B), log(side.last)],
            [for_all(left, lambda b, q: (log(b), log(q)), B, Q)],
        )
        following = z3.Function(f"following{n}", INT, INT)
        s.given(f"following{n}", follows(side, following))
        known = f"log{n} prefix left{n} following{n} Marks MarksAreLast"

        def around(at: Int) -> list[Any]:
            """A configuration, the next one, and what was in force before that."""
            r = following(at)
            return [at, log(at), r, log(r), v.lc(t, r - 1), log(v.lc(t, r - 1)), in_force]

        s.step(f"unleft{n}", implies(j > d, in_force == j), known, [*around(j), side.config])
        before, earlier = v.lj(t, j - 1), v.lc(t, j - 1)
        s.step(
            f"before{n}",
            implies(j > d, before <= d),
            f"{known} ConfigRule",
            [j, log(j), *around(before), earlier, log(earlier)],
        )
        at_d = v.lj(t, d)
        s.step(
            f"joint{n}",
            at_d == choose(j > d, before, j),
            f"log{n} prefix before{n} Marks MarksAreLast",
            [j, log(j), at_d, log(at_d), before, log(before)],
        )
        s.step(f"based{n}", self.based == base(v, along_leader(v, t), d), "base same_base")
        s.step(
            f"high{n}",
            implies(j > d, v.old(log(j)) == self.based),
            f"log{n} prefix based{n} joint{n} before{n} unleft{n} Marks ConfigRule",
            [j, log(j), earlier],
        )


def follows(side: Side, following: Any) -> Formula:
    """The next configuration after each but the last: there is a first one."""

    def has_next(at: Int) -> Formula:
        between = for_all(
            lambda k: z3.Implies(both(at < k, k < following(at)), negation(IS_CONFIG(side.log(k)))),
            side.log,
            K,
        )
        return z3.Implies(
            both(at < side.in_force, IS_CONFIG(side.config)),
            both(
                at < following(at),
                following(at) <= side.in_force,
                IS_CONFIG(side.log(following(at))),
                between,
            ),
        )

    return for_all(has_next, following, z3.Int("at"))
