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
from raftbare.limits import Limits
from raftbare.log import Log, agree_with_leader, last_below
from raftbare.message import (
    AppendEntriesCall,
    AppendEntriesReply,
    MessageHeader,
    RequestVoteCall,
    RequestVoteReply,
)
from raftbare.pending import Pending
from raftbare.quorum import Progress
from raftbare.role import Candidate, Follower, Leader, RoleState
from raftbare.status import Counters
from raftbare.types import LogIndex, LogPosition, MessageSeqNo, NodeId, Term


class Rules:
    """A node's state, and what becomes of it; every method leaves what it owes in `_pending`.

    `Actions` takes that from here, and `Node` adds the inputs.  It inherits the state and does not
    hold it: one attribute less to follow on every path, and one place where the state is.
    """

    __slots__ = (
        "_commit_index",
        "_counters",
        "_current_term",
        "_id",
        "_limits",
        "_log",
        "_pending",
        "_role",
        "_seqno",
        "_voted_for",
    )

    def __init__(
        self,
        node_id: NodeId,
        current_term: Term,
        voted_for: NodeId | None,
        log: Log,
        limits: Limits,
    ) -> None:
        self._id = node_id
        self._limits = limits
        self._role: RoleState = Follower()
        self._current_term = current_term
        self._voted_for = voted_for
        self._log = log
        # Only what the snapshot covers is known to be committed.
        self._commit_index = log.snapshot_position.index
        self._seqno = MessageSeqNo(0)
        self._pending = Pending()
        self._counters = Counters()

    # Leader election, §5.2

    def _start_election(self, transfer: bool = False) -> None:
        """§5.2: increment the term, vote for oneself, ask the others."""
        self._counters.elections += 1
        candidate = Candidate(self._id, transfer)
        self._role = candidate
        self._current_term = Term(self._current_term + 1)
        self._voted_for = self._id
        self._pending.owe_new_term()
        self._pending.save_voted_for = True
        self._pending.set_election_timeout = True
        if not self._log.latest_config.has_quorum(candidate.granted_votes):
            self._pending.broadcast = True

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
        self._counters.leaderships += 1
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
        """A denial only tells the term, and takes no other reply's place: that tells it too."""
        if granted or call.sender not in self._pending.sends:
            header = MessageHeader(self._id, self._current_term, call.seqno)
            self._pending.sends[call.sender] = RequestVoteReply(header, granted)

    def _handle_request_vote_reply(self, reply: RequestVoteReply) -> None:
        """§5.2: a candidate that a quorum voted for in its own term leads it."""
        role = self._role
        if isinstance(role, Candidate) and reply.vote_granted and reply.term == self._current_term:
            role.granted_votes.add(reply.sender)
            if self._log.latest_config.has_quorum(role.granted_votes):
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
            pending.broadcast = True

    def _call_all(self) -> RequestVoteCall | AppendEntriesCall:
        """The call to all others that is owed: a candidate's for votes (§5.2), a leader's with what
        it is to write (§5.3).

        Where that is more than a call may carry, those who were sent all before are owed calls for
        the rest.
        """
        pending, role = self._pending, self._role
        pending.broadcast = False
        self._seqno = MessageSeqNo(self._seqno + 1)
        if not isinstance(role, Leader):
            self._counters.calls += 1
            header = MessageHeader(self._id, self._current_term, self._seqno)
            transfer = isinstance(role, Candidate) and role.transfer
            return RequestVoteCall(header, self._log.last_position, transfer)
        last, prev = self._log.last_position, pending.append_after
        call = self._append_call(last if prev is None else prev, self._seqno)
        end = call.entries.last_position.index
        if end < last.index:
            for peer, progress in role.followers.items():
                if progress.next_index is None:
                    progress.next_index = LogIndex(end + 1)
                    progress.probe = self._seqno
                    pending.calls.add(peer)
        return call

    def _call_one(self, to: NodeId) -> AppendEntriesCall | None:
        """The next call to a follower that does not have all that was sent to all others, from its
        next index on (Figure 2); None where that lies in the snapshot (§7).

        As long as it was not sent all, and no more is under way than the user allows, one call
        follows another; but a probe goes alone.
        """
        pending, role, entries, limits = self._pending, self._role, self._log.entries, self._limits
        assert isinstance(role, Leader)  # see the invariant of `Pending`
        progress, last = role.followers[to], entries.last_position
        prev = last
        if progress.next_index is not None:
            if progress.next_index <= entries.prev_position.index:
                self._counters.snapshots += 1
                progress.asked = MessageSeqNo(self._seqno + limits.ask_again)
                pending.calls.discard(to)
                return None
            prev = entries._position(LogIndex(progress.next_index - 1))
        call = self._append_call(prev, progress.probe)
        end = call.entries.last_position.index
        progress.next_index = following = LogIndex(end + 1) if end < last.index else None
        under_way = end - progress.match_index
        if following is None or progress.probing or under_way >= limits.in_flight:
            pending.calls.discard(to)
        return call

    def _append_call(self, prev: LogPosition, seqno: MessageSeqNo) -> AppendEntriesCall:
        """A call with what the log has after `prev`, up to the limit."""
        entries = self._log.entries
        most: LogIndex = prev.index + self._limits.entries  # type: ignore[assignment]
        if most < entries.last_position.index:
            sent = entries._between(prev, entries._position(most))
        else:
            sent = entries._after(prev)
        counters = self._counters
        counters.calls += 1
        counters.entries += sent.last_position.index - prev.index
        header = MessageHeader(self._id, self._current_term, seqno)
        return AppendEntriesCall(header, self._commit_index, sent)

    def _append_config(self, role: Leader, config: ClusterConfig) -> LogPosition:
        """§6: the configuration is in force, and replicated to those that are in it."""
        prev = self._log.last_position
        position = self._log.entries._push_config(config)
        role.track_members(self._id, config)
        self._pending.calls.intersection_update(role.peers)
        self._replicate(role, prev)
        return position

    def _handle_append_entries_call(self, call: AppendEntriesCall) -> None:
        """§5.3: follow the leader of the term (D2), agree with its log, learn what is committed.

        Nothing is changed before it is known that nothing committed is contradicted (D9).
        """
        term, role = call.term, self._role
        if term < self._current_term:
            self._reply_to_append(call, MessageSeqNo(0), False)
            return
        if term == self._current_term and not isinstance(role, Candidate):
            known = self._id if isinstance(role, Leader) else role.leader
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
            accepted, verified = True, source.last_position.index
            base = last if verified > last.index else None
        else:
            agreement = agree_with_leader(entries, self._commit_index, source)
            accepted, base, source, verified = agreement

        pending = self._pending
        if term > self._current_term:
            self._become_follower(term)
            role = self._role
        if isinstance(role, Follower):
            role.leader = call.sender
        else:
            self._role = Follower(call.sender)
            pending.void_calls()
        if base is not None:
            entries._splice(base, source)
            if pending.append_after is None or base.index < pending.append_after.index:
                pending.append_after = base
        commit_index = call.commit_index if call.commit_index < verified else verified
        if commit_index > self._commit_index:
            self._commit_index = commit_index
        self._reply_to_append(call, call.seqno, accepted)
        pending.set_election_timeout = True

    def _reply_to_append(
        self, call: AppendEntriesCall, seqno: MessageSeqNo, accepted: bool
    ) -> None:
        """Number 0 only tells the term, and takes no other reply's place: that tells it too."""
        if call.sender not in self._pending.sends or seqno != 0:
            reply = AppendEntriesReply(call, self._log.entries.last_position, accepted)
            reply.sender, reply.term, reply.seqno = self._id, self._current_term, seqno
            self._pending.sends[call.sender] = reply

    def _handle_append_entries_reply(self, reply: AppendEntriesReply) -> None:
        """§5.3: learn how far the peer's log matches, and what to send it next.

        Number 0 answers a call of an earlier term.
        """
        role = self._role
        if not isinstance(role, Leader) or reply.term < self._current_term or reply.seqno == 0:
            self._counters.late_replies += 1
            return
        follower = role.followers.get(reply.sender)
        if follower is None:
            self._counters.from_strangers += 1
            return
        if reply.seqno > follower.answered:
            follower.answered = reply.seqno
        theirs, last = reply.last_position, self._log.entries.last_position
        shared: LogPosition | None
        shared, matches = theirs, True
        if theirs.index != last.index or theirs.term != last.term:
            shared, matches = last_below(self._log.entries, theirs)
        if matches and follower.match_index < theirs.index:
            # It holds the leader's log up to there, whatever it answers.
            held = role.quorum.update_match(reply.sender, follower.match_index, theirs.index)
            follower.match_index = theirs.index
            self._advance_commit(role, held)
            if self._role is not role or reply.sender not in role.followers:
                return
        if not reply.accepted:
            self._handle_refusal(follower, reply, shared)
            return
        follower.probing = False
        if follower.next_index is not None:
            self._send_more(follower, reply.sender, follower.next_index)

    def _owe_calls(self, follower: Progress, to: NodeId, next_index: LogIndex) -> None:
        """A follower is owed calls from this index on; they get the next number."""
        self._seqno = follower.probe = MessageSeqNo(self._seqno + 1)
        follower.next_index = next_index
        self._pending.calls.add(to)

    def _send_more(self, follower: Progress, to: NodeId, next_index: LogIndex) -> None:
        """A follower that was not sent all is sent more, while no more is under way than the user
        allows.  What was a probe has been found to fit, or what came before it has.  One that waits
        for a snapshot has nothing to be sent.
        """
        entries, match = self._log.entries, follower.match_index
        if next_index <= match:
            next_index = LogIndex(match + 1)
        if next_index <= entries.prev_position.index:
            return
        if next_index > entries.last_position.index:
            follower.next_index = None
            return
        if next_index - 1 - match < self._limits.in_flight:
            self._owe_calls(follower, to, next_index)
        else:
            follower.next_index = next_index

    def _handle_refusal(
        self, follower: Progress, reply: AppendEntriesReply, shared: LogPosition | None
    ) -> None:
        """A follower that has not what a call follows is probed: it is sent one call, with what
        comes after all that the logs may share (D6); or the snapshot, where the log has nothing of
        that any more (§7).

        But not where that was done since the call.  A reply that is older than what the follower is
        known to hold tells of one call more that it has not; but one that is probed already may
        have lost its disk, and would be sent calls for ever.
        """
        self._counters.refusals += 1
        if follower.probing and reply.last_position.index < follower.match_index:
            return
        known = follower.match_index
        if shared is not None and shared.index > known:
            known = shared.index
        compacted = known < self._log.snapshot_position.index
        if reply.seqno < (follower.asked if compacted else follower.probe):
            return
        if known < self._log.last_position.index:
            follower.probing = True
            self._owe_calls(follower, reply.sender, LogIndex(known + 1))
        else:
            follower.next_index = None

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
        """Lead no more, in the same term.  The vote that was cast in it stays cast (D3)."""
        self._role = Follower()
        self._pending.void_calls()
        self._pending.set_election_timeout = True

    def _vote_saved(self, role: Candidate) -> bool:
        """Every owed action has been executed: term and vote are on the disk now.

        With them the candidate's own vote counts, which alone elects an only voter: before that a
        crash takes it back, and another one may be elected in that term.
        """
        if not self._log.latest_config.has_quorum(role.granted_votes):
            return False
        self._become_leader()
        return True

    def _log_saved(self, role: Leader) -> None:
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
            self._pending.void_calls()
        self._log._compact(position, config)
        if isinstance(self._role, Leader):  # who was to get an earlier one may need this one now
            for follower in self._role.followers.values():
                follower.asked = MessageSeqNo(0)
        self._commit_index = max(committed, position.index)
        self._pending.compact(self._log)
