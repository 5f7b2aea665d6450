"""Values that break a law, and bytes that are misread, are found in lockstep."""

from __future__ import annotations

import pytest

from conformance.observe.finding import Difference
from conformance.simulation.check import Options, against_library, check
from conformance.subjects.patched import Patch, patched_library

WRONG = {
    "a hash that depends on the order of making": (
        Patch(
            "config",
            "hash((self._voters, self._new_voters, self._non_voters))",
            "hash((*self._voters, -1, *self._new_voters, -1, *self._non_voters))",
        ),
        "types.Value",
    ),
    "configurations that are equal but for their non-voters": (
        Patch("config", "            and self._non_voters == other._non_voters\n", ""),
        "types.Value",
    ),
    "a checkpoint that leaves out node 0": (
        Patch(
            "codec.vocabulary",
            "if checkpoint.transfer_target is not None or",
            "if checkpoint.transfer_target or",
        ),
        "codec.Checkpoint",
    ),
    "integers of 64 bits that are not read": (
        Patch("codec.binary", "shift < 70", "shift < 63"),
        "failure",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_it_is_found_by_the_question_that_asks_for_it(name: str) -> None:
    patch, question = WRONG[name]
    with patched_library(patch) as broken:
        found = check(Options(events=20_000, shrink_seconds=1, run=against_library(broken))).found
    assert found is not None
    assert isinstance(found.finding, Difference)
    assert found.finding.what == question
