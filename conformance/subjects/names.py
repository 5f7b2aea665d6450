"""Nodes under other names: what the specification says of the nodes 0, 1, 2, ... as said of others.

A specified cluster names its nodes by their places.  What a library does with names, in its sets
and tables, may depend on how far they are apart.  So what is specified is renamed before it is
compared, by names that rise as the places do: that is all that a rule may make of them.  Events,
findings and records then have the names that the subject's nodes have.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

from spec import values as v
from spec.cluster import Executed, Member, Turn
from spec.pending import Pending


class Names:
    """`names`: those of the places, in ascending order.  A place beyond them keeps its number past
    the last name.
    """

    def __init__(self, names: Sequence[v.NodeId]) -> None:
        if any(later <= earlier for earlier, later in pairwise(names)):
            raise ValueError(f"names that rise were expected: {names}")
        self._names = tuple(names)
        self._configs: dict[v.Config, v.Config] = {}
        self._logs: dict[int, tuple[v.Log, v.Log]] = {}
        self._nodes: dict[int, tuple[v.Node, v.Node]] = {}
        # By identity, with what it is of, which so lives on: one object stays one object.

    def of(self, place: v.NodeId) -> v.NodeId:
        names = self._names
        return names[place] if place < len(names) else names[-1] + 1 + place - len(names)

    def turn(self, turn: Turn) -> Turn:
        """Of what the server was before only its node: what it owed and what its disk held before
        its actions is compared with nothing.
        """
        owed = turn.owed
        if owed is not None:
            owed = tuple(map(self.action, owed))
        return Turn(
            turn.before._replace(node=self.node(turn.before.node)),
            self.member(turn.after),
            None if turn.event is None else self.event(turn.event),
            turn.outcome,
            owed,
            tuple(map(Executed, owed or (), [one.disk for one in turn.executed])),
        )

    def member(self, member: Member) -> Member:
        """Its disk is left as it is: no subject has one."""
        return member._replace(node=self.node(member.node), pending=self.pending(member.pending))

    def node(self, node: v.Node) -> v.Node:
        known = self._nodes.get(id(node))
        if known is None:
            voted_for = None if node.voted_for is None else self.of(node.voted_for)
            renamed = node._replace(
                id=self.of(node.id),
                role=self.role(node.role),
                voted_for=voted_for,
                log=self.log(node.log),
            )
            known = self._nodes[id(node)] = node, renamed
        return known[1]

    def role(self, role: v.Role) -> v.Role:
        match role:
            case v.Leader(peers, durable, transfer):
                return v.Leader(
                    tuple([peer._replace(node=self.of(peer.node)) for peer in peers]),
                    durable,
                    None if transfer is None else self.of(transfer),
                )
            case v.Candidate(granted, transfer):
                return v.Candidate(self.group(granted), transfer)
            case v.Follower(leader):
                return v.Follower(None if leader is None else self.of(leader))

    def group(self, group: Iterable[v.NodeId]) -> frozenset[v.NodeId]:
        return frozenset(map(self.of, group))

    def config(self, config: v.Config) -> v.Config:
        known = self._configs.get(config)
        if known is None:
            groups = config.voters, config.new_voters, config.non_voters
            known = self._configs[config] = v.Config(*map(self.group, groups))
        return known

    def entries(self, entries: v.Entries) -> tuple[v.Entry, ...]:
        return tuple(
            [
                entry._replace(payload=self.config(entry.payload))
                if isinstance(entry.payload, v.Config)
                else entry
                for entry in entries
            ]
        )

    def log(self, log: v.Log) -> v.Log:
        known = self._logs.get(id(log))
        if known is None:
            renamed = log._replace(
                snapshot_config=self.config(log.snapshot_config),
                entries=self.entries(log.entries),
                config=self.config(log.config),
            )
            known = self._logs[id(log)] = log, renamed
        return known[1]

    def pending(self, pending: Pending) -> Pending:
        append = pending.append
        if append is None and not pending.calls and not pending.sends:
            return pending
        return pending._replace(
            calls=tuple(map(self.of, pending.calls)),
            append=None if append is None else self._append(append),
            sends=tuple(map(self._send, pending.sends)),
        )

    def message(self, message: v.Message) -> v.Message:
        sender = self.of(message.sender)
        if isinstance(message, v.AppendEntriesCall):
            return replace(message, sender=sender, entries=self.entries(message.entries))
        return replace(message, sender=sender)

    def action(self, action: v.Action) -> v.Action:
        match action:
            case v.SaveVotedFor(voted_for):
                return v.SaveVotedFor(None if voted_for is None else self.of(voted_for))
            case v.BroadcastMessage(message, to):
                return v.BroadcastMessage(self.message(message), tuple(map(self.of, to)))
            case v.AppendLogEntries():
                return self._append(action)
            case v.SendMessage():
                return self._send(action)
            case v.InstallSnapshot(to):
                return v.InstallSnapshot(self.of(to))
        return action

    def _append(self, append: v.AppendLogEntries) -> v.AppendLogEntries:
        return v.AppendLogEntries(append.prev_position, self.entries(append.entries))

    def _send(self, send: v.SendMessage) -> v.SendMessage:
        return v.SendMessage(self.of(send.to), self.message(send.message))

    def event(self, event: v.Event) -> v.Event:
        match event:
            case v.Restart(current_term, voted_for, log, limits):
                vote = None if voted_for is None else self.of(voted_for)
                return v.Restart(current_term, vote, self.log(log), limits)
            case v.CreateCluster(voters):
                return v.CreateCluster(self.group(voters))
            case v.ProposeConfig(config):
                return v.ProposeConfig(self.config(config))
            case v.TransferLeadership(to):
                return v.TransferLeadership(self.of(to))
            case v.Receive(message):
                return v.Receive(self.message(message))
            case v.SnapshotInstalled(position, config):
                return v.SnapshotInstalled(position, self.config(config))
        return event
