"""Specification and library are proved to do the same; and what is not the same is refuted."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from conformance.prove.runner.obligation import Obligation, Subjects
from conformance.prove.step.counterexample import as_records
from conformance.prove.step.equivalence import obligations
from conformance.simulation.replay import replay
from conformance.subjects.library import LibrarySubject
from conformance.subjects.patched import Patch, library, rule
from conformance.trace.save import save
from spec.cluster import Member
from tests.prove.slips import SLIPS, Slip


@cache
def quick() -> tuple[Obligation, ...]:
    return tuple(obligations("quick"))


# What is not the same


@pytest.mark.parametrize("slip", SLIPS, ids=[slip.name for slip in SLIPS])
def test_a_slip_is_refuted_and_replays(slip: Slip, tmp_path: Path) -> None:
    with slip.planted() as broken:
        named = [one for one in quick() if one.name.startswith(f"equivalence/{slip.shown_by}")]
        results = (one.prove(Subjects(library=broken)) for one in named)
        result = next(result for result in results if result.result != "proved")
        assert result.result == "refuted"
        assert result.found is not None
        assert result.found.replays
        path = tmp_path / "found.jsonl"
        save(path, as_records(result.found), nodes=8)
        shown = replay(path, LibrarySubject(broken))
        assert shown.difference is not None
        assert shown.events == 1
    assert replay(path).difference is None


def test_a_wrong_specification_is_refuted_as_well() -> None:
    compared = rule(
        Patch(
            "node",
            "if call.last_position < node.log.last_position:",
            "if call.last_position <= node.log.last_position:",
        )
    )
    named = [one for one in quick() if one.name.startswith("equivalence/vote call/")]
    result = named[0].prove(Subjects(rule=compared))
    assert result.result == "refuted"
    assert result.found is not None
    assert result.found.replays


def test_a_counterexample_has_plain_numbers_and_says_what_differs() -> None:
    with library(SLIPS[0].patches[0]) as broken:
        named = [one for one in quick() if one.name.startswith("equivalence/vote call/")]
        result = named[0].prove(Subjects(library=broken))
    found = result.found
    assert found is not None
    assert isinstance(found.turn.before, Member)
    assert type(found.turn.before.node.current_term) is int
    assert "state differs" in found.what
    assert any(line.startswith("voted_for: specified None, found ") for line in found.wrong)
