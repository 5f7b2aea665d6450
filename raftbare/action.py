"""What a node asks its user to do.  Compared by value, immutable by convention.

An action is executed when its effect is durable, or its message is on its way.  `raftbare.drain`
says in which order.  The constructors take O(1) and raise nothing; uncompiled
those of what every step owes look at nothing, for no action is ever handed to a node.
"""

from __future__ import annotations

from typing import ClassVar, Final, TypeAlias, final

from raftbare.arguments import checked
from raftbare.compiling import mypyc_attr
from raftbare.entries import LogEntries
from raftbare.message import Message
from raftbare.types import NodeId, Value


@final
class SetElectionTimeout(Value):
    """Set the timer anew; when it runs out, call `Node.handle_election_timeout`.

    How long that is depends on `node.role`: a heartbeat interval for a leader, a random time of
    several such intervals for the others (§5.2), a random shorter one at will for a candidate.  A
    timer runs on until it is set anew: for a follower, a higher term alone is no cause (Figure 2).
    """

    __slots__ = ()


@final
class SaveCurrentTerm(Value):
    """Make `node.current_term` durable, as it is when the action is executed."""

    __slots__ = ()


@final
class SaveVotedFor(Value):
    """Make `node.voted_for` durable, as it is when the action is executed; None is a value too."""

    __slots__ = ()


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class BroadcastMessage(Value):
    """Send `message` to each of `node.peers`, as they are then.

    A candidate asks for votes; a leader brings what it is about to write, or shows that it is
    alive.  It may be lost, delayed or doubled.
    """

    __slots__ = ("message",)
    __match_args__: ClassVar = ("message",)

    def __init__(self, message: Message) -> None:
        self.message = message


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class AppendLogEntries(Value):
    """Make the durable log end with `entries`, and drop all else after `entries.prev_position`.

    That position is in the durable log, or ends its snapshot.  No entries means only to drop.
    """

    __slots__ = ("entries",)
    __match_args__: ClassVar = ("entries",)

    def __init__(self, entries: LogEntries) -> None:
        self.entries = entries


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class SendMessage(Value):
    """Send `message` to the node `to`: a reply, or a call to a follower that lacks entries.

    It may be lost, delayed or doubled.
    """

    __slots__ = ("message", "to")
    __match_args__: ClassVar = ("to", "message")

    def __init__(self, to: NodeId, message: Message) -> None:
        self.to = to
        self.message = message


@final
class InstallSnapshot(Value):
    """Bring the snapshot that this node's log begins with to `to`, whose log ends before it.

    That node calls `Node.handle_snapshot_installed` once it has the snapshot on its disk.

    A leader owes it once for each peer.  If the peer still needs a snapshot it is owed again, after
    `Limits.ask_again` more calls or once the leader has compacted its log further.  One that comes
    while a transfer to that peer is under way is ignored.  A transfer that was lost is best
    repeated by the user, who knows first; otherwise it waits for those calls, or another leader.
    One that the leader's next snapshot overtakes is of no use: keep the log until it is done.
    """

    __slots__ = ("to",)
    __match_args__: ClassVar = ("to",)

    def __init__(self, to: NodeId) -> None:
        self.to = to


checked(InstallSnapshot, "__init__")

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
