"""What a check finds wrong: a difference, a broken property, a problem with a recording."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from conformance.observe.show import show
from spec.properties import Violation
from spec.values import (
    Event,
    NodeId,
)


@dataclass(frozen=True, slots=True)
class Difference:
    """The specification and the subject disagree about one event of one node."""

    node: NodeId
    event: Event | None
    """None: they disagree at the drain after the node's latest event."""
    what: str
    """What differs; "failure" where the subject raised what no node may raise."""
    specified: object
    found: object


Finding: TypeAlias = Difference | Violation


def name_of(finding: Finding) -> str:
    """What a finding is about; shrinking keeps it."""
    if isinstance(finding, Difference):
        return "Failure" if finding.what == "failure" else "Difference"
    return finding.property


def describe(finding: Finding) -> str:
    if isinstance(finding, Difference):
        return f"{finding.what}: specified {show(finding.specified)}, found {show(finding.found)}"
    return finding.detail


@dataclass(frozen=True, slots=True)
class Problem:
    """A property that does not hold, and the record that shows it.

    `node` and `seq` are None where no single record does.
    """

    property: str
    node: NodeId | None
    seq: int | None
    detail: str
