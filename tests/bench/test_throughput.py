"""Throughput, each figure beside one from the same run: machines are shared and noisy.

`make bench` measures.  In the test suite each of these runs once, to see that it still works.
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conformance.audit.run import audit
from conformance.observe.recorded import Recorded, Recorder
from conformance.observe.verdicts import AuditLevel
from conformance.simulation.check import LIBRARY, Options, check, specified
from conformance.simulation.episode import play
from conformance.simulation.lockstep import Lockstep
from conformance.simulation.schedule.simulate import Schedule
from conformance.subjects.library import LibrarySubject
from conformance.subjects.subject import SpecSubject
from conformance.trace.save import save
from spec.values import COMMAND, ZERO, AppendEntriesCall, Config, Entry, Position, Receive, Start

ROUNDS = 7


def measure(benchmark: Any, events: int, run: Callable[[], object]) -> None:
    """Run it some times, and note how many events a second that was at the median."""
    benchmark.pedantic(run, rounds=ROUNDS, warmup_rounds=1)
    if benchmark.stats is not None:
        stats = benchmark.stats.stats
        benchmark.extra_info["events_per_second"] = round(events / stats.median)
        print(
            f"\n{benchmark.name}: {events / stats.median:,.0f} events/s "
            f"({events / stats.max:,.0f} to {events / stats.min:,.0f})"
        )


@pytest.mark.benchmark(group="lockstep, 3 nodes, default faults")
@pytest.mark.parametrize("compared", ["with the library", "properties alone"])
def test_lockstep(benchmark: Any, compared: str) -> None:
    run = LIBRARY if compared == "with the library" else specified()
    options = Options(seed=1, events=5_000, nodes=3, run=run)
    events = check(options).events
    assert events >= options.events
    measure(benchmark, events, lambda: check(options))


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """5,000 events of 3 nodes, in one file of many short clusters' worth of faults."""
    for episode in range(1_000):
        schedule = Schedule(11, episode, 3).honest()
        recorder = Recorder()
        lockstep = Lockstep(3, LibrarySubject(), recorder=recorder)
        for played in play(schedule, lockstep, 10**9):
            assert played.finding is None
            if lockstep.events >= 5_000:
                break
        if lockstep.cluster.history.committed:
            break
    path = tmp_path_factory.mktemp("bench") / "recording.jsonl"
    save(path, recorder.records, 3)
    return path, len(recorder.records)


@pytest.mark.benchmark(group="audit")
@pytest.mark.parametrize("level", ["exact", "safety"])
def test_audit(benchmark: Any, recording: tuple[Path, int], level: AuditLevel) -> None:
    path, events = recording
    assert audit([path], level).verdict == "conforms"
    measure(benchmark, events, lambda: audit([path], level))


def long_log(path: Path, entries: int, batch: int = 100) -> int:
    """A follower's recording whose log grows to so many entries, in calls of 100 commands."""
    subject, records = SpecSubject(), []

    def feed(seq: int, event: Start | Receive) -> None:
        outcome = subject.handle(0, event)
        actions = subject.drain(0)
        records.append(Recorded(0, seq, event, outcome, actions, subject.observe(0)))

    feed(1, Start())
    prev = ZERO
    first = (Entry(0, Config(frozenset({0, 1}))), Entry(1, "term"))
    commands = (Entry(1, COMMAND),) * batch
    for seq in range(2, entries // batch + 2):
        more = first if seq == 2 else commands
        feed(seq, Receive(AppendEntriesCall(1, 1, seq, prev.index, prev, more)))
        prev = Position(1, prev.index + len(more))
        # Only the newest of the log is needed to go on: a short one keeps the making quick.
        member = subject.members[0]
        log = member.node.log
        subject.members[0] = member._replace(
            node=member.node._replace(log=log.compacted(prev, log.config))
        )
    save(path, [_uncompacted(record) for record in records], 2)
    return len(records)


def _uncompacted(record: Recorded) -> Recorded:
    record.state = record.state._replace(snapshot_position=ZERO)
    return record


@pytest.mark.benchmark(group="audit of one long log, exact")
@pytest.mark.parametrize("entries", [250_000, 500_000, 1_000_000])
def test_audit_of_a_long_log(benchmark: Any, tmp_path: Path, entries: int) -> None:
    """Linear: as many events a second whatever the length."""
    path = tmp_path / "long.jsonl"
    events = long_log(path, entries if benchmark.enabled else 10_000)
    report = audit([path], "exact")
    assert report.verdict == "conforms", report.problems
    measure(benchmark, events, lambda: audit([path], "exact"))


def test_memory_of_an_exact_audit(tmp_path: Path) -> None:
    """What is kept is the log: some 16 bytes an entry, in memory and on disk, and no records."""
    peaks = {}
    for entries in (50_000, 200_000):
        path = tmp_path / f"{entries}.jsonl"
        long_log(path, entries)
        tracemalloc.start()
        assert audit([path], "exact").verdict == "conforms"
        peaks[entries] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert (peaks[200_000] - peaks[50_000]) / 150_000 < 64
