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
# it), its log, its commit index, what a leader knows of calls, what is known in any other role.
# What is touched is a set of these, one bit for each.
VOTE: Final = 1
ROLE: Final = 2
LOG: Final = 4
COMMIT: Final = 8
CALLS: Final = 16
KNOWN: Final = 32
EVERYTHING: Final = VOTE | ROLE | LOG | COMMIT | CALLS | KNOWN

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
    steps.leader_kept_in_term: ROLE | CALLS | KNOWN,
    steps.removed_leader_steps_down: ROLE | COMMIT,
}
"""What of a server a step has to touch to break a property; nothing for one that is not here."""


TABLES: Final[tuple[Table, ...]] = (
    properties.LOG,
    properties.NODE,
    properties.MEMBER,
    properties.PAIR,
    properties.CLUSTER,
    properties.HISTORY,
    properties.CHANGE,
    properties.QUORUM,
    properties.DISK,
    properties.TURN,
    properties.RECEIVE,
    *properties.ACTION.values(),
)
NAMES: Final = frozenset(one.name for table in TABLES for one in table)
"""Of all properties."""


def by_touched(table: Table) -> tuple[Table, ...]:
    """For each set of what may be touched, the properties of a table that it may break."""
    return tuple(
        tuple(one for one in table if one.holds not in READS or READS[one.holds] & touched)
        for touched in range(EVERYTHING + 1)
    )


OF_LOG: Final = by_touched(properties.LOG)
OF_NODE: Final = by_touched(properties.NODE)
OF_PAIR: Final = by_touched(properties.PAIR)
OF_CLUSTER: Final = by_touched(properties.CLUSTER)
OF_CHANGE: Final = by_touched(properties.CHANGE)
OF_QUORUM: Final = by_touched(properties.QUORUM)
OF_TURN: Final = by_touched(properties.TURN)

OF_HISTORY: Final[dict[Callable[..., Any], tuple[str, ...]]] = {
    always.one_leader_ever: ("leaders",),
    always.leader_completeness: ("committed", "committed_in"),
    always.state_machine_safety: ("committed",),
    always.read_index_safe: ("stale_reads",),
    always.vote_once_per_term: ("votes",),
}
"""What a property reads of the history; one that is not here may read all of it."""


def check_change(change: Change) -> Violation | None:
    """What `properties.check` finds, or another of the properties that the step has broken.

    It is asked after every step, so the state before is known to be in order.
    """
    turn = change.turn
    if turn is None:
        return None
    fresh = came_up(turn)
    touched = EVERYTHING if fresh else _touched(turn.before.node, turn.after.node)
    if broken := _check_turn(turn, touched, fresh):
        return broken
    before, after = change.before, change.after
    if turn.after.up:
        if not fresh and (table := OF_QUORUM[touched]):
            old, new = turn.before.node, turn.after.node
            if broken := _first(table, new.id, old, new, after):
                return broken
        if broken := _check_member(after, turn.after, touched):
            return broken
    if after.history is before.history:
        return None
    return _check_history(after, turn.node, before.history)


def _check_history(cluster: Cluster, node: NodeId, before: History) -> Violation | None:
    """ALWAYS, as far as it reads what a step has changed of the history."""
    history = cluster.history
    fields = zip(History._fields, before, history, strict=True)
    changed = {name for name, old, new in fields if new is not old}
    if table := _reading(properties.HISTORY, changed):
        if broken := _first(table, node, history):
            return broken
    if table := _reading(properties.CLUSTER, changed):
        for member in cluster.members:
            if member.up and (broken := _first(table, member.node.id, member.node, history)):
                return broken
    return None


def _reading(table: Table, changed: set[str]) -> Table:
    return tuple(
        [one for one in table if not changed.isdisjoint(OF_HISTORY.get(one.holds, changed))]
    )


def check_turn(turn: Turn) -> Violation | None:
    """STEP, as far as it is about one server alone."""
    fresh = came_up(turn)
    touched = EVERYTHING if fresh else _touched(turn.before.node, turn.after.node)
    return _check_turn(turn, touched, fresh)


def _check_turn(turn: Turn, touched: int, fresh: bool) -> Violation | None:
    """`fresh`: the server has just come up."""
    old, new, event = turn.before, turn.after, turn.event
    at = new.node.id
    for done in turn.executed:
        if table := properties.ACTION.get(type(done.action)):
            if broken := _first(table, at, done):
                return broken
    if new.disk is not old.disk:
        if broken := _first(properties.DISK, at, old.disk, new.disk):
            return broken
    if type(event) is Receive and type(old.node.role) is Leader:
        if broken := _first(properties.RECEIVE, at, old.node, event.message):
            return broken
    if not new.up:
        return None
    if not fresh and (changed := OF_CHANGE[touched]):
        if broken := _first(changed, at, old.node, new.node):
            return broken
    return _first(OF_TURN[touched], at, turn)


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
    table = OF_CLUSTER[touched]
    return _first(table, node.id, node, cluster.history) if table else None


def _check_node(node: Node, touched: int) -> Violation | None:
    if of_log := OF_LOG[touched]:
        if broken := _first(of_log, node.id, node.log):
            return broken
    of_node = OF_NODE[touched]
    return _first(of_node, node.id, node) if of_node else None


def _touched(old: Node, new: Node) -> int:
    """What a step has changed of a server.  Values are immutable: the same object is the same."""
    if old is new:
        return 0
    touched = 0
    if old.role is not new.role:
        touched = CALLS if type(new.role) is Leader else KNOWN
        if type(old.role) is not type(new.role):
            touched |= ROLE
    elif old.seqno != new.seqno and type(new.role) is Leader:
        touched = CALLS
    if old.current_term != new.current_term or old.voted_for != new.voted_for:
        touched |= VOTE
    if old.log is not new.log:
        touched |= LOG
    if old.commit_index != new.commit_index:
        touched |= COMMIT
    return touched


def _first(table: Table, node: NodeId | None, *what: object) -> Violation | None:
    for property_ in table:
        detail = property_.holds(*what)
        if detail is not None:
            return Violation(property_.name, node, detail)
    return None


# Witnesses

Witnesses: TypeAlias = tuple[witnesses.Witness, ...]

SHOWS: Final[dict[Callable[..., bool], int]] = {
    witnesses.leader_elected: ROLE,
    witnesses.election_without_winner: VOTE,
    witnesses.leader_deposed: VOTE,
    witnesses.timer_ran_on: VOTE,
    witnesses.candidate_followed_leader: ROLE,
    witnesses.conflict_dropped: LOG,
    witnesses.whole_terms_dropped: LOG,
    witnesses.config_rolled_back: LOG,
    witnesses.committed_indirectly: COMMIT,
    witnesses.joint_config_committed: COMMIT,
    witnesses.change_completed: COMMIT,
    witnesses.removed_leader_stepped_down: ROLE,
    witnesses.non_voter_replicated: CALLS,
    witnesses.snapshot_kept_suffix: LOG,
    witnesses.committed_at_end_of_drain: COMMIT,
    witnesses.read_confirmed: VOTE | LOG | CALLS,
    witnesses.transfer_elected: ROLE,
    witnesses.voter_demoted: LOG,
    witnesses.lagging_installed: EVERYTHING,
    witnesses.pending_action_compacted: EVERYTHING,
    witnesses.leader_gave_up: EVERYTHING,
}
"""What of a server a step has to touch for it to be this; one that is not here may touch nothing.
"""


def by_kind() -> dict[object, tuple[Witnesses, ...]]:
    """By the kind of event, or a drain, and by what was touched: the witnesses of such a step."""
    kinds = {kind for one in witnesses.SOMETIMES for kind in one.at}
    return {
        kind: tuple(
            tuple(
                one
                for one in witnesses.SOMETIMES
                if kind in one.at and (one.seen not in SHOWS or SHOWS[one.seen] & touched)
            )
            for touched in range(EVERYTHING + 1)
        )
        for kind in kinds
    }


AT: Final = by_kind()


def seen_in(turn: Turn) -> list[str]:
    """What `witnesses.seen_in` says."""
    of_kind = AT.get(witnesses.DRAIN if turn.owed is not None else type(turn.event))
    if of_kind is None:
        return []
    old, new = turn.before.node, turn.after.node
    return [one.name for one in of_kind[_touched(old, new)] if one.seen(turn, old, new)]
