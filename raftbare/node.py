"""One node: what it may be asked and given, and the rule that answers each input.

§ is a section of the Raft paper (Ongaro and Ousterhout, extended version), Figure 2 its summary.
D1 to D9 are this library's decisions; `docs/decisions.md` in its repository lists them.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import final

from raftbare.config import ClusterConfig
from raftbare.drain import Actions
from raftbare.entries import LogEntries
from raftbare.error import (
    ClusterExistsError,
    InvalidConfigError,
    InvariantError,
    NotLeaderError,
    TooManyUncommittedError,
)
from raftbare.limits import LIMITS, Limits
from raftbare.log import Log
from raftbare.message import AppendEntriesCall, AppendEntriesReply, Message, RequestVoteCall
from raftbare.role import Follower, Leader
from raftbare.rules import Rules
from raftbare.types import CommitStatus, LogIndex, LogPosition, NodeId, Role, Term


@final
class Node(Rules):
    """A node of a Raft cluster, without any I/O of its own.

    Made by `Node.start` or `Node.restart`.  Every input changes its state and adds to `actions`,
    which the user executes; the package's docstring numbers the steps of that loop and states the
    user's obligations.  An input that raises a `RaftError` has changed nothing.

    In complexities, `runs` is the number of terms and configurations that the log has entries of,
    and `members` that of the nodes in the configuration.  No cost depends on a number of commands.
    """

    __slots__ = ("actions",)

    def __init__(
        self,
        node_id: NodeId,
        current_term: Term,
        voted_for: NodeId | None,
        log: Log,
        limits: Limits,
    ) -> None:
        """For `start` and `restart`, which see to it that the arguments fit together."""
        super().__init__(node_id, current_term, voted_for, log, limits)
        self.actions = Actions(self)
        """What the node asks its user to do; always the same object."""

    # Coming up

    @classmethod
    def start(cls, node_id: NodeId, *, limits: Limits = LIMITS) -> Node:
        """A node that has never run before: a follower without a log, a term or a cluster.

        It waits to be reached by a leader, or for `create_cluster`, and owes nothing, not even a
        timer.  `node_id` is its name for ever.  O(1).  Raises nothing.
        """
        log = Log(ClusterConfig(), LogEntries(LogPosition.ZERO))
        return Node(node_id, Term(0), None, log, limits)

    @classmethod
    def restart(
        cls,
        node_id: NodeId,
        *,
        current_term: Term,
        voted_for: NodeId | None,
        log: Log,
        limits: Limits = LIMITS,
    ) -> Node:
        """A node that comes up again with what its disk holds (§5.1, Figure 2).  O(runs).

        - `current_term`, `voted_for`: as the last `SaveCurrentTerm` and `SaveVotedFor` had them;
          0 and None where there was none.
        - `log`: the snapshot's configuration, and the entries after the snapshot.  It is copied.
        - `limits`: what the node keeps to if it leads; they may be others than before.

        Raises `InvariantError` where log and term cannot have been written together: a lost term
        would let the node vote twice.
        """
        entries = log.entries
        terms = [entries.prev_position.term, *entries._terms.values, current_term]
        for earlier, later in pairwise(terms):
            if later < earlier:
                raise InvariantError(
                    f"term {later} after term {earlier} on the disk of node {node_id}: terms never "
                    f"fall in a log, nor is the current one ({current_term}) below them"
                )
        node = Node(node_id, current_term, voted_for, log.copy(), limits)
        node._pending.set_election_timeout = True
        return node

    # Reading

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

    def could_be_disruptive(self, message: Message) -> bool:
        """Whether the message asks for a vote although this node knows a leader (D7).

        Such a message is handled as §5.2 says.  A user whose driver knows that the leader is
        alive may drop it instead (§6, last paragraph): a removed node may have sent it.  Changes
        nothing.  O(1).  Raises nothing.
        """
        if not isinstance(message, RequestVoteCall) or message.term <= self._current_term:
            return False
        leader = self.leader
        return leader is not None and leader != message.sender

    # Inputs

    def create_cluster(self, initial_voters: Iterable[NodeId]) -> LogPosition:
        """Begin a cluster: a configuration at index 1 in term 0, and an election.

        Call it on one node of the new cluster only; the others are just started, and stay empty
        until the first leader brings them that entry.  An only voter leads once it has drained its
        actions.  Returns the entry's position.

        Raises `ClusterExistsError` where the node has a log or a configuration, and
        `InvalidConfigError` where it is none of the voters.  O(voters log voters).
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

        Returns the position that it has if it is committed; see `get_commit_status`.  Keep the
        command's content under it before the next drain, which writes and sends it.

        Raises `NotLeaderError`, which names the leader, and `TooManyUncommittedError` where the log
        has `Limits.uncommitted` entries after the commit index.
        """
        role = self._role
        if not isinstance(role, Leader):
            raise self._not_leader("a command is proposed")
        prev, most = self._log.entries.last_position, self._limits.uncommitted
        if most is not None and prev.index - self._commit_index >= most:
            raise TooManyUncommittedError(
                f"node {self._id} has {prev.index - self._commit_index} entries after its commit "
                f"index {self._commit_index}: fewer than {most} were expected"
            )
        position = self._log.entries._push_command()
        self._replicate(role, prev)
        return position

    def propose_config(self, config: ClusterConfig) -> LogPosition:
        """Append a configuration, in force at once (§6).  Returns its position.

        `config` has the voters of the one in force; other `new_voters` and `non_voters` at will.
        Voters are changed by a joint one (`ClusterConfig.to_joint_consensus`); once that is
        committed, the leader appends the final one by itself.  Non-voters are changed directly.

        Raises `NotLeaderError`, and `InvalidConfigError` where the voters are others than now,
        a node is both voter and non-voter, or another change of voters is in progress.
        O(members log members).
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

        A leader's election timeout does the same; call this to do it at another time.

        Raises `NotLeaderError`, which names the leader.  O(1).
        """
        role = self._role
        if not isinstance(role, Leader):
            raise self._not_leader("a heartbeat is asked for")
        self._pending.set_election_timeout = True
        if role.followers:
            self._pending.broadcast = True

    def handle_election_timeout(self) -> None:
        """The timer that `SetElectionTimeout` asked for has run out.

        A follower or candidate that is a voter starts an election; a leader shows that it is alive
        (§5.2); others do nothing.  The timer is to be set again, whoever it was for.  A call that
        comes late or too often does no harm to safety.

        Raises nothing.  O(voters), and O(configurations in the log that are not committed).
        """
        if isinstance(self._role, Leader):
            self.heartbeat()
        else:
            self._start_election()

    def handle_message(self, message: Message) -> None:
        """A message has arrived.

        A higher term is taken over first (§5.1); then the message's own rule decides.  Messages
        may come late, twice, in any order or not at all.  The node keeps no part of
        `message` that can change.

        Raises `InvariantError` where a leader contradicts committed entries (D9), and where two
        lead one term: this node and the sender, or the sender and whom this node follows.

        Cost, by the message: `AppendEntriesCall` O(log runs + runs in the message + runs dropped),
        times O(log runs) where these overlap with the log's; `AppendEntriesReply` O(log runs + log
        voters), also where the logs differ; `RequestVoteCall` O(1); `RequestVoteReply` O(voters).
        What a reply is answered with is made when it is taken from `actions`.
        """
        if message.sender == self._id:
            return  # D8
        if isinstance(message, AppendEntriesCall):
            self._handle_append_entries_call(message)
            return
        if message.term > self._current_term:
            self._become_follower(message.term)
        if isinstance(message, AppendEntriesReply):
            self._handle_append_entries_reply(message)
        elif isinstance(message, RequestVoteCall):
            self._handle_request_vote_call(message)
        else:
            self._handle_request_vote_reply(message)

    def handle_snapshot_installed(self, position: LogPosition, config: ClusterConfig) -> None:
        """A snapshot up to `position` is durable, where `config` was in force (§7).

        Either the user has compacted the log, up to an index that is committed, with what
        `Log.get_position_and_config` says of it; or the leader's snapshot has been installed.
        What the snapshot covers is committed (D4).  Entries after it stay where the log contains
        `position`; in any other case the log is dropped.

        Raises `InvalidSnapshotError` where that cannot be, and while `SaveCurrentTerm` is owed: a
        crash would leave a log that may be ahead of the saved term, by which it was committed.
        O(log runs + runs kept).
        """
        self._install_snapshot(position, config)

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
