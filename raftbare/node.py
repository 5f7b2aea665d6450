"""One node: every input it may be given, and the rule that answers it.

§ is a section of the Raft paper (Ongaro and Ousterhout, extended version), Figure 2 its summary.
D1 to D9 are this library's decisions; the package's docstring lists them.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import final

from raftbare.config import ClusterConfig
from raftbare.entries import LogEntries
from raftbare.error import (
    ClusterExistsError,
    InvalidConfigError,
    InvalidSnapshotError,
    InvariantError,
    NotLeaderError,
)
from raftbare.log import Log
from raftbare.message import AppendEntriesCall, AppendEntriesReply, Message, RequestVoteCall
from raftbare.role import Candidate, Follower, Leader
from raftbare.rules import Rules
from raftbare.types import CommitStatus, LogIndex, LogPosition, NodeId, Role, Term


@final
class Node(Rules):
    """A node of a Raft cluster, without any I/O of its own.

    Made by `Node.start` or `Node.restart`.  Every input changes its state and adds to `actions`,
    which the user executes; the package's docstring states the user's obligations.  An input that
    raises a `RaftError` has changed nothing.
    """

    __slots__ = ()

    # Coming up

    @classmethod
    def start(cls, node_id: NodeId) -> Node:
        """A node that has never run before: a follower without a log, a term or a cluster.

        It waits to be reached by a leader, or for `create_cluster`.
        """
        return Node(node_id, Term(0), None, Log(ClusterConfig(), LogEntries(LogPosition.ZERO)))

    @classmethod
    def restart(
        cls, node_id: NodeId, *, current_term: Term, voted_for: NodeId | None, log: Log
    ) -> Node:
        """A node that comes up again with what its disk holds (§5.1, Figure 2).  O(runs).

        The log is copied.  Raises `InvariantError` where log and term cannot have been written
        together: a lost term would let the node vote twice.
        """
        entries = log.entries
        terms = [entries.prev_position.term, *entries._terms.values, current_term]
        for earlier, later in pairwise(terms):
            if later < earlier:
                raise InvariantError(
                    f"term {later} after term {earlier} on the disk of node {node_id}: terms never "
                    f"fall in a log, nor is the current one ({current_term}) below them"
                )
        node = Node(node_id, current_term, voted_for, log.copy())
        node._pending.set_election_timeout = True
        return node

    # Reading

    @property
    def id(self) -> NodeId:
        return self._id

    @property
    def role(self) -> Role:
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
        """Who leads the current term, as far as the node knows."""
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
        """The other members of the cluster, in ascending order: where a broadcast goes."""
        role = self._role
        if isinstance(role, Leader):
            return role.peers
        return tuple([node_id for node_id in self.config.unique_nodes() if node_id != self._id])

    def get_commit_status(self, position: LogPosition) -> CommitStatus:
        """What is known of the proposal that got this position.  O(log runs)."""
        entries = self._log.entries
        if position.index < entries.prev_position.index:
            return CommitStatus.UNKNOWN
        if position.index <= self._commit_index:
            found = entries.contains(position)
            return CommitStatus.COMMITTED if found else CommitStatus.REJECTED
        if position.term < entries._term(self._commit_index):
            return CommitStatus.REJECTED
        return CommitStatus.IN_PROGRESS

    def could_be_disruptive(self, message: Message) -> bool:
        """Whether the message asks for a vote although this node knows a leader (D7).

        Such a message is handled as §5.2 says.  A user whose driver knows that the leader is
        alive may drop it instead (§6, last paragraph): a removed node may have sent it.
        """
        if not isinstance(message, RequestVoteCall) or message.term <= self._current_term:
            return False
        leader = self.leader
        return leader is not None and leader != message.sender

    # Inputs

    def create_cluster(self, initial_voters: Iterable[NodeId]) -> LogPosition:
        """Begin a cluster: a configuration at index 1 in term 0, and an election.

        Call it on one node of the new cluster only; the others are just started, and stay empty
        until the first leader brings them that entry.  Returns the entry's position.

        Raises `ClusterExistsError` where the node has a log or a configuration, and
        `InvalidConfigError` where it is none of the voters.
        """
        config = ClusterConfig(initial_voters)
        entries = self._log.entries
        if entries.last_position != LogPosition.ZERO or self.config.unique_nodes():
            raise ClusterExistsError(
                f"node {self._id} has a log up to {entries.last_position!r} and {self.config!r}: "
                "a node without either was expected"
            )
        if self._id not in config.voters:
            raise InvalidConfigError(
                f"node {self._id} creates a cluster of {sorted(config.voters)}: "
                "one that it is a voter of was expected"
            )
        self._pending.append_after = LogPosition.ZERO
        position = entries._push_config(config)
        self._start_election()
        return position

    def propose_command(self) -> LogPosition:
        """Append a command to the cluster's log (§5.3).  O(1), however long the log.

        Returns the position that it has once it is committed; see `get_commit_status`.
        Raises `NotLeaderError`, which names the leader.
        """
        role = self._role
        if not isinstance(role, Leader):
            raise self._not_leader("a command is proposed")
        prev = self._log.entries.last_position
        position = self._log.entries._push_command()
        self._replicate(role, prev)
        return position

    def propose_config(self, config: ClusterConfig) -> LogPosition:
        """Append a configuration, in force at once (§6).  Returns its position.

        Voters are changed by a joint one (`ClusterConfig.to_joint_consensus`); once that is
        committed, the leader appends the final one by itself.  Non-voters are changed directly.

        Raises `NotLeaderError`, and `InvalidConfigError` where the voters are others than now,
        a node is both voter and non-voter, or another change of voters is in progress.
        """
        role = self._role
        if not isinstance(role, Leader):
            raise self._not_leader("a configuration is proposed")
        now = self.config
        if config.voters != now.voters:
            raise InvalidConfigError(
                f"{config!r} does not have the voters that are in force, {sorted(now.voters)}: "
                "they change through new_voters only"
            )
        both = (config.voters | config.new_voters) & config.non_voters
        if both:
            raise InvalidConfigError(
                f"{config!r} has {sorted(both)} as voters and non-voters: one of these was expected"
            )
        if now.is_joint_consensus:
            raise InvalidConfigError(f"another change of voters is in progress: {now!r}")
        return self._append_config(role, config)

    def heartbeat(self) -> None:
        """Let a leader show that it is alive (§5.2), and ask the others to confirm that it leads.

        Raises `NotLeaderError`, which names the leader.
        """
        role = self._role
        if not isinstance(role, Leader):
            raise self._not_leader("a heartbeat is asked for")
        pending = self._pending
        pending.set_election_timeout = True
        if role.followers:
            pending.broadcast = self._call(pending.broadcast, self._log.entries.last_position)

    def handle_election_timeout(self) -> None:
        """The timer has run out.

        A follower or candidate that is a voter starts an election; a leader shows that it is
        alive (§5.2).
        """
        if isinstance(self._role, Leader):
            self.heartbeat()
        else:
            self._start_election()

    def handle_message(self, message: Message) -> None:
        """A message has arrived.  O(runs in the message), O(log runs) of the log.

        A higher term is taken over first (§5.1); then the message's own rule decides.  Messages
        may come late, twice, in any order or not at all.

        Raises `InvariantError` where a leader contradicts committed entries (D9) or another one of
        its term.
        """
        if message.sender == self._id:
            return  # D8
        if isinstance(message, AppendEntriesCall):
            self._handle_append_entries_call(message)
            return
        if message.term > self._current_term:
            self._step_down(message.term)
        if isinstance(message, AppendEntriesReply):
            self._handle_append_entries_reply(message)
        elif isinstance(message, RequestVoteCall):
            self._handle_request_vote_call(message)
        else:
            self._handle_request_vote_reply(message)

    def handle_snapshot_installed(self, position: LogPosition, config: ClusterConfig) -> None:
        """A snapshot up to `position` is durable, where `config` was in force (§7).  O(runs kept).

        Either the user has compacted the log, up to an index that is committed, with what
        `Log.get_position_and_config` says of it; or the leader's snapshot has been installed.
        What the snapshot covers is committed (D4).  A candidate that takes a leader's snapshot
        campaigns no longer: its votes were not asked for under the configuration that it now has.

        Raises `InvalidSnapshotError` where that cannot be, and while `SaveCurrentTerm` is owed: a
        crash would leave a log that may be ahead of the saved term, by which it was committed.
        """
        if self._pending.save_current_term:
            raise InvalidSnapshotError(
                f"a snapshot at {position!r} while term {self._current_term} is yet to be saved: "
                "a drain was expected first"
            )
        entries, leads = self._log.entries, isinstance(self._role, Leader)
        snapshot, committed = entries.prev_position, self._commit_index
        if position.index < snapshot.index:
            raise InvalidSnapshotError(f"{position!r} lies before the snapshot at {snapshot!r}")
        if position.term > self._current_term:
            raise InvalidSnapshotError(
                f"{position!r} is of a later term than the current one, {self._current_term}"
            )
        found = self._log.get_position_and_config(position.index)
        if found is not None and found[0] == position:
            if found[1] != config:
                raise InvalidSnapshotError(
                    f"{config!r} at {position!r}: the log has {found[1]!r} there"
                )
            if position.index > committed and leads:
                raise InvalidSnapshotError(
                    f"{position!r} is not committed, and no one else can know better than the "
                    f"leader: an index up to {committed} was expected"
                )
        elif position.index <= committed:
            raise InvalidSnapshotError(f"another entry than {position!r} is committed there")
        elif leads:
            raise InvalidSnapshotError(f"{position!r} is not in the log of this node, a leader")
        elif position.term < entries._term(committed):
            raise InvalidSnapshotError(
                f"{position!r} is of an earlier term than the entry committed at {committed}"
            )
        if isinstance(self._role, Candidate) and (found is None or found[0] != position):
            self._role = Follower()
        self._log._compact(position, config)
        self._commit_index = max(committed, position.index)
        self._pending.compact(self._log)

    def _not_leader(self, what: str) -> NotLeaderError:
        leader = self.leader
        hint = "none is known" if leader is None else f"node {leader} is known to be it"
        message = f"{what} to node {self._id}, a {self.role.value}: the leader was expected, {hint}"
        return NotLeaderError(message, leader)

    def __repr__(self) -> str:
        return (
            f"<Node {self._id} {self._role!r} current_term={self._current_term} "
            f"voted_for={self._voted_for} commit_index={self._commit_index} {self._log!r}>"
        )
