"""What a rule returns."""

from __future__ import annotations

from typing import NamedTuple

from spec import values as v


class Effect(NamedTuple):
    """What an event does to a node: its next state, the actions owed for it, the caller's answer.

    Owed actions are in no particular order: `spec.pending` says how they merge until the user
    executes them, and in which order that is.
    """

    node: v.Node
    owed: tuple[v.Owed, ...] = ()
    outcome: v.Outcome = None


def refused(node: v.Node, reason: v.Reason, why: str) -> Effect:
    """The node stays as it is."""
    return Effect(node, outcome=v.Refused(reason, why))
