"""That what a leader counts is committed by any of its configurations, §5.4.2 and §6."""

from __future__ import annotations

from functools import partial

import z3

from conformance.prove.changing.statements.lemmas import (
    Voters,
    acknowledged,
    along_leader,
    base,
    held_by_quorum,
    is_counted,
    later,
    may_acknowledge,
    may_be_chosen,
)
from conformance.prove.changing.statements.script import Script, for_all
from conformance.prove.changing.statements.views import IS_CONFIG, JOINT, VOTERS, Before
from conformance.prove.changing.why.facts import K, counting
from conformance.prove.statements.lemma import NOBODY, EntryTerm, Int
from conformance.prove.statements.logic import Formula, both, choose, implies, negation


def counting_parts(s: Script) -> tuple[Int, Int]:
    """What is the same in both facts of counting."""
    v = s.before
    c, t = z3.Int("count"), z3.Int("own_t")
    s.given("counting", counting(v, c), t == v.actor.term)
    s.step(
        "own",
        both(
            t >= 1,
            v.lead(t) != NOBODY,
            v.tlast(t) == v.actor.last,
            v.kc(t) == v.actor.commit,
            v.el(t) >= 1,
            v.actor.commit >= 0,
        ),
        "counting Leader KnownToLeader Elected Ranges",
        [v.lead(t)],
    )
    at, n = z3.Ints("joint next")
    in_force = v.lc(t, v.actor.last)
    x = partial(v.tlog, t)
    none = for_all(lambda k: z3.Implies(both(at < k, k < n), negation(IS_CONFIG(x(k)))), x, K)
    there_is = both(at < in_force, IS_CONFIG(x(in_force)))
    s.given("least_next", implies(there_is, both(at < n, n <= in_force, IS_CONFIG(x(n)), none)))

    def unleft(at: Int) -> Formula:
        """A joint configuration that it does not know to be committed, and that was not left before
        it was elected, is the one in force.
        """
        unknown = both(JOINT(x(at)), v.actor.commit < at, at <= v.actor.last)
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
    s.given("kept", v.el(t) < i, i <= v.actor.last + 1, JOINT(config), at <= c, at > v.actor.commit)
    s.step(
        "kept_in_force",
        v.lc(t, v.actor.last) == at,
        "counting own kept unleft Marks MarksAreLast",
        [v.lc(t, v.el(t)), v.tlog(t, v.lc(t, v.el(t))), config],
    )
    s.step(
        "no_more",
        may_acknowledge(v, t)(later(at, v.el(t) + 1)).by(v.old(config)),
        "counting own kept kept_in_force",
    )


def prove_counted(s: Script) -> None:
    v = s.before
    c, t = counting_parts(s)
    last = v.actor.last
    in_force, joint, before = v.lc(t, last), v.lj(t, last), v.lc(t, c - 1)
    x = partial(v.tlog, t)
    acks = acknowledged(v, t)
    at_el = [v.lc(t, v.el(t)), x(v.lc(t, v.el(t)))]
    s.step(
        "behind_joint",
        implies(
            both(JOINT(x(before)), before > v.actor.commit),
            acks(later(before, v.el(t) + 1)).by(v.old(x(before))),
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
    based = z3.Const("based", VOTERS)
    s.given("based", based == base(v, along_leader(v, t), c - 1))
    s.step(
        "high",
        implies(joint >= c, v.old(x(joint)) == based),
        "counting own based joint_at joint_in_force Marks ConfigRule",
        [joint, x(joint), v.lc(t, joint - 1)],
    )
    s.step(
        "low",
        implies(joint < c, next_voters_of(v, x(in_force)) == based),
        "counting own based joint_at Marks InForce",
        [joint, x(joint), in_force, x(in_force)],
    )
    s.step("base", acks(c).by(based), "counting high low joint_in_force")
    s.step(
        "counted",
        held_by_quorum(v, t, c, acks, lambda at: at <= v.actor.commit),
        "counting own based base behind_joint",
    )


def prove_chosen(s: Script) -> None:
    """What a quorum acknowledged, it may acknowledge."""
    v, j = s.before, z3.Int("any_j")
    term, by = v.commit_term(j), v.committed_up_to(j)
    s.given("counted", j >= 1, term >= 1, is_counted(v, j))
    s.step("chosen", may_be_chosen(v, term, by), "counted", [v.lc(term, by - 1)])


def next_voters_of(v: Before, config: EntryTerm) -> Voters:
    """Whom the next configuration has as its voters."""
    return choose(JOINT(config), v.new(config), v.old(config))
