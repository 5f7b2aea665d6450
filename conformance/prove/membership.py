"""What holds of a cluster whose membership changes: candidates for an inductive invariant.

The proof of `conformance.prove.inductive` is for a fixed membership, whose quorums overlap as they
are.  Where membership changes they do as long as the configurations do that can still win an
election.  These lemmas say so.  They hold in all states that random runs and searches within bounds
come by (`tests/prove/test_membership.py`).  By themselves they are not inductive: they say nothing
of messages, of votes, of what a leader knows, nor that somebody can win who has what is committed.

They are modelled on the inductive invariant of MongoDB's logless reconfiguration (Schultz, Dardik,
Tripakis, "Formal Verification of a Distributed Dynamic Reconfiguration Protocol", CPP 2022), whose
names they keep where there is one.  There a configuration is replicated beside the log, and has a
version and a term of its own, by which elections compare; here it is an entry of the log, in force
from its append on and no longer if it is truncated, and elections compare logs.  So:

- the configuration of a server is the last in its log, and newer is whose log is;
- it is active as long as a quorum of it would vote for that log, and otherwise disabled;
- the terms of its elections are those that were led (`History.leaders`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from itertools import combinations, pairwise
from typing import Final, NamedTuple

from spec.always import Detail
from spec.cluster import Cluster, Member
from spec.node import has_quorum
from spec.values import Config, Leader, Log, NodeId, Position, Term

Nodes = frozenset[NodeId]


class Lemma(NamedTuple):
    name: str
    source: str
    holds: Callable[[Cluster], Detail]


def log_of(member: Member) -> Log:
    """The log that a server would campaign with; while it is down, when it is back."""
    return member.node.log if member.up else member.disk.log


def is_active(cluster: Cluster, member: Member) -> bool:
    """Whether a quorum of the server's configuration might vote for its log (§5.4.1).

    A server may vote by its log in memory, or after a crash by what is on its disk.
    """
    log = log_of(member)
    last = log.last_position
    voters = [
        other.node.id
        for other in cluster.members
        if other is member or min(log_of(other).last_position, other.disk.log.last_position) <= last
    ]
    return has_quorum(log.config, frozenset(voters))


@lru_cache(maxsize=10_000)
def overlap(one: Config, other: Config) -> bool:
    """Whether any quorum of one has a server in common with any of the other."""
    everyone = sorted(one.electors | other.electors)
    for size in range(len(everyone) + 1):
        for nodes in combinations(everyone, size):
            rest = frozenset(everyone) - frozenset(nodes)
            if has_quorum(one, frozenset(nodes)) and has_quorum(other, rest):
                return False
    return True


def term_of(member: Member) -> Term:
    """The term that a server is in whatever happens: what is on its disk."""
    return member.disk.current_term


def last_led(cluster: Cluster) -> Term:
    """The last term that was led and that its leader knows of.

    An only voter leads before its term is on the disk.  If it crashes then, nobody knows of it, and
    nothing has come of it.
    """
    members = cluster.members
    led = [term for term, who in cluster.history.leaders if term <= term_of(members[who])]
    return max(led, default=0)


def active_configs_overlap(cluster: Cluster) -> Detail:
    active = [log_of(one).config for one in cluster.members if is_active(cluster, one)]
    for one, other in combinations(active, 2):
        if not overlap(one, other):
            return f"{one} and {other} can both win elections, and need not overlap"
    return None


def active_configs_safe_at_terms(cluster: Cluster) -> Detail:
    led = last_led(cluster)
    behind = frozenset(one.node.id for one in cluster.members if term_of(one) < led)
    for one in cluster.members:
        if is_active(cluster, one) and has_quorum(log_of(one).config, behind):
            return f"{sorted(behind)} can elect node {one.node.id}, none of whom knows term {led}"
    return None


def newer_configs_disable_commits_in_older_terms(cluster: Cluster) -> Detail:
    led = last_led(cluster)
    for one in cluster.members:
        term = one.node.current_term
        if one.up and isinstance(one.node.role, Leader) and term < led:
            still = frozenset(other.node.id for other in cluster.members if term_of(other) <= term)
            if has_quorum(one.node.config, still):
                return f"the leader of term {term} can commit, after one of term {led}"
    return None


def active_configs_overlap_with_committed_entry(cluster: Cluster) -> Detail:
    position = last_committed(cluster)
    if position is None:
        return None
    lacking = frozenset(one.node.id for one in cluster.members if not has(one.disk.log, position))
    for one in cluster.members:
        if is_active(cluster, one) and has_quorum(log_of(one).config, lacking):
            return f"{sorted(lacking)} lack {position}, and can elect node {one.node.id}"
    return None


def active_logs_have_what_is_committed(cluster: Cluster) -> Detail:
    position = last_committed(cluster)
    if position is None:
        return None
    for one in cluster.members:
        if is_active(cluster, one) and not has(log_of(one), position):
            return f"node {one.node.id} can be elected without {position}"
    return None


def configs_follow_each_other(cluster: Cluster) -> Detail:
    for member in cluster.members:
        log = log_of(member)
        for (_, one), (_, other) in pairwise(configs_in(log)):
            if one.is_joint:
                fine = other == Config(one.new_voters, frozenset(), one.non_voters)
            else:
                fine = other.voters == one.voters
            if not fine:
                return f"in the log of node {member.node.id} {other} follows {one}"
    return None


def joint_is_committed_before_it_is_left(cluster: Cluster) -> Detail:
    committed = cluster.history.committed
    for member in cluster.members:
        log = log_of(member)
        for (index, one), _ in pairwise(configs_in(log)):
            if not one.is_joint or index <= log.snapshot_position.index:
                continue
            if index > len(committed) or committed[index - 1] != log.entry(index):
                return f"node {member.node.id} has left {one} at {index}, which is not committed"
    return None


def last_committed(cluster: Cluster) -> Position | None:
    """The other committed entries are before it, and whose log has it has them (§5.3)."""
    committed = cluster.history.committed
    return Position(committed[-1].term, len(committed)) if committed else None


def has(log: Log, position: Position) -> bool:
    """A snapshot has what is committed; that it has is §5.4.3, and no matter here."""
    return position.index < log.snapshot_position.index or log.contains(position)


def configs_in(log: Log) -> list[tuple[int, Config]]:
    """The configurations in a log, in order, from that of the snapshot on."""
    found = (
        [(log.snapshot_position.index, log.snapshot_config)] if log.snapshot_config.voters else []
    )
    for offset, entry in enumerate(log.entries):
        if isinstance(entry.payload, Config):
            found.append((log.snapshot_position.index + 1 + offset, entry.payload))
    return found


LEMMAS: Final = (
    Lemma("ActiveConfigsOverlap", "Schultz et al.", active_configs_overlap),
    Lemma("ActiveConfigsSafeAtTerms", "Schultz et al.", active_configs_safe_at_terms),
    Lemma(
        "NewerConfigsDisableCommitsInOlderTerms",
        "Schultz et al.",
        newer_configs_disable_commits_in_older_terms,
    ),
    Lemma(
        "ActiveConfigsOverlapWithCommittedEntry",
        "Schultz et al.",
        active_configs_overlap_with_committed_entry,
    ),
    Lemma("ActiveLogsHaveWhatIsCommitted", "§5.4.3", active_logs_have_what_is_committed),
    Lemma("ConfigsFollowEachOther", "§6", configs_follow_each_other),
    Lemma("JointIsCommittedBeforeItIsLeft", "§6", joint_is_committed_before_it_is_left),
)


def broken(cluster: Cluster) -> list[tuple[str, str]]:
    """The lemmas that do not hold of a state, and what was seen."""
    found = [(one.name, one.holds(cluster)) for one in LEMMAS]
    return [(name, detail) for name, detail in found if detail is not None]
