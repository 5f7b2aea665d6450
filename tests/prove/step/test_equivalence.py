"""Specification and library are proved to do the same; and what is not the same is refuted."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from conformance.mutants.planted.catalogue import by_name
from conformance.prove.runner.obligation import Obligation, Subjects
from conformance.prove.step.counterexample import as_records
from conformance.prove.step.equivalence import obligations
from conformance.simulation.replay import replay
from conformance.subjects.library import LibrarySubject
from conformance.subjects.mutant import Mutant
from conformance.subjects.patched import in_rules, patched_rule
from conformance.trace.save import save
from spec.cluster import Member
from tests.prove.slips import SLIPS


@cache
def quick() -> tuple[Obligation, ...]:
    return tuple(obligations("quick"))


# What is not the same


@pytest.mark.parametrize(("mutant", "refuted_by"), SLIPS, ids=[mutant.name for mutant, _ in SLIPS])
def test_a_slip_is_refuted_and_replays(mutant: Mutant, refuted_by: str, tmp_path: Path) -> None:
    with mutant.planted() as broken:
        named = [one for one in quick() if one.name.startswith(f"equivalence/{refuted_by}")]
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
    compared = patched_rule(
        in_rules(
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
    with by_name("index-only-vote").planted() as broken:
        named = [one for one in quick() if one.name.startswith("equivalence/vote call/")]
        result = named[0].prove(Subjects(library=broken))
    found = result.found
    assert found is not None
    assert isinstance(found.turn.before, Member)
    assert type(found.turn.before.node.current_term) is int
    assert "state differs" in found.what
    assert any(line.startswith("vote: specified nobody, found ") for line in found.wrong)
