"""Which faults are found in recordings that are right: `python -m tests.importers.edits [PLACES]`.

Each kind is made at so many random places, 25 unless told otherwise, of recordings of all that
moments can tell; a row says how often it was found, and by which property most of all.
"""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from random import Random

from conformance.trace.moments import Capabilities, Moment
from tests.importers.faults import renumbered
from tests.importers.rarer_faults import FAULTS, LEFT_OPEN
from tests.importers.withheld import audited, changes_in_one_step, noted, simulated, whole

PLACES = 25
EPISODES = 40


@cache
def made(episode: int) -> tuple[list[Moment], Capabilities]:
    """A right recording, and what its recorder notes."""
    random = Random(f"whole {episode}")
    by = whole(random, "single" if changes_in_one_step(episode) else "joint")
    return noted(simulated(episode), by, random), by.capabilities


@dataclass
class Tried:
    """What became of a kind of fault.

    `found`: at how many places, and `by` which properties; `open`: at how many others the audit
    gives the reason that is true; `missed`: what the rest are drawn by.
    """

    name: str
    places: int = 0
    found: int = 0
    open: int = 0
    by: Counter[str] = field(default_factory=Counter)
    missed: list[str] = field(default_factory=list)


def trial(name: str, places: int, episodes: int = EPISODES) -> Tried:
    """The fault at this many places, if there are so many: each episode is drawn from in turn."""
    tried, draw = Tried(name), 0
    while tried.places < places and draw < 4 * max(places, episodes):
        episode, seed = draw % episodes, f"{name} {draw}"
        draw += 1
        moments, capabilities = made(episode)
        edited = FAULTS[name](moments, Random(seed))
        if edited is None:
            continue
        tried.places += 1
        problems, audit = audited(renumbered(edited), capabilities)
        if problems:
            tried.found += 1
            tried.by.update({problem.property for problem in problems})
            continue
        known = LEFT_OPEN.get(name)
        if known is not None and audit.unjudged.get(known[0], {}).get(known[1]):
            tried.open += 1
        else:
            tried.missed.append(seed)
    return tried


def main(places: int = PLACES) -> None:
    found = missed = 0
    for name in FAULTS:
        tried = trial(name, places)
        by = ", ".join(f"{one} {count}" for one, count in tried.by.most_common(2))
        left = f"  not judged {tried.open}" if tried.open else ""
        left += f"  missed {len(tried.missed)} {tried.missed[:4]}" if tried.missed else ""
        print(f"{name:34} {tried.found:3} of {tried.places:3}  {by}{left}", flush=True)
        found += tried.found
        missed += len(tried.missed)
    share = 100 * found / max(found + missed, 1)
    print(f"{len(FAULTS)} kinds: {found} found, {missed} missed: {share:.1f} %")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
