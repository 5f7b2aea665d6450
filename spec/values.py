"""The values that the rules speak of: messages, events, actions, nodes, and those of `spec.log`.

Everything here is immutable and compares by value.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple, TypeAlias

from spec.log import COMMAND as COMMAND
from spec.log import EMPTY_LOG as EMPTY_LOG
from spec.log import NO_CONFIG as NO_CONFIG
from spec.log import TERM as TERM
from spec.log import ZERO as ZERO
from spec.log import Config as Config
from spec.log import Entries as Entries
from spec.log import Entry as Entry
from spec.log import Index as Index
from spec.log import Log as Log
from spec.log import NodeId as NodeId
from spec.log import Payload as Payload
from spec.log import Position as Position
from spec.log import SeqNo as SeqNo
from spec.log import Term as Term
from spec.log import new_log as new_log

# Messages (§5.1, Figure 2).  `sender` is leaderId or candidateId, `last_position` lastLogIndex and
# lastLogTerm, `prev_position` prevLogIndex and prevLogTerm.  A reply repeats its call's `seqno`.


@dataclass(frozen=True, slots=True)
class RequestVoteCall:
    """`transfer`: the leader wants to be replaced by the sender (dissertation, §3.10)."""

    sender: NodeId
    term: Term
    seqno: SeqNo
    last_position: Position
    transfer: bool = False


@dataclass(frozen=True, slots=True)
class RequestVoteReply:
    sender: NodeId
    term: Term
    seqno: SeqNo
    vote_granted: bool


@dataclass(frozen=True, slots=True)
class AppendEntriesCall:
    sender: NodeId
    term: Term
    seqno: SeqNo
    commit_index: Index
    prev_position: Position
    entries: Entries


@dataclass(frozen=True, slots=True)
class AppendEntriesReply:
    """`accepted` is Figure 2's `success`: the call's previous position was found in the log.

    `last_position` is that of the sender's log once the call is dealt with.  If the leader's log
    contains it, then by Log Matching the two logs agree up to there.  An answer to a call of an
    earlier term has the number 0: it tells the term, and says nothing of any call of that term.
    """

    sender: NodeId
    term: Term
    seqno: SeqNo
    last_position: Position
    accepted: bool = True


Message: TypeAlias = RequestVoteCall | RequestVoteReply | AppendEntriesCall | AppendEntriesReply


class Limits(NamedTuple):
    """What a leader keeps to, set by its user when the node comes up.

    entries      that a call carries at the most
    calls        as many full calls may be under way to a follower that catches up
    ask_again    after how many more calls InstallSnapshot is owed again for a peer that has not
                 caught up by then
    uncommitted  entries after the commit index beyond which a command is refused; None: never
    """

    entries: Index = 5000
    calls: int = 8
    ask_again: SeqNo = 1000
    uncommitted: Index | None = None


LIMITS: Final = Limits()


# Events: what may happen to one node.


@dataclass(frozen=True, slots=True)
class Start:
    """A node that has never run before starts."""

    limits: Limits = LIMITS


@dataclass(frozen=True, slots=True)
class Restart:
    """A node starts again with what its disk holds."""

    current_term: Term
    voted_for: NodeId | None
    log: Log
    limits: Limits = LIMITS


@dataclass(frozen=True, slots=True)
class CreateCluster:
    voters: frozenset[NodeId]


@dataclass(frozen=True, slots=True)
class ProposeCommand:
    pass


@dataclass(frozen=True, slots=True)
class ProposeConfig:
    config: Config


@dataclass(frozen=True, slots=True)
class Heartbeat:
    pass


@dataclass(frozen=True, slots=True)
class ElectionTimeout:
    pass


@dataclass(frozen=True, slots=True)
class StepDown:
    """A leader that may be cut off leads no more (dissertation, §6.2)."""


@dataclass(frozen=True, slots=True)
class TransferLeadership:
    """A leader makes ready to be replaced by `to` (dissertation, §3.10)."""

    to: NodeId


@dataclass(frozen=True, slots=True)
class CancelTransfer:
    pass


@dataclass(frozen=True, slots=True)
class TimeoutNow:
    """The leader of `term` wants this node to take its place (dissertation, §3.10)."""

    term: Term


@dataclass(frozen=True, slots=True)
class Receive:
    message: Message


@dataclass(frozen=True, slots=True)
class SnapshotInstalled:
    """The user has made durable a snapshot whose last entry is at `position`."""

    position: Position
    config: Config


Event: TypeAlias = (
    Start
    | Restart
    | CreateCluster
    | ProposeCommand
    | ProposeConfig
    | Heartbeat
    | ElectionTimeout
    | StepDown
    | TransferLeadership
    | CancelTransfer
    | TimeoutNow
    | Receive
    | SnapshotInstalled
)


# Actions: what a node asks its user to do.


@dataclass(frozen=True, slots=True)
class SetElectionTimeout:
    pass


@dataclass(frozen=True, slots=True)
class SaveCurrentTerm:
    term: Term


@dataclass(frozen=True, slots=True)
class SaveVotedFor:
    voted_for: NodeId | None


@dataclass(frozen=True, slots=True)
class BroadcastMessage:
    """Send a message to every other member; `to` is filled in when the action is executed."""

    message: Message
    to: tuple[NodeId, ...] = ()


@dataclass(frozen=True, slots=True)
class AppendLogEntries:
    """Make the durable log end with `entries` after `prev_position`, dropping what was there."""

    prev_position: Position
    entries: Entries


@dataclass(frozen=True, slots=True)
class SendMessage:
    to: NodeId
    message: Message


@dataclass(frozen=True, slots=True)
class InstallSnapshot:
    """Send `to` the snapshot that this node's log begins with."""

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


# What a rule owes the user: actions, and calls, which are made when they are taken.


@dataclass(frozen=True, slots=True)
class CallAll:
    """A call to all others: a candidate asks for votes, a leader sends what it has appended."""


@dataclass(frozen=True, slots=True)
class CallOne:
    """A leader's calls to a follower that does not have all that was sent to all others."""

    to: NodeId


Owed: TypeAlias = Action | CallAll | CallOne


# Outcomes: what the caller of an event is told.

Reason: TypeAlias = Literal[
    "not_leader",
    "invalid_config",
    "cluster_exists",
    "invalid_snapshot",
    "too_many_uncommitted",
    "transferring",
    "invalid_transfer",
    "unneeded_recovery",
    "invariant",
]


@dataclass(frozen=True, slots=True)
class Refused:
    """The event was not accepted and the node is as before.

    `invariant`: the event shows that a guarantee of the protocol has been broken somewhere, and
    going on would lose committed entries.  `why` is for people and no part of the comparison.
    """

    reason: Reason
    why: str = field(default="", compare=False)


class Called(NamedTuple):
    """The lowest number of a call that is made after this."""

    seqno: SeqNo


Outcome: TypeAlias = Position | Called | bool | Refused | None
"""A proposal's position; the number of a heartbeat's call; True for what else was accepted; None
where there is nothing to tell."""

# Roles.


@dataclass(frozen=True, slots=True)
class Follower:
    """`leader`: who is known to lead the current term."""

    leader: NodeId | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """`transfer`: it campaigns because the leader asked it to."""

    granted: frozenset[NodeId]
    transfer: bool = False


class Progress(NamedTuple):
    """What a leader knows of a peer.

    match  its matchIndex: it holds the leader's log up to there
    next   its nextIndex: the first entry that it was not sent; None: it was sent all that all
           others were, and will be (Figure 2 begins with the last log index + 1)
    probe  the number of the latest calls to it alone; that it refused an earlier one is no news
    asked  InstallSnapshot is not owed for it because of a reply to a call with a lower number, as
           long as the leader takes no later snapshot
    probing  it refused a call: it is sent one at a time until it has accepted one
    answered  the largest number of a call of this term that it has answered
    """

    node: NodeId
    match: Index = 0
    next: Index | None = None
    probe: SeqNo = 0
    asked: SeqNo = 0
    probing: bool = False
    answered: SeqNo = 0


@dataclass(frozen=True, slots=True)
class Leader:
    """`durable`: how much of its own log the leader knows to be on its disk; `transfer`: to whom it
    hands over, and takes no proposals meanwhile.
    """

    peers: tuple[Progress, ...]
    durable: Index = 0
    transfer: NodeId | None = None


Role: TypeAlias = Follower | Candidate | Leader


class ReadIndex(NamedTuple):
    """What makes a read linearizable (§8; dissertation, §6.4): it is served from a state machine
    that has applied `index`, once a quorum has answered a call of `term` that has at least the
    number `seqno`.
    """

    term: Term
    seqno: SeqNo
    index: Index  # type: ignore[assignment]  # not a tuple's method of this name


class Node(NamedTuple):
    """The state of one node (Figure 2, State).

    Term, vote and log persist.  lastApplied is the user's, who applies what is committed.  `seqno`
    is the latest call's sequence number; `limits` are the user's.
    """

    id: NodeId
    role: Role = Follower()
    current_term: Term = 0
    voted_for: NodeId | None = None
    log: Log = EMPTY_LOG
    commit_index: Index = 0
    seqno: SeqNo = 0
    limits: Limits = LIMITS

    @property
    def config(self) -> Config:
        return self.log.config

    @property
    def peers(self) -> tuple[NodeId, ...]:
        return tuple(sorted(self.config.members - {self.id}))

    @property
    def leader(self) -> NodeId | None:
        match self.role:
            case Follower(leader):
                return leader
            case Leader():
                return self.id
        return None
