"""How long an audit takes for a record, with its fast path and without it.

`python -m tests.bench.auditing`.

Both by turns in one run, in the process's own time; the ratio is that of the best of each.
"""

from __future__ import annotations

import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Final

from conformance.audit.run import audit
from conformance.native.build import AUDITS, compiled
from conformance.observe.recorded import Recorder
from conformance.observe.verdicts import AuditLevel
from conformance.release.golden import LOSSY, QUIET
from conformance.simulation.episode import first_finding
from conformance.simulation.lockstep import Lockstep
from conformance.simulation.run import Run
from conformance.simulation.schedule.profile import Profile
from conformance.simulation.schedule.simulate import Schedule
from conformance.subjects.library import LibrarySubject
from conformance.trace.save import save

STEPS: Final = 20_000
TURNS: Final = 4

PROFILES: Final[dict[str, Profile]] = {
    "steady": replace(QUIET, timeout=0.001, propose=0.3, heartbeat=0.1),
    "mixed": replace(
        LOSSY,
        crash=0.002,
        crash_in_drain=0.002,
        snapshot=0.005,
        config=0.002,
        linger=0.1,
        step_down=0.002,
        transfer=0.002,
    ),
}
"""Replication and heartbeats on a perfect network; and all that goes wrong, changes of membership,
snapshots and transfers."""


def recorded(path: Path, profile: Profile, steps: int) -> int:
    """A recording of the library; how many records it has."""
    profile = replace(profile, length=steps)
    recorder = Recorder()
    run: Run = Lockstep(profile.nodes, LibrarySubject(), recorder=recorder)
    assert first_finding(Schedule(7, 0, profile=profile), run) is None
    save(path, recorder.records, profile.nodes)
    return len(recorder.records)


def cpu_seconds(path: Path, level: AuditLevel, fast: bool) -> float:
    started = time.process_time()
    report = audit([path], level, fast=fast)
    taken = time.process_time() - started
    assert not report.problems
    return taken


def least(path: Path, level: AuditLevel) -> tuple[float, float]:
    """Without the fast path, and with it."""
    turns = [[cpu_seconds(path, level, fast) for fast in (False, True)] for _ in range(TURNS)]
    return min(slow for slow, _ in turns), min(fast for _, fast in turns)


def main(steps: int = STEPS) -> None:
    how = "in Python" if compiled(AUDITS) is None else "compiled"
    print(f"CPU microseconds a record; the fast path {how}")
    with tempfile.TemporaryDirectory() as folder:
        for name, profile in PROFILES.items():
            path = Path(folder, f"{name}.jsonl")
            records = recorded(path, profile, steps)
            levels: tuple[AuditLevel, ...] = ("exact", "safety")
            for level in levels:
                slow, fast = least(path, level)
                ratio = f"{slow / fast:.2f} times as fast"
                each = f"{slow / records * 1e6:.1f} without it, {fast / records * 1e6:.1f} with it"
                print(f"{name}, {level}: {each}: {ratio} ({records:,} records)")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
