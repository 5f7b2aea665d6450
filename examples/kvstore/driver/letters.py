"""What goes over the network, and what is in the log, as `packing` writes it.

Commands, questions and answers are bytes to the driver: only the state machine reads them.
"""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

from msgspec.msgpack import Decoder

from raftbare import (
    AppendEntriesCall,
    ClusterConfig,
    CommandEntry,
    LogPosition,
    NodeId,
    RequestVoteCall,
    Term,
)
from raftbare.message import Headed

from .packing import NATURAL, Natural, Packed, decoder

AnyNodeId: TypeAlias = Annotated[NodeId, NATURAL]
AnyTerm: TypeAlias = Annotated[Term, NATURAL]


class Member(Packed, frozen=True):
    """A server of the cluster.  `disk` is drawn when its disk is made: a lost disk does not come
    back under its old name.
    """

    id: AnyNodeId
    name: str
    address: str
    disk: str


# Between servers


class Hello(Packed, frozen=True):
    """The first frame of a server's connection: who it is, and whom it wants to speak to."""

    cluster: str
    sender: Member
    to: AnyNodeId


class Carried(Packed, frozen=True):
    """A message of the library, with the content of each command among its entries."""

    message: Headed  # any: `Message`, for which msgspec has no union
    contents: tuple[bytes, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether there are as many contents as commands.  O(runs)."""
        if not isinstance(self.message, AppendEntriesCall):
            return not self.contents
        runs = self.message.entries.runs()
        commands = sum(count for entry, count in runs if isinstance(entry, CommandEntry))
        return commands == len(self.contents)


class PreVote(Packed, frozen=True):
    """Would your node vote for mine (dissertation, §9.6)?  `ballot` tells questions apart."""

    ballot: Natural
    call: RequestVoteCall


class PreVoteAnswer(Packed, frozen=True):
    """`term`: the one that the answering node is in."""

    ballot: Natural
    yes: bool
    term: AnyTerm


class TimeoutNow(Packed, frozen=True):
    """The leader of this term wants your node to take its place (dissertation, §3.10)."""

    term: AnyTerm


class Offer(Packed, frozen=True):
    """The leader of `term` has a snapshot that you need (§7): ask for its parts."""

    term: AnyTerm
    position: LogPosition
    config: ClusterConfig
    size: Natural
    digest: bytes


class Wanted(Packed, frozen=True):
    """Send this part of the snapshot at `position`."""

    position: LogPosition
    offset: Natural
    length: Natural


class Chunk(Packed, frozen=True):
    position: LogPosition
    offset: Natural
    data: bytes


PeerLetter: TypeAlias = Carried | PreVote | PreVoteAnswer | TimeoutNow | Offer | Wanted | Chunk

# From clients, and back.  `tag` is the client's: its answer has it too.


class ClientHello(Packed, frozen=True):
    """The first frame of a client's connection."""

    cluster: str


class OpenSession(Packed, frozen=True):
    """Answered with the session's number: 8 bytes."""

    tag: Natural


class Execute(Packed, frozen=True):
    """Apply a command once, however often this is sent (dissertation, §6.3).

    `number` counts the session's commands from 1; one at a time is under way.
    """

    tag: Natural
    session: Natural
    number: Natural
    command: bytes


class Query(Packed, frozen=True):
    """A linearizable read."""

    tag: Natural
    question: bytes


class AddMember(Packed, frozen=True):
    tag: Natural
    member: Member


class RemoveMember(Packed, frozen=True):
    tag: Natural
    id: AnyNodeId


class HandOver(Packed, frozen=True):
    """Give up leadership to this member (dissertation, §3.10)."""

    tag: Natural
    to: AnyNodeId


class TakeSnapshot(Packed, frozen=True):
    """Of whichever server is asked."""

    tag: Natural


class GetStatus(Packed, frozen=True):
    """Of whichever server is asked; answered in JSON."""

    tag: Natural


CoreRequest: TypeAlias = (
    OpenSession | Execute | Query | AddMember | RemoveMember | HandOver | TakeSnapshot
)
"""What needs a turn of the core."""

Request: TypeAlias = CoreRequest | GetStatus


class Done(Packed, frozen=True):
    tag: Natural
    content: bytes


class NotLeader(Packed, frozen=True):
    """Ask the server at `address`; where that is empty, none is known: try again, anywhere."""

    tag: Natural
    address: str


class Refused(Packed, frozen=True):
    """`again`: it may be asked again, and may have taken effect; otherwise neither."""

    tag: Natural
    reason: str
    again: bool


Answer: TypeAlias = Done | NotLeader | Refused

Letter: TypeAlias = Hello | PeerLetter | ClientHello | Request | Answer

LETTERS: Final[Decoder[Letter]] = decoder(Letter)

# In the log


class Opened(Packed, frozen=True):
    """A session begins, which the entry's index names."""


class Executed(Packed, frozen=True):
    """A command of a session."""

    session: Natural
    number: Natural
    command: bytes


class Enrolled(Packed, frozen=True):
    """A server gets its name and address, before it becomes a member."""

    member: Member


Content: TypeAlias = Opened | Executed | Enrolled

CONTENTS: Final[Decoder[Content]] = decoder(Content)
