"""The rules of one node, beneath the inputs that `raftbare.node` offers.

Read beside the Raft paper (Ongaro and Ousterhout, extended version): § is a section of it, Figure
2 its summary.  "Dissertation" is Ongaro, "Consensus: Bridging Theory and Practice".  D1 to D9 are
this library's decisions; `docs/decisions.md` in its repository lists them.

Terms, indices and sequence numbers are only compared, added and passed on: never hashed, nor
tested with `is` or `isinstance`, nor formatted outside an error.  So the rules can be run on
symbolic numbers.
"""

from __future__ import annotations

from raftbare.config import ClusterConfig
from raftbare.error import InvalidSnapshotError, InvariantError
from raftbare.log import Log, agree_with_leader, last_below
from raftbare.message import (
    AppendEntriesCall,
    AppendEntriesReply,
    Message,
    MessageHeader,
    RequestVoteCall,
    RequestVoteReply,
)
from raftbare.pending import Pending
from raftbare.quorum import has_quorum
from raftbare.role import Candidate, Follower, Leader, RoleState
from raftbare.types import LogIndex, LogPosition, MessageSeqNo, NodeId, Term


class Rules:
    """A node's state, and what becomes of it; every method leaves what it owes in `_pending`.

    `Actions` takes that from here, and `Node` adds the inputs.  It inherits the state and does not
    hold it: one attribute less to follow on every path, and one place where the state is.
    """

    __slots__ = (
        "_commit_index",
        "_current_term",
        "_id",
        "_log",
        "_pending",
        "_role",
        "_seqno",
        "_voted_for",
    )

    def __init__(
        self, node_id: NodeId, current_term: Term, voted_for: NodeId | None, log: Log
    ) -> None:
        self._id = node_id
        self._role: RoleState = Follower()
        self._current_term = current_term
        self._voted_for = voted_for
        self._log = log
        # Only what the snapshot covers is known to be committed.
        self._commit_index = log.snapshot_position.index
        self._seqno = MessageSeqNo(0)
        self._pending = Pending()

    # Leader election, §5.2

    def _start_election(self) -> None:
        """§5.2: increment the term, vote for oneself, ask the others."""
        if not self._may_campaign():  # the timer goes on for the day on which it may
            self._pending.set_election_timeout = True
            return
        config = self._log.latest_config
        candidate = Candidate(self._id)
        self._role = candidate
        self._current_term = Term(self._current_term + 1)
        self._voted_for = self._id
        self._pending.owe_new_term()
        self._pending.save_voted_for = True
        self._pending.set_election_timeout = True
        if has_quorum(config, candidate.granted_votes):
            self._become_leader()
        else:
            self._seqno = MessageSeqNo(self._seqno + 1)
            self._pending.broadcast = RequestVoteCall(
                MessageHeader(self._id, self._current_term, self._seqno),
                self._log.last_position,
            )

    def _may_campaign(self) -> bool:
        """§6: voters do.  Who was one keeps the right as long as it knows no later configuration
        to be committed (dissertation, §4.2.2): only those who leave may have that in their logs,
        and no other log wins against theirs.
        """
        configs = self._log.entries._configs
        for index, config in zip(reversed(configs.at), reversed(configs.values), strict=True):
            if config.is_voter(self._id):
                return True
            if index <= self._commit_index:
                return False
        return self._log.snapshot_config.is_voter(self._id)

    def _become_leader(self) -> None:
        """§5.2, §8: nothing is known of the others' logs; an entry of its own opens the term."""
        role = Leader(self._id, self._log.latest_config)
        self._role = role
        prev = self._log.last_position
        self._log.entries._push_term(self._current_term)
        self._replicate(role, prev)

    def _become_follower(self, term: Term) -> None:
        """§5.1: become a follower of a new, higher term, with no vote cast in it (D3).

        A higher term is no cause to set an election timer that runs (Figure 2): a leader has none.
        """
        if isinstance(self._role, Leader):
            self._pending.set_election_timeout = True
        self._role = Follower()
        self._current_term = term
        self._voted_for = None
        self._pending.owe_new_term()
        self._pending.save_voted_for = True

    def _handle_request_vote_call(self, call: RequestVoteCall) -> None:
        """§5.2, §5.4.1: one vote a term, first come first served, to a log not behind one's own."""
        if call.term < self._current_term:
            self._reply_to_vote(call, False)
            return
        if call.last_position < self._log.last_position:  # by term first (D1)
            return
        if self._voted_for is None:
            self._voted_for = call.sender
            self._pending.save_voted_for = True
        elif self._voted_for != call.sender:
            return
        self._reply_to_vote(call, True)
        self._pending.set_election_timeout = True

    def _reply_to_vote(self, call: RequestVoteCall, granted: bool) -> None:
        header = MessageHeader(self._id, self._current_term, call.seqno)
        self._pending.sends[call.sender] = RequestVoteReply(header, granted)

    def _handle_request_vote_reply(self, reply: RequestVoteReply) -> None:
        """§5.2: a candidate that a quorum voted for in its own term leads it."""
        role = self._role
        if isinstance(role, Candidate) and reply.vote_granted and reply.term == self._current_term:
            role.granted_votes.add(reply.sender)
            if has_quorum(self._log.latest_config, role.granted_votes):
                self._become_leader()

    # Log replication, §5.3

    def _replicate(self, role: Leader, prev: LogPosition) -> None:
        """Write what the log has after `prev`, and bring it to the others.

        Only the current term's leader gets here, so what it appended is of that term.
        """
        pending = self._pending
        pending.set_election_timeout = True
        if pending.append_after is None:  # an owed write begins no later than the log ended
            pending.append_after = prev
        if role.followers:
            pending.broadcast = self._merge_append_entries(pending.broadcast, prev)

    def _merge_append_entries(
        self, earlier: Message | None, prev: LogPosition
    ) -> AppendEntriesCall:
        """The call with all that the leader's log has after `prev`, merged with an `earlier`
        message that is owed to the same nodes.

        Where the entries of an earlier call reach `prev`, that call is extended in place and
        returned.  In any other case a new call takes the earlier message's place: messages may be
        lost, so one may always be dropped, but two calls with a gap between them may not be joined.
        """
        self._seqno = seqno = MessageSeqNo(self._seqno + 1)
        # An earlier call is of the same term: see the invariant of `Pending`.
        if isinstance(earlier, AppendEntriesCall) and (
            earlier.entries.last_position is prev or earlier.entries.contains(prev)
        ):
            earlier.entries._splice(prev, self._log.entries)
            earlier.seqno = seqno
            earlier.commit_index = self._commit_index
            return earlier
        header = MessageHeader(self._id, self._current_term, seqno)
        return AppendEntriesCall(header, self._commit_index, self._log.entries._after(prev))

    def _append_config(self, role: Leader, config: ClusterConfig) -> LogPosition:
        """§6: the configuration is in force, and replicated to those that are in it."""
        prev = self._log.last_position
        position = self._log.entries._push_config(config)
        role.track_members(self._id, config)
        self._replicate(role, prev)
        return position

    def _handle_append_entries_call(self, call: AppendEntriesCall) -> None:
        """§5.3: follow the leader of the term (D2), agree with its log, learn what is committed.

        Nothing is changed before it is known that nothing committed is contradicted (D9).
        """
        term, role = call.term, self._role
        if term < self._current_term:
            self._reply_to_append(call)
            return
        if isinstance(role, Leader) and term == self._current_term:
            raise InvariantError(
                f"node {call.sender} claims to lead term {term}, as node {self._id} does: "
                "two leaders in one term break Election Safety"
            )
        if isinstance(role, Follower) and term == self._current_term:
            known = role.leader
            if known is not None and known != call.sender:
                raise InvariantError(
                    f"node {call.sender} claims to lead term {term}, as node {known} did: "
                    "two leaders in one term break Election Safety"
                )
        entries, source = self._log.entries, call.entries
        if source.last_position.term > term:
            raise InvariantError(
                f"node {call.sender} leads term {term} and sends an entry of term "
                f"{source.last_position.term}: no leader's log is ahead of its term"
            )
        prev, last = source.prev_position, entries.last_position
        if prev.index == last.index and prev.term == last.term:
            # The usual call goes on where the log ends: there is nothing to compare.
            verified = source.last_position.index
            base = last if verified > last.index else None
        else:
            base, source, verified = agree_with_leader(entries, self._commit_index, source)

        pending = self._pending
        if term > self._current_term:
            self._become_follower(term)
            role = self._role
        if isinstance(role, Follower):
            role.leader = call.sender
        else:
            self._role = Follower(call.sender)
        if base is not None:
            entries._splice(base, source)
            if pending.append_after is None or base.index < pending.append_after.index:
                pending.append_after = base
        commit_index = call.commit_index if call.commit_index < verified else verified
        if commit_index > self._commit_index:
            self._commit_index = commit_index
        self._reply_to_append(call)
        pending.set_election_timeout = True

    def _reply_to_append(self, call: AppendEntriesCall) -> None:
        """The call's header, with who answers it, and in which term."""
        reply = AppendEntriesReply(call, self._log.entries.last_position)
        reply.sender, reply.term = self._id, self._current_term
        self._pending.sends[call.sender] = reply

    def _handle_append_entries_reply(self, reply: AppendEntriesReply) -> None:
        """§5.3: learn how far the peer's log matches, and send it what it lacks.

        A reply to an earlier call than the latest one replied to is stale.  Where the peer's last
        entry is none of the leader's, the leader goes on from the last entry that the peer may
        still have in common with it (D6).
        """
        role = self._role
        if not isinstance(role, Leader) or reply.term < self._current_term:
            return
        follower = role.followers.get(reply.sender)
        if follower is None or reply.seqno <= follower.seqno:
            return
        follower.seqno = reply.seqno
        theirs, last = reply.last_position, self._log.entries.last_position
        behind = theirs.index != last.index or theirs.term != last.term
        shared: LogPosition | None
        shared, matches = theirs, True
        if behind:
            shared, matches = last_below(self._log.entries, theirs)
        if shared is None:
            self._pending.installs.add(reply.sender)
            return
        if matches and follower.match_index < shared.index:
            held = role.quorum.update_match(reply.sender, follower.match_index, shared.index)
            follower.match_index = shared.index
            self._advance_commit(role, held)
        if behind and self._role is role:
            sends = self._pending.sends
            sends[reply.sender] = self._merge_append_entries(sends.get(reply.sender), shared)

    # Commitment, §5.3 and §5.4.2

    def _advance_commit(self, role: Leader, index: LogIndex) -> None:
        """§5.4.2: entries up to `index`, which a quorum holds, are committed if the last of them is
        of the leader's own term.

        Once the latest configuration is committed, a joint one is followed by the new one, and a
        leader that has no vote in the new one steps down (§6).
        """
        log = self._log
        if index <= self._commit_index or log.entries._term(index) != self._current_term:
            return
        self._commit_index = index
        if index < log.latest_config_index:
            return
        config = log.latest_config
        if config.is_joint_consensus:
            final = ClusterConfig(config.new_voters, (), config.non_voters)
            self._append_config(role, final)
        elif self._id not in config.voters:
            self._step_down()

    def _step_down(self) -> None:
        """§6: lead no more, in the same term.  The vote that was cast in it stays cast (D3)."""
        self._role = Follower()
        self._pending.set_election_timeout = True

    def _drained(self, role: Leader) -> None:
        """Every owed action has been executed: all of the log is on the disk now.

        With it the leader's own copy counts, which alone commits where it is the only voter.
        """
        own, index = role.own, self._log.entries.last_position.index
        held = role.quorum.update_match(self._id, own.match_index, index)
        own.match_index = index
        self._advance_commit(role, held)

    # Snapshots, §7

    def _install_snapshot(self, position: LogPosition, config: ClusterConfig) -> None:
        """§7, Figure 13: let a durable snapshot take the place of the log's prefix.

        What it covers is committed (D4).  A candidate that takes a leader's snapshot campaigns no
        longer: its votes were not asked for under the configuration that it now has.  Everything
        that would make the snapshot a false one is refused before anything is changed.
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
