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
            ACTION   one executed action and the disk before it
SOMETIMES   witnesses in `spec.witnesses`: that a run has come by what the properties are about

A property also says what of a server it reads, so that a checker may leave out those whose
reading a step has not touched; that nothing is lost by this is a test.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Final, Generic, NamedTuple, TypeVar

from spec import always, steps
from spec.always import Detail
from spec.cluster import Change, Cluster, Disk, Executed, History, Member, Turn
from spec.values import (
    AppendLogEntries,
    BroadcastMessage,
    Log,
    Node,
    NodeId,
    Restart,
    SendMessage,
    Start,
)

# Parts of a server's state that a property may read: its term and vote, its role (which one, not
# what it knows in it), its log, its commit index.
TERM: Final = 1
ROLE: Final = 2
LOG_: Final = 4
COMMIT: Final = 8
EVERYTHING: Final = TERM | ROLE | LOG_ | COMMIT

Predicate = TypeVar("Predicate", bound=Callable[..., Detail], covariant=True)


class Property(NamedTuple, Generic[Predicate]):
    name: str
    source: str
    holds: Predicate
    reads: int = EVERYTHING


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
    Property("TermNotBelowLog", "§5.1", always.term_not_below_log, TERM | LOG_),
    Property("SnapshotWithinCommit", "§7", always.snapshot_within_commit, LOG_ | COMMIT),
    Property("VotedForItself", "§5.2", always.role_agrees_with_vote, TERM | ROLE),
)
MEMBER: tuple[Property[Callable[[Member], Detail]], ...] = (
    Property("DiskAgreesWithMemory", "Figure 2", always.disk_agrees_with_memory),
)
PAIR: tuple[Property[Callable[[Node, Node], Detail]], ...] = (
    Property("ElectionSafety", "§5.2, Figure 3", always.one_leader_at_a_time, TERM | ROLE),
    Property("LogMatching", "§5.3, Figure 3", always.log_matching, LOG_),
    Property(
        "StateMachineSafety", "§5.4.3, Figure 3", always.committed_entries_agree, LOG_ | COMMIT
    ),
)
CLUSTER: tuple[Property[Callable[[Node, History], Detail]], ...] = (
    Property("ElectionSafety", "§5.2, Figure 3", always.one_leader_ever, TERM | ROLE),
    Property("LeaderCompleteness", "§5.4, Figure 3", always.leader_completeness, ROLE | LOG_),
    Property("StateMachineSafety", "§5.4.3, Figure 3", always.state_machine_safety, LOG_ | COMMIT),
)
HISTORY: tuple[Property[Callable[[History], Detail]], ...] = (
    Property("VoteOncePerTerm", "§5.2", always.vote_once_per_term),
)
CHANGE: tuple[Property[Callable[[Node, Node], Detail]], ...] = (
    Property("TermMonotonic", "§5.1", steps.term_monotonic, TERM),
    Property("CommitMonotonic", "Figure 2", steps.commit_monotonic, COMMIT),
    Property("VoteKeptInTerm", "§5.2", steps.vote_kept_in_term, TERM),
    Property("LeaderAppendOnly", "§5.3, Figure 3", steps.leader_append_only, LOG_),
    Property("CommittedEntriesStay", "§5.4.3", steps.committed_entries_stay, LOG_),
    Property(
        "NeverCommitEarlierTermDirectly", "§5.4.2, Figure 8", steps.commits_own_term_only, COMMIT
    ),
    Property("CampaignsAsElector", "§6", steps.campaigns_as_elector, ROLE),
    Property("ConfigChangeThroughJoint", "§6", steps.config_change_through_joint, LOG_),
    Property("JointIsLeft", "§6", steps.joint_is_left, COMMIT),
    Property("RemovedLeaderStepsDown", "§6", steps.removed_leader_steps_down, ROLE | COMMIT),
)
QUORUM: tuple[Property[Callable[[Node, Node, Cluster], Detail]], ...] = (
    Property("CommittedOnQuorum", "§5.3, §6", steps.committed_on_quorum, COMMIT),
    Property("ElectedByQuorum", "§5.2, §6", steps.elected_by_quorum, ROLE),
)
DISK: tuple[Property[Callable[[Disk, Disk], Detail]], ...] = (
    Property("TermMonotonic", "§5.1", steps.disk_term_monotonic),
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


def check_change(change: Change) -> Violation | None:
    """The first thing that one step has broken: STEP, and ALWAYS of what it changed."""
    turn = change.turn
    if turn is None:
        return None
    if broken := check_turn(turn):
        return broken
    if turn.after.up:
        touched = _touched_in(turn)
        if touched and not _came_up(turn) and (broken := check_quorum(turn, change.after)):
            return broken
        if broken := _check_member(change.after, turn.after, touched):
            return broken
    history = change.after.history
    if history is change.before.history:
        return None
    if broken := _first(HISTORY, turn.node, history):
        return broken
    for member in change.after.members:
        if member.up and (broken := check_with_history(member.node, history)):
            return broken
    return None


def check_turn(turn: Turn) -> Violation | None:
    """STEP, as far as it is about one server alone."""
    for done in turn.executed:
        if table := ACTION.get(type(done.action)):
            if broken := _first(table, turn.node, done):
                return broken
    old, new = turn.before, turn.after
    if new.disk is not old.disk and (broken := _first(DISK, turn.node, old.disk, new.disk)):
        return broken
    if not new.up or _came_up(turn):
        return None
    touched = _touched(old.node, new.node)
    return _first(_reading("CHANGE", touched), turn.node, old.node, new.node) if touched else None


def check_quorum(turn: Turn, cluster: Cluster) -> Violation | None:
    """STEP, as far as it takes a quorum; `cluster` is what it is after the turn."""
    old, new = turn.before.node, turn.after.node
    touched = _touched(old, new)
    return _first(_reading("QUORUM", touched), turn.node, old, new, cluster) if touched else None


def check_server(member: Member) -> Violation | None:
    """ALWAYS, as far as it is about one server."""
    return _first(MEMBER, member.node.id, member) or _check_node(member.node, EVERYTHING)


def check_pair(a: Node, b: Node) -> Violation | None:
    """ALWAYS, as far as it is about two servers that are up."""
    return _first(PAIR, a.id, a, b)


def check_with_history(node: Node, history: History) -> Violation | None:
    """ALWAYS, as far as it is about one server and what has been."""
    return _first(CLUSTER, node.id, node, history)


def check_history(history: History) -> Violation | None:
    return _first(HISTORY, None, history)


def check_cluster(cluster: Cluster) -> Violation | None:
    """ALWAYS, all of it, on one state.  A server that is down counts for nothing."""
    for member in cluster.members:
        if member.up and (broken := _check_member(cluster, member, EVERYTHING)):
            return broken
    return check_history(cluster.history)


def _check_member(cluster: Cluster, member: Member, touched: int) -> Violation | None:
    """ALWAYS, as far as it depends on what was touched of one server."""
    node = member.node
    if broken := _first(MEMBER, node.id, member):
        return broken
    if not touched:
        return None
    if broken := _check_node(node, touched):
        return broken
    if pair := _reading("PAIR", touched):
        for other in cluster.members:
            if other is not member and other.up:
                if broken := _first(pair, node.id, node, other.node):
                    return broken
    return _first(_reading("CLUSTER", touched), node.id, node, cluster.history)


def _check_node(node: Node, touched: int) -> Violation | None:
    if touched & LOG_ and (broken := _first(LOG, node.id, node.log)):
        return broken
    return _first(_reading("NODE", touched), node.id, node)


def _came_up(turn: Turn) -> bool:
    """A server that has just come up has no state before to compare with."""
    return isinstance(turn.event, (Start, Restart))


def _touched_in(turn: Turn) -> int:
    return EVERYTHING if _came_up(turn) else _touched(turn.before.node, turn.after.node)


def _touched(old: Node, new: Node) -> int:
    """What a step has changed of a server.  Values are immutable: the same object is the same."""
    if old is new:
        return 0
    touched = 0
    if old.current_term != new.current_term or old.voted_for != new.voted_for:
        touched |= TERM
    if type(old.role) is not type(new.role):
        touched |= ROLE
    if old.log is not new.log:
        touched |= LOG_
    if old.commit_index != new.commit_index:
        touched |= COMMIT
    return touched


@cache
def _reading(table: str, touched: int) -> tuple[Property[Callable[..., Detail]], ...]:
    """The properties of a table that read any of this."""
    properties: tuple[Property[Callable[..., Detail]], ...] = globals()[table]
    return tuple(property_ for property_ in properties if property_.reads & touched)


def _first(
    table: tuple[Property[Callable[..., Detail]], ...], node: NodeId | None, *what: object
) -> Violation | None:
    for property_ in table:
        detail = property_.holds(*what)
        if detail is not None:
            return Violation(property_.name, node, detail)
    return None
