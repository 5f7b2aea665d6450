"""What an administrator asks of a leader: members added and removed (§6), leadership handed over
(dissertation, §3.10).

A change is a goal.  After each drain the leader takes the next step towards it, from what its
configuration is by then; so the same request to a later leader goes on where this one stopped.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from raftbare import ClusterConfig, InvalidTransferError, LogIndex, NodeId, Term

from .context import Client, Context
from .letters import (
    AddMember,
    Done,
    HandOver,
    Member,
    Refused,
    RemoveMember,
    TimeoutNow,
)

Change: TypeAlias = AddMember | RemoveMember | HandOver


@dataclass(slots=True)
class _Goal:
    """`told`: the target of a transfer was sent `TimeoutNow`."""

    client: Client
    change: Change
    term: Term
    since: float
    told: bool = False


class Changes:
    """One at a time."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._goal: _Goal | None = None

    def add(self, client: Client, change: AddMember, enrolled: Member) -> None:
        """Once the member is enrolled, as it was asked; not if its id was given before."""
        if enrolled == change.member:
            self.ask(client, change)
        else:
            client.send(Refused(change.tag, f"{change.member.id} is the id of {enrolled}", False))

    def ask(self, client: Client, change: Change) -> None:
        """Of a leader."""
        node = self._context.node
        reason = self._refusal(change)
        if reason:
            refused = Refused(change.tag, reason, self._goal is not None)
            client.send(refused)
            return
        if isinstance(change, HandOver):
            if change.to == node.id:
                client.send(Done(change.tag, b""))
                return
            try:
                node.transfer_leadership(change.to)
            except InvalidTransferError as error:
                client.send(Refused(change.tag, str(error), False))
                return
        self._goal = _Goal(client, change, node.current_term, self._context.now)

    def _refusal(self, change: Change) -> str:
        if self._goal is not None:
            return "another change is in progress"
        if isinstance(change, RemoveMember):
            config = self._context.node.config
            if (config.new_voters or config.voters) == {change.id}:
                return f"node {change.id} is the only voter"
        return ""

    def settle(self) -> None:
        """Take the next step."""
        goal = self._goal
        if goal is None:
            return
        node = self._context.node
        if not self._context.leads or node.current_term != goal.term:
            self._end(goal, "this server leads no more")
            return
        if isinstance(goal.change, HandOver):
            self._hand_over(goal, goal.change.to)
        elif not node.config.is_joint_consensus:
            if node.log.latest_config_index <= node.commit_index:
                self._change_members(goal, goal.change)

    def heartbeat(self) -> None:
        """The target of a transfer is told again."""
        if self._goal is not None:
            self._goal.told = False

    def _change_members(self, goal: _Goal, change: AddMember | RemoveMember) -> None:
        """The configuration before is committed: propose the next one."""
        if isinstance(change, AddMember):
            config = self._to_add(change.member.id)
        else:
            config = self._to_remove(goal, change.id)
        if config == self._context.node.config:
            self._end(goal)
        elif config is not None:
            self._context.node.propose_config(config)

    def _to_add(self, node_id: NodeId) -> ClusterConfig | None:
        """None: not yet; the one in force: it is done.

        Without a vote at first, so that no majority has to wait for it while it catches up
        (dissertation, §4.2.1).
        """
        node, config = self._context.node, self._context.node.config
        if config.is_voter(node_id):
            return config
        if not config.contains(node_id):
            return ClusterConfig(config.voters, (), config.non_voters | {node_id})
        caught_up = node.progress[node_id].match_index >= node.commit_index
        return config.to_joint_consensus(adding=[node_id]) if caught_up else None

    def _to_remove(self, goal: _Goal, node_id: NodeId) -> ClusterConfig | None:
        """Without a vote at first: once it knows that, it does not campaign when it is left out.
        One that cannot be reached is not waited for.
        """
        node, config = self._context.node, self._context.node.config
        if not config.contains(node_id):
            return config
        if config.is_voter(node_id):
            return config.to_joint_consensus(demoting=[node_id])
        knows = node.progress[node_id].match_index >= node.log.latest_config_index
        waited = self._context.now - goal.since >= self._context.settings.election_timeout
        left = ClusterConfig(config.voters, (), config.non_voters - {node_id})
        return left if knows or waited else None

    def _hand_over(self, goal: _Goal, to: NodeId) -> None:
        """The target is told once it has all of the log.  If that takes an election timeout, or
        nothing comes of it within one, the leader takes proposals again.
        """
        node = self._context.node
        progress = node.progress.get(to)
        if self._context.now - goal.since >= self._context.settings.election_timeout:
            node.cancel_transfer()
            self._end(goal, f"node {to} did not take over in time")
        elif progress and not goal.told and progress.match_index == _last(self._context):
            goal.told = True
            self._context.send(to, TimeoutNow(node.current_term))

    def _end(self, goal: _Goal, failure: str = "") -> None:
        self._goal = None
        tag = goal.change.tag
        if failure and not (isinstance(goal.change, HandOver) and not self._context.leads):
            goal.client.send(Refused(tag, failure, True))
        else:
            goal.client.send(Done(tag, b""))


def _last(context: Context) -> LogIndex:
    return context.node.log.last_position.index
