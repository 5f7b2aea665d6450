"""The messages of §5.1, Figure 2.  A reply carries its call's sequence number, or 0.

One is made for every step of the protocol, so they are plain classes with flat fields, and a
message is a header itself: a reply begins as its call's.  Compared by value; immutable by
convention, once they have been taken from `node.actions`.

The constructors take O(1) and keep `entries`, which they do not copy.  They raise `TypeError` for
fields of another type, and `ValueError` for a name, term or number below 0.  The units are those of
`raftbare.types`: a message has no size of its own.  `raftbare.codec` encodes it.
"""

from __future__ import annotations

from typing import ClassVar, Final, TypeAlias, final

from raftbare.arguments import PURE, checked, fit, natural, wrong_of
from raftbare.compiling import mypyc_attr
from raftbare.entries import LogEntries
from raftbare.types import LogIndex, LogPosition, MessageSeqNo, NodeId, Term, Value


@mypyc_attr(acyclic=True)
class Headed(Value):
    """What has a header: a header itself, or a message.

    - `sender`: who sent it.
    - `term`: the sender's current term at that time.
    - `seqno`: of a call, its number among the sender's calls, ascending (calls by which a follower
      catches up share one); of a reply, its call's, or 0 (see `AppendEntriesReply`).

    The constructors of messages copy these themselves: to call this one from there would make a
    round of the pure build a twentieth slower.
    """

    __slots__ = ("sender", "seqno", "term")

    def __init__(self, sender: NodeId, term: Term, seqno: MessageSeqNo) -> None:
        if PURE:
            plain = type(sender) is int and type(term) is int and type(seqno) is int
            if not plain or sender | term | seqno < 0:
                _check_header(sender, term, seqno)
        elif sender < 0 or term < 0 or seqno < 0:
            _check_header(sender, term, seqno)
        self.sender = sender
        self.term = term
        self.seqno = seqno

    @property
    def header(self) -> MessageHeader:
        """The three fields as a header, made anew each time.  O(1)."""
        return MessageHeader(self.sender, self.term, self.seqno)


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class MessageHeader(Headed):
    """Who sent a message, in which term of its own, and the number of the call it belongs to."""

    __slots__ = ()
    __match_args__: ClassVar = ("sender", "term", "seqno")


@final
class RequestVoteCall(Headed):
    """A candidate asks for a vote (§5.2).

    - `last_position`: that of its log (§5.4.1).
    - `transfer`: the leader has asked it to campaign (dissertation, §3.10): what keeps others from
      disturbing a leader is not meant for it.
    """

    __slots__ = ("last_position", "transfer")
    __match_args__: ClassVar = ("header", "last_position", "transfer")

    def __init__(self, header: Headed, last_position: LogPosition, transfer: bool = False) -> None:
        self.sender = header.sender
        self.term = header.term
        self.seqno = header.seqno
        self.last_position = last_position
        self.transfer = transfer


@final
class RequestVoteReply(Headed):
    """The answer to a `RequestVoteCall`: whether the vote was granted, in the reply's term (§5.2).

    A call of an earlier term is refused, so that its sender learns of the later one.  Other votes
    that are not granted are not answered at all.
    """

    __slots__ = ("vote_granted",)
    __match_args__: ClassVar = ("header", "vote_granted")

    def __init__(self, header: Headed, vote_granted: bool) -> None:
        self.sender = header.sender
        self.term = header.term
        self.seqno = header.seqno
        self.vote_granted = vote_granted


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class AppendEntriesCall(Headed):
    """A leader brings entries, or none to show that it is alive (§5.3).

    - `commit_index`: as far as the leader knows entries to be committed; may lie past `entries`.
    - `entries`: what the leader's log has after `entries.prev_position`, `Limits.entries` at most.

    The user may shorten them further with `truncate` before sending: what is left out is sent again
    once the follower has refused a later call, at the latest that of the next heartbeat.
    """

    __slots__ = ("commit_index", "entries")
    __match_args__: ClassVar = ("header", "commit_index", "entries")

    def __init__(self, header: Headed, commit_index: LogIndex, entries: LogEntries) -> None:
        if PURE:
            kind: type = type(entries)
            if kind is not LogEntries or type(commit_index) is not int:
                fit((header, Headed), (commit_index, int), (entries, LogEntries))
        try:
            self.sender = header.sender
        except AttributeError:
            raise wrong_of((Headed,), header) from None
        self.term = header.term
        self.seqno = header.seqno
        self.commit_index = commit_index
        self.entries = entries


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class AppendEntriesReply(Headed):
    """The answer to an `AppendEntriesCall`.

    - `accepted`: Figure 2's `success`: the log has the position that the call's entries follow.
    - `last_position`: that of the sender's log.  If the leader's log contains it, then by Log
      Matching the two logs agree up to there.

    The answer to a call of an earlier term only tells its sender of the later one, and has the
    number 0: a leader that has come up again may be at that number once more, in the later term.
    """

    __slots__ = ("accepted", "last_position")
    __match_args__: ClassVar = ("header", "last_position", "accepted")

    def __init__(self, header: Headed, last_position: LogPosition, accepted: bool = True) -> None:
        if PURE:
            kind: type = type(last_position)
            if kind is not LogPosition or (accepted is not True and accepted is not False):
                fit((header, Headed), (last_position, LogPosition), (accepted, bool))
        try:
            self.sender = header.sender
        except AttributeError:
            raise wrong_of((Headed,), header) from None
        self.term = header.term
        self.seqno = header.seqno
        self.last_position = last_position
        self.accepted = accepted


checked(RequestVoteCall, "__init__")
checked(RequestVoteReply, "__init__")


def _check_header(sender: NodeId, term: Term, seqno: MessageSeqNo) -> None:
    natural("sender", sender)
    natural("term", term)
    natural("seqno", seqno)


Message: TypeAlias = RequestVoteCall | RequestVoteReply | AppendEntriesCall | AppendEntriesReply

MESSAGES: Final = (RequestVoteCall, RequestVoteReply, AppendEntriesCall, AppendEntriesReply)
"""All of their types."""
