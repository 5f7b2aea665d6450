"""That nothing is left out of a proof but what would be answered alike."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations, product
from typing import Any

import pytest
import z3

from conformance.audit.decisions import D1, as_in_crate
from conformance.prove.induction import prover as prover_module
from conformance.prove.induction.prover import Checked, Learned, Prover
from conformance.prove.induction.theory import Consequence, Theory
from conformance.prove.scope.models import witness
from conformance.prove.statements.goals import stands_for_all
from conformance.prove.statements.solvers import ALL, PLAIN, Solvers, by_patterns
from conformance.symbolic.paths import Paths
from spec import rules
from spec.cluster import Rule
from tests.prove.shared import open_goals, step_of

X, Y = z3.Ints("x y")
F = z3.Function("f", z3.IntSort(), z3.IntSort())
ASCENDING = z3.ForAll([X], F(X) < F(X + 1), patterns=[F(X)])
INSTALLED = "a follower, founded + 1, owes a write"


# Solvers


def test_each_knows_its_own_and_all_know_what_is_added() -> None:
    solvers = Solvers({"one": [X > 1], "other": []})
    assert solvers.follows("other", X > 0) == z3.sat
    assert solvers.follows("one", X > 0) == z3.unsat
    assert solvers.follows("other", X > 0) == z3.unsat, "it is known by now"
    solvers.push()
    solvers.add(X == 7)
    assert solvers.follows("other", X > 6) == z3.unsat
    solvers.pop()
    assert solvers.follows("other", X > 6) == z3.sat, "it is known no more"
    with solvers.supposing([Y == X]), pytest.raises(AssertionError):
        solvers.add(X > 1)


def answer_of(known: list[Any], goal: Any) -> Any:
    """What a solver says that remembers nothing."""
    solver = by_patterns()
    solver.add(*known, z3.Not(goal))
    return solver.check()


def test_what_is_remembered_changes_no_answer() -> None:
    """Of all sets of suppositions one after another, each asked for the same goals."""
    known = [X > 1]
    suppositions = [Y == 3, X < Y, Y < 2, F(X) == Y, F(X) == 1]
    goals = [X == 2, Y > 0, F(X) > 0, X != 2, z3.BoolVal(False)]
    solvers, asked, contradictions = Solvers({"one": known}), 0, 0
    for chosen in product((True, False), repeat=len(suppositions)):
        some = [one for one, is_in in zip(suppositions, chosen, strict=True) if is_in]
        with solvers.supposing(some):
            for goal in goals:
                asked += 1
                assert solvers.follows("one", goal) == answer_of([*known, *some], goal)
                if solvers.against is not None:
                    contradictions += 1
                    against = [some[at] for at in solvers.against]
                    assert answer_of([*known, *against], z3.BoolVal(False)) == z3.unsat
    assert solvers.queries < asked
    assert contradictions > 10


def test_a_conclusion_rests_on_what_it_was_drawn_from() -> None:
    """Another solver, which could not have drawn it, then knows it as long as that is supposed."""
    solvers, drawn = Solvers({"one": [ASCENDING], "other": []}), F(X + 1) > 1
    with solvers.supposing([X < 3, F(X) == 1, F(X + 1) == Y - 5]):
        assert solvers.follows("one", drawn) == z3.unsat
        solvers.conclude(drawn, since=drawn)
        assert solvers.follows("other", Y > 6) == z3.unsat
        assert solvers.follows("other", False) == z3.sat
    with solvers.supposing([Y == 5, F(X) == 1, F(X + 1) == Y - 5]):
        solvers.conclude(drawn, since=drawn)
        assert solvers.follows("other", False) == z3.unsat
        assert solvers.against == frozenset({0, 1, 2})
    with solvers.supposing([Y == 5, F(X) == 1]):
        solvers.conclude(drawn, since=drawn)
        assert solvers.follows("other", F(X + 1) + Y > 6) == z3.unsat
    with solvers.supposing([Y == 5]):
        assert solvers.follows("other", F(X + 1) + Y > 6) == z3.sat


def test_the_plain_solver_is_told_nothing_with_a_quantifier() -> None:
    """So it answers, and has a model of what does not follow."""
    solvers = Solvers({PLAIN: [], ALL: []})
    solvers.add(z3.Implies(X == X, z3.And(Y > 0, ASCENDING)), F(X) == 1)
    assert solvers.follows(ALL, F(X + 1) > 1) == z3.unsat
    answer, model = solvers.counterexample(F(X + 1) > 1)
    assert answer == z3.sat
    assert model is not None
    assert model.eval(F(X)).as_long() == 1
    assert solvers.counterexample(F(X) > 0) == (z3.unsat, None)


# Servers that are alike


@pytest.mark.parametrize("alike", [frozenset(), frozenset({2}), frozenset({2, 3, 4})])
def test_whatever_is_left_out_differs_by_names_from_what_is_not(alike: frozenset[int]) -> None:
    named = sorted(alike)
    for chosen in product(range(5), repeat=3):
        renamed = {
            tuple(dict(zip(named, names, strict=True)).get(n, n) for n in chosen)
            for names in permutations(named)
        }
        assert sum(stands_for_all(one, alike) for one in renamed) == 1


@pytest.mark.parametrize(
    ("kind", "shape", "alike"),
    [
        ("snapshot", "leader, snapshot + 1", {2, 3, 4}),
        ("vote call", "vote theirs", {2, 3, 4}),
        ("vote call", "vote another", {3, 4}),
        ("vote reply", "snapshot, has [0, 2]", {3, 4}),
        ("append reply", "snapshot, accepted", set()),
        ("end of drain", "of a leader, snapshot", set()),
    ],
)
def test_servers_that_a_step_tells_apart_are_not_alike(
    kind: str, shape: str, alike: set[int]
) -> None:
    theory, paths = Theory(5), Paths()
    actor = theory.actor(paths, theory.before)
    happening = step_of(kind, shape, 1, 5).prepare(actor)
    for path in paths.run(lambda: theory.consequence(actor, happening)):
        assert theory.alike(paths, path) == alike


def test_a_path_that_asks_for_the_progress_of_one_tells_it_apart() -> None:
    theory, paths = Theory(5), Paths()
    actor = theory.actor(paths, theory.before)
    happening = step_of("heartbeat", "of a leader", 1, 5).prepare(actor)

    def run() -> Consequence:
        made = theory.consequence(actor, happening)
        peers = actor.member.node.role.peers  # type: ignore[union-attr]
        assert peers[2].node == 3
        asked.append(bool(peers[2].match > 5))
        return made

    asked: list[bool] = []
    found = [theory.alike(paths, path) for path in paths.run(run)]
    assert sorted(asked) == [False, True]
    assert set(found) == {frozenset({2, 4})}


# Shortcuts


def nobody_is_alike(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Theory, "alike", lambda *_: frozenset())


def every_goal_is_hard(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Prover, "left_open", lambda _, goals: goals)


def z3_gives_up_on_what_is_plain(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Solvers, "counterexample", lambda *_: (z3.unknown, None))


def all_lemmas_at_once(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Theory, "asked", lambda _, goal, made: iter([((ALL,), goal)]))


def nothing_is_learnt(patch: pytest.MonkeyPatch) -> None:
    class Forgetful(Learned):
        def __getattribute__(self, name: str) -> Any:
            return "" if name == "kind" else set()

    patch.setattr(prover_module, "Learned", Forgetful)


STEPS: list[tuple[str, str, Rule, set[str]]] = [
    ("save current term", "any", rules.step, set()),
    ("append reply", "snapshot, accepted", rules.step, set()),
    ("vote call", "vote none", as_in_crate(D1), {"OwedVoteIsInformed (new)"}),
]
"""With the goals that stay open, of a rule that is wrong."""


@pytest.mark.parametrize(("kind", "shape", "rule", "left_open"), STEPS)
@pytest.mark.parametrize(
    "without",
    [
        nobody_is_alike,
        every_goal_is_hard,
        z3_gives_up_on_what_is_plain,
        all_lemmas_at_once,
        nothing_is_learnt,
    ],
)
def test_without_a_shortcut_the_same_is_proved(
    kind: str,
    shape: str,
    rule: Rule,
    left_open: set[str],
    without: Callable[[pytest.MonkeyPatch], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    without(monkeypatch)
    assert open_goals(checked(kind, shape, rule)) == left_open


def checked(kind: str, shape: str, rule: Rule = rules.step) -> Checked:
    return Prover(Theory(3, rule)).check(step_of(kind, shape))


# Paths that are not asked


def test_decisions_that_are_passed_over_cannot_be_taken_together() -> None:
    """By all lemmas; and no state of a small scope takes a path with them."""
    prover, paths = Prover(Theory(3)), Paths()
    step = step_of("snapshot", INSTALLED, 1)
    found = prover.check(step)
    assert found.impossible
    with prover.prepared(step, paths) as (actor, _):
        assert prover.may_assume(actor)
        for some in found.impossible:
            together = z3.And([paths.formula(*one) for one in some])
            assert prover.follows(z3.Not(together)) == z3.unsat
    every, live = witness(3, rules.step, step)
    assert witness(3, rules.step, step, found.impossible) == (every, live)
    assert 0 < live < every == found.paths


def test_what_holds_on_one_path_only_rules_out_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """A contradiction with it is learnt of no decisions: on another path it need not hold."""

    def consequence(self: Theory, *of: Any) -> Consequence:
        made = original(self, *of)
        made.known.append(z3.BoolVal(False))
        return made

    original = Theory.consequence
    assert not checked("vote call", "vote none").impossible
    monkeypatch.setattr(Theory, "consequence", consequence)
    found = checked("vote call", "vote none")
    assert (found.open, found.impossible, found.live) == ([], [], 0)
    assert found.paths > 5
