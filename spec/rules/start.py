"""Start and restart: persistent state (Figure 2), and the first configuration of a cluster."""

from __future__ import annotations

from itertools import pairwise

from spec import values as v
from spec.rules.effect import Effect, refused
from spec.rules.membership import has_quorum
from spec.rules.request_vote import start_election


def start(node_id: v.NodeId, limits: v.Limits = v.LIMITS) -> Effect:
    """A new node: a follower without a log, a term or a cluster."""
    return Effect(v.Node(node_id, limits=limits))


def restart(node_id: v.NodeId, disk: v.Restart) -> Effect:
    """Term, vote and log survive (§5.1); the rest is learnt anew.

    Only the snapshot is known to be committed.  A log that cannot have been written together with
    this term is refused: a lost term would let the node vote twice.
    """
    log = disk.log
    terms = [log.snapshot_position.term, *(entry.term for entry in log.entries), disk.current_term]
    node = v.Node(
        node_id,
        current_term=disk.current_term,
        voted_for=disk.voted_for,
        log=log,
        commit_index=log.snapshot_position.index,
        limits=disk.limits,
    )
    if any(later < earlier for earlier, later in pairwise(terms)):
        return refused(node, "invariant", "terms never fall in a log, nor below it")
    return Effect(node, (v.SetElectionTimeout(),))


def force_new_cluster(
    node_id: v.NodeId, disk: v.Restart, survivors: frozenset[v.NodeId]
) -> v.Restart | v.Refused:
    """The last resort, no rule of Raft: a survivor's disk as that of the only voter.

    All that its log has counts as committed from then on.
    """
    config = disk.log.config
    if node_id not in config.members & survivors or config.members == frozenset({node_id}):
        return v.Refused("unneeded_recovery", "the log of a member that is left, of several")
    if has_quorum(config, survivors):
        return v.Refused("unneeded_recovery", "the survivors are a quorum")
    term = disk.current_term + 1
    alone = v.Entry(term, v.Config(frozenset({node_id})))
    log = disk.log.appended((v.Entry(term, v.TERM), alone))
    return v.Restart(term, node_id, log, disk.limits)


def create_cluster(node: v.Node, voters: frozenset[v.NodeId]) -> Effect:
    """A cluster begins with a configuration entry at index 1 in term 0, and an election.

    The other voters stay empty until the first leader brings them that entry.
    """
    if node.log.last_position != v.ZERO or node.config.members:
        return refused(node, "cluster_exists", "the node has a log already")
    if node.id not in voters:
        return refused(node, "invalid_config", "the creator of a cluster is one of its voters")
    entry = v.Entry(0, v.Config(voters))
    node = node._replace(log=node.log.appended((entry,)))
    position = node.log.last_position
    effect = start_election(node)
    owed = (v.AppendLogEntries(v.ZERO, (entry,)), *effect.owed)
    return Effect(effect.node, owed, position)
