"""One round of all measurements with one build, as a process of its own that prints JSON.

Which build it is, the path decides: `report` runs this by turns with either.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from itertools import product

import raftbare
from tests.bench import delay, scaling
from tests.bench.rounds import Floor, Interface, Measured, Raftbare

NODES = (3, 5)
BATCHES = (1, 16, 256)
SLICE = 0.02
SLICES = 5

Rates = dict[str, list[float]]


def rate(cluster: Measured, batch: int) -> float:
    """Committed commands a second of the process's own time."""
    rounds, started = 0, time.process_time()
    while (taken := time.process_time() - started) < SLICE:
        for _ in range(10 if batch < 256 else 1):
            cluster.round(batch)
            rounds += 1
    return rounds * batch / taken


def rates(made: dict[str, Callable[[int], Measured]], size: int, batch: int) -> Rates:
    """Of each, several times, by turns."""
    clusters = {name: make(size) for name, make in made.items()}
    found: Rates = {name: [] for name in made}
    for turn in range(SLICES + 1):
        for name, cluster in clusters.items():
            measured = rate(cluster, batch)
            if turn:  # the first one warms up
                found[name].append(measured)
    for cluster in clusters.values():
        assert len(set(cluster.commit_indexes())) == 1
    return found


def throughput() -> dict[str, Rates]:
    made: dict[str, Callable[[int], Measured]] = {
        "raftbare": Raftbare,
        "interface": Interface,
        "floor": Floor,
    }
    try:
        from tests.bench.pysyncobj_peer import Flushed, PySyncObj

        made |= {"flushed": Flushed, "pysyncobj": PySyncObj}
    except ImportError as error:
        print(f"A peer is not installed: {error}", file=sys.stderr)
    works = list(product(NODES, BATCHES))
    found = {work: rates(made, *work) for work in works}
    try:
        from tests.bench.consensual_peer import Consensual

        # Last: it makes and keeps so many objects that the garbage collector holds up the others.
        for work in works:
            found[work] |= rates({"consensual": Consensual}, *work)
    except ImportError as error:
        print(f"A peer is not installed: {error}", file=sys.stderr)
    return {f"n{size} b{batch}": rates for (size, batch), rates in found.items()}


def growth() -> dict[str, dict[str, float]]:
    """Seconds of one operation, by what grows."""
    one, log_of = scaling.round_on, scaling.log_of
    clusters = {size: scaling.in_cluster_of(size) for size in scaling.SIZES}
    return {
        "log": {str(n): one(log_of(1, n)) for n in scaling.LENGTHS},
        "history": {str(n): one(log_of(n, 10)) for n in scaling.HISTORIES},
        "lag": {str(n): scaling.lagging_reply(n, 10) for n in scaling.LAGS},
        "lag commands": {str(n): scaling.lagging_reply(10, n) for n in scaling.LENGTHS},
        "search": {str(n): scaling.search(n) for n in scaling.LAGS},
        "conflict": {str(n): scaling.conflicting_call(n) for n in scaling.LAGS},
        "broadcast": {str(n): found[0] for n, found in clusters.items()},
        "reply": {str(n): found[1] for n, found in clusters.items()},
    }


def main() -> None:
    measured = {
        "compiled": raftbare.compiled,
        "throughput": throughput(),
        "growth": growth(),
        "delay": delay.costs(),
        "bytes": scaling.bytes_a_term(100_000),
    }
    print(json.dumps(measured))


if __name__ == "__main__":
    main()
