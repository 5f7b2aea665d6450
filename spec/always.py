"""ALWAYS: what holds in every state, as predicates on one server, on two, on one and the history.

A predicate returns None where the property holds, and otherwise says what is wrong.
"""

from __future__ import annotations

from itertools import pairwise

from spec.cluster import History, Member
from spec.pending import NOTHING
from spec.values import Candidate, Config, Index, Leader, Log

Detail = str | None


# ALWAYS, one server


def terms_monotonic_in_log(member: Member) -> Detail:
    """Terms never fall along a log, nor does the node's own lie below them."""
    return _terms_fall(member.node.log, member.node.current_term) or _terms_fall(
        member.disk.log, member.disk.current_term
    )


def _terms_fall(log: Log, current_term: int) -> Detail:
    term = log.snapshot_position.term
    for entry in log.entries:
        if entry.term < term:
            return f"an entry of term {entry.term} follows one of term {term}"
        term = entry.term
    return f"a log of term {term} in term {current_term}" if term > current_term else None


def snapshot_within_commit(member: Member) -> Detail:
    node = member.node
    if node.log.snapshot_position.index <= node.commit_index <= node.log.last_index:
        return None
    return (
        f"commit index {node.commit_index} is not within the log, from its snapshot at "
        f"{node.log.snapshot_position.index} to {node.log.last_index}"
    )


def config_from_log(member: Member) -> Detail:
    """§6: the configuration in force is the last one in the log, committed or not."""
    log = member.node.log
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


def role_agrees_with_vote(member: Member) -> Detail:
    """§5.2: who campaigns or leads has voted for itself."""
    node = member.node
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


def _persistent(state: object) -> str:
    term, vote = getattr(state, "current_term", None), getattr(state, "voted_for", None)
    last = getattr(state, "log", Log()).last_position
    return f"term {term}, vote {vote}, log up to {last}"


# ALWAYS, two servers


def one_leader_at_a_time(a: Member, b: Member) -> Detail:
    if not (isinstance(a.node.role, Leader) and isinstance(b.node.role, Leader)):
        return None
    if a.node.current_term != b.node.current_term:
        return None
    return f"nodes {a.node.id} and {b.node.id} both lead term {a.node.current_term}"


def log_matching(a: Member, b: Member) -> Detail:
    """§5.3: logs with an entry of the same index and term are the same up to there."""
    one, other = a.node.log, b.node.log
    first = max(one.snapshot_position.index, other.snapshot_position.index)
    last = min(one.last_index, other.last_index)
    while last > first and one.term(last) != other.term(last):
        last -= 1
    if last <= first or entries_between(one, first, last) == entries_between(other, first, last):
        return None
    where = next(i for i in range(first + 1, last + 1) if one.entry(i) != other.entry(i))
    return (
        f"nodes {a.node.id} and {b.node.id} have the same term at index {last}, "
        f"but {one.entry(where)} and {other.entry(where)} at {where}"
    )


def committed_entries_agree(a: Member, b: Member) -> Detail:
    """§5.4.3: no two servers have committed different entries at one index."""
    one, other = a.node.log, b.node.log
    first = max(one.snapshot_position.index, other.snapshot_position.index)
    last = min(a.node.commit_index, b.node.commit_index, one.last_index, other.last_index)
    if last <= first or entries_between(one, first, last) == entries_between(other, first, last):
        return None
    where = next(i for i in range(first + 1, last + 1) if one.entry(i) != other.entry(i))
    return (
        f"index {where}: node {a.node.id} committed {one.entry(where)}, "
        f"node {b.node.id} {other.entry(where)}"
    )


def entries_between(log: Log, after: Index, last: Index) -> object:
    start = log.snapshot_position.index
    return log.entries[after - start : last - start]


# ALWAYS, one server and the history


def one_leader_ever(member: Member, history: History) -> Detail:
    """§5.2: at most one leader can be elected in a given term."""
    node = member.node
    if not isinstance(node.role, Leader):
        return None
    others = [who for term, who in history.leaders if term == node.current_term and who != node.id]
    return f"node {others[0]} led term {node.current_term} too" if others else None


def leader_completeness(member: Member, history: History) -> Detail:
    """§5.4: a leader's log has every entry that was committed in an earlier term."""
    node = member.node
    if not isinstance(node.role, Leader):
        return None
    for index in range(node.log.snapshot_position.index + 1, len(history.committed) + 1):
        committed = history.committed[index - 1]
        if committed.term >= node.current_term:
            continue
        if index > node.log.last_index:
            return f"the leader of term {node.current_term} lacks committed index {index}"
        entry = node.log.entry(index)
        if (entry.term, entry.payload) != (committed.entry_term, committed.payload):
            return (
                f"the leader of term {node.current_term} has {entry} at index {index}, where an "
                f"entry of term {committed.entry_term} was committed in term {committed.term}"
            )
    return None


def state_machine_safety(member: Member, history: History) -> Detail:
    """§5.4.3: what a server commits at an index is what was ever committed there."""
    node = member.node
    for index in range(node.log.snapshot_position.index + 1, node.commit_index + 1):
        if index > min(len(history.committed), node.log.last_index):
            return None
        committed, entry = history.committed[index - 1], node.log.entry(index)
        if (entry.term, entry.payload) != (committed.entry_term, committed.payload):
            return (
                f"index {index}: {entry} is committed, and an entry of term "
                f"{committed.entry_term} was before: a committed entry is lost"
            )
    return None


def vote_once_per_term(member: Member, history: History) -> Detail:
    """§5.2: a server votes for at most one candidate in a given term."""
    mine = sorted((term, to) for who, term, to in history.votes if who == member.node.id)
    for (term, to), (next_term, other) in pairwise(mine):
        if term == next_term:
            return f"voted for {to} and for {other} in term {term}"
    return None
