"""Leadership given up, by a leader that may be cut off (dissertation, §6.2), or to another (§3.10).

The user of a leader that hands over waits until the target holds all of its log, and sends it a
message of the user's own; there the event `TimeoutNow` tells of it.  The rest is an election.
"""

from __future__ import annotations

from dataclasses import replace

from spec import values as v
from spec.rules.effect import Effect, refused
from spec.rules.membership import may_campaign
from spec.rules.request_vote import start_election


def step_down(node: v.Node) -> Effect:
    """A leader leads no more.  It stays in its term, where its vote stays given (D3)."""
    if not isinstance(node.role, v.Leader):
        return refused(node, "not_leader", "only a leader steps down")
    return Effect(node._replace(role=v.Follower()), (v.SetElectionTimeout(),), True)


def transfer_leadership(node: v.Node, to: v.NodeId) -> Effect:
    """1. The prior leader stops accepting new client requests; 2. and brings `to` its log."""
    if not isinstance(node.role, v.Leader):
        return refused(node, "not_leader", "only a leader hands over")
    if to == node.id or to not in node.config.electors:
        return refused(node, "invalid_transfer", "leadership goes to another voter")
    return Effect(node._replace(role=replace(node.role, transfer=to)), outcome=True)


def cancel_transfer(node: v.Node) -> Effect:
    """If that takes too long, the prior leader aborts it and takes client requests again."""
    if not isinstance(node.role, v.Leader):
        return refused(node, "not_leader", "only a leader hands over")
    return Effect(node._replace(role=replace(node.role, transfer=None)), outcome=True)


def timeout_now(node: v.Node, term: v.Term) -> Effect:
    """3. The target starts an election, as if its timer had elapsed.

    One that comes late is nothing: the term is over, or the node campaigns already.
    """
    if term != node.current_term or not isinstance(node.role, v.Follower):
        return Effect(node)
    return start_election(node, transfer=True) if may_campaign(node) else Effect(node)
