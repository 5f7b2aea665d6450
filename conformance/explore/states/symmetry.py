"""Nodes that nothing distinguishes: states that differ in their names only are one.

The rules treat all names alike, and so do the bounds: node 0 creates the cluster, the other voters
of the start are equals.  They may be renamed in all ways, and of the states that these lead to one
stands for all (an orbit of the group).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from itertools import permutations
from typing import Any, TypeAlias

from conformance.explore.states.bounds import Bounds
from spec import values as v
from spec.cluster import Cluster, Envelope, History, Member, Snapshot
from spec.pending import Pending

Renaming: TypeAlias = tuple[int, ...]
"""By the old name, the new one."""


def renamings(bounds: Bounds) -> list[Renaming]:
    """All renamings of the equals; the first one changes nothing.

    Those who may join later are not renamed: they are few, and the renamings many.
    """
    equals = sorted(bounds.initial_voters - {0})
    others = range(len(equals) + 1, bounds.nodes)
    return [(0, *names, *others) for names in permutations(equals)]


def renamed(value: Any, names: Renaming) -> Any:
    """A value of the specification after the renaming."""
    rename = _RENAME.get(type(value))
    return rename(value, names) if rename is not None else _fields_renamed(value, names)


def _name(node: int | None, names: Renaming) -> int | None:
    return None if node is None else names[node]


def _names(nodes: frozenset[int], names: Renaming) -> frozenset[int]:
    return frozenset(names[node] for node in nodes)


def _cluster(cluster: Cluster, names: Renaming) -> Cluster:
    members: list[Member] = [renamed(member, names) for member in cluster.members]
    return Cluster(
        tuple(sorted(members, key=lambda member: member.node.id)),
        tuple(renamed(envelope, names) for envelope in cluster.network),
        renamed(cluster.history, names),
    )


def _member(member: Member, names: Renaming) -> Member:
    disk = member.disk
    node = renamed(member.node, names)
    log = node.log if disk.log == member.node.log else renamed(disk.log, names)
    disk = disk._replace(voted_for=_name(disk.voted_for, names), log=log)
    return member._replace(node=node, pending=renamed(member.pending, names), disk=disk)


def _node(node: v.Node, names: Renaming) -> v.Node:
    return node._replace(
        id=names[node.id],
        role=renamed(node.role, names),
        voted_for=_name(node.voted_for, names),
        log=renamed(node.log, names),
    )


def _pending(pending: Pending, names: Renaming) -> Pending:
    sends = [renamed(send, names) for send in pending.sends]
    return pending._replace(
        calls=tuple(sorted(names[to] for to in pending.calls)),
        append=None if pending.append is None else renamed(pending.append, names),
        sends=tuple(sorted(sends, key=lambda send: send.to)),
    )


def _history(history: History, names: Renaming) -> History:
    return History(
        tuple((term, names[node]) for term, node in history.leaders),
        frozenset((names[who], term, names[to]) for who, term, to in history.votes),
        tuple(renamed(entry, names) for entry in history.committed),
        history.committed_in,
        tuple(sorted((names[who], term, seqno) for who, term, seqno in history.stale_reads)),
    )


def _leader(role: v.Leader, names: Renaming) -> v.Leader:
    peers = [peer._replace(node=names[peer.node]) for peer in role.peers]
    peers.sort(key=lambda peer: peer.node)
    return replace(role, peers=tuple(peers), transfer=_name(role.transfer, names))


def _log(log: v.Log, names: Renaming) -> v.Log:
    return log._replace(
        snapshot_config=renamed(log.snapshot_config, names),
        entries=tuple(renamed(entry, names) for entry in log.entries),
        config=renamed(log.config, names),
    )


def _config(config: v.Config, names: Renaming) -> v.Config:
    return v.Config(
        _names(config.voters, names),
        _names(config.new_voters, names),
        _names(config.non_voters, names),
    )


def _fields_renamed(value: Any, names: Renaming) -> Any:
    """A message or an action: `sender` and `to` are names, entries and the like hold some."""
    if not is_dataclass(value):
        return value
    new: dict[str, Any] = {}
    for field in fields(value):
        old = getattr(value, field.name)
        if field.name in ("sender", "to"):
            new[field.name] = (
                names[old] if isinstance(old, int) else tuple(sorted(names[node] for node in old))
            )
        elif isinstance(old, tuple) and not isinstance(old, v.Position):
            new[field.name] = tuple(renamed(entry, names) for entry in old)
        else:
            new[field.name] = renamed(old, names)
    return replace(value, **new)  # type: ignore[type-var]


_RENAME: dict[type, Callable[[Any, Renaming], Any]] = {
    Member: _member,
    v.Node: _node,
    Pending: _pending,
    History: _history,
    v.Log: _log,
    v.Config: _config,
    v.Entry: lambda entry, names: v.Entry(entry.term, renamed(entry.payload, names)),
    v.Follower: lambda role, names: v.Follower(_name(role.leader, names)),
    v.Candidate: lambda role, names: replace(role, granted=_names(role.granted, names)),
    v.Leader: _leader,
    Cluster: _cluster,
    Envelope: lambda envelope, names: Envelope(
        names[envelope.to], renamed(envelope.content, names)
    ),
    Snapshot: lambda snapshot, names: Snapshot(
        names[snapshot.sender], snapshot.position, renamed(snapshot.config, names)
    ),
    v.SendMessage: lambda send, names: v.SendMessage(names[send.to], renamed(send.message, names)),
    v.InstallSnapshot: lambda install, names: v.InstallSnapshot(names[install.to]),
    v.Progress: lambda peer, names: peer._replace(node=names[peer.node]),
}
