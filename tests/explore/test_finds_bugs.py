"""Explorations find seeded bugs, and no shorter way to them exists."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

from conformance.audit.decisions import D1, as_in_crate
from conformance.audit.run import audit
from conformance.explore.search.narrate import narrate
from conformance.explore.search.path import Counterexample
from conformance.explore.search.run import Options, explore
from conformance.explore.states.bounds import Bounds
from conformance.explore.states.space import Space
from conformance.mutants.planted.crate import IN_LIBRARY
from conformance.mutants.planted.in_both import IN_BOTH, InBoth
from conformance.observe.finding import Difference, name_of
from conformance.simulation.replay import replay
from conformance.subjects.library import LibrarySubject
from conformance.subjects.patched import Patch, patched_library
from conformance.trace.save import save
from spec.cluster import Input
from spec.properties import check
from spec.values import SnapshotInstalled
from tests.explore.plain_search import search


def found_by(options: Options) -> Counterexample:
    report = explore(options)
    assert report.verdict == "violation"
    assert report.found is not None
    return report.found


SLOW = ("commit-past-verified", "reply-confirms-latest-call")
"""They take ten seconds and more; `tests/bench` has them."""

FAST = [mutant for name, mutant in IN_BOTH.items() if name not in SLOW]


@cache
def of_both(mutant: InBoth) -> Counterexample:
    """What exploration finds of it, with the bug in the specification and the library."""
    with mutant.planted() as broken:
        return found_by(Options(mutant.bounds, rule=mutant.rule(), library=broken))


@pytest.mark.parametrize("mutant", FAST, ids=lambda mutant: mutant.name)
def test_a_bug_in_both_is_found_by_the_properties(mutant: InBoth, tmp_path: Path) -> None:
    found = of_both(mutant)
    assert name_of(found.finding) == mutant.breaks
    assert "".join(narrate(found)).count("node 0") > 1
    path = tmp_path / "trace.jsonl"
    save(path, found.recorder.records, found.nodes)
    assert replay(path).events > 0
    assert audit([path]).verdict in ("conforms", "violation")
    with mutant.planted() as broken:
        assert replay(path, LibrarySubject(broken)).difference is not None


def test_the_trace_of_a_lost_entry_fails_its_audit(tmp_path: Path) -> None:
    """D1: the vote that should not have been given is no step of the specification."""
    found = of_both(IN_BOTH["index-only-vote"])
    path = tmp_path / "trace.jsonl"
    save(path, found.recorder.records, found.nodes)
    assert audit([path]).verdict == "violation"
    difference = replay(path).difference
    assert difference is None  # what was recorded plays no part, and today's library is sound


def test_no_shorter_way_exists() -> None:
    """A plain search to one move less than the counterexample finds nothing wrong."""
    mutant = IN_BOTH["truncation-on-stale-append"]
    bounds, rule = mutant.bounds, mutant.rule()
    found = found_by(Options(bounds, rule=rule, library=None))
    shortest = next(
        depth
        for depth, (_, moves) in enumerate(search(Space(bounds, rule)), start=1)
        if any(check(change) for move in moves for change in move.changes)
    )
    assert shortest == len(found.moves)


def test_symmetry_loses_no_verdict() -> None:
    for mutant in FAST[1:]:
        without = Options(mutant.bounds, rule=mutant.rule(), library=None, symmetry=False)
        lengths = [len(found_by(replace(without, symmetry=on)).moves) for on in (True, False)]
        assert lengths[0] == lengths[1]


def test_a_library_that_departs_is_found_at_once(tmp_path: Path) -> None:
    for decision in ("D1", "D2", "D9"):
        with patched_library(*IN_LIBRARY[decision]) as broken:
            bounds = Bounds(terms=3, log=4, in_flight=1)
            report = explore(Options(bounds, library=broken, eventually=False))
            if decision == "D9":  # without a bug elsewhere nobody asks for it
                assert report.verdict == "conforms"
                continue
            assert report.found is not None
            assert_replayed(report.found, broken, tmp_path)


def test_what_is_hidden_in_the_library_is_found(tmp_path: Path) -> None:
    """That a snapshot was asked for and is not noted shows only at the next refusal."""
    patch = Patch(
        "rules",
        "                progress.asked = MessageSeqNo(self._seqno + limits.ask_again)\n",
        "",
    )
    bounds = Bounds(terms=1, log=2, in_flight=1, proposals=0, heartbeats=1, snapshots=1)
    with patched_library(patch) as broken:
        found = found_by(Options(bounds, library=broken))
        assert isinstance(found.finding, Difference)
        assert_replayed(found, broken, tmp_path)


def assert_replayed(found: Counterexample, broken: ModuleType, tmp_path: Path) -> None:
    """The replay of its trace shows the finding, at the last event of its node."""
    assert isinstance(found.finding, Difference)
    path = tmp_path / "trace.jsonl"
    save(path, found.recorder.records, found.nodes)
    assert replay(path).difference is None
    report = replay(path, LibrarySubject(broken))
    assert report.difference is not None
    last = found.recorder.records[-1]
    assert (report.difference.node, report.seq) == (last.node, last.seq)
    assert report.difference.what == found.finding.what


def test_what_only_a_probe_shows_stands_in_the_trace(tmp_path: Path) -> None:
    """A snapshot whose term is yet to be saved is refused: trying it is no step of the search."""
    guard = Patch("rules", "        if self._pending.save_current_term:\n", "        if False:\n")
    with patched_library(guard) as broken:
        found = found_by(Options(Bounds(in_flight=1, proposals=2, held=2), library=broken))
        assert isinstance(found.moves[-1].steps[-1], Input)
        assert isinstance(found.moves[-1].steps[-1].event, SnapshotInstalled)
        assert_replayed(found, broken, tmp_path)


def test_the_specification_alone_is_enough_to_find_a_lost_entry() -> None:
    bounds = Bounds(terms=3, log=4, in_flight=1)
    found = found_by(Options(bounds, rule=as_in_crate(D1), library=None))
    assert name_of(found.finding) == "LeaderCompleteness"
    assert len(found.moves) == 19
