"""What a node may be asked: every question changes nothing.

§ is a section of the Raft paper (Ongaro and Ousterhout, extended version); "dissertation" is
Ongaro, "Consensus: Bridging Theory and Practice".  D1 to D9 are this library's decisions;
`docs/decisions.md` in its repository lists them.
"""

from __future__ import annotations

from raftbare.arguments import checked
from raftbare.config import ClusterConfig
from raftbare.error import NotLeaderError
from raftbare.limits import Limits
from raftbare.log import Log
from raftbare.message import Message, MessageHeader, RequestVoteCall
from raftbare.quorum import answered_by_majority
from raftbare.role import Follower, Leader
from raftbare.rules import Rules
from raftbare.status import MemberProgress, MemberState, ReadIndex, Status
from raftbare.types import CommitStatus, LogIndex, LogPosition, MessageSeqNo, NodeId, Role, Term


class Questions(Rules):
    """The part of `Node` that reads: its state, and what follows from it for the user.

    Complexities are in the terms of `Node`.
    """

    __slots__ = ()

    @property
    def limits(self) -> Limits:
        """What the node was told to keep to while it leads."""
        return self._limits

    @property
    def id(self) -> NodeId:
        """The node's name.  O(1), as all properties are that say nothing else."""
        return self._id

    @property
    def role(self) -> Role:
        """Follower, candidate or leader in the current term (§5.1)."""
        return self._role.role

    @property
    def current_term(self) -> Term:
        """The latest term that the node has seen (§5.1).  Never falls."""
        return self._current_term

    @property
    def voted_for(self) -> NodeId | None:
        """Whom the node voted for in the current term.  Cleared only by a new term (D3)."""
        return self._voted_for

    @property
    def leader(self) -> NodeId | None:
        """Who leads the current term, as far as the node knows; None where it knows nobody."""
        role = self._role
        if isinstance(role, Follower):
            return role.leader
        return self._id if isinstance(role, Leader) else None

    @property
    def log(self) -> Log:
        """The node's log: a live view, for reading only."""
        return self._log

    @property
    def commit_index(self) -> LogIndex:
        """Up to where the log is known to be committed.  Never falls; at least the snapshot's."""
        return self._commit_index

    @property
    def config(self) -> ClusterConfig:
        """The configuration in force: the last in the log, committed or not (§6)."""
        return self._log.latest_config

    @property
    def peers(self) -> tuple[NodeId, ...]:
        """The other members of the cluster, in ascending order: where a broadcast goes.

        O(1) for a leader, O(members) for the others.
        """
        role = self._role
        if isinstance(role, Leader):
            return role.peers
        return tuple([node_id for node_id in self.config.unique_nodes() if node_id != self._id])

    def get_commit_status(self, position: LogPosition) -> CommitStatus:
        """What is known of the proposal that got `position`, on whichever node.

        `UNKNOWN` where a snapshot has replaced the place: ask before compacting, or look at what
        was applied.  O(log runs).  Raises nothing.
        """
        entries = self._log.entries
        if position.index < entries.prev_position.index:
            return CommitStatus.UNKNOWN
        if position.index <= self._commit_index:
            found = entries.contains(position)
            return CommitStatus.COMMITTED if found else CommitStatus.REJECTED
        if position.term < entries._term(self._commit_index):
            return CommitStatus.REJECTED
        return CommitStatus.IN_PROGRESS

    def get_change_status(self, position: LogPosition) -> CommitStatus:
        """What has become of the change of membership whose `propose_config` returned `position`.

        As `get_commit_status`, but `COMMITTED` only where the change is complete: of voters, when
        the final configuration is committed too (§6).  Only then may a node that it removes be
        switched off, the leader included.  `UNKNOWN` once the place is compacted: ask before that.
        On whichever node.  O(log runs + configurations in the log).  Raises nothing.
        """
        status = self.get_commit_status(position)
        if not status.is_committed:
            return status
        found = self._log.get_position_and_config(position.index)
        if found is None or not found[1].is_joint_consensus:
            return status
        at = self._log.entries._configs.at
        complete = any(position.index < index <= self._commit_index for index in at)
        return CommitStatus.COMMITTED if complete else CommitStatus.IN_PROGRESS

    # Reads, §8

    def read_index(self) -> ReadIndex | None:
        """Take a linearizable read (§8; dissertation, §6.4); see the package docstring's step 4.

        The read is served from a state machine that has applied `read.index`, once `is_confirmed`.
        Any number of reads is confirmed by one round of calls: the next ones after this.  Propose
        something or call `heartbeat`, or wait for the next heartbeat.

        None where the leader has not committed an entry of its own term yet: try again when
        `commit_index` has risen.  Raises `NotLeaderError`, which names the leader.  O(log runs).
        """
        if not isinstance(self._role, Leader):
            raise self._not_leader("a read is asked for")
        if self._log.entries._term(self._commit_index) != self._current_term:
            return None
        return ReadIndex(self._current_term, MessageSeqNo(self._seqno + 1), self._commit_index)

    def is_confirmed(self, read: ReadIndex) -> bool:
        """Whether it is known that this node led when it took the read, as nobody else did since.

        Raises `NotLeaderError` where it does not lead the read's term any more: the read will never
        be confirmed.  O(voters log voters).
        """
        if not isinstance(self._role, Leader) or read.term != self._current_term:
            raise self._not_leader(f"a read of term {read.term} is asked for")
        return read.seqno <= self.confirmed

    @property
    def confirmed(self) -> MessageSeqNo:
        """A leader's largest call number that a quorum has answered a call of its term with, or one
        above it, itself included; 0 for the others.

        If it is still below a number that `heartbeat` returned an election timeout ago, the leader
        is cut off: `step_down` (dissertation, §6.2).  O(voters log voters).
        """
        role = self._role
        if not isinstance(role, Leader):
            return MessageSeqNo(0)
        config, own = self.config, MessageSeqNo(self._seqno + 1)
        number = answered_by_majority(config.voters, role.followers, own)
        if config.is_joint_consensus:
            number = min(number, answered_by_majority(config.new_voters, role.followers, own))
        return number

    # Elections

    def pre_vote_call(self) -> RequestVoteCall | None:
        """What this node would ask the others if its timer ran out now; None if it would not.

        With pre-vote (dissertation, §9.6) the user sends this first, as a message of its own, and
        calls `handle_election_timeout` only if a quorum of `config` answers that it
        `would_vote`, this node included.  Who is in a later term says so, and is asked for the term
        after that next time.  O(configurations in the log that are not committed).
        """
        if isinstance(self._role, Leader) or not self._may_campaign():
            return None
        header = MessageHeader(self._id, Term(self._current_term + 1), MessageSeqNo(0))
        return RequestVoteCall(header, self._log.last_position)

    def would_vote(self, call: RequestVoteCall) -> bool:
        """Whether `handle_message(call)` would grant the vote (dissertation, §9.6).

        A user who answers pre-votes says no also where `could_be_disruptive(call)` and the leader
        has been heard from within the shortest election timeout.  O(1).  Raises nothing.
        """
        if call.sender == self._id or call.term < self._current_term:
            return False
        if call.term == self._current_term and self._voted_for not in (None, call.sender):
            return False
        return call.last_position >= self._log.last_position

    def could_be_disruptive(self, message: Message) -> bool:
        """Whether the message asks for a vote although this node knows a leader (D7).

        Such a message is handled as §5.2 says.  A user whose driver knows that the leader is
        alive may drop it instead (§6, last paragraph): a removed node may have sent it.  Whoever
        drops messages must let a leader step down that a quorum does not answer (`confirmed`), or a
        leader that only a minority hears may be kept for ever.  False where the leader itself wants
        to be replaced (`transfer_leadership`).  Changes nothing.  O(1).  Raises nothing.
        """
        if not isinstance(message, RequestVoteCall) or message.transfer:
            return False
        if message.term <= self._current_term:
            return False
        leader = self.leader
        return leader is not None and leader != message.sender

    @property
    def transfer_target(self) -> NodeId | None:
        """To whom a leader hands over (`Node.transfer_leadership`); None if it does not."""
        role = self._role
        return role.transfer if isinstance(role, Leader) else None

    # For people, and metrics

    @property
    def progress(self) -> dict[NodeId, MemberProgress]:
        """What a leader knows of each other member, in ascending order; empty for the others.

        A copy, as of now.  O(members).
        """
        role, entries = self._role, self._log.entries
        if not isinstance(role, Leader):
            return {}
        following, snapshot = entries.last_position.index + 1, entries.prev_position.index
        shown: dict[NodeId, MemberProgress] = {}
        for node_id, one in role.followers.items():
            next_index = LogIndex(following) if one.next_index is None else one.next_index
            state = MemberState.PROBE if one.probing else MemberState.REPLICATE
            if next_index <= snapshot:
                state = MemberState.SNAPSHOT
            shown[node_id] = MemberProgress(one.match_index, next_index, one.answered, state)
        return shown

    def status(self) -> Status:
        """All that a log or a dashboard shows of the node, as of now.  O(members)."""
        return Status(
            self._id,
            self.role,
            self._current_term,
            self._voted_for,
            self.leader,
            self.config,
            self._commit_index,
            self._log.last_position,
            self._log.snapshot_position,
            self.confirmed,
            self.transfer_target,
            self.progress,
            self._counters.copy(),
        )

    def _not_leader(self, what: str) -> NotLeaderError:
        leader = self.leader
        hint = "none is known" if leader is None else f"node {leader} is known to be it"
        message = f"{what} of node {self._id}, a {self.role.value}: the leader was expected, {hint}"
        return NotLeaderError(message, leader)


checked(
    Questions,
    *("get_commit_status", "get_change_status", "is_confirmed"),
    *("would_vote", "could_be_disruptive"),
)
