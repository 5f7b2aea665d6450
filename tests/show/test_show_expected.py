"""What the specification makes of an event, beside what was recorded of it."""

from __future__ import annotations

import pytest

from conformance.show.expected import Row, expected
from conformance.show.put_together import put_together
from conformance.show.read import read_picture
from spec import values as v
from tests.support.recordings import crate, simulated
from tests.support.tape import Tape

ASKED = v.RequestVoteCall(0, 1, 1, v.Position(0, 1))


def test_of_a_node_that_does_as_specified_nothing_differs() -> None:
    picture = put_together(simulated(8))
    for place in range(1, len(picture.moments) + 1, 97):
        told = expected(picture, place)
        assert told is not None
        assert not told.alone
        assert [row for row in told.rows if row.differs] == []


def test_what_differs_is_set_beside_what_was_found() -> None:
    tape = Tape().drive(v.Start(), v.Receive(ASKED))
    tape.records[-1].actions = tape.records[-1].actions[:-1]  # type: ignore[index]
    told = expected(put_together(tape.records), 2)
    assert told is not None
    (row,) = (row for row in told.rows if row.differs)
    assert row == Row("action", "grants 0 its vote: RV+#1 t1", "nothing")


def test_after_a_departure_an_event_is_judged_from_what_the_node_showed() -> None:
    told = expected(read_picture([crate("crate-3n-lost-commit.jsonl")]), 41)
    assert told is not None
    assert told.alone
    assert Row("vote", "nobody", "0") in told.rows


@pytest.mark.parametrize("drained", [True, False])
def test_where_a_state_is_not_known_nothing_is_said(drained: bool) -> None:
    """A recording without a start; then, what was owed before is not known."""
    tape = Tape().add(1, v.ElectionTimeout(), drained=drained, role="leader", current_term=1)
    tape.receive(1, v.RequestVoteReply(0, 1, 1, True))
    picture = put_together(tape.records)
    assert expected(picture, 1) is None
    assert expected(picture, 2) is None
