"""Two explorers that share no code agree on every count; and how fast each of them is."""

from __future__ import annotations

import statistics
import time
from pathlib import Path

import pytest

from conformance.explore.bounds import Bounds
from conformance.explore.run import Options, explore
from conformance.lockstep import name_of
from conformance.seeded import SEEDS
from tests.bench.tlc import explore_with_tlc

SMALL = {
    "one message at a time": (Bounds(terms=2, log=3, in_flight=1), 2_993),
    "three terms": (Bounds(terms=3, log=3, in_flight=1), 26_110),
    "a crash": (Bounds(terms=2, log=3, in_flight=1, crashes=1), 21_725),
    "duplicates, heartbeats": (
        Bounds(terms=2, log=3, in_flight=1, duplications=1, heartbeats=1),
        81_269,
    ),
    "an only voter": (Bounds(nodes=1, terms=3, log=2, in_flight=1, proposals=0, crashes=2), 28),
    "two voters": (Bounds(nodes=2, terms=2, log=4, in_flight=1, crashes=1, duplications=1), None),
}
LARGE = Bounds(terms=2, log=3, in_flight=1, crashes=1, duplications=1, heartbeats=1)


@pytest.mark.parametrize(("bounds", "states"), SMALL.values(), ids=SMALL.keys())
def test_tlc_counts_the_same_states(bounds: Bounds, states: int | None, tmp_path: Path) -> None:
    """The same number of distinct states, to the same depth, without symmetry."""
    tlc = explore_with_tlc(bounds, tmp_path)
    report = explore(Options(bounds, library=None, symmetry=False, eventually=False))
    assert report.complete
    assert (tlc.distinct, tlc.depth) == (report.distinct, report.depth)
    assert tlc.distinct == (states or report.distinct)


@pytest.mark.benchmark(group="explore")
def test_states_a_minute_against_tlc(benchmark: object, tmp_path: Path) -> None:
    """Distinct states a minute of whole runs, in turns, as a ratio.

    Both check invariants; this one checks all of the specification's properties, and TLC five.
    With the comparison of every node transition with the library, and without.
    """
    if getattr(benchmark, "disabled", True):
        pytest.skip("only with the benchmarks")
    bounds, rates = LARGE, dict[str, list[float]]()
    for _ in range(3):
        tlc = explore_with_tlc(bounds, tmp_path)
        rates.setdefault("TLC, two workers", []).append(60 * tlc.distinct / tlc.seconds)
        for name, library in (("spec", None), ("spec and library", Options().library)):
            started = time.perf_counter()
            report = explore(Options(bounds, library=library, symmetry=False, eventually=False))
            seconds = time.perf_counter() - started
            assert report.distinct == tlc.distinct
            rates.setdefault(name, []).append(60 * report.distinct / seconds)
    base = statistics.median(rates["TLC, two workers"])
    print(f"\n{bounds}")
    for name, found in rates.items():
        middle = statistics.median(found)
        print(
            f"{name:20} {middle / 1e6:7.2f} million distinct states a minute "
            f"({min(found) / 1e6:.2f} to {max(found) / 1e6:.2f}), {middle / base:5.1f} of TLC's"
        )


@pytest.mark.benchmark(group="explore")
def test_seconds_to_find_each_seeded_bug(benchmark: object) -> None:
    if getattr(benchmark, "disabled", True):
        pytest.skip("only with the benchmarks")
    print()
    for seed in SEEDS:
        with seed.planted() as (rule, broken):
            report = explore(Options(seed.bounds, rule=rule, library=broken))
        assert report.found is not None
        moves, name = len(report.found.moves), name_of(report.found.finding)
        print(f"{seed.name:28} {name:32} {moves:3} moves {report.distinct:10,} states", end=" ")
        print(f"{report.seconds:6.1f} s")
