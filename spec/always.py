"""ALWAYS: what holds in every state: of a log, of a server, of two, of one and the history.

A predicate returns None where the property holds, and otherwise says what is wrong.
"""

from __future__ import annotations

from itertools import pairwise

from spec.cluster import Disk, History, Member
from spec.pending import NOTHING
from spec.quorums import confirmed_by_quorum
from spec.values import Candidate, Config, Index, Leader, Log, Node

Detail = str | None


# One log


def terms_monotonic_in_log(log: Log) -> Detail:
    """Terms never fall along a log."""
    term = log.snapshot_position.term
    for entry in log.entries:
        if entry.term < term:
            return f"an entry of term {entry.term} follows one of term {term}"
        term = entry.term
    return None


def config_from_log(log: Log) -> Detail:
    """§6: the configuration in force is the last one in the log, committed or not."""
    for offset in range(len(log.entries) - 1, -1, -1):
        payload = log.entries[offset].payload
        if isinstance(payload, Config):
            found = payload, log.snapshot_position.index + 1 + offset
            break
    else:
        found = log.snapshot_config, log.snapshot_position.index
    if found == (log.config, log.config_index):
        return None
    return f"{log.config} is in force, the log's last is {found[0]} at {found[1]}"


# One server


def term_not_below_log(node: Node) -> Detail:
    """A server is at least in the term of its last entry."""
    term = node.log.last_position.term
    return f"a log of term {term} in term {node.current_term}" if term > node.current_term else None


def snapshot_within_commit(node: Node) -> Detail:
    if node.log.snapshot_position.index <= node.commit_index <= node.log.last_index:
        return None
    return (
        f"commit index {node.commit_index} is not within the log, from its snapshot at "
        f"{node.log.snapshot_position.index} to {node.log.last_index}"
    )


def role_agrees_with_vote(node: Node) -> Detail:
    """§5.2: who campaigns or leads has voted for itself."""
    if isinstance(node.role, (Candidate, Leader)) and node.voted_for != node.id:
        return f"a {type(node.role).__name__.lower()} whose vote went to {node.voted_for}"
    return None


def disk_agrees_with_memory(member: Member) -> Detail:
    """With nothing owed, the disk holds the node's term, vote and log."""
    node, disk = member.node, member.disk
    if member.pending != NOTHING:
        return None
    if (disk.current_term, disk.voted_for, disk.log) == (
        node.current_term,
        node.voted_for,
        node.log,
    ):
        return None
    return f"in memory {_persistent(node)}, on disk {_persistent(disk)}"


def _persistent(of: Node | Disk) -> str:
    return f"term {of.current_term}, vote {of.voted_for}, log up to {of.log.last_position}"


# Two servers


def one_leader_at_a_time(a: Node, b: Node) -> Detail:
    if not (isinstance(a.role, Leader) and isinstance(b.role, Leader)):
        return None
    if a.current_term != b.current_term:
        return None
    return f"nodes {a.id} and {b.id} both lead term {a.current_term}"


def log_matching(a: Node, b: Node) -> Detail:
    """§5.3: logs with an entry of the same index and term are the same up to there."""
    one, other = a.log, b.log
    first = max(one.snapshot_position.index, other.snapshot_position.index)
    last = min(one.last_index, other.last_index)
    while last > first and one.term(last) != other.term(last):
        last -= 1
    where = _first_difference(one, other, last)
    if where is None:
        return None
    return (
        f"nodes {a.id} and {b.id} have the same term at index {last}, "
        f"but {one.entry(where)} and {other.entry(where)} at {where}"
    )


def committed_entries_agree(a: Node, b: Node) -> Detail:
    """§5.4.3: no two servers have committed different entries at one index."""
    one, other = a.log, b.log
    last = min(a.commit_index, b.commit_index, one.last_index, other.last_index)
    where = _first_difference(one, other, last)
    if where is None:
        return None
    return (
        f"index {where}: node {a.id} committed {one.entry(where)}, node {b.id} {other.entry(where)}"
    )


def _first_difference(one: Log, other: Log, last: Index) -> Index | None:
    """The first index up to `last`, after both snapshots, at which two logs have other entries."""
    first = max(one.snapshot_position.index, other.snapshot_position.index)
    if last <= first or entries_between(one, first, last) == entries_between(other, first, last):
        return None
    return next(i for i in range(first + 1, last + 1) if one.entry(i) != other.entry(i))


def entries_between(log: Log, after: Index, last: Index) -> object:
    """The entries after one index, up to another."""
    start = log.snapshot_position.index
    return log.entries[after - start : last - start]


# One server and the history


def one_leader_ever(node: Node, history: History) -> Detail:
    """§5.2: at most one leader can be elected in a given term."""
    if not isinstance(node.role, Leader):
        return None
    others = [who for term, who in history.leaders if term == node.current_term and who != node.id]
    return f"node {others[0]} led term {node.current_term} too" if others else None


def leader_completeness(node: Node, history: History) -> Detail:
    """§5.4: a leader's log has every entry that was committed in an earlier term."""
    if not isinstance(node.role, Leader):
        return None
    last = len(history.committed)
    while last and history.committed_in[last - 1] >= node.current_term:
        last -= 1
    if last > node.log.last_index:
        return f"the leader of term {node.current_term} lacks committed index {last}"
    wrong = _first_difference(node.log, Log(entries=history.committed), last)
    if wrong is None:
        return None
    return (
        f"the leader of term {node.current_term} has {node.log.entry(wrong)} at index {wrong}, "
        f"where {history.committed[wrong - 1]} was committed in term "
        f"{history.committed_in[wrong - 1]}"
    )


def state_machine_safety(node: Node, history: History) -> Detail:
    """§5.4.3: what a server commits at an index is what was ever committed there."""
    last = min(node.commit_index, len(history.committed), node.log.last_index)
    wrong = _first_difference(node.log, Log(entries=history.committed), last)
    if wrong is None:
        return None
    return (
        f"index {wrong}: {node.log.entry(wrong)} is committed, and "
        f"{history.committed[wrong - 1]} was before: a committed entry is lost"
    )


def read_index_safe(node: Node, history: History) -> Detail:
    """§8; dissertation, §6.4: what is confirmed of a read is that no later leader had committed
    anything when it was taken.
    """
    for who, term, seqno in history.stale_reads:
        if who == node.id and isinstance(node.role, Leader) and term == node.current_term:
            if confirmed_by_quorum(node) >= seqno:
                return f"a stale read is confirmed in term {term}, by call {seqno} or a later one"
    return None


# The history


def vote_once_per_term(history: History) -> Detail:
    """§5.2: a server votes for at most one candidate in a given term."""
    for (who, term, to), (next_who, next_term, other) in pairwise(sorted(history.votes)):
        if (who, term) == (next_who, next_term):
            return f"node {who} voted for {to} and for {other} in term {term}"
    return None
