"""What must hold: always, at every step, and at least sometimes.

Each property is a plain predicate with its name and source.  It returns None where it holds, and
otherwise says what is wrong.  The tables at the end group them by what they depend on, so that a
checker needs to look only at what a step has changed:

ALWAYS      LOG      one log
            NODE     one server in memory
            MEMBER   one server with its disk and what it owes
            PAIR     two servers
            HISTORY  one server and the history variables
STEP        CHANGE   what one step did to a running server
            DISK     what one step did to a disk
            ACTION   one executed action and the disk before it
SOMETIMES   witnesses in `spec.witnesses`: that a run has come by what the properties are about
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from spec import always, steps
from spec.always import Detail
from spec.cluster import Change, Cluster, Disk, Executed, History, Member
from spec.values import Log, Node, NodeId, Restart, Start

Predicate = TypeVar("Predicate", bound=Callable[..., Detail], covariant=True)


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


LOG: tuple[Property[Callable[[Log], Detail]], ...] = (
    Property("TermsMonotonicInLog", "§5.3, lemma 2 of the proof", always.terms_monotonic_in_log),
    Property("ConfigFromLog", "§6", always.config_from_log),
)
NODE: tuple[Property[Callable[[Node], Detail]], ...] = (
    Property("TermNotBelowLog", "§5.1", always.term_not_below_log),
    Property("SnapshotWithinCommit", "§7", always.snapshot_within_commit),
    Property("VotedForItself", "§5.2", always.role_agrees_with_vote),
)
MEMBER: tuple[Property[Callable[[Member], Detail]], ...] = (
    Property("DiskAgreesWithMemory", "Figure 2", always.disk_agrees_with_memory),
)
PAIR: tuple[Property[Callable[[Node, Node], Detail]], ...] = (
    Property("ElectionSafety", "§5.2, Figure 3", always.one_leader_at_a_time),
    Property("LogMatching", "§5.3, Figure 3", always.log_matching),
    Property("StateMachineSafety", "§5.4.3, Figure 3", always.committed_entries_agree),
)
HISTORY: tuple[Property[Callable[[Node, History], Detail]], ...] = (
    Property("ElectionSafety", "§5.2, Figure 3", always.one_leader_ever),
    Property("LeaderCompleteness", "§5.4, Figure 3", always.leader_completeness),
    Property("StateMachineSafety", "§5.4.3, Figure 3", always.state_machine_safety),
    Property("VoteOncePerTerm", "§5.2", always.vote_once_per_term),
)
CHANGE: tuple[Property[Callable[[Change, Node, Node], Detail]], ...] = (
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
DISK: tuple[Property[Callable[[Disk, Disk], Detail]], ...] = (
    Property("TermMonotonic", "§5.1", steps.disk_term_monotonic),
)
ACTION: tuple[Property[Callable[[Executed], Detail]], ...] = (
    Property("VotePersistedBeforeReply", "Figure 2", steps.vote_persisted_before_reply),
    Property("TermPersistedBeforeMessage", "Figure 2", steps.term_persisted_before_message),
    Property("EntriesPersistedBeforeReply", "Figure 2", steps.entries_persisted_before_reply),
    Property("WriteContinuesLog", "§5.3", steps.write_continues_log),
)


def check_change(change: Change) -> Iterator[Violation]:
    """Everything that one step may have broken: STEP, and ALWAYS of what it changed.

    Values are immutable, so what is still the same object has not changed.
    """
    actor = change.actor
    if actor is None:
        return
    for done in change.executed:
        yield from _broken(ACTION, actor, done)
    old, new = change.before.members[actor], change.after.members[actor]
    if new.disk is not old.disk:
        yield from _broken(DISK, actor, old.disk, new.disk)
    if new.up:
        came_up = isinstance(change.event, (Start, Restart))
        if new.node is not old.node and not came_up:
            yield from _broken(CHANGE, actor, change, old.node, new.node)
        yield from _check_member(change.after, new, None if came_up else old)
    if change.after.history is not change.before.history:
        for member in change.after.members:
            if member.up and member is not new:
                yield from _broken(HISTORY, member.node.id, member.node, change.after.history)


def _check_member(cluster: Cluster, member: Member, old: Member | None) -> Iterator[Violation]:
    """ALWAYS, as far as it depends on one server and has changed since it was `old`."""
    node = member.node
    yield from _broken(MEMBER, node.id, member)
    if old is None or old.node is not node:
        if old is None or old.node.log is not node.log:
            yield from _broken(LOG, node.id, node.log)
        yield from _broken(NODE, node.id, node)
        for other in cluster.members:
            if other is not member and other.up:
                yield from _broken(PAIR, node.id, node, other.node)
    yield from _broken(HISTORY, node.id, node, cluster.history)


def check_cluster(cluster: Cluster) -> Iterator[Violation]:
    """ALWAYS, all of it, on one state.  A server that is down counts for nothing."""
    for member in cluster.members:
        if member.up:
            yield from _check_member(cluster, member, None)


def _broken(
    table: tuple[Property[Callable[..., Detail]], ...], node: NodeId, *what: object
) -> Iterator[Violation]:
    for property_ in table:
        detail = property_.holds(*what)
        if detail is not None:
            yield Violation(property_.name, node, detail)
