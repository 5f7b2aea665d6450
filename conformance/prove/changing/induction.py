"""What z3 is told of a cluster whose membership changes, and what its steps have to keep."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Final

import z3

from conformance.prove.any_size.actor import BY_NAME, voter
from conformance.prove.any_size.statements import within
from conformance.prove.any_size.theory import AnySize
from conformance.prove.any_size.views import X
from conformance.prove.changing.actor import SAME_VOTERS, Actor, Proposed
from conformance.prove.changing.statements.lemmas import (
    LEMMAS,
    may_be_chosen,
    stale_was_left,
    stayed,
)
from conformance.prove.changing.statements.safety import answered
from conformance.prove.changing.statements.script import about_entries, about_majorities
from conformance.prove.changing.statements.views import (
    IS_CONFIG,
    JOINT,
    NEW,
    OLD,
    After,
    Before,
    Changes,
    Reading,
)
from conformance.prove.changing.why.facts import (
    alone,
    along_log,
    counted,
    new,
    no_more,
    opening,
    wins,
)
from conformance.prove.induction.events import Happening, Ran
from conformance.prove.induction.theory import Consequence, Theory
from conformance.prove.statements.goals import Goal
from conformance.prove.statements.lemma import Lemma, Server
from conformance.prove.statements.logic import Formula
from conformance.prove.statements.solvers import ALL, PLAIN
from conformance.prove.statements.statements import SKOLEMS, choosable_means, seen
from conformance.prove.statements.views import ACTOR, SENDER, TERM_OF
from spec.values import Config, Leader, NodeId

MOST: Final = "most"
"""The solver that knows all but where configurations are in logs."""
OWN_LOG: Final = "own log"
"""One that knows what a candidate's log says of the log that it then leads with."""
READS: Final = "reads"
STALE: Final = "StaleWasLeft"
MARKS: Final = ("Marks", "MarksAreLast", "MarksAgree", "InForce", "ConfigRule")
"""The lemmas of where configurations are in a log: they are many, and most goals do without."""
LOGS: Final = (
    *("Ranges", "LogTerms", "Candidate", "Leader", "LeaderLog", "Elected", "LogFromLeader"),
    *("TermLogEnds", "TermLogTerms", "TermLogFromLeader", "KnownToLeader", "KnownIsCommitted"),
    *("KnownIsCounted", "CountedIsChosen"),
)
ACKS: Final = (
    "LeaderProgress",
    "LeaderDurable",
    "AckIsOfTerm",
    "AckIsDisk",
    "OwedWrite",
    "ToldIsSaved",
    "ToldIsVote",
)
OF_LOG: Final = frozenset(
    {"Marks", "LogFromLeader", "LogTerms", "Leader", "LeaderLog", "Candidate", "TermLogEnds"}
)
NEEDED: Final[dict[str, frozenset[str]]] = {
    "Marks": OF_LOG | {"Elected"},
    "MarksAreLast": OF_LOG | {"MarksAreLast"},
    "MarksAgree": OF_LOG | {"MarksAgree", "TermLogTerms"},
    "InForce": OF_LOG | {"MarksAgree", "InForce"},
    "ConfigRule": OF_LOG
    | {"MarksAgree", "InForce", "ConfigRule", "Elected", "Ranges", "KnownToLeader"}
    | {"KnownIsCounted", "KnownIsCommitted", "CountedIsChosen"},
    "choosable": frozenset(
        {"Elected", "Leader", "Ranges", "DiskLogTerms", "Candidate", "AckIsOfTerm"}
    ),
    "counted": frozenset({*LOGS, *ACKS, "Marks", "ElectedByQuorum"}),
    READS: frozenset(
        {*LOGS, *ACKS, "Marks", "InForce", "LeadersHave", "CountsItself", "LeftForEver", STALE}
    ),
}
"""What z3 is told for some goals; for the others all but where configurations are."""
GROUPS: Final = {
    **{name: name for name in MARKS},
    "Choosable": "choosable",
    **dict.fromkeys(("Elected", "ElectedByQuorum", "KnownIsCommitted"), "counted"),
    "CountedIsChosen": "counted",
    STALE: READS,
}


class Changing(AnySize):
    """The lemmas of a changing membership of any number of servers, and the steps of a rule."""

    lemmas: ClassVar[Sequence[Lemma]] = LEMMAS
    may_be_chosen = staticmethod(may_be_chosen)
    cluster, actor, after, reading = Before, Actor, After, Reading
    before: Before

    def of_majorities(self) -> list[Formula]:
        return about_majorities(self.before)

    def known(self) -> dict[str, list[Formula]]:
        v = self.before
        follow = [*about_entries(), wins(v), alone(v), new(v), opening(v)]
        every = frozenset(lemma.name for lemma in self.lemmas) - {STALE}
        known = {PLAIN: self.plain(), MOST: [*follow, *self.hypotheses(every - set(MARKS))]}
        for name, names in NEEDED.items():
            known[name] = [*follow, *self.hypotheses(names)]
            if name in ("choosable", "counted", READS):
                known[name].append(choosable_means(v, may_be_chosen))
        for name in MARKS:
            known[f"{name} alone"] = [*about_entries(), *self.hypotheses({name})]
        known[OWN_LOG] = [*about_entries(), *along_log(v), *self.hypotheses({"Candidate"})]
        known[ALL] = [*follow, *self.hypotheses(every), choosable_means(v, may_be_chosen)]
        return {name: [*self.others_differ(), *formulas] for name, formulas in known.items()}

    def asked(self, goal: Goal, made: Consequence) -> Iterator[tuple[tuple[str, ...], Goal]]:
        group = GROUPS.get(goal.statement, MOST)
        changes: Any = made.after.changes
        if group in MARKS and changes.leads is not None:
            # Of the acting server's term, and of the others, of which nothing is new.
            own_term = SKOLEMS["T"] == changes.term
            elected = changes.elected is not None
            yield (OWN_LOG, group, ALL) if elected else (group, ALL), self.given(own_term, goal)
            yield (f"{group} alone", ALL), self.given(z3.Not(own_term), goal)
        else:
            yield (group, ALL) if group != READS else (READS,), goal

    def of_consequences(self) -> list[Formula]:
        """Who answered a call after a read had not left its term when it was taken."""
        v: Any = self.before
        term = v.read_term()
        in_force = v.tlog(term, v.lc(term, v.tlast(term)))
        had, found = stayed(v, term)(v.tlast(term) + 1), [stale_was_left(v)]
        for n in (ACTOR, X):
            w, answers = voter(f"left and answered {n}"), answered(v, n)
            for voters in (OLD(in_force), NEW(in_force)):
                found.append(within(answers.by(voters), answers.has, had.by(voters), had.has, w))
            found += [BY_NAME["LeftIsSilent"](v, n, w), BY_NAME["LeftForEver"](v, w)]
        return found

    def stones(self, made: Consequence) -> list[Formula]:
        """None: see `why`."""
        return []

    def given(self, case: Formula, goal: Goal) -> Goal:
        return Goal(goal.name, z3.Implies(case, goal.formula))

    def goals(
        self, made: Consequence, happening: Happening, alike: frozenset[NodeId] = frozenset()
    ) -> Iterator[Goal]:
        """What a leader counted may be chosen, as `why` shows; elsewhere that is a premise."""
        after, actor = made.after, made.actor
        assert isinstance(after, After)
        assert isinstance(actor, Actor)
        if ("choosable", None) in after.changed:
            could = after.could_before(SKOLEMS["T"], SKOLEMS["i"])
            yield Goal("Choosable", self.with_hints(could, after))
        for is_counted in (False, True):
            after.counted = is_counted
            for goal in super().goals(made, happening, alike):
                if goal.name.startswith("CountedIsChosen") == is_counted:
                    yield goal
        after.counted = False

    def of_new_entry(self, actor: Any, ran: Ran) -> list[Formula]:
        found = Theory.of_new_entry(self, actor, ran)
        before, node, term = ran.turn.before.node, ran.after.node, actor.paths.term
        if found:
            entry = next(
                entry for entry in node.log.entries if z3.eq(actor.entry(entry), actor.created)
            )
            if isinstance(entry.payload, Config):
                found = [*found, *self.made(actor, entry.payload)]
            else:
                found = [*found, z3.Not(IS_CONFIG(actor.created)), z3.Not(JOINT(actor.created))]
        if led(ran) and node.commit_index is not before.commit_index:
            c, v, t = term(node.commit_index), self.before, actor.server.term
            last = actor.server.last
            found = [*found, counted(v, c), no_more(v, c)]
            mentions = [
                v.tlog(t, c),
                actor.was.log(c),
                v.lc(t, last),
                v.lj(t, last),
                v.tlog(t, v.lc(t, last)),
            ]
            w: Any = voter("holds")
            held = actor.was.match[w], actor.was.match[SENDER], actor.was.durable
            mentions += [f for m in held for f in (v.tlog(t, m), actor.was.log(m))]
            found += [seen(one) for one in mentions]
        return found

    def made(self, actor: Actor, config: Config) -> list[Formula]:
        """What is known of the configuration that the step has appended."""
        entry, before = actor.created, actor.in_force
        if isinstance(config, Proposed):
            same = z3.Implies(actor.is_so(SAME_VOTERS), OLD(entry) == OLD(before))
            return [IS_CONFIG(entry), JOINT(entry) == config.is_joint, same]
        # The one that follows a joint configuration.
        assert not config.is_joint
        return [IS_CONFIG(entry), z3.Not(JOINT(entry)), OLD(entry) == NEW(before)]

    def changes(self, actor: Any, ran: Ran, server: Server) -> Changes:
        made = super().changes(actor, ran, server)
        before, node, term = ran.turn.before.node, ran.after.node, actor.paths.term
        commit, known, knew, elected, where = made.commit, None, None, None, None
        if isinstance(node.role, Leader) and not isinstance(before.role, Leader):
            elected, known = actor.server.last, server.commit
        if led(ran) and node.commit_index is not before.commit_index:
            # It may have stepped down by it.
            commit = known = term(node.commit_index)
            knew = term(before.commit_index)
        if made.leads is not None and Theory.of_new_entry(self, actor, ran):
            where = server.last, actor.created
        return Changes(
            made.term,
            made.leads,
            commit,
            made.told,
            made.acked,
            made.read,
            elected=elected,
            known=known,
            knew=knew,
            made=where,
        )

    def with_hints(self, formula: Formula, after: Any) -> Formula:
        if isinstance(formula, bool):
            return formula
        v, t, i = self.before, SKOLEMS["T"], SKOLEMS["i"]
        hints = [v.choosable(t, i), v.lc(t, i), v.lj(t, i), v.lc(t, i - 1), v.lj(t, i - 1)]
        hints += [v.tlog(t, v.lc(t, i - 1)), v.tlog(t, i)]
        changes = after.changes
        if changes.commit is not None:
            hints.append(v.choosable(changes.term, changes.commit))
        if changes.elected is not None:
            of = TERM_OF(changes.leads[1](i))
            own = v.actor.log
            hints += [
                own(i),
                own(i - 1),
                v.tlog(of, i),
                v.tlog(of, i - 1),
                v.lc(of, i - 1),
                v.lj(of, i - 1),
                v.lc(of, i),
            ]
        if changes.leads is not None:
            at = self.before.actor.last
            for index in (at, at - 1):
                hints += [v.lc(changes.term, index), v.lj(changes.term, index)]
        return z3.Implies(z3.And([seen(hint) for hint in hints]), formula)


def led(ran: Ran) -> bool:
    """Whether it led, and still did when it took the step."""
    before, node = ran.turn.before.node, ran.after.node
    return isinstance(before.role, Leader) and node.current_term is before.current_term
