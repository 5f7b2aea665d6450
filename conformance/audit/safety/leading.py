"""When a node leads, commits, or changes its configuration, and what it goes by then."""

from __future__ import annotations

from conformance.audit.safety.changes import SingleSteps
from conformance.audit.safety.disk import Durable
from conformance.audit.safety.findings import Findings
from conformance.audit.safety.log import VolatileLog
from conformance.audit.safety.quorum import Backing
from conformance.audit.safety.shown import Shown
from conformance.audit.safety.steps import Steps
from conformance.observe.observed import Observed
from conformance.observe.recorded import Recorded
from spec import values as v


class Leading:
    """The questions to a node's elections and commitments, put to what it received."""

    def __init__(
        self, durable: Durable, backing: Backing, steps: Steps, shown: Shown, findings: Findings
    ) -> None:
        self.backing = backing
        self.steps = steps
        self._durable = durable
        self._shown = shown
        self._findings = findings
        self._single_steps = SingleSteps(steps.node, findings)
        self._proposed: tuple[v.Config, v.Index] | None = None
        """The latest configuration that the node was asked for, and where it stands."""

    def check(
        self, record: Recorded, before: Observed | None, memory: VolatileLog, is_first: bool
    ) -> None:
        """`memory`: the log after the event; `is_first`: the recording begins with this."""
        state, log, seq = record.state, self._durable.log, record.seq
        term, commit = state.current_term, state.commit_index
        leads = state.role == "leader"
        led = before is not None and before.role == "leader" and before.current_term == term
        if leads and not led:
            own = self._durable.term, self._durable.vote
            has_own_vote = own == (term, record.node)
            configs = [state.config]
            if before is not None and before.config.voters:
                # An election is won by votes; other events may change the configuration too.
                won = isinstance(record.event, v.Receive)
                configs = [before.config] if won else [before.config, state.config]
            at_once = isinstance(record.event, (v.CreateCluster, v.ElectionTimeout, v.TimeoutNow))
            at_once = at_once and before is not None and before.current_term < term
            self.backing.elected(term, configs, has_own_vote, at_once, seq)
            self._single_steps.elected(log.base.index if before is None else before.commit_index)
        same_config = before is not None and (
            before.config is state.config or before.config == state.config
        )
        number = state.confirmed
        if number and not (before is not None and same_config and before.confirmed == number):
            self.backing.confirmed(term, number, state.config, seq)
        was = log.base.index if before is None else before.commit_index
        if led and before is not None and not same_config:
            self._check_config(record, before)
        if commit <= was:
            return
        if not isinstance(record.event, v.SnapshotInstalled):
            self._shown.vouched = max(self._shown.vouched, commit)
        if before is None and is_first:
            self.backing.begin(commit, log.base.index, seq)
        elif not (leads or led):
            self.backing.followed(commit, before is None, seq)
        elif not isinstance(record.event, v.SnapshotInstalled):
            self._check_commit(record, before, was, memory)

    def _check_config(self, record: Recorded, before: Observed) -> None:
        state = record.state
        is_single = self.steps.check_config(record, before, self._index_of(before.config))
        commit, place = state.commit_index, self._index_of(state.config)
        if isinstance(record.outcome, v.Position):
            # What the drain after a proposal commits, it commits too late.
            commit, place = before.commit_index, record.outcome.index
            self._proposed = state.config, place
        if is_single:
            self._single_steps.take(record.seq, state.current_term, commit, place)

    def _index_of(self, config: v.Config) -> v.Index | None:
        """Where a configuration stands in the log, if that is known."""
        chain = self._durable.log.configs
        while chain is not None:
            if chain[1] == config:
                return chain[0]
            chain = chain[2]
        return self._proposed[1] if self._proposed and self._proposed[0] == config else None

    def _check_commit(
        self, record: Recorded, before: Observed | None, was: v.Index, memory: VolatileLog
    ) -> None:
        """§5.3, §5.4.2, §6: a leader counts copies of entries of its own term.

        It may have counted under the configuration from before the event, or from after it; but a
        joint one has to be committed before the next one counts.
        """
        state, log, name = record.state, self._durable.log, "NeverCommitEarlierTermDirectly"
        term, index = state.current_term, min(state.commit_index, state.last_position.index)
        known = memory.term_at(index, state.last_position)
        if known is None:
            self._findings.leave(name, "the term of the entry is not known")
        else:
            self._findings.checked[name] += 1
            if known != term:
                detail = f"index {index} of term {known} in term {term}"
                self._findings.report(name, record.node, record.seq, detail)
        configs = [state.config]
        if before is not None and before.config.voters:
            old = before.config
            joint_at = self._index_of(old) if old.is_joint and old != state.config else None
            if joint_at is None or joint_at <= was:
                configs = [old, state.config]
            elif joint_at <= index:
                # One of an earlier term is committed by an entry of the leader's own that follows.
                own = memory.terms()
                counted = max(joint_at, own[0]) if own and own[1] == term else joint_at
                self.backing.committed(term, counted, [old], log.last_index >= counted, record.seq)
            else:
                configs = [old]
        has_own = log.term(index) == known if known is not None else log.last_index >= index
        self.backing.committed(term, index, configs, has_own, record.seq)
