"""A counterexample as people read it: each move, what it changed, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.explore.search.path import Counterexample, Move
from conformance.observe.show import describe_log, describe_server, role_of, show
from spec import cluster as c
from spec.values import Leader, Node, NodeId, Receive


def narrate(found: Counterexample) -> Iterator[str]:
    """Line by line; what is indented under a move is what it changed."""
    for number, move in enumerate(found.moves, start=1):
        first, *more = _steps(move)
        yield f"{number:>3}. {first}"
        for line in more:
            yield f"     {line}"
        yield from (f"       {line}" for line in _changed(move))


def _steps(move: Move) -> list[str]:
    said = [
        _said(change.before, step) for step, change in zip(move.steps, move.changes, strict=True)
    ]
    lines = [line for line in said if line]
    return lines or ["nothing happens"]


def _said(cluster: c.Cluster, step: c.Step) -> str:
    match step:
        case c.Input(node, event):
            return f"node {node}: {show(event)}"
        case c.Deliver(index, keep):
            envelope = cluster.network[index]
            part = "" if keep is None else f"the first {keep} entries of "
            return f"node {envelope.to}: receives {part}{_content(envelope)}"
        case c.Drain(_, None):
            return ""
        case c.Drain(node, count):
            return f"node {node}: crashes after {count} of its actions"
        case c.Crash(node):
            return f"node {node}: crashes"
        case c.Comeback(node):
            return f"node {node}: restarts from its disk"
        case c.Lose(index):
            return f"lost on the way {_addressed(cluster.network[index])}"
        case c.Duplicate(index):
            return f"duplicated on the way {_addressed(cluster.network[index])}"


def _content(envelope: c.Envelope) -> str:
    content = envelope.content
    return show(content) if isinstance(content, c.Snapshot) else show(Receive(content))


def _addressed(envelope: c.Envelope) -> str:
    return f"to {envelope.to}: {_content(envelope)}"


def _changed(move: Move) -> Iterator[str]:
    before, after = move.changes[0].before, move.after
    for old, new in zip(before.members, after.members, strict=True):
        if old.node is not new.node:
            changes = _differences(old, new)
            if changes:
                yield f"node {new.node.id} is {describe_server(new)} ({', '.join(changes)})"
    for envelope in after.network:
        if after.network.count(envelope) > before.network.count(envelope):
            yield f"under way {_addressed(envelope)}"


def _differences(old: c.Member, new: c.Member) -> list[str]:
    a, b = old.node, new.node
    changes = []
    if type(a.role) is not type(b.role) or _target(a) != _target(b):
        changes.append(f"was {role_of(old)}")
    if a.current_term != b.current_term:
        changes.append(f"term was {a.current_term}")
    if a.voted_for != b.voted_for:
        changes.append(f"vote was {a.voted_for}")
    if a.log != b.log:
        changes.append(f"log was {describe_log(a.log)}")
    if a.commit_index != b.commit_index:
        changes.append(f"commit index was {a.commit_index}")
    return changes


def _target(node: Node) -> NodeId | None:
    return node.role.transfer if isinstance(node.role, Leader) else None
