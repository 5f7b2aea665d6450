"""Why a later leader has what may be chosen: two quorums of changing configurations overlap.

The paper's proof of Leader Completeness (§5.4.3), by contradiction: a majority of the base at the
fork of two logs holds what may be chosen, or may still come to; and a majority of it voted for the
later leader.  So one node is in both, and that one did not vote for a log without the entry.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import z3

from conformance.prove.changing.statements.lemmas import (
    Holders,
    Servers,
    acknowledged,
    along_leader,
    base,
    held_by_quorum,
    later,
    may_acknowledge,
    may_be_chosen,
    overlap,
)
from conformance.prove.changing.statements.script import COMMON, Script, for_all
from conformance.prove.changing.statements.views import IS_CONFIG, JOINT
from conformance.prove.changing.why.fork import Fork, K, Side
from conformance.prove.statements.lemma import NOBODY, Int
from conformance.prove.statements.logic import Formula, both, choose, either, implies, negation
from conformance.prove.statements.views import TERM_OF


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Something may be chosen in `term` at i, and without it somebody won a later term, `won`: with
    the log `winner`, for which these `voted`.

    By these names is known, when it is to be shown:

        log_winner, quorum_winner   that it is a log, and who voted for it are a quorum
        logs                        it ends in a term up to `term`, and if in that one, before i
        held                        it may be chosen
        lower                       the winner's log has all that may be chosen of terms before
        voted, informed             see `votes` and `informs`
    """

    script: Script
    winner: Side
    won: Int
    voted: Servers
    term: Int
    i: Int

    @property
    def chosen(self) -> Side:
        """The log that what may be chosen follows."""
        return Side(self.script.before, "_chosen", self.term, self.i - 1)

    @property
    def fork(self) -> Fork:
        return Fork(self.script, self.winner, self.chosen, "logs own")

    @property
    def known(self) -> str:
        return f"{self.fork.logs} prefix"

    @property
    def acks(self) -> Holders:
        return acknowledged(self.script.before, self.term)

    @property
    def may(self) -> Holders:
        return may_acknowledge(self.script.before, self.term)

    @property
    def first_joint(self) -> Int:
        """The first joint configuration beyond the fork, if there is one."""
        return z3.Int("first_joint")

    @property
    def beyond(self) -> Formula:
        """There is one."""
        return self.chosen.joint > self.fork.at

    @property
    def star(self) -> Int:
        """Where a majority of the base at the fork holds something that may be chosen."""
        el = self.script.before.el(self.term)
        return choose(self.beyond, later(self.first_joint, el + 1), self.i)

    def held(self, at: Int) -> Formula:
        """It may be chosen."""
        return may_be_chosen(self.script.before, self.term, at)

    def are_logs(self) -> Formula:
        """What `logs` is to say."""
        v, t, i, mine = self.script.before, self.term, self.i, self.winner.term
        chosen = both(v.lead(t) != NOBODY, v.el(t) < i, i - 1 <= v.tlast(t))
        return both(chosen, mine <= t, implies(mine == t, self.winner.last < i))

    def votes(self, using: str) -> None:
        """Who voted in the later term acknowledges nothing more in the other."""
        s, v, won = self.script, self.script.before, self.won
        s.step(
            "voted",
            both(
                won > self.term,
                implies(self.voted.has(COMMON), v.server(COMMON).disk_term >= won),
            ),
            f"{using} ToldIsSaved Elected",
            [v.lead(won), v.told(COMMON, won)],
        )

    def informs(self, using: str) -> None:
        """Who voted, and had acknowledged something that may be chosen, voted for a log with it."""
        s, v, t, star = self.script, self.script.before, self.term, self.star
        may = both(v.el(t) < star, star <= self.i, either(star == self.i, self.held(star)))
        has = both(star <= self.winner.last, TERM_OF(self.winner.log(star)) == t)
        s.step(
            "informed",
            implies(both(self.voted.has(COMMON), self.acks(star).has(COMMON), may), has),
            using,
            [v.choosable(t, star), v.ack(COMMON, t)],
        )

    def prove(self) -> None:
        s, v, t, fork = self.script, self.script.before, self.term, self.fork
        s.step("log_chosen", self.chosen.is_log(), "logs Elected", [v.lead(t)])
        s.step("own", TERM_OF(self.chosen.log(v.el(t) + 1)) == t, "logs Elected", [v.lead(t)])
        fork.part()
        fork.uncommitted(self.winner, t + 1, "LeadersHave")
        fork.uncommitted(self.chosen, t, "lower")
        majority = fork.majority(self.winner, self.voted)
        self.holders()
        self.contradict(majority)

    def holders(self) -> None:
        """A majority of the base at the fork holds, or may, what may be chosen beyond it."""
        s, v, t, i = self.script, self.script.before, self.term, self.i
        x, d, based, known = self.chosen.log, self.fork.at, self.fork.based, self.known
        el, last_joint, in_force = v.el(t), self.chosen.joint, self.chosen.in_force
        f, n, g = self.first_joint, z3.Int("next"), z3.Int("next_counted")
        beyond = self.beyond
        left = both(beyond, f < in_force)
        self.least("first_joint", f, JOINT, d, last_joint, beyond, "", last_joint <= i - 1)
        self.least("next", n, IS_CONFIG, f, in_force, left, "first_joint")
        at_d = v.lj(t, d)
        s.step(
            "none_beyond",
            implies(negation(beyond), based == base(v, along_leader(v, t), i - 1)),
            f"{known} same_base Marks MarksAreLast",
            [last_joint, x(last_joint), at_d, x(at_d)],
        )
        before = v.lj(t, f - 1)
        s.step(
            "joint_base",
            implies(beyond, based == base(v, along_leader(v, t), f - 1)),
            f"{known} same_base first_joint Marks MarksAreLast",
            [f, x(f), before, x(before), at_d, x(at_d)],
        )
        s.step(
            "joint_voters",
            implies(beyond, both(based == v.old(x(f)), negation(JOINT(x(v.lc(t, f - 1)))))),
            f"{known} joint_base first_joint Marks MarksAreLast ConfigRule",
            [x(f), v.lc(t, f - 1), before, x(v.lc(t, f - 1))],
        )
        before_next = v.lc(t, n - 1)
        s.step(
            "followed",
            implies(left, before_next == f),
            f"{known} first_joint next Marks MarksAreLast",
            [x(f), x(n), before_next, x(before_next), in_force],
        )
        counted, by = v.commit_term(f), v.committed_up_to(f)
        own = both(beyond, counted == t)
        s.step(
            "left_by_own",
            implies(left, both(counted == t, by < n)),
            f"{known} first_joint next followed uncommitted_chosen ConfigRule Elected "
            "TermLogTerms TermLogFromLeader Marks",
            [x(f), x(n), before_next, counted, x(el), v.lead(t), in_force],
        )
        s.step(
            "known_by_own",
            implies(both(beyond, f == in_force, in_force <= v.kc(t)), counted == t),
            f"{known} first_joint uncommitted_chosen KnownIsCommitted",
            [counted, v.kc(t)],
        )
        s.step(
            "counted_own",
            implies(own, both(by > el, by >= f, v.since(f) < f, by <= v.tlast(t))),
            f"{known} first_joint CountedIsChosen",
            [counted],
        )
        at_count = v.lc(t, by - 1)
        later_own = both(own, by > f)
        beyond_it = both(later_own, at_count > f)
        self.least("next_counted", g, IS_CONFIG, f, at_count, beyond_it, "first_joint counted_own")
        s.step(
            "followed_counted",
            implies(both(later_own, at_count > f), v.lc(t, g - 1) == f),
            f"{known} first_joint next_counted counted_own Marks MarksAreLast",
            [x(f), x(g), v.lc(t, g - 1), x(v.lc(t, g - 1)), at_count, x(at_count)],
        )
        s.step(
            "counted_by_joint",
            implies(later_own, at_count == f),
            f"{known} first_joint next_counted followed_counted counted_own Marks MarksAreLast "
            "ConfigRule Elected TermLogTerms TermLogFromLeader",
            [
                *[x(f), x(g), v.lc(t, g - 1), at_count, x(at_count)],
                *[x(el), x(el + 1), v.lead(t), counted],
            ],
        )
        star, chosen = self.star, held_by_quorum(v, t, by, self.acks, lambda at: at <= v.since(f))
        s.step("chosen", implies(own, chosen), f"{known} first_joint CountedIsChosen", [counted])
        s.step(
            "by_own",
            implies(own, self.acks(star).by(based)),
            f"{known} first_joint chosen counted_own counted_by_joint joint_base joint_voters",
            [x(f), at_count],
        )
        s.step("by_acks", implies(own, self.may(star).by(based)), "by_own")
        s.step(
            "held_beyond",
            implies(both(beyond, negation(own)), self.may(star).by(based)),
            f"{known} held first_joint left_by_own known_by_own joint_voters Marks",
            [x(f), in_force, x(in_force), last_joint],
        )
        s.step(
            "star",
            self.may(star).by(based),
            "held none_beyond by_acks held_beyond",
        )
        s.step(
            "range",
            both(el < star, star <= i, d < star),
            f"{known} first_joint",
        )
        at_el = v.lc(t, el)
        s.step(
            "in_force_at_el",
            implies(both(beyond, f <= el), both(at_el == f, v.lj(t, el) == f)),
            f"{known} first_joint left_by_own counted_own counted_by_joint next Marks MarksAreLast "
            "Elected",
            [
                *[x(f), at_el, x(at_el), v.lj(t, el), in_force],
                *[x(in_force), at_count, x(at_count), v.lead(t), x(n)],
            ],
        )
        s.step(
            "new_at_el",
            implies(both(beyond, f <= el), self.may(el + 1).by(v.new(x(f)))),
            f"{known} held first_joint chosen counted_own counted_by_joint left_by_own "
            "known_by_own Marks MarksAreLast",
            [
                *[x(f), in_force, x(in_force), last_joint],
                *[x(last_joint), at_count, x(at_count), v.lj(t, by - 1)],
            ],
        )
        s.step(
            "may_be_chosen",
            implies(star < i, self.held(star)),
            f"{known} range star first_joint joint_base joint_voters in_force_at_el new_at_el",
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
        s, x = self.script, self.chosen.log
        none = for_all(
            lambda k: z3.Implies(both(above < k, k < number), negation(kind(x(k)))), x, K
        )
        there_is = both(above < last, kind(x(last)))
        found = both(above < number, number <= last, kind(x(number)), none)
        s.given(f"least_{name}", implies(there_is, found))
        s.step(
            name,
            implies(if_, both(found, *also)),
            f"{self.known} least_{name} {using} Marks",
            [last, x(last)],
        )

    def contradict(self, majority: str) -> None:
        s, t, winner, known = self.script, self.term, self.winner, self.known
        star, x, z = self.star, self.chosen.log, self.winner.log
        s.given("common", overlap(self.fork.based, self.voted, self.may(star), COMMON))
        s.step(
            "voter",
            both(self.voted.has(COMMON), self.acks(star).has(COMMON)),
            f"{majority} star voted common",
        )
        s.step(
            "has",
            both(star <= winner.last, TERM_OF(z(star)) == t),
            f"{known} voter may_be_chosen range informed",
        )
        s.step(
            "contradiction",
            False,
            f"{known} range has common TermLogTerms TermLogEnds",
            [z(star), z(winner.last), x(star)],
        )
