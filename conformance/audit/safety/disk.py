"""What a node has persisted by its executed actions, and what it sent to others (Figure 2)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from conformance.audit.safety.findings import Findings
from conformance.audit.safety.log import DurableLog, EntryIds, at
from conformance.audit.safety.messages import Mail
from conformance.audit.safety.sightings import Sightings
from spec.values import (
    EMPTY_LOG,
    Action,
    AppendEntriesCall,
    AppendEntriesReply,
    AppendLogEntries,
    BroadcastMessage,
    Index,
    Message,
    NodeId,
    Position,
    RequestVoteCall,
    RequestVoteReply,
    Restart,
    SaveCurrentTerm,
    SaveVotedFor,
    SendMessage,
    Term,
)


@dataclass(slots=True)
class Drained:
    """What the actions of a drain did.

    `same`: up to which index the durable log is what it was; None if nothing was written.
    `unbacked`: last positions that were reported and are not in the durable log.
    """

    same: Index | None = None
    unbacked: list[Position] = field(default_factory=list)


class Durable:
    """The term, the vote and the log on a node's disk; and the votes that it gave."""

    def __init__(
        self, node: NodeId, entry_ids: EntryIds, mail: Mail, findings: Findings, shown: Sightings
    ) -> None:
        self.term: Term = 0
        self.vote: NodeId | None = None
        self.log = DurableLog(entry_ids, EMPTY_LOG)
        self.sent_calls: dict[Term, int] = {}
        """The terms in which AppendEntries was sent, as only a leader does, and the first seq."""
        self._node = node
        self._entry_ids = entry_ids
        self._mail = mail
        self._findings = findings
        self._checked = findings.checked
        self._shown = shown
        self._votes_sent: dict[Term, NodeId] = {}
        """Whom the node voted for, as its replies say, or its campaigns."""
        self._lost: set[Term] = set()
        """Terms whose vote is known to be lost, which is reported once."""

    # Coming up

    def load(self, disk: Restart, seq: int) -> None:
        """Go on with this disk."""
        self.term, self.vote = disk.current_term, disk.voted_for
        self.log = DurableLog(self._entry_ids, disk.log)
        self._shown.note(self.log.base.index, self.log.ids, seq)
        if self._votes_sent.get(self.term, self.vote) != self.vote:
            self._lost.add(self.term)

    def restart(self, disk: Restart, keep: Position, seq: int) -> None:
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

    # Draining

    def execute(self, actions: Iterable[Action], seq: int) -> Drained:
        """Carry out actions in their order."""
        done = Drained()
        term, vote = self.term, self.vote
        held = vote is not None and self._votes_sent.get(term) == vote
        for action in actions:
            match action:
                case SendMessage(to, message):
                    self._tell((to,), message, seq, done)
                case BroadcastMessage(message, to=everyone):
                    self._tell(everyone, message, seq, done)
                case AppendLogEntries():
                    self._write(action, seq, done)
                case SaveCurrentTerm(term=saved):
                    self._checked["TermMonotonic"] += 1
                    if saved < self.term:
                        detail = f"saves term {saved} after {self.term}"
                        self._report("TermMonotonic", seq, detail)
                    self.term = saved
                case SaveVotedFor(voted_for):
                    self.vote = voted_for
        if held and self.term == term:
            self._keep_vote(term, self.vote, seq)
        return done

    def lose_vote(self, term: Term) -> None:
        """That the node does not know its vote in this term has been reported."""
        self._lost.add(term)

    def check_vote(self, term: Term, vote: NodeId | None, seq: int) -> None:
        """§5.2: a vote that was sent stays given for the term."""
        if term in self._votes_sent:
            self._keep_vote(term, vote, seq)

    def check_leads(self, term: Term, seq: int) -> None:
        """§5.2: who leads a term has voted for itself in it."""
        self._checked["VoteOncePerTerm"] += 1
        sent = self._votes_sent.get(term, self._node)
        if sent != self._node:
            detail = f"leads term {term}, in which it voted for {sent}"
            self._report("VoteOncePerTerm", seq, detail, term)

    def _keep_vote(self, term: Term, vote: NodeId | None, seq: int) -> None:
        self._checked["VoteKeptInTerm"] += 1
        sent = self._votes_sent[term]
        if vote != sent and term not in self._lost:
            self._lost.add(term)
            detail = f"has vote {vote} in term {term}, in which it told that it votes for {sent}"
            self._report("VoteKeptInTerm", seq, detail, term)

    def _write(self, action: AppendLogEntries, seq: int, done: Drained) -> None:
        prev, log = action.prev_position, self.log
        ids = self._entry_ids.encode(prev.term, action.entries)
        self._shown.note(prev.index, ids, seq)
        self._checked["WriteContinuesLog"] += 1
        if prev.index >= log.base.index and not log.contains(prev):
            detail = f"appends after {at(prev)}, the disk ends at {at(log.last_position)}"
            self._report("WriteContinuesLog", seq, detail)
            done.same = 0
            log.reset(prev, None)
        same = log.write(prev, ids)
        done.same = same if done.same is None else min(done.same, same)

    def _tell(self, to: tuple[NodeId, ...], message: Message, seq: int, done: Drained) -> None:
        """Figure 2: what a message rests on is on stable storage before it is sent."""
        ids = self._entry_ids.none
        self._checked["TermPersistedBeforeMessage"] += 1
        if self.term < message.term:
            detail = f"sends in term {message.term}, the disk has {self.term}"
            self._report("TermPersistedBeforeMessage", seq, detail)
        match message:
            case AppendEntriesCall(prev_position=prev, entries=entries):
                self.sent_calls.setdefault(message.term, seq)
                if entries:
                    ids = self._entry_ids.encode(prev.term, entries)
                    self._shown.note(prev.index, ids, seq)
            case AppendEntriesReply(last_position=last):
                self._checked["EntriesPersistedBeforeReply"] += 1
                if last.index >= self.log.base.index and not self.log.contains(last):
                    done.unbacked.append(last)
            case RequestVoteReply(vote_granted=True):
                for candidate in to:
                    self._vote(message.term, candidate, seq)
            case RequestVoteCall():
                self._vote(message.term, self._node, seq)
        self._mail.sent(self._node, to, message, ids)

    def _vote(self, term: Term, candidate: NodeId, seq: int) -> None:
        """§5.2: at most one vote in a term, that no crash can make the node forget.

        Where the disk is in a later term already, nothing can be voted in this one any more.
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
        if self.term < term or (self.term == term and self.vote != candidate):
            detail = (
                f"votes for {candidate} in term {term}, the disk has {self.vote} "
                f"in term {self.term}"
            )
            self._report("VotePersistedBeforeReply", seq, detail)

    def _report(self, name: str, seq: int, detail: str, cause: object = None) -> None:
        self._findings.report(name, self._node, seq, detail, cause)
