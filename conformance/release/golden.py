"""Make the traces in `traces/`: `python -m conformance.release.golden [DIRECTORY]`.

`golden/` has recordings of healthy runs of the library.  `violations/` has a recording of every
mutant, as short as it could be made (`mutants.matrix.convict`).  In both, `expected.json` says
what an audit has to find.
"""

from __future__ import annotations

import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from itertools import count
from multiprocessing import get_context
from pathlib import Path
from random import Random
from typing import NamedTuple

from conformance.audit.run import audit
from conformance.mutants.matrix.convict import UnconvictedError, record
from conformance.mutants.planted.catalogue import CATALOGUE, UNRECORDED
from conformance.observe.recorded import Recorder
from conformance.release.collection import EXPECTED
from conformance.release.write import write_json
from conformance.simulation.episode import first_finding
from conformance.simulation.lockstep import Lockstep
from conformance.simulation.schedule.profile import Profile, draw_profile
from conformance.simulation.schedule.simulate import Schedule
from conformance.subjects.library import LibrarySubject
from conformance.trace.save import save

QUIET = replace(
    draw_profile(Random(0), 3),
    nodes=3,
    voters=3,
    length=500,
    timeout=0.02,
    patience=0.97,
    propose=0.15,
    batch=3,
    heartbeat=0.05,
    config=0.0,
    snapshot=0.0,
    crash=0.0,
    comeback=0.1,
    crash_in_drain=0.0,
    linger=0.0,
    lose=0.0,
    duplicate=0.0,
    shorten=0.0,
    reorder=0.0,
    retransmit=0.0,
    forge=0.0,
    backlog=0,
    partition=0.0,
    step_down=0.0,
    transfer=0.0,
)
"""Three voters and a perfect network."""

LOSSY = replace(QUIET, lose=0.15, duplicate=0.1, reorder=0.3, shorten=0.2, timeout=0.04)


class Golden(NamedTuple):
    """`shows`: the witnesses that its recording has to have seen, besides commits.

    `seed`: where the search for a schedule that shows them begins; it is the one that was found.
    """

    profile: Profile
    what: str
    shows: tuple[str, ...]
    seed: int


GOLDEN: dict[str, Golden] = {
    "quiet-3n": Golden(
        QUIET,
        "an election, replication and heartbeats on a perfect network",
        ("LeaderElected",),
        0,
    ),
    "single-1n": Golden(
        replace(QUIET, nodes=1, voters=1, linger=0.2, snapshot=0.02),
        "an only voter commits at the end of its drains",
        ("CommittedAtEndOfDrain",),
        1,
    ),
    "elections-5n": Golden(
        replace(LOSSY, nodes=5, voters=5, partition=0.03, length=700),
        "partitions, deposed leaders and repaired conflicts",
        ("ElectionWithoutWinner", "LeaderDeposed", "ConflictDropped"),
        146,
    ),
    "crashes-3n": Golden(
        replace(LOSSY, crash=0.02, crash_in_drain=0.05, length=700),
        "crashes, between the actions of a drain too, and restarts",
        ("CrashedWithinDrain", "RestartedWithLog"),
        3,
    ),
    "snapshots-4n": Golden(
        replace(LOSSY, nodes=4, voters=4, snapshot=0.1, linger=0.2, crash=0.01, length=700),
        "compacted logs, and snapshots for followers that lag",
        ("SnapshotNeeded", "LaggingFollowerInstalledSnapshot"),
        8,
    ),
    "members-6n": Golden(
        replace(LOSSY, nodes=6, voters=3, config=0.05, snapshot=0.03, length=900),
        "voters and non-voters come and go through joint configurations",
        ("JointConfigCommitted", "ChangeCompleted", "NonVoterReplicated"),
        577,
    ),
    "pipelined-3n": Golden(
        replace(LOSSY, linger=0.6, batch=8, propose=0.25),
        "many inputs before a drain, their actions merged",
        ("ProposalsPipelined",),
        6,
    ),
    "handover-5n": Golden(
        replace(
            LOSSY,
            nodes=5,
            voters=5,
            heartbeat=0.1,
            partition=0.03,
            step_down=0.01,
            transfer=0.1,
            length=700,
        ),
        "leaders that are cut off, step down, and hand over",
        ("LeaderGaveUp", "TransferElected"),
        93,
    ),
}


def record_golden(path: Path, name: str) -> None:
    """A recording of the first episode that shows what it is kept for."""
    golden = GOLDEN[name]
    for seed in count(golden.seed):
        recorder = Recorder()
        schedule = Schedule(seed, 0, profile=golden.profile)
        run = Lockstep(golden.profile.nodes, LibrarySubject(), recorder=recorder)
        finding = first_finding(schedule, run)
        if finding is not None:
            raise SystemExit(f"{path.name} is not healthy: {finding}")
        if all(run.witnesses[one] for one in golden.shows) and run.cluster.history.committed:
            save(path, recorder.records, golden.profile.nodes)
            return


def main(directory: Path = Path("traces")) -> None:
    golden, violations = directory / "golden", directory / "violations"
    expected: dict[str, dict[str, object]] = {}
    for name in GOLDEN:
        path = golden / f"{name}.jsonl.gz"
        record_golden(path, name)
        expected[path.name] = {"verdict": "conforms", "what": GOLDEN[name].what}
        print(f"{path}: {audit([path], complete=True).verdict}")
    write_json(golden / EXPECTED, expected)
    write_json(violations / EXPECTED, record_violations(violations))


def record_violations(directory: Path) -> dict[str, dict[str, object]]:
    """A trace of every mutant that an audit can condemn, on all cores."""
    expected: dict[str, dict[str, object]] = {}
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        recorded = [mutant for mutant in CATALOGUE if mutant.name not in UNRECORDED]
        paths = {mutant: directory / f"{mutant.name}.jsonl" for mutant in recorded}
        made = {path: pool.submit(record, mutant, path) for mutant, path in paths.items()}
        for path, one in made.items():
            try:
                expected[path.name] = one.result()
            except UnconvictedError as error:
                print(error, flush=True)
                continue
            print(f"{path}: {expected[path.name]['property']}", flush=True)
    for path in directory.glob("*.jsonl"):
        if path.name not in expected:
            path.unlink()  # of a mutant that is no more
    return expected


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))
