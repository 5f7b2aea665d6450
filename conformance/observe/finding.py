"""What a check finds wrong: a difference, a broken property, a problem with a recording."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypeAlias

from conformance.observe.failed import PROGRAM_FAILED
from conformance.observe.show import show_unlike
from spec.properties import Violation
from spec.values import Event, NodeId


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


NOT_AGAIN: Final = "not the same again"
AGAIN: Final = "the same whenever these events come"
NAMED: Final = {
    "failure": "Failure",
    NOT_AGAIN: "Nondeterminism",
    "died": "Death",
    "hung": "Hang",
    "flooded": "Flood",
    "bad answer": "BadAnswer",
}
"""Differences that have a name of their own, by what differs."""

Finding: TypeAlias = Difference | Violation

Part: TypeAlias = tuple[str, object, object]
"""A part of what a node does: what it is, as specified, and as found."""


def first_difference(
    node: NodeId,
    event: Event | None,
    parts: Iterable[Part],
    reraise: tuple[type[Exception], ...] = (),
) -> Difference | None:
    """The first part that is found otherwise than specified; what follows it is not asked for.

    Whatever asking for a part raises is a difference too, but for `PROGRAM_FAILED` and the
    exceptions in `reraise`.
    """
    try:
        for what, specified, found in parts:
            if found != specified:
                return Difference(node, event, what, specified, found)
    except PROGRAM_FAILED:
        raise
    except reraise:
        raise
    except Exception as error:
        return failure(node, event, error)
    return None


def failure(node: NodeId, event: Event | None, error: Exception) -> Difference:
    """A node raised what no node may raise."""
    return Difference(node, event, "failure", None, f"{type(error).__name__}: {error}")


def not_again(finding: Finding) -> Difference:
    """The same events gave this once, and no finding when they were taken again.

    So what a node does depends on something else: on where objects lie in memory, on the order of a
    hash table, on what was run before.
    """
    event = finding.event if isinstance(finding, Difference) else None
    once = f"once {name_of(finding)}: {describe(finding)}"
    node = 0 if finding.node is None else finding.node
    return Difference(node, event, NOT_AGAIN, AGAIN, once)


def name_of(finding: Finding) -> str:
    """What a finding is about; shrinking keeps it."""
    if isinstance(finding, Difference):
        return NAMED.get(finding.what, "Difference")
    return finding.property


def describe(finding: Finding) -> str:
    if isinstance(finding, Difference):
        return show_unlike(finding.what, finding.specified, finding.found)
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
