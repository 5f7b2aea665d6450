"""`spec.properties` and `spec.witnesses`, asked of no more than a step has touched.

A long run asks them after every step, which has changed one server, and mostly in one respect.  So
a property is left out where nothing that it reads was touched.  That nothing is lost by this is a
test, which holds these functions against the plain ones.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from spec import always, properties, steps, witnesses
from spec.cluster import Change, Cluster, History, Member, Turn
from spec.properties import Property, Violation, came_up
from spec.values import Leader, Node, NodeId, Receive

Table: TypeAlias = tuple[Property[Callable[..., always.Detail]], ...]

# What a property may read of a server: its term and vote, its role (which one, not what it knows in
# it), its log, its commit index, what a leader knows of calls.  What is touched is a set of these,
# one bit for each.
VOTE: Final = 1
ROLE: Final = 2
LOG: Final = 4
COMMIT: Final = 8
CALLS: Final = 16
EVERYTHING: Final = VOTE | ROLE | LOG | COMMIT | CALLS

READS: Final[dict[Callable[..., Any], int]] = {
    always.terms_monotonic_in_log: LOG,
    always.config_from_log: LOG,
    always.term_not_below_log: VOTE | LOG,
    always.snapshot_within_commit: LOG | COMMIT,
    always.role_agrees_with_vote: VOTE | ROLE,
    always.one_leader_at_a_time: VOTE | ROLE,
    always.log_matching: LOG,
    always.committed_entries_agree: LOG | COMMIT,
    always.one_leader_ever: VOTE | ROLE,
    always.leader_completeness: ROLE | LOG,
    always.state_machine_safety: LOG | COMMIT,
    always.read_index_safe: VOTE | ROLE | LOG | CALLS,
    steps.term_monotonic: VOTE,
    steps.commit_monotonic: COMMIT,
    steps.vote_kept_in_term: VOTE,
    steps.leader_append_only: LOG,
    steps.committed_entries_stay: LOG,
    steps.commits_own_term_only: COMMIT,
    steps.campaigns_as_elector: ROLE,
    steps.config_change_through_joint: LOG,
    steps.joint_is_left: COMMIT,
    steps.committed_on_quorum: COMMIT,
    steps.elected_by_quorum: ROLE,
}
"""What of a server a step has to touch for it to break a property; of one that is not here, any."""


def by_touched(table: Table) -> tuple[Table, ...]:
    """For each set of what may be touched, the properties of a table that read some of it."""
    return tuple(
        tuple(one for one in table if READS.get(one.holds, EVERYTHING) & touched)
        for touched in range(EVERYTHING + 1)
    )


OF_LOG: Final = by_touched(properties.LOG)
OF_NODE: Final = by_touched(properties.NODE)
OF_PAIR: Final = by_touched(properties.PAIR)
OF_CLUSTER: Final = by_touched(properties.CLUSTER)
OF_CHANGE: Final = by_touched(properties.CHANGE)
OF_QUORUM: Final = by_touched(properties.QUORUM)


def check_change(change: Change) -> Violation | None:
    """What `properties.check` finds, or another of the properties that the step has broken.

    It is asked after every step, so the state before is known to be in order.
    """
    turn = change.turn
    if turn is None:
        return None
    if broken := check_turn(turn):
        return broken
    if turn.after.up:
        touched = _touched_in(turn)
        if touched and not came_up(turn) and (broken := check_quorum(turn, change.after)):
            return broken
        if broken := _check_member(change.after, turn.after, touched):
            return broken
    history = change.after.history
    if history is change.before.history:
        return None
    if broken := _first(properties.HISTORY, turn.node, history):
        return broken
    for member in change.after.members:
        if member.up and (broken := check_with_history(member.node, history)):
            return broken
    return None


def check_turn(turn: Turn) -> Violation | None:
    """STEP, as far as it is about one server alone."""
    for done in turn.executed:
        if table := properties.ACTION.get(type(done.action)):
            if broken := _first(table, turn.node, done):
                return broken
    old, new = turn.before, turn.after
    if new.disk is not old.disk:
        if broken := _first(properties.DISK, turn.node, old.disk, new.disk):
            return broken
    if isinstance(turn.event, Receive) and isinstance(old.node.role, Leader):
        if broken := _first(properties.RECEIVE, turn.node, old.node, turn.event.message):
            return broken
    if not new.up:
        return None
    if touched := 0 if came_up(turn) else _touched(old.node, new.node):
        if broken := _first(OF_CHANGE[touched], turn.node, old.node, new.node):
            return broken
    return _first(properties.TURN, turn.node, turn)


def check_quorum(turn: Turn, cluster: Cluster) -> Violation | None:
    """STEP, as far as it takes a quorum; `cluster` is what it is after the turn."""
    old, new = turn.before.node, turn.after.node
    return _first(OF_QUORUM[_touched(old, new)], turn.node, old, new, cluster)


def check_server(member: Member) -> Violation | None:
    """ALWAYS, as far as it is about one server."""
    broken = _first(properties.MEMBER, member.node.id, member)
    return broken or _check_node(member.node, EVERYTHING)


def check_pair(a: Node, b: Node) -> Violation | None:
    """ALWAYS, as far as it is about two servers that are up."""
    return _first(properties.PAIR, a.id, a, b)


def check_with_history(node: Node, history: History) -> Violation | None:
    """ALWAYS, as far as it is about one server and what has been."""
    return _first(properties.CLUSTER, node.id, node, history)


def check_history(history: History) -> Violation | None:
    """ALWAYS, as far as it is about what has been alone."""
    return _first(properties.HISTORY, None, history)


def _check_member(cluster: Cluster, member: Member, touched: int) -> Violation | None:
    """ALWAYS, as far as it depends on what was touched of one server."""
    node = member.node
    if broken := _first(properties.MEMBER, node.id, member):
        return broken
    if not touched:
        return None
    if broken := _check_node(node, touched):
        return broken
    if pair := OF_PAIR[touched]:
        for other in cluster.members:
            if other is not member and other.up:
                if broken := _first(pair, node.id, node, other.node):
                    return broken
    return _first(OF_CLUSTER[touched], node.id, node, cluster.history)


def _check_node(node: Node, touched: int) -> Violation | None:
    broken = _first(OF_LOG[touched], node.id, node.log)
    return broken or _first(OF_NODE[touched], node.id, node)


def _touched_in(turn: Turn) -> int:
    return EVERYTHING if came_up(turn) else _touched(turn.before.node, turn.after.node)


def _touched(old: Node, new: Node) -> int:
    """What a step has changed of a server.  Values are immutable: the same object is the same."""
    if old is new:
        return 0
    touched = 0
    if old.current_term != new.current_term or old.voted_for != new.voted_for:
        touched |= VOTE
    if type(old.role) is not type(new.role):
        touched |= ROLE
    if old.log is not new.log:
        touched |= LOG
    if old.commit_index != new.commit_index:
        touched |= COMMIT
    if type(new.role) is Leader and (old.role is not new.role or old.seqno != new.seqno):
        touched |= CALLS
    return touched


def _first(table: Table, node: NodeId | None, *what: object) -> Violation | None:
    for property_ in table:
        detail = property_.holds(*what)
        if detail is not None:
            return Violation(property_.name, node, detail)
    return None


# Witnesses

Witnesses: TypeAlias = dict[object, tuple[witnesses.Witness, ...]]

AT: Final[Witnesses] = {
    kind: tuple(one for one in witnesses.SOMETIMES if kind in one.at)
    for kind in {kind for one in witnesses.SOMETIMES for kind in one.at}
}
"""By the kind of event, or a drain, that they may be seen at."""

AT_REST: Final[Witnesses] = {
    kind: tuple(
        one
        for one in ones
        if one.seen
        in (
            witnesses.snapshot_needed,
            witnesses.append_before_snapshot,
            witnesses.stale_refusal_ignored,
            witnesses.earlier_life_answered,
            witnesses.snapshot_asked_once,
            witnesses.calls_limited,
            witnesses.proposals_pipelined,
            witnesses.refused_in_transfer,
            witnesses.crashed_within_drain,
        )
    )
    for kind, ones in AT.items()
}
"""Those of them that may be seen at a step which leaves the node as it was."""


def seen_in(turn: Turn) -> list[str]:
    """What `witnesses.seen_in` says."""
    kind = witnesses.DRAIN if turn.owed is not None else type(turn.event)
    old, new = turn.before.node, turn.after.node
    ones = (AT_REST if new is old else AT).get(kind, ())
    return [one.name for one in ones if one.seen(turn, old, new)]
