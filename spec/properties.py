"""What must hold: always, at every step, and at least sometimes.

Each property is a plain predicate with its name and source.  It returns None where it holds, and
otherwise says what is wrong.  The tables group them by what they are predicates on:

ALWAYS      LOG      one log
            NODE     one server in memory
            MEMBER   one server with its disk and what it owes
            PAIR     two servers
            CLUSTER  one server and the history variables
            HISTORY  the history variables
STEP        CHANGE   what one step did to a running server
            QUORUM   what one step made a leader do, and the cluster around it
            DISK     what one step did to a disk
            TURN     what one server's turn did, and what it owes before and after
            RECEIVE  a server and the message that it takes
            ACTION   one executed action and the disk before it
SOMETIMES   witnesses in `spec.witnesses`: that a run has come by what the properties are about

Sources are sections and figures of the Raft paper (`spec.rules`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Generic, NamedTuple, TypeVar

from spec import always, steps
from spec.always import Detail
from spec.cluster import Change, Cluster, Disk, Executed, History, Member, Turn
from spec.values import (
    AppendLogEntries,
    BroadcastMessage,
    Log,
    Message,
    Node,
    NodeId,
    Receive,
    Restart,
    SendMessage,
    Start,
)

Predicate = TypeVar("Predicate", bound=Callable[..., Detail], covariant=True)


class Property(NamedTuple, Generic[Predicate]):
    name: str
    source: str
    holds: Predicate


class Violation(NamedTuple):
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
CLUSTER: tuple[Property[Callable[[Node, History], Detail]], ...] = (
    Property("ElectionSafety", "§5.2, Figure 3", always.one_leader_ever),
    Property("LeaderCompleteness", "§5.4, Figure 3", always.leader_completeness),
    Property("StateMachineSafety", "§5.4.3, Figure 3", always.state_machine_safety),
    Property("ReadIndexSafe", "§8; dissertation, §6.4", always.read_index_safe),
)
HISTORY: tuple[Property[Callable[[History], Detail]], ...] = (
    Property("VoteOncePerTerm", "§5.2", always.vote_once_per_term),
)
CHANGE: tuple[Property[Callable[[Node, Node], Detail]], ...] = (
    Property("TermMonotonic", "§5.1", steps.term_monotonic),
    Property("CommitMonotonic", "Figure 2", steps.commit_monotonic),
    Property("VoteKeptInTerm", "§5.2", steps.vote_kept_in_term),
    Property("LeaderAppendOnly", "§5.3, Figure 3", steps.leader_append_only),
    Property("CommittedEntriesStay", "§5.4.3", steps.committed_entries_stay),
    Property("NeverCommitEarlierTermDirectly", "§5.4.2, Figure 8", steps.commits_own_term_only),
    Property("CampaignsAsElector", "§6", steps.campaigns_as_elector),
    Property("ConfigChangeThroughJoint", "§6", steps.config_change_through_joint),
    Property("JointIsLeft", "§6", steps.joint_is_left),
)
QUORUM: tuple[Property[Callable[[Node, Node, Cluster], Detail]], ...] = (
    Property("CommittedOnQuorum", "§5.3, §6", steps.committed_on_quorum),
    Property("ElectedByQuorum", "§5.2, §6", steps.elected_by_quorum),
)
DISK: tuple[Property[Callable[[Disk, Disk], Detail]], ...] = (
    Property("TermMonotonic", "§5.1", steps.term_monotonic),
)
TURN: tuple[Property[Callable[[Turn], Detail]], ...] = (
    Property("LeaderKeptInTerm", "§5.2, Figure 3", steps.leader_kept_in_term),
    Property("TimerSetByCause", "§5.2, Figure 2", steps.timer_set_by_cause),
    Property("RemovedLeaderStepsDown", "§6", steps.removed_leader_steps_down),
)
RECEIVE: tuple[Property[Callable[[Node, Message], Detail]], ...] = (
    Property("ReplyIsToOwnCall", "Figure 2", steps.reply_is_to_own_call),
)
ACTION: dict[type, tuple[Property[Callable[[Executed], Detail]], ...]] = {
    SendMessage: (
        Property("VotePersistedBeforeReply", "Figure 2", steps.vote_persisted_before_reply),
        Property("TermPersistedBeforeMessage", "Figure 2", steps.term_persisted_before_message),
        Property("EntriesPersistedBeforeReply", "Figure 2", steps.entries_persisted_before_reply),
    ),
    BroadcastMessage: (
        Property("TermPersistedBeforeMessage", "Figure 2", steps.term_persisted_before_message),
    ),
    AppendLogEntries: (Property("WriteContinuesLog", "§5.3", steps.write_continues_log),),
}
"""By the kind of the action."""


def check(change: Change) -> Violation | None:
    """The first thing that one step has broken."""
    return next(violations(change), None)


def check_cluster(cluster: Cluster) -> Violation | None:
    """The first thing that is wrong with one state."""
    return next(wrong_in_state(cluster), None)


def violations(change: Change) -> Iterator[Violation]:
    """Everything that one step has broken: STEP, and ALWAYS of the state that it led to."""
    turn = change.turn
    if turn is None:
        yield from wrong_in_state(change.after)
    else:
        yield from wrong_in_turn(turn, change.after)
        yield from wrong_in_state(change.after, turn.node)


def wrong_in_turn(turn: Turn, cluster: Cluster) -> Iterator[Violation]:
    """STEP; `cluster` is what it is after the turn."""
    at, old, new = turn.node, turn.before, turn.after
    for done in turn.executed:
        yield from _wrong(ACTION.get(type(done.action), ()), at, done)
    yield from _wrong(DISK, at, old.disk, new.disk)
    if isinstance(turn.event, Receive):
        yield from _wrong(RECEIVE, at, old.node, turn.event.message)
    if new.up and not came_up(turn):
        yield from _wrong(CHANGE, at, old.node, new.node)
        yield from _wrong(QUORUM, at, old.node, new.node, cluster)
    if new.up:
        yield from _wrong(TURN, at, turn)


def came_up(turn: Turn) -> bool:
    """A server that has just come up has no state before to compare with."""
    return isinstance(turn.event, (Start, Restart))


def wrong_in_state(cluster: Cluster, node: NodeId | None = None) -> Iterator[Violation]:
    """ALWAYS.  A server that is down counts for nothing.  `node`: whose turn led here."""
    up = [member for member in cluster.members if member.up]
    for member in up:
        at = member.node.id
        yield from _wrong(MEMBER, at, member)
        yield from _wrong(LOG, at, member.node.log)
        yield from _wrong(NODE, at, member.node)
        for other in up:
            if other is not member:
                yield from _wrong(PAIR, at, member.node, other.node)
        yield from _wrong(CLUSTER, at, member.node, cluster.history)
    yield from _wrong(HISTORY, node, cluster.history)


def _wrong(
    table: tuple[Property[Callable[..., Detail]], ...], node: NodeId | None, *what: object
) -> Iterator[Violation]:
    for property_ in table:
        detail = property_.holds(*what)
        if detail is not None:
            yield Violation(property_.name, node, detail)
