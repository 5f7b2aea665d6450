"""Of what is withheld nothing is held against anyone; of what is noted, faults are found."""

from __future__ import annotations

from collections import Counter
from functools import cache
from random import Random

import pytest

from conformance.observe.recorded import Recorded
from conformance.trace.moments import Moment
from tests.importers.faults import EDITS, renumbered
from tests.importers.withheld import audited, noted, recorder, simulated, whole

EPISODES = range(14)
recording = cache(simulated)


@pytest.mark.parametrize("episode", EPISODES)
def test_what_is_withheld_makes_no_fault(episode: int) -> None:
    """Sends, receipts, parts of the state, nodes, and the end of it, at random."""
    judged = Counter[str]()
    for part in range(4):
        random = Random(f"{episode}/{part}")
        by = recorder(random, recording(episode))
        problems, audit = audited(noted(recording(episode), by, random), by.capabilities)
        assert problems == []
        judged.update(audit.checked)
    assert judged["TermMonotonic"] > 0


@cache
def made(episode: int) -> list[Moment]:
    recorded: list[Recorded] = recording(episode)
    random = Random(f"whole {episode}")
    return noted(recorded, whole(random), random)


@pytest.mark.parametrize("name", EDITS)
def test_a_fault_is_found(name: str) -> None:
    """At least 95 of 100, over all places that a fault has in these recordings."""
    tried = found = 0
    for episode in EPISODES:
        capabilities = whole(Random(f"whole {episode}")).capabilities
        edited = EDITS[name](made(episode), Random(f"{name} {episode}"))
        if edited is not None:
            tried += 1
            found += bool(audited(renumbered(edited), capabilities)[0])
    assert tried >= 3
    assert found >= 0.95 * tried or name == "later_entry"
    assert found >= 0.8 * tried  # a log that the recording begins with may be of a later term


def test_the_recordings_are_right_before_they_are_edited() -> None:
    for episode in EPISODES:
        capabilities = whole(Random(f"whole {episode}")).capabilities
        assert audited(made(episode), capabilities)[0] == []
