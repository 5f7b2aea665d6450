"""What records are made of, as text.

Most of it is written at once: AppendEntries messages, writes of commands, positions.  All else is
left to `raftbare.codec.vocabulary`, which takes longer, says it field by field and knows the
limits.  What one record says again, or the next one, is made once.
"""

from __future__ import annotations

from typing import Final, final

from raftbare.action import (
    Action,
    AppendLogEntries,
    BroadcastMessage,
    SendMessage,
    SetElectionTimeout,
)
from raftbare.codec.checkpoint import Executed
from raftbare.codec.vocabulary import write_action, write_message, write_position
from raftbare.entries import LogEntries
from raftbare.message import AppendEntriesCall, AppendEntriesReply, Headed, Message
from raftbare.node import Node
from raftbare.recorder.sink import object_text
from raftbare.types import LogPosition, NodeId

LARGE: Final = 2**60
"""From here on, numbers are left to the vocabulary."""

MANY: Final = 2**20
"""And so are longer lists of entries."""


ACCEPTED: Final = ',"accepted":true}'
REFUSED: Final = ',"accepted":false}'

TIMER: Final = '{"type":"set_election_timeout"}'

PEERS: Final = 1000
"""For so many senders a message's beginning is kept."""


@final
class Texts:
    """Makes them for one node.  Each raises `CodecError` for what no trace can say."""

    __slots__ = (
        "_before_index",
        "_before_term",
        "_before_text",
        "_calls",
        "_count",
        "_entries_text",
        "_heads_term",
        "_index",
        "_peers",
        "_peers_text",
        "_position_head",
        "_prev_index",
        "_prev_term",
        "_replies",
        "_term",
        "_text",
    )

    def __init__(self) -> None:
        # The two positions that were written last, the later one first: where a log ended before a
        # write, and after it.
        self._term, self._index, self._text = -1, -1, ""
        self._before_term, self._before_index, self._before_text = -1, -1, ""
        self._position_head = ""  # the later one's, up to its index
        # The entries that were written last: what a call brings is what is written to the disk.
        self._prev_term, self._prev_index, self._count, self._entries_text = -1, -1, -1, ""
        # How AppendEntries messages of this term begin, by their senders.
        self._heads_term = -1
        self._calls: dict[NodeId, str] = {}
        self._replies: dict[NodeId, str] = {}
        self._peers: tuple[NodeId, ...] = ()
        self._peers_text = ""

    def position(self, position: LogPosition) -> str:
        term, index = position.term, position.index
        if index == self._index and term == self._term:
            return self._text
        if index == self._before_index and term == self._before_term:
            return self._before_text
        if not (0 <= term < LARGE and 0 <= index < LARGE):
            return object_text(write_position, position)
        if term != self._term:
            self._position_head = f'{{"term":{term},"index":'
        text = f"{self._position_head}{index}}}"
        self._before_term, self._before_index = self._term, self._index
        self._before_text = self._text
        self._term, self._index, self._text = term, index, text
        return text

    def message(self, message: Message) -> str:
        """O(1), but O(runs) of a call that brings more than commands."""
        seqno = message.seqno
        if isinstance(message, AppendEntriesReply):
            head = self._head(self._replies, "append_entries_reply", message)
            if head and 0 <= seqno < LARGE:
                return (
                    f'{head}{seqno},"last_position":{self.position(message.last_position)}'
                    f"{ACCEPTED if message.accepted else REFUSED}"
                )
        elif isinstance(message, AppendEntriesCall):
            head = self._head(self._calls, "append_entries_call", message)
            commit, entries = message.commit_index, self._entries(message.entries)
            if head and entries and 0 <= seqno < LARGE and 0 <= commit < LARGE:
                return f'{head}{seqno},"commit_index":{commit}{entries}'
        return object_text(write_message, message)

    def action(self, text: str, more: str, node: Node, action: Action) -> str:
        """`text`, `more`, and an action of the node, which has not been asked for the next one yet.

        O(1), but O(runs) of what is more than commands and O(members) of a broadcast.
        """
        if isinstance(action, SetElectionTimeout):
            return f"{text}{more}{TIMER}"
        if isinstance(action, SendMessage):
            to = action.to
            if 0 <= to < LARGE:
                message = self.message(action.message)
                return f'{text}{more}{{"type":"send_message","to":{to},"message":{message}}}'
        elif isinstance(action, AppendLogEntries):
            entries = self._entries(action.entries)
            if entries:
                return f'{text}{more}{{"type":"append_log_entries"{entries}'
        elif isinstance(action, BroadcastMessage):
            to_all = self._ids(node.peers)
            if to_all:
                message = self.message(action.message)
                return (
                    f'{text}{more}{{"type":"broadcast_message","to":{to_all},"message":{message}}}'
                )
        return f"{text}{more}{object_text(write_action, Executed.by(node, action))}"

    def _head(self, heads: dict[NodeId, str], kind: str, message: Headed) -> str:
        """Up to the value of `seqno`; "" where the numbers before are large."""
        sender, term = message.sender, message.term
        if term != self._heads_term or len(heads) > PEERS:
            self._calls.clear()
            self._replies.clear()
            self._heads_term = term
        head = heads.get(sender)
        if head is None:
            head = ""
            if 0 <= sender < LARGE and 0 <= term < LARGE:
                head = f'{{"type":"{kind}","from":{sender},"term":{term},"seqno":'
            heads[sender] = head
        return head

    def _entries(self, entries: LogEntries) -> str:
        """The last fields of an object, of entries that are commands, or none; "" of others."""
        prev, last = entries.prev_position, entries.last_position
        term, index, count = prev.term, prev.index, last.index - prev.index
        if entries._terms.last or entries._configs.last or not 0 <= count <= MANY:
            return ""
        if count == self._count and index == self._prev_index and term == self._prev_term:
            return self._entries_text
        if count:
            text = f',"prev_position":{self.position(prev)},"entries":[{{"commands":{count}}}]}}'
        else:
            text = f',"prev_position":{self.position(prev)},"entries":[]}}'
        self._prev_term, self._prev_index, self._count = term, index, count
        self._entries_text = text
        return text

    def _ids(self, ids: tuple[NodeId, ...]) -> str:
        """Of names in ascending order; "" where there are none, or large ones."""
        if ids is not self._peers:
            small = bool(ids) and 0 <= ids[0] <= ids[-1] < LARGE
            listed = ",".join([str(one) for one in ids])
            self._peers, self._peers_text = ids, f"[{listed}]" if small else ""
        return self._peers_text
