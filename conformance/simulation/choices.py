"""A schedule that survives the removal of some of its steps.

What is picked from the network is named by what it is, not by its place.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from conformance.observe.finding import Finding
from conformance.simulation.healing import healed
from conformance.simulation.run import Run
from spec import cluster as c
from spec import rules
from spec import values as v


@dataclass(frozen=True, slots=True)
class Pick:
    """The `nth` content of this kind on its way from `sender` to `to`, and what happens to it."""

    then: type[c.Deliver] | type[c.Lose] | type[c.Duplicate]
    to: v.NodeId
    sender: v.NodeId
    kind: str
    nth: int
    keep: int | None = None


Choice: TypeAlias = c.Step | Pick


def _kind(envelope: c.Envelope) -> tuple[v.NodeId, v.NodeId, str]:
    """Terms are left out: they shift when an election is."""
    return envelope.to, envelope.content.sender, type(envelope.content).__name__


def choice_of(cluster: c.Cluster, step: c.Step) -> Choice:
    """The step, named so that it can be found again in a similar state."""
    if not isinstance(step, (c.Deliver, c.Lose, c.Duplicate)):
        return step
    kind = _kind(cluster.network[step.index])
    nth = sum(_kind(envelope) == kind for envelope in cluster.network[: step.index])
    keep = step.keep if isinstance(step, c.Deliver) else None
    return Pick(type(step), *kind, nth, keep)


def step_of(cluster: c.Cluster, choice: Choice) -> c.Step | None:
    """The step that a choice is in this state; None where it is not enabled."""
    step: c.Step
    if isinstance(choice, Pick):
        wanted = (choice.to, choice.sender, choice.kind)
        places = [at for at, envelope in enumerate(cluster.network) if _kind(envelope) == wanted]
        if choice.nth >= len(places):
            return None
        at = places[choice.nth]
        step = c.Deliver(at, choice.keep) if choice.then is c.Deliver else choice.then(at)
    else:
        step = choice
    return step if c.is_enabled(cluster, step) and _is_legal(cluster, step) else None


def take_all(run: Run, choices: Iterable[Choice]) -> tuple[Finding | None, list[Choice]]:
    """Take what is enabled of the choices, up to the first finding; also what was taken.

    A run that heals does so then.
    """
    taken: list[Choice] = []
    for choice in choices:
        step = step_of(run.cluster, choice)
        if step is None:
            continue
        taken.append(choice)
        finding = run.take(step)
        if finding is not None:
            return finding, taken
    return (healed(run) if run.heals else None) or run.compare_logs(), taken


def _is_true(cluster: c.Cluster, message: v.Message) -> bool:
    """Whether a call says nothing but what its sender, a leader in its term, knows."""
    if not isinstance(message, v.AppendEntriesCall):
        return False
    sender = cluster.members[message.sender]
    log, first = sender.node.log, message.prev_position.index
    return (
        sender.up
        and isinstance(sender.node.role, v.Leader)
        and sender.node.current_term == message.term
        and sender.node.commit_index >= message.commit_index
        and log.contains(message.prev_position)
        and log.after(first)[: len(message.entries)] == message.entries
    )


def _is_legal(cluster: c.Cluster, step: c.Step) -> bool:
    """Whether the user may do this, now that other steps before it are gone.

    A snapshot holds what is committed, in a term that is on the disk; a message that nobody sent
    has to be one that its leader might send, or might have sent in an earlier term, or that no node
    may accept.
    """
    match step:
        case c.Input(node, v.SnapshotInstalled(position)):
            member = cluster.members[node]
            return (
                position.index <= member.node.commit_index and not member.pending.save_current_term
            )
        case c.Input(node, v.Receive(message) as event):
            receiver = cluster.members[node].node
            return (
                _is_true(cluster, message)
                or message.term < receiver.current_term
                or isinstance(rules.step(receiver, event).outcome, v.Refused)
            )
    return True
