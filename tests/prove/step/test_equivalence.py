"""Specification and library are proved to do the same; and what is not the same is refuted."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from conformance.prove.runner.obligation import Level, Obligation, Result, Subjects
from conformance.prove.step import asking, equivalence
from conformance.prove.step.counterexample import as_records
from conformance.prove.step.equivalence import obligations
from conformance.prove.step.family import family
from conformance.prove.step.shapes import (
    Owed,
    Server,
    Shape,
    Unknowns,
    drain,
    input_of,
    receives,
)
from conformance.simulation.replay import replay
from conformance.subjects.library import LibrarySubject
from conformance.subjects.patched import Patch, library, rule
from conformance.trace.save import save
from spec.cluster import Member
from spec.node import Step
from spec.values import Event, Follower, Heartbeat, Leader, Node
from tests.prove.slips import SLIPS, Slip


@cache
def quick() -> tuple[Obligation, ...]:
    return tuple(obligations("quick"))


def of_shapes(*shapes: Shape) -> Result:
    return equivalence.Proof(family("some", 1, 2, shapes)).prove(Subjects())


@pytest.mark.parametrize("obligation", quick(), ids=[one.name for one in quick()])
def test_the_library_does_what_the_specification_says(obligation: Obligation) -> None:
    result = obligation.prove(Subjects())
    assert (result.result, result.detail) == ("proved", "")
    assert result.paths == result.live > 0
    assert result.queries >= result.paths


@pytest.mark.parametrize("level", ["quick", "full"])
def test_obligations_have_names_in_a_fixed_order(level: Level) -> None:
    names = [one.name for one in obligations(level)]
    assert len(set(names)) == len(names)
    assert names == [one.name for one in obligations(level)]
    assert all(name.startswith("equivalence/") for name in names)
    assert all(one.bounds.keys() == {"entries", "voters"} for one in obligations(level))


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


def test_a_specification_that_raises_is_refuted() -> None:
    def raising(node: Node, event: Event) -> Step:
        raise IndexError(f"{event} at {node.id}")

    result = quick()[0].prove(Subjects(rule=raising))
    assert result.result == "refuted"
    assert result.found is not None
    assert "IndexError" in result.found.what
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


# What would be no proof


def test_nothing_is_proved_of_no_shape() -> None:
    assert of_shapes().result == "unknown"


def test_nothing_is_proved_of_what_cannot_be() -> None:
    """A node's term is at least its log's, and a leader's log ends in its term."""
    impossible = Server(Leader, "t", owed=Owed(write=1))
    shape = Shape(impossible, input_of(Heartbeat()), "heartbeat")
    assert of_shapes(shape).result == "proved"
    member_of = Server.member

    def ahead(self: Server, of: Unknowns) -> Member:
        member = member_of(self, of)
        node = member.node
        return member._replace(node=node._replace(commit_index=node.log.last_index + 1))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Server, "member", ahead)
        result = of_shapes(shape)
    assert result.result == "unknown"
    assert "there is no such server" in result.detail


def test_a_handler_has_to_be_reached() -> None:
    refused = Shape(Server(Follower()), input_of(Heartbeat()), "heartbeat")
    result = of_shapes(refused)
    assert result.result == "unknown"
    assert "nothing ever comes of it" in result.detail
    assert of_shapes(replace(refused, acts=False)).result == "proved"
    acting = Shape(Server(owed=Owed(flags=True)), drain, "drain", acts=False)
    assert of_shapes(acting).result == "unknown"


def test_a_budget_that_is_spent_leaves_it_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    shape = Shape(Server(word="t"), receives("t"), "call")
    assert of_shapes(shape).result == "proved"
    monkeypatch.setattr(asking, "PATHS", 3)
    result = of_shapes(shape)
    assert result.result == "unknown"
    assert "more than 3 paths" in result.detail
