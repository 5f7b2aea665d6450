"""Figures against bounds: what is exceeded is found, and shown where it first was."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from conformance.mutants.planted.catalogue import by_name
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
    assert measure(scenario).verdict == "conforms"
    with by_name("every-reply-answered").planted() as broken:
        measured = measure(scenario, subject=partial(LibrarySubject, broken))
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


@pytest.mark.parametrize("name", ["one", "heavy-tail", "restarting", "bridge-3"])
def test_the_library_keeps_what_no_mutant_here_exceeds(name: str) -> None:
    assert measure(SCENARIOS[name]).verdict == "conforms"


def test_a_bridge_between_two_sides_is_served_if_timers_are_set_as_figure_2_says() -> None:
    """And not for more than two timeouts in a row if any higher term sets them."""
    scenario, seed = SCENARIOS["bridge-5"], 21
    (bound,) = [bound for bound in scenario.bounds if bound.figure == "gap"]
    assert measure(scenario, seed).verdict == "conforms"
    with by_name("timer-set-by-higher-term").planted() as library:
        cluster = TimedCluster(scenario, LibrarySubject(library), seed)
        gap = cluster.run().table(scenario.length)["gap"]
    assert cluster.problems == []
    assert gap > 1.3 * bound.most


FOUND = {
    "late-answer-blocks": ("late-answer", "heartbeats"),
    "every-reply-answered": ("merged", "entries"),
    "call-without-limit": ("returning", "largest_call"),
    "window-ignored": ("returning", "in_flight"),
    "snapshot-asked-by-each-refusal": ("snapshot", "snapshots"),
}
"""Bugs that nothing else here can see the harm of, for nothing else knows of delay: by mutant, the
scenario that shows it and the figure.
"""


@pytest.mark.parametrize("name", FOUND)
def test_what_only_wastes_is_found(name: str) -> None:
    scenario, figure = FOUND[name]
    with by_name(name).planted() as broken:
        measured = measure(SCENARIOS[scenario], subject=partial(LibrarySubject, broken))
    found = {excess.bound.figure: excess for excess in measured.excesses}
    assert found[figure].found > 1.4 * found[figure].bound.most


@pytest.mark.parametrize("name", sorted({scenario for scenario, _ in FOUND.values()}))
def test_the_library_as_it_is_keeps_those_bounds(name: str) -> None:
    assert measure(SCENARIOS[name]).verdict == "conforms"


def test_an_election_that_a_higher_term_puts_off_is_found() -> None:
    scenario = replace(SCENARIOS["electable-3"], runs=12)
    assert measure(scenario).excesses == []
    with by_name("timer-set-by-higher-term").planted() as library:
        found = measure(scenario, subject=lambda: LibrarySubject(library)).excesses
    assert {excess.bound.figure for excess in found} >= {"led_median_ratio", "led_most_ratio"}
