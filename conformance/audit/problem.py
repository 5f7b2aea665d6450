"""What an audit found wrong with a recording."""

from __future__ import annotations

from dataclasses import dataclass

from spec.values import NodeId


@dataclass(frozen=True, slots=True)
class Problem:
    """A property that does not hold, and the record that shows it.

    `node` and `seq` are None where no single record does.
    """

    property: str
    node: NodeId | None
    seq: int | None
    detail: str
