"""What a node asks its user to do.  Compared by value, immutable by convention."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

from raftbare.entries import LogEntries
from raftbare.message import Message
from raftbare.types import NodeId


@dataclass(slots=True)
class SetElectionTimeout:
    """Set the timer anew; when it runs out, call `Node.handle_election_timeout`.

    How long that is depends on `node.role`: a heartbeat interval for a leader, a random time of
    several such intervals for the others (§5.2), a random shorter one at will for a candidate.
    """


@dataclass(slots=True)
class SaveCurrentTerm:
    """Make `node.current_term` durable."""


@dataclass(slots=True)
class SaveVotedFor:
    """Make `node.voted_for` durable."""


@dataclass(slots=True)
class BroadcastMessage:
    """Send a message to each of `node.peers`.  It may be lost, delayed or doubled."""

    message: Message


@dataclass(slots=True)
class AppendLogEntries:
    """Make the durable log end with `entries`, dropping all that it has after `prev_position`."""

    entries: LogEntries


@dataclass(slots=True)
class SendMessage:
    """Send a message to one node.  It may be lost, delayed or doubled."""

    to: NodeId
    message: Message


@dataclass(slots=True)
class InstallSnapshot:
    """Bring the snapshot that this node's log begins with to `to`, whose log ends before it.

    That node calls `Node.handle_snapshot_installed` once it has the snapshot on its disk.
    """

    to: NodeId


Action: TypeAlias = (
    SetElectionTimeout
    | SaveCurrentTerm
    | SaveVotedFor
    | BroadcastMessage
    | AppendLogEntries
    | SendMessage
    | InstallSnapshot
)

# Actions without fields are all alike, and so one of each is enough.
SET_ELECTION_TIMEOUT: Final = SetElectionTimeout()
SAVE_CURRENT_TERM: Final = SaveCurrentTerm()
SAVE_VOTED_FOR: Final = SaveVotedFor()
