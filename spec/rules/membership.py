"""Cluster membership changes (§6): joint consensus, and who counts for what meanwhile."""

from __future__ import annotations

from dataclasses import replace

from spec import values as v
from spec.rules.append_entries import append_as_leader
from spec.rules.effect import Effect, refused


def has_quorum(config: v.Config, nodes: frozenset[v.NodeId]) -> bool:
    """A majority of the voters, and in a joint configuration of the new voters too."""

    def majority(voters: frozenset[v.NodeId]) -> bool:
        return len(nodes & voters) > len(voters) // 2

    return majority(config.voters) and (not config.is_joint or majority(config.new_voters))


def propose_config(node: v.Node, config: v.Config) -> Effect:
    """A change of voters goes through a joint configuration, one at a time.

    An old voter may be among its non-voters: it becomes one with C_new.
    """
    if not isinstance(node.role, v.Leader):
        return refused(node, "not_leader", "only a leader accepts proposals")
    if node.role.transfer is not None:
        return refused(node, "transferring", "leadership is being handed over")
    if config.voters != node.config.voters:
        return refused(node, "invalid_config", "voters change through new_voters only")
    if (config.new_voters if config.is_joint else config.voters) & config.non_voters:
        return refused(node, "invalid_config", "a node is a voter or a non-voter, not both")
    if node.config.is_joint:
        return refused(node, "invalid_config", "another change is in progress")
    effect = append_config(node, config)
    return effect._replace(outcome=effect.node.log.last_position)


def append_config(node: v.Node, config: v.Config) -> Effect:
    """A configuration is in force as soon as it is in the log, committed or not."""
    effect = append_as_leader(node, config)
    node = effect.node._replace(role=track_members(effect.node))
    return effect._replace(node=node)


def track_members(node: v.Node) -> v.Leader:
    """The peers of the configuration in force: known ones as they are, others from nothing."""
    assert isinstance(node.role, v.Leader)
    known = {peer.node: peer for peer in node.role.peers}
    peers = tuple(known.get(peer, v.Progress(peer)) for peer in node.peers)
    return replace(node.role, peers=peers)


def config_committed(node: v.Node) -> Effect:
    """What follows once the latest configuration is committed.

    After C_old,new its leader appends C_new.  After C_new a leader that has no vote in it steps
    down; its vote stays given (D3).
    """
    if node.config.is_joint:
        return append_config(
            node, v.Config(node.config.new_voters, frozenset(), node.config.non_voters)
        )
    if node.id not in node.config.voters:
        return Effect(node._replace(role=v.Follower()), (v.SetElectionTimeout(),))
    return Effect(node)


def may_campaign(node: v.Node) -> bool:
    """Who has a vote in the configuration in force may; a non-voter may not.

    Who had one before keeps the right until a later configuration is known to be committed
    (dissertation, §4.2.2): it may be that only a log with that configuration can still win, and
    only those who left have one.
    """
    config, index = node.log.config, node.log.config_index
    while node.id not in config.electors:
        if index <= node.commit_index:
            return False
        config, index = node.log.latest_config(index - 1)
    return True
