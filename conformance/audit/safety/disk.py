"""What a node has persisted by its executed actions, and what it sent to others (Figure 2)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from conformance.audit.safety.findings import Findings
from conformance.audit.safety.log import DurableLog, EntryIds, at
from conformance.audit.safety.messages import Mail
from conformance.audit.safety.quorum import tells_more
from conformance.audit.safety.shown import Shown
from spec import values as v


@dataclass(slots=True)
class Drained:
    """What the actions of a drain did.

    `same`: up to which index the durable log is what it was; None if nothing was written.
    `unbacked`: last positions that were reported and are not in the durable log.  `committed`:
    positions of the node's log that were told, and lie within what it knew to be committed.
    `has_last`: whether the durable log then has the last position that the node shows.
    """

    same: v.Index | None = None
    unbacked: tuple[v.Position, ...] = ()
    committed: tuple[v.Position, ...] = ()
    has_last: bool = False


class Durable:
    """The term, the vote and the log on a node's disk; and the votes that it gave."""

    def __init__(
        self, node: v.NodeId, entry_ids: EntryIds, mail: Mail, findings: Findings, shown: Shown
    ) -> None:
        self.term: v.Term = 0
        self.vote: v.NodeId | None = None
        self.log = DurableLog(entry_ids, v.EMPTY_LOG)
        self._node = node
        self._entry_ids = entry_ids
        self._mail = mail
        self._findings = findings
        self._checked = findings.checked
        self._shown = shown
        self.votes_given: set[tuple[v.Term, v.NodeId | None]] = set()
        """The votes that were shown since the last drain, and may still be told."""
        self._commit: v.Index = 0
        self._at_most: v.Index = 0
        # How often something was asked; `finish` hands that on.
        self._messages = self._calls = self._votes_shown = 0
        self._votes_sent: dict[v.Term, v.NodeId] = {}
        """Whom the node voted for, as its replies say, or its campaigns."""
        self._lost: set[v.Term] = set()
        """Terms whose vote is known to be lost, which is reported once."""

    # Coming up

    def load(self, disk: v.Restart, seq: int) -> None:
        """Go on with this disk."""
        self.term, self.vote = disk.current_term, disk.voted_for
        self.log = DurableLog(self._entry_ids, disk.log)
        self._shown.log.note(self.log.base.index, self.log.ids, seq)
        if self._votes_sent.get(self.term, self.vote) != self.vote:
            self._lost.add(self.term)

    def restart(self, disk: v.Restart, keep: v.Position, seq: int) -> None:
        """Compare what a node comes up with to what was persisted (§5.1, Figure 2), and load it.

        Only a loss is reported.  A disk that holds more was written by an action that the crash
        kept from being recorded.  `keep`: how much of the durable log the node still had in
        memory; it may have dropped what follows, and is free to do so on its disk.
        """
        name, term, vote, log = "RestartFromDisk", self.term, self.vote, self.log
        self._checked[name] += 1
        self.load(disk, seq)
        lost = []
        if self.term < term:
            lost.append(f"comes up in term {self.term}, {term} was persisted")
            self._report("TermMonotonic", seq, lost[0])
        elif self.term == term and vote not in (None, self.vote):
            lost.append(f"comes up with vote {self.vote} in term {term}, {vote} was persisted")
        if keep.index >= self.log.base.index and not self.log.contains(keep):
            lost.append(
                f"comes up with a log up to {at(self.log.last_position)} that does not have "
                f"{at(keep)}; the log was persisted up to {at(log.last_position)}"
            )
        if lost:
            self._report(name, seq, "; ".join(lost))

    def finish(self) -> None:
        """Hand on how much was compared."""
        self._checked["TermPersistedBeforeMessage"] += self._messages
        self._checked["CommittedOnQuorum"] += self._calls
        self._checked["VoteKeptInTerm"] += self._votes_shown

    # Draining

    def execute(
        self, actions: Iterable[v.Action], commit: v.Index, at_most: v.Index, seq: int
    ) -> Drained:
        """Carry out actions in their order.

        `commit`: the commit index when the first of the messages was made; `at_most`: after them.
        """
        done = Drained()
        self._commit, self._at_most = commit, at_most
        for action in actions:
            match action:
                case v.SetElectionTimeout():  # the most frequent one
                    pass
                case v.SendMessage(to, message):
                    self._tell((to,), message, seq, done)
                case v.BroadcastMessage(message, to=everyone):
                    self._tell(everyone, message, seq, done)
                case v.AppendLogEntries():
                    self._write(action, seq, done)
                case v.SaveCurrentTerm(term=saved):
                    self._checked["TermMonotonic"] += 1
                    if saved < self.term:
                        detail = f"saves term {saved} after {self.term}"
                        self._report("TermMonotonic", seq, detail)
                    self.term = saved
                case v.SaveVotedFor(voted_for):
                    self.vote = voted_for
                    # A crash may come before the next action.
                    self.check_vote(self.term, voted_for, seq)
        return done

    def lose_vote(self, term: v.Term) -> None:
        """That the node does not know its vote in this term has been reported."""
        self._lost.add(term)

    def check_vote(self, term: v.Term, vote: v.NodeId | None, seq: int) -> None:
        """§5.2: a vote that was sent stays given for the term."""
        if term in self._votes_sent:
            self._keep_vote(term, vote, seq)

    def change_vote(self, term: v.Term, before: v.NodeId, vote: v.NodeId, seq: int) -> None:
        """§5.2: a vote goes to nobody else in its term, told or not."""
        if term not in self._lost:
            self._lost.add(term)
            detail = f"from {before} to {vote} in term {term}"
            self._report("VoteKeptInTerm", seq, detail, term)

    def check_leads(self, term: v.Term, seq: int) -> None:
        """§5.2: who leads a term has voted for itself in it."""
        self._checked["VoteOncePerTerm"] += 1
        sent = self._votes_sent.get(term, self._node)
        if sent != self._node:
            detail = f"leads term {term}, in which it voted for {sent}"
            self._report("VoteOncePerTerm", seq, detail, term)

    def _keep_vote(self, term: v.Term, vote: v.NodeId | None, seq: int) -> None:
        self._votes_shown += 1
        sent = self._votes_sent[term]
        if vote != sent and term not in self._lost:
            self._lost.add(term)
            detail = f"has vote {vote} in term {term}, in which it told that it votes for {sent}"
            self._report("VoteKeptInTerm", seq, detail, term)

    def _write(self, action: v.AppendLogEntries, seq: int, done: Drained) -> None:
        prev, log = action.prev_position, self.log
        ids = self._entry_ids.encode(prev.term, action.entries)
        self._shown.log.note(prev.index, ids, seq)
        self._checked["WriteContinuesLog"] += 1
        if prev.index >= log.base.index and not log.contains(prev):
            detail = f"appends after {at(prev)}, the disk ends at {at(log.last_position)}"
            self._report("WriteContinuesLog", seq, detail)
            done.same = 0
            log.reset(prev, None)
        same = log.write(prev, ids)
        done.same = same if done.same is None else min(done.same, same)

    def _tell(self, to: tuple[v.NodeId, ...], message: v.Message, seq: int, done: Drained) -> None:
        """Figure 2: what a message rests on is on stable storage before it is sent."""
        ids = self._entry_ids.none
        self._messages += 1
        if self.term < message.term:
            detail = f"sends in term {message.term}, the disk has {self.term}"
            self._report("TermPersistedBeforeMessage", seq, detail)
        match message:
            case v.AppendEntriesCall(prev_position=prev, entries=entries):
                self._shown.sent_calls.setdefault(message.term, seq)
                self._calls += 1
                if message.commit_index > self._at_most:
                    # Figure 2, leaderCommit: those who are told commit without counting.
                    detail = tells_more(message.commit_index, self._at_most)
                    self._report("CommittedOnQuorum", seq, detail, "told")
                if prev.index <= self._commit:
                    done.committed += (prev,)
                if entries:
                    ids = self._entry_ids.encode(prev.term, entries)
                    self._shown.log.note(prev.index, ids, seq)
            case v.AppendEntriesReply(last_position=last):
                self._checked["EntriesPersistedBeforeReply"] += 1
                if last.index <= self._commit:
                    done.committed += (last,)
                if last.index >= self.log.base.index and not self.log.contains(last):
                    done.unbacked += (last,)
            case v.RequestVoteReply(vote_granted=True):
                for candidate in to:
                    self._vote(message.term, candidate, seq)
            case v.RequestVoteCall(last_position=last):
                self._vote(message.term, self._node, seq)
                if last.index <= self._commit:
                    done.committed += (last,)
        self._mail.sent(self._node, to, message, ids)

    def _vote(self, term: v.Term, candidate: v.NodeId, seq: int) -> None:
        """§5.2: at most one vote in a term, that no crash can make the node forget.

        Where the disk is in a later term already, nothing can be voted in this one any more; what
        was voted before that has been shown.
        """
        self._checked["VoteOncePerTerm"] += 1
        sent = self._votes_sent.setdefault(term, candidate)
        if sent != candidate:
            detail = f"votes for {candidate} in term {term}, in which it voted for {sent}"
            self._report("VoteOncePerTerm", seq, detail, term)
            # That the first vote was not kept is the same thing said before it did harm.
            self._lost.add(term)
            self._findings.forget("VoteKeptInTerm", self._node, term)
        self._checked["VotePersistedBeforeReply"] += 1
        if term < self.term:
            kept = (term, candidate) in self.votes_given
        else:
            kept = (term, candidate) == (self.term, self.vote)
        if not kept:
            detail = (
                f"votes for {candidate} in term {term}, the disk has {self.vote} "
                f"in term {self.term}"
            )
            self._report("VotePersistedBeforeReply", seq, detail)

    def _report(self, name: str, seq: int, detail: str, cause: object = None) -> None:
        self._findings.report(name, self._node, seq, detail, cause)
