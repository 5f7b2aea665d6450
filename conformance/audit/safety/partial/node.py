"""The checks of the safety audit that one node's moments decide."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from typing import Final, TypeVar

from conformance.audit.safety.findings import Findings
from conformance.audit.safety.log import EntryIds, at
from conformance.audit.safety.partial.backing import AT_FIRST, PartialBacking, Voters
from conformance.audit.safety.partial.changing import Changing
from conformance.audit.safety.partial.following import FollowedLog
from conformance.audit.safety.partial.known import Known
from conformance.audit.safety.partial.log import Run
from conformance.audit.safety.partial.mail import NOT_NOTED, Ballots, Covered, Mail
from conformance.audit.safety.quorum import tells_more
from conformance.audit.safety.shown import Commitment, Election, Shown
from conformance.trace.moments import Capabilities, Moment, SeenMessage
from spec import values as v

T = TypeVar("T")

NO_DISK: Final = "what is durable is not noted"
RESTARTED: Final = "the node came up again, and what is durable is not noted"
COMMITTABLE: Final = "votes do not compare the last positions of logs"
NO_ROLE: Final = "the node's role is not shown"
NO_TERM: Final = "the term of the entry is not known"
GIVEN: Final = "the recording begins with a log of a later term"
UNORDERED: Final = "what calls tell is not in the order of what is shown"

FOUNDED: Final = "the node has no configuration yet: it is founded with it"

OF_REPLIES: Final[Mapping[str, tuple[str, ...]]] = {
    "request_vote_reply": ("VoteForUpToDateLog", "VotePersistedBeforeReply"),
    "append_entries_reply": ("EntriesPersistedBeforeReply",),
}
"""What is asked of a reply that grants something where it is sent."""

RUN: Final = 64
"""So many entries are noted one by one: a line may speak of any number."""


class PartialNode:
    """One node, moment by moment."""

    def __init__(
        self,
        node: v.NodeId,
        capabilities: Capabilities,
        entry_ids: EntryIds,
        findings: Findings,
        mail: Mail,
        ballots: Ballots,
    ) -> None:
        self.node = node
        self.shown = Shown()
        self.lines = array("Q")
        """Where each moment stands in the recording that was imported; 0 where that is not told."""
        self._capabilities = capabilities
        self._entry_ids = entry_ids
        self._findings = findings
        self._checked = findings.checked
        self._mail = mail
        self._ballots = ballots
        self._backing = PartialBacking(node, capabilities, findings)
        self._changing = Changing(node, capabilities, findings)
        self._followed = FollowedLog(mail, self._show_committed)
        self._log = self._followed.log
        self._known = Known()
        self._told: tuple[v.Index, int] = 0, 0
        """Up to where its calls have told to commit since it came up, and the seq."""
        self._asked: dict[v.NodeId, SeenMessage] = {}
        """The latest request for a vote from each candidate."""
        self._noted: v.Index = 0
        """Up to where committed entries have been noted."""
        self._life = 0
        """How often it has come up again."""
        self._has_received = False
        self._came_up = False
        """Whether it has been seen to come up: then what it has not shown yet is nothing."""
        self._seq = 0

    @property
    def members(self) -> frozenset[v.NodeId]:
        """Of the configuration that it showed last."""
        return frozenset().union(*(self._known.voters or ()))

    def add(self, moment: Moment) -> None:
        is_first, self._seq = not self._seq, moment.seq
        self.lines.append(moment.line or 0)
        if moment.came_up or is_first:
            self._come_up(moment, is_first)
        received = moment.received
        if received is not None and self._capabilities.state == "after":
            self._receive(received)
        before = self._known
        self._known = Known(
            moment.role or (before.role if moment.current_term in (None, before.term) else None),
            _or(moment.current_term, before.term),
            moment.voted_for if self._capabilities.votes == "stored" else None,
            _or(moment.commit_index, before.commit),
            _or(moment.last_index, before.last),
            _or(moment.voters, before.voters),
        )
        led = self._known.leads_on(before)
        self._followed.show(moment, self._known.term, led, self._known.commit or 0)
        self._check_state(moment, before)
        self._check_told(moment)
        for message in moment.sent or ():
            self._send(message)
        self._check_committed(moment, before, is_first)
        self._note(moment)
        if received is not None and self._capabilities.state != "after":
            self._receive(received)

    def finish(self) -> None:
        self._backing.settle()

    def _come_up(self, moment: Moment, is_first: bool) -> None:
        term, commit, last = moment.current_term, moment.commit_index or 0, moment.last_index or 0
        covered = self._mail.covered.get(self.node)
        if covered is None:
            # Who comes up with something committed has lived before.
            since = 0 if moment.came_up and not commit else term
            covered = self._mail.covered[self.node] = Covered(self._capabilities, since)
        if not is_first:
            self._findings.leave("RestartFromDisk", RESTARTED)
            self._life += 1
        self._came_up = self._came_up or moment.came_up is True
        self._backing.come_up(commit, None if moment.came_up else covered)
        self._known, self._noted = Known(), 0
        self._asked.clear()
        self._told = 0, 0
        self._followed.come_up(last, commit)
        if commit and is_first:
            self._findings.leave("CommittedOnQuorum", AT_FIRST)

    # What the node shows against what it showed before

    def _check_state(self, moment: Moment, before: Known) -> None:
        known, checked = self._known, self._checked
        term, commit, last = moment.current_term, moment.commit_index, moment.last_index
        if term is not None and before.term is not None:
            checked["TermMonotonic"] += 1
            if term < before.term:
                self._report("TermMonotonic", f"from {before.term} to {term}")
        if commit is not None and before.commit is not None:
            checked["CommitMonotonic"] += 1
            if commit < before.commit:
                self._report("CommitMonotonic", f"from {before.commit} to {commit}")
        if last is not None:
            checked["CommittedEntriesStay"] += 1
            committed = self._followed.committed
            if last < committed:
                detail = f"index {committed} is committed, the log now ends at index {last}"
                self._report("CommittedEntriesStay", detail)
            if known.leads_on(before):
                checked["LeaderAppendOnly"] += 1
                if before.last is not None and last < before.last:
                    detail = f"the leader of term {known.term} no longer has index {before.last}"
                    self._report("LeaderAppendOnly", detail)
            if known.commit is not None:
                checked["SnapshotWithinCommit"] += 1
                if known.commit > last and commit is not None:
                    detail = f"commits index {commit} of a log that ends at {last}"
                    self._report("SnapshotWithinCommit", detail)
            self._check_log_term(last)
        snapshot = moment.snapshot_position
        if snapshot is not None and commit is not None:
            checked["SnapshotWithinCommit"] += 1
            if snapshot.index > commit:
                detail = f"a snapshot up to index {snapshot.index}, committed is {commit}"
                self._report("SnapshotWithinCommit", detail)
        vote = known.vote
        if vote is not None and known.term is not None:
            if before.term == known.term and before.vote is not None:
                checked["VoteKeptInTerm"] += 1
                if before.vote != vote:
                    detail = f"from {before.vote} to {vote} in term {known.term}"
                    self._report("VoteKeptInTerm", detail, known.term)
            self._vote(known.term, vote, "shown")

    def _show_committed(self, index: v.Index, term: v.Term, known: v.Term | None) -> None:
        """§5.3: a committed entry keeps its term, which the node shows."""
        if known not in (None, term):
            detail = f"index {index} is committed with term {known} and now has term {term}"
            self._report("CommittedEntriesStay", detail)
        self.shown.positions.note(index - 1, self._entry_ids.of_term(term), self._seq)

    def _check_log_term(self, last: v.Index) -> None:
        """§5.1: no entry is of a later term than its node."""
        known, term = self._log.term(last), self._known.term
        if known is None or term is None:
            return
        if last <= self._followed.given and known > term:
            self._findings.leave("TermNotBelowLog", GIVEN)
            return
        self._checked["TermNotBelowLog"] += 1
        if known > term:
            self._report("TermNotBelowLog", f"a log of term {known} in term {term}")

    # Messages

    def _send(self, message: SeenMessage) -> None:
        log, kind, index, term = self._log, message.type, message.index, message.log_term
        self._check_message(message)
        shown = self._known.term
        if shown is not None:
            self._checked["TermPersistedBeforeMessage"] += 1
            if message.term > shown:
                detail = f"sends in term {message.term}, is in term {shown}"
                self._report("TermPersistedBeforeMessage", detail)
        entries: list[Run] | None = None
        # What is sent in an earlier term tells of the log as it was then.
        in_term = message.term == shown
        if kind == "request_vote_call":
            self._vote(message.term, self.node, "its candidacy")
            if index is not None and term is not None and in_term:
                self._followed.learn(index, term)
        elif kind == "append_entries_call" and index is not None:
            if term is not None and in_term:
                self._followed.learn(index, term)
            end = index + (message.entries or 0)
            if end <= log.last and in_term:
                entries = log.between(index, end)
        elif kind == "request_vote_reply" and message.granted:
            self._findings.leave("VotePersistedBeforeReply", NO_DISK)
            self._vote(message.term, message.to, "its reply")
            self._check_vote(message)
        elif kind == "append_entries_reply" and message.granted:
            last = self._known.last
            if message.index is not None and last is not None and message.index > last:
                detail = f"acknowledges index {message.index}, the log ends at {last}"
                self._report("EntriesPersistedBeforeReply", detail)
            else:
                self._findings.leave("EntriesPersistedBeforeReply", NO_DISK)
            self._followed.acknowledge(message)
        if kind in ("append_entries_call", "heartbeat_call", "install_snapshot_call"):
            self.shown.sent_calls.setdefault(message.term, self._seq)
            # A snapshot is of what is committed (Figure 13).
            told = (message.index if kind == "install_snapshot_call" else None) or 0
            told = max(told, message.commit_index or 0)
            if told > self._told[0]:
                self._told = told, self._seq
        if message.from_ != message.to:
            self._mail.sent(message, entries)

    def _check_vote(self, reply: SeenMessage) -> None:
        """§5.4.1: a vote goes to no candidate whose log is less up-to-date than the voter's."""
        name, call = "VoteForUpToDateLog", self._asked.get(reply.to)
        last = self._known.last
        if reply.to == self.node:
            return
        if self._capabilities.compared != "last":
            self._findings.leave(name, COMMITTABLE)
            return
        has = None if last is None else self._log.term(last)
        if call is None or call.term != reply.term or call.index is None or call.log_term is None:
            self._findings.leave(name, "the request is not noted where it arrives")
        elif last is None or has is None:
            self._findings.leave(name, "the term of the voter's last entry is not known")
        else:
            self._checked[name] += 1
            if (call.log_term, call.index) < (has, last):
                detail = (
                    f"votes for {reply.to} in term {reply.term}, whose log ends at "
                    f"{at(v.Position(call.log_term, call.index))}, and has "
                    f"{at(v.Position(has, last))}"
                )
                self._report(name, detail)

    def _receive(self, message: SeenMessage) -> None:
        kind, sender, term = message.type, message.from_, message.term
        self._has_received = True
        self._check_message(message)
        self._mail.received(self._seq, message)
        self._backing.receive(message)
        if message.granted and sender != self.node and kind not in self._capabilities.sends:
            for name in OF_REPLIES.get(kind, ()):
                self._findings.leave(name, NOT_NOTED)
        if kind == "request_vote_call":
            self._asked[sender] = message
            self._ballots.note(term, sender, sender, None, (self.node, self._seq, "its candidacy"))
        elif kind == "request_vote_reply" and message.granted:
            self._ballots.note(term, sender, self.node, None, (self.node, self._seq, "its reply"))
        elif kind in ("append_entries_call", "heartbeat_call", "install_snapshot_call"):
            self.shown.led_by.setdefault((term, sender), self._seq)
            if message.commit_index is not None:
                self.shown.vouched = max(self.shown.vouched, message.commit_index)
            self._followed.receive(message, self._known.term)

    def _check_message(self, message: SeenMessage) -> None:
        """§5.1: nobody speaks of entries of a term that it has not reached."""
        told = [one for one in (message.log_term, message.entries_term) if one is not None]
        if told:
            self._checked["TermNotBelowLog"] += 1
            if max(told) > message.term:
                what = message.type.replace("_", " ")
                detail = f"a {what} of term {message.term} names an entry of term {max(told)}"
                self._report("TermNotBelowLog", detail, message.from_)

    # Leadership and commitment

    def _check_committed(self, moment: Moment, before: Known, is_first: bool) -> None:
        known, commit = self._known, moment.commit_index
        term, led = known.term, before.role == "leader"
        leads = known.role == "leader"
        configs = (before.voters, known.voters)
        self._changing.check(moment, before, known)
        if leads and term is not None and not (led and before.term == term):
            self._elect(term, configs, is_first)
        if commit is None:
            return
        self.shown.vouched = max(self.shown.vouched, commit)
        was = self._followed.committed
        self._followed.committed = max(was, commit)
        if commit <= was or is_first:
            return
        if before.commit is None and not self._came_up:
            self._findings.leave("CommittedOnQuorum", AT_FIRST)
            self._backing.told = max(self._backing.told, commit)
            return
        if self._is_founded(known.voters):
            self._findings.leave("CommittedOnQuorum", FOUNDED)
            self._backing.told = max(self._backing.told, commit)
        elif known.role is None or before.role is None:
            self._findings.leave("CommittedOnQuorum", NO_ROLE)
        elif leads and led and before.term == term and term is not None:
            self._check_term(term, commit)
            self._backing.committed(term, commit, configs, self._seq)
        elif not (led and before.term and self._backing.may_have(before.term, commit, configs)):
            self._backing.followed(term or 0, commit, self._followed.jumped, self._seq)

    def _check_told(self, moment: Moment) -> None:
        """Figure 2, leaderCommit: those who are told commit without counting.

        A call may tell of more than the state beside it shows, which may be the one from before;
        but not of more than the next one does.
        """
        told, seq = self._told
        if not told or moment.commit_index is None:
            return
        self._told = 0, 0
        if self._capabilities.order != "all":
            self._findings.leave("CommittedOnQuorum", UNORDERED)
            return
        self._checked["CommittedOnQuorum"] += 1
        if told > moment.commit_index:
            detail = tells_more(told, moment.commit_index)
            self._findings.report("CommittedOnQuorum", self.node, seq, detail, "told")

    def _is_founded(self, voters: Voters | None) -> bool:
        """Whether what is committed may be the configuration that every first member begins with.

        So etcd begins: the members' names are its first entries, committed on each before any
        message, and come into force as they are applied.
        """
        return voters is not None and not any(voters) and not self._has_received

    def _elect(self, term: v.Term, configs: tuple[Voters | None, ...], is_first: bool) -> None:
        self.shown.leads.setdefault(term, self._seq)
        self._vote(term, self.node, "it leads")
        if is_first:
            self._findings.leave("ElectedByQuorum", AT_FIRST)
        else:
            self._backing.elected(term, configs, self._seq)
        last = self._known.last
        if last is None:
            self._findings.leave("LeaderCompleteness", "the leader's log is not shown")
            return
        chain, base = self._log.chain()
        ends = self._log.term(last)
        election = Election(
            self.node, self._seq, chain, base, last, v.Position(ends or 0, last), ends is not None
        )
        self.shown.elections.append((term, election))

    def _check_term(self, term: v.Term, index: v.Index) -> None:
        """§5.4.2: a leader counts copies of entries of its own term."""
        name, known = "NeverCommitEarlierTermDirectly", self._log.term(index)
        if known is None:
            self._findings.leave(name, NO_TERM)
            return
        self._checked[name] += 1
        if known != term:
            self._report(name, f"index {index} of term {known} in term {term}")

    # What is to be compared with other nodes

    def _note(self, moment: Moment) -> None:
        shown, log, known, seq = self.shown, self._log, self._known, self._seq
        term, last = known.term, known.last
        if term is None:
            return
        if not shown.terms or shown.terms[-1][1] != term:
            shown.terms.append((seq, term))
        covered = self._mail.covered[self.node]
        covered.until = max(covered.until, term)
        if covered.since is None:
            covered.since = term
        if last is None or moment.last_index is None:
            return
        changed = range(max(log.changed, 1), min(log.changed + RUN, last))
        for index in (*changed, last) if last else ():
            self._note_entry(index)
        log.changed = last
        commit = min(self._followed.committed, last)
        for index in range(max(min(self._noted, commit - 1), commit - RUN, 0) + 1, commit + 1):
            of = log.term(index)
            if of is not None:
                shown.positions.note(index - 1, self._entry_ids.of_term(of), seq)
        self._noted = max(self._noted, commit)
        at_commit = log.term(commit)
        if commit and at_commit is not None and moment.commit_index is not None:
            shown.commits[term] = Commitment(self.node, seq, v.Position(at_commit, commit))

    def _note_entry(self, index: v.Index) -> None:
        """§5.3: the entry at an index, by its term and that of the one before it."""
        term, previous = self._log.term(index), self._log.term(index - 1)
        if term is not None and previous is not None:
            ids = self._entry_ids.of_term(term, previous)
            self.shown.log.note(index - 1, ids, self._seq)

    def _vote(self, term: v.Term, candidate: v.NodeId, how: str) -> None:
        """The node shows whom it votes for."""
        self._ballots.note(term, self.node, candidate, self._life, (self.node, self._seq, how))

    def _report(self, name: str, detail: str, cause: object = None) -> None:
        self._findings.report(name, self.node, self._seq, detail, cause)


def _or(value: T | None, otherwise: T | None) -> T | None:
    return otherwise if value is None else value
