"""A schedule that survives the removal of some of its steps.

What is picked from the network is named by what it is, not by its place.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from conformance.observe.finding import Finding
from conformance.simulation.healing import healed
from conformance.simulation.run import Run
from spec import cluster as c
from spec import rules
from spec import values as v


@dataclass(frozen=True, slots=True)
class Pick:
    """The `nth` content of this kind on its way from `sender` to `to`, and what happens to it.

    `like`: what the content was where it was picked.  One that is the same is rather meant than the
    `nth`, and one that says the same in another term or call than one that says something else.
    """

    then: type[c.Deliver] | type[c.Lose] | type[c.Duplicate]
    to: v.NodeId
    sender: v.NodeId
    kind: str
    nth: int
    keep: int | None = None
    like: v.Message | c.Snapshot | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Compact:
    """A snapshot of what the node has up to an index, or up to where it has committed."""

    node: v.NodeId
    index: v.Index


Choice: TypeAlias = c.Step | Pick | Compact


def _kind(envelope: c.Envelope) -> tuple[v.NodeId, v.NodeId, str]:
    """Terms are left out: they shift when an election is."""
    return envelope.to, envelope.content.sender, type(envelope.content).__name__


def _said(content: v.Message | c.Snapshot) -> object:
    """What a content says, whatever its term and call are."""
    match content:
        case c.Snapshot(position=position):
            return position.index
        case v.AppendEntriesCall(prev_position=position):
            return position.index, len(content.entries), content.commit_index
        case v.AppendEntriesReply(last_position=position):
            return position.index, content.accepted
        case v.RequestVoteCall(last_position=position):
            return position.index, content.transfer
        case v.RequestVoteReply():
            return content.vote_granted


def choice_of(cluster: c.Cluster, step: c.Step) -> Choice:
    """The step, named so that it can be found again in a similar state."""
    if isinstance(step, c.Input) and isinstance(step.event, v.SnapshotInstalled):
        compact = Compact(step.node, step.event.position.index)
        return compact if step_of(cluster, compact) == step else step
    if not isinstance(step, (c.Deliver, c.Lose, c.Duplicate)):
        return step
    content = cluster.network[step.index].content
    kind = _kind(cluster.network[step.index])
    nth = sum(_kind(envelope) == kind for envelope in cluster.network[: step.index])
    keep = step.keep if isinstance(step, c.Deliver) else None
    return Pick(type(step), *kind, nth, keep, content)


def step_of(cluster: c.Cluster, choice: Choice) -> c.Step | None:
    """The step that a choice is in this state; None where it is not enabled."""
    step: c.Step | None
    match choice:
        case Pick():
            step = _picked(cluster, choice)
        case Compact():
            step = _compacted(cluster, choice)
        case c.Input(to, v.Receive(v.AppendEntriesCall() as call)):
            step = choice if _is_possible(cluster, choice) else _called_anew(cluster, to, call)
        case _:
            step = choice
    return step if step is not None and _is_possible(cluster, step) else None


def _is_possible(cluster: c.Cluster, step: c.Step) -> bool:
    return c.is_enabled(cluster, step) and _is_legal(cluster, step)


def _picked(cluster: c.Cluster, pick: Pick) -> c.Step | None:
    wanted, like, network = (pick.to, pick.sender, pick.kind), pick.like, cluster.network
    places = [at for at, envelope in enumerate(network) if _kind(envelope) == wanted]
    at = places[pick.nth] if pick.nth < len(places) else None
    if like is not None and (at is None or network[at].content != like):
        said = _said(like)
        alike = [
            (network[place].content != like, abs(nth - pick.nth), place)
            for nth, place in enumerate(places)
            if _said(network[place].content) == said
        ]
        at = min(alike)[-1] if alike else at
    if at is None:
        return None
    return c.Deliver(at, pick.keep) if pick.then is c.Deliver else pick.then(at)


def _compacted(cluster: c.Cluster, compact: Compact) -> c.Step | None:
    if compact.node >= len(cluster.members):
        return None
    node = cluster.members[compact.node].node
    log, index = node.log, min(compact.index, node.commit_index)
    if not log.snapshot_position.index < index <= log.last_index:
        return None
    snapshot = v.SnapshotInstalled(log.position(index), log.config_at(index))
    return c.Input(compact.node, snapshot)


def _called_anew(cluster: c.Cluster, to: v.NodeId, call: v.AppendEntriesCall) -> c.Step | None:
    """A call that nobody sent, as its sender would make it now, if that leads."""
    node, prev = cluster.members[call.sender].node, call.prev_position.index
    if not isinstance(node.role, v.Leader):
        return None
    if not node.log.snapshot_position.index <= prev <= node.log.last_index:
        return None
    made = replace(
        call,
        term=node.current_term,
        seqno=min(call.seqno, node.seqno),
        commit_index=min(call.commit_index, node.commit_index),
        prev_position=node.log.position(prev),
        entries=node.log.after(prev)[: len(call.entries)],
    )
    return c.Input(to, v.Receive(made))


def take_all(run: Run, choices: Iterable[Choice]) -> tuple[Finding | None, list[Choice]]:
    """Take what is enabled of the choices, up to the first finding; also what was taken.

    A run that heals does so then.
    """
    taken: list[Choice] = []
    for choice in choices:
        step = step_of(run.cluster, choice)
        if step is None:
            continue
        taken.append(choice_of(run.cluster, step))
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


def _is_denied(receiver: v.Node, message: v.Message) -> bool:
    """Whether it asks for a vote that no voter with that log gives, in whichever term."""
    return (
        isinstance(message, v.RequestVoteCall)
        and message.last_position < receiver.log.last_position
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
                message.sender == node
                or _is_true(cluster, message)
                or message.term < receiver.current_term
                or _is_denied(receiver, message)
                or isinstance(rules.step(receiver, event).outcome, v.Refused)
            )
    return True
