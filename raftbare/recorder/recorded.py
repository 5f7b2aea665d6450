"""A node that is recorded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, final

from raftbare.action import Action
from raftbare.codec.vocabulary import write_config, write_disk, write_limits, write_position
from raftbare.config import ClusterConfig
from raftbare.error import RaftError
from raftbare.limits import LIMITS, Limits
from raftbare.log import Log
from raftbare.message import Message
from raftbare.node import Node
from raftbare.recorder.reading import Reading
from raftbare.recorder.records import NULL, Clock, Records, To
from raftbare.recorder.sink import fields_text, ids_text, integer_text, object_text
from raftbare.recovery import Disk
from raftbare.types import LogPosition, MessageSeqNo, NodeId, Term

FALSE: Final = "false"
TRUE: Final = "true"


@final
class RecordedNode(Reading):
    """A node each of whose inputs, with the drain that follows it, becomes a line of a recording.

    It has the inputs, the questions and the `actions` of `Node`, and a driver works with either.
    The line is handed over when the drain has ended or, where there was none, with the next input:
    so a node that dies takes one record with it, which no other node can have heard all of.  (A
    `SegmentWriter` writes no line before the next drain has ended.)

    What `to` raises comes out of the input or the drain at hand, which the node has taken all the
    same.  That record is lost, and the recording has to begin anew, in another file.  Stop the
    node, as at an error of its own disk; or see `SegmentWriter` for how to go on unrecorded.

    A record costs some 1.3 microseconds compiled, 9 pure, and 1 more to write to a file by itself:
    several times what the node takes.  Nothing grows with the log but `checkpoint`.
    """

    __slots__ = ("_records", "actions")

    def __init__(self, node: Node, to: To, seq: int, clock: Clock | None) -> None:
        """For `start`, `restart` and `resume`."""
        super().__init__(node)
        self._records = Records(node, to, seq, clock)
        self.actions = RecordedActions(node, self._records)
        """What the node asks its user to do: as `Node.actions`.  Always the same object."""

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
        made._records.before("start")
        made._records.took(_start(limits), NULL)
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
        made._records.before("restart")
        disk = Disk(current_term, voted_for, log)
        made._records.took(_restart(disk, limits), NULL)
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
        self._records.checkpoint()

    @property
    def next_seq(self) -> int:
        """The number after that of the last line that was handed over: for `seq`, where the node is
        brought up again without a `SegmentWriter`.  O(1)."""
        return self._records.next_seq

    # Inputs

    def create_cluster(self, initial_voters: Iterable[NodeId]) -> LogPosition:
        records, voters = self._records, frozenset(initial_voters)
        records.before("create_cluster")
        try:
            position = self.node.create_cluster(voters)
        except RaftError:
            records.took(_create_cluster(voters), NULL)
            raise
        records.took(_create_cluster(voters), records.texts.position(position))
        return position

    def propose_command(self) -> LogPosition:
        records = self._records
        records.before("propose_command")
        try:
            position = self.node.propose_command()
        except RaftError:
            records.took('{"kind":"propose_command"}', NULL)
            raise
        records.took('{"kind":"propose_command"}', records.texts.position(position))
        return position

    def propose_config(self, config: ClusterConfig) -> LogPosition:
        records = self._records
        records.before("propose_config")
        try:
            position = self.node.propose_config(config)
        except RaftError:
            records.took(_propose_config(config), NULL)
            raise
        records.took(_propose_config(config), records.texts.position(position))
        return position

    def heartbeat(self) -> MessageSeqNo:
        records = self._records
        records.before("heartbeat")
        try:
            seqno = self.node.heartbeat()
        except RaftError:
            records.took('{"kind":"heartbeat"}', FALSE)
            raise
        records.took('{"kind":"heartbeat"}', f'{{"seqno":{seqno}}}')
        return seqno

    def step_down(self) -> None:
        self._records.before("step_down")
        try:
            self.node.step_down()
        except RaftError:
            self._records.took('{"kind":"step_down"}', FALSE)
            raise
        self._records.took('{"kind":"step_down"}', TRUE)

    def transfer_leadership(self, to: NodeId) -> None:
        self._records.before("transfer_leadership")
        try:
            self.node.transfer_leadership(to)
        except RaftError:
            self._records.took(_transfer_leadership(to), FALSE)
            raise
        self._records.took(_transfer_leadership(to), TRUE)

    def cancel_transfer(self) -> None:
        self._records.before("cancel_transfer")
        try:
            self.node.cancel_transfer()
        except RaftError:
            self._records.took('{"kind":"cancel_transfer"}', FALSE)
            raise
        self._records.took('{"kind":"cancel_transfer"}', TRUE)

    def handle_timeout_now(self, term: Term) -> None:
        self._records.before("timeout_now")
        self.node.handle_timeout_now(term)
        self._records.took(_timeout_now(term), NULL)

    def handle_election_timeout(self) -> None:
        self._records.before("election_timeout")
        self.node.handle_election_timeout()
        self._records.took('{"kind":"election_timeout"}', NULL)

    def handle_message(self, message: Message) -> None:
        records = self._records
        records.before("message")
        try:
            self.node.handle_message(message)
        except RaftError:
            records.took_message(message, FALSE)
            raise
        records.took_message(message, NULL)

    def handle_snapshot_installed(self, position: LogPosition, config: ClusterConfig) -> None:
        records = self._records
        records.before("snapshot_installed")
        try:
            self.node.handle_snapshot_installed(position, config)
        except RaftError:
            records.took(_snapshot_installed(position, config), FALSE)
            raise
        records.took(_snapshot_installed(position, config), TRUE)


# Events, as JSON


def _start(limits: Limits) -> str:
    return f'{{"kind":"start"{_limits(limits)}}}'


def _restart(disk: Disk, limits: Limits) -> str:
    return f'{{"kind":"restart",{fields_text(write_disk, disk)}{_limits(limits)}}}'


def _limits(limits: Limits) -> str:
    return "" if limits == LIMITS else f',"limits":{object_text(write_limits, limits)}'


def _create_cluster(voters: frozenset[NodeId]) -> str:
    return f'{{"kind":"create_cluster","voters":{ids_text("voters", voters)}}}'


def _propose_config(config: ClusterConfig) -> str:
    return f'{{"kind":"propose_config","config":{object_text(write_config, config)}}}'


def _transfer_leadership(to: NodeId) -> str:
    return f'{{"kind":"transfer_leadership","to":{integer_text("to", to)}}}'


def _timeout_now(term: Term) -> str:
    return f'{{"kind":"timeout_now","term":{integer_text("term", term)}}}'


def _snapshot_installed(position: LogPosition, config: ClusterConfig) -> str:
    at, members = object_text(write_position, position), object_text(write_config, config)
    return f'{{"kind":"snapshot_installed","position":{at},"config":{members}}}'


@final
class RecordedActions:
    """`Actions` of a node that is recorded: the same, and each action that is taken is noted."""

    __slots__ = ("_node", "_records")

    def __init__(self, node: Node, records: Records) -> None:
        self._node = node
        self._records = records

    def __bool__(self) -> bool:
        records = self._records
        if not records.draining and not self._node._pending.is_empty():
            return True  # nobody has begun to drain
        records.draining = True
        if self._node.actions:
            return True
        records.drained()
        return False

    def __iter__(self) -> Iterator[Action]:
        records = self._records
        for action in self._node.actions.__iter__():
            records.executing(action)
            yield action
        records.drained()

    def __next__(self) -> Action:
        for action in self._node.actions:
            self._records.executing(action)
            return action
        self._records.drained()
        raise StopIteration

    def __repr__(self) -> str:
        return f"Recorded{self._node.actions!r}"
