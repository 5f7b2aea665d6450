"""What most lines are made of, as text at once: AppendEntries messages, and writes of commands.

`raftbare.codec.vocabulary` says the same field by field, which takes longer; and it says all that
is not usual, of which these functions return "".
"""

from __future__ import annotations

from typing import Final

from raftbare.entries import LogEntries
from raftbare.message import AppendEntriesCall, AppendEntriesReply, Message
from raftbare.types import LogPosition, NodeId

LARGE: Final = 2**60
"""From here on, numbers are left to the vocabulary, which knows the limits."""


def message_text(message: Message) -> str:
    """The fields of an object, without its braces.  O(1)."""
    sender, term, seqno = message.sender, message.term, message.seqno
    if not (0 <= sender < LARGE and 0 <= term < LARGE and 0 <= seqno < LARGE):
        return ""
    if isinstance(message, AppendEntriesReply):
        last = _position(message.last_position)
        if not last:
            return ""
        accepted = "true" if message.accepted else "false"
        return (
            f'"type":"append_entries_reply","from":{sender},"term":{term},"seqno":{seqno},'
            f'"last_position":{last},"accepted":{accepted}'
        )
    if isinstance(message, AppendEntriesCall):
        commit, entries = message.commit_index, entries_text(message.entries)
        if not entries or not 0 <= commit < LARGE:
            return ""
        return (
            f'"type":"append_entries_call","from":{sender},"term":{term},"seqno":{seqno},'
            f'"commit_index":{commit},{entries}'
        )
    return ""


def entries_text(entries: LogEntries) -> str:
    """The same of entries that are commands, or none."""
    prev, last = entries.prev_position, entries.last_position
    count = last.index - prev.index
    if entries._terms.last or entries._configs.last or count > 2**20:
        return ""
    position = _position(prev)
    if not position:
        return ""
    runs = f'[{{"commands":{count}}}]' if count else "[]"
    return f'"prev_position":{position},"entries":{runs}'


def ids_text(ids: tuple[NodeId, ...]) -> str:
    """A list of names that are in ascending order; "" for a large one."""
    if not ids or not 0 <= ids[0] <= ids[-1] < LARGE:
        return ""
    return "[" + ",".join([str(one) for one in ids]) + "]"


def _position(position: LogPosition) -> str:
    term, index = position.term, position.index
    if not (0 <= term < LARGE and 0 <= index < LARGE):
        return ""
    return f'{{"term":{term},"index":{index}}}'
