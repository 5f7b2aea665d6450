"""What a case has come by: the situations of `check --coverage`, and transitions of nodes.

A transition is an event, and what a node was before and after it, in few words: its role, whether
it has entries that are not committed, and its place in the configuration.
"""

from __future__ import annotations

from typing import Final

from conformance.simulation.coverage import LEAST, Coverage
from spec import values as v
from spec.cluster import Turn

ARROW: Final = " > "


class Features(Coverage):
    """Counts both."""

    def see(self, turn: Turn) -> None:
        super().see(turn)
        if turn.event is not None:
            message = turn.event.message if isinstance(turn.event, v.Receive) else turn.event
            states = state_of(turn.before.node), type(message).__name__, state_of(turn.after.node)
            self.counts[ARROW.join(states)] += 1


def state_of(node: v.Node) -> str:
    """A node in a few words: `joint leader, uncommitted`."""
    if node.id not in node.config.electors:
        place = "non-voting "
    else:
        place = "joint " if node.config.is_joint else ""
    role = type(node.role).__name__.lower()
    uncommitted = ", uncommitted" if node.log.last_index > node.commit_index else ""
    return f"{place}{role}{uncommitted}"


def is_situation(feature: str) -> bool:
    return feature in LEAST
