"""All of a node's state, as a `checkpoint` record carries it.

A recorder that rotates its files begins each with a checkpoint, and each can be judged alone.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, model_validator

from conformance.trace.vocabulary import (
    LIMITS,
    Actions,
    Integer,
    Log,
    Model,
    NodeId,
    NodeIds,
    OptionalLimits,
    optional,
    problem,
)


class Disk(Model):
    """What has been made durable: what a restart would find."""

    current_term: Integer = Field(description="The saved term.")
    voted_for: NodeId | None = Field(description="The saved vote, or null for none.")
    log: Log = Field(description="The durable log.")


class Peer(Model):
    """What a leader knows of another member."""

    node: NodeId = Field(description="The member.")
    match: Integer = Field(description="The member's log is known to match up to this index.")
    next: Integer | None = Field(
        default=None,
        description="The first entry that the member was not sent; null where it was sent all.",
    )
    probe: Integer = Field(
        default=0, description="The number of the latest calls to this member alone; 0 for none."
    )
    asked: Integer = Field(
        default=0,
        description="No snapshot is owed to it because of a reply to an earlier call than this.",
    )
    probing: bool = Field(
        default=False,
        description="It refused a call: it is sent one at a time until it has accepted one.",
    )
    answered: Integer = Field(
        default=0,
        description="The largest number of a call of this term that the member has answered.",
    )
    seqno: Integer = Field(
        default=0, description="Only in recordings of releases before the next index: not used."
    )


class _Snapshot(Model):
    role: str
    current_term: Integer = Field(description="The node's term.")
    voted_for: NodeId | None = Field(description="The node's vote in this term, or null.")
    leader: NodeId | None = Field(description="Who is known to lead this term, or null.")
    log: Log = Field(description="The node's log in memory.")
    commit_index: Integer = Field(description="The node's commit index; not beyond its log.")
    seqno: Integer = Field(description="The number of the node's latest call; 0 for none.")
    pending: Actions = Field(
        description="The actions that are owed and not executed, in order of execution."
    )
    disk: Disk = Field(description="What has been made durable.")
    limits: OptionalLimits = optional(LIMITS)

    @model_validator(mode="after")
    def _check_indices(self) -> _Snapshot:
        """Nothing may point beyond the log: a judge could not go on from there."""
        last = self.log.last_index
        indices = [("commit_index", self.commit_index)]
        if isinstance(self, LeaderSnapshot):
            indices.append(("durable", self.durable))
            indices.extend((f"match of peer {peer.node}", peer.match) for peer in self.peers)
            indices.extend((f"next of peer {peer.node}", peer.next or 0) for peer in self.peers)
        for name, index in indices:
            if index > last:
                raise problem(f"{name} is {index}", f"at most the log's last index, {last}")
        return self


class FollowerSnapshot(_Snapshot):
    """All of a follower's state."""

    role: Literal["follower"]


class CandidateSnapshot(_Snapshot):
    """All of a candidate's state."""

    role: Literal["candidate"]
    leader: None = Field(description="Null: a candidate knows of no leader.")
    granted: NodeIds = Field(description="Who has granted it a vote, itself included.")
    transfer: bool = Field(
        default=False,
        description="Whether the leader has asked it to campaign. Left out where it is false.",
    )


class LeaderSnapshot(_Snapshot):
    """All of a leader's state."""

    role: Literal["leader"]
    leader: NodeId = Field(description="The node itself.")
    peers: tuple[Peer, ...] = Field(
        fail_fast=True, description="The other members, by ascending id."
    )
    durable: Integer = Field(
        description="Up to which index the leader knows its own log to be durable."
    )
    transfer: NodeId | None = Field(
        default=None,
        description="To whom it hands over, and takes no proposals; left out where to nobody.",
    )

    @model_validator(mode="after")
    def _check_peers(self) -> LeaderSnapshot:
        ids = [peer.node for peer in self.peers]
        if any(later <= earlier for earlier, later in pairwise(ids)):
            raise problem(f"peers {ids}", "each peer once, by ascending id")
        return self


Snapshot: TypeAlias = Annotated[
    FollowerSnapshot | CandidateSnapshot | LeaderSnapshot, Field(discriminator="role")
]
