"""The checks of the safety audit that one node's recording decides."""

from __future__ import annotations

from array import array
from typing import Final

from conformance.audit.safety.changes import as_appended
from conformance.audit.safety.disk import Drained, Durable
from conformance.audit.safety.findings import Findings
from conformance.audit.safety.leading import Leading
from conformance.audit.safety.log import EntryIds, VolatileLog, at
from conformance.audit.safety.messages import Mail
from conformance.audit.safety.quorum import MAYBE_CUT, Backing
from conformance.audit.safety.shown import Commitment, Election, Shown
from conformance.audit.safety.steps import Steps
from conformance.observe.observed import Checkpoint, Observed
from conformance.observe.recorded import Recorded
from spec import values as v

EVERY_STATE: Final = (
    "CommitMonotonic",
    "EntriesKeptInTerm",
    "LogConsistent",
    "SnapshotWithinCommit",
    "TermMonotonic",
    "TermNotBelowLog",
    "TermsMonotonicInLog",
)
"""What is asked of every state that a node shows."""


class NodeAudit:
    """One node, record by record: its disk, and its memory as far as the recording shows it."""

    def __init__(self, node: v.NodeId, entry_ids: EntryIds, mail: Mail, findings: Findings) -> None:
        self.node = node
        self.shown = Shown()
        self.durable = Durable(node, entry_ids, mail, findings, self.shown)
        self.backing = Backing(node, findings)
        self.steps = Steps(node, findings)
        self._leading = Leading(self.durable, self.backing, self.steps, self.shown, findings)
        self._entry_ids = entry_ids
        self._mail = mail
        self._findings = findings
        self._checked = findings.checked
        self._memory = VolatileLog(self.durable.log)
        self._state: Observed | None = None
        """What the node showed last; None when it has just come up."""
        self._committed: tuple[v.Index, v.Term | None] = 0, None
        """The last entry in the log that the node knows to be committed, and its term if known."""
        self._noted: v.Index = 0
        """Up to where the committed entries have been noted."""
        self._doubts: list[tuple[int, str]] = []
        """Where the latest record's state disagrees with its actions.

        That is no fault if a crash cut the drain short, which the next record tells.
        """
        self._settled: v.Index = 0
        """The commit index after the last drain."""
        self._undrained: set[v.Position] = set()
        """The last positions that were shown since the last drain."""
        self._unanswered: set[tuple[v.NodeId, v.Term]] = set()
        """Whose messages came since the last drain, and in which term of the node: answers of these
        terms may be owed.
        """
        self._seq = 0
        self._records = 0
        self._grown = 0
        """How many states were compared with one before."""
        self._is_first = True
        """Whether the latest record is the node's first."""

    def add(self, record: Recorded) -> None:
        event, state = record.event, record.state
        is_first, follows = not self._seq, record.seq == self._seq + 1
        self._is_first = is_first
        self._seq = record.seq
        if isinstance(event, Checkpoint):
            if follows and not is_first:
                self._settle_doubts()
            else:  # a crash may be among what is missing
                self._doubts.clear()
                self._resume(event, state)
            return
        self._records += 1
        came_up: v.Restart | None = None
        if isinstance(event, (v.Start, v.Restart)):
            came_up = event if isinstance(event, v.Restart) else v.Restart(0, None, v.EMPTY_LOG)
            self._come_up(came_up, isinstance(event, v.Start), is_first)
        elif is_first:
            raise ValueError(f"node {self.node} never started: its first event is {event}")
        else:
            if self._doubts:
                self._settle_doubts()
            self.backing.settle()
        if isinstance(event, v.SnapshotInstalled) and record.outcome is True:
            self._memory.compact(event.position, event.config)
            self.backing.learn(event.position.index)
            self._note_position(event.position)
            if self._state is not None and event.position.index > self._state.commit_index:
                self.shown.ahead.append((event.position.index, self._seq))
        done: Drained | None = None
        if record.actions is not None:
            commit = state.commit_index if not self._undrained else self._settled
            done = self.durable.execute(record.actions, commit, state.commit_index, self._seq)
            self._settled = state.commit_index
            self._mail.drained(self.node, state.current_term)
            self.backing.has_drained = self.backing.in_drain = True
        self._remember(record, done)
        if isinstance(record.outcome, v.Position):
            self._note_proposal(record.outcome, event, state)
        if came_up is not None and record.outcome is not False:
            self._check_came_up(came_up, record, done)
        self._check_persistent_state(state)
        self.steps.check(record, self._state, self._unanswered)
        self._check_log(state, done)
        if isinstance(event, v.Receive):
            self._receive(event, state)
        elif record.outcome is False:
            self._look_for_stand_in(record)
        self._leading.check(record, self._state, self._memory, self._is_first)
        self._note(state)
        if done is None:
            self._undrained.add(state.last_position)
            if isinstance(event, v.Receive):
                self._unanswered.add((event.message.sender, state.current_term))
            self.durable.votes_given.add((state.current_term, state.voted_for))
        else:
            for position in done.committed:
                self._note_position(position)
            if self._undrained:
                self._undrained.clear()
                self.durable.votes_given.clear()
            if self._unanswered:
                self._unanswered.clear()
        self._state = state

    @property
    def members(self) -> frozenset[v.NodeId]:
        """Of the configuration that it showed last."""
        return frozenset() if self._state is None else self._state.config.members

    def finish(self, steps_shown: bool, complete: bool) -> None:
        """`steps_shown`: some node's recording shows how voters change.

        `complete`: the recordings lack nothing.
        """
        for name in EVERY_STATE:
            self._checked[name] += self._records
        if self._doubts:
            self._findings.leave("LogConsistent", MAYBE_CUT, len(self._doubts))
        self._checked["CommittedEntriesStay"] += self._grown
        self.durable.finish()
        self.backing.finish(complete)
        self.steps.finish(steps_shown)

    # Coming up

    def _come_up(self, disk: v.Restart, is_new: bool, is_first: bool) -> None:
        self._doubts.clear()
        self._undrained.clear()
        self._unanswered.clear()
        self.durable.votes_given.clear()
        if is_first:
            self._mail.recorded_since(self.node, -1 if is_new else disk.current_term)
            self.durable.load(disk, self._seq)
            self.steps.begin(disk.log.last_position)
        else:
            if self._state is not None:
                self._mail.restarted(self.node, self._state.current_term, disk.current_term)
            keep = self._memory.keep
            kept = v.Position(self.durable.log.term(keep) or 0, keep)
            self.durable.restart(disk, kept, self._seq)
        self._begin()

    def _resume(self, checkpoint: Checkpoint, state: Observed) -> None:
        """The recording begins with all of the node's state, or goes on with it after a gap."""
        self._mail.recorded_since(self.node, checkpoint.node.current_term)
        self._mail.drained(self.node, checkpoint.node.current_term)
        self.durable.load(checkpoint.disk, self._seq)
        self._begin()
        self.backing.resume(checkpoint.node)
        self.steps.begin(state.last_position)
        self._memory.load(checkpoint.node.log)
        self._unanswered = {
            (owed.to, owed.message.term)
            for owed in checkpoint.pending
            if isinstance(owed, v.SendMessage)
        }
        self._note(state)
        self._state = state

    def _begin(self) -> None:
        """§5.1: nothing but the disk's contents; only a snapshot is known to be committed."""
        log = self.durable.log
        self._memory = VolatileLog(log)
        self.backing.come_up()
        self.backing.learn(log.base.index)
        self._state = None
        self._committed = 0, None
        self._noted = log.base.index
        self._note_position(log.base)

    # Memory

    def _remember(self, record: Recorded, done: Drained | None) -> None:
        """After a drain all of the log is on the disk; before it, the events tell what they can."""
        memory, last = self._memory, record.state.last_position
        if done is not None:
            if done.same is not None and done.same < memory.keep:
                self._cut(done.same)
            done.has_last = self.durable.log.contains(last)
            if done.has_last:
                self._noted = min(self._noted, memory.keep, last.index)
                memory.is_disk_up_to(last.index)
                return
        match record.event:
            case v.Receive(v.AppendEntriesCall() as call):
                before = self._state
                if before is None or before.last_position != last:
                    is_known = before is not None and memory.known >= before.last_position.index
                    self._follow(call, last)
                    if is_known and not memory.contains(last):
                        self._check_followed(call, record)
            case v.ProposeCommand():
                self._propose(v.COMMAND, record)
            case v.ProposeConfig(config):
                self._propose(as_appended(config, record.state.config), record)
            case v.CreateCluster(voters):
                self._propose(v.Config(voters), record)
        if memory.known >= last.index and not memory.contains(last):
            # Something happened that does not show.  What was committed at least stays.
            self._cut(min(self._committed[0], last.index - 1))
        elif memory.known > last.index:
            self._cut(last.index)

    def _note_proposal(self, given: v.Position, event: object, state: Observed) -> None:
        """What was proposed is what stands there."""
        previous = self._memory.term_at(given.index - 1, state.last_position)
        payload: v.Payload = v.COMMAND
        if isinstance(event, v.ProposeConfig):
            payload = as_appended(event.config, state.config)
        elif isinstance(event, v.CreateCluster):
            payload = v.Config(event.voters)
        if previous is not None:
            entry_id = self._entry_ids.id_of(previous, given.term, payload)
            self.shown.log.note(given.index - 1, array("I", [entry_id]), self._seq)

    def _propose(self, payload: v.Payload, record: Recorded) -> None:
        memory, known, given = self._memory, self._memory.known, record.outcome
        if isinstance(given, v.Position) and given.index == known + 1:
            previous = memory.term(known)
            if previous is not None:
                memory.tail.append(self._entry_ids.id_of(previous, given.term, payload))

    def _follow(self, call: v.AppendEntriesCall, last: v.Position) -> None:
        """A log that now ends within a call's entries took them from it (§5.3)."""
        memory, prev, base = self._memory, call.prev_position, self.durable.log.base
        if memory.contains(last) or not prev.index < last.index <= prev.index + len(call.entries):
            return
        ids = self._entry_ids.encode(prev.term, call.entries[: last.index - prev.index])
        if prev.index < base.index:
            prev, ids = base, ids[base.index - prev.index :]
        if ids and self._entry_ids.terms[ids[-1]] == last.term and memory.contains(prev):
            self._cut(prev.index)
            memory.tail += ids

    def _check_followed(self, call: v.AppendEntriesCall, record: Recorded) -> None:
        """§5.3: the log of who does not lead gets its entries from calls, where it has what these
        follow.  What it had, and what the call has, is known here.
        """
        state = record.state
        if state.role == "leader":
            return
        detail = (
            f"shows a log up to {at(state.last_position)}; it had none there, and cannot have it "
            f"from a call with {len(call.entries)} entries after {at(call.prev_position)}"
        )
        self.backing.not_received("LogConsistent", self._seq, detail)

    def _cut(self, last: v.Index) -> None:
        self._memory.cut(last)
        self._noted = min(self._noted, last)

    # What the node shows against what it showed before

    def _check_persistent_state(self, state: Observed) -> None:
        before = self._state
        if before is not None:
            least_term, least_commit = before.current_term, before.commit_index
        else:
            least_term, least_commit = self.durable.term, self.durable.log.base.index
        if state.current_term < least_term:
            self._report("TermMonotonic", f"from {least_term} to {state.current_term}")
        if state.commit_index < least_commit:
            self._report("CommitMonotonic", f"from {least_commit} to {state.commit_index}")
        term, vote = state.current_term, state.voted_for
        self.durable.check_vote(term, vote, self._seq)
        if before is not None and before.current_term == term and before.voted_for != vote:
            # A vote that is no longer shown may be kept all the same.
            if before.voted_for is not None and vote is not None:
                self.durable.change_vote(term, before.voted_for, vote, self._seq)

    def _check_came_up(self, disk: v.Restart, record: Recorded, done: Drained | None) -> None:
        """§5.1, Figure 2: a node comes up with what its disk holds, and as a follower of nothing.

        What its own actions have changed since is as good.  No crash excuses anything else: what
        is not on the disk is nowhere.
        """
        state, durable, wrong = record.state, self.durable, []
        log, last = durable.log, state.last_position
        term, vote = state.current_term, state.voted_for
        if term > max(disk.current_term, durable.term):
            wrong.append(f"term {term}, came up in {disk.current_term}")
        elif term == disk.current_term and vote not in (disk.voted_for, durable.vote):
            wrong.append(f"vote {vote}, came up with {disk.voted_for}")
            durable.lose_vote(term)
        if done is None or done.same is None:
            if state.snapshot_position != log.base:
                wrong.append(f"a snapshot up to {at(state.snapshot_position)}, has {at(log.base)}")
            if last != log.last_position:
                wrong.append(f"a log up to {at(last)}, has one up to {at(log.last_position)}")
            elif log.config_at(last.index) != state.config:
                wrong.append(f"{state.config}, the log has {log.config_at(last.index)}")
        if wrong:
            restarted = isinstance(record.event, v.Restart)
            name = "RestartFromDisk" if restarted else "LogConsistent"
            self._report(name, "shows " + "; ".join(wrong), "ignored")

    def _check_log(self, state: Observed, done: Drained | None) -> None:
        memory, log, last = self._memory, self.durable.log, state.last_position
        self._check_growth(state)
        for position in done.unbacked if done is not None else ():
            # A log that was truncated since is no longer what an earlier reply speaks of.
            if position not in self._undrained or memory.contains(position):
                ends = at(log.last_position)
                detail = f"reports {at(position)}, the disk ends at {ends}"
                self._report("EntriesPersistedBeforeReply", detail)
        if self._state is None:
            return
        if state.snapshot_position != log.base and not log.is_torn:
            detail = f"shows a snapshot up to {at(state.snapshot_position)}, has {at(log.base)}"
            self._report("LogConsistent", detail, "snapshot")
        if done is not None and not done.has_last:
            detail = f"shows a log up to {at(last)}, the disk has {at(log.last_position)}"
            self._doubts.append((self._seq, detail))
        elif memory.keep == last.index and not memory.tail:
            config = log.config_at(last.index)
            if config is not None and config is not state.config and config != state.config:
                detail = f"shows {state.config}, the log has {config}"
                self._report("LogConsistent", detail, "config")
        elif state.config is not self._state.config and memory.known == last.index:
            config = memory.config() if state.config != self._state.config else None
            if config is not None and config != state.config:
                detail = f"changes to {state.config}, the log has {config}"
                self._report("LogConsistent", detail, "config")

    def _check_growth(self, state: Observed) -> None:
        last, before = state.last_position, self._state
        if before is None:
            return
        index, term = self._committed
        self._grown += 1
        now = last.term if index == last.index else self._memory.term(index)
        if last.index < index:
            detail = f"index {index} is committed, the log now ends at {at(last)}"
            self._report("CommittedEntriesStay", detail)
        elif term is not None and now is not None and now != term:
            detail = f"index {index} is committed with term {term} and now has term {now}"
            self._report("CommittedEntriesStay", detail)
        if before.role == state.role == "leader" and before.current_term == state.current_term:
            self._checked["LeaderAppendOnly"] += 1
            was = before.last_position
            now = self._memory.term_at(was.index, last)
            if last.index < was.index or now not in (None, was.term):
                detail = f"the leader of term {state.current_term} no longer has {at(was)}"
                self._report("LeaderAppendOnly", detail)

    def _settle_doubts(self) -> None:
        for seq, detail in self._doubts:
            self._findings.report("LogConsistent", self.node, seq, detail, "log")
        self._doubts.clear()

    def _report(self, name: str, detail: str, cause: object = None) -> None:
        self._findings.report(name, self.node, self._seq, detail, cause)

    # What leadership and commitment rest on

    def _look_for_stand_in(self, record: Recorded) -> None:
        """What is refused changes nothing, unless the event stands for one that is not recorded."""
        before = self._state
        owes_nothing = record.actions is None or not self._undrained
        if before is not None and owes_nothing and record.state[:7] != before[:7]:
            self.backing.has_stand_ins = True

    # What is to be compared with other nodes

    def _note(self, state: Observed) -> None:
        memory, before, shown = self._memory, self._state, self.shown
        term, last = state.current_term, state.last_position.index
        led = before is not None and before.role == "leader" and before.current_term == term
        if not shown.terms or shown.terms[-1][1] != term:
            shown.terms.append((self._seq, term))
        if state.role == "leader" and not led:
            shown.leads.setdefault(term, self._seq)
            self.durable.check_leads(term, self._seq)
            known, base = min(memory.known, last), self.durable.log.base.index
            ends = state.last_position
            election = Election(self.node, self._seq, memory.terms(), base, known, ends)
            shown.elections.append((term, election))
        commit = state.commit_index if state.commit_index < last else last
        if self._noted < commit:
            # The snapshot may reach beyond what the node knew to be committed (D4).
            self._noted = max(self._noted, self.durable.log.base.index)
        known = min(commit, memory.known)
        if known > self._noted:
            shown.committed.note(self._noted, memory.between(self._noted, known), self._seq)
            self._noted = known
        if commit == last:
            known = commit
            known_term: v.Term | None = state.last_position.term
            if (
                before is None
                or before.commit_index != commit
                or before.last_position != state.last_position
            ):
                self._note_position(state.last_position)
        else:
            known_term = memory.term(known)
        was = before.commit_index if before is not None else self.durable.log.base.index
        if known_term is not None and known > was:
            position = v.Position(known_term, known)
            shown.commits[term] = Commitment(self.node, self._seq, position)
        if before is None or before.snapshot_position != state.snapshot_position:
            self._note_position(state.snapshot_position)
        self._committed = commit, known_term if commit == known else None

    def _note_position(self, position: v.Position) -> None:
        """A committed entry, of which this tells the term."""
        index, term, committed = position.index, position.term, self.shown.committed
        if self._entry_ids.terms[committed.first_at(index)] == term:
            committed.again += 1
        elif index:
            self.shown.positions.note(index - 1, self._entry_ids.of_term(term), self._seq)

    def _receive(self, event: v.Receive, state: Observed) -> None:
        message, backing, before = event.message, self.backing, self._state
        backing.has_received = True
        ids = self._entry_ids.none
        if isinstance(message, v.AppendEntriesCall):
            self.shown.led_by.setdefault((message.term, message.sender), self._seq)
            prev, entries, commit = message.prev_position, message.entries, message.commit_index
            if commit:
                # Figure 2: min(leaderCommit, index of last new entry).
                backing.learn(min(commit, prev.index + len(entries)))
                if commit > self.shown.vouched:
                    self.shown.vouched = commit
            if prev.index <= commit:
                known = self._entry_ids.terms[self.shown.committed.first_at(prev.index)]
                if known not in (-1, prev.term):
                    self._note_position(prev)
            if entries:
                ids = self._entry_ids.encode(prev.term, entries)
                self.shown.log.note(prev.index, ids, self._seq)
        elif isinstance(message, v.AppendEntriesReply):
            if before is not None and before.role == "leader":
                if message.term == before.current_term:
                    position = message.last_position
                    has = position == state.last_position or self._memory.has(
                        position, state.last_position
                    )
                    backing.acknowledge(message, has)
        elif isinstance(message, v.RequestVoteReply) and message.vote_granted:
            backing.vote(message.term, message.sender)
        self._mail.received(self.node, self._seq, message, ids)
