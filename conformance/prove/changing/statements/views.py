"""A cluster whose membership changes, as z3 sees it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import z3

from conformance.prove.any_size import views
from conformance.prove.changing.statements.lemmas import (
    Along,
    Voters,
    base,
    could_be_chosen,
    in_stayed,
    may_acknowledge,
    may_be_chosen,
)
from conformance.prove.statements.lemma import EntryTerm, Int, LogOf
from conformance.prove.statements.logic import Formula, both, choose, either, implies
from conformance.prove.statements.views import ENTRY, TERM_OF, Part, integer_function

BOOL, INT = z3.BoolSort(), z3.IntSort()
IS_CONFIG: Final = z3.Function("is_config", ENTRY, BOOL)
JOINT: Final = z3.Function("joint", ENTRY, BOOL)
VOTERS: Final = z3.DeclareSort("Voters")
OLD: Final = z3.Function("old", ENTRY, VOTERS)
NEW: Final = z3.Function("new", ENTRY, VOTERS)


FAMILIES: Final = views.FAMILIES | {"stayed_by_majority": (in_stayed, ("ack",))}


class Configured:
    """What a view says of configurations."""

    def is_config(self, entry: EntryTerm) -> Formula:
        return IS_CONFIG(entry)

    def joint(self, entry: EntryTerm) -> Formula:
        return JOINT(entry)

    def old(self, entry: EntryTerm) -> Voters:
        return OLD(entry)

    def new(self, entry: EntryTerm) -> Voters:
        return NEW(entry)


class Before(Configured, views.Before):
    stayed_by_majority: Any

    def __init__(self, size: int = views.REPRESENTED) -> None:
        super().__init__(size)
        for name in FAMILIES:
            setattr(self, name, z3.Function(f"{name}_of", VOTERS, INT, INT, BOOL))
        self.answered_by_majority = z3.Function("answered_by_majority_of", VOTERS, INT, BOOL)
        self.lc = z3.Function("lc", INT, INT, INT)
        self.lj = z3.Function("lj", INT, INT, INT)
        self.el = integer_function("el")
        self.kc = integer_function("kc")
        self.since = integer_function("since")

    def last_config(self, log: LogOf, i: Int) -> Int:
        """The last configuration up to i in any log: it is a leader's up to there."""
        term = TERM_OF(log(i))
        return choose(term == 0, z3.IntVal(1), self.lc(term, i))

    def last_joint(self, log: LogOf, i: Int) -> Int:
        term = TERM_OF(log(i))
        return choose(term == 0, z3.IntVal(0), self.lj(term, i))

    def along_own(self) -> Along:
        """The acting server's own log: a leader's, up to each entry."""
        own = self.actor.log
        return Along(own, partial(self.last_config, own), partial(self.last_joint, own))


def opening_holds(v: Before) -> Formula:
    """The entry with which a candidate would open its term could be chosen, for all that is known
    of its log: nobody has acknowledged anything of the term yet.
    """
    last, log = v.actor.last, v.along_own()
    at, config = log.last_config(last), log.in_force(last)
    may = may_acknowledge(v, v.actor.term)(last + 1)
    return both(
        may.by(base(v, log, last)),
        implies(v.joint(config), either(at <= v.actor.commit, may.by(v.old(config)))),
    )


@dataclass(frozen=True, slots=True)
class Changes(views.Changes):
    """`elected`: it leads since this step, and its log was so long.  `known`: what it knows to be
    committed, as a leader; `knew`: before the step.  `made`: where it appended an entry, and which.
    """

    elected: Int | None = None
    known: Int | None = None
    knew: Int | None = None
    made: tuple[Int, EntryTerm] | None = None

    def parts(self) -> set[Part]:
        changed = views.Changes.parts(self)
        if self.leads is not None:
            changed |= {("lc", None), ("lj", None)}
        if self.elected is not None:
            changed.add(("el", None))
        if self.known is not None:
            changed.add(("kc", None))
        if self.commit is not None:
            changed.add(("since", None))
        return changed


class After(Configured, views.After):
    before: Before
    changes: Changes
    counted: bool
    families = FAMILIES

    def __init__(self, before: Before, actor: Any, changed: set[Part], changes: Changes) -> None:
        super().__init__(before, actor, changed, changes)
        self.counted = False
        if changes.read is not None:
            self.changed |= {("stayed_by_majority", None)}
        if self.changed & {("kc", None), ("el", None)}:
            self.changed |= {("choosable", None)}

    def _mark(self, term: Int, i: Int, name: str, is_mark: Any) -> Int:
        """Where the leader's log has grown, or is new."""
        old = getattr(self.before, name)
        changes = self.changes
        if changes.leads is None:
            return old(term, i)
        log = changes.leads[1]

        def so_far(at: Int) -> Int:
            if changes.elected is None:
                return old(changes.term, at)
            of_log = {"lc": self.before.last_config, "lj": self.before.last_joint}
            return of_log[name](log, at)

        if changes.made is None:
            mine = so_far(i)
        else:
            at, entry = changes.made
            mine = choose(i < at, so_far(i), choose(is_mark(entry), at, so_far(at - 1)))
        return choose(term == changes.term, mine, old(term, i))

    def lc(self, term: Int, i: Int) -> Int:
        return self._mark(term, i, "lc", IS_CONFIG)

    def lj(self, term: Int, i: Int) -> Int:
        return self._mark(term, i, "lj", JOINT)

    def el(self, term: Int) -> Int:
        old = self.before.el(term)
        if self.changes.elected is None:
            return old
        return choose(term == self.changes.term, self.changes.elected, old)

    def kc(self, term: Int) -> Int:
        old = self.before.kc(term)
        if self.changes.known is None:
            return old
        return choose(term == self.changes.term, self.changes.known, old)

    def since(self, j: Int) -> Int:
        old = self.before.since(j)
        if self.changes.commit is None:
            return old
        return choose(self._counts(j), self.changes.knew, old)

    def stayed_by_majority(self, *at: Any) -> Formula:
        """At a read, those who had not left its term then are those who may acknowledge."""
        if self.changes.read is not None:
            return self.before.may_ack_by_majority(*at)
        return self._by_majority("stayed_by_majority", *at)

    def choosable(self, term: Int, i: Int) -> Formula:
        """Where it is a premise, what follows from it (`could_before`) takes its place; of what was
        counted it is what follows.
        """
        if ("choosable", None) not in self.changed:
            return self.before.choosable(term, i)
        return True if self.counted else self.could(term, i)

    def could(self, term: Int, i: Int) -> Formula:
        """It could be chosen before the step, or is what the step has appended."""
        v, mine = self.before, self.changes.term
        could = v.choosable(term, i)
        if self.changes.made is None:
            return could

        at = self.changes.made[0]
        hold = could_be_chosen(v, mine, at)
        if self.changes.elected is not None:
            hold = opening_holds(v)
        return either(could, both(term == mine, i == at, hold))

    def could_before(self, term: Int, i: Int) -> Formula:
        return implies(may_be_chosen(self, term, i), self.could(term, i))


class Reading(views.Reading):
    """What an entry is, is no part of a view."""

    def __getattr__(self, name: str) -> Any:
        if name in ("is_config", "joint", "old", "new"):
            return getattr(self._of, name)
        if name in ("lc", "lj", "el", "kc", "since"):
            self.read.add((name, None))
            return getattr(self._of, name)
        return super().__getattr__(name)
