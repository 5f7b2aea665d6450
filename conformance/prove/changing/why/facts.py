"""What is proved: what follows from the lemmas, of the acting server, whatever a step does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import z3

from conformance.prove.any_size.views import ME
from conformance.prove.changing.statements.lemmas import (
    acknowledged,
    base,
    could_be_chosen,
    has_marks,
    held_by_quorum,
    is_no_mark,
    later,
    may_acknowledge,
    quorum,
    told,
)
from conformance.prove.changing.statements.script import for_all
from conformance.prove.changing.statements.views import IS_CONFIG, JOINT, Before, opening_holds
from conformance.prove.statements.lemma import NOBODY, Int, LogOf
from conformance.prove.statements.lemmas import is_committed
from conformance.prove.statements.logic import Formula, both, either, implies, negation
from conformance.prove.statements.statements import seen
from conformance.prove.statements.views import TERM_OF

T, AT, K = z3.Ints("t i k")


def has_votes(v: Before) -> Formula:
    """A quorum of its configuration told that it votes for the acting server, a candidate."""
    config = v.along_own().in_force(v.actor.last)
    return both(v.actor.campaigns, quorum(v, config, told(v, v.actor.term, ME)))


def has_chosen(v: Before, log: LogOf, last: Int, before: Int) -> Callable[[Int, Int], Formula]:
    """A log up to `last` has what may be chosen of a term `before` another, wherever that is."""

    def has(term: Int, i: Int) -> Formula:
        return z3.Implies(
            both(v.choosable(term, i), term < before),
            both(i <= last, TERM_OF(log(i)) == term),
        )

    return has


def wins(v: Before) -> Formula:
    """It has all that may be chosen of earlier terms: Leader Completeness (§5.4.3)."""
    has = has_chosen(v, v.actor.log, v.actor.last, v.actor.term)
    return z3.Implies(has_votes(v), for_all(has, v.choosable, T, AT))


def alone(v: Before) -> Formula:
    """And nobody else leads its term."""
    return z3.Implies(has_votes(v), v.lead(v.actor.term) == NOBODY)


def new(v: Before) -> Formula:
    """What it appends as a leader cannot be chosen any more where a later term has a leader."""
    term = v.actor.term
    hold = could_be_chosen(v, term, v.actor.last + 1)
    return for_all(
        lambda t: z3.Implies(both(v.actor.leads, t > term, v.lead(t) != NOBODY), negation(hold)),
        v.lead,
        T,
    )


def opening(v: Before) -> Formula:
    """The same of the entry with which a candidate would open its term, when it has won."""
    return for_all(
        lambda t: z3.Implies(
            both(has_votes(v), t > v.actor.term, v.lead(t) != NOBODY), negation(opening_holds(v))
        ),
        v.lead,
        T,
    )


def counting(v: Before, c: Int) -> Formula:
    """The acting server leads, and finds that a quorum of its configuration has its log up to c."""
    term = v.actor.term
    config = v.tlog(term, v.lc(term, v.actor.last))
    acks = acknowledged(v, term)(c)
    return both(
        v.actor.leads,
        v.actor.commit < c,
        v.el(term) < c,
        c <= v.actor.last,
        quorum(v, config, acks),
    )


def counted(v: Before, c: Int) -> Formula:
    """Then a quorum of whatever configuration it may have counted by has it."""
    term = v.actor.term
    held = held_by_quorum(
        v,
        term,
        c,
        acknowledged(v, term),
        lambda at: at <= v.actor.commit,
    )
    return implies(counting(v, c), held)


def no_more(v: Before, c: Int) -> Formula:
    """And nothing may be chosen for it that could not be chosen before."""
    term = v.actor.term

    def kept(i: Int) -> Formula:
        at = v.lc(term, i - 1)
        config = v.tlog(term, at)
        old = may_acknowledge(v, term)(later(at, v.el(term) + 1))
        return z3.Implies(
            both(v.el(term) < i, i <= v.actor.last + 1, JOINT(config), at <= c),
            either(at <= v.kc(term), old.by(v.old(config))),
        )

    return implies(counting(v, c), for_all(kept, lambda i: v.lc(term, i - 1), AT))


OwnLog = dict[str, tuple[Callable[..., Formula], Callable[..., Any], tuple[Int, ...]]]


def along(v: Before) -> OwnLog:
    """Where configurations are in the acting server's own log: as in a leader's.  Each with what
    makes z3 look at it, and what it holds for all of.
    """
    last, log = v.actor.last, v.along_own()
    own = log.entry

    def marks(i: Int) -> Formula:
        return z3.Implies(both(i >= 1, i <= last), has_marks(v, log, i))

    def are_last(i: Int, k: Int) -> Formula:
        return z3.Implies(both(k >= 1, k <= i, i <= last), is_no_mark(v, log, i, k))

    def in_force(i: Int) -> Formula:
        config = log.in_force(i)
        return z3.Implies(
            both(i >= 1, i <= last, negation(JOINT(config))),
            v.old(config) == base(v, log, i),
        )

    def rule(i: Int) -> Formula:
        at, entry = log.last_config(i - 1), own(i)
        return z3.Implies(
            both(i >= 2, i <= last, IS_CONFIG(entry)),
            both(
                v.old(entry) == base(v, log, i - 1),
                implies(
                    JOINT(own(at)),
                    both(negation(JOINT(entry)), is_committed(v, at, TERM_OF(entry), own(at))),
                ),
            ),
        )

    return {
        "own_marks": (marks, lambda i: seen(own(i)), (AT,)),
        "own_are_last": (are_last, lambda i, k: (seen(own(i)), own(k)), (AT, K)),
        "own_in_force": (in_force, lambda i: seen(own(i)), (AT,)),
        "own_rule": (rule, lambda i: seen(own(i)), (AT,)),
    }


def along_log(v: Before) -> list[Formula]:
    return [for_all(holds, pattern, *over) for holds, pattern, over in along(v).values()]
