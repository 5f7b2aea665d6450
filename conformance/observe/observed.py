"""What is seen of a node from outside: its state, what it answers, a checkpoint of all of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

from spec import values as v
from spec.quorums import confirmed_by_quorum


class Observed(NamedTuple):
    """What a node shows of itself.  `leader` means nothing unless `leader_given`.

    `confirmed`: the largest call number that a quorum has answered a leader with; None for others,
    and where it is not told.
    """

    role: str
    current_term: v.Term
    voted_for: v.NodeId | None
    commit_index: v.Index
    last_position: v.Position
    snapshot_position: v.Position
    config: v.Config
    leader: v.NodeId | None = None
    leader_given: bool = True
    confirmed: v.SeqNo | None = None


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """All of a node's state: in memory, pending, and on its disk."""

    node: v.Node
    pending: tuple[v.Action, ...]
    disk: v.Restart


RecordedOutcome: TypeAlias = v.Position | v.Called | bool | None
"""An outcome as a trace records it: False is a refusal, whatever its reason."""


def recorded_outcome(outcome: v.Outcome) -> RecordedOutcome:
    return False if isinstance(outcome, v.Refused) else outcome


ROLES: Final = {v.Follower: "follower", v.Candidate: "candidate", v.Leader: "leader"}


def observed(node: v.Node) -> Observed:
    """What can be seen of a specified node from outside."""
    log = node.log
    return Observed(
        ROLES[type(node.role)],
        node.current_term,
        node.voted_for,
        node.commit_index,
        log.last_position,
        log.snapshot_position,
        log.config,
        node.leader,
        confirmed=confirmed_by_quorum(node) if isinstance(node.role, v.Leader) else None,
    )
