"""The checks of the safety audit that one node's recording decides."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field

from conformance.audit.safety.disk import Drained, Durable
from conformance.audit.safety.findings import Findings
from conformance.audit.safety.log import Chain, EntryIds, VolatileLog, at
from conformance.audit.safety.messages import Mail
from conformance.audit.safety.sightings import Sightings
from conformance.observe.observed import Checkpoint, Observed
from conformance.observe.recorded import Recorded
from spec import values as v


@dataclass(frozen=True, slots=True)
class Election:
    """A node became leader: the terms in its log then, which is known up to an index."""

    node: v.NodeId
    seq: int
    terms: Chain[v.Term]
    base: v.Index
    known: v.Index
    last: v.Index


@dataclass(frozen=True, slots=True)
class LeaderCommit:
    """The last position that a leader committed in its own term."""

    node: v.NodeId
    seq: int
    position: v.Position


@dataclass(slots=True)
class Shown:
    """What a node showed that is to be compared with what the others did."""

    log: Sightings = field(default_factory=Sightings)
    committed: Sightings = field(default_factory=Sightings)
    snapshots: dict[v.Index, dict[v.Term, int]] = field(default_factory=dict)
    """The last position of each snapshot, which is committed (§7), and the first seq."""
    leads: dict[v.Term, int] = field(default_factory=dict)
    """The terms in which the node was seen to lead, and the first seq."""
    led_by: dict[tuple[v.Term, v.NodeId], int] = field(default_factory=dict)
    """Who sent AppendEntries to the node in a term, and the first seq."""
    elections: list[tuple[v.Term, Election]] = field(default_factory=list)
    commits: dict[v.Term, LeaderCommit] = field(default_factory=dict)
    terms: list[tuple[int, v.Term]] = field(default_factory=list)
    """The node's term, and the seq from which on it was in it."""

    def term_at(self, seq: int) -> v.Term:
        return self.terms[bisect_right(self.terms, seq, key=lambda since: since[0]) - 1][1]


class NodeAudit:
    """One node, record by record: its disk, and its memory as far as the recording shows it."""

    def __init__(self, node: v.NodeId, entry_ids: EntryIds, mail: Mail, findings: Findings) -> None:
        self.node = node
        self.shown = Shown()
        self.durable = Durable(node, entry_ids, mail, findings, self.shown.log)
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
        self._doubts: list[tuple[int, str, str]] = []
        """Where the latest record's state disagrees with its actions.

        That is no fault if a crash cut the drain short, which the next record tells.
        """
        self._undrained: set[v.Position] = set()
        """The last positions that were shown since the last drain."""
        self._seq = 0

    def add(self, record: Recorded) -> None:
        event, state = record.event, record.state
        is_first, follows = not self._seq, record.seq == self._seq + 1
        self._seq = record.seq
        if isinstance(event, Checkpoint):
            self._settle_doubts()
            if is_first or not follows:
                self._resume(event, state)
            return
        if isinstance(event, (v.Start, v.Restart)):
            disk = event if isinstance(event, v.Restart) else v.Restart(0, None, v.EMPTY_LOG)
            self._come_up(disk, isinstance(event, v.Start), is_first)
        elif is_first:
            raise ValueError(f"node {self.node} never started: its first event is {event}")
        else:
            self._settle_doubts()
        if isinstance(event, v.SnapshotInstalled) and record.outcome is True:
            self._memory.compact(event.position, event.config)
            self._note_snapshot(event.position)
        done: Drained | None = None
        if record.actions is not None:
            done = self.durable.execute(record.actions, self._seq)
            self._mail.drained(self.node, state.current_term)
        self._remember(record, done)
        self._check_persistent_state(event, state)
        self._check_log(event, state, done)
        self._note(state)
        if isinstance(event, v.Receive):
            self._receive(event)
        if done is None:
            self._undrained.add(state.last_position)
        else:
            self._undrained.clear()
        self._state = state

    def finish(self) -> None:
        """Whether the last drain was cut short is not known."""
        self._findings.unjudged["LogConsistent"] += len(self._doubts)

    # Coming up

    def _come_up(self, disk: v.Restart, is_new: bool, is_first: bool) -> None:
        self._doubts.clear()
        self._undrained.clear()
        if is_first:
            self._mail.recorded_since(self.node, -1 if is_new else disk.current_term)
            self.durable.load(disk, self._seq)
        else:
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
        self._memory.load(checkpoint.node.log)
        self._note(state)
        self._state = state

    def _begin(self) -> None:
        """§5.1: nothing but the disk's contents; only a snapshot is known to be committed."""
        log = self.durable.log
        self._memory = VolatileLog(log)
        self._state = None
        self._committed = 0, None
        self._noted = log.base.index
        self._note_snapshot(log.base)

    # Memory

    def _remember(self, record: Recorded, done: Drained | None) -> None:
        """After a drain all of the log is on the disk; before it, the events tell what they can."""
        memory, last = self._memory, record.state.last_position
        if done is not None:
            if done.same is not None and done.same < memory.keep:
                self._cut(done.same)
            if self.durable.log.contains(last):
                self._noted = min(self._noted, memory.keep, last.index)
                memory.is_disk_up_to(last.index)
                return
        match record.event:
            case v.Receive(v.AppendEntriesCall() as call):
                self._follow(call, last)
            case v.ProposeCommand():
                self._propose(v.COMMAND, record)
            case v.ProposeConfig(config):
                self._propose(config, record)
            case v.CreateCluster(voters):
                self._propose(v.Config(voters), record)
        if memory.known >= last.index and not memory.contains(last):
            # Something happened that does not show.  What was committed at least stays.
            self._cut(min(self._committed[0], last.index - 1))
        elif memory.known > last.index:
            self._cut(last.index)

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

    def _cut(self, last: v.Index) -> None:
        self._memory.cut(last)
        self._noted = min(self._noted, last)

    # What the node shows against what it showed before

    def _check_persistent_state(self, event: object, state: Observed) -> None:
        before, checked = self._state, self._checked
        checked["TermMonotonic"] += 1
        checked["CommitMonotonic"] += 1
        if before is not None:
            least_term, least_commit = before.current_term, before.commit_index
        else:
            least_term, least_commit = self.durable.term, self.durable.log.base.index
        if state.current_term < least_term:
            self._report("TermMonotonic", f"from {least_term} to {state.current_term}")
        if state.commit_index < least_commit:
            self._report("CommitMonotonic", f"from {least_commit} to {state.commit_index}")
        if (
            isinstance(event, v.Restart)
            and state.current_term == event.current_term
            and event.voted_for not in (None, state.voted_for)
        ):
            detail = f"shows vote {state.voted_for}, restarted with {event.voted_for}"
            self._report("RestartFromDisk", detail, "ignored")
            self.durable.lose_vote(state.current_term)
        self.durable.check_vote(state.current_term, state.voted_for, self._seq)

    def _check_log(self, event: object, state: Observed, done: Drained | None) -> None:
        memory, log, last = self._memory, self.durable.log, state.last_position
        self._check_growth(state)
        for position in done.unbacked if done is not None else ():
            # A log that was truncated since is no longer what an earlier reply speaks of.
            if position not in self._undrained or memory.contains(position):
                ends = at(log.last_position)
                detail = f"reports {at(position)}, the disk ends at {ends}"
                self._report("EntriesPersistedBeforeReply", detail)
        self._checked["LogConsistent"] += 1
        if state.snapshot_position != log.base and not log.is_torn:
            detail = f"shows a snapshot up to {at(state.snapshot_position)}, has {at(log.base)}"
            self._doubt("snapshot", detail)
        came_up = self._state is None
        if (done is not None and not log.contains(last)) or (came_up and last != log.last_position):
            detail = f"shows a log up to {at(last)}, the disk has {at(log.last_position)}"
            self._doubt("log", detail)
        elif memory.keep == last.index and not memory.tail:
            config = log.config_at(last.index)
            if config is not None and config != state.config:
                self._doubt("config", f"shows {state.config}, the log has {config}")

    def _check_growth(self, state: Observed) -> None:
        memory, last, before = self._memory, state.last_position, self._state
        if before is None:
            return
        index, term = self._committed
        self._checked["CommittedEntriesStay"] += 1
        now = memory.term(index)
        if last.index < index:
            detail = f"index {index} is committed, the log now ends at {at(last)}"
            self._report("CommittedEntriesStay", detail)
        elif term is not None and now is not None and now != term:
            detail = f"index {index} is committed with term {term} and now has term {now}"
            self._report("CommittedEntriesStay", detail)
        if before.role == state.role == "leader" and before.current_term == state.current_term:
            self._checked["LeaderAppendOnly"] += 1
            was = before.last_position
            now = memory.term(was.index)
            if last.index < was.index or now not in (None, was.term):
                detail = f"the leader of term {state.current_term} no longer has {at(was)}"
                self._report("LeaderAppendOnly", detail)

    def _doubt(self, kind: str, detail: str) -> None:
        self._doubts.append((self._seq, kind, detail))

    def _settle_doubts(self) -> None:
        for seq, kind, detail in self._doubts:
            self._findings.report("LogConsistent", self.node, seq, detail, kind)
        self._doubts.clear()

    def _report(self, name: str, detail: str, cause: object = None) -> None:
        self._findings.report(name, self.node, self._seq, detail, cause)

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
            election = Election(self.node, self._seq, memory.terms(), base, known, last)
            shown.elections.append((term, election))
        commit = min(state.commit_index, last)
        known = min(commit, memory.known)
        # The snapshot may reach beyond what the node knew to be committed (D4).
        self._noted = max(self._noted, self.durable.log.base.index)
        if known > self._noted:
            shown.committed.note(self._noted, memory.between(self._noted, known), self._seq)
            self._noted = known
        known_term = memory.term(known)
        if known_term is not None and (led or state.role == "leader"):
            was = before.commit_index if before is not None else self.durable.log.base.index
            if known > was:
                position = v.Position(known_term, known)
                shown.commits[term] = LeaderCommit(self.node, self._seq, position)
        self._committed = commit, known_term if commit == known else None

    def _note_snapshot(self, position: v.Position) -> None:
        if position.index:
            self.shown.snapshots.setdefault(position.index, {}).setdefault(position.term, self._seq)

    def _receive(self, event: v.Receive) -> None:
        message = event.message
        ids = self._entry_ids.none
        if isinstance(message, v.AppendEntriesCall):
            self.shown.led_by.setdefault((message.term, message.sender), self._seq)
            if message.entries:
                ids = self._entry_ids.encode(message.prev_position.term, message.entries)
        self._mail.received(self.node, self._seq, message, ids)
