"""Explorations find seeded bugs, and no shorter way to them exists."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.audit.decisions import D1, as_in_crate
from conformance.audit.run import audit
from conformance.explore.search.narrate import narrate
from conformance.explore.search.path import Counterexample, possible
from conformance.explore.search.run import Options, explore
from conformance.explore.states.bounds import Bounds, Cost
from conformance.explore.states.space import Space
from conformance.mutants.planted.crate import IN_LIBRARY
from conformance.mutants.planted.in_both import SEEDS, Seed
from conformance.observe.finding import Difference, name_of
from conformance.simulation.replay import replay
from conformance.subjects.patched import Patch, library
from conformance.trace.save import save
from spec.cluster import apply, new_cluster
from spec.properties import check
from tests.explore.plain_search import State, state_of


def found_by(options: Options) -> Counterexample:
    report = explore(options)
    assert report.verdict == "violation"
    assert report.exit_code == 1
    assert report.found is not None
    return report.found


FAST = [seed for seed in SEEDS if seed.name != "commit-without-min"]
"""All but the one that takes half a minute, which `tests/bench` has."""


@pytest.mark.parametrize("seed", FAST, ids=lambda seed: seed.name)
def test_a_bug_in_both_is_found_by_the_properties(seed: Seed, tmp_path: Path) -> None:
    with seed.planted() as (rule, broken):
        found = found_by(Options(seed.bounds, rule=rule, library=broken))
        assert name_of(found.finding) == seed.breaks
        assert "".join(narrate(found)).count("node 0") > 1
        path = tmp_path / "trace.jsonl"
        save(path, found.recorder.records, found.nodes)
        assert replay(path).events > 0
        assert audit([path]).verdict in ("conforms", "violation")


def test_the_trace_of_a_lost_entry_fails_its_audit(tmp_path: Path) -> None:
    """D1: the vote that should not have been given is no step of the specification."""
    seed = next(seed for seed in SEEDS if seed.name == "index-only-vote")
    with seed.planted() as (rule, broken):
        found = found_by(Options(seed.bounds, rule=rule, library=broken))
    path = tmp_path / "trace.jsonl"
    save(path, found.recorder.records, found.nodes)
    assert audit([path]).verdict == "violation"
    difference = replay(path).difference
    assert difference is None  # what was recorded plays no part, and today's library is sound


def test_no_shorter_way_exists() -> None:
    """A plain search to one move less than the counterexample finds nothing wrong."""
    seed = next(seed for seed in SEEDS if seed.name == "truncation-on-stale-append")
    with seed.planted() as (rule, _):
        found = found_by(Options(seed.bounds, rule=rule, library=None))
        space = Space(seed.bounds, rule)
        cluster = new_cluster(seed.bounds.nodes)
        for move in found.moves:
            for step in move.steps:
                cluster = apply(cluster, step, rule).after
        wrong, depth = False, 0
        start = new_cluster(seed.bounds.nodes)
        seen: set[State] = set()
        frontier = [(start, Cost())]
        while not wrong and depth < len(found.moves):
            depth += 1
            following = []
            for before, spent in frontier:
                for move in possible(space, before, spent):
                    wrong = wrong or any(check(change) for change in move.changes)
                    state = state_of(move.after, move.spent)
                    if state not in seen:
                        seen.add(state)
                        following.append((move.after, move.spent))
            frontier = following
        assert wrong
        assert depth == len(found.moves)


def test_symmetry_loses_no_verdict() -> None:
    for seed in FAST[1:]:
        with seed.planted() as (rule, _):
            lengths = [
                len(found_by(Options(seed.bounds, rule=rule, library=None, symmetry=on)).moves)
                for on in (True, False)
            ]
            assert lengths[0] == lengths[1]


def test_a_library_that_departs_is_found_at_once() -> None:
    for decision in ("D1", "D2", "D9"):
        with library(*IN_LIBRARY[decision]) as broken:
            bounds = Bounds(terms=3, log=4, in_flight=1)
            report = explore(Options(bounds, library=broken, eventually=False))
            if decision == "D9":  # without a bug elsewhere nobody asks for it
                assert report.verdict == "conforms"
                continue
            assert report.found is not None
            assert isinstance(report.found.finding, Difference)


def test_what_is_hidden_in_the_library_is_found() -> None:
    """A sequence number that is not taken over shows only at the next but one reply."""
    patch = Patch("rules", "        follower.seqno = reply.seqno\n", "")
    with library(patch) as broken:
        found = found_by(Options(Bounds(terms=1, log=3, in_flight=1), library=broken))
        assert isinstance(found.finding, Difference)


def test_the_specification_alone_is_enough_to_find_a_lost_entry() -> None:
    bounds = Bounds(terms=3, log=4, in_flight=1)
    found = found_by(Options(bounds, rule=as_in_crate(D1), library=None))
    assert name_of(found.finding) == "LeaderCompleteness"
    assert len(found.moves) == 19
