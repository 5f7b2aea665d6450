"""Of what is withheld nothing is held against anyone; of what is noted, faults are found."""

from __future__ import annotations

from collections import Counter
from functools import cache
from random import Random

import pytest

from tests.importers.edits import made, trial
from tests.importers.member_faults import FOUND_BY
from tests.importers.rarer_faults import FAULTS, LEFT_OPEN
from tests.importers.withheld import (
    audited,
    changes_in_one_step,
    noted,
    recorder,
    simulated,
)

EPISODES = range(14)
PLACES = 5
"""So many of each fault; `python -m tests.importers.edits` tries more."""
recording = cache(simulated)


@pytest.mark.parametrize("episode", EPISODES)
def test_what_is_withheld_makes_no_fault(episode: int) -> None:
    """Sends, receipts, parts of the state, nodes, and the end of it, at random."""
    judged = Counter[str]()
    for part in range(4):
        random = Random(f"{episode}/{part}")
        changes = "single" if changes_in_one_step(episode) else "joint"
        by = recorder(random, recording(episode), changes)
        problems, audit = audited(noted(recording(episode), by, random), by.capabilities)
        assert problems == []
        judged.update(audit.checked)
    assert judged["TermMonotonic"] > 0


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found(name: str) -> None:
    """Or left open, with the reason that is true."""
    tried = trial(name, PLACES, len(EPISODES))
    assert tried.places >= 3
    assert tried.missed == []
    assert tried.found + tried.open == tried.places
    assert tried.found or name in LEFT_OPEN
    assert tried.by[FOUND_BY[name]] == tried.found if name in FOUND_BY else True


def test_what_moments_do_not_show_is_never_found_by_chance() -> None:
    """Where it is left open, nothing else is said of it."""
    for name in LEFT_OPEN.keys() - {"later_entry"}:
        tried = trial(name, PLACES, len(EPISODES))
        assert (tried.found, tried.open) == (0, tried.places)


def test_the_recordings_are_right_before_they_are_edited() -> None:
    for episode in EPISODES:
        assert audited(*made(episode))[0] == []
