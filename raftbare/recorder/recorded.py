"""A node that is recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final, TypeAlias, final

from raftbare.action import Action
from raftbare.codec.checkpoint import Checkpoint
from raftbare.codec.forms import MAX_ENTRIES
from raftbare.config import ClusterConfig
from raftbare.error import RaftError
from raftbare.limits import LIMITS, Limits
from raftbare.log import Log
from raftbare.message import Message
from raftbare.node import Node
from raftbare.recorder.line import Line, Shown, position_text
from raftbare.recorder.reading import Reading
from raftbare.recorder.segments import SegmentWriter
from raftbare.recovery import Disk
from raftbare.types import LogPosition, MessageSeqNo, NodeId, Term

Clock: TypeAlias = Callable[[], float]
"""Seconds since any moment."""

To: TypeAlias = Callable[[bytes], object] | SegmentWriter
"""Where lines go, each with its line feed.  A function's files are its own: see
`RecordedNode.checkpoint`."""

NULL: Final = "null"
FALSE: Final = "false"
TRUE: Final = "true"


class RecorderError(Exception):
    """A node was used in a way that no recording can tell.  The caller's fault; nothing was done.

    An input, or a checkpoint, within a drain; a checkpoint of a node that owes actions; or actions
    that no recorded input is the cause of.
    """


@final
class RecordedNode(Reading):
    """A node each of whose inputs, with the drain that follows it, becomes a line of a recording.

    It has the inputs, the questions and the `actions` of `Node`, and a driver works with either.
    The line is handed over when the drain has ended or, where there was none, with the next input:
    so a node that dies takes one record with it, which no other node can have heard all of.

    What `to` raises comes out of the input or the drain at hand, which the node has taken all the
    same.  That record is lost, and the recording has to begin anew, in another file.  Stop the
    node, as at an error of its own disk; or see `SegmentWriter` for how to go on unrecorded.

    A record costs some 4 microseconds compiled, 15 pure, and as much again to write to a file one
    by one: several times what the node itself takes.  Nothing grows with the log but `checkpoint`.
    """

    __slots__ = (
        "_clock",
        "_draining",
        "_line",
        "_seq",
        "_shown",
        "_to",
        "_undrained",
        "_writer",
        "actions",
    )

    def __init__(self, node: Node, to: To, seq: int, clock: Clock | None) -> None:
        """For `start`, `restart` and `resume`."""
        super().__init__(node)
        self.actions = RecordedActions(self)
        """What the node asks its user to do: as `Node.actions`.  Always the same object."""
        self._writer = to if isinstance(to, SegmentWriter) else None
        self._to: Callable[[bytes], object] = to.write if isinstance(to, SegmentWriter) else to
        self._seq = to.next_seq if isinstance(to, SegmentWriter) else seq
        self._clock = clock
        self._shown = Shown()
        self._line: Line | None = None  # of the latest input, until it is handed over
        self._draining = False  # an action has been taken, and the drain has not ended
        self._undrained: tuple[bytes, Shown] | None = None
        """The line of the latest input as it is to be handed over if the next one is taken, and
        what it shows."""

    # Coming up

    @classmethod
    def start(
        cls,
        node_id: NodeId,
        *,
        to: To,
        limits: Limits = LIMITS,
        seq: int = 1,
        clock: Clock | None = None,
    ) -> RecordedNode:
        """`Node.start`, recorded.

        - `seq`: the number of the first record: one more than that of the last in the files before,
          of which a `SegmentWriter` knows by itself.
        - `clock`: for the `time` of the records, which is for people; without one they have none.
        """
        made = RecordedNode(Node.start(node_id, limits=limits), to, seq, clock)
        line = made._begin("start")
        line.limits(limits)
        made._told(line, NULL)
        return made

    @classmethod
    def restart(
        cls,
        node_id: NodeId,
        *,
        current_term: Term,
        voted_for: NodeId | None,
        log: Log,
        to: To,
        limits: Limits = LIMITS,
        seq: int = 1,
        clock: Clock | None = None,
    ) -> RecordedNode:
        """`Node.restart`, recorded; `seq` and `clock` as with `start`.

        Raises `CodecError` for a log of more than 2**24 entries after its snapshot, besides what
        `Node.restart` does.
        """
        node = Node.restart(
            node_id, current_term=current_term, voted_for=voted_for, log=log, limits=limits
        )
        made = RecordedNode(node, to, seq, clock)
        line = made._begin("restart")
        line.disk(Disk(current_term, voted_for, log))
        line.limits(limits)
        made._told(line, NULL)
        return made

    @classmethod
    def resume(
        cls, node: Node, *, to: To, seq: int = 1, clock: Clock | None = None
    ) -> RecordedNode:
        """A node that runs, from here on recorded: `checkpoint` is its first record.

        Go on with `RecordedNode.node` to record no more.
        """
        made = RecordedNode(node, to, seq, clock)
        made.checkpoint()
        return made

    def checkpoint(self) -> None:
        """Record all of the node's state: a file that begins so is judged without those before it.

        For who writes files of his own: after a drain, begin the next file with the `header`, then
        call this.  A `SegmentWriter` has it done when a segment is full.  What the disk holds is
        taken from the node, which has saved all when it owes nothing.

        Raises `RecorderError` within a drain and where the node owes actions, and `CodecError` for
        a log of more than 2**23 entries after its snapshot.  O(runs + members).
        """
        node = self.node
        if not node._pending.is_empty():
            raise RecorderError(f"node {node.id} owes actions: a checkpoint comes after a drain")
        line = self._begin("checkpoint")
        disk = Disk(node.current_term, node.voted_for, node.log)
        line.snapshot(Checkpoint.of(node, disk))
        self._told(line, NULL)
        self._line = None
        self._to(line.ended(node, self._shown))

    @property
    def next_seq(self) -> int:
        """The number after that of the last line that was handed over: for `seq`, where the node is
        brought up again without a `SegmentWriter`.  O(1)."""
        return self._seq if self._line is None else self._seq - 1

    # Inputs

    def create_cluster(self, initial_voters: Iterable[NodeId]) -> LogPosition:
        line, voters = self._begin("create_cluster"), frozenset(initial_voters)
        try:
            position = self.node.create_cluster(voters)
        except RaftError:
            line.voters(voters)
            self._told(line, NULL)
            raise
        line.voters(voters)
        self._told(line, position_text(position))
        return position

    def propose_command(self) -> LogPosition:
        line = self._begin("propose_command")
        try:
            position = self.node.propose_command()
        except RaftError:
            self._told(line, NULL)
            raise
        self._told(line, position_text(position))
        return position

    def propose_config(self, config: ClusterConfig) -> LogPosition:
        line = self._begin("propose_config")
        try:
            position = self.node.propose_config(config)
        except RaftError:
            line.config(config)
            self._told(line, NULL)
            raise
        line.config(config)
        self._told(line, position_text(position))
        return position

    def heartbeat(self) -> MessageSeqNo:
        line = self._begin("heartbeat")
        try:
            seqno = self.node.heartbeat()
        except RaftError:
            self._told(line, FALSE)
            raise
        self._told(line, f'{{"seqno":{seqno}}}')
        return seqno

    def step_down(self) -> None:
        line = self._begin("step_down")
        try:
            self.node.step_down()
        except RaftError:
            self._told(line, FALSE)
            raise
        self._told(line, TRUE)

    def transfer_leadership(self, to: NodeId) -> None:
        line = self._begin("transfer_leadership")
        try:
            self.node.transfer_leadership(to)
        except RaftError:
            line.integer("to", to)
            self._told(line, FALSE)
            raise
        line.integer("to", to)
        self._told(line, TRUE)

    def cancel_transfer(self) -> None:
        line = self._begin("cancel_transfer")
        try:
            self.node.cancel_transfer()
        except RaftError:
            self._told(line, FALSE)
            raise
        self._told(line, TRUE)

    def handle_timeout_now(self, term: Term) -> None:
        line = self._begin("timeout_now")
        self.node.handle_timeout_now(term)
        line.integer("term", term)
        self._told(line, NULL)

    def handle_election_timeout(self) -> None:
        line = self._begin("election_timeout")
        self.node.handle_election_timeout()
        self._told(line, NULL)

    def handle_message(self, message: Message) -> None:
        line = self._begin("message")
        try:
            self.node.handle_message(message)
        except RaftError:
            line.message(message)
            self._told(line, FALSE)
            raise
        line.message(message)
        self._told(line, NULL)

    def handle_snapshot_installed(self, position: LogPosition, config: ClusterConfig) -> None:
        line = self._begin("snapshot_installed")
        try:
            self.node.handle_snapshot_installed(position, config)
        except RaftError:
            line.position(position)
            line.config(config)
            self._told(line, FALSE)
            raise
        line.position(position)
        line.config(config)
        self._told(line, TRUE)

    # Records

    def _begin(self, kind: str) -> Line:
        """The record of an input that the node has not been given yet, and may not take."""
        if self._draining:
            raise RecorderError(
                f"node {self.node.id} was given an input ({kind}) within a drain: the end of the "
                "drain was expected first"
            )
        latest = self._line
        self._undrained = None
        if latest is not None:
            shown = self._shown.copy()
            self._undrained = latest.ended(self.node, shown), shown
        time = None if self._clock is None else self._clock()
        return Line(self.node.id, self._seq, time, kind)

    def _told(self, line: Line, outcome: str) -> None:
        """The node has taken the input: it is the latest now, and the one before was not drained.

        After a refusal, too: that is an event like any other.
        """
        line.outcome(outcome)
        self._line = line
        self._seq += 1
        if self._undrained is not None:
            data, self._shown = self._undrained
            self._undrained = None
            self._to(data)

    def _take(self, action: Action) -> None:
        """An action is about to be executed."""
        line = self._line
        if line is None:
            raise RecorderError(
                f"node {self.node.id} owes {action!r} after no recorded input: it was given one "
                "past its recorder"
            )
        if not line.drained:
            line.drain()
        self._draining = True
        line.action(self.node, action)

    def _drained(self) -> None:
        """The drain has ended."""
        line = self._line
        self._draining = False
        if line is None:
            return
        if not line.drained:
            line.drain()
        self._line = None
        self._to(line.ended(self.node, self._shown))
        writer = self._writer
        if writer is not None and 2 * len(self.node.log.entries) <= MAX_ENTRIES and writer.rotate():
            self.checkpoint()


@final
class RecordedActions:
    """`Actions` of a node that is recorded: the same, and each action that is taken is noted."""

    __slots__ = ("_recorded",)

    def __init__(self, recorded: RecordedNode) -> None:
        self._recorded = recorded

    def __bool__(self) -> bool:
        recorded = self._recorded
        if not recorded._draining and not recorded.node._pending.is_empty():
            return True  # nobody has begun to drain
        recorded._draining = True
        if recorded.node.actions:
            return True
        recorded._drained()
        return False

    def __iter__(self) -> Iterator[Action]:
        recorded = self._recorded
        for action in recorded.node.actions:
            recorded._take(action)
            yield action
        recorded._drained()

    def __next__(self) -> Action:
        recorded = self._recorded
        for action in recorded.node.actions:
            recorded._take(action)
            return action
        recorded._drained()
        raise StopIteration

    def __repr__(self) -> str:
        return f"Recorded{self._recorded.node.actions!r}"
