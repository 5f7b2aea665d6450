"""Each property fails, by name, on a state or a step made by hand that breaks it alone."""

from __future__ import annotations

from typing import Any

import pytest

from spec import properties
from spec.properties import (
    ACTION,
    check,
    check_cluster,
)
from spec.values import (
    Node,
)
from tests.spec.broken_states import EXAMPLES, Example, member, state
from tests.support.scenario import log_of

SIMPLE = (
    "LOG",
    "NODE",
    "MEMBER",
    "PAIR",
    "CLUSTER",
    "HISTORY",
    "CHANGE",
    "QUORUM",
    "DISK",
    "TURN",
    "RECEIVE",
)
TABLES: dict[str, tuple[Any, ...]] = {
    **{name: getattr(properties, name) for name in SIMPLE},
    **{f"ACTION {kind.__name__}": table for kind, table in ACTION.items()},
}


def test_every_property_has_an_example_that_breaks_it() -> None:
    named = {(table, one.name) for table, ones in TABLES.items() for one in ones}
    assert named == {(example.table, example.name) for example in EXAMPLES}


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_a_property_names_what_breaks_it(example: Example, monkeypatch: pytest.MonkeyPatch) -> None:
    """It alone is broken, so nothing but this property finds the example."""
    broken = check(example.change)
    assert broken is not None
    assert (broken.property, broken.node) == (example.name, 0)
    assert broken.detail
    others = [one for one in TABLES[example.table] if one.name != example.name]
    table, _, kind = example.table.partition(" ")
    if kind:
        emptied = {of: others if of.__name__ == kind else ones for of, ones in ACTION.items()}
        monkeypatch.setattr(properties, table, emptied)
    else:
        monkeypatch.setattr(properties, table, others)
    assert check(example.change) is None


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_what_a_step_comes_from_breaks_nothing(example: Example) -> None:
    assert check_cluster(example.change.before) is None


def test_a_server_that_is_down_counts_for_nothing() -> None:
    broken = state(member(Node(0, current_term=1, log=log_of(2)))).after
    assert check_cluster(broken) is not None
    down = broken._replace(members=(broken.members[0]._replace(up=False),))
    assert check_cluster(down) is None
