"""Concrete states for the induction, by z3, within a small scope.

What is proved of all numbers rests on quantified lemmas, of which z3 never says that some state
satisfies them.  Here every quantifier is a conjunction over a few terms and indices, and the answer
is a state of a cluster with its history:

- that some state takes a path and satisfies all lemmas: what was proved of it was not proved of
  nothing;
- that a path leads from such a state to one that breaks a lemma.  Then the step is run once more,
  from that state, on plain integers.

No state within the scope says nothing of larger ones.  A state that satisfies all lemmas may be one
that no cluster comes to: `conformance.prove.reachable` looks for a run.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

import z3

from conformance.prove.history.holding import broken
from conformance.prove.induction import drains
from conformance.prove.induction.actor import Actor
from conformance.prove.induction.events import Happening, Ran, Step, read_taken
from conformance.prove.induction.prover import PATHS, Decided
from conformance.prove.induction.theory import Consequence, Theory
from conformance.prove.runner.obligation import Counterexample
from conformance.prove.scope.grounding import Bounds, Grounding, as_value
from conformance.prove.scope.read_model import PAYLOADS, Model, State, described
from conformance.prove.statements import claims
from conformance.prove.statements.claims import CLAIMS
from conformance.prove.statements.goals import Goal, older, older_name
from conformance.prove.statements.lemmas import LEMMAS
from conformance.prove.statements.logic import Formula, implies, negation
from conformance.prove.statements.statements import at_goals, claims_of, hypothesis
from conformance.prove.statements.views import ACTOR, Before
from conformance.symbolic.paths import Path, Paths
from spec.cluster import Cluster, Rule, come_back, crash, sent, take
from spec.values import Refused, Restart

SCOPE: Final[dict[int, Bounds]] = {3: Bounds(3, 4), 5: Bounds(3, 3)}
"""Terms and indices, by the size of the cluster."""
WORDS: Final = {lemma.name: lemma.words for lemma in LEMMAS} | {
    claim.name: claim.words for claim in CLAIMS
}


class SmallScope:
    """A solver that knows all lemmas, for every term and index up to some.

    It is told once for a process; a step, and a path, are told on top and taken back.
    """

    def __init__(self, size: int, terms: int, indices: int) -> None:
        self.bounds = Bounds(terms, indices)
        self.before = Before(size)
        self.ground = Grounding(self.before, self.bounds)
        self.solver = z3.SolverFor("QF_FD")
        small = self.ground.small
        self.tell(*small.limits())
        for lemma in LEMMAS:
            for at in small.every(lemma.over):
                self.tell(lemma.holds(small, *at))

    def tell(self, *grounded: Formula) -> None:
        self.solver.add(*self.ground.limits(), *[as_value(one) for one in grounded])

    def assume(self, *formulas: Formula) -> None:
        """Formulas about `Before`."""
        self.tell(*[self.ground(one) for one in formulas])

    @contextmanager
    def only(self, *formulas: Formula) -> Iterator[None]:
        """What holds meanwhile."""
        self.ground.begin()
        self.solver.push()
        try:
            self.assume(*formulas)
            yield
        finally:
            self.solver.pop()
            self.ground.end()

    def found(self) -> z3.ModelRef | None:
        answer = self.solver.check()
        if answer == z3.unknown:
            raise RuntimeError(f"z3 gave up: {self.solver.reason_unknown()}")
        return self.solver.model() if answer == z3.sat else None


@lru_cache(maxsize=2)
def scope_of(size: int) -> SmallScope:
    return SmallScope(size, *SCOPE[size])


@dataclass(slots=True)
class Search:
    """A step of a rule, within a scope; `hypotheses`: what else is taken for granted of it."""

    scope: SmallScope
    rule: Rule
    step: Step
    hypotheses: tuple[Formula, ...] = ()
    paths: Paths = field(init=False)
    actor: Actor = field(init=False)
    happening: Happening = field(init=False)
    theory: Theory = field(init=False)

    def __post_init__(self) -> None:
        self.paths = Paths(limit=PATHS)
        self.actor = Actor(self.paths, self.scope.before)
        self.happening = self.step.prepare(self.actor)
        self.theory = Theory(self.scope.before.size, self.rule, self.scope.before)

    def known(self) -> list[Formula]:
        """What is known of the step before it is taken."""
        found = [*self.actor.links, *self.actor.assumed, *self.hypotheses]
        found += [z3.Int(name) >= 0 for name in self.paths.names]
        for message, owed in self.happening.known:
            facts = claims_of(message, owed)
            found += [hypothesis(one, self.scope.before, (), message) for one in facts]
        return found

    # Witnesses

    def witness(self, impossible: Collection[frozenset[Decided]] = ()) -> tuple[int, int]:
        """How many paths there are, and how many of them some state of the scope takes."""
        count = live = 0
        with self.scope.only(*self.known()):
            for path in self.ways():
                if path.raised is not None:
                    raise path.raised
                count += 1
                if not any(some.issubset(path.conditions) for some in impossible):
                    live += self.live(path) is not None
        return count, live

    def ways(self) -> Iterator[Path[Ran]]:
        return self.paths.run(lambda: self.happening.run(self.rule))

    def live(self, path: Path[Any]) -> z3.ModelRef | None:
        """A state that satisfies the lemmas and takes the path."""
        with self.scope.only(path.formula(self.paths)):
            return self.scope.found()

    # Refutations

    def refutations(self) -> Iterator[Counterexample]:
        """A state for each path from which it breaks something."""

        def run() -> Consequence:
            return self.theory.consequence(self.actor, self.happening)

        with self.scope.only(*self.known()):
            for path in self.paths.run(run):
                if path.raised is not None:
                    raise path.raised
                found = self.refute(path)
                if found is not None:
                    yield found

    def refute(self, path: Path[Consequence]) -> Counterexample | None:
        """A state that satisfies the lemmas, takes the path, and breaks something."""
        made = path.result
        assert made is not None
        with self.scope.only(path.formula(self.paths), *made.known):
            self.scope.tell(*self.created(made))
            if self.scope.found() is None:
                return None
            goals = list(self.theory.goals(made, self.happening))
            ground = self.scope.ground
            wrong = [ground(negation(goal.formula)) for goal in goals]
            best: Counterexample | None = None
            while wrong:
                with self.scope.only():
                    self.scope.tell(z3.Or(wrong))
                    model = self.scope.found()
                    if model is None:
                        break
                    values = Model(ground, model, self.actor)
                    at = next(k for k, formula in enumerate(wrong) if values.of(formula))
                    found = self.counterexample(values, made.ran, goals[at], made)
                    if found.replays:
                        return found
                    best = best or found
                    del wrong[at], goals[at]
            return best

    def created(self, made: Consequence) -> Iterator[Formula]:
        """What the entry is that the step makes, if it makes one."""
        actor, created = self.actor, self.actor.created
        for entry in made.ran.after.node.log.entries if made.known else ():
            if z3.eq(actor.entry(entry), created):
                yield self.scope.ground(created) & 1 == PAYLOADS.index(entry.payload)

    def counterexample(
        self, model: Model, ran: Ran, goal: Goal, made: Consequence
    ) -> Counterexample:
        """The state of a model, the turn that is taken there, and what that breaks."""
        name = goal.name.split("[")[0].split(" (")[0]
        message = self.older_of(model, goal, made)
        state = model.state(ran.turn.event, self.happening.known, message)
        was_broken = broken(state.cluster, state.variables)
        again = self.replayed(model, state, ran)
        turn = again.turn._replace(after=again.after)
        refused = isinstance(turn.outcome, Refused) and turn.outcome.reason == "invariant"
        if refused:
            replays = goal.name.startswith("never refused")
        else:
            replays = name in {one.name for one in broken(*after_turn(state, again))}
        words = f"{name}: {WORDS[name]}" if name in WORDS else goal.name
        others = tuple(described(state, ACTOR))
        return Counterexample(words, turn, others, replays and not was_broken)

    def older_of(
        self, model: Model, goal: Goal, made: Consequence
    ) -> tuple[claims.Message, bool] | None:
        """The older message whose claim a goal is about."""
        if "(older" not in goal.name:
            return None
        for message in older(self.theory.size):
            for owed in (False, True):
                for one in claims_of(message, owed):
                    if goal.name != older_name(one, message):
                        continue
                    holds = at_goals(one, made.after, (), message)
                    kept = implies(self.theory.known_of(message, owed), holds)
                    if not model.at(kept):
                        return message, owed
        raise AssertionError(f"no message breaks {goal.name}")

    def replayed(self, model: Model, state: State, ran: Ran) -> Ran:
        """The same step, taken by a plain server."""
        member, turn, rule = state.cluster.members[ACTOR], ran.turn, self.rule
        if isinstance(turn.event, Restart):
            back = come_back(crash(member).after, rule)
            return Ran(back, back.after)
        if state.event is not None:
            taken = take(member, state.event, rule)
            return Ran(taken, taken.after)
        if turn.owed is not None:
            return drains.first_action(member, rule)
        if ran.read is not None:
            return read_taken(member, rule)
        return drains.ended(member, rule)


def after_turn(state: State, ran: Ran) -> tuple[Cluster, Any]:
    """The cluster and its history once the acting server has had its turn."""
    cluster, variables = state.cluster, state.variables.after(ran.turn)
    if ran.read is not None:
        variables = variables.with_read(ran.read)
    members = tuple([ran.after if n == ACTOR else one for n, one in enumerate(cluster.members)])
    network = (*cluster.network[state.delivered :], *sent(ran.turn))
    return cluster._replace(members=members, network=network), variables


def witness(
    size: int, rule: Rule, step: Step, impossible: Collection[frozenset[Decided]] = ()
) -> tuple[int, int]:
    """How many paths a step has, and how many some state of the scope takes.

    `impossible`: decisions that are known not to be taken together, so that nobody needs to look.
    """
    return Search(scope_of(size), rule, step).witness(impossible)


def counterexample(size: int, rule: Rule, step: Step) -> Counterexample | None:
    """A state of the scope from which a step breaks something; rather one that replays."""
    best: Counterexample | None = None
    for found in Search(scope_of(size), rule, step).refutations():
        if found.replays:
            return found
        best = best or found
    return best
