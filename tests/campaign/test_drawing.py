"""How cases are drawn: from the seed and what is known, and more of what is rare."""

from __future__ import annotations

import re
from collections import Counter
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from conformance.campaign.case import (
    KINDS,
    MOST_STEPS,
    MUTANTS,
    RATES,
    SLICED,
    Known,
    draw,
    rare,
    scenario_of,
    vary,
)
from conformance.campaign.features import Features, is_situation, state_of
from conformance.campaign.finding import found_by, signature_of
from conformance.network.run import measure
from conformance.network.scenarios import SCENARIOS
from conformance.observe.finding import Difference, Problem
from conformance.simulation.check import Options, play_one, specified
from conformance.simulation.schedule.profile import Profile, draw_profile
from spec import values as v
from spec.properties import Violation

PROFILE = draw_profile(Random(1), 3)
KNOWN = Known({"usual": 99, "rare": 1}, {"usual": PROFILE, "rare": PROFILE})


def test_a_case_follows_from_seed_number_and_what_is_known() -> None:
    assert [draw(3, n, KNOWN) for n in range(50)] == [draw(3, n, KNOWN) for n in range(50)]
    assert [draw(3, n, KNOWN) for n in range(50)] != [draw(4, n, KNOWN) for n in range(50)]


def test_where_nothing_is_known_cases_are_as_check_draws_them() -> None:
    drawn = [draw(0, number, Known({}, {})) for number in range(200)]
    kinds = Counter(case.kind for case in drawn)
    assert 0 < kinds["network"] < 30
    assert all(case.profile is None for case in drawn)
    only = [draw(0, number, KNOWN, ("network",)).kind for number in range(20)]
    assert set(only) == {"network"}


def test_what_few_cases_came_by_is_varied_most() -> None:
    chosen = Counter(rare(Random(n), KNOWN) for n in range(500))
    assert chosen["rare"] > 10 * chosen["usual"] > 0
    varied = [draw(0, number, KNOWN, ("lockstep",)).profile for number in range(200)]
    assert 60 < sum(profile is not None for profile in varied) < 140


@given(seed=st.integers(0, 10_000))
def test_a_variation_is_a_profile(seed: int) -> None:
    profile: Profile = PROFILE
    for _ in range(20):  # of a variation of a variation
        changed = vary(Random(seed), profile)
        differ = {name for name in RATES if getattr(changed, name) != getattr(profile, name)}
        assert len(differ) <= 3
        assert all(0.0 <= getattr(changed, name) <= 0.9 for name in RATES)
        assert changed.length <= max(MOST_STEPS, profile.length)
        assert (changed.nodes, changed.voters) == (profile.nodes, profile.voters)
        profile, seed = changed, seed + 1


def test_rates_are_those_of_a_profile() -> None:
    others = {"nodes", "voters", "length", "patience", "batch", "backlog", "limits", "part"}
    assert set(RATES) | others == set(Profile.__dataclass_fields__)


def test_scenarios_run_with_other_links_and_nothing_is_found() -> None:
    case = next(c for n in range(99) if (c := draw(0, n, KNOWN, ("network",))).name == "one")
    scenario = scenario_of(case, 0)
    assert scenario == scenario_of(case, 0)
    assert scenario.bounds == ()
    assert scenario.link != SCENARIOS["one"].link
    assert measure(scenario, case.number).problems == []


def test_features_are_situations_and_transitions() -> None:
    played = play_one(Options(run=specified(), coverage=True, counting=Features), 1)
    transitions = [name for name in played.situations if not is_situation(name)]
    assert any(map(is_situation, played.situations))
    assert any(re.search(r"follower.* > ElectionTimeout > .*candidate", one) for one in transitions)
    node = v.Node(0)
    assert state_of(node) == "non-voting follower"


def difference(event: v.Event | None, what: str, specified: object, found: object) -> Difference:
    return Difference(1, event, what, specified, found)


def test_findings_are_told_apart_by_property_event_and_field() -> None:
    here, there = v.Node(0), v.Node(0, current_term=3)
    timeout, step_down = v.ElectionTimeout(), v.StepDown()
    signatures = [
        signature_of(one)
        for one in (
            difference(timeout, "state", here, there),
            difference(timeout, "state", there, here),
            difference(timeout, "state", here, v.Node(0, commit_index=1)),
            difference(step_down, "state", here, there),
            difference(None, "actions", (v.SaveCurrentTerm(3),), ()),
            difference(None, "actions", (v.SaveCurrentTerm(3),), (v.SaveVotedFor(0),)),
            difference(timeout, "failure", None, "KeyError: 'x'"),
            Violation("ElectionSafety", 1, "two leaders of term 3"),
            Problem("ElectionSafety", 1, 3, "two leaders of term 4"),
        )
    ]
    assert (
        signatures[0] == signatures[1] == ("Difference", "state", "ElectionTimeout", "current_term")
    )
    assert signatures[6] == ("Failure", "KeyError", "ElectionTimeout")
    assert signatures[7] == signatures[8] == ("ElectionSafety",)
    assert len(set(signatures)) == 6
    found = found_by(7, "network", Problem("ElectionSafety", 1, 3, "two leaders"))
    assert (found.case, found.node, found.detail) == (7, 1, "two leaders")


def test_all_kinds_are_drawn_and_each_mutant_comes_once_before_any_comes_again() -> None:
    kinds = Counter(draw(0, number, KNOWN, KINDS).kind for number in range(400))
    assert set(kinds) == set(KINDS)
    assert kinds.most_common(1)[0][0] == "lockstep"
    hunts = [draw(0, number, KNOWN, ("mutants",)).name for number in range(2 * len(MUTANTS))]
    assert sorted(hunts[: len(MUTANTS)]) == sorted(hunts[len(MUTANTS) :]) == sorted(MUTANTS)
    assert hunts[: len(MUTANTS)] != hunts[len(MUTANTS) :]
    slices = {draw(0, number, KNOWN, ("explore",)).name for number in range(len(SLICED))}
    assert slices == set(SLICED)
