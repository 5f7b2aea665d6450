"""The values that the rules speak of: positions, entries, logs, messages, events, actions, nodes.

Everything here is immutable and compares by value.  A term, an index or a message sequence number
is a plain integer (0 is "none yet"), a node is named by an integer.  Terms, indices and sequence
numbers are only ever compared, added and passed on: the rules run unchanged on symbolic integers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple, Protocol, TypeAlias

NodeId: TypeAlias = int
Term: TypeAlias = int
Index: TypeAlias = int
SeqNo: TypeAlias = int


class Position(NamedTuple):
    """A place in a log.  Ordered as §5.4.1 compares logs: by term first, then by index."""

    term: Term
    index: Index  # type: ignore[assignment]  # not a tuple's method of this name


ZERO: Final = Position(0, 0)
"""The position before every log."""


@dataclass(frozen=True, slots=True)
class Config:
    """A cluster's membership (§6).  With `new_voters` it is a joint one, C_old,new."""

    voters: frozenset[NodeId] = frozenset()
    new_voters: frozenset[NodeId] = frozenset()
    non_voters: frozenset[NodeId] = frozenset()

    @property
    def is_joint(self) -> bool:
        return bool(self.new_voters)

    @property
    def electors(self) -> frozenset[NodeId]:
        """Who has a vote: a voter of the old or of the new membership."""
        return self.voters | self.new_voters

    @property
    def members(self) -> frozenset[NodeId]:
        return self.voters | self.new_voters | self.non_voters


NO_CONFIG: Final = Config()

TERM: Final = "term"
COMMAND: Final = "command"
Payload: TypeAlias = Config | Literal["term", "command"]


class Entry(NamedTuple):
    """One log entry: the term of the leader that made it, and what it holds.

    `TERM` is the entry with which a leader opens its term (§8), `COMMAND` a command of the user
    (whose content is no concern of the protocol), a `Config` a membership (§6).
    """

    term: Term
    payload: Payload


class Entries(Protocol):
    """A sequence of entries.  A tuple is one; `spec.sequence.Sequence` is one for long logs."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[Entry]: ...
    def __getitem__(self, key: Any, /) -> Any: ...
    def __add__(self, more: Any, /) -> Any: ...


class Log(NamedTuple):
    """A node's log: a snapshot of a prefix (§7), and the entries after it.

    `config` is the membership in force, the last in the log, committed or not (§6), and
    `config_index` its index; both follow from the rest, which ConfigFromLog checks.
    """

    snapshot_position: Position = ZERO
    snapshot_config: Config = NO_CONFIG
    entries: Entries = ()
    config: Config = NO_CONFIG
    config_index: Index = 0

    @property
    def last_index(self) -> Index:
        return self.snapshot_position.index + len(self.entries)

    @property
    def last_position(self) -> Position:
        if not self.entries:
            return self.snapshot_position
        last: Entry = self.entries[-1]
        return Position(last.term, self.last_index)

    def term(self, index: Index) -> Term:
        """The term of the entry at an index, from the snapshot's to the last."""
        if index == self.snapshot_position.index:
            return self.snapshot_position.term
        return self.entry(index).term

    def entry(self, index: Index) -> Entry:
        """The entry at an index after the snapshot's, up to the last."""
        entry: Entry = self.entries[index - self.snapshot_position.index - 1]
        return entry

    def position(self, index: Index) -> Position:
        return Position(self.term(index), index)

    def contains(self, position: Position) -> bool:
        """Whether the log has this entry (its snapshot's last one included)."""
        return (
            self.snapshot_position.index <= position.index <= self.last_index
            and self.term(position.index) == position.term
        )

    def after(self, index: Index) -> Entries:
        """The entries that follow an index."""
        entries: Entries = self.entries[index - self.snapshot_position.index :]
        return entries

    def config_at(self, index: Index) -> Config:
        """The membership that was in force when the entry at `index` was the last."""
        return self.latest_config(index)[0]

    def truncated(self, last: Index) -> Log:
        """The log without the entries after index `last`."""
        kept = self.entries[: last - self.snapshot_position.index]
        if self.config_index <= last:
            config, index = self.config, self.config_index
        else:
            config, index = self.latest_config(last)
        return Log(self.snapshot_position, self.snapshot_config, kept, config, index)

    def appended(self, entries: Entries) -> Log:
        config, config_index = self.config, self.config_index
        for offset, entry in enumerate(entries):
            if isinstance(entry.payload, Config):
                config, config_index = entry.payload, self.last_index + 1 + offset
        return Log(
            self.snapshot_position,
            self.snapshot_config,
            self.entries + entries,
            config,
            config_index,
        )

    def compacted(self, position: Position, config: Config) -> Log:
        """The log once a snapshot up to `position` takes the place of its prefix (§7).

        What follows an entry that the snapshot ends with is kept; a log that has no such entry
        is covered by the snapshot, or conflicts with it, and is discarded.
        """
        if not self.contains(position):
            return new_log(position, config, self.entries[:0])
        kept = self.after(position.index)
        if self.config_index > position.index:
            return Log(position, config, kept, self.config, self.config_index)
        return Log(position, config, kept, config, position.index)

    def latest_config(self, last: Index) -> tuple[Config, Index]:
        """What `config_at` says, and the index of its entry; the snapshot's where that has it."""
        index = last
        while index > self.snapshot_position.index:
            payload = self.entry(index).payload
            if isinstance(payload, Config):
                return payload, index
            index -= 1
        return self.snapshot_config, self.snapshot_position.index


EMPTY_LOG: Final = Log()


def new_log(
    snapshot_position: Position = ZERO, snapshot_config: Config = NO_CONFIG, entries: Entries = ()
) -> Log:
    """A log of a snapshot and entries; its configuration is found in them."""
    empty = Log(
        snapshot_position, snapshot_config, entries[:0], snapshot_config, snapshot_position.index
    )
    return empty.appended(entries)


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
