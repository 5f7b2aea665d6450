"""The messages of §5.1, Figure 2.  A reply carries its call's sequence number.

One is made for every step of the protocol, so they are plain classes with flat fields, and a
message is a header itself: a reply begins as its call's.  Compared by value; immutable by
convention, once they have been taken from `node.actions`.
"""

from __future__ import annotations

from typing import ClassVar, TypeAlias, final

from raftbare.entries import LogEntries
from raftbare.types import LogIndex, LogPosition, MessageSeqNo, NodeId, Term


class Headed:
    """What has a header: a header itself, or a message."""

    __slots__ = ("sender", "seqno", "term")

    def __init__(self, sender: NodeId, term: Term, seqno: MessageSeqNo) -> None:
        self.sender = sender
        self.term = term
        self.seqno = seqno

    @property
    def header(self) -> MessageHeader:
        return MessageHeader(self.sender, self.term, self.seqno)


@final
class MessageHeader(Headed):
    """Who sent a message, in which term of its own, and its place among the sender's calls."""

    __slots__ = ()
    __match_args__: ClassVar = ("sender", "term", "seqno")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, MessageHeader):
            return NotImplemented
        return self.sender == other.sender and self.term == other.term and self.seqno == other.seqno

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"MessageHeader(sender={self.sender}, term={self.term}, seqno={self.seqno})"


@final
class RequestVoteCall(Headed):
    """A candidate asks for a vote (§5.2); `last_position` is that of its log (§5.4.1)."""

    __slots__ = ("last_position",)
    __match_args__: ClassVar = ("header", "last_position")

    def __init__(self, header: Headed, last_position: LogPosition) -> None:
        self.sender = header.sender
        self.term = header.term
        self.seqno = header.seqno
        self.last_position = last_position

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, RequestVoteCall):
            return NotImplemented
        return self.header == other.header and self.last_position == other.last_position

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"RequestVoteCall({self.header!r}, {self.last_position!r})"


@final
class RequestVoteReply(Headed):
    """The answer to a `RequestVoteCall`."""

    __slots__ = ("vote_granted",)
    __match_args__: ClassVar = ("header", "vote_granted")

    def __init__(self, header: Headed, vote_granted: bool) -> None:
        self.sender = header.sender
        self.term = header.term
        self.seqno = header.seqno
        self.vote_granted = vote_granted

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, RequestVoteReply):
            return NotImplemented
        return self.header == other.header and self.vote_granted == other.vote_granted

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"RequestVoteReply({self.header!r}, {self.vote_granted!r})"


@final
class AppendEntriesCall(Headed):
    """A leader brings entries, or none to show that it is alive (§5.3).

    `commit_index` is as far as the leader knows entries to be committed.  The user may shorten
    `entries` with `truncate` before sending: what is missing will be sent again.
    """

    __slots__ = ("commit_index", "entries")
    __match_args__: ClassVar = ("header", "commit_index", "entries")

    def __init__(self, header: Headed, commit_index: LogIndex, entries: LogEntries) -> None:
        self.sender = header.sender
        self.term = header.term
        self.seqno = header.seqno
        self.commit_index = commit_index
        self.entries = entries

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, AppendEntriesCall):
            return NotImplemented
        return (
            self.header == other.header
            and self.commit_index == other.commit_index
            and self.entries == other.entries
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"AppendEntriesCall({self.header!r}, {self.commit_index}, {self.entries!r})"


@final
class AppendEntriesReply(Headed):
    """The answer to an `AppendEntriesCall`: the last position of the sender's log.

    It stands in place of Figure 2's boolean: if the leader's log contains it, then by Log Matching
    the two logs agree up to there.
    """

    __slots__ = ("last_position",)
    __match_args__: ClassVar = ("header", "last_position")

    def __init__(self, header: Headed, last_position: LogPosition) -> None:
        self.sender = header.sender
        self.term = header.term
        self.seqno = header.seqno
        self.last_position = last_position

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, AppendEntriesReply):
            return NotImplemented
        return self.header == other.header and self.last_position == other.last_position

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"AppendEntriesReply({self.header!r}, {self.last_position!r})"


Message: TypeAlias = RequestVoteCall | RequestVoteReply | AppendEntriesCall | AppendEntriesReply
