"""What must hold: always, at every step, and at least sometimes.

Each property is a plain predicate with its name and source.  It returns None where it holds, and
otherwise says what is wrong.  The tables at the end group them by what they depend on, so that a
checker needs to look only at what a step has changed:

ALWAYS      MEMBER  one server
            PAIR    two servers
            CLUSTER one server and the history variables
STEP        CHANGE  what one step did
            ACTION  one executed action and the disk before it
SOMETIMES   witnesses in `spec.witnesses`: that a run has come by what the properties are about
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from spec import always, steps
from spec.always import Detail
from spec.cluster import Change, Cluster, Executed, History, Member
from spec.values import NodeId

Predicate = TypeVar("Predicate", bound=Callable[..., Detail])


@dataclass(frozen=True, slots=True)
class Property(Generic[Predicate]):
    name: str
    source: str
    holds: Predicate


@dataclass(frozen=True, slots=True)
class Violation:
    """A property that does not hold, the server it was seen at, and what was seen."""

    property: str
    node: NodeId | None
    detail: str


Always1 = Property[Callable[[Member], Detail]]
Always2 = Property[Callable[[Member, Member], Detail]]
AlwaysH = Property[Callable[[Member, History], Detail]]

MEMBER: tuple[Always1, ...] = (
    Property("TermsMonotonicInLog", "§5.3, lemma 2 of the proof", always.terms_monotonic_in_log),
    Property("SnapshotWithinCommit", "§7", always.snapshot_within_commit),
    Property("ConfigFromLog", "§6", always.config_from_log),
    Property("VotedForItself", "§5.2", always.role_agrees_with_vote),
    Property("DiskAgreesWithMemory", "Figure 2", always.disk_agrees_with_memory),
)
PAIR: tuple[Always2, ...] = (
    Property("ElectionSafety", "§5.2, Figure 3", always.one_leader_at_a_time),
    Property("LogMatching", "§5.3, Figure 3", always.log_matching),
    Property("StateMachineSafety", "§5.4.3, Figure 3", always.committed_entries_agree),
)
CLUSTER: tuple[AlwaysH, ...] = (
    Property("ElectionSafety", "§5.2, Figure 3", always.one_leader_ever),
    Property("LeaderCompleteness", "§5.4, Figure 3", always.leader_completeness),
    Property("StateMachineSafety", "§5.4.3, Figure 3", always.state_machine_safety),
    Property("VoteOncePerTerm", "§5.2", always.vote_once_per_term),
)
CHANGE: tuple[Property[Callable[[Change], Detail]], ...] = (
    Property("TermMonotonic", "§5.1", steps.term_monotonic),
    Property("CommitMonotonic", "Figure 2", steps.commit_monotonic),
    Property("VoteKeptInTerm", "§5.2", steps.vote_kept_in_term),
    Property("LeaderAppendOnly", "§5.3, Figure 3", steps.leader_append_only),
    Property("CommittedEntriesStay", "§5.4.3", steps.committed_entries_stay),
    Property("NeverCommitEarlierTermDirectly", "§5.4.2, Figure 8", steps.commits_own_term_only),
    Property("CommittedOnQuorum", "§5.3, §6", steps.committed_on_quorum),
    Property("ElectedByQuorum", "§5.2, §6", steps.elected_by_quorum),
    Property("CampaignsAsElector", "§6", steps.campaigns_as_elector),
    Property("ConfigChangeThroughJoint", "§6", steps.config_change_through_joint),
    Property("JointIsLeft", "§6", steps.joint_is_left),
    Property("RemovedLeaderStepsDown", "§6", steps.removed_leader_steps_down),
)
ACTION: tuple[Property[Callable[[Executed], Detail]], ...] = (
    Property("VotePersistedBeforeReply", "Figure 2", steps.vote_persisted_before_reply),
    Property("TermPersistedBeforeMessage", "Figure 2", steps.term_persisted_before_message),
    Property("EntriesPersistedBeforeReply", "Figure 2", steps.entries_persisted_before_reply),
    Property("WriteContinuesLog", "§5.3", steps.write_continues_log),
)


def check_change(change: Change) -> Iterator[Violation]:
    """Everything that one step may have broken: STEP, and ALWAYS of what it changed."""
    actor = change.actor
    for done in change.executed:
        for action_property in ACTION:
            if (detail := action_property.holds(done)) is not None:
                yield Violation(action_property.name, actor, detail)
    for step_property in CHANGE:
        if (detail := step_property.holds(change)) is not None:
            yield Violation(step_property.name, actor, detail)
    before, after = change.before, change.after
    if before.members is after.members and before.history is after.history:
        return
    for member, old in zip(after.members, before.members, strict=True):
        if member is not old:
            yield from check_member(after, member)
        elif before.history is not after.history:
            yield from _check_history(member, after.history)


def check_member(cluster: Cluster, member: Member) -> Iterator[Violation]:
    """ALWAYS, as far as it depends on one server.  One that is down has its disk alone."""
    if not member.up:
        return
    for property_ in MEMBER:
        if (detail := property_.holds(member)) is not None:
            yield Violation(property_.name, member.node.id, detail)
    for other in cluster.members:
        if other is member or not other.up:
            continue
        for pair_property in PAIR:
            if (detail := pair_property.holds(member, other)) is not None:
                yield Violation(pair_property.name, member.node.id, detail)
    yield from _check_history(member, cluster.history)


def _check_history(member: Member, history: History) -> Iterator[Violation]:
    if not member.up:
        return
    for property_ in CLUSTER:
        if (detail := property_.holds(member, history)) is not None:
            yield Violation(property_.name, member.node.id, detail)


def check_cluster(cluster: Cluster) -> Iterator[Violation]:
    """ALWAYS, all of it, on one state."""
    for member in cluster.members:
        yield from check_member(cluster, member)


__all__ = [
    "ACTION",
    "CHANGE",
    "CLUSTER",
    "MEMBER",
    "PAIR",
    "Property",
    "Violation",
    "check_change",
    "check_cluster",
    "check_member",
]
