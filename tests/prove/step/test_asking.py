"""What would be no proof, of either question that is asked of a server's step."""

from __future__ import annotations

from dataclasses import replace

import pytest

from conformance.prove.runner.obligation import Result, Subjects
from conformance.prove.step import asking, equivalence, server_invariants
from conformance.prove.step.family import family
from conformance.prove.step.shapes import Owed, Server, Shape, Unknowns, drain, input_of, receives
from spec.cluster import Member
from spec.rules import Effect
from spec.values import Event, Follower, Heartbeat, Leader, Node

PROOFS = [equivalence.Proof, server_invariants.Proof]
pytestmark = pytest.mark.parametrize("proof", PROOFS, ids=["equivalence", "invariant"])
REFUSED = Shape(Server(Follower()), input_of(Heartbeat()), "heartbeat")
CALLED = Shape(Server(word="t"), receives("t"), "call")


def proved(proof: type, *shapes: Shape, subjects: Subjects | None = None) -> Result:
    found: Result = proof(family("some", 1, 2, shapes)).prove(subjects or Subjects())
    return found


def test_nothing_is_proved_of_no_shape(proof: type) -> None:
    assert proved(proof).result == "unknown"


def test_nothing_is_proved_of_what_cannot_be(proof: type, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is committed beyond the end of a log."""
    shape = Shape(Server(Leader, "t"), input_of(Heartbeat()), "heartbeat")
    assert proved(proof, shape).result == "proved"
    member_of = Server.member

    def ahead(self: Server, of: Unknowns) -> Member:
        member = member_of(self, of)
        node = member.node
        return member._replace(node=node._replace(commit_index=node.log.last_index + 1))

    monkeypatch.setattr(Server, "member", ahead)
    result = proved(proof, shape)
    assert result.result == "unknown"
    assert "there is no such server" in result.detail


def test_a_handler_has_to_be_reached(proof: type) -> None:
    result = proved(proof, REFUSED)
    assert result.result == "unknown"
    assert "nothing ever comes of it" in result.detail
    assert proved(proof, replace(REFUSED, acts=False)).result == "proved"
    acting = Shape(Server(owed=Owed(flags=True)), drain, "drain", acts=False)
    assert proved(proof, acting).result == "unknown"


def test_a_budget_that_is_spent_leaves_it_unknown(
    proof: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert proved(proof, CALLED).result == "proved"
    monkeypatch.setattr(asking, "PATHS", 3)
    result = proved(proof, CALLED)
    assert result.result == "unknown"
    assert "more than 3 paths" in result.detail


def test_a_specification_that_raises_is_refuted(proof: type) -> None:
    def raising(node: Node, event: Event) -> Effect:
        raise IndexError(f"{event} at {node.id}")

    result = proved(proof, CALLED, subjects=Subjects(rule=raising))
    assert result.result == "refuted"
    assert result.found is not None
    assert "IndexError" in result.found.what
    assert "IndexError" in result.detail
    assert result.found.replays
