"""Solvers by what they know, and what of a step is not asked of them."""

from __future__ import annotations

from itertools import permutations, product

import pytest
import z3

from conformance.prove.induction.cases import cases
from conformance.prove.induction.events import Step
from conformance.prove.induction.induction import Consequence, Induction
from conformance.prove.scope.models import witness
from conformance.prove.statements.goals import Goal, stands_for_all
from conformance.prove.statements.solvers import ALL, PLAIN, Solvers, has_quantifier
from conformance.symbolic.paths import Path, Paths
from spec import rules

X, Y = z3.Ints("x y")
F = z3.Function("f", z3.IntSort(), z3.IntSort())
ASCENDING = z3.ForAll([X], F(X) < F(X + 1), patterns=[F(X)])


def step_of(kind: str, shape: str, size: int = 3) -> Step:
    return next(one for one in cases(kind, size, 1) if one.shape == shape)


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
    assert solvers.follows("other", X > 6) == z3.sat
    assert solvers.queries == 4


def test_suppositions_that_cannot_be_true_together_are_named() -> None:
    solvers = Solvers({"one": [X > 1]})
    with solvers.supposing([Y == 3, X < Y, Y < 2]):
        assert solvers.follows("one", False) == z3.unsat
        assert solvers.against == frozenset({0, 2})
    with solvers.supposing([Y == 3, X < Y]):
        assert solvers.follows("one", X == 2) == z3.unsat
        assert solvers.against is None, "the goal had a part in it"
    assert solvers.follows("one", X == 2) == z3.sat


def test_what_follows_is_asked_once_of_all_that_suppose_what_it_rests_on() -> None:
    solvers = Solvers({"one": [X > 1]})
    with solvers.supposing([Y == 3, X < Y]):
        assert solvers.follows("one", X == 2, Y > 0) == z3.unsat
    assert solvers.queries == 1
    with solvers.supposing([F(X) == Y, X < Y, Y == 3]):
        assert solvers.follows("one", X == 2) == z3.unsat
        assert solvers.follows("one", Y > 0) == z3.unsat
        assert solvers.queries == 1
    with solvers.supposing([X < Y]):
        assert solvers.follows("one", X == 2) == z3.sat
        assert solvers.follows("one", X == 2, X > 0) == z3.sat
    assert solvers.queries == 3


def test_what_followed_from_what_is_known_no_more_is_forgotten() -> None:
    solvers = Solvers({"one": []})
    solvers.push()
    solvers.add(X > 1)
    with solvers.supposing([Y == X]):
        assert solvers.follows("one", Y > 1) == z3.unsat
    solvers.pop()
    with solvers.supposing([Y == X]):
        assert solvers.follows("one", Y > 1) == z3.sat


def test_a_conclusion_rests_on_what_it_was_drawn_from() -> None:
    solvers = Solvers({"one": [ASCENDING], "other": []})
    with solvers.supposing([X < 3, F(X) == 1, F(X + 1) == Y - 5]):
        assert solvers.follows("one", F(X + 1) > 1) == z3.unsat
        solvers.conclude(F(X + 1) > 1, since=F(X + 1) > 1)
        assert solvers.follows("other", Y > 6) == z3.unsat
        assert solvers.follows("other", False) == z3.sat
    with solvers.supposing([Y == 5, F(X) == 1, F(X + 1) == Y - 5]):
        solvers.conclude(F(X + 1) > 1, since=F(X + 1) > 1)
        assert solvers.follows("other", False) == z3.unsat
        assert solvers.against == frozenset({0, 1, 2})
    with solvers.supposing([Y == 5, F(X) == 1]):
        assert solvers.follows("one", F(X + 1) > 1) == z3.unsat
        assert solvers.against is None
        solvers.conclude(F(X + 1) > 1, since=F(X + 1) > 1)
        assert solvers.follows("other", F(X + 1) + Y > 6) == z3.unsat
    asked = solvers.queries
    with solvers.supposing([Y == 5]):
        assert solvers.follows("other", F(X + 1) + Y > 6) == z3.sat
    with solvers.supposing([F(X) == 1, Y == 5]):
        assert solvers.follows("other", F(X + 1) + Y > 6) == z3.unsat
    assert solvers.queries == asked + 1


def test_nothing_is_told_for_good_while_something_is_supposed() -> None:
    solvers = Solvers({"one": []})
    with solvers.supposing([Y == X]), pytest.raises(AssertionError):
        solvers.add(X > 1)


def test_the_plain_solver_is_told_nothing_with_a_quantifier() -> None:
    assert has_quantifier(z3.Implies(X > 0, z3.And(Y > 0, ASCENDING)))
    assert not has_quantifier(z3.Implies(X > 0, F(X) < F(Y)))
    solvers = Solvers({PLAIN: [], ALL: []})
    solvers.add(ASCENDING, F(X) == 1)
    assert solvers.follows(ALL, F(X + 1) > 1) == z3.unsat
    answer, model = solvers.counterexample(F(X + 1) > 1)
    assert answer == z3.sat
    assert model is not None
    assert model.eval(F(X)).as_long() == 1
    assert solvers.counterexample(F(X) > 0) == (z3.unsat, None)


def test_where_z3_gives_up_all_goals_are_left_open(monkeypatch: pytest.MonkeyPatch) -> None:
    prover = Induction(3)
    goals = [Goal("true", X == X), Goal("false", X != X), Goal("open", X > 0)]
    assert {goal.name for goal in prover.left_open(goals)} == {"false", "open"}
    monkeypatch.setattr(Solvers, "counterexample", lambda *_: (z3.unknown, None))
    assert {goal.name for goal in prover.left_open(goals)} == {"true", "false", "open"}


def test_a_goal_that_was_true_before_is_plain_to_see() -> None:
    prover = Induction(3)
    kept = Goal("kept", F(X) > 0, before=F(X) > 1)
    older = Goal("older", z3.Implies(ASCENDING, F(X) > 0), before=F(X) > 1, after=F(X) > 0)
    assert prover.left_open([kept, older]) == []
    assert prover.left_open([Goal("new", F(X) > 0)])


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
        ("append reply", "snapshot", set()),
        ("end of drain", "of a leader, snapshot", set()),
    ],
)
def test_servers_that_a_step_tells_apart_are_not_alike(
    kind: str, shape: str, alike: set[int]
) -> None:
    prover, paths = Induction(5), Paths()
    with prover.prepared(step_of(kind, shape, 5), paths) as (actor, happening):
        for path in paths.run(lambda: prover.consequence(actor, happening)):
            assert prover.alike(paths, path) == alike


def test_a_path_that_asks_for_the_progress_of_one_tells_it_apart() -> None:
    prover, paths = Induction(5), Paths()
    with prover.prepared(step_of("heartbeat", "of a leader", 5), paths) as (actor, happening):

        def run() -> Consequence:
            made = prover.consequence(actor, happening)
            peers = actor.member.node.role.peers  # type: ignore[union-attr]
            assert peers[2].node == 3
            asked.append(bool(peers[2].match > 5))
            return made

        asked: list[bool] = []
        found = [prover.alike(paths, path) for path in paths.run(run)]
    assert sorted(asked) == [False, True]
    assert set(found) == {frozenset({2, 4})}


def test_what_is_left_out_of_servers_that_are_alike_would_be_proved_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    prover, step = Induction(5), step_of("save current term", "any", 5)
    few = prover.check(step)
    queries = prover.queries
    monkeypatch.setattr(Induction, "alike", lambda *_: frozenset())
    every = prover.check(step)
    assert (few.open, every.open, few.paths) == ([], [], every.paths)
    assert queries > 0


# Paths that are not asked


def test_a_path_that_is_passed_over_is_impossible(monkeypatch: pytest.MonkeyPatch) -> None:
    prover, passed = Induction(3), 0
    asked = Induction.check_path

    def check_path(
        self: Induction, paths: Paths, path: Path[Consequence], happening: object
    ) -> list[tuple[str, str]]:
        nonlocal passed
        if any(some.issubset(path.conditions) for some in self._impossible):
            passed += 1
            self.solvers.push()
            self.solvers.add(path.formula(paths))
            assert self.follows(False) == z3.unsat
            self.solvers.pop()
        return asked(self, paths, path, happening)  # type: ignore[arg-type]

    monkeypatch.setattr(Induction, "check_path", check_path)
    shape = "a follower, founded + 1, owes a write"
    assert prover.check(step_of("snapshot", shape)).open == []
    assert passed > 5


def test_what_holds_on_one_path_only_rules_out_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """A contradiction with it is learnt of no decisions: on another path it need not hold."""
    prover, step = Induction(3), step_of("vote call", "vote none")
    assert prover.check(step).paths > 5
    assert not prover._impossible
    monkeypatch.setattr(Induction, "facts", lambda *_: [z3.BoolVal(False)])
    checked = prover.check(step)
    assert (checked.open, checked.impossible) == ([], [])


@pytest.mark.parametrize(
    ("kind", "shape", "hits"),
    [
        ("append reply", "snapshot + 1", 50),
        ("snapshot", "a follower, founded + 1, owes a write", 5),
        ("append call", "snapshot + 1, a call of snapshot + 1", 5),
    ],
)
def test_what_is_not_asked_again_would_be_answered_alike(
    kind: str, shape: str, hits: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    prover, found = Induction(3), 0
    known = Solvers._was_seen

    def was_seen(self: Solvers, formula: z3.BoolRef) -> frozenset[int] | None:
        nonlocal found
        rests_on = known(self, formula)
        if rests_on is not None:
            found += 1
            solver = self.each[ALL]
            wrong = z3.Not(formula)
            assert solver.check(*[name for name, _ in self._supposed], wrong) == z3.unsat
        return rests_on

    monkeypatch.setattr(Solvers, "_was_seen", was_seen)
    assert prover.check(step_of(kind, shape)).open == []
    assert found >= hits


def test_what_a_solver_knows_too_little_for_is_asked_of_one_that_knows_more() -> None:
    prover = Induction(3)
    goal = Goal("LogTerms[0]", prover.before.told(0, X) < 3)
    assert prover.unseen((PLAIN, ALL), [goal]) == []
    assert prover._beyond == {(PLAIN, "LogTerms")}
    false = Goal("LogTerms[0]", z3.BoolVal(False))
    assert prover.unseen((PLAIN,), [false]) == [("LogTerms[0]", "sat")]
    assert (ALL, "LogTerms") not in prover._beyond
    assert prover.unseen((ALL,), [false]) == [("LogTerms[0]", "unknown")]
    assert prover._beyond == {(PLAIN, "LogTerms")}, "the last one is asked always"


def test_what_is_impossible_in_one_step_is_forgotten_in_the_next() -> None:
    prover = Induction(3)
    prover.check(step_of("snapshot", "a follower, founded + 1, owes a write"))
    assert prover._impossible
    with prover.prepared(step_of("heartbeat", "of a leader"), Paths()):
        assert not prover._impossible


def test_no_state_takes_a_path_that_is_passed_over() -> None:
    """The states of a small scope, looked for without what z3 has said of the paths, agree."""
    step = step_of("snapshot", "a follower, founded + 1, owes a write")
    checked = Induction(3).check(step)
    assert checked.impossible
    every, live = witness(3, rules.step, step)
    assert witness(3, rules.step, step, checked.impossible) == (every, live)
    assert 0 < live < every == checked.paths
