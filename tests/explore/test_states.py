"""The explorer visits all states within its bounds, and no others."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest

from conformance.explore.search.run import Options, Report, explore
from conformance.explore.states.bounds import BadBounds, Bounds
from conformance.explore.states.space import Space
from conformance.explore.states.symmetry import Renaming, renamed, renamings
from conformance.simulation.episode import changes
from conformance.simulation.schedule.simulate import Schedule
from spec.cluster import Cluster, after_turn, execute, sent, take
from spec.values import CreateCluster, Event, Restart
from tests.explore.plain_search import orbits, search

SMALL = {
    "two voters": Bounds(nodes=2, terms=2, log=3, in_flight=1, crashes=1),
    "three voters": Bounds(terms=2, log=3, in_flight=1),
    "losses are counted": Bounds(nodes=2, terms=2, log=3, in_flight=2, losses=1),
    "nothing is lost": Bounds(nodes=2, terms=2, log=3, in_flight=3, losses=0),
    "duplicated, shortened": Bounds(
        nodes=2, terms=1, log=3, in_flight=1, duplications=1, shortened=1, heartbeats=1
    ),
    "held back": Bounds(nodes=2, terms=2, log=3, in_flight=1, proposals=2, held=2, crashes=1),
    "snapshots": Bounds(nodes=2, terms=2, log=3, in_flight=1, heartbeats=1, snapshots=2),
    "two calls at a time": Bounds(
        nodes=2, terms=1, log=4, in_flight=2, losses=1, proposals=2, entries=1, calls=2
    ),
    "one call at a time": Bounds(terms=1, log=3, in_flight=1, entries=1, calls=1),
    "asked again": Bounds(
        terms=1, log=3, in_flight=1, proposals=0, heartbeats=2, snapshots=1, ask_again=2
    ),
    "one leaves": Bounds(terms=1, log=5, in_flight=1, proposals=0, changes=1),
    "one joins": Bounds(voters=2, terms=1, log=5, in_flight=1, proposals=0, changes=1),
    "one is demoted": Bounds(
        nodes=2, terms=2, log=5, in_flight=1, proposals=0, changes=1, demotions=1
    ),
    "stale reads": Bounds(terms=2, log=3, in_flight=1, proposals=0, heartbeats=1),
    "handing over": Bounds(terms=2, log=3, in_flight=1, proposals=0, transfers=1),
    "stepping down": Bounds(nodes=2, terms=2, log=3, in_flight=1, step_downs=1, crashes=1),
    "an only voter": Bounds(nodes=1, terms=3, log=5, proposals=2, crashes=2, snapshots=1, held=1),
}


def plain(bounds: Bounds, symmetry: bool = False) -> Report:
    return explore(Options(bounds, library=None, symmetry=symmetry, workers=1, eventually=False))


@pytest.mark.parametrize("bounds", SMALL.values(), ids=SMALL.keys())
def test_it_finds_the_states_of_a_plain_search(bounds: Bounds) -> None:
    """The same number of new states at every depth, with all names and up to renaming."""
    layers = [states for states, _ in search(Space(bounds))]
    report = plain(bounds)
    assert report.complete
    assert report.layers == [len(layer) for layer in layers]
    assert sum(report.layers) == report.distinct > 20
    reduced = plain(bounds, symmetry=True)
    assert reduced.layers == [orbits(bounds, layer) for layer in layers]


def test_what_is_said_of_the_bounds_that_cut() -> None:
    assert "terms" in plain(Bounds(nodes=2, terms=1, log=3)).cut_by
    wide = plain(Bounds(nodes=1, terms=1, log=2, proposals=0))
    assert "in_flight" not in wide.cut_by


def test_a_run_says_what_it_says_nothing_of() -> None:
    report = plain(Bounds(nodes=2, terms=1, log=3))
    assert {"snapshot_installed", "propose_config", "restart"} <= set(report.never_fired)
    assert not {"become_leader", "become_follower"} & set(report.never_fired)
    assert "LaggingFollowerInstalledSnapshot" in report.never_seen
    assert "LeaderElected" not in report.never_seen


@pytest.mark.parametrize("seed", range(4))
def test_the_rules_treat_all_names_alike(seed: int) -> None:
    """Symmetry: a renamed server takes a renamed event to its renamed next state."""
    compared = 0
    for _, change in changes(Schedule(seed, 0, 3).honest(), length=400):
        turn = change.turn
        if turn is None or not turn.before.up or turn.event is None:
            continue
        for names in permutations(range(3)):
            other = take(renamed(turn.before, names), event_renamed(turn.event, names))
            assert other.after == renamed(turn.after, names)
            drained = execute(other.after)
            expected = execute(turn.after)
            assert drained.after == renamed(expected.after, names)
            contents = {renamed(envelope, names) for envelope in sent(expected)}
            assert set(sent(drained)) == contents
            history = after_turn(change.before, change.after, expected).after.history
            before: Cluster = renamed(change.before, names)
            after: Cluster = renamed(change.after, names)
            moved = after_turn(before, after, drained).after.history
            assert moved == renamed(history, names)
            compared += 1
    assert compared > 600


def event_renamed(event: Event, names: Renaming) -> Event:
    match event:
        case CreateCluster(voters):
            return CreateCluster(frozenset(names[voter] for voter in voters))
        case Restart(_, vote, log):
            voted_for = None if vote is None else names[vote]
            return replace(event, voted_for=voted_for, log=renamed(log, names))
    moved: Event = renamed(event, names)
    return moved


def test_renamings_leave_the_creator_and_those_who_join() -> None:
    assert renamings(Bounds(nodes=4, voters=3)) == [(0, 1, 2, 3), (0, 2, 1, 3)]
    assert len(renamings(Bounds(nodes=5))) == 24


@pytest.mark.parametrize(
    ("bounds", "said"),
    [
        ({"nodes": 8}, "--nodes 8: expected 7 at most"),
        ({"voters": 4}, "--voters 4: expected 3 at most"),
        ({"log": 1}, "--log 1: expected 2 or more"),
        ({"in_flight": 0}, "--in-flight 0: expected 1 or more"),
        ({"in_flight": 13}, "--in-flight 13: expected 12 at most"),
        ({"crashes": -1}, "--crashes -1: expected 0 or more"),
    ],
)
def test_bounds_that_make_no_sense_are_refused(bounds: dict[str, int], said: str) -> None:
    with pytest.raises(BadBounds, match=said):
        Bounds(**bounds)
