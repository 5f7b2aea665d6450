"""Two explorers that share no code agree on every count; and how fast each of them is."""

from __future__ import annotations

import statistics
import time
from pathlib import Path
from typing import Any

import pytest

from conformance.explore.search.run import Options, explore
from conformance.explore.states.bounds import Bounds
from conformance.mutants.planted.in_both import IN_BOTH
from conformance.observe.finding import name_of
from tests.bench.tla.tlc import BRIEFLY, explore_with_tlc

SMALL = {
    "one message at a time": (Bounds(terms=2, log=3, in_flight=1), 2_893),
    "three terms": (Bounds(terms=3, log=3, in_flight=1), 25_234),
    "a crash": (Bounds(terms=2, log=3, in_flight=1, crashes=1), 21_299),
    "duplicates, heartbeats": (
        Bounds(terms=2, log=3, in_flight=1, duplications=1, heartbeats=1),
        83_909,
    ),
    "a call at a time": (
        Bounds(terms=2, log=3, in_flight=1, crashes=1, entries=1, calls=1),
        None,
    ),
    "two calls at a time": (
        Bounds(nodes=2, terms=1, log=4, in_flight=2, proposals=2, crashes=1, entries=1, calls=2),
        None,
    ),
    "an only voter": (Bounds(nodes=1, terms=3, log=2, in_flight=1, proposals=0, crashes=2), 33),
    "two voters": (Bounds(nodes=2, terms=2, log=4, in_flight=1, crashes=1, duplications=1), None),
    "stepping down, handing over": (
        Bounds(terms=2, log=3, in_flight=1, proposals=0, step_downs=1, transfers=1),
        10_579,
    ),
    "handing over, a crash": (
        Bounds(nodes=2, terms=2, log=4, in_flight=1, crashes=1, step_downs=1, transfers=1),
        16_606,
    ),
}
LARGE = Bounds(terms=2, log=3, in_flight=2, crashes=1)
ROUNDS = 2


@pytest.mark.parametrize(("bounds", "states"), SMALL.values(), ids=SMALL.keys())
def test_tlc_counts_the_same_states(bounds: Bounds, states: int | None, tmp_path: Path) -> None:
    """The same number of distinct states, to the same depth, without symmetry."""
    tlc = explore_with_tlc(bounds, tmp_path, workers=1, java=BRIEFLY)
    report = explore(Options(bounds, library=None, symmetry=False, eventually=False))
    assert report.complete
    assert (tlc.distinct, tlc.depth) == (report.distinct, report.depth)
    assert tlc.distinct == (states or report.distinct)


@pytest.mark.benchmark(group="explore")
def test_states_a_minute_against_tlc(benchmark: Any, tmp_path: Path) -> None:
    """Distinct states a minute of whole runs, in turns, as a ratio.

    TLC checks five invariants; this checks all of the specification's properties, with the
    comparison of every node transition with the library, and without.
    """
    if benchmark.disabled:
        pytest.skip("only with the benchmarks: it takes minutes")
    rates: dict[str, list[float]] = {}

    def compare() -> None:
        tlc = explore_with_tlc(LARGE, tmp_path)
        rates.setdefault("TLC, two workers", []).append(60 * tlc.distinct / tlc.seconds)
        for name, library in (("spec", None), ("spec and library", Options().library)):
            started = time.perf_counter()
            report = explore(Options(LARGE, library=library, symmetry=False, eventually=False))
            seconds = time.perf_counter() - started
            assert report.distinct == tlc.distinct
            rates.setdefault(name, []).append(60 * report.distinct / seconds)

    benchmark.pedantic(compare, rounds=ROUNDS)
    base = statistics.median(rates["TLC, two workers"])
    print(f"\n{LARGE}")
    for name, found in rates.items():
        middle = statistics.median(found)
        print(
            f"{name:20} {middle / 1e6:7.2f} million distinct states a minute "
            f"({min(found) / 1e6:.2f} to {max(found) / 1e6:.2f}), {middle / base:5.1f} of TLC's"
        )


@pytest.mark.benchmark(group="explore")
def test_seconds_to_find_each_seeded_bug(benchmark: Any) -> None:
    if benchmark.disabled:
        pytest.skip("only with the benchmarks: it takes a minute")
    lines: list[str] = []

    def find_all() -> None:
        for mutant in IN_BOTH.values():
            with mutant.planted() as broken:
                report = explore(Options(mutant.bounds, rule=mutant.rule(), library=broken))
            assert report.found is not None
            assert name_of(report.found.finding) == mutant.breaks
            lines.append(
                f"{mutant.name:28} {mutant.breaks:32} {len(report.found.moves):3} moves "
                f"{report.distinct:10,} states {report.seconds:6.1f} s"
            )

    benchmark.pedantic(find_all, rounds=1)
    assert len(lines) == len(IN_BOTH)
    print("\n" + "\n".join(lines))
