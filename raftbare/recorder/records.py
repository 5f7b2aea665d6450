"""The records of a node, one after the other: each is an input and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias, final

from raftbare.action import Action, SetElectionTimeout
from raftbare.codec.checkpoint import Checkpoint
from raftbare.codec.forms import MAX_ENTRIES
from raftbare.codec.vocabulary import write_checkpoint
from raftbare.message import Message
from raftbare.node import Node
from raftbare.recorder.line import State
from raftbare.recorder.segments import SegmentWriter
from raftbare.recorder.sink import object_text
from raftbare.recorder.texts import TIMER, Texts
from raftbare.recovery import Disk

Clock: TypeAlias = Callable[[], float]
"""Seconds since any moment."""

To: TypeAlias = Callable[[bytes], object] | SegmentWriter
"""Where lines go, each with its line feed.  A function's files are its own: see
`RecordedNode.checkpoint`."""

NULL: Final = "null"

EVENT: Final = ',"event":'
BEGIN: Final = ',"actions":['
NO_ACTIONS: Final = ',"actions":[]'
TIMER_MORE: Final = f"{BEGIN}{TIMER},"
TIMER_END: Final = f"{BEGIN}{TIMER}]"


class RecorderError(Exception):
    """A node was used in a way that no recording can tell.  The caller's fault; nothing was done.

    An input, or a checkpoint, within a drain; a checkpoint of a node that owes actions; or actions
    that no recorded input is the cause of.
    """


@final
class Records:
    """Is told each input, before the node is given it and once it has taken it; then the drain.

    It has the text of the latest input's record so far, to which each action adds its own.
    """

    __slots__ = (
        "_answered",
        "_clock",
        "_end",
        "_event",
        "_head",
        "_more",
        "_node",
        "_state",
        "_text",
        "_to",
        "_undrained",
        "_undrained_state",
        "_writer",
        "draining",
        "seq",
        "texts",
    )

    def __init__(self, node: Node, to: To, seq: int, clock: Clock | None) -> None:
        self._node = node
        self._writer = to if isinstance(to, SegmentWriter) else None
        self._to: Callable[[bytes], object] = to.write if isinstance(to, SegmentWriter) else to
        self._clock = clock
        self.texts: Final = Texts()
        self.seq = to.next_seq if isinstance(to, SegmentWriter) else seq
        """The number of the next record."""
        self.draining = False
        """Whether an action has been taken, and the drain has not ended."""
        self._head: Final = f'{{"node":{node.id},"seq":'
        self._event = EVENT  # what comes between a record's number and its event
        self._text = ""  # the latest input's record so far; "" once it was handed over
        self._more = BEGIN  # what comes before its next action
        self._end = NO_ACTIONS  # what comes after its last one
        self._answered = 0  # the number of the message that it was
        self._state: State | None = None  # as the record before showed it; None: show all of it
        # The latest input's record as it is to be handed over if the next one is taken.
        self._undrained = b""
        self._undrained_state: State | None = None

    @property
    def next_seq(self) -> int:
        """The number after that of the last record that was handed over."""
        return self.seq - 1 if self._text else self.seq

    def before(self, kind: str) -> None:
        """The node is about to be given an input of this kind, which it may not take.

        Raises `RecorderError` within a drain.
        """
        if self.draining:
            raise RecorderError(
                f"node {self._node.id} was given an input ({kind}) within a drain: the end of the "
                "drain was expected first"
            )
        if self._text:
            self._undrained_state = state = State(self._node, self._state, self._answered)
            self._undrained = self._line(self._text, "", state)
        if self._clock is not None:
            self._event = f',"time":{self._clock()}{EVENT}'

    def took(self, event: str, outcome: str) -> None:
        """The node has taken the input: it is the latest now, and the one before was not drained.

        After a refusal, too: that is an event like any other.  `event`, and `outcome`, which is
        what the caller is told, are JSON.
        """
        text = f'{self._head}{self.seq}{self._event}{event},"outcome":{outcome}'
        self._took(text, 0)

    def took_message(self, message: Message, outcome: str) -> None:
        """The same of a message."""
        given = self.texts.message(message)
        text = (
            f'{self._head}{self.seq}{self._event}{{"kind":"message","message":{given}}},'
            f'"outcome":{outcome}'
        )
        self._took(text, message.seqno)

    def _took(self, text: str, answered: int) -> None:
        self._text, self._more, self._end, self._answered = text, BEGIN, NO_ACTIONS, answered
        self.seq += 1
        line = self._undrained
        if line:
            self._undrained = b""
            self._state = self._undrained_state
            self._to(line)

    def executing(self, action: Action) -> None:
        """An action is about to be executed."""
        text, more = self._text, self._more
        if not text:
            raise RecorderError(
                f"node {self._node.id} owes {action!r} after no recorded input: it was given one "
                "past its recorder"
            )
        self.draining = True
        if more is BEGIN and isinstance(action, SetElectionTimeout):  # as most drains begin
            self._more, self._end = TIMER_MORE, TIMER_END
        else:
            self._text = self.texts.action(text, more, self._node, action)
            self._more, self._end = ",", "]"

    def drained(self) -> None:
        """The drain has ended."""
        self.draining = False
        self._undrained = b""
        if not self._text:
            return
        self._hand_over(self._end)
        writer = self._writer
        if writer is not None:
            writer.settle()
            if 2 * len(self._node.log.entries) <= MAX_ENTRIES and writer.rotate():
                self.checkpoint()

    def checkpoint(self) -> None:
        """Record all of the node's state: see `RecordedNode.checkpoint`."""
        node = self._node
        if not node._pending.is_empty():
            raise RecorderError(f"node {node.id} owes actions: a checkpoint comes after a drain")
        self.before("checkpoint")
        disk = Disk(node.current_term, node.voted_for, node.log)
        snapshot = object_text(write_checkpoint, Checkpoint.of(node, disk))
        self.took(f'{{"kind":"checkpoint","snapshot":{snapshot}}}', NULL)
        self._state = None
        self._hand_over("")
        if self._writer is not None:
            self._writer.settle()

    def _hand_over(self, end: str) -> None:
        """The latest input's record, with the node's state as it is now."""
        text, self._text = self._text, ""
        state = State(self._node, self._state, self._answered)
        line = self._line(text, end, state)
        self._state = state
        self._to(line)

    def _line(self, text: str, end: str, state: State) -> bytes:
        before = self._state
        shown = state.text(self.texts, before)
        if before is None:
            return f'{text}{end},"state":{{{shown}}}}}\n'.encode()
        return f'{text}{end},"changed":{{{shown}}}}}\n'.encode()
