"""The checks of the safety audit that two consecutive states of a node decide, and the event."""

from __future__ import annotations

from collections.abc import Set
from typing import Final

from conformance.audit.safety.changes import THROUGH_JOINT
from conformance.audit.safety.findings import Findings
from conformance.audit.safety.log import at
from conformance.observe.observed import Observed
from conformance.observe.recorded import Recorded
from spec import values as v

GIVEN: Final = "the recording begins with a log of a later term"
NO_STEPS: Final = "neither a joint configuration is shown nor a change of one voter"


class Steps:
    """What a node shows after each event, against what it showed before."""

    def __init__(self, node: v.NodeId, findings: Findings) -> None:
        self.shows_steps = False
        """Whether the node ever showed how voters change: a joint configuration, or a leader's with
        one voter more or less.
        """
        self.node = node
        self._findings = findings
        self._checked = findings.checked
        self._given = v.ZERO
        """The last position that the recording begins with."""
        self._at_once: tuple[int, str] | None = None
        """The first change of several voters in one step, and how often there was one."""
        self._times_at_once = 0

    def begin(self, last: v.Position) -> None:
        self._given = last

    def check(
        self,
        record: Recorded,
        before: Observed | None,
        unanswered: Set[tuple[v.NodeId, v.Term]],
    ) -> None:
        """A commit index behind the snapshot (D4) is late, and no harm.

        `unanswered`: to whom an answer may have been owed before the event, and of which term.
        """
        state, last, commit = record.state, record.state.last_position, record.state.commit_index
        if commit > last.index and (before is None or commit > before.commit_index):
            # Where it lies beyond a log that was cut off, that is CommittedEntriesStay.
            detail = f"commits index {commit} of a log that ends at {last.index}"
            self._report("SnapshotWithinCommit", record.seq, detail)
        if not state.snapshot_position.term <= last.term <= state.current_term:
            self._check_terms(state, record.seq)
        if state.config.new_voters:
            self.shows_steps = True
        if before is None:
            return
        was = before.last_position
        if before.commit_index <= last.index < was.index and was.term == state.current_term:
            self._check_dropped(before, record)
        event = record.event
        if isinstance(event, v.Receive):
            message = event.message
            if isinstance(message, v.RequestVoteCall):
                self._check_vote(message, record, before)
            elif isinstance(message, v.AppendEntriesCall):
                self._check_stale(message, record, before)
            if message.term < before.current_term:
                self._check_answer(message, record, before.current_term, unanswered)

    def check_config(self, record: Recorded, before: Observed, joint_at: v.Index | None) -> bool:
        """§6: a leader's configuration changes from one set of voters to another through both.

        `joint_at`: where the joint configuration before stands in the log, if that is known.  One
        voter more or less needs none: then majorities overlap anyway (dissertation, §4.1).  The
        answer is whether that is what has changed.
        """
        old, new, state = before.config, record.state.config, record.state
        wrong, is_single = None, False
        if (new.new_voters if new.is_joint else new.voters) & new.non_voters:
            wrong = f"{new} has a node both as voter and non-voter"
        elif old.is_joint:
            if new.voters != old.new_voters or new.is_joint:
                wrong = f"from {old} to {new}"
            elif joint_at is not None and state.commit_index < joint_at:
                wrong = f"leaves {old} at index {joint_at}, committed is {state.commit_index}"
        elif not old.voters:
            return False
        elif new.is_joint:
            if new.voters != old.voters:
                wrong = f"from {old} to {new}"
        elif len(new.voters ^ old.voters) > 1:
            self._times_at_once += 1
            self._at_once = self._at_once or (record.seq, f"from {old} to {new}")
            return False
        elif new.voters != old.voters:
            is_single = self.shows_steps = True
        self._checked[THROUGH_JOINT] += 1
        if wrong is not None:
            self._report(THROUGH_JOINT, record.seq, wrong)
        return is_single

    def finish(self, steps_shown: bool) -> None:
        """`steps_shown`: some node's recording shows how voters change."""
        if self._at_once is None:
            return
        if steps_shown:
            seq, detail = self._at_once
            self._checked[THROUGH_JOINT] += self._times_at_once
            self._report(THROUGH_JOINT, seq, detail)
        else:
            self._findings.leave(THROUGH_JOINT, NO_STEPS, self._times_at_once)

    def _check_terms(self, state: Observed, seq: int) -> None:
        """§5.1, §5.3: terms do not fall along a log, and the last is at most the node's own."""
        last = state.last_position
        if state.snapshot_position.term > last.term:
            detail = f"a log from {at(state.snapshot_position)} to {at(last)}"
            self._report("TermsMonotonicInLog", seq, detail)
        if last.term > state.current_term and last == self._given:
            self._checked["TermNotBelowLog"] -= 1
            self._findings.leave("TermNotBelowLog", GIVEN)
        elif last.term > state.current_term:
            detail = f"a log of term {last.term} in term {state.current_term}"
            self._report("TermNotBelowLog", seq, detail)

    def _check_dropped(self, before: Observed, record: Recorded) -> None:
        """§5.3: entries of the term are its leader's, which drops none, so nothing conflicts.

        That the leader itself drops one is LeaderAppendOnly; that a committed one goes,
        CommittedEntriesStay.
        """
        if before.role != "leader":
            ends = at(record.state.last_position)
            detail = f"{at(before.last_position)} is dropped in its term, the log ends at {ends}"
            self._report("EntriesKeptInTerm", record.seq, detail)

    def _check_vote(self, call: v.RequestVoteCall, record: Recorded, before: Observed) -> None:
        """§5.4.1: a vote goes to no candidate whose log is less up-to-date than the voter's."""
        state = record.state
        given = state.current_term, state.voted_for
        if given != (call.term, call.sender) or call.sender == self.node:
            return
        if given == (before.current_term, before.voted_for):
            return
        self._checked["VoteForUpToDateLog"] += 1
        if before.last_position > call.last_position:
            detail = (
                f"votes for {call.sender} in term {call.term}, whose log ends at "
                f"{at(call.last_position)}, and has {at(before.last_position)}"
            )
            self._report("VoteForUpToDateLog", record.seq, detail)

    def _check_stale(self, call: v.AppendEntriesCall, record: Recorded, before: Observed) -> None:
        """§5.1: a follower takes nothing from a leader of an earlier term."""
        state = record.state
        if call.term >= before.current_term or "leader" in (before.role, state.role):
            return
        self._checked["StaleCallRejected"] += 1
        shown = before.last_position, before.commit_index
        if (state.last_position, state.commit_index) != shown:
            detail = (
                f"a call of term {call.term} in term {before.current_term} changes the log from "
                f"{at(before.last_position)} to {at(state.last_position)}, the commit index from "
                f"{before.commit_index} to {state.commit_index}"
            )
            self._report("StaleCallRejected", record.seq, detail)
        elif state.leader_given and before.leader != state.leader == call.sender:
            detail = (
                f"a call of term {call.term} in term {state.current_term} makes {call.sender} "
                "its leader"
            )
            self._report("StaleCallRejected", record.seq, detail)

    def _check_answer(
        self,
        message: v.Message,
        record: Recorded,
        term: v.Term,
        unanswered: Set[tuple[v.NodeId, v.Term]],
    ) -> None:
        """Figure 2, results: an answer has the current term, by which a sender that is behind
        learns of it.  With the term of the call it would confirm a leader that leads no more (§8).
        """
        if not isinstance(message, (v.RequestVoteCall, v.AppendEntriesCall)):
            return
        replies = v.RequestVoteReply, v.AppendEntriesReply
        for action in record.actions or ():
            match action:
                case v.SendMessage(to, reply) if to == message.sender:
                    if not isinstance(reply, replies):
                        continue
                    self._checked["StaleCallRejected"] += 1
                    told = reply.term
                    if told < term and (to, told) not in unanswered:
                        detail = f"answers {to} in term {term} with term {told}"
                        self._report("StaleCallRejected", record.seq, detail)

    def _report(self, name: str, seq: int, detail: str, cause: object = None) -> None:
        self._findings.report(name, self.node, seq, detail, cause)
