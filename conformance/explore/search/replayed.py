"""A program that speaks the subject protocol, compared in every transition of a node.

The protocol sets no node to a state.  But a node follows from what has happened to it: so it is
brought there by the inputs and drains that led the specified node to the same state, and takes one
step more.  What is compared is what it shows.
"""

from __future__ import annotations

from typing import Final, TypeAlias

from conformance.explore.states.bounds import Bounds
from conformance.observe.finding import Difference, first_difference
from conformance.observe.observed import observed, recorded_outcome
from conformance.simulation.foreign.lines import request
from conformance.simulation.foreign.lockstep import AHEAD, Expected, parts_of_both
from conformance.subjects.foreign.host import Host
from conformance.subjects.foreign.local import LocalHost
from conformance.subjects.foreign.process import SubjectError
from conformance.subjects.foreign.protocol import read_answer
from spec import rules
from spec import values as v
from spec.cluster import Member, Turn
from spec.pending import Pending

Past: TypeAlias = tuple[v.Event | None, ...]
"""What has happened to a node in its present life: inputs, and None for each drain."""

TAKEN: Final = {
    "crashes": ("restarts",),
    "heartbeats": ("heartbeat",),
    "snapshots": ("snapshots",),
    "changes": ("changes", "joint_changes", "non_voters"),
    "step_downs": ("step_down",),
    "transfers": ("transfer",),
    "duplications": ("duplicates",),
}
"""The features that a subject has to have for a budget that is not 0."""

ALWAYS: Final = ("timers", "limits", "refusals", "reordering")


def needed(bounds: Bounds) -> set[str]:
    """The features that a subject has to have within these bounds."""
    given = [feature for name, taken in TAKEN.items() if getattr(bounds, name) for feature in taken]
    return {*ALWAYS, *given}


class Replayed:
    """Compares the nodes of one exploration, in which nodes keep their names.

    It takes as many requests for each transition as the node has a past.
    """

    def __init__(self, host: Host | LocalHost, bounds: Bounds) -> None:
        self._host = host
        self._pasts: dict[tuple[v.Node, Pending], Past] = {}
        for node in range(bounds.nodes):
            start = v.Start(bounds.limits)
            self._pasts[_key(Member(rules.start(node, bounds.limits).node))] = (start,)

    def difference(self, turn: Turn) -> Difference | None:
        """What it shows otherwise in a server's turn.  A crash alone shows nothing."""
        event, after = turn.event, turn.after
        if event is None and turn.owed is None:
            return None
        past = () if isinstance(event, v.Restart) else self._pasts[_key(turn.before)]
        if after.up:
            self._pasts.setdefault(_key(after), (*past, event))
        state = observed(after.node) if after.up else None
        outcome = recorded_outcome(turn.outcome)
        expected = Expected(turn.node, event, outcome, turn.owed, state)
        try:
            line = self._ask(turn.node, past, event)
            answered = read_answer(line, event, drained=event is None)
        except SubjectError as error:
            self._host.end()
            return error.finding(turn.node, event)
        return first_difference(turn.node, event, parts_of_both(expected, answered))

    def _ask(self, node: v.NodeId, past: Past, event: v.Event | None) -> bytes:
        """The answer to the last request; those before it were compared when they were the last."""
        process = self._host.begin()
        for one in (*past, event):
            if process.unanswered == AHEAD:
                process.answer()
            process.ask(request(node, one, drain=one is None))
        while process.unanswered > 1:
            process.answer()
        return process.answer()


def _key(member: Member) -> tuple[v.Node, Pending]:
    return member.node, member.pending
