"""The safety audit on healthy recordings with one thing edited: found, or told to be open."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from random import Random

import pytest

from conformance.observe.recorded import Recorded
from tests.audit.safety.edits import EDITS
from tests.audit.safety.recorded import EPISODES, Audited, audited, simulated

PLACES = 5
"""So many places are drawn for each edit."""


@cache
def unedited(episode: int) -> Audited:
    return audited(simulated(episode))


def edited(name: str) -> Iterator[tuple[int, int, Recorded]]:
    """Every record that can be edited so: its episode, its place, and what becomes of it."""
    for episode in EPISODES:
        before: dict[int, Recorded] = {}
        for place, record in enumerate(simulated(episode)):
            other = EDITS[name](record, before.get(record.node))
            before[record.node] = record
            if other is not None and other != record:
                yield episode, place, other


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_is_found(name: str) -> None:
    places = list(edited(name))
    Random(name).shuffle(places)
    assert places
    for episode, place, record in places[:PLACES]:
        recording = list(simulated(episode))
        recording[place] = record
        assert audited(recording).problems, (episode, place)
