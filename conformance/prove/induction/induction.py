"""That every step of the cluster keeps the lemmas, by z3: steps, terms and messages unbounded.

Hypotheses: all lemmas, of the cluster before the step, and the claims of the messages concerned.
The step is the specification's code, run on the acting server once for each path.  Goals: all
lemmas of the cluster after it, the claims of what is sent or owed anew, and those of an arbitrary
older message of every kind.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, TypeAlias

import z3

from conformance.prove.induction.actor import Actor
from conformance.prove.induction.events import Happening, Ran, Step
from conformance.prove.induction.messages import owed_claims, sent_claims
from conformance.prove.statements import claims
from conformance.prove.statements.claims import Claim
from conformance.prove.statements.goals import Goal, ends, older, older_name, stands_for_all
from conformance.prove.statements.lemma import Lemma, Server
from conformance.prove.statements.lemmas import LEMMAS, may_be_chosen
from conformance.prove.statements.logic import Formula, both, choose, implies
from conformance.prove.statements.solvers import ALL, GROUPS, NEEDED, PLAIN, Solvers
from conformance.prove.statements.statements import (
    NODES,
    SKOLEMS,
    arguments,
    assumption,
    choosable_means,
    claims_of,
    instances,
    seen,
)
from conformance.prove.statements.views import ACTOR, TERM_OF, After, Before, Changes, Part, Reading
from conformance.symbolic.number import Atom
from conformance.symbolic.paths import Path, Paths
from spec import node as rules
from spec.cluster import Rule
from spec.values import (
    Leader,
    NodeId,
    Refused,
    RequestVoteReply,
    Restart,
    SaveVotedFor,
    SendMessage,
)

Decided: TypeAlias = tuple[Atom, bool]

PATHS = 20_000
"""So many paths of one case, and no more."""
UNASSUMED = "it is not seen to follow what is assumed of the shape"


@dataclass(frozen=True, slots=True)
class Consequence:
    """What a path has come to, as z3 sees it."""

    actor: Actor
    ran: Ran
    after: After
    news: list[tuple[claims.Message, bool]]
    facts: list[Formula]


@dataclass(slots=True)
class Checked:
    """What came of a step: paths, and the goals of each that z3 does not see to follow."""

    paths: int = 0
    impossible: list[frozenset[Decided]] = field(default_factory=list)
    """Decisions that no server comes to together, of which the lemmas are true."""
    open: list[tuple[Path[Consequence], list[tuple[str, str]]]] = field(default_factory=list)
    unassumed: str = ""
    """Not empty: what is taken for granted of the shape does not follow from the lemmas."""


@dataclass(slots=True)
class Induction:
    """The hypotheses for clusters of a size, and solvers that know them."""

    size: int
    rule: Rule = rules.step
    before: Any = field(init=False)
    """A `Before`."""
    _reads: dict[Any, frozenset[Part]] = field(init=False, default_factory=dict)
    _known: dict[Any, Formula] = field(init=False, default_factory=dict)
    _was: dict[Any, Formula] = field(init=False, default_factory=dict)
    _impossible: list[frozenset[Decided]] = field(init=False, default_factory=list)
    """Decisions that cannot be taken together, as was seen on some path of the step."""
    _hard: set[str] = field(init=False, default_factory=set)
    """Goals that were not plain to see on some path of this kind of step."""
    _beyond: set[tuple[str, str]] = field(init=False, default_factory=set)
    """Facts that a solver did not know enough for on some path of it, and the solver's name."""
    _kind: str = field(init=False, default="")
    _decisions: int = field(init=False, default=0)
    solvers: Solvers = field(init=False)

    lemmas: ClassVar[Sequence[Lemma]] = LEMMAS

    def __post_init__(self) -> None:
        self.before = self.cluster()
        self.solvers = Solvers(self.known())

    @property
    def queries(self) -> int:
        return self._decisions + self.solvers.queries

    # What there is another kind of where membership changes

    def cluster(self) -> Any:
        return Before(self.size)

    def actor(self, paths: Paths) -> Actor:
        return Actor(paths, self.before)

    def reading(self) -> Any:
        return Reading(self.before)

    def may_be_chosen(self, term: Any, i: Any) -> Formula:
        return may_be_chosen(self.before, term, i)

    def meaning(self) -> Formula:
        return choosable_means(self.before, lambda _, *at: self.may_be_chosen(*at))

    def after(self, server: Server, parts: set[Part], changes: Changes) -> Any:
        return After(self.before, server, parts, changes)

    def known(self) -> dict[str, list[Formula]]:
        """What each solver is told before there is a step."""
        every = frozenset(lemma.name for lemma in self.lemmas)
        return {
            PLAIN: self.plain(),
            **{group: self.hypotheses(names) for group, names in NEEDED.items()},
            ALL: [*self.hypotheses(every), self.meaning()],
        }

    def hypotheses(self, names: Container[str]) -> list[Formula]:
        return [
            assumption(lemma, self.before, chosen)
            for lemma in self.lemmas
            if lemma.name in names
            for chosen in instances(lemma.over, self.size)
        ]

    def plain(self) -> list[Formula]:
        """Lemmas of a server's own numbers.  Most goals follow from these, and from the same of the
        cluster before the step, at the same numbers.
        """
        v, term, i = self.before, SKOLEMS["T"], SKOLEMS["i"]
        found = [
            lemma.holds(v, *chosen)
            for lemma in self.lemmas
            if all(kind in NODES for kind in lemma.over)
            for chosen in instances(lemma.over, self.size)
        ]
        return [*found, v.choosable(term, i) == self.may_be_chosen(term, i)]

    def asked(self, goal: Goal, made: Consequence) -> Iterator[tuple[tuple[str, ...], Goal]]:
        """The solvers that are asked for it, one after another; a goal may have parts."""
        yield (GROUPS[goal.fact], ALL) if goal.fact in GROUPS else (ALL,), goal

    # A step

    def check(self, step: Step) -> Checked:
        """Whether a step keeps the lemmas.  Raises what the code raises that is run."""
        paths, checked = Paths(limit=PATHS), Checked()
        with self.prepared(step, paths) as (actor, happening):
            checked.unassumed = "" if self.may_assume(actor) else UNASSUMED
            checked.impossible = self._impossible
            for path in paths.run(lambda: self.consequence(actor, happening)):
                if path.raised is not None:
                    raise path.raised
                checked.paths += 1
                failed = self.check_path(paths, path, happening)
                if failed:
                    checked.open.append((path, failed))
        return checked

    def check_turns(self, step: Step, broken: Callable[[Ran], str | None]) -> tuple[int, list[str]]:
        """How many paths a step has, and what is wrong with its turns by `broken`: a question
        about the server alone, that takes the lemmas only where it is answered.
        """
        paths, count, wrong = Paths(limit=PATHS), 0, []
        with self.prepared(step, paths) as (actor, happening):
            if not self.may_assume(actor):
                wrong.append(UNASSUMED)
            for path in paths.run(lambda: broken(happening.run(self.rule))):
                if path.raised is not None:
                    raise path.raised
                count += 1
                if path.result is not None:
                    impossible = z3.Not(path.formula(paths))
                    if self.follows(impossible) != z3.unsat:
                        wrong.append(path.result)
        return count, wrong

    def may_assume(self, actor: Actor) -> bool:
        """Whether what paths are sought under follows from the lemmas; z3 then knows it."""
        follows = bool(self.follows(both(*actor.assumed)) == z3.unsat)
        self.solvers.add(*actor.assumed)
        return follows

    @contextmanager
    def prepared(self, step: Step, paths: Paths) -> Iterator[tuple[Actor, Happening]]:
        """A step of the acting server, and what z3 is told of it meanwhile."""
        actor = self.actor(paths)
        happening = step.prepare(actor)
        solvers = self.solvers
        self._impossible = []
        if self._kind != step.kind:
            self._kind, self._hard, self._beyond = step.kind, set(), set()
        solvers.push()
        try:
            solvers.add(*actor.links, *[seen(hint) for hint in actor.hints])
            for message, owed in happening.known:
                solvers.add(*self.claimed(message, owed), self.claimed_before(message, owed))
                solvers.add(*self.hints(actor, message))
            yield actor, happening
        finally:
            solvers.pop()
            self._decisions += paths.queries

    def check_path(
        self, paths: Paths, path: Path[Consequence], happening: Happening
    ) -> list[tuple[str, str]]:
        """The goals that z3 does not see to follow on this path."""
        made, solvers = path.result, self.solvers
        assert made is not None
        decided = path.conditions
        if any(some.issubset(decided) for some in self._impossible):
            return []
        formulas = [paths.formula(*one) for one in decided] + made.facts
        with solvers.supposing(formulas):
            found: list[tuple[str, str]] = []
            if self.possible():
                self.see_first(made)
            if solvers.against is None:
                left: dict[tuple[str, ...], list[Goal]] = {}
                alike = self.alike(paths, path)
                for goal in self.left_open(list(self.goals(made, happening, alike))):
                    for asked, part in self.asked(goal, made):
                        able = tuple(of for of in asked if (of, goal.fact) not in self._beyond)
                        left.setdefault(able, []).append(part)
                for asked, goals in left.items():
                    found += self.unseen(asked, goals)
                    if solvers.against is not None:
                        break
            if solvers.against is None:
                return found
        # What holds on this path only may have had a part in it.
        if max(solvers.against, default=-1) < len(decided):
            self._impossible.append(frozenset(decided[k] for k in solvers.against))
        return []

    def alike(self, paths: Paths, path: Path[Consequence]) -> frozenset[NodeId]:
        """The servers of which the step knows no more of one than of another: their names may be
        exchanged in all that is known, so that what is proved of one is proved of all.
        """
        assert path.result is not None
        actor = path.result.actor
        asked = {paths.names[number] for atom, _ in path.conditions for number, _ in atom.terms}
        apart = actor.apart | {peer for name, peer in actor.progress.items() if name in asked}
        return frozenset(range(self.size)) - apart

    def possible(self) -> bool:
        """Whether nothing is seen at once that speaks against the path."""
        return bool(self.solvers.follows(PLAIN, False) != z3.unsat)

    def see_first(self, made: Consequence) -> None:
        """What many goals rest on, if it follows: that an entry may be chosen which a leader counts
        as committed, and that one that may be chosen still, could be before the step.
        """
        before, after, changes = self.before, made.after, made.after.changes
        stones: list[Formula] = []
        if changes.commit is not None:
            stones.append(before.choosable(changes.term, changes.commit))
        if ("choosable", None) in after.changed:
            at = SKOLEMS["T"], SKOLEMS["i"]
            stones.append(implies(after.choosable(*at), before.choosable(*at)))
        for stone in stones:
            hinted = self.with_hints(stone, after)
            if self.follows(hinted) == z3.unsat:
                self.solvers.conclude(stone, since=hinted)
            if self.solvers.against is not None:
                return

    def left_open(self, goals: list[Goal]) -> list[Goal]:
        """Those that do not follow from the same of the cluster before and a server's numbers.

        Nor are those tried again for which it was not enough before, in a step of the same kind.
        """
        left = [goal for goal in goals if goal.name in self._hard]
        goals = [goal for goal in goals if goal.name not in self._hard]
        while goals:
            answer, model = self.solvers.counterexample(both(*[goal.kept for goal in goals]))
            if answer == z3.unsat:
                break
            wrong = {goal.name for goal in goals if model is None or not_true(model, goal.kept)}
            if not wrong:
                return left + goals
            self._hard |= wrong
            left += [goal for goal in goals if goal.name in wrong]
            goals = [goal for goal in goals if goal.name not in wrong]
        return left

    def unseen(self, asked: Sequence[str], goals: list[Goal]) -> list[tuple[str, str]]:
        """Those of which none of the solvers sees that they follow.

        A solver with few lemmas is asked for all of them together at first, which is quicker.  The
        one with all is not: of each by itself less is needed, and more of them were seen before.
        """
        answers: list[tuple[str, str]] = []
        for of in asked:
            if (
                of != ALL
                and self.solvers.follows(of, *[goal.formula for goal in goals]) == z3.unsat
            ):
                return []
            left: list[Goal] = []
            answers = []
            for goal in goals:
                answer = self.solvers.follows(of, goal.formula)
                if self.solvers.against is not None:
                    return []
                if answer != z3.unsat:
                    left.append(goal)
                    answers.append((goal.name, str(answer)))
            goals = left
            if of != asked[-1]:
                self._beyond |= {(of, goal.fact) for goal in goals}
        return answers

    def follows(self, formula: Formula) -> Any:
        """`unsat` if it is seen to follow from all lemmas."""
        return self.solvers.follows(ALL, formula)

    def claimed(self, message: claims.Message, owed: bool) -> list[Formula]:
        known = [assumption(one, self.before, (), message) for one in claims_of(message, owed)]
        if isinstance(message, claims.AppendCall):
            known += [seen(self.before.tlog(message.term, index)) for index in message.window]
            known.append(seen(self.before.tlog(message.term, message.prev_index)))
        if isinstance(message, claims.Install):
            known.append(seen(self.before.tlog(message.term, message.last_index)))
        return known

    def hints(self, actor: Actor, message: claims.Message) -> list[Formula]:
        """What z3 has to look at because of a message."""
        before, was = self.before, actor.server
        hints: list[Any] = []
        if isinstance(message, claims.AppendCall):
            hints = [before.tlog(message.term, was.commit)]
        if isinstance(message, claims.Install):
            index = message.last_index
            terms = [was.term, was.disk_term, SKOLEMS["T"]]
            hints = [
                before.commit_term(index),
                before.actor.log(index),
                before.actor.disk_log(index),
            ]
            hints += [before.tlog(term, index) for term in terms]
        return [seen(hint) for hint in hints]

    def consequence(self, actor: Actor, happening: Happening) -> Consequence:
        """The cluster after the step, the messages that are new, and what is known of entries."""
        ran = happening.run(self.rule)
        turn, after = ran.turn, ran.after
        new = actor.changed(after, ran.log, ran.disk_log)
        if happening.crashes:
            new |= {"owes_term": False, "owes_vote": False, "owes_write": False}
            new["synced"] = new["last"]
        server = replace(actor.server, **new)
        news = [(one, False) for one in sent_claims(actor, turn)]
        if not happening.crashes:
            news += [(one, True) for one in owed_claims(actor, after, actor.member.pending)]
        changes = self.changes(actor, ran, server)
        facts = self.facts(actor, ran)
        parts: set[Part] = {(name, ACTOR) for name in new}
        return Consequence(actor, ran, self.after(server, parts, changes), news, facts)

    def facts(self, actor: Actor, ran: Ran) -> list[Formula]:
        """The entry that a leader has made, if it made one; and what z3 has to look at."""
        node, term = ran.after.node, actor.paths.term
        if node.log is actor.member.node.log or isinstance(ran.turn.event, Restart):
            return []
        made = [
            TERM_OF(actor.created) == term(entry.term)
            for entry in node.log.entries
            if z3.eq(actor.entry(entry), actor.created)
        ]
        return made[:1]

    def changes(self, actor: Actor, ran: Ran, server: Server) -> Changes:
        """What the step wrote into the history."""
        before, after, term = ran.turn.before, ran.after, actor.paths.term
        node = after.node
        leads = commit = told = acked = None
        if isinstance(node.role, Leader):
            if node.log is not before.node.log or not isinstance(before.node.role, Leader):
                leads = server.last, server.log
            if node.commit_index is not before.node.commit_index:
                commit = term(node.commit_index)
        for done in ran.turn.executed:
            match done.action:
                case SaveVotedFor(voted_for) if voted_for == ACTOR:
                    told = ACTOR
                case SendMessage(to, RequestVoteReply(_, _, _, True)):
                    told = to
        disk = after.disk
        if disk.log is not before.disk.log:
            last, of = actor.end_on_disk(disk.log)
            own = both(last >= 1, term(disk.current_term) >= 1, of == term(disk.current_term))
            acked = term(disk.current_term), choose(own, last, z3.IntVal(0))
        return Changes(server.term, leads, commit, told, acked)

    def goals(
        self, made: Consequence, happening: Happening, alike: frozenset[NodeId] = frozenset()
    ) -> Iterator[Goal]:
        """What has to be seen to hold after the step; of servers that are alike, once."""
        after = made.after
        outcome = made.ran.turn.outcome
        if isinstance(outcome, Refused) and outcome.reason == "invariant":
            yield Goal(f"never refused: {outcome.why}", False)
            return
        for lemma in self.lemmas:
            for chosen in instances(lemma.over, self.size):
                if stands_for_all(chosen, alike) and after.changed & self.reads(lemma, chosen):
                    formula = lemma.holds(after, *arguments(lemma.over, chosen, SKOLEMS))
                    hinted = self.with_hints(formula, after)
                    yield Goal(f"{lemma.name}{list(chosen)}", hinted, self.was(lemma, chosen))
        for message, owed in made.news:
            for one in claims_of(message, owed):
                formula = one.holds(after, message, *arguments(one.over, (), SKOLEMS))
                yield Goal(f"{one.name} (new)", self.with_hints(formula, after))
        voided = happening.crashes or (
            made.ran.after.pending.save_current_term
            and not made.ran.turn.before.pending.save_current_term
        )
        for message in older(self.size):
            if not stands_for_all(ends(message), alike):
                continue
            for owed in (False, True):
                if owed and message.sender == ACTOR and voided:
                    continue
                for one in claims_of(message, owed):
                    if after.changed & self.reads(one, (), message):
                        formula = one.holds(after, message, *arguments(one.over, (), SKOLEMS))
                        kept = z3.Implies(self.known_of(message, owed), formula)
                        hinted = self.with_hints(kept, after)
                        before = self.claimed_before(message, owed)
                        yield Goal(older_name(one, message), hinted, before, formula)

    def was(self, fact: Lemma, chosen: tuple[int, ...]) -> Formula:
        """A lemma of the cluster before the step, at the numbers of the goals."""
        key = fact.name, chosen
        if key not in self._was:
            self._was[key] = fact.holds(self.before, *arguments(fact.over, chosen, SKOLEMS))
        return self._was[key]

    def claimed_before(self, message: claims.Message, owed: bool) -> Formula:
        key = message, owed
        if key not in self._was:
            facts = claims_of(message, owed)
            self._was[key] = both(
                *[
                    one.holds(self.before, message, *arguments(one.over, (), SKOLEMS))
                    for one in facts
                ]
            )
        return self._was[key]

    def reads(
        self, fact: Lemma | Claim, chosen: tuple[int, ...], *message: claims.Message
    ) -> frozenset[Part]:
        """The parts of a view that a lemma or a claim reads."""
        key = fact.name, chosen, *message
        if key not in self._reads:
            reading = self.reading()
            fact.holds(reading, *message, *arguments(fact.over, chosen, SKOLEMS))
            self._reads[key] = frozenset(reading.read)
        return self._reads[key]

    def known_of(self, message: claims.Message, owed: bool) -> Formula:
        """What an older message claimed before the step."""
        key = message, owed
        if key not in self._known:
            self._known[key] = both(*self.claimed(message, owed))
        return self._known[key]

    def with_hints(self, formula: Formula, after: After) -> Formula:
        """Make z3 look at what may be chosen for the numbers of the goal."""
        if isinstance(formula, bool):
            return formula
        hints = [self.before.choosable(SKOLEMS["T"], SKOLEMS["i"])]
        if after.changes.commit is not None:
            hints.append(self.before.choosable(after.changes.term, after.changes.commit))
        return z3.Implies(z3.And([seen(hint) for hint in hints]), formula)


def not_true(model: z3.ModelRef, formula: Formula) -> bool:
    if isinstance(formula, bool):
        return not formula
    return not z3.is_true(model.eval(formula, model_completion=True))
