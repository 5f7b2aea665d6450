"""What a node tells of itself: to who takes a read, and to logs and metrics.

Plain values, as of the moment at which they were made: they do not change when the node does.
"""

from __future__ import annotations

from enum import Enum
from typing import ClassVar, final

from raftbare.arguments import checked, natural
from raftbare.config import ClusterConfig
from raftbare.types import LogIndex, LogPosition, MessageSeqNo, NodeId, Role, Term, Value


@final
class ReadIndex(Value):
    """A linearizable read that a leader took (§8; dissertation, §6.4); see `Node.read_index`.

    - `term`: the leader's, in which alone it may be confirmed.
    - `seqno`: a quorum has to answer a call with this number or a higher one.
    - `index`: what the state machine has to have applied.
    """

    __slots__ = ("index", "seqno", "term")
    __match_args__: ClassVar = ("term", "seqno", "index")

    def __init__(self, term: Term, seqno: MessageSeqNo, index: LogIndex) -> None:
        natural("term", term)
        natural("seqno", seqno)
        natural("index", index)
        self.term = term
        self.seqno = seqno
        self.index = index


class MemberState(Enum):
    """How a leader brings a member its log."""

    REPLICATE = "replicate"
    """Calls follow one another, as many as `Limits` allow."""

    PROBE = "probe"
    """It refused a call: it is sent one at a time, until it accepts one."""

    SNAPSHOT = "snapshot"
    """What it lacks is compacted: it needs the snapshot."""

    def __repr__(self) -> str:
        return f"MemberState.{self.name}"


@final
class MemberProgress(Value):
    """What a leader knows of another member.

    - `match_index`: it holds the leader's log up to there, durably.
    - `next_index`: the first entry that it was not sent.
    - `answered`: the largest number of a call of this term that it answered; 0: none.
    - `state`: how it is brought what it lacks.
    """

    __slots__ = ("answered", "match_index", "next_index", "state")
    __match_args__: ClassVar = ("match_index", "next_index", "answered", "state")

    def __init__(
        self,
        match_index: LogIndex,
        next_index: LogIndex,
        answered: MessageSeqNo,
        state: MemberState,
    ) -> None:
        self.match_index = match_index
        self.next_index = next_index
        self.answered = answered
        self.state = state


@final
class Counters(Value):
    """What a node has done since it came up.  Nothing depends on it.

    - `elections`: begun; `leaderships`: won.
    - `calls`: made, a broadcast being one; `entries`: in those of a leader.
    - `refusals`: of its calls, by followers that lacked what came before.
    - `snapshots`: asked of the user, for others.
    - `late_replies`: ignored, of an earlier term or role; `from_strangers`: replies of nodes that
      are no members; `from_itself`: messages that it had sent itself (D8).
    """

    __slots__ = (
        "calls",
        "elections",
        "entries",
        "from_itself",
        "from_strangers",
        "late_replies",
        "leaderships",
        "refusals",
        "snapshots",
    )
    __match_args__: ClassVar = (
        "elections",
        "leaderships",
        "calls",
        "entries",
        "refusals",
        "snapshots",
        "late_replies",
        "from_strangers",
        "from_itself",
    )

    def __init__(
        self,
        elections: int = 0,
        leaderships: int = 0,
        calls: int = 0,
        entries: int = 0,
        refusals: int = 0,
        snapshots: int = 0,
        late_replies: int = 0,
        from_strangers: int = 0,
        from_itself: int = 0,
    ) -> None:
        self.elections = elections
        self.leaderships = leaderships
        self.calls = calls
        self.entries = entries
        self.refusals = refusals
        self.snapshots = snapshots
        self.late_replies = late_replies
        self.from_strangers = from_strangers
        self.from_itself = from_itself

    def copy(self) -> Counters:
        """As they are now.  O(1)."""
        return Counters(*[getattr(self, name) for name in self.__match_args__])


@final
class Status(Value):
    """All that a log or a dashboard shows of a node; see the properties of `Node`."""

    __slots__ = (
        "commit_index",
        "config",
        "confirmed",
        "counters",
        "current_term",
        "id",
        "last_position",
        "leader",
        "progress",
        "role",
        "snapshot_position",
        "transfer_target",
        "voted_for",
    )
    __match_args__: ClassVar = (
        "id",
        "role",
        "current_term",
        "voted_for",
        "leader",
        "config",
        "commit_index",
        "last_position",
        "snapshot_position",
        "confirmed",
        "transfer_target",
        "progress",
        "counters",
    )

    def __init__(
        self,
        id: NodeId,  # noqa: A002  # as the field is called
        role: Role,
        current_term: Term,
        voted_for: NodeId | None,
        leader: NodeId | None,
        config: ClusterConfig,
        commit_index: LogIndex,
        last_position: LogPosition,
        snapshot_position: LogPosition,
        confirmed: MessageSeqNo,
        transfer_target: NodeId | None,
        progress: dict[NodeId, MemberProgress],
        counters: Counters,
    ) -> None:
        self.id = id
        self.role = role
        self.current_term = current_term
        self.voted_for = voted_for
        self.leader = leader
        self.config = config
        self.commit_index = commit_index
        self.last_position = last_position
        self.snapshot_position = snapshot_position
        self.confirmed = confirmed
        self.transfer_target = transfer_target
        self.progress = progress
        self.counters = counters


for _kind in (MemberProgress, Counters, Status):
    checked(_kind, "__init__")
