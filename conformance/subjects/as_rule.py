"""The library in the specification's place: its own step is the rule that a cluster runs by.

Then nothing is compared.  The properties alone judge what the library does, on any cluster that a
simulation or an exploration can build, and a mistake that specification and library have in common
shows as what it does to a cluster.
"""

from __future__ import annotations

from types import ModuleType

from conformance.subjects.rebuild import Rebuilder
from spec.cluster import Rule
from spec.pending import NOTHING, owed_in
from spec.rules import Effect
from spec.values import Event, Node, Refused, Restart


def rule_of(library: ModuleType, reraise: tuple[type[Exception], ...] = ()) -> Rule:
    """The rule that a node of this library follows: it is rebuilt for every event, and read back.

    What is owed is what the event alone owes: how it merges with what was owed before, and what a
    drain makes of it, remains the specification's (`spec.pending`, `spec.rules.drain`).
    """
    rebuilder = Rebuilder(library, reraise)

    def step(node: Node, event: Event) -> Effect:
        taken = rebuilder.transition(node, NOTHING, event)
        del taken.live.actions  # it speaks of the node: both would wait for the cycle collector
        after, pending = taken.state
        if isinstance(taken.outcome, Refused) and not isinstance(event, Restart):
            return Effect(node, outcome=taken.outcome)
        return Effect(after, owed_in(pending), taken.outcome)

    return step
