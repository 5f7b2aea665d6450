"""Make the traces in `traces/`: `python -m conformance.golden [DIRECTORY]`.

`golden/` has recordings of healthy runs of the library.  `violations/` has, each as short as it
could be made, recordings of copies of the library in which one rule was deliberately broken.  In
both, `expected.json` says what an audit has to find.  All of it follows from the seeds below.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from conformance.audit.run import Level, audit
from conformance.check import Options, check
from conformance.crate import D1, IN_LIBRARY, as_in_crate
from conformance.library import LibrarySubject
from conformance.lockstep import Lockstep, Recorder
from conformance.patched import Patch, library
from conformance.recording import THIS_LIBRARY, save
from conformance.simulate import Profile, Schedule, draw_profile
from conformance.verify import EXPECTED
from spec import node as rules
from spec.cluster import Rule

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
)
"""Three voters and a perfect network."""

LOSSY = replace(QUIET, lose=0.15, duplicate=0.1, reorder=0.3, shorten=0.2, timeout=0.04)

GOLDEN: dict[str, tuple[Profile, str]] = {
    "quiet-3n": (QUIET, "an election, replication and heartbeats on a perfect network"),
    "single-1n": (
        replace(QUIET, nodes=1, voters=1, linger=0.2, snapshot=0.02),
        "an only voter commits at the end of its drains",
    ),
    "elections-5n": (
        replace(LOSSY, nodes=5, voters=5, partition=0.03, length=700),
        "partitions, deposed leaders and repaired conflicts",
    ),
    "crashes-3n": (
        replace(LOSSY, crash=0.02, crash_in_drain=0.05, length=700),
        "crashes, between the actions of a drain too, and restarts",
    ),
    "snapshots-4n": (
        replace(LOSSY, nodes=4, voters=4, snapshot=0.1, linger=0.2, crash=0.01, length=700),
        "compacted logs, and snapshots for followers that lag",
    ),
    "members-6n": (
        replace(LOSSY, nodes=6, voters=3, config=0.05, snapshot=0.03, length=900),
        "voters and non-voters come and go through joint configurations",
    ),
    "pipelined-3n": (
        replace(LOSSY, linger=0.6, batch=8, propose=0.25),
        "many inputs before a drain, their actions merged",
    ),
}


@dataclass(frozen=True, slots=True)
class Broken:
    """A rule of the library broken, and what an audit says of it."""

    what: str
    patches: tuple[Patch, ...]
    level: Level
    property: str | None = None
    """What has to be among the problems; None: whatever the exact audit meets first."""
    rule: Rule | None = None
    """The same mistake in the specification: then only the properties can tell."""
    nodes: int | None = None
    honest: bool = True
    """Only messages that were sent."""


VIOLATIONS: dict[str, Broken] = {
    "lost-commit": Broken(
        "votes compare the last index only (D1): a leader lacks a committed entry",
        IN_LIBRARY["D1"],
        "safety",
        "LeaderCompleteness",
        rule=as_in_crate(D1),
        nodes=3,
    ),
    "vote-for-shorter-log": Broken(
        "votes compare the last index only (D1), against the specification",
        IN_LIBRARY["D1"],
        "exact",
        nodes=3,
    ),
    "leader-not-followed": Broken(
        "a candidate ignores the leader that won its term (D2)",
        IN_LIBRARY["D2"],
        "exact",
        nodes=3,
    ),
    "vote-taken-back": Broken(
        "a removed leader clears its vote as it steps down (D3)",
        IN_LIBRARY["D3"],
        "exact",
        nodes=3,
    ),
    "commit-behind-snapshot": Broken(
        "an installed snapshot leaves the commit index behind (D4)",
        IN_LIBRARY["D4"],
        "exact",
    ),
    "covered-entries-refused": Broken(
        "entries that begin before the own snapshot are not matched (D5)",
        IN_LIBRARY["D5"],
        "exact",
    ),
    "committed-entry-removed": Broken(
        "a message that contradicts committed entries is obeyed (D9)",
        IN_LIBRARY["D9"],
        "safety",
        "CommittedEntriesStay",
        honest=False,
    ),
    "vote-not-saved": Broken(
        "a vote is told that is on no disk",
        (
            Patch(
                "rules",
                "            self._voted_for = call.sender\n"
                "            self._pending.save_voted_for = True\n",
                "            self._voted_for = call.sender\n",
            ),
        ),
        "safety",
        "VotePersistedBeforeReply",
        nodes=3,
    ),
    "reply-before-write": Broken(
        "entries are reported before they are written",
        (
            Patch(
                "pending",
                "            if pending.append_after is not None:\n",
                "            if pending.append_after is not None and not pending.sends:\n",
            ),
        ),
        "exact",
        nodes=3,
    ),
    "commit-unverified": Broken(
        "a follower commits up to its own last entry, not to what the call has verified",
        (
            Patch(
                "rules",
                "        commit_index = call.commit_index if call.commit_index < verified "
                "else verified\n",
                "        commit_index = min(call.commit_index, entries.last_position.index)\n",
            ),
        ),
        "exact",
    ),
}


def record_golden(path: Path, seed: int, profile: Profile) -> None:
    recorder = Recorder()
    schedule = Schedule(seed, 0, profile=profile)
    lockstep = Lockstep(profile.nodes, LibrarySubject(), recorder=recorder)
    for _ in range(profile.length):
        finding = lockstep.take(schedule.next(lockstep.cluster))
        if finding is not None:
            raise SystemExit(f"{path.name} is not healthy: {finding}")
    save(path, recorder.records, profile.nodes)


def record_violation(path: Path, name: str, broken: Broken) -> None:
    with library(*broken.patches) as copy:
        report = check(
            Options(
                events=200_000,
                nodes=broken.nodes,
                honest=broken.honest,
                subject=lambda: LibrarySubject(copy),
                rule=broken.rule or rules.step,
            )
        )
    if report.found is None:
        raise SystemExit(f"{path.name}: nothing was found")
    implementation = f"{THIS_LIBRARY}, deliberately broken: {name}"
    save(path, report.found.recorder.records, report.found.nodes, implementation)


def write_expected(directory: Path, expected: dict[str, dict[str, object]]) -> None:
    path = directory / EXPECTED
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(expected, indent=2) + "\n", encoding="utf-8")
    os.replace(temporary, path)


def main(directory: Path = Path("traces")) -> None:
    golden, violations = directory / "golden", directory / "violations"
    expected: dict[str, dict[str, object]] = {}
    for seed, (name, (profile, what)) in enumerate(GOLDEN.items()):
        path = golden / f"{name}.jsonl.gz"
        record_golden(path, seed, profile)
        expected[path.name] = {"verdict": "conforms", "what": what}
        print(f"{path}: {audit([path]).verdict}")
    write_expected(golden, expected)
    expected = {}
    for name, broken in VIOLATIONS.items():
        path = violations / f"{name}.jsonl"
        record_violation(path, name, broken)
        problems = [problem.property for problem in audit([path], broken.level).problems]
        print(f"{path}: {', '.join(sorted(problems)) or 'nothing found'}")
        if not problems or broken.property not in (None, *problems):
            raise SystemExit(f"{path}: {broken.property} was expected")
        expected[path.name] = {
            "verdict": "violation",
            "property": broken.property or problems[0],
            "level": broken.level,
            "what": broken.what,
        }
    write_expected(violations, expected)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))
