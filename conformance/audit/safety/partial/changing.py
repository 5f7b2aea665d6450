"""How a leader changes the voters, as far as moments tell.

What others show came from a leader's log, and perhaps by several entries at once.
"""

from __future__ import annotations

from typing import Final

from conformance.audit.safety.changes import (
    AFTER_COMMIT,
    NO_PLACE,
    ONE_AT_A_TIME,
    THROUGH_JOINT,
    SingleSteps,
)
from conformance.audit.safety.findings import Findings
from conformance.audit.safety.partial.backing import NO_CONFIG, Voters
from conformance.audit.safety.partial.known import Known
from conformance.trace.moments import Capabilities, Moment
from spec.values import Index, NodeId

NOT_IN_FORCE: Final = "a configuration that is in the log is not known to be in force"


class Changing:
    """One node's changes, moment by moment."""

    def __init__(self, node: NodeId, capabilities: Capabilities, findings: Findings) -> None:
        self._node = node
        self._capabilities = capabilities
        self._findings = findings
        self._steps = SingleSteps(node, findings)
        self._index: Index | None = None
        """Where the last configuration stands, as the node has told in its term."""

    def check(self, moment: Moment, before: Known, known: Known) -> None:
        """`before`: what was known before the moment, `known`: after it."""
        if known.role != "leader" or known.term is None:
            return
        told, was = moment.config_index, self._index
        if told is not None:
            self._index = told
        if not known.leads_on(before):
            self._steps.elected(before.commit)
            self._index = told
            return
        moved = told not in (None, was)
        if before.voters and any(before.voters) and known.voters != before.voters:
            self._check_distance(moment.seq, before.voters, known.voters or ())
        if self._capabilities.configuration != "append":
            self._apply(moment.seq, before, known, moved)
        elif self._is_step(before.voters, known.voters, moved):
            place = told if moved or before.last is None else before.last + 1
            self._steps.take(moment.seq, known.term, known.commit, place)

    def _check_distance(self, seq: int, old: Voters, new: Voters) -> None:
        """§6; dissertation, §4.1: quorums of the two have a node in common.

        They do if both need a majority of one set, or of two that differ by one voter.
        """
        if not any(new):
            self._findings.leave(THROUGH_JOINT, NO_CONFIG)
            return
        self._findings.checked[THROUGH_JOINT] += 1
        if not any(len({*one} ^ {*other}) <= 1 for one in old for other in new):
            self._findings.report(THROUGH_JOINT, self._node, seq, f"from {old} to {new}")

    def _is_step(self, old: Voters | None, new: Voters | None, moved: bool) -> bool:
        """Whether one set of voters gives way to another one."""
        if old and new:
            return len(old) == len(new) == 1 and old != new
        return moved and self._capabilities.changes == "single"

    def _apply(self, seq: int, before: Known, known: Known, moved: bool) -> None:
        """A configuration that waits in the log changes no quorum: the next one may change two."""
        if moved:
            self._steps.one_at_a_time(seq, known.commit, self._index)
        if known.voters != before.voters and before.voters and any(before.voters):
            self._findings.leave(AFTER_COMMIT, NOT_IN_FORCE)
            if self._index is None:
                self._findings.leave(ONE_AT_A_TIME, NO_PLACE)
