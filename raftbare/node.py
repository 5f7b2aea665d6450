"""One node: what it may be given, and the rule that answers each input.

§ is a section of the Raft paper (Ongaro and Ousterhout, extended version), Figure 2 its summary.
D1 to D9 are this library's decisions; `docs/decisions.md` in its repository lists them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from copy import deepcopy
from itertools import pairwise
from typing import final

from raftbare.arguments import checked, natural, wrong_of
from raftbare.config import ClusterConfig
from raftbare.drain import Actions
from raftbare.entries import LogEntries
from raftbare.error import (
    ClusterExistsError,
    InvalidConfigError,
    InvalidTransferError,
    InvariantError,
    TooManyUncommittedError,
    TransferringError,
)
from raftbare.limits import LIMITS, Limits
from raftbare.log import Log
from raftbare.message import (
    MESSAGES,
    AppendEntriesCall,
    AppendEntriesReply,
    Message,
    RequestVoteCall,
    RequestVoteReply,
)
from raftbare.pending import Pending
from raftbare.questions import Questions
from raftbare.role import Follower, Leader, RoleState
from raftbare.status import Counters
from raftbare.types import LogIndex, LogPosition, MessageSeqNo, NodeId, Term


@final
class Node(Questions):
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
        timer.  `node_id` is its name for ever.  O(1).  Raises `ValueError` for one below 0.
        """
        natural("node_id", node_id)
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
        would let the node vote twice.  And `ValueError` for a name or term below 0.
        """
        natural("node_id", node_id)
        natural("current_term", current_term)
        if voted_for is not None:
            natural("voted_for", voted_for)
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

        Raises `NotLeaderError`, which names the leader, `TransferringError` while leadership is
        handed over, and `TooManyUncommittedError` where the log has `Limits.uncommitted` entries
        after the commit index.
        """
        role = self._role
        if not isinstance(role, Leader):
            raise self._not_leader("a command is asked")
        if role.transfer is not None:
            raise self._transferring(role.transfer)
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
        `get_change_status` tells when the change is complete.

        A joint configuration that one of its majorities never gets halts the cluster, and cannot be
        withdrawn.  So add nodes as non-voters first, and make them voters when `progress` shows
        that they have caught up.  A node that is to leave is best made a non-voter first
        (`demoting`), and removed when it has that configuration: one that is removed at once may
        never hear of it, and campaigns.

        Raises `NotLeaderError`, `TransferringError` while leadership is handed over, and
        `InvalidConfigError` where the voters are others than now, a node would be both voter and
        non-voter after the change, or another change of voters is in progress.
        O(members log members).
        """
        role = self._role
        if not isinstance(role, Leader):
            raise self._not_leader("a configuration is asked")
        if role.transfer is not None:
            raise self._transferring(role.transfer)
        now = self.config
        if config.voters != now.voters:
            raise InvalidConfigError(
                f"{config!r} does not have the voters that are in force, {sorted(now.voters)}: "
                "they change through new_voters only"
            )
        both = (config.new_voters or config.voters) & config.non_voters
        if both:
            raise InvalidConfigError(
                f"{config!r} has {sorted(both)} as voters and non-voters: one of these was expected"
            )
        if now.is_joint_consensus:
            raise InvalidConfigError(f"another change of voters is in progress: {now!r}")
        return self._append_config(role, config)

    def heartbeat(self) -> MessageSeqNo:
        """Let a leader show that it is alive (§5.2), and ask the others to confirm that it leads.

        A leader's election timeout does the same; call this to do it at another time.  Returns the
        lowest number that a call made from now on has: when `confirmed` has reached it, a quorum
        has heard from this leader after this moment.  So a driver with bounded clocks has a lease
        from the moment at which it called this (dissertation, §6.4.1); it rests on the clocks.

        Raises `NotLeaderError`, which names the leader.  O(1).
        """
        role = self._role
        if not isinstance(role, Leader):
            raise self._not_leader("a heartbeat is asked")
        self._pending.set_election_timeout = True
        if role.followers:
            self._pending.broadcast = True
        return MessageSeqNo(self._seqno + 1)

    def step_down(self) -> None:
        """A leader leads no more, in its own term, where its vote stays given (D3).

        For a leader that a quorum does not answer: see `confirmed`.  What it has appended stays in
        its log, and may still be committed by the next leader.  To hand over to a node of choice,
        use `transfer_leadership`.

        Raises `NotLeaderError`, which names the leader.  O(1).
        """
        if not isinstance(self._role, Leader):
            raise self._not_leader("to step down is asked")
        self._step_down()

    def transfer_leadership(self, to: NodeId) -> None:
        """A leader hands over to `to`, and takes no proposals meanwhile (dissertation, §3.10).

        The user waits until `progress[to].match_index` is the log's last index, and sends `to`
        a message of its own with `current_term`; there it calls `handle_timeout_now`.  If this node
        still leads an election timeout later, `cancel_transfer`.

        Raises `NotLeaderError`, which names the leader, and `InvalidTransferError` where `to` is no
        other voter.  Another target replaces the one before.  O(1).
        """
        role = self._role
        if not isinstance(role, Leader):
            raise self._not_leader("to hand over is asked")
        if to == self._id or not self.config.is_voter(to):
            raise InvalidTransferError(
                f"node {self._id} is to hand over to node {to}: another voter of {self.config!r} "
                "was expected"
            )
        role.transfer = to

    def cancel_transfer(self) -> None:
        """A leader takes proposals again, whether or not it was handing over.

        A `handle_timeout_now` that is under way may still replace it.

        Raises `NotLeaderError`, which names the leader.  O(1).
        """
        role = self._role
        if not isinstance(role, Leader):
            raise self._not_leader("not to hand over is asked")
        role.transfer = None

    def handle_timeout_now(self, term: Term) -> None:
        """The leader of `term` wants this node to replace it (dissertation, §3.10).

        A follower of that term that is a voter starts an election at once, which
        `could_be_disruptive` lets pass; others do nothing, nor where the message comes late.

        Raises nothing.  The cost is that of `handle_election_timeout`.
        """
        follows = term == self._current_term and isinstance(self._role, Follower)
        if follows and self._may_campaign():
            self._start_election(True)

    def handle_election_timeout(self) -> None:
        """The timer that `SetElectionTimeout` asked for has run out.

        A follower or candidate that is a voter starts an election; a leader shows that it is alive
        (§5.2); others do nothing.  The timer is to be set again, whoever it was for.  A call that
        comes late or too often does no harm to safety.

        Raises nothing.  O(voters), and O(configurations in the log that are not committed).
        """
        if isinstance(self._role, Leader):
            self.heartbeat()
        elif self._may_campaign():
            self._start_election()
        else:  # the timer goes on for the day on which it may
            self._pending.set_election_timeout = True

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
        try:
            sender = message.sender
        except AttributeError:
            raise _no_message(message) from None
        if sender == self._id and isinstance(message, MESSAGES):
            self._counters.from_itself += 1
            return  # D8
        if isinstance(message, AppendEntriesCall):
            self._handle_append_entries_call(message)
            return
        if message.term > self._current_term:
            if not isinstance(message, MESSAGES):
                raise _no_message(message)
            self._become_follower(message.term)
        if isinstance(message, AppendEntriesReply):
            self._handle_append_entries_reply(message)
        elif isinstance(message, RequestVoteCall):
            self._handle_request_vote_call(message)
        elif isinstance(message, RequestVoteReply):
            self._handle_request_vote_reply(message)
        else:
            raise _no_message(message)

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

    def _transferring(self, to: NodeId) -> TransferringError:
        message = f"node {self._id} hands over to node {to}, and takes no proposals meanwhile"
        return TransferringError(message, to)

    def __reduce__(self) -> tuple[Callable[..., Node], tuple[object, ...]]:
        """What `copy.copy`, `copy.deepcopy` and `pickle` make is a node in the same state, owed
        actions included, that shares nothing which changes with this one.  O(runs + members).

        It is for tests and searches: what a server comes up with is its disk, by `restart`, and
        only one node of a name may run.
        """
        return _as_it_was, (
            (self._id, self._current_term, self._voted_for, self._log.copy(), self._limits),
            self._commit_index,
            self._seqno,
            self._counters.copy(),
            deepcopy(self._role),
            deepcopy(self._pending),
        )

    def __repr__(self) -> str:
        return (
            f"<Node {self._id} {self._role!r} current_term={self._current_term} "
            f"voted_for={self._voted_for} commit_index={self._commit_index} {self._log!r}>"
        )


checked(
    Node,
    *("start", "restart", "propose_config", "transfer_leadership"),
    *("handle_timeout_now", "handle_snapshot_installed"),
)


def _no_message(found: object) -> TypeError:
    return wrong_of(MESSAGES, found)


def _as_it_was(
    of: tuple[NodeId, Term, NodeId | None, Log, Limits],
    commit_index: LogIndex,
    seqno: MessageSeqNo,
    counters: Counters,
    role: RoleState,
    pending: Pending,
) -> Node:
    node = Node(*of)
    node._commit_index = commit_index
    node._seqno = seqno
    node._counters = counters
    node._role = role
    node._pending = pending
    if isinstance(role, Leader):
        role.track_members(node.id, node.config)
    return node
