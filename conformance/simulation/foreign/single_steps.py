"""What leaders may change in one step, where a subject has no joint configurations.

The safety level asks the same of recordings, and says why (`audit.safety.changes`).
"""

from __future__ import annotations

from spec import values as v
from spec.properties import Violation


def broken_by_change(before: v.Node, after: v.Node) -> Violation | None:
    """Dissertation, §4.1: one voter at a time, once the last change and something of the term is
    committed.

    `before` and `after`: a node around an event and all of its drain; what is committed only then
    came too late for a change.
    """
    old, new, term = before.config, after.config, before.current_term
    leads = isinstance(before.role, v.Leader) and after.current_term == term
    if not leads or old.voters == new.voters or old.is_joint or new.is_joint or not old.voters:
        return None

    def broken(name: str, detail: str) -> Violation:
        return Violation(name, before.id, f"{detail}: from {old} to {new}")

    if len(old.voters ^ new.voters) > 1:
        return broken("OneChangeAtATime", "several voters at once")
    commit, log = before.commit_index, before.log
    if log.term(commit) != term:
        return broken("ChangeAfterCommitInTerm", f"nothing of term {term} is committed yet")
    if log.config_at(commit).voters != old.voters:
        return broken("OneChangeAtATime", "the change before is not committed yet")
    return None
