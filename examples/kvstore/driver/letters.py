"""What goes over the network, and what is in the log: plain dataclasses, and how they are packed.

Commands, questions and answers are bytes to the driver: only the state machine reads them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

from raftbare import (
    AppendEntriesCall,
    ClusterConfig,
    CommandEntry,
    LogPosition,
    Message,
    NodeId,
    Term,
)

from .packing import Packing


@dataclass(frozen=True, slots=True)
class Member:
    """A server of the cluster.  `disk` is drawn when its disk is made: a lost disk does not come
    back under its old name.
    """

    id: NodeId
    name: str
    address: str
    disk: str


# Between servers


@dataclass(frozen=True, slots=True)
class Hello:
    """The first frame of a server's connection: who it is, and whom it wants to speak to."""

    cluster: str
    sender: Member
    to: NodeId


@dataclass(frozen=True, slots=True)
class Carried:
    """A message of the library, with the content of each command among its entries."""

    message: Message
    contents: tuple[bytes, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether there are as many contents as commands.  O(runs)."""
        if not isinstance(self.message, AppendEntriesCall):
            return not self.contents
        runs = self.message.entries.runs()
        commands = sum(count for entry, count in runs if isinstance(entry, CommandEntry))
        return commands == len(self.contents)


@dataclass(frozen=True, slots=True)
class PreVote:
    """Would your node vote for mine (dissertation, §9.6)?  `ballot` tells questions apart."""

    ballot: int
    call: Message


@dataclass(frozen=True, slots=True)
class PreVoteAnswer:
    """`term`: the one that the answering node is in."""

    ballot: int
    yes: bool
    term: Term


@dataclass(frozen=True, slots=True)
class TimeoutNow:
    """The leader of this term wants your node to take its place (dissertation, §3.10)."""

    term: Term


@dataclass(frozen=True, slots=True)
class Offer:
    """The leader of `term` has a snapshot that you need (§7): ask for its parts."""

    term: Term
    position: LogPosition
    config: ClusterConfig
    size: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class Wanted:
    """Send this part of the snapshot at `position`."""

    position: LogPosition
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class Chunk:
    position: LogPosition
    offset: int
    data: bytes


PeerLetter: TypeAlias = Carried | PreVote | PreVoteAnswer | TimeoutNow | Offer | Wanted | Chunk

# From clients, and back.  `tag` is the client's: its answer has it too.


@dataclass(frozen=True, slots=True)
class ClientHello:
    """The first frame of a client's connection."""

    cluster: str


@dataclass(frozen=True, slots=True)
class OpenSession:
    """Answered with the session's number: 8 bytes."""

    tag: int


@dataclass(frozen=True, slots=True)
class Execute:
    """Apply a command once, however often this is sent (dissertation, §6.3).

    `number` counts the session's commands from 1; one at a time is under way.
    """

    tag: int
    session: int
    number: int
    command: bytes


@dataclass(frozen=True, slots=True)
class Query:
    """A linearizable read."""

    tag: int
    question: bytes


@dataclass(frozen=True, slots=True)
class AddMember:
    tag: int
    member: Member


@dataclass(frozen=True, slots=True)
class RemoveMember:
    tag: int
    id: NodeId


@dataclass(frozen=True, slots=True)
class HandOver:
    """Give up leadership to this member (dissertation, §3.10)."""

    tag: int
    to: NodeId


@dataclass(frozen=True, slots=True)
class TakeSnapshot:
    """Of whichever server is asked."""

    tag: int


@dataclass(frozen=True, slots=True)
class GetStatus:
    """Of whichever server is asked; answered in JSON."""

    tag: int


CoreRequest: TypeAlias = (
    OpenSession | Execute | Query | AddMember | RemoveMember | HandOver | TakeSnapshot
)
"""What needs a turn of the core."""

Request: TypeAlias = CoreRequest | GetStatus


@dataclass(frozen=True, slots=True)
class Done:
    tag: int
    content: bytes


@dataclass(frozen=True, slots=True)
class NotLeader:
    """Ask the server at `address`; where that is empty, none is known: try again, anywhere."""

    tag: int
    address: str


@dataclass(frozen=True, slots=True)
class Refused:
    """`again`: it may be asked again, and may have taken effect; otherwise neither."""

    tag: int
    reason: str
    again: bool


Answer: TypeAlias = Done | NotLeader | Refused

Letter: TypeAlias = Hello | PeerLetter | ClientHello | Request | Answer

LETTERS: Final[Packing[Letter]] = Packing[Letter](
    *(Hello, Carried, PreVote, PreVoteAnswer, TimeoutNow, Offer, Wanted, Chunk),
    *(ClientHello, OpenSession, Execute, Query, AddMember, RemoveMember, HandOver),
    *(TakeSnapshot, GetStatus, Done, NotLeader, Refused),
)

# In the log


@dataclass(frozen=True, slots=True)
class Opened:
    """A session begins, which the entry's index names."""


@dataclass(frozen=True, slots=True)
class Executed:
    """A command of a session."""

    session: int
    number: int
    command: bytes


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A server gets its name and address, before it becomes a member."""

    member: Member


Content: TypeAlias = Opened | Executed | Enrolled

CONTENTS: Final[Packing[Content]] = Packing[Content](Opened, Executed, Enrolled)
