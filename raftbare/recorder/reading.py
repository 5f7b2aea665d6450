"""What a node may be asked, of one that is recorded: the questions go to the node itself."""

from __future__ import annotations

from raftbare.config import ClusterConfig
from raftbare.limits import Limits
from raftbare.log import Log
from raftbare.message import Message, RequestVoteCall
from raftbare.node import Node
from raftbare.status import MemberProgress, ReadIndex, Status
from raftbare.types import CommitStatus, LogIndex, LogPosition, MessageSeqNo, NodeId, Role, Term


class Reading:
    """The questions of `Node`, by their names; they change nothing, and nothing is recorded."""

    __slots__ = ("node",)

    def __init__(self, node: Node) -> None:
        self.node = node
        """The node itself, for reading only: an input that it is given past the recorder is missing
        in the recording, which then shows what no node may do."""

    @property
    def limits(self) -> Limits:
        return self.node.limits

    @property
    def id(self) -> NodeId:
        return self.node.id

    @property
    def role(self) -> Role:
        return self.node.role

    @property
    def current_term(self) -> Term:
        return self.node.current_term

    @property
    def voted_for(self) -> NodeId | None:
        return self.node.voted_for

    @property
    def leader(self) -> NodeId | None:
        return self.node.leader

    @property
    def log(self) -> Log:
        return self.node.log

    @property
    def commit_index(self) -> LogIndex:
        return self.node.commit_index

    @property
    def config(self) -> ClusterConfig:
        return self.node.config

    @property
    def peers(self) -> tuple[NodeId, ...]:
        return self.node.peers

    def get_commit_status(self, position: LogPosition) -> CommitStatus:
        return self.node.get_commit_status(position)

    def get_change_status(self, position: LogPosition) -> CommitStatus:
        return self.node.get_change_status(position)

    def read_index(self) -> ReadIndex | None:
        return self.node.read_index()

    def is_confirmed(self, read: ReadIndex) -> bool:
        return self.node.is_confirmed(read)

    @property
    def confirmed(self) -> MessageSeqNo:
        return self.node.confirmed

    def pre_vote_call(self) -> RequestVoteCall | None:
        return self.node.pre_vote_call()

    def would_vote(self, call: RequestVoteCall) -> bool:
        return self.node.would_vote(call)

    def could_be_disruptive(self, message: Message) -> bool:
        return self.node.could_be_disruptive(message)

    @property
    def transfer_target(self) -> NodeId | None:
        return self.node.transfer_target

    @property
    def progress(self) -> dict[NodeId, MemberProgress]:
        return self.node.progress

    def status(self) -> Status:
        return self.node.status()
