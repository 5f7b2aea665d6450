"""Voters that change in one step, without a joint configuration (dissertation, §4.1).

Of two sets that differ by one voter, any two majorities have a node in common.  Two changes lie
further apart: so a leader makes the next one only once the last one is committed.  Those that
leaders of different terms made to the same configuration lie apart too: so it first commits an
entry of its own term, which ends what earlier leaders left uncommitted (D. Ongaro, "bug in
single-server membership changes", raft-dev, 10 July 2015).
"""

from __future__ import annotations

from typing import Final

from conformance.audit.safety.findings import Findings
from spec.values import Config, Index, NodeId, Term

THROUGH_JOINT: Final = "ConfigChangeThroughJoint"
ONE_AT_A_TIME: Final = "OneChangeAtATime"
AFTER_COMMIT: Final = "ChangeAfterCommitInTerm"

NO_BEFORE: Final = "it is not shown what was committed before the leader's term"
NO_COMMIT: Final = "the leader's commit index is not shown"
NO_PLACE: Final = "it is not noted where in the log a configuration stands"


class SingleSteps:
    """Those of one node, while it leads."""

    def __init__(self, node: NodeId, findings: Findings) -> None:
        self._node = node
        self._findings = findings
        self._had: Index | None = None
        """Up to where the node had committed when it began to lead."""
        self._latest: tuple[Index | None] | None = None
        """Where the latest change of its term stands in the log, or after: None if not known."""

    def elected(self, commit: Index | None) -> None:
        """The node leads a term from now on; up to where it had committed before."""
        self._had, self._latest = commit, None

    def take(self, seq: int, term: Term, commit: Index | None, place: Index | None) -> None:
        """The leader changes the voters, at this index or after it, with so much committed."""
        self.after_commit_in_term(seq, term, commit)
        self.one_at_a_time(seq, commit, place)

    def after_commit_in_term(self, seq: int, term: Term, commit: Index | None) -> None:
        """What a leader commits is of its term, or follows from that (§5.4.2)."""
        if self._had is None or commit is None:
            self._findings.leave(AFTER_COMMIT, NO_BEFORE if self._had is None else NO_COMMIT)
            return
        self._findings.checked[AFTER_COMMIT] += 1
        if commit <= self._had:
            detail = f"changes the voters in term {term}, of which nothing is committed yet"
            self._findings.report(AFTER_COMMIT, self._node, seq, detail, term)

    def one_at_a_time(self, seq: int, commit: Index | None, place: Index | None) -> None:
        """Of the first change in a term the commitment in that term tells."""
        latest, self._latest = self._latest, (place,)
        if latest is None:
            return
        (last,) = latest
        if last is None or commit is None:
            self._findings.leave(ONE_AT_A_TIME, NO_PLACE if last is None else NO_COMMIT)
            return
        self._findings.checked[ONE_AT_A_TIME] += 1
        if commit < last:
            detail = (
                f"changes the voters, and the change before, at index {last} or after it, is not "
                f"committed: committed is {commit}"
            )
            self._findings.report(ONE_AT_A_TIME, self._node, seq, detail)


def as_appended(proposed: Config, shown: Config) -> Config:
    """What a leader that shows a configuration has appended for the proposed one.

    A change of one voter may be proposed as a joint configuration and made in one step.
    """
    if proposed.is_joint and not shown.is_joint and shown.voters == proposed.new_voters:
        if len(proposed.voters ^ shown.voters) == 1:
            return shown
    return proposed
