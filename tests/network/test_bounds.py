"""Figures against bounds: what is exceeded is found, and shown where it first was."""

from __future__ import annotations

from dataclasses import replace

import pytest

from conformance.network.clock import MILLISECOND as MS
from conformance.network.cluster import TimedCluster
from conformance.network.figures import MEANING
from conformance.network.run import measure
from conformance.network.scenario import Bound, Load
from conformance.network.scenarios import SCENARIOS
from conformance.subjects.library import LibrarySubject
from tests.network.brief import BRIEF


def test_a_run_within_its_bounds_conforms() -> None:
    measured = measure(replace(BRIEF, bounds=(Bound("entries", 1.0), Bound("latency", 1.0))))
    assert measured.verdict == "conforms"
    assert not measured.excesses
    assert not measured.problems
    assert measured.figures.keys() <= MEANING.keys()


def test_an_excess_is_told_with_what_led_there() -> None:
    """Faster than a round trip: what is under way is sent again."""
    load, bound = Load(MS // 2, 100 * MS, 200 * MS), Bound("entries", 1.0)
    scenario = replace(BRIEF, load=load, bounds=(bound,))
    measured = measure(scenario)
    (excess,) = measured.excesses
    assert measured.verdict == "violation"
    assert excess.found > 2
    assert excess.at == 102 * MS
    assert any("AppendEntriesReply" in line for line in excess.timeline)
    assert measured.as_json()["excesses"] == [
        {
            "figure": "entries",
            "most": 1.0,
            "found": round(excess.found, 4),
            "first_at_ms": 102.0,
            "timeline": list(excess.timeline),
        }
    ]


def test_every_scenario_has_bounds_on_figures_that_there_are() -> None:
    for name, scenario in SCENARIOS.items():
        assert scenario.name == name
        assert scenario.bounds
        assert all(bound.figure in MEANING for bound in scenario.bounds)


@pytest.mark.parametrize("name", ["one", "bridge-3"])
def test_what_the_library_keeps_today(name: str) -> None:
    assert measure(SCENARIOS[name]).verdict == "conforms"


def test_a_bridge_between_two_sides_is_served_if_timers_are_set_as_figure_2_says() -> None:
    """And not for more than three timeouts in a row if any higher term sets them."""
    scenario = SCENARIOS["bridge-5"]
    (bound,) = [bound for bound in scenario.bounds if bound.figure == "gap"]
    gaps = {}
    for as_figure_2 in (False, True):
        cluster = TimedCluster(scenario, LibrarySubject(), seed=4, as_figure_2=as_figure_2)
        gaps[as_figure_2] = cluster.run().table(scenario.length)["gap"]
        assert cluster.problems == []
    assert gaps[True] <= bound.most < gaps[False]


FOUND = {
    "late-answer": "heartbeats",
    "snapshot": "snapshots",
    "merged": "entries",
    "electable-3": "led_median_ratio",
}
"""Known faults of the library that nothing else here can see, for nothing else knows of delay."""


@pytest.mark.parametrize(("name", "figure"), FOUND.items())
def test_known_faults_are_found(name: str, figure: str) -> None:
    scenario = replace(SCENARIOS[name], runs=min(SCENARIOS[name].runs, 12))
    found = {excess.bound.figure: excess for excess in measure(scenario).excesses}
    assert found[figure].found > 1.4 * found[figure].bound.most
