"""The library in the specification's place, as a live cluster and as a rule: it does the same."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

import raftbare
from conformance.audit.run import audit
from conformance.explore.search.run import Options as Exploring
from conformance.explore.search.run import explore
from conformance.explore.states.bounds import Bounds
from conformance.mutants.planted.in_both import IN_BOTH
from conformance.observe.finding import Difference, name_of
from conformance.observe.recorded import Recorder
from conformance.simulation.check import Options, against_library, check, live
from conformance.simulation.episode import first_finding, play
from conformance.simulation.live import Live
from conformance.simulation.run import Run
from conformance.simulation.schedule.simulate import Schedule
from conformance.subjects.as_rule import rule_of
from conformance.subjects.patched import Patch, patched_library
from conformance.trace.save import save

EPISODES = 25
FALLS_OVER = Patch(
    "rules",
    "        role = self._role\n        if isinstance(role, Candidate) and reply.vote_granted",
    "        role = self._role\n        reply.no_such_field\n"
    "        if isinstance(role, Candidate) and reply.vote_granted",
)


@pytest.mark.parametrize("episode", range(EPISODES))
def test_a_live_cluster_goes_where_the_specified_one_goes(episode: int) -> None:
    nodes = Schedule(3, episode).profile.nodes
    recorders = Recorder(), Recorder()
    both = Run(nodes, recorder=recorders[0]), Live(nodes, recorder=recorders[1])
    for steps in zip(*(play(Schedule(3, episode), run) for run in both), strict=True):
        assert [played.finding for played in steps] == [None, None]
        assert both[0].cluster == both[1].cluster
    assert both[0].witnesses == both[1].witnesses
    assert recorders[0].records == recorders[1].records


@pytest.mark.parametrize("name", ["elections", "changes", "snapshots"])
def test_the_library_as_a_rule_reaches_the_same_states(name: str) -> None:
    bounds = {
        "elections": Bounds(terms=2, log=3, in_flight=1, crashes=1),
        "changes": Bounds(voters=2, terms=1, log=5, in_flight=1, proposals=0, changes=1),
        "snapshots": Bounds(terms=1, log=3, in_flight=1, proposals=1, heartbeats=1, snapshots=1),
    }[name]
    specified = explore(Exploring(bounds, library=None, eventually=False))
    found = explore(
        Exploring(bounds, rule=rule_of(raftbare), library=None, eventually=False),
    )
    assert found.verdict == specified.verdict == "conforms"
    assert found.layers == specified.layers
    assert found.generated == specified.generated


@pytest.mark.parametrize("name", ["earlier-term-commit", "vote-not-persisted"])
def test_the_properties_alone_find_a_bug_of_the_library(name: str) -> None:
    mutant = IN_BOTH[name]
    with mutant.planted() as broken:
        found = check(Options(events=20_000, shrink_seconds=5, run=live(broken))).found
        explored = explore(Exploring(mutant.bounds, rule=rule_of(broken), library=None)).found
    assert found is not None
    assert name_of(found.finding) == mutant.breaks
    assert explored is not None
    assert name_of(explored.finding) == mutant.breaks


def test_they_see_the_order_in_which_the_library_hands_out_its_actions() -> None:
    """No rule has an order; the specification's own would hide it."""
    late = Patch(
        "drain",
        "            elif pending.save_voted_for:\n",
        "            elif pending.save_voted_for and not pending.sends:\n",
    )
    with patched_library(late) as broken:
        found = check(Options(events=20_000, shrink_seconds=0, run=live(broken))).found
    assert found is not None
    assert name_of(found.finding) == "VotePersistedBeforeReply"


def _checked(broken: ModuleType, alive: bool) -> Options:
    if alive:
        return Options(events=5_000, run=live(broken))
    return Options(events=5_000, run=against_library(broken))


@pytest.mark.parametrize("alive", [False, True])
def test_what_the_library_raises_is_a_finding_and_is_shrunk(alive: bool) -> None:
    with patched_library(FALLS_OVER) as broken:
        found = check(_checked(broken, alive)).found
    assert found is not None
    assert name_of(found.finding) == "Failure"
    assert isinstance(found.finding, Difference)
    assert "AttributeError" in str(found.finding.found)
    assert len(found.choices) < found.length_before


def test_a_recording_of_a_live_cluster_conforms(tmp_path: Path) -> None:
    path = tmp_path / "live.jsonl"
    schedule = Schedule(5, 3, 3).honest()
    recorder = Recorder()
    cluster = Live(3, recorder=recorder)
    assert first_finding(schedule, cluster) is None
    save(path, recorder.records, 3)
    assert cluster.events > 50
    assert audit([path], "exact").verdict == "conforms"
    assert audit([path], "safety").verdict == "conforms"
